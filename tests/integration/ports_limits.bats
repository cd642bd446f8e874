#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Published ports with many clients and few descriptors: all are served, and everything is released.
# root/ports.bats tests leaks of the agent: only root may inspect it.
#
# seconds: 27

load ../lib/bash/common
load ../lib/bash/ports
load ../lib/bash/portcheck

@test "ulimit -n 64: 10,000 requests, 900 at a time, are all answered, with few log lines" {
	# The forwarder raises its limit; so lower the hard limit of a running one.
	launch_checker
	local forwarder
	forwarder=$(part 'fauxroot: ports')
	prlimit --pid "$forwarder" --nofile=64:64
	check crowd 10000 900
	check echo 100000 40
	works
	equals "$forwarder" "$(part 'fauxroot: ports')"
	stop
	says "$(<"$LOG")" 'out of (file )?descriptors'
	[ "$(grep -cE 'out of (file )?descriptors' "$LOG")" -le 8 ]
}

# limited N - run fauxroot and everything that it starts with this limit of descriptors
limited() {
	printf '#!/bin/sh\nulimit -n %s && exec "%s" "$@"\n' "$1" "$FAUXROOT" >limited
	chmod +x limited
	FAUXROOT=$T/limited
}

@test "ulimit -n 64 from the start: 10,000 requests of one client, 900 at a time, are all answered" {
	limited 64
	launch_checker
	check crowd 10000 900
	check echo 100000 40
	works
	stop
	logged 'out of descriptors'
}

# flood N - open N idle connections of one client to the port, until "echo >&6"
flood() {
	mkfifo go
	"$FAUXROOT_TEST_TOOLS/portflood" 127.0.0.1 "$PORT" "$1" <go >flood 3>&- 4>&- &
	FLOOD=$!
	exec 6>go
	wait_for grep -q ready flood
}

from() { # ADDRESS COMMAND… - run it with this client address
	PORTPEER_SOURCE=$1 "${@:2}" 6>&-
}

# holds N - open N connections and use them
holds() {
	check idle "$1" </dev/null
}

@test "too many descriptors of the user are in flight: clients wait, and the agent stays" {
	launch_checker
	local agent holder crowd
	agent=$(part 'fauxroot: agent')
	prlimit --pid "$agent" --nofile=64:64
	mkfifo go
	# They count for all processes of the user (man 7 unix, ETOOMANYREFS).
	python3 -c '
import socket, sys
a, b = socket.socketpair()
socket.send_fds(a, [b"x"], [0] * 100)
print("ready", flush=True)
sys.stdin.read()' <go >holder 3>&- 4>&- &
	holder=$!
	exec 6>go
	wait_for grep -q ready holder
	check crowd 500 50 6>&- 3>&- 4>&- &
	crowd=$!
	wait_for grep -q 'out of descriptors: new connections' "$LOG"
	exec 6>&-
	wait "$holder"
	wait "$crowd"
	works
	equals "$agent" "$(part 'fauxroot: agent')"
	stop
}

@test "1,500 idle connections of one client: other ports and other clients of this port are answered" {
	limited 1024
	launch_checker
	local first=$PORT second late forwarder
	forwarder=$(part 'fauxroot: ports')
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	second=$PORT
	PORT=$first flood 1500
	# The other port has its reserve, also for the client above its share.
	PORT=$second holds 16
	PORT=$second check churn 20
	# In the same port, other clients displace some connections; new ones of the same client do not.
	PORT=$first from 127.0.0.2 check churn 20
	PORT=$first from 127.0.0.3 holds 30
	PORT=$first from 127.0.0.2 check crowd 300 30
	# A port that is published now has its reserve as well.
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	holds 16
	late=$ID
	PORT=$first check datagrams
	echo >&6
	exec 6>&-
	wait "$FLOOD"
	# Connections that were not displaced stay open.
	[ "$(tail -n 1 flood)" -ge 300 ]
	[ "$(tail -n 1 flood)" -lt 1500 ]
	unpublish "$late"
	for PORT in $first $second; do
		wait_for works
		from 127.0.0.2 works
	done
	equals "$forwarder" "$(part 'fauxroot: ports')"
	stop
	logged 'out of descriptors: published port 1 has its maximum number of connections'
}

@test "a full port is removed: its clients are reset, waiting ones too; other ports do not change" {
	limited 256
	launch_checker
	local second round
	free_port
	second=$PORT
	for round in 1 2 3; do
		publish tcp 127.0.0.1 own 127.0.0.1 7000
		flood 400
		unpublish "$ID"
		echo >&6
		exec 6>&-
		wait "$FLOOD"
		equals 0 "$(tail -n 1 flood)"
		rm go
		PORT=$(port_objects | jq -s '.[0].spec.parentPort') check churn 50
	done
	stop
}

@test "idle connections: at most two descriptors each, little memory, and all answer" {
	local n client before_fds before after
	n=$(amount 2000 9500)
	launch_checker
	works
	before_fds=$(fds_of "$(part 'fauxroot: ports')")
	before=$(memory_of "$(part 'fauxroot: ports')")
	mkfifo go
	check idle $n <go >ready &
	client=$!
	exec 6>go
	DEADLINE=200 wait_for grep -q ready ready
	two_each() { [ "$(fds_of "$(part 'fauxroot: ports')")" -le $((before_fds + 2 * n + $(made_ahead))) ]; }
	wait_for two_each
	little() {
		after=$(memory_of "$(part 'fauxroot: ports')")
		sanitized || [ $((after - before)) -le $((4096 * (n + 1000) / 10000)) ]
	}
	wait_for little
	echo go >&6
	exec 6>&-
	wait "$client"
	stop
}

@test "no leak: the forwarder's descriptors and memory return after connections and datagrams" {
	local n fds memory
	n=$(amount 3000 100000)
	launch_checker
	check churn 1000
	check echo 100000 64
	fds=$(fds_of "$(part 'fauxroot: ports')")
	memory=$(memory_of "$(part 'fauxroot: ports')")
	check churn $n
	check echo 100000 64
	check reset
	# The last connection may still be closing, and the number of prepared sockets varies a little.
	few() { [ "$(fds_of "$(part 'fauxroot: ports')")" -le $((fds + $(made_ahead))) ]; }
	wait_for few
	# It gives memory back at its next tick.
	little() { sanitized || [ "$(memory_of "$(part 'fauxroot: ports')")" -le $((memory + 512)) ]; }
	wait_for little
	stop
}

@test "no leak: the launcher's descriptors return after ports and clients of the API" {
	launch_ports sleep 1000
	local before i
	ctl list-ports
	before=$(fds_of "$LAUNCHER")
	for i in 1 2 3 4 5 6 7 8 9 10; do
		publish tcp 127.0.0.1 0 127.0.0.1 80
		unpublish "$ID"
	done
	as_before() { [ "$(fds_of "$LAUNCHER")" -le "$before" ]; }
	wait_for as_before
	stop
}

@test "idle: the forwarder and the launcher release the code pages that they do not need" {
	# Mapped memory of files, in KiB
	code_of() { awk '$1 == "Rss:" { rss = $2 } $1 == "Anonymous:" { print rss - $2 }' \
		"/proc/$1/smaps_rollup"; }
	is_small() { sanitized || [ "$(code_of "$1")" -lt 1000 ]; }
	launch_checker
	wait_for is_small "$LAUNCHER"
	# Also after more work, and they still work.
	check churn 10
	wait_for is_small "$(part 'fauxroot: ports')"
	check churn 10
	stop
}

@test "all local ports of the command's network are in use: a warning with the setting, TCP and UDP" {
	free_port
	launch_ports -p "127.0.0.1:$PORT:7000/tcp" -p "127.0.0.1:$PORT:7000/udp" sh -c '
		echo 40000 40003 >/proc/sys/net/ipv4/ip_local_port_range
		exec "$0" serve :: 7000' "$PORTCHECK"
	wait_for grep -q serving "$OUT"
	flood 8
	wait_for grep -q 'connecting to 127.0.0.1:7000: Cannot assign requested address' "$LOG"
	# Each client of UDP has a socket as well.
	[ "$(check sources 12 1)" -lt 12 ]
	wait_for grep -q 'connecting to 127.0.0.1:7000: Resource temporarily unavailable' "$LOG"
	equals 2 "$(grep -c 'warning: connecting to' "$LOG")"
	"$FAUXROOTCTL" --socket "$S" exec sh -c "$(grep -om 1 'sysctl -w [^)]*' "$LOG")"
	works
	equals 12 "$(check sources 12 150)"
	echo >&6
	exec 6>&-
	wait "$FLOOD"
	stop
}
