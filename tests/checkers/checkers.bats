# SPDX-License-Identifier: Apache-2.0
#
# Tests of the checkers. Each checker must find a planted breach: a checker that finds nothing proves nothing.
# They work on copies; the tree itself does not change.

bats_require_minimum_version 1.5.0

setup() {
	TOP=${FAUXROOT_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	COPY=$BATS_TEST_TMPDIR/copy
	mkdir "$COPY"
	cp -a "$TOP"/{Makefile,VERSION,.clang-format,.clang-tidy,.codespellrc,include,src,scripts,man} "$COPY"
	mkdir -p "$COPY/tests/fuzz" "$COPY/tests/unit"
	# The results of a checker here are not results of the run that this test is part of.
	unset RESULTS BUILD
	export LINT_TOP=$COPY
	cd "$COPY" || return
}

# finds STATUS TEXT COMMAND…: the command exits with this status and prints the text
finds() {
	local wanted=$1 text=$2
	shift 2
	run "$@"
	[ "$status" -eq "$wanted" ] || { echo "status $status: $output" && return 1; }
	[[ $output == *"$text"* ]] || { echo "no \"$text\" in: $output" && return 1; }
}

# plant FILE: create a C file from stdin, in the right format
plant() {
	{
		echo '/* SPDX-License-Identifier: Apache-2.0 */'
		cat
	} >"$1"
	clang-format -i "$1"
}

@test "check-layers: the tree as it is has no breach" {
	finds 0 "no breach" scripts/check-layers "$COPY"
}

@test "check-layers: a room includes one above it" {
	plant src/base/planted.c <<<'#include "fauxroot/net/net.h"'
	finds 1 "src/base/planted.c:2: room base (0) includes" scripts/check-layers "$COPY"
}

@test "check-layers: a room includes its neighbour" {
	plant src/state/planted.c <<<'#include "fauxroot/net/net.h"'
	finds 1 "src/state/planted.c:2: room state (3) includes" scripts/check-layers "$COPY"
}

@test "check-layers: a header includes a room above its own" {
	plant include/fauxroot/sys/planted.h <<<'#include "fauxroot/idmap/idmap.h"'
	finds 1 "include/fauxroot/sys/planted.h:2: room sys (1) includes" scripts/check-layers "$COPY"
}

@test "check-layers: a room includes another's private header" {
	plant src/mounts/planted.c <<<'#include "../net/restart.h"'
	finds 1 "a private header is for its own room" scripts/check-layers "$COPY"
}

@test "check-layers: an unknown room" {
	mkdir src/attic
	plant src/attic/planted.c </dev/null
	finds 1 '"attic" is no room' scripts/check-layers "$COPY"
}

# with_documents: copy the documents, too
with_documents() {
	cp -a "$TOP"/{*.md,LICENSE,docs} "$COPY"
	cp -a "$TOP/tests/." "$COPY/tests"
	cp -a "$TOP/contrib" "$COPY"
}

@test "doc-links: the documents as they are have no breach" {
	with_documents
	finds 0 "" scripts/doc-links "$COPY"
	[ -z "$output" ]
}

@test "doc-links: a link to a missing file, and to a missing heading" {
	with_documents
	printf '# Planted\n\nSee [this](gone.md) and [that](ports.md#the-builtin-driver).\n' >docs/planted.md
	finds 1 "docs/planted.md:3: the link leads to no file: gone.md" scripts/doc-links "$COPY"
	[ "${#lines[@]}" = 1 ]
	printf '# Planted\n\n[this](ports.md#gone), [that](#planted), [there](../docs/)\n' >docs/planted.md
	finds 1 "no heading of this name: ports.md#gone" scripts/doc-links "$COPY"
	[ "${#lines[@]}" = 1 ]
}

@test "doc-links: a missing path, in a document and in a source" {
	with_documents
	# Patterns, placeholders, and other text in backquotes are no paths.
	printf '`src/*/err.c` `tests/{unit,fuzz}` `docs/decisions/NNN-title.md` `api.sock/x` `base/err.c`\n' \
		>docs/planted.md
	finds 0 "" scripts/doc-links "$COPY"
	printf '`tests/gone.bats`\n' >docs/planted.md
	finds 1 "docs/planted.md:1: there is no such file: tests/gone.bats" scripts/doc-links "$COPY"
	printf '`base/gone.c`\n' >docs/planted.md
	finds 1 "docs/planted.md:1: there is no such file: base/gone.c" scripts/doc-links "$COPY"
	rm docs/planted.md
	plant src/base/planted.c <<<'/* See docs/gone.md. */'
	finds 1 "src/base/planted.c:2: there is no such file: docs/gone.md" scripts/doc-links "$COPY"
}

@test "doc-links: a decision that the index does not have, or with another status" {
	with_documents
	printf '# 998. Planted\n\nDate: 2026-11-29 · Status: accepted\n' >docs/decisions/998-planted.md
	finds 1 'docs/decisions/README.md: no row "| 998 | [Planted](998-planted.md) | 2026-11-29 | accepted |"' \
		scripts/doc-links "$COPY"
	printf '# 997. Planted\n\n2026-11-29\n' >docs/decisions/998-planted.md
	finds 1 'docs/decisions/998-planted.md:1: the heading is not "# 998. TITLE"' scripts/doc-links "$COPY"
	[[ $output == *'docs/decisions/998-planted.md:3: the line is not "Date: '* ]]
	rm docs/decisions/998-planted.md
	sed -i 3s/accepted/withdrawn/ docs/decisions/001-*.md
	finds 1 "docs/decisions/README.md: no row \"| 001 |" scripts/doc-links "$COPY"
}

# plant_reader EXPRESSION: plant a file that reads the text of the error @err, beside another struct's text
plant_reader() {
	plant src/state/planted.c <<-EOF
		#include <stdio.h>

		#include "fauxroot/base/err.h"
		#include "fauxroot/base/log.h"
		#include "fauxroot/base/str.h"

		struct helper_of_a_sort {
			char text[64];
		};

		/* err->text in a comment */
		int planted(const struct error *err, const struct helper_of_a_sort *helper)
		{
			log_debug("err->text: %s (%s)",
				  err->text, helper->text);
			return strstr(helper->text, "x") || $1;
		}
	EOF
}

@test "check-errors: the tree as it is has no breach, nor has code that prints" {
	finds 0 "no breach" scripts/check-errors "$COPY"
	plant_reader 'fprintf(stderr, "%s (", err->text) < 0'
	finds 0 "no breach" scripts/check-errors "$COPY"
}

@test "check-errors: the text of an error is parsed, compared, copied" {
	plant_reader 'strstr(err->text, "x") != NULL'
	finds 1 "src/state/planted.c:16: the text of an error is read by strstr()" \
		scripts/check-errors "$COPY"
	plant_reader 'fprintf(stderr, "x") < 0 || streq("x", (err->text))'
	finds 1 "src/state/planted.c:16: the text of an error is read by streq()" \
		scripts/check-errors "$COPY"
	plant_reader '*err->text'
	finds 1 "src/state/planted.c:16: the text of an error is read, not printed" \
		scripts/check-errors "$COPY"
	plant_reader 'snprintf(NULL, 0, "%s", err->text) > 0'
	finds 1 "the text of an error is read by snprintf()" scripts/check-errors "$COPY"
}

@test "check-errors: the member has another name, or a file does not compile" {
	plant src/state/planted.c <<<'int planted(void) { return this.text; }'
	finds 1 "check-errors: it does not compile" scripts/check-errors "$COPY"
	sed -i 's/char text\[1024\]/char words[1024]/' include/fauxroot/base/err.h
	finds 1 'check-errors: no member "text"' scripts/check-errors "$COPY"
}

@test "check-layers: two files that include each other's headers" {
	plant src/sys/planted.h <<<'int planted(void);'
	plant src/sys/planted.c <<<'#include "seeded.h"'
	plant src/sys/seeded.h <<<'int seeded(void);'
	plant src/sys/seeded.c <<<'#include "planted.h"'
	finds 1 "circle: sys/planted sys/seeded" scripts/check-layers "$COPY"
	[[ $output == *"src/sys/planted.c:2: includes src/sys/seeded.h"* ]]
	[[ $output == *"src/sys/seeded.c:2: includes src/sys/planted.h"* ]]
}

@test "check-layers: a header of another name does not hide a circle of the files that implement it" {
	plant include/fauxroot/sys/face.h <<-'EOT'
		int planted(int n);
		int seeded(int n);
		int (*sown(void))(void);
		extern const int harvested;
	EOT
	plant src/sys/planted.c <<-'EOT'
		#include "fauxroot/sys/face.h"
		int planted(int n)
		{
			return n ? seeded(n - 1) : 0; /* reaped( */
		}
	EOT
	plant src/sys/seeded.c <<-'EOT'
		#include "fauxroot/sys/face.h"
		const int harvested = 1;
		int seeded(int n)
		{
			return n;
		}
	EOT
	finds 0 "no breach" scripts/check-layers "$COPY"
	# A function's name in a comment, in a string, of a struct or as a part of another name is no use of it.
	cat >>src/sys/seeded.c <<-'EOT'
		struct field { int n; };
		/* planted(0) */
		static const char *const text = "planted(0)";
		static int planted_too(const struct field *f, const struct planted *p) { return f->n; }
	EOT
	finds 0 "no breach" scripts/check-layers "$COPY"
	echo 'int (*sown(void))(void) { return (int (*)(void))planted; }' >>src/sys/seeded.c
	finds 1 "circle: sys/planted sys/seeded" scripts/check-layers "$COPY"
	[[ $output == *"src/sys/planted.c:5: uses seeded of sys/seeded"* ]]
	[[ $output == *"uses planted of sys/planted"* ]]
}

@test "check-layers: a circle of three, by an object and an inclusion" {
	plant src/sys/one.h <<<'extern const int one;'
	plant src/sys/one.c <<-'EOT'
		#include "one.h"
		#include "two.h"
		const int one = 1;
	EOT
	plant src/sys/two.h <<<'struct two { int n; };'
	plant src/sys/two.c <<-'EOT'
		#include "two.h"
		#include "three.h"
	EOT
	plant src/sys/three.h <<<'struct three { int n; };'
	plant src/sys/three.c <<<'#include "three.h"'
	finds 0 "no breach" scripts/check-layers "$COPY"
	printf '#include "one.h"\nint three(void)\n{\n\treturn one;\n}\n' >>src/sys/three.c
	finds 1 "circle: sys/one sys/three sys/two" scripts/check-layers "$COPY"
}

@test "check-filters: the filters as they are have no breach" {
	finds 0 "no breach" scripts/check-filters "$COPY"
}

@test "check-filters: a call that is no longer needed" {
	# The function has another name; it does something else; its file does not exist.
	sed -i 's/fill_pipe(/fill_it(/' src/port/builtin/stream.c
	finds 1 "splice: src/port/builtin/stream.c has no function fill_pipe()" scripts/check-filters "$COPY"
	sed -i 's/fill_it(/fill_pipe(/; s/= splice(/= tee(/' src/port/builtin/stream.c
	finds 1 "splice: fill_pipe() of src/port/builtin/stream.c does not call splice()" \
		scripts/check-filters "$COPY"
	rm src/port/builtin/stream.c
	finds 1 "splice: there is no src/port/builtin/stream.c" scripts/check-filters "$COPY"
}

@test "check-filters: a call without a reason, and a function of the C library that is not called" {
	local filters=src/sys/seccomp/filters/filters.c
	sed -i 's|SCMP_SYS(read),.*mail_read.*|SCMP_SYS(read),|' $filters
	finds 1 "read: no comment after it names a reason" scripts/check-filters "$COPY"
	sed -i 's|libc: realloc()|libc: valloc()|' $filters
	finds 1 "mremap: no program of ours calls valloc()" scripts/check-filters "$COPY"
}

@test "doc-blocks: the documents as they are have no breach" {
	finds 0 "run" scripts/doc-blocks "$TOP"/*.md "$TOP"/docs/*.md "$TOP"/docs/decisions/*.md
}

@test "doc-blocks: a block that no test runs, without a reason" {
	printf '# Planted\n\n```console\n$ uname\n```\n' >planted.md
	finds 1 "planted.md:3: no test runs this block" scripts/doc-blocks planted.md
	# A comment further up does not belong to the block.
	printf '<!-- not run: planted -->\n\n```console\n$ uname\n```\n' >planted.md
	finds 1 "planted.md:3: no test runs this block" scripts/doc-blocks planted.md
	# Its name in a text is not the command.
	printf '```console\n$ man fauxroot\nfauxroot\n```\n' >planted.md
	finds 1 "planted.md:1: no test runs this block" scripts/doc-blocks planted.md
	printf '<!-- not run: planted -->\n```console\n$ uname\n```\n' >planted.md
	finds 0 $'planted.md\t2\tnot run' scripts/doc-blocks planted.md
}

@test "doc-blocks: an empty reason, a block without end" {
	printf '<!-- not run: -->\n```console\n$ fauxroot id\n```\n' >planted.md
	finds 1 "planted.md:2: the comment does not say why" scripts/doc-blocks planted.md
	printf '```console\n$ fauxroot id\n' >planted.md
	finds 1 "planted.md:1: this block has no end" scripts/doc-blocks planted.md
}

@test "doc-blocks: commands after sudo and variables are run" {
	printf '```console\n$ export A=1\n$ A=2 sudo make install\n```\n' >planted.md
	finds 0 $'planted.md\t1\trun\t' scripts/doc-blocks planted.md
}

@test "lint: a file without a finding passes" {
	plant src/base/planted.c <<-'EOT'
		#include <stddef.h>

		size_t planted(size_t n);

		size_t planted(size_t n)
		{
			return n + 1;
		}
	EOT
	finds 0 "0 failed" scripts/lint src/base/planted.c
}

@test "lint: a defect that clang-tidy finds" {
	plant src/base/planted.c <<-'EOT'
		#include <string.h>

		int planted(const char *a, const char *b);

		int planted(const char *a, const char *b)
		{
			if (strcmp(a, b) == -1)
				return 1;
			return 0;
		}
	EOT
	finds 1 "lint clang-tidy: 0 passed, 1 failed" scripts/lint src/base/planted.c
}

@test "lint: a defect that cppcheck finds" {
	plant src/base/planted.c <<-'EOT'
		int planted(int i);

		int planted(int i)
		{
			int values[4] = {0, 1, 2, 3};

			if (i == 4)
				return values[i];
			return 0;
		}
	EOT
	finds 1 "lint cppcheck: 0 passed, 1 failed" scripts/lint src/base/planted.c
}

@test "lint: a function that another C library lacks" {
	plant src/base/planted.c <<-'EOT'
		#include <string.h>

		const char *planted(int n);

		const char *planted(int n)
		{
			return strerrorname_np(n);
		}
	EOT
	finds 1 "lint musl: 0 passed, 1 failed" scripts/lint src/base/planted.c
}

@test "lint: wrong indentation" {
	plant src/base/planted.c <<<'int planted(void);'
	sed -i 's/(void)/( void )/' src/base/planted.c
	finds 1 "lint clang-format: 0 passed, 1 failed" scripts/lint src/base/planted.c
}

@test "lint: a banned call" {
	plant src/base/planted.c <<-'EOT'
		#include <stdlib.h>

		int planted(const char *s);

		int planted(const char *s)
		{
			return atoi(s);
		}
	EOT
	finds 1 "banned calls" scripts/lint src/base/planted.c
}

@test "lint: a misspelt word" {
	plant src/base/planted.c <<-EOT
		/* Do not forget $(tr x h <<<tex) licence. */
	EOT
	finds 1 "lint codespell: 0 passed, 1 failed" scripts/lint src/base/planted.c
}

@test "compile_commands.json: each file is listed, with a command that compiles it" {
	local file
	cp -a "$TOP/tests/." tests
	make compile_commands.json
	diff <(jq -r '.[].file' compile_commands.json | sort) <(find src tests -name '*.c' | sort)
	# One of each kind: a room's, a test's, a tool's, and the object for slirp4netns.
	for file in src/base/err.c tests/unit/test_sys_ns.c tests/lib/tools/probe.c \
		src/net/slirp4netns/preload/preload.c; do
		jq -r --arg file "$file" '.[] | select(.file == $file) | .command + " -o planted.o"' \
			compile_commands.json | sh -e
		[ -s planted.o ]
		rm planted.o
	done
}

@test "compiler: a warning is an error, in CI" {
	plant src/base/planted.c <<-'EOT'
		int planted(long n);

		int planted(long n)
		{
			return n;
		}
	EOT
	finds 2 "-Werror=conversion" make WERROR=-Werror BUILD="$COPY/build" build/obj/base/planted.o
}

@test "fuzz: an overflow of one byte" {
	plant tests/fuzz/fuzz_base_planted.c <<-'EOT'
		#include <stddef.h>
		#include <stdint.h>

		int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

		int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
		{
			return size > 3 && data[0] == 'f' && data[size] == 'x' ? -1 : 0;
		}
	EOT
	finds 1 "heap-buffer-overflow" scripts/run-fuzz 60 fuzz_base_planted
	[[ $output == *"fuzz fuzz_base_planted: 0 passed, 1 failed"* ]]
}

@test "units: an overflow of one byte in the sanitizer tree" {
	plant tests/unit/test_base_planted.c <<-'EOT'
		#include <stdlib.h>
		#include <string.h>

		int main(int argc, char **argv)
		{
			size_t n = strlen(argv[argc - 1]);
			char *copy = malloc(n);
			int last;

			if (!copy)
				return 1;
			memcpy(copy, argv[argc - 1], n);
			last = copy[n];
			free(copy);
			return last;
		}
	EOT
	make BUILD="$COPY/asan" SANITIZE=address,undefined asan/unit/test_base_planted
	# Where the compiler knows the object's size, UndefinedBehaviorSanitizer reports it first.
	run "$COPY/asan/unit/test_base_planted"
	[ "$status" -ne 0 ]
	[[ $output == *heap-buffer-overflow* || $output == *"insufficient space for an object"* ]]
}

# judge STATUS TEXT…: the result of run-tests for a test program that printed these lines
judge() {
	local status=$1
	shift
	printf '%s\n' "$@" >said
	RESULTS=$PWD/results ALLOWED_SKIPS=$PWD/allowed bash -c '
		. scripts/lib.bash && . scripts/tap.bash
		results_begin && count_tap planted "$1" said env' bash "$status"
}

@test "tests: everything passes" {
	finds 0 "planted: 2 passed, 0 failed, 0 skipped" judge 0 1..2 "ok 1 - a" "ok 2 - b"
}

@test "tests: a failure" {
	finds 0 "planted: 1 passed, 1 failed, 0 skipped" judge 1 1..2 "ok 1 - a" "not ok 2 - b"
}

@test "tests: an exit before the last test" {
	finds 0 "planted: 1 passed, 1 failed, 0 skipped" judge 0 1..2 "ok 1 - a"
	finds 0 "planted: 0 passed, 1 failed, 0 skipped" judge 139 "Segmentation fault"
}

@test "tests: a bad status after good tests" {
	finds 0 "planted: 1 passed, 1 failed, 0 skipped" judge 1 1..1 "ok 1 - a"
}

@test "tests: a skip that is not allowed" {
	: >allowed
	finds 0 "planted: 1 passed, 1 failed, 0 skipped" judge 0 1..2 "ok 1 a" "ok 2 b # skip no tun"
	finds 0 "planted: 1 passed, 1 failed, 0 skipped" judge 0 1..2 "ok 1 a" "not ok 2 # SKIP b"
}

@test "tests: a skip that this machine forces" {
	printf '# comment\nno tun$\ttest -d /\n' >allowed
	finds 0 "planted: 1 passed, 0 failed, 1 skipped" judge 0 1..2 "ok 1 a" "ok 2 b # skip no tun"
}

@test "tests: a skip that this machine does not force" {
	printf 'no tun$\ttest -d /nonexistent\n' >allowed
	finds 0 "planted: 1 passed, 1 failed, 0 skipped" judge 0 1..2 "ok 1 a" "ok 2 b # skip no tun"
}

# shows TEXT: these are the last lines of the output
shows() {
	diff <(tail -n "$(wc -l <<<"$1")" <<<"$output") <(echo "$1")
}

@test "tests: at the end the failures are repeated, without the passed tests" {
	printf '%s\n' 1..3 "ok 1 a" "not ok 2 b" "# because" "ok 3 c" "# for no reason" >said
	seq 1 99 | sed 's/^/# /; 1i not ok 1 many' >many
	echo 1..1 >>many
	run bash -c '. scripts/lib.bash && . scripts/tap.bash && results_begin
		count_tap planted 1 said env
		check well echo all is well
		count_tap empty 139 /dev/null env
		check compiled sh -c "seq 100; echo file.c:7: error: planted; seq 2; exit 1"
		check odd sh -c "seq 100; exit 1"
		count_tap many 1 many env
		results_end'
	[ "$status" -eq 1 ]
	shows "==> failures, repeated
--- planted
not ok 2 b
# because
--- empty
empty exited early: 0 of 0 tests, status 139
--- compiled
file.c:7: error: planted
1
2
--- odd
$(seq 76 100)
--- many
not ok 1 many
$(seq -f '# %.0f' 1 25)
failed suites (passed, failed, skipped, suite):
2 1 0 planted
0 1 0 empty
0 1 0 compiled
0 1 0 odd
0 1 0 many
3 passed, 5 failed"
}

@test "tests: with many failures, each gets few lines" {
	for i in $(seq 50); do echo "not ok $i" && seq 20 | sed 's/^/# /'; done >said
	echo 1..50 >>said
	run bash -c '. scripts/lib.bash && . scripts/tap.bash && results_begin
		count_tap planted 1 said env >/dev/null; results_end'
	[ "$(wc -l <<<"$output")" -lt 300 ]
	[ "$(grep -c '^not ok' <<<"$output")" -eq 50 ]
}

# listed NAME: print the titles of the suites that run-tests would run for this file, one after the other
listed() {
	scripts/run-tests --list "$1" | cut -f1 | paste -sd,
}

@test "tests: a file in once/ runs once, plain; any other also with sanitizers, a marked one with refused calls" {
	mkdir -p tests/integration/once/root tests/integration/root
	touch tests/integration/{each,root/each_root,once/single,once/root/single_root}.bats
	echo '# refused: openat2' | tee tests/integration/marked.bats >tests/integration/root/marked_root.bats
	[ "$(listed integration/each)" = "integration each,integration/asan each" ]
	[ "$(listed /each_root)" = "integration root each_root,integration/asan root each_root" ]
	[ "$(listed integration/marked)" = "integration marked,integration/asan marked,integration/refused marked" ]
	[ "$(listed /marked_root)" = \
		"integration root marked_root,integration/asan root marked_root,integration/refused root marked_root" ]
	[ "$(listed /single.)" = "once single" ]
	[ "$(listed /single_root)" = "once root single_root" ]
}

@test "fresh: a machine's last line counts; a machine without it is a failure" {
	cat >scripts/fresh-machine <<-'EOT'
		#!/bin/sh
		[ "$1" != --root ] || { who=root && shift; }
		echo "as ${who:-user} in $1: $3"
		case $1 in
		good) echo "3 passed, 0 failed" ;;
		bad) echo "not ok 1 planted" && echo "2 passed, 1 failed" && exit 1 ;;
		mute) exit 9 ;;
		esac
	EOT
	run scripts/fresh good:demo bad:demo:root mute:test
	[ "$status" -eq 1 ]
	[[ $output == *"as root in bad: demo"* ]]
	shows "--- fresh mute test
as user in mute: test
failed suites (passed, failed, skipped, suite):
2 1 0 fresh bad demo root
0 1 0 fresh mute test
5 passed, 2 failed"
	run scripts/fresh good:demo
	[ "$status" -eq 0 ]
	shows "3 passed, 0 failed"
}

@test "CI: a step that fails without output counts, and is repeated; so is one in the background" {
	cp -a "$TOP/.ci" .
	printf '#!/bin/sh\n' | tee scripts/setup >scripts/fresh
	chmod +x scripts/fresh
	printf '%s\n' 'test fuzz test-ship lab:' '	@:' 'lint:' '	@echo a.c:1: error: planted; exit 4' \
		'demo:' '	@echo what it said; exit 3' >Makefile
	# Under another make it would print its directory.
	run env -u MAKEFLAGS -u MAKELEVEL .ci/run
	[ "$status" -eq 1 ]
	shows "==> failures, repeated
--- lint
a.c:1: error: planted
make: *** [Makefile:4: lint] Error 4
--- demo
what it said
make: *** [Makefile:6: demo] Error 3
failed suites (passed, failed, skipped, suite):
0 1 0 lint: status 2
0 1 0 demo: status 2
0 passed, 2 failed"
}

@test "CI: when the time is over the running step is killed, later steps are not run, and that is a failure" {
	cp -a "$TOP/.ci" .
	printf '#!/bin/sh\n' | tee scripts/setup >scripts/fresh
	chmod +x scripts/fresh
	printf '%s\n' 'lint:' '	@:' 'test fuzz demo:' '	@sleep 1000' >Makefile
	sed -i 's/STEPS_MINUTES \* 60/STEPS_MINUTES * 10/' scripts/steps.bash
	run env -u MAKEFLAGS -u MAKELEVEL STEPS_MINUTES=1 .ci/run
	[ "$status" -eq 1 ]
	shows "failed suites (passed, failed, skipped, suite):
0 1 0 test: status 124
0 1 0 fuzz: status 124
0 1 0 demo: status 124
0 1 0 ship: status 124
0 1 0 lab: status 124
0 1 0 fresh: status 124
0 1 0 all steps in 1 minutes
0 passed, 7 failed"
}
