#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The files that run with new system calls refused say which of them fauxroot tries there, and
# tests/integration/run finds out where that is not true.

load ../../../lib/bash/common
load ../../../lib/bash/root

setup() {
	root_setup
	mkdir planted
	chmod 0755 planted
}

teardown() {
	common_teardown
}

# planted MARK COMMAND - a file of one test with this mark, run with the calls refused
planted() {
	printf '# refused: %s\n@test "planted" {\n\t%s\n}\n' "$1" "$2" >planted/planted.bats
	run "$ROOT/tests/integration/run" --refuse --tap planted/planted.bats 3>&-
}

@test "a call that fauxroot tries is found in the report, that of a process of its own by the name of that" {
	planted 'open_tree openat2 close_range:init' '"$FAUXROOT" --pidns --copy-up=/etc true'
	[ "$status" = 0 ]
}

@test "a file that has fauxroot try none of the calls fails, and so does a process that does not" {
	planted 'open_tree openat2' true
	[ "$status" = 1 ]
	[[ $output == *"no process fauxroot has tried open_tree"*"planted.bats"* ]]
	planted 'open_tree:init' '"$FAUXROOT" --copy-up=/etc true'
	[ "$status" = 1 ]
	[[ $output == *"no process fauxroot:init has tried open_tree"* ]]
}

@test "a test that fails where calls are refused fails the file" {
	planted 'open_tree' '"$FAUXROOT" --copy-up=/etc false'
	[ "$status" = 1 ]
	[[ $output == *"not ok 1 planted"* ]]
}

@test "each call that is refused has a file that has fauxroot try it" {
	local call calls
	calls=$(sed -n 's/^.*--refuse) calls=\([a-z0-9_,]*\) ;;$/\1/p' "$ROOT/tests/integration/run")
	[ -n "$calls" ]
	for call in ${calls//,/ }; do
		grep -qE "^# refused: (.* )?$call(:| |\$)" "$ROOT"/tests/integration/{,root/}*.bats
	done
}
