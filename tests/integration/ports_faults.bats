#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Faults that published ports must survive: complete data in every order of closing, dead and silent peers,
# the death of each of our processes.
#
# seconds: 27

load ../lib/bash/common
load ../lib/bash/ports
load ../lib/bash/portcheck

@test "integrity: random data each way through one connection" {
	launch_checker
	check echo "$(amount $((64 << 20)) $((1 << 30)))" 1
	stop
}

@test "integrity: random data each way through 64 connections at once" {
	launch_checker
	check echo "$(amount $((1 << 20)) $((16 << 20)))" 64
	stop
}

@test "urgent data: stays in its place, and does not stop small or bulk transfers" {
	launch_checker
	check urgent $((16 << 20))
	stop
}

@test "urgent data: of thousands of streams with marks anywhere, either way, none is truncated" {
	local urgent=$FAUXROOT_TEST_TOOLS/porturgent
	free_port
	launch_ports -p "127.0.0.1:$PORT:7000/tcp" "$urgent" serve 127.0.0.1 7000
	wait_for grep -q serving "$OUT"
	timeout 280 "$urgent" client 127.0.0.1 "$PORT" "$(amount 4000 100000)" 2000000 $RANDOM 3>&- 4>&-
	stop
}

@test "half-close: the client's is passed on, and the server's before the client has begun" {
	launch_checker
	# echo ends with the client's half-close, before the answer; fetch with the server's.
	check echo 100000 4
	check fetch 8000000 4
	check echo 0 4
	check fetch 0 4
	stop
}

@test "half-close through IPv6 and the pairings of families" {
	launch_checker
	local parent child
	for parent in 127.0.0.1 ::1; do
		for child in 127.0.0.1 ::1; do
			publish tcp $parent 0 $child 7000
			timeout 100 "$PORTCHECK" echo $parent "$PORT" 3000000 2
			timeout 100 "$PORTCHECK" fetch $parent "$PORT" 3000000 2
		done
	done
	stop
}

@test "a reset of the server reaches the client as a reset" {
	launch_checker
	check reset
	works
	stop
}

@test "no server behind the port: the client gets a reset, repeatedly, and others are served" {
	launch_checker
	local dead i
	publish tcp 127.0.0.1 0 127.0.0.1 7999
	dead=$PORT
	publish tcp 127.0.0.1 0 ::1 7999
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$PORTCHECK" refused 127.0.0.1 "$PORT"
		"$PORTCHECK" refused 127.0.0.1 "$dead"
	done
	publish tcp 127.0.0.1 0 127.0.0.1 7000
	works
	stop
}

@test "a reader that never reads: the sender is blocked and memory is bounded" {
	launch_checker
	works
	local before client taken
	before=$(memory_of "$(part 'fauxroot: ports')")
	mkfifo go
	check stall $((1 << 30)) <go >taken &
	client=$!
	exec 6>go
	DEADLINE=200 wait_for test -s taken
	taken=$(<taken)
	# The kernel's buffers on both sides are not the forwarder's.
	[ "$taken" -lt $((64 << 20)) ]
	sanitized || [ $(($(memory_of "$(part 'fauxroot: ports')") - before)) -lt 4096 ]
	works
	exec 6>&-
	wait_for gone "$client"
	stop
}

@test "SIGKILL to the forwarder: its connections are reset, and a new one uses the same listeners" {
	launch_checker
	works
	local round old held
	# Not closed as if their senders had finished.
	check hold 8 >held &
	held=$!
	wait_for grep -q ready held
	for round in 1 2 3; do
		old=$(part 'fauxroot: ports')
		kill -KILL "$old"
		wait_for replaced 'fauxroot: ports' "$old"
		wait_for works
	done
	wait "$held"
	logged forwarder
	check datagrams
	# The launcher owns ports and ids, so they do not change; new ones work, removed ones refuse.
	equals 2 "$(port_objects | wc -l)"
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	equals 3 "$ID"
	works
	unpublish 3
	not connects 127.0.0.1 "$PORT"
	stop
}

@test "SIGKILL to the agent: restarted, and open connections survive" {
	launch_checker
	mkfifo go
	check idle 50 <go >ready &
	local client=$! round old
	exec 6>go
	wait_for grep -q ready ready
	for round in 1 2 3; do
		old=$(part 'fauxroot: agent')
		kill -KILL "$old"
		wait_for replaced 'fauxroot: agent' "$old"
		# More than are prepared in advance.
		wait_for works
		check churn 300
	done
	logged agent
	echo go >&6
	exec 6>&-
	wait_for gone "$client"
	wait "$client"
	stop
}

@test "the target kills or stops the agent: connections work again" {
	launch_checker
	local old
	old=$(part 'fauxroot: agent')
	# The agent has joined the target's user namespace: its root may signal it.
	kill -STOP "$old"
	check churn 2000 &
	local client=$!
	wait "$client"
	stop
}

@test "SIGSTOP to the forwarder: it is continued; when it stops again a new one takes the listeners" {
	launch_checker
	works
	local old
	old=$(part 'fauxroot: ports')
	kill -STOP "$old"
	wait_for logged 'the port forwarder was stopped; continuing it'
	wait_for works
	equals "$old" "$(part 'fauxroot: ports')"
	kill -STOP "$old"
	wait_for gone "$old"
	wait_for replaced 'fauxroot: ports' "$old"
	wait_for works
	check datagrams
	logged 'the port forwarder died: it was stopped again'
	stop
}

@test "five deaths of the forwarder in ten seconds are fatal, with its name" {
	launch_checker
	# Kill each one as soon as it exists, also during its start; and as many as needed, because a busy
	# machine may take longer for the first five.
	cat >killer <<-'END'
		my $launcher = shift;
		while (open(my $list, "<", "/proc/$launcher/task/$launcher/children")) {
			for my $pid (split " ", <$list> // "") {
				open(my $comm, "<", "/proc/$pid/comm") or next;
				kill 9, $pid if (<$comm> // "") eq "fauxroot: ports\n";
			}
		}
	END
	timeout 200 perl killer "$LAUNCHER"
	ended 125
	logged 'error: the port forwarder died 5 times in 10 s, the last time: '
	not connects 127.0.0.1 "$PORT"
}

@test "SIGKILL to the launcher: forwarder and agent exit, the port is free" {
	launch_checker
	local parts
	parts="$(part 'fauxroot: ports') $(part 'fauxroot: agent')"
	kill -KILL "$LAUNCHER"
	local pid
	for pid in $parts; do
		wait_for gone "$pid"
	done
	not connects 127.0.0.1 "$PORT"
	free() { fx --state-dir="$S" --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" true; }
	wait_for free
	kill_marked
}

@test "UDP: datagrams of 0 to 65,507 bytes come back complete" {
	launch_checker
	check datagrams
	publish udp ::1 0 127.0.0.1 7000
	"$PORTCHECK" datagrams ::1 "$PORT"
	publish udp 127.0.0.1 0 ::1 7000
	check datagrams
	stop
}

@test "UDP: a port works again when its server is back" {
	launch_checker
	local live=$PORT
	publish udp 127.0.0.1 0 127.0.0.1 7999
	equals 0 "$(check sources 5 1)"
	PORT=$live check datagrams
	in_target "$PORTCHECK" serve 127.0.0.1 7999 >late &
	wait_for grep -q serving late
	check datagrams
	stop_all
}

@test "UDP: many sources, each of which gets its own answer" {
	launch_checker
	local n
	n=$(amount 2000 60000)
	equals "$n" "$(check sources "$n" 150)"
	works
	stop
}

@test "a removed UDP port does not answer, and its number is free" {
	launch_checker
	publish udp 127.0.0.1 own 127.0.0.1 7000
	equals 5 "$(check sources 5 150)"
	unpublish "$ID"
	equals 0 "$(check sources 2 1)"
	api POST /v1/ports "$(spec_json udp 127.0.0.1 "$PORT" 127.0.0.1 7000)"
	equals 201 "$CODE"
	check datagrams
	stop
}
