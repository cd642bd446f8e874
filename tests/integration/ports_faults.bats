#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What published ports must survive: whole data in every order of closing, dead and silent peers, too
# few descriptors, the death of each process of ours, hostile clients of the API.

load ../lib/bash/common
load ../lib/bash/ports

# Behind the port: a checker that serves TCP and UDP, on both families' loopback addresses.
launch_checker() { # and PORT, from the start
	free_port
	launch_ports -p "127.0.0.1:$PORT:7000/tcp" -p "127.0.0.1:$PORT:7000/udp" "$PORTCHECK" serve :: 7000 || return
	wait_for grep -q serving "$OUT"
}

check() { # WHAT [WORDS…]
	timeout 280 "$PORTCHECK" "$1" 127.0.0.1 "$PORT" "${@:2}" 3>&- 4>&-
}

works() {
	"$PORTCHECK" churn 127.0.0.1 "$PORT" 3 2>/dev/null
}

# amount SHORT FULL - the second with FULL=1
amount() {
	echo $((${#FULL} > 0 ? $2 : $1))
}

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

@test "urgent data: stays in its place, and neither few bytes nor a bulk transfer stop at it" {
	launch_checker
	check urgent $((16 << 20))
	stop
}

@test "urgent data: of thousands of streams with marks anywhere, either way, none is cut" {
	local urgent=$FAUXROOT_TEST_TOOLS/porturgent
	free_port
	launch_ports -p "127.0.0.1:$PORT:7000/tcp" "$urgent" serve 127.0.0.1 7000
	wait_for grep -q serving "$OUT"
	timeout 280 "$urgent" client 127.0.0.1 "$PORT" "$(amount 4000 100000)" 2000000 $RANDOM 3>&- 4>&-
	stop
}

@test "half-close: the client's passes on, and the server's before the client has begun" {
	launch_checker
	# echo ends with the client's half-close, whose answer is still to come; fetch with the server's.
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

@test "a reset of the server reaches the client as one" {
	launch_checker
	check reset
	works
	stop
}

@test "nobody behind the port: the client sees a reset, again and again, and others go on" {
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

@test "a reader that never reads: the sender is held up and memory is bounded" {
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
	# What the kernel's buffers take on both sides is not the forwarder's.
	[ "$taken" -lt $((64 << 20)) ]
	sanitized || [ $(($(memory_of "$(part 'fauxroot: ports')") - before)) -lt 4096 ]
	works
	exec 6>&-
	wait_for gone "$client"
	stop
}

@test "SIGKILL to the forwarder: its connections are reset, and another goes on with the same listeners" {
	launch_checker
	works
	local round old held
	# Not closed as if their senders had come to an end.
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
	# Ports and ids are the launcher's, so they are as before; new ones work, removed ones refuse.
	equals 2 "$(port_objects | wc -l)"
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	equals 3 "$ID"
	works
	unpublish 3
	not connects 127.0.0.1 "$PORT"
	stop
}

@test "SIGKILL to the agent: started again, and open connections go on" {
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
		# More than are made ahead of need.
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

@test "SIGSTOP to the forwarder: it is continued; when it stops again another takes over the listeners" {
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
	# As soon as one is there, which also is while it is being started; and as many as are needed,
	# for a busy machine may take longer for the first five.
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

@test "SIGKILL to the launcher: forwarder and agent go, the port is free" {
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

@test "ulimit -n 64: 10,000 requests, 900 at a time, are all answered, with a log line or two" {
	# The forwarder raises its limit; so the hard one of a running one is taken down.
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

# limited N - fauxroot and all that it starts may have no more descriptors
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

# flood N - that many idle connections of one client to the port, until "echo >&6"
flood() {
	mkfifo go
	"$FAUXROOT_TEST_TOOLS/portflood" 127.0.0.1 "$PORT" "$1" <go >flood 3>&- 4>&- &
	FLOOD=$!
	exec 6>go
	wait_for grep -q ready flood
}

from() { # ADDRESS COMMAND… - as this client
	PORTPEER_SOURCE=$1 "${@:2}" 6>&-
}

# holds N - open that many connections and use them
holds() {
	check idle "$1" </dev/null
}

@test "1,500 idle connections of one client: other ports and other clients of this one are answered" {
	limited 1024
	launch_checker
	local first=$PORT second late forwarder
	forwarder=$(part 'fauxroot: ports')
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	second=$PORT
	PORT=$first flood 1500
	# The other port has its reserve, for the greedy client as well.
	PORT=$second holds 16
	PORT=$second check churn 20
	# In the same port, other clients take the place of some; new connections of the greedy one do not.
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
	# What has made no room stays open.
	[ "$(tail -n 1 flood)" -ge 300 ]
	[ "$(tail -n 1 flood)" -lt 1500 ]
	unpublish "$late"
	for PORT in $first $second; do
		wait_for works
		from 127.0.0.2 works
	done
	equals "$forwarder" "$(part 'fauxroot: ports')"
	stop
	logged 'out of descriptors: published port 1 has all connections'
}

@test "a removed port that was full: its clients are reset, waiting ones too, and the rest is as before" {
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

@test "idle connections: two descriptors each at most, little memory, and all answer" {
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
	after=$(memory_of "$(part 'fauxroot: ports')")
	sanitized || [ $((after - before)) -le $((4096 * (n + 1000) / 10000)) ]
	echo go >&6
	exec 6>&-
	wait "$client"
	stop
}

@test "UDP: empty and 65,507-byte datagrams, and all between, come back whole" {
	launch_checker
	check datagrams
	publish udp ::1 0 127.0.0.1 7000
	"$PORTCHECK" datagrams ::1 "$PORT"
	publish udp 127.0.0.1 0 ::1 7000
	check datagrams
	stop
}

@test "UDP: a dead backend is survived, and works once it is there" {
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

@test "a removed UDP port is silent, and its number free" {
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

# ---- leaks; the agent's are in root/ports.bats, for nobody but root may look into it ----

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
	# The last connection may still be on its way out, and the sockets made ahead vary a little.
	few() { [ "$(fds_of "$(part 'fauxroot: ports')")" -le $((fds + $(made_ahead))) ]; }
	wait_for few
	sanitized || [ "$(memory_of "$(part 'fauxroot: ports')")" -le $((memory + 512)) ]
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

@test "idle: the forwarder and the launcher give back the pages of code that they do not need" {
	# What is mapped of files, in KiB
	code_of() { awk '$1 == "Rss:" { rss = $2 } $1 == "Anonymous:" { print rss - $2 }' \
		"/proc/$1/smaps_rollup"; }
	is_small() { sanitized || [ "$(code_of "$1")" -lt 1000 ]; }
	launch_checker
	wait_for is_small "$LAUNCHER"
	# Also after more work, and they go on working.
	check churn 10
	wait_for is_small "$(part 'fauxroot: ports')"
	check churn 10
	stop
}

# ---- the API ----

@test "API: silent clients, and one byte after another, hold nobody" {
	launch_ports sleep 1000
	local i
	for i in 1 2 3 4 5 6 7 8; do
		socat -u "EXEC:sleep 1000" "UNIX-CONNECT:$S/api.sock" 3>&- 4>&- &
	done
	socat -u "SYSTEM:while printf G; do sleep 0.1; done" "UNIX-CONNECT:$S/api.sock" 2>/dev/null 3>&- 4>&- &
	publish tcp 127.0.0.1 0 127.0.0.1 80
	connects 127.0.0.1 "$PORT"
	stop
	kill_marked
}

# api_clients N silent|served - that many connections, until end_clients
api_clients() {
	mkfifo go
	"$FAUXROOT_TEST_TOOLS/apiclients" "$S/api.sock" "$@" <go >clients 3>&- 4>&- &
	CLIENTS=$!
	exec {GO}>go
	wait_for grep -q ready clients
}

# end_clients - CLOSED: the numbers of those that the server has closed
end_clients() {
	exec {GO}>&-
	wait "$CLIENTS" || return
	CLOSED=$(tail -n +2 clients | paste -sd' ')
}

@test "API: three hundred idle connections make room for the next, the oldest first" {
	launch_ports sleep 1000
	api_clients 300 silent
	publish tcp 127.0.0.1 0 127.0.0.1 80
	unpublish "$ID"
	end_clients
	[[ "$CLOSED " == "0 1 2 3 4 5 "* ]]
	stop
}

@test "API: 256 keep-alive clients between their requests, and the longest idle makes room" {
	launch_ports sleep 1000
	api_clients 256 served
	publish tcp 127.0.0.1 0 127.0.0.1 80
	unpublish "$ID"
	end_clients
	# The second request may come before the launcher has seen that the first client has gone.
	[[ " 0 1 " == " $CLOSED "* ]]
	stop
}

@test "API: JSON nested 100,000 deep and bodies without end are refused" {
	launch_ports sleep 1000
	head -c 50000 /dev/zero | tr '\0' '[' >deep
	equals 400 "$(curl -s --max-time 100 --unix-socket "$S/api.sock" -o /dev/null -w '%{http_code}' --data-binary @deep http://x/v1/ports)"
	head -c 100000 /dev/zero | tr '\0' '[' >deep
	not accepted --data-binary @deep
	# A length of 1 GiB that never comes, and one that comes in chunks.
	not accepted -H 'Content-Length: 1073741824' --data-binary @deep
	head -c 300000 /dev/zero | tr '\0' ' ' >long
	not accepted -H 'Transfer-Encoding: chunked' -T long -X POST
	publish tcp 127.0.0.1 0 127.0.0.1 80
	equals 1 "$ID"
	stop
}

accepted() { # CURL OPTIONS… - POST /v1/ports was answered with other than an error
	local got
	got=$(curl -s --max-time 100 --unix-socket "$S/api.sock" -o /dev/null -w '%{http_code}' "$@" http://x/v1/ports || true)
	[[ $got == 2* ]]
}

@test "API: out of descriptors: said once at most, in our own words, and it goes on" {
	launch_ports sleep 1000
	free_port 30
	local round limit
	limit=$(($(fds_of "$LAUNCHER") + 14))
	for round in 1 2 3 4 5 6; do
		# A port takes two: with an odd and with an even number there may be one left for a client.
		prlimit --pid "$LAUNCHER" --nofile=$((limit - round / 4)):$limit
		# All are taken back, and with them come the clients that had to wait.
		run -1 --separate-stderr ctl add-ports "$PORT-$((PORT + 29)):$PORT-$((PORT + 29))/tcp"
		says "$stderr" 'Too many open files|No file descriptors available'
		equals "" "$(port_objects)"
	done
	[ "$(log_count 'out of file descriptors')" -le 1 ]
	equals "" "$(grep -v 'out of file descriptors' "$LOG" || true)"
	stop
}

@test "API: a client that goes away in the middle of its request" {
	launch_ports sleep 1000
	local i
	for i in 1 2 3 4 5; do
		printf 'POST /v1/ports HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"proto":' |
			socat -u - "UNIX-CONNECT:$S/api.sock"
		printf 'POST /v1/ports HTTP/1.1\r\nHost: x\r\nContent-Length: 48\r\n\r\n%s' \
			'{"proto":"tcp","parentPort":0,"childPort":80}   ' | socat -u - "UNIX-CONNECT:$S/api.sock"
	done
	# Whole requests are carried out, torn ones are not.
	five() { [ "$(port_objects | wc -l)" -eq 5 ]; }
	wait_for five
	stop
}

@test "API: ports come and go while SIGTERM is pending, for a target that takes its time" {
	# As a dockerd does: it stops its containers first, whose ports are taken back one by one.
	launch_ports sh -c 'trap "" TERM; echo deaf; exec sleep 1000'
	wait_for grep -q deaf "$OUT"
	local round flood
	term_flood
	for round in {1..4}; do
		publish tcp 127.0.0.1 own 127.0.0.1 80
		connects 127.0.0.1 "$PORT"
		unpublish "$ID"
		not connects 127.0.0.1 "$PORT"
	done
	kill "$flood"
	kill -KILL "$TARGET"
	ended 137
}

@test "API: adds racing deletes: no port twice, none left listening that is not listed" {
	launch_ports sleep 1000
	free_port 4
	local worker i pids=() id at
	for worker in 0 1 2 3 4 5; do
		# Six workers on four ports: somebody loses every time.
		(
			for ((i = 0; i < 8; i++)); do
				id=$(ctl add-ports "127.0.0.1:$((PORT + (worker + i) % 4)):80/tcp" 2>/dev/null) || continue
				ctl remove-ports "$id" >>removed || echo "$id" >>failed
			done
		) &
		pids+=($!)
	done
	wait "${pids[@]}"
	absent failed
	equals "" "$(sort removed | uniq -d)"
	equals "" "$(port_objects)"
	for ((at = PORT; at < PORT + 4; at++)); do
		not connects 127.0.0.1 "$at"
	done
	stop
}
