# SPDX-License-Identifier: Apache-2.0
#
# make install, install-compat and uninstall, into a directory of the test.

bats_require_minimum_version 1.5.0

setup() {
	TOP=${FAUXROOT_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	D=$BATS_TEST_TMPDIR/root
	BIN=$D/usr/bin
}

install_() { make -s -C "$TOP" DESTDIR="$D" PREFIX=/usr "$@"; }

files() { (cd "$D" && find . ! -type d | sort); }

# own_build: set BUILD to a copy of the build
own_build() {
	export BUILD=$BATS_TEST_TMPDIR/build
	mkdir "$BUILD"
	cp -a "$TOP"/build/{fauxroot,fauxrootctl,fauxroot-docker-proxy,completions,compat,flags} "$BUILD"
}

@test "install: it writes nothing under build, not even with other flags" {
	own_build
	touch "$BATS_TEST_TMPDIR/mark"
	find "$BUILD" | sort >"$BATS_TEST_TMPDIR/before"
	install_ BUILD="$BUILD" CFLAGS=-O3 install-compat
	diff "$BATS_TEST_TMPDIR/before" <(find "$BUILD" | sort)
	[ -z "$(find "$BUILD" -newer "$BATS_TEST_TMPDIR/mark")" ]
	[ "$(find "$D" -name '.*' -o -name '*.new')" = "" ]
}

@test "install: files that are not built are named" {
	own_build
	rm "$BUILD/completions/_fauxroot"
	run -2 install_ BUILD="$BUILD" install
	[[ $output == *"there is no $BUILD/completions/_fauxroot: run make first"* ]]
	[ ! -e "$D" ]
}

@test "install: the files that an image's build has (.dockerignore) suffice, and give the same result" {
	own_build
	install_ install-compat
	mkdir "$BATS_TEST_TMPDIR/context"
	sed -n "s,^!,$TOP/,p" "$TOP/.dockerignore" | xargs cp -a -t "$BATS_TEST_TMPDIR/context"
	make -s -C "$BATS_TEST_TMPDIR/context" BUILD="$BUILD" DESTDIR="$BATS_TEST_TMPDIR/there" PREFIX=/usr install-compat
	diff -r --no-dereference "$D" "$BATS_TEST_TMPDIR/there"
}

# lacking NAME…: a pkg-config like that of a machine without these libraries
lacking() {
	local dir file
	export PKG_CONFIG_LIBDIR=$BATS_TEST_TMPDIR/pkgconfig
	mkdir "$PKG_CONFIG_LIBDIR"
	for dir in $(env -u PKG_CONFIG_LIBDIR pkg-config --variable pc_path pkg-config | tr : ' '); do
		for file in "$dir"/*.pc; do
			[ ! -e "$file" ] || ln -sf "$file" "$PKG_CONFIG_LIBDIR"
		done
	done
	for file; do rm -f "$PKG_CONFIG_LIBDIR/$file.pc"; done
}

@test "make: help lists each target that a person calls" {
	local target targets
	run -0 make -s -C "$TOP" help
	targets=$(sed -n '/^\.PHONY:/,/[^\]$/{s/^\.PHONY://; s/\\$//; p}' "$TOP/Makefile")
	for target in $targets; do
		case $target in
		# Steps of other targets.
		help | completions | generators | manual-here | units | tools | fuzz-targets | force | test-needs) ;;
		*) grep -qE " $target(,| |\$)" <<<"$output" || { echo "no $target"; return 1; } ;;
		esac
	done
}

@test "make: missing libraries are named before compilation, with the command that installs them" {
	lacking jansson libcap
	run -2 make -s -C "$TOP" BUILD="$BATS_TEST_TMPDIR/build" all
	[ "${lines[0]}" = "missing: jansson, libcap" ]
	[ "${lines[1]}" = "to install what the build needs: scripts/setup build" ]
	[ -z "$(find "$BATS_TEST_TMPDIR/build" -name '*.o' 2>/dev/null)" ]
	[ "${#lines[@]}" -le 3 ]
}

@test "make: a missing cmocka only prevents the tests from being built" {
	lacking cmocka
	run -2 make -s -C "$TOP" BUILD="$BATS_TEST_TMPDIR/build" build-of-a-test \
		--eval="build-of-a-test: $BATS_TEST_TMPDIR/build/obj/tests/unit/test_base_fd.o"
	[ "${lines[0]}" = "missing: cmocka" ]
	[ "${lines[1]}" = "to install what the build needs: scripts/setup unit" ]
}

@test "make: a missing compiler, C library or pkg-config is named" {
	local tool
	run -2 make -s -C "$TOP" BUILD="$BATS_TEST_TMPDIR/build" CC=no-such-cc all
	[ "${lines[0]}" = "missing: the compiler no-such-cc" ]
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/cc"
	chmod +x "$BATS_TEST_TMPDIR/cc"
	run -2 make -s -C "$TOP" BUILD="$BATS_TEST_TMPDIR/build" CC="$BATS_TEST_TMPDIR/cc" all
	[ "${lines[0]}" = "missing: the C library's headers" ]
	mkdir "$BATS_TEST_TMPDIR/bin"
	for tool in sh make cc mkdir find tr cmp sed grep uname; do
		ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/bin/$tool"
	done
	run -2 env PATH="$BATS_TEST_TMPDIR/bin" make -s -C "$TOP" BUILD="$BATS_TEST_TMPDIR/build" all
	[[ $output == *"missing: "*pkg-config* ]]
}

@test "install: programs, a link, the manual pages, and no name of RootlessKit in PATH" {
	install_ install
	[ "$("$BIN/fauxroot" --version)" = "fauxroot version $(cat "$TOP/VERSION")" ]
	[ "$(readlink "$BIN/fauxroot-docker-proxy")" = fauxrootctl ]
	[ "$(stat -c %a "$BIN/fauxroot" "$BIN/fauxrootctl" | sort -u)" = 755 ]
	[ -f "$D/usr/share/man/man1/fauxroot.1" ]
	[ -f "$D/usr/share/man/man7/fauxroot-causes.7" ]
	[[ $(ls "$BIN") != *rootless* ]]
}

@test "install: every manual page and every document, with links that lead to each other" {
	local file link target
	install_ install
	for file in "$TOP"/man/*.[1-9]; do
		[ -f "$D/usr/share/man/man${file##*.}/${file##*/}" ]
	done
	[ "$(readlink "$D/usr/share/man/man1/fauxroot-docker-proxy.1")" = fauxrootctl.1 ]
	cd "$TOP"
	for file in README.md CHANGELOG.md SECURITY.md docs/*.md docs/decisions/*.md; do
		[ -f "$D/usr/share/doc/fauxroot/${file#docs/}" ]
	done
	# Links in the README to documents.
	grep -oE '\]\([a-z]+\.(md|svg)' "$D/usr/share/doc/fauxroot/README.md" | cut -c 3- >"$BATS_TEST_TMPDIR/links"
	[ -s "$BATS_TEST_TMPDIR/links" ]
	while read -r link; do
		[ -f "$D/usr/share/doc/fauxroot/$link" ]
	done <"$BATS_TEST_TMPDIR/links"
	run -1 grep -r '](docs/' "$D/usr/share/doc/fauxroot"
}

@test "install: manifests, and examples for compose and CI, where the documents name them" {
	local file doc=$D/usr/share/doc/fauxroot
	install_ install
	cd "$TOP"
	for file in contrib/compose.yaml contrib/{apparmor,ci,kubernetes}/*; do
		cmp <(sed 's,/usr/local/libexec/fauxroot/compat:,,' "$file") "$doc/$file"
		[ "$(stat -c %a "$doc/$file")" = "$(if [ -x "$file" ]; then echo 755; else echo 644; fi)" ]
	done
	[ -x "$doc/contrib/ci/with-dockerd" ]
	install_ uninstall
	[ ! -e "$doc" ]
}

@test "install: the compatible names in libexec, in the PATH of the unit of dockerd" {
	local name compat=$D/usr/libexec/fauxroot/compat
	install_ install
	for name in rootlesskit:fauxroot docker-rootlesskit:fauxroot rootlessctl:fauxrootctl \
		rootlesskit-docker-proxy:fauxrootctl; do
		[ "$(readlink "$compat/${name%:*}")" = "../../../bin/${name#*:}" ]
		[ -x "$compat/${name%:*}" ]
	done
	[ "$(find "$compat" -type l | wc -l)" = 4 ]
	[ "$("$compat/docker-rootlesskit" --version)" = "rootlesskit version 3.0.1" ]
	grep -q '^Environment=PATH=/usr/libexec/fauxroot/compat:%h/bin:' \
		"$D/usr/lib/systemd/user/fauxroot-docker.service"
	# The documents name that directory, and no other.
	grep -q /usr/libexec/fauxroot/compat "$D/usr/share/man/man1/fauxroot.1"
	run -1 grep -r /usr/local/libexec "$D/usr/share" "$D/usr/lib/systemd"
	# The build has the same names in one directory, for the demo and the tests.
	diff <(ls "$compat") <(ls "$TOP/build/compat")
	# In other directories, without a common prefix, by their full names.
	install_ LIBEXECDIR=/usr/lib install
	[ "$(readlink "$D/usr/lib/fauxroot/compat/rootlesskit")" = ../../../bin/fauxroot ]
	grep -q '^Environment=PATH=/usr/lib/fauxroot/compat:%h/bin:' \
		"$D/usr/lib/systemd/user/fauxroot-docker.service"
	install_ BINDIR=/opt/bin install
	[ "$(readlink "$compat/rootlesskit")" = /opt/bin/fauxroot ]
}

@test "install: units that start the installed program, in systemd's directories" {
	local unit
	install_ install
	for unit in user/fauxroot-buildkit user/fauxroot-buildkit@ user/fauxroot-docker system/fauxroot-buildkit; do
		[ -f "$D/usr/lib/systemd/$unit.socket" ]
		grep -q '^ExecStart=/usr/bin/fauxroot --' "$D/usr/lib/systemd/$unit.service"
		[ "$(stat -c %a "$D/usr/lib/systemd/$unit.service")" = 644 ]
	done
	# Every file of contrib is installed.
	[ "$(cd "$TOP/contrib/systemd" && find . -name 'fauxroot-*' | sort)" = \
		"$(cd "$D/usr/lib/systemd" && find . -name 'fauxroot-*' | sort)" ]
	[ -f "$D/usr/share/doc/fauxroot/buildkitd.toml" ]
	install_ USERUNITDIR=/elsewhere/user SYSTEMUNITDIR=/elsewhere/system install
	[ -f "$D/elsewhere/user/fauxroot-docker.service" ]
	install_ USERUNITDIR=/elsewhere/user SYSTEMUNITDIR=/elsewhere/system uninstall
	[[ $(files) != */elsewhere/* ]]
}

@test "install-compat: four links, each acts under its name; a second run changes nothing" {
	install_ install-compat
	install_ install-compat
	local name
	for name in rootlesskit docker-rootlesskit; do
		[ "$(readlink "$BIN/$name")" = fauxroot ]
		[ "$("$BIN/$name" --version)" = "rootlesskit version 3.0.1" ]
	done
	[ "$("$BIN/rootlessctl" --version)" = "rootlessctl version 3.0.1" ]
	[ "$(readlink "$BIN/rootlesskit-docker-proxy")" = fauxrootctl ]
	for name in rootlesskit docker-rootlesskit rootlessctl rootlesskit-docker-proxy; do
		[ -f "$D/usr/share/man/man1/$name.1" ]
	done
}

@test "install-compat: another rootlesskit is not replaced, and an error names it" {
	mkdir -p "$BIN"
	echo theirs >"$BIN/rootlesskit"
	run -2 install_ install-compat
	[[ $output == *"$BIN/rootlesskit exists and is not ours"* ]]
	[ "$(cat "$BIN/rootlesskit")" = theirs ]
}

@test "uninstall: removes all our files and nothing else" {
	install_ install-compat
	echo theirs >"$BIN/other"
	rm "$BIN/rootlesskit"
	echo theirs >"$BIN/rootlesskit"
	install_ uninstall
	[ "$(files)" = "$(printf './usr/bin/other\n./usr/bin/rootlesskit')" ]
	[ ! -e "$D/usr/libexec/fauxroot" ]
}
