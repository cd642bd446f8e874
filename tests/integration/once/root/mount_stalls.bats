#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A child that hangs in mount(2), as with a network file system that does not answer: the launch fails and
# names the path. A stopped child simulates it.
#
# seconds: 32

load ../../../lib/bash/common
load ../../../lib/bash/root

setup() {
	# shellcheck disable=SC2034
	LEAKS=0 # LeakSanitizer cannot work in a traced process
	root_setup
}

# stalls WORDS OPTIONS… - stop the child with a signal at that call of mount(2)
stalls() {
	local words=$1 call=$2 code=0
	shift 2
	# The launcher's own deadline is 30 seconds.
	timeout -k 5 150 strace -f -qq -o /dev/null -u "$FAUXROOT_TEST_USER" -E "PATH=$PATH" -e trace=mount \
		-e "inject=mount:signal=STOP:when=$call" "$FAUXROOT" "$@" true </dev/null >"$OUT" 2>"$LOG" \
		3>&- 4>&- || code=$?
	equals 125 "$code"
	one_error "$(<"$LOG")" "mounting: no progress in 30 s at $words"
}

@test "the child hangs in a copy-up: the launch fails and names the directory" {
	stalls 'copying up /etc' 2 --copy-up=/etc
}
