# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Judging what a test program has said: used by run-tests, after lib.bash.

# count_tap NAME STATUS FILE WHO: judge what a test program has printed in the Test Anything
# Protocol, and how it ended
count_tap() {
	local name=$1 status=$2 file=$3 who=$4 passed failed planned skipped=0 line
	passed=$(grep -cE '^ok ' "$file" || :)
	failed=$(grep -E '^not ok ' "$file" | grep -ciE -v '# skip' || :)
	planned=$(sed -nE 's/^1\.\.([0-9]+).*/\1/p' "$file" | awk '{ n += $1 } END { print n + 0 }')
	while read -r line; do
		case $line in "ok "*) passed=$((passed - 1)) ;; esac
		if may_skip "$line" "$who"; then
			skipped=$((skipped + 1))
		else
			printf 'this skip is not allowed here: %s\n' "$line"
			failed=$((failed + 1))
		fi
	done < <(grep -iE '^(not )?ok .*# skip' "$file" || :)
	if [ $((passed + failed + skipped)) -lt "$planned" ] || [ "$planned" = 0 ] ||
		{ [ "$status" != 0 ] && [ "$failed" = 0 ]; }; then
		printf '%s ended early: %s of %s tests, status %s\n' "$name" \
			$((passed + failed + skipped)) "$planned" "$status"
		failed=$((failed + 1))
	fi
	[ "$failed" = 0 ] || [ -n "${SHOWN:-}" ] || cat "$file"
	result "$name" "$passed" "$failed" "$skipped"
}

# may_skip LINE WHO: a pattern in tests/allowed-skips matches and its probe, run by whoever ran the
# test, proves that this machine forces it
may_skip() {
	local pattern probe
	while IFS=$'\t' read -r pattern probe; do
		case $pattern in '' | '#'*) continue ;; esac
		if grep -qE -- "$pattern" <<<"$1" && "$2" bash -c "$probe" </dev/null; then
			return 0
		fi
	done <"${ALLOWED_SKIPS:-$TOP/tests/allowed-skips}"
	return 1
}
