#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# A reader of stderr that does not read: the launcher continues, and counts the lines that it dropped.

load ../lib/bash/common
load ../lib/bash/ports

# stderr is the FIFO $LOG, open at both ends as descriptor 7; it is full.
stalled_log() {
	rm -f "$LOG"
	mkfifo "$LOG"
	exec 7<>"$LOG"
}

fill_log() {
	local size
	for size in 4096 1; do
		dd if=/dev/zero of="$LOG" oflag=nonblock bs=$size 2>/dev/null || true
	done
}

# Read everything that has been written since.
read_log() { # FILE
	cat <"$LOG" >"$1" 7>&- &
	READER=$!
	exec 7>&-
}

@test "stderr is a full pipe: helpers are restarted, API and SIGTERM work, and the last line is dropped" {
	stalled_log
	free_port
	launch --net=slirp4netns --port-driver=builtin -p "127.0.0.1:$PORT:7000/tcp" \
		"$PORTCHECK" serve 127.0.0.1 7000
	local name old
	for name in 'fauxroot: ports' slirp4netns; do
		old=$(child_of "$LAUNCHER" "$name")
		fill_log
		kill -KILL "$old"
		wait_for replaced "$name" "$old"
		wait_for "$PORTCHECK" churn 127.0.0.1 "$PORT" 3
	done
	api GET /v1/info
	equals 200 "$CODE"
	# The log has "… was killed" when everything has ended.
	stop
	exec 7>&-
}

@test "stderr is read again: the lost lines are reported, even if no other line follows" {
	stalled_log
	launch_ports sleep 1000
	local old
	old=$(part 'fauxroot: ports')
	fill_log
	kill -KILL "$old"
	wait_for replaced 'fauxroot: ports' "$old"
	api GET /v1/info
	equals 200 "$CODE"
	read_log "$T/read"
	wait_for grep -aqF 'warning: 1 line lost: nothing read stderr' "$T/read"
	stop
	wait_for gone "$READER"
	not grep -aq 'forwarder ended' "$T/read"
	grep -aq 'was killed' "$T/read"
}

# Is the terminal's output stopped? A non-blocking write shows it.
stopped() {
	! dd if=one_dot of="$1" oflag=nonblock bs=1 count=1
}

@test "stderr is a terminal under Ctrl-S: helpers are restarted, API and SIGTERM work" {
	local old terminal
	mkfifo script
	printf . >one_dot
	NO_COLOR=1 "$PTY" -t 100 "$FAUXROOT" --state-dir="$S" --net=none --port-driver=builtin \
		sh -c 'trap "" TTOU; tty >"$0"; echo ready; exec sleep 1000' "$T/tty" <script >transcript 3>&- 4>&- &
	local conversation=$!
	exec 6>script
	echo 'expect ready' >&6
	wait_for test -s "$T/tty"
	terminal=$(<"$T/tty")
	LAUNCHER=$(awk '/^PPid:/ { print $2 }' "/proc/$(<"$S/child_pid")/status")
	old=$(part 'fauxroot: ports')
	printf '%s\n' 'send \x13' >&6
	wait_for stopped "$terminal"
	kill -KILL "$old"
	wait_for replaced 'fauxroot: ports' "$old"
	api GET /v1/info
	equals 200 "$CODE"
	printf '%s\n' 'send \x11' 'expect 1 line lost' 'send \x13' >&6
	wait_for stopped "$terminal"
	kill -TERM "$LAUNCHER"
	echo 'exit 143' >&6
	exec 6>&-
	wait "$conversation"
}
