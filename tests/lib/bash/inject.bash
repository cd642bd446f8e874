# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# A launch with faults at its system calls: for every failing call and every signal, there is one clear line, a
# status of ours or the target's, and nothing left.
#
# strace runs as root with -u, so that newuidmap keeps its setuid bit. when=N counts by process and by call: for
# example, the launcher, the child and the helpers each fail at their own N-th openat. By default a sample of
# the calls is used; half of it with sanitizers or refused system calls, where a launch is slower. FULL=1 uses
# every call.

inject_setup() {
	LEAKS=0 # LeakSanitizer cannot work in a traced process
	root_setup
	hits=0 # rounds in which the fault had an effect: a sweep without any proves nothing
}

# inject EXPRESSION OPTIONS… - launch "true" once under strace; set $code and write $T/err
inject() {
	local expression=$1
	shift
	code=0
	timeout -k 5 60 strace -f -qq -o /dev/null -u "$FAUXROOT_TEST_USER" -E "PATH=$PATH" \
		-e "$expression" "$FAUXROOT" "$@" true </dev/null >"$T/stdout" 2>"$T/err" 3>&- 4>&- || code=$?
}

# Nothing of this round is left: like common_teardown, but the message names the round. If the call that
# removes the state directory failed, this must be logged.
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

# sane EXPRESSION STATUS… - the round's status is one of these, and a failure has a message
sane() {
	local expression=$1 wanted
	shift
	for wanted in "$@"; do
		if [ "$code" -eq "$wanted" ]; then
			[ "$code" -eq 0 ] || hits=$((hits + 1))
			if [ "$code" -eq 0 ] || [ "$code" -ge 128 ] || [ -s "$T/err" ]; then
				return 0
			fi
			echo "$expression: status $code without a message" >&2
			return 1
		fi
	done
	echo "$expression: status $code" >&2
	cat "$T/err" >&2
	return 1
}
