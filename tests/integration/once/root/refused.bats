#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The files that run with new system calls refused name the calls that fauxroot tries there.
# tests/integration/run detects a wrong mark.

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

# planted MARK COMMAND - run a file with one test and this mark, with the calls refused
planted() {
	printf '# refused: %s\n@test "planted" {\n\t%s\n}\n' "$1" "$2" >planted/planted.bats
	run "$ROOT/tests/integration/run" --refuse --tap planted/planted.bats 3>&-
}

@test "a call that fauxroot tries is found in the report; a call of a process under its name" {
	planted 'open_tree openat2 close_range:init' '"$FAUXROOT" --pidns --copy-up=/etc true'
	[ "$status" = 0 ]
}

@test "a file in which fauxroot tries none of the calls fails, also for a named process" {
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

@test "each refused call has a file in which fauxroot tries it" {
	local call calls
	calls=$(sed -n 's/^.*--refuse) calls=\([a-z0-9_,]*\) ;;$/\1/p' "$ROOT/tests/integration/run")
	[ -n "$calls" ]
	for call in ${calls//,/ }; do
		grep -qE "^# refused: (.* )?$call(:| |\$)" "$ROOT"/tests/integration/{,root/}*.bats
	done
}
