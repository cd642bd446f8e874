#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A child that stands still while it mounts, as where a network file system does not answer: the launch
# fails and says at which path. A stopped child stands for it.
#
# seconds: 32

load ../../../lib/bash/common
load ../../../lib/bash/root

setup() {
	# shellcheck disable=SC2034
	LEAKS=0 # LeakSanitizer cannot work in a traced process
	root_setup
}

# stalls WORDS OPTIONS… - with a signal that stops the child at that call of mount(2)
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

@test "the child stands still in a copy-up: the launch fails and names the directory" {
	stalls 'copying up /etc' 2 --copy-up=/etc
}
