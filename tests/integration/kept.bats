#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The launcher keeps its helpers alive: it waits out a shortage while it restarts one, and a stopped one
# is continued.
#
# seconds: 22

load ../lib/bash/common
load ../lib/bash/ports

launch_both() { # forwarder, agent and slirp4netns; a checker behind PORT
	free_port
	launch --debug --net=slirp4netns --port-driver=builtin -p "127.0.0.1:$PORT:7000/tcp" \
		"$PORTCHECK" serve 127.0.0.1 7000
	wait_for grep -q serving "$OUT"
	works
}

works() {
	"$PORTCHECK" churn 127.0.0.1 "$PORT" 3 2>/dev/null
}

# limit RESOURCE SOFT - set the launcher's soft limit; the old one is BEFORE
limit() {
	BEFORE=$(prlimit --pid "$LAUNCHER" "--$1" -o SOFT --noheadings | tr -d ' ')
	prlimit --pid "$LAUNCHER" "--$1=$2:"
}

unlimit() { # RESOURCE
	prlimit --pid "$LAUNCHER" "--$1=$BEFORE:"
}

# n_tries - print how often the launcher failed to restart a helper
n_tries() {
	grep -c 'restarting .*: ' "$LOG" || true
}

# short_of RESOURCE SOFT NAME - the helper dies during a shortage in the launcher
short_of() {
	local old warned tries
	old=$(child_of "$LAUNCHER" "$3")
	warned=$(log_count '; retrying')
	tries=$(n_tries)
	limit "$1" "$2"
	kill -KILL "$old"
	# As many times as the number of deaths that ends the launcher.
	tried() { [ "$(n_tries)" -ge $((tries + 5)) ]; }
	wait_for tried
	equals $((warned + 1)) "$(log_count '; retrying')"
	alive "$LAUNCHER"
	not child_of "$LAUNCHER" "$3"
	unlimit "$1"
	wait_for replaced "$3" "$old"
	wait_for works
}

@test "no process is free for a restarted helper: the launcher waits" {
	launch_both
	local name
	for name in 'fauxroot: ports' 'fauxroot: agent' slirp4netns; do
		short_of nproc 1 "$name"
	done
	stop
	not logged 'terminating the command'
}

@test "no descriptor is free for a restarted helper: the launcher waits" {
	launch_both
	local name
	for name in 'fauxroot: ports' 'fauxroot: agent' slirp4netns; do
		short_of nofile 8 "$name"
	done
	stop
	not logged 'terminating the command'
}

@test "while there is no forwarder, ports are added and removed, and clients wait" {
	launch_both
	local old first=$PORT removed
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	removed=$PORT
	old=$(part 'fauxroot: ports')
	limit nproc 1
	kill -KILL "$old"
	wait_for logged '; retrying'
	unpublish "$ID"
	not connects 127.0.0.1 "$removed"
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	# The kernel accepts the connections; they are answered later.
	timeout 100 "$PORTCHECK" churn 127.0.0.1 "$PORT" 3 &
	local client=$!
	wait_for connects 127.0.0.1 "$PORT"
	unlimit nproc
	wait "$client"
	PORT=$first works
	not connects 127.0.0.1 "$removed"
	equals 2 "$(port_objects | wc -l)"
	stop
}

@test "all processes are stopped, and the launcher is continued first: open connections survive" {
	launch_both
	local pids pid client
	mkfifo go
	"$PORTCHECK" idle 127.0.0.1 "$PORT" 20 <go >ready 3>&- 4>&- &
	client=$!
	exec 6>go
	wait_for grep -q ready ready
	pids="$(part 'fauxroot: ports') $(part 'fauxroot: agent') $(part slirp4netns)"
	for pid in $LAUNCHER $pids; do
		kill -STOP "$pid"
		wait_for process_state "$pid" T
	done
	kill -CONT "$LAUNCHER"
	for pid in $pids; do
		runs() { process_state "$pid" RSD; }
		wait_for runs
	done
	equals "$pids" "$(part 'fauxroot: ports') $(part 'fauxroot: agent') $(part slirp4netns)"
	equals 3 "$(log_count 'was stopped')"
	echo go >&6
	exec 6>&-
	wait "$client"
	works
	stop
}

@test "a helper that is stopped again is replaced" {
	launch_both
	local name old stops=0
	for name in 'fauxroot: ports' 'fauxroot: agent' slirp4netns; do
		old=$(part "$name")
		kill -STOP "$old"
		# The launcher has noticed the stop and continued it.
		seen() { [ "$(log_count 'was stopped')" -gt "$stops" ]; }
		wait_for seen
		wait_for process_state "$old" RSD
		kill -STOP "$old"
		wait_for replaced "$name" "$old"
		wait_for works
		stops=$(log_count 'was stopped')
	done
	stop
}
