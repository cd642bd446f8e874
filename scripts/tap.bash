# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Judge the output of a test program: used by run-tests, after lib.bash.

# count_tap NAME STATUS FILE WHO: judge the output of a test program in the Test Anything Protocol, and its
# exit status. All output is shown after a failure, or with V=1.
count_tap() {
	local name=$1 status=$2 file=$3 who=$4 passed failed planned skipped=0 line refusals=()
	passed=$(grep -cE '^ok ' "$file" || :)
	failed=$(grep -E '^not ok ' "$file" | grep -ciE -v '# skip' || :)
	planned=$(sed -nE 's/^1\.\.([0-9]+).*/\1/p' "$file" | awk '{ n += $1 } END { print n + 0 }')
	while read -r line; do
		case $line in "ok "*) passed=$((passed - 1)) ;; esac
		if may_skip "$line" "$who"; then
			skipped=$((skipped + 1))
		else
			refusals+=("this skip is not allowed here: $line")
			failed=$((failed + 1))
		fi
	done < <(grep -iE '^(not )?ok .*# skip' "$file" || :)
	if [ $((passed + failed + skipped)) -lt "$planned" ] || [ "$planned" = 0 ] ||
		{ [ "$status" != 0 ] && [ "$failed" = 0 ]; }; then
		refusals+=("$name exited early: $((passed + failed + skipped)) of $planned tests, status $status")
		failed=$((failed + 1))
	fi
	if [ "$failed" != 0 ] || [ -n "${V:-}" ]; then cat "$file"; fi
	if [ "$failed" != 0 ]; then
		remember "$name" "$file"
		[ ${#refusals[@]} = 0 ] || printf '%s\n' "${refusals[@]}" | tee -a "$RESULTS.failures"
	fi
	result "$name" "$passed" "$failed" "$skipped"
}

# may_skip LINE WHO: succeed if a pattern in tests/allowed-skips matches and its probe, run by the user of
# the test, proves that this machine forces the skip
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
