#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hostile clients of the API: silent ones, too many, endless bodies, and clients that disconnect.

load ../lib/bash/common
load ../lib/bash/ports
load ../lib/bash/portcheck

@test "API: silent clients, and clients that send byte by byte, block nobody" {
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

# api_clients N silent|served - open N connections that stay until end_clients
api_clients() {
	mkfifo go
	"$FAUXROOT_TEST_TOOLS/apiclients" "$S/api.sock" "$@" <go >clients 3>&- 4>&- &
	CLIENTS=$!
	exec {GO}>go
	wait_for grep -q ready clients
}

# end_clients - set CLOSED to the numbers of the connections that the server has closed
end_clients() {
	exec {GO}>&-
	wait "$CLIENTS" || return
	CLOSED=$(tail -n +2 clients | paste -sd' ')
}

@test "API: with three hundred idle connections the oldest is closed for the next one" {
	launch_ports sleep 1000
	api_clients 300 silent
	publish tcp 127.0.0.1 0 127.0.0.1 80
	unpublish "$ID"
	end_clients
	[[ "$CLOSED " == "0 1 2 3 4 5 "* ]]
	stop
}

@test "API: 256 keep-alive clients between their requests: the longest idle one is closed" {
	launch_ports sleep 1000
	api_clients 256 served
	publish tcp 127.0.0.1 0 127.0.0.1 80
	unpublish "$ID"
	end_clients
	# The second request may come before the launcher has noticed that the first client disconnected.
	[[ " 0 1 " == " $CLOSED "* ]]
	stop
}

@test "API: JSON nested 100,000 deep and endless bodies are refused" {
	launch_ports sleep 1000
	head -c 50000 /dev/zero | tr '\0' '[' >deep
	equals 400 "$(curl -s --max-time 100 --unix-socket "$S/api.sock" -o /dev/null -w '%{http_code}' --data-binary @deep http://x/v1/ports)"
	head -c 100000 /dev/zero | tr '\0' '[' >deep
	not accepted --data-binary @deep
	# A length of 1 GiB without the data, and an endless chunked body.
	not accepted -H 'Content-Length: 1073741824' --data-binary @deep
	head -c 300000 /dev/zero | tr '\0' ' ' >long
	not accepted -H 'Transfer-Encoding: chunked' -T long -X POST
	publish tcp 127.0.0.1 0 127.0.0.1 80
	equals 1 "$ID"
	stop
}

accepted() { # CURL OPTIONS… - POST /v1/ports is answered without an error
	local got
	got=$(curl -s --max-time 100 --unix-socket "$S/api.sock" -o /dev/null -w '%{http_code}' "$@" http://x/v1/ports || true)
	[[ $got == 2* ]]
}

@test "API: without free descriptors: at most one log line, in our own words, and the API continues" {
	launch_ports sleep 1000
	free_port 30
	local round limit
	limit=$(($(fds_of "$LAUNCHER") + 14))
	for round in 1 2 3 4 5 6; do
		# A port takes two descriptors: one may be left for a client, depending on the number.
		prlimit --pid "$LAUNCHER" --nofile=$((limit - round / 4)):$limit
		# All descriptors are released, and then the waiting clients are accepted.
		run -1 --separate-stderr ctl add-ports "$PORT-$((PORT + 29)):$PORT-$((PORT + 29))/tcp"
		says "$stderr" 'Too many open files|No file descriptors available'
		equals "" "$(port_objects)"
	done
	[ "$(log_count 'out of file descriptors')" -le 1 ]
	equals "" "$(grep -v 'out of file descriptors' "$LOG" || true)"
	stop
}

@test "API: a client that disconnects in the middle of its request" {
	launch_ports sleep 1000
	local i
	for i in 1 2 3 4 5; do
		printf 'POST /v1/ports HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"proto":' |
			socat -u - "UNIX-CONNECT:$S/api.sock"
		printf 'POST /v1/ports HTTP/1.1\r\nHost: x\r\nContent-Length: 48\r\n\r\n%s' \
			'{"proto":"tcp","parentPort":0,"childPort":80}   ' | socat -u - "UNIX-CONNECT:$S/api.sock"
	done
	# Incomplete requests have no effect. A complete request has, unless its client disconnected before.
	ctl info >/dev/null
	[ "$(port_objects | wc -l)" -le 5 ]
	publish tcp 127.0.0.1 0 127.0.0.1 80
	equals "$ID" "$(port_objects | jq -s 'last.id')"
	# The launcher is stopped, and the client gives up: its ports do not appear later.
	local before
	before=$(port_objects)
	kill -STOP "$LAUNCHER"
	printf 'POST /v1/ports HTTP/1.1\r\nHost: x\r\nContent-Length: 45\r\n\r\n%s' \
		'{"proto":"tcp","parentPort":0,"childPort":80}' | socat -u - "UNIX-CONNECT:$S/api.sock"
	kill -CONT "$LAUNCHER"
	local i
	for i in 1 2 3 4 5; do
		equals "$before" "$(port_objects)"
	done
	stop
}

@test "API: ports are added and removed while SIGTERM is pending, for a slow target" {
	# dockerd does this: it first stops its containers, whose ports are removed one by one.
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

@test "API: adds racing deletes: no port twice, no listener without a list entry" {
	launch_ports sleep 1000
	free_port 4
	local worker i pids=() id at
	for worker in 0 1 2 3 4 5; do
		# Six workers on four ports: some of them always lose.
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
