# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# A launch broken at its system calls: whatever fails, and wherever a signal comes, there is one clear
# line, a status of ours or the target's, and nothing left.
#
# strace runs as root with -u, so that newuidmap keeps its setuid bit. when=N counts by process and by
# call: the launcher, the child and the helpers are each hit at their own N-th openat, say. A sample is
# taken by default, half of it with sanitizers or refused system calls, where a launch takes its time;
# FULL=1 takes every call.

inject_setup() {
	LEAKS=0 # LeakSanitizer cannot work in a traced process
	root_setup
	hits=0 # rounds in which it showed: a sweep that hits nothing shows nothing
}

# inject EXPRESSION OPTIONS… - one launch of "true" under strace; $code and $T/err
inject() {
	local expression=$1
	shift
	code=0
	timeout -k 5 60 strace -f -qq -o /dev/null -u "$FAUXROOT_TEST_USER" -E "PATH=$PATH" \
		-e "$expression" "$FAUXROOT" "$@" true </dev/null >"$T/stdout" 2>"$T/err" 3>&- 4>&- || code=$?
}

# Nothing of this round is left: as common_teardown, but it says at which round. Where the very call
# that clears the state directory away was made to fail, that must have been said.
round_is_clean() {
	local left
	if grep -qE '(emptying|removing) the state directory' "$T/err"; then
		wait_for no_process
		rm -rf "$XDG_RUNTIME_DIR"/fauxroot*
	fi
	left=$(await_nothing_left)
	if [ -n "$left" ]; then
		echo "$1: left behind: $left" >&2
		cat "$T/err" >&2
		return 1
	fi
}

no_process() {
	[ -z "$(marked)" ]
}

# sane EXPRESSION STATUS… - the round's status is one of these, and a failure has said something
sane() {
	local expression=$1 wanted
	shift
	for wanted in "$@"; do
		if [ "$code" -eq "$wanted" ]; then
			[ "$code" -eq 0 ] || hits=$((hits + 1))
			if [ "$code" -eq 0 ] || [ "$code" -ge 128 ] || [ -s "$T/err" ]; then
				return 0
			fi
			echo "$expression: status $code without a word" >&2
			return 1
		fi
	done
	echo "$expression: status $code" >&2
	cat "$T/err" >&2
	return 1
}
