#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Signals to the launcher and to the target.
#
# seconds: 18

load ../lib/bash/common

@test "every signal that can be forwarded is forwarded, once" {
	launch "$PROBE" catch 15
	wait_for grep -q ready "$OUT"
	local n sent=()
	for n in $(seq 1 64); do
		case $n in
		# KILL and STOP cannot be forwarded; 32 and 33 are the C library's. CHLD is about our own
		# children; TSTP, TTIN and TTOU stop the launcher: job control has its own tests.
		9 | 19 | 32 | 33 | 17 | 20 | 21 | 22 | 15) continue ;;
		esac
		kill -"$n" "$LAUNCHER"
		sent+=("$n")
		wait_for grep -qx "$n" "$OUT"
	done
	kill -15 "$LAUNCHER"
	ended 0
	equals "$(printf '%s\n' ready "${sent[@]}" 15)" "$(<"$OUT")"
}

@test "a burst of different signals arrives completely" {
	launch "$PROBE" catch 15
	wait_for grep -q ready "$OUT"
	local n
	for n in 1 2 3 10 12 14 28; do
		kill -"$n" "$LAUNCHER"
	done
	all_came() { [ "$(sort -n "$OUT" | grep -cx '1\|2\|3\|10\|12\|14\|28')" = 7 ]; }
	wait_for all_came
	stop 0
}

@test "SIGTERM ends a target that does not catch it, and the launcher with 143" {
	launch sleep 1000
	stop 143
	logged "signal: terminated"
}

@test "a target that catches SIGTERM decides" {
	launch sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done'
	wait_for grep -q ready "$OUT"
	stop 5
}

@test "SIGUSR1 to the target is named in the log" {
	launch sleep 1000
	kill -USR1 "$TARGET"
	ended 138
	logged "signal: user defined signal 1"
}

@test "SIGKILL to the launcher kills the target" {
	launch sleep 1000
	kill -KILL "$LAUNCHER"
	ended 137
	wait_for gone "$TARGET"
	rm -rf "$S"
}

@test "SIGKILL to the launcher kills a target that is a script, and the network's helper" {
	printf '#!/bin/sh\nsleep 1000\n' >script
	chmod +x script
	launch --net=slirp4netns ./script
	local helper
	helper=$(child_of "$LAUNCHER" slirp4netns)
	kill -KILL "$LAUNCHER"
	ended 137
	wait_for gone "$TARGET"
	wait_for gone "$helper"
	kill_marked # the script's sleep is the target's own child
	rm -rf "$S"
}

# $output without the signals 32 and 33: libc reserves them, so env(1) cannot change them, and GNU make
# before 4.3 ignores them.
masks() {
	local name value
	while read -r name value; do
		printf '%s %016x\n' "$name" $((0x$value & ~0x180000000))
	done <<<"$output"
}

@test "blocked and ignored signals of the caller are the target's" {
	run -0 env --block-signal=USR2 --ignore-signal=HUP,INT "$FAUXROOT" \
		grep -E '^Sig(Blk|Ign)' /proc/self/status
	# USR2 is 12: bit 11. HUP and INT are 1 and 2.
	equals "SigBlk: 0000000000000800
SigIgn: 0000000000000003" "$(masks)"
}

@test "if the caller blocks and ignores no signal, the target starts with none blocked and none ignored" {
	run -0 env --default-signal "$FAUXROOT" grep -E '^Sig(Blk|Ign)' /proc/self/status
	equals "SigBlk: 0000000000000000
SigIgn: 0000000000000000" "$(masks)"
}

@test "nohup: SIGHUP to the launcher does not end a target that ignores it" {
	nohup "$FAUXROOT" --state-dir="$S" "$PROBE" catch 10 </dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for grep -q ready "$OUT"
	kill -HUP "$LAUNCHER"
	kill -USR1 "$LAUNCHER"
	ended 0
}

@test "SIGCHLD ignored by the caller: the status is right, the target gets the default" {
	run -42 env --ignore-signal=CHLD "$FAUXROOT" sh -c \
		'grep -q "^SigIgn:.*0$" /proc/self/status && exit 42'
	run -7 env --ignore-signal=CHLD "$FAUXROOT" --net=slirp4netns sh -c 'exit 7'
}

@test "fauxroot timeout: the time limit works and its status is kept" {
	run -124 fx timeout 0.2 sleep 1000
	run -137 fx timeout -s KILL 0.2 sleep 1000
	run -3 fx timeout 100 sh -c 'exit 3'
}

@test "timeout fauxroot: the limit reaches the target" {
	run -124 timeout 0.5 "$FAUXROOT" sleep 1000
	run -5 timeout 100 "$FAUXROOT" sh -c 'exit 5'
}

@test "a stopped target stops the launcher, SIGCONT to the launcher continues both" {
	as_job launch sh -c 'while :; do sleep 0.05; done'
	kill -STOP "$TARGET"
	wait_for process_state "$TARGET" T
	wait_for process_state "$LAUNCHER" T
	kill -CONT "$LAUNCHER"
	wait_for process_state "$TARGET" SR
	wait_for process_state "$LAUNCHER" SR
	stop
	kill_marked # a sleep of the target may be on its way out
}

@test "in another session a stopped target does not stop the launcher; SIGCONT through it continues it" {
	as_job launch setsid sh -c 'echo ready; while :; do sleep 0.05; done'
	wait_for grep -q ready "$OUT"
	kill -STOP "$TARGET"
	wait_for process_state "$TARGET" T
	# The launcher still serves.
	run -0 curl -sS --max-time 60 --unix-socket "$S/api.sock" http://x/v1/info
	kill -CONT "$LAUNCHER"
	wait_for process_state "$TARGET" SR
	stop
	kill_marked
}

@test "a stopped target that another process continues, or kills, continues the launcher" {
	as_job launch "$PROBE" catch 15
	wait_for grep -q ready "$OUT"
	kill -STOP "$TARGET"
	wait_for process_state "$LAUNCHER" T
	kill -CONT "$TARGET"
	wait_for process_state "$LAUNCHER" SR
	# However quickly.
	local n
	for ((n = 0; n < 20; n++)); do
		kill -STOP "$TARGET"
		kill -CONT "$TARGET"
	done
	wait_for process_state "$LAUNCHER" SR
	kill -USR1 "$LAUNCHER"
	wait_for grep -qx 10 "$OUT"
	# The SIGCONT for the launcher is not passed on: the target has got only its own.
	wait_for process_state "$LAUNCHER" SR
	[ "$(grep -cx 18 "$OUT")" -le 21 ]
	kill -STOP "$TARGET"
	wait_for process_state "$LAUNCHER" T
	kill -KILL "$TARGET"
	ended 137
}

@test "in a service a stopped target does not stop the launcher, because nobody would continue it" {
	as_service launch sh -c 'echo ready; while :; do sleep 0.05; done'
	wait_for grep -q ready "$OUT"
	kill -STOP "$TARGET"
	wait_for process_state "$TARGET" T
	run -0 curl -sS --max-time 60 --unix-socket "$S/api.sock" http://x/v1/info
	not process_state "$LAUNCHER" T
	kill -CONT "$LAUNCHER"
	wait_for process_state "$TARGET" SR
	stop
	kill_marked
}

@test "endless double forks (FULL=1: 100,000) leave no zombie, and the status is right" {
	local n=10000
	! sanitized || n=1000
	[ -z "${FULL:-}" ] || n=100000
	launch sh -c '"$PROBE" forks '$n'; code=$?; sleep 1000 & exec 3>&-; echo "done $code"; wait'
	DEADLINE=$((FULL ? 1500 : 250)) wait_for grep -q '^done 7' "$OUT"
	no_zombie_below() {
		local pid
		while read -r pid; do
			grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null && return 1
		done < <(cat "/proc/$LAUNCHER/task/"*/children | tr ' ' '\n')
		return 0
	}
	wait_for no_zombie_below
	kill -TERM "$LAUNCHER"
	ended 143
	kill_marked # the sleep is the target's own
}

@test "a target that forks all the time still ends with its own status" {
	run -7 fx "$PROBE" forks 2000
}
