#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The launcher's status is the target's; our own failures have their own statuses.

load ../lib/bash/common

@test "exit statuses 0 to 255 are all kept" {
	local n code step=1
	! sanitized || step=15
	for ((n = 0; n < 256; n += step)); do
		code=0
		fx sh -c "exit $n" || code=$?
		equals "$n" "$code"
	done
}

@test "death by a signal is 128+n and named in the log" {
	local row number name code
	for row in "1 hangup" "2 interrupt" "3 quit" "6 aborted" "9 killed" "10 user defined signal 1" \
		"11 segmentation fault" "12 user defined signal 2" "13 broken pipe" "14 alarm clock" \
		"15 terminated" "31 bad system call"; do
		number=${row%% *}
		name=${row#* }
		code=0
		fx sh -c "ulimit -c 0; kill -$number \$\$" 2>"$LOG" || code=$?
		equals $((128 + number)) "$code"
		logged "signal: $name"
	done
}

@test "death by a real-time signal is 128+n too" {
	run -170 fx sh -c 'kill -42 $$'
	says "$output" 'signal: .*'
}

@test "a command that does not exist is 127, and named" {
	run -127 fx no-such-command-here
	one_error "$output" no-such-command-here
	run -127 fx /no/such/path
	one_error "$output" '/no/such/path'
}

@test "a file that cannot be executed is 126, and named" {
	echo text >plain
	mkdir directory
	printf '\0\0\0\0' >binary
	printf 'exit 34\n' >lineless
	chmod +x binary lineless
	local name
	for name in plain directory binary lineless; do
		run -126 fx "./$name"
		one_error "$output" "\./$name"
	done
}

@test "a script whose interpreter is missing names both" {
	printf '#!/no/interpreter\n' >script
	chmod +x script
	run -127 fx ./script
	one_error "$output" '\./script'
}

@test "a script runs" {
	printf '#!/bin/sh\nexit 33\n' >script
	chmod +x script
	run -33 fx ./script
}

@test "a binary that may be executed but not read runs and is supervised" {
	cp "$(command -v sleep)" secret
	chmod 0111 secret
	launch ./secret 100
	kill -KILL "$LAUNCHER"
	ended 137
	wait_for gone "$TARGET"
	rm -rf "$S"
}

@test "PATH of the caller finds the target" {
	mkdir bin
	printf '#!/bin/sh\nexit 44\n' >bin/my-target
	chmod +x bin/my-target
	PATH=$PWD/bin:$PATH run -44 fx my-target
}

@test "only the target writes to stdout" {
	run -0 --separate-stderr fx --net=none echo hello
	equals hello "$output"
	equals "" "$stderr"
}

@test "--debug logs steps with their time and helpers' argv, on stderr only" {
	run -0 --separate-stderr fx --debug echo hello
	equals hello "$output"
	says "$stderr" 'newuidmap'
	says "$stderr" 'newgidmap'
}

@test "--log-format=json: each line is one JSON object" {
	run -127 --separate-stderr fx --log-format=json no-such-command-here
	jq -es 'length >= 1 and all(type == "object")' <<<"$stderr" >/dev/null
	says "$stderr" 'no-such-command-here'
}

@test "lines carry a priority where stderr is the journal" {
	JOURNAL_STREAM=$(: >"$LOG"; stat -c %d:%i "$LOG") run -127 fx no-such-command-here
	# Under run, stderr is a pipe: not the stream that the variable names.
	[[ $output != "<"* ]]
	# shellcheck disable=SC2094 # stat(1) reads the inode, not the file
	JOURNAL_STREAM=$(stat -c %d:%i "$LOG") fx no-such-command-here 2>"$LOG" || true
	run -0 cat "$LOG"
	says "$output" '^<3>'
}

@test "control characters of a name cannot forge a log line" {
	run -127 fx "$(printf 'no\n[fauxroot:parent] forged\033[31m')"
	not grep -q '^\[fauxroot:parent\] forged' <<<"$output"
	[[ $output != *$'\033'* ]]
}

@test "a target that leaves an orphan behind does not delay the launcher" {
	run -3 fx sh -c 'sleep 1000 >/dev/null 2>&1 & echo $!; exit 3'
	# Without a PID namespace the orphan survives: it is the target's own.
	kill "$output"
}
