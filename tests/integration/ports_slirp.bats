#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The port driver slirp4netns: slirp4netns itself forwards the ports. It gets requests over its API socket,
# which may break, hang or send garbage.
#
# seconds: 60

load ../lib/bash/common
load ../lib/bash/ports

# The target: servers on all addresses of the child; each names itself.
launch_slirp() { # OPTIONS…
	cat >servers <<-'END'
		socat TCP4-LISTEN:7000,reuseaddr,fork SYSTEM:'echo tcp 7000' &
		socat TCP4-LISTEN:7001,reuseaddr,fork SYSTEM:'echo tcp 7001' &
		socat UDP4-RECVFROM:7000,reuseaddr,fork SYSTEM:'read line; echo udp 7000' &
		wait
	END
	launch --net=slirp4netns --port-driver=slirp4netns "$@" sh servers || return
	wait_for servers_listen
}

servers_listen() {
	[ "$(in_target ss -Hltun 'sport = 7000 or sport = 7001' | wc -l)" -ge 3 ]
}

tcp_says() { # PORT TEXT
	[ "$(said tcp 127.0.0.1 "$1" 2>/dev/null)" = "$2" ]
}

helper_replaced() { # OLD
	local now
	now=$(part slirp4netns) && [ "$now" != "$1" ]
}

@test "-p from the start, TCP and UDP, to the child's own address; removed with the command" {
	free_port 3
	launch_slirp -p "127.0.0.1:$PORT:7000/tcp" -p "127.0.0.1:$((PORT + 1)):10.0.2.100:7000/udp" \
		-p "$((PORT + 2)):7001/tcp4"
	wait_for tcp_says "$PORT" "tcp 7000"
	equals "udp 7000" "$(said udp 127.0.0.1 $((PORT + 1)))"
	# No parent IP: all addresses of IPv4.
	equals "tcp 7001" "$(said tcp 127.0.0.5 $((PORT + 2)))"
	not connects ::1 $((PORT + 2))
	stop_all
	not connects 127.0.0.1 "$PORT"
}

@test "API and client: add, list, remove; echoed unchanged, connections refused once removed" {
	launch_slirp
	free_port 2
	api POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 10.0.2.100 7000)"
	equals "201 {\"id\":1,\"spec\":{\"proto\":\"tcp\",\"parentIP\":\"127.0.0.1\",\"parentPort\":$PORT,\"childIP\":\"10.0.2.100\",\"childPort\":7000}}" \
		"$CODE $BODY"
	equals "tcp 7000" "$(said tcp 127.0.0.1 "$PORT")"
	equals 2 "$(ctl add-ports "127.0.0.1:$PORT:7000/udp")"
	equals "udp 7000" "$(said udp 127.0.0.1 "$PORT")"
	equals "1 2" "$(port_objects | jq .id | paste -sd' ')"
	ctl remove-ports 1
	not connects 127.0.0.1 "$PORT"
	equals "udp 7000" "$(said udp 127.0.0.1 "$PORT")"
	refused_by DELETE /v1/ports/1 "" 400 'no port with the id 1'
	unpublish 2
	# A free port; the answer names it.
	api POST /v1/ports '{"proto":"tcp","parentIP":"127.0.0.1","parentPort":0,"childPort":7001}'
	equals "201 3" "$CODE $(jq .id <<<"$BODY")"
	PORT=$(jq .spec.parentPort <<<"$BODY")
	equals "tcp 7001" "$(said tcp 127.0.0.1 "$PORT")"
	stop_all
}

@test "twenty quick rounds of adding and removing" {
	launch_slirp
	local round
	free_port
	for ((round = 1; round <= 20; round++)); do
		api POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 10.0.2.100 7000)"
		equals "201 $round" "$CODE $(jq .id <<<"$BODY")"
		connects 127.0.0.1 "$PORT"
		unpublish "$round"
		not connects 127.0.0.1 "$PORT"
	done
	stop_all
}

@test "conflicts: with another port of ours, and with another process, which is named" {
	launch_slirp
	free_port 2
	ctl add-ports "127.0.0.1:$PORT:7000/tcp"
	refused_by POST /v1/ports "$(spec_json tcp4 127.0.0.1 "$PORT" 10.0.2.100 7001)" 409 'conflicts with port 1'
	socat "TCP4-LISTEN:$((PORT + 1)),bind=127.0.0.1,fork" SYSTEM:'echo other' 3>&- 4>&- &
	local other=$!
	wait_for connects 127.0.0.1 $((PORT + 1))
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 $((PORT + 1)) 10.0.2.100 7000)" 409 \
		"Address already in use by process $other \(socat\)"
	kill "$other"
	equals 1 "$(port_objects | jq .id)"
	stop_all
}

@test "IPv6 and loopback in the child are refused with a message; /v1/info names what is supported" {
	launch_slirp
	local text why
	while IFS='|' read -r why text; do
		refused_by POST /v1/ports "$text" 400 "$why"
	done <<-'END'
		the port driver slirp4netns has no tcp6|{"proto":"tcp6","parentPort":0,"childPort":80}
		the port driver slirp4netns has no udp6|{"proto":"udp6","parentPort":0,"childPort":80}
		slirp4netns forwards IPv4 only|{"proto":"tcp","parentIP":"::1","parentPort":0,"childPort":80}
		slirp4netns forwards IPv4 only|{"proto":"tcp","parentIP":"::","parentPort":0,"childPort":80}
		slirp4netns forwards IPv4 only|{"proto":"tcp","parentPort":0,"childIP":"fd00::100","childPort":80}
		cannot reach the loopback address 127.0.0.1|{"proto":"tcp","parentPort":0,"childIP":"127.0.0.1","childPort":80}
		Cannot assign requested address|{"proto":"tcp","parentIP":"192.0.2.77","parentPort":0,"childPort":80}
	END
	equals "" "$(port_objects)"
	api GET /v1/info
	equals '{"driver":"slirp4netns","protos":["tcp","tcp4","udp","udp4"],"disallowLoopbackChildIP":true,"sourceIP":"proxy"}' \
		"$(jq -c '.portDriver | {driver, protos, disallowLoopbackChildIP, sourceIP}' <<<"$BODY")"
	says "$(ctl info)" '^- Port Driver: slirp4netns$'
	says "$(ctl info)" '^  - Supported protocols: \[tcp tcp4 udp udp4\]$'
	stop_all
	free_port
	run -125 --separate-stderr fx --net=slirp4netns --port-driver=slirp4netns -p "[::1]:$PORT:80/tcp" touch started
	one_error "$stderr" 'IPv4 only'
	run -125 --separate-stderr fx --net=none --port-driver=slirp4netns -p "127.0.0.1:$PORT:80/tcp" touch started
	one_error "$stderr" 'slirp4netns'
	absent started
}

@test "slirp4netns killed: its ports are restored under their ids, removed ones are not" {
	launch_slirp
	free_port 3
	ctl add-ports "127.0.0.1:$PORT:7000/tcp" "127.0.0.1:$((PORT + 1)):7001/tcp" "127.0.0.1:$PORT:7000/udp"
	ctl remove-ports 2
	local round old
	for round in 1 2; do
		old=$(part slirp4netns)
		kill -KILL "$old"
		wait_for helper_replaced "$old"
		wait_for tcp_says "$PORT" "tcp 7000"
		equals "udp 7000" "$(said udp 127.0.0.1 "$PORT")"
		not connects 127.0.0.1 $((PORT + 1))
		equals "1 3" "$(port_objects | jq .id | paste -sd' ')"
	done
	# slirp4netns counts from 1 again, our ids continue.
	equals 4 "$(ctl add-ports "127.0.0.1:$((PORT + 2)):7001/tcp")"
	equals "tcp 7001" "$(said tcp 127.0.0.1 $((PORT + 2)))"
	ctl remove-ports 1
	not connects 127.0.0.1 "$PORT"
	equals "tcp 7001" "$(said tcp 127.0.0.1 $((PORT + 2)))"
	equals "udp 7000" "$(said udp 127.0.0.1 "$PORT")"
	stop_all
}

@test "slirp4netns stopped: it is continued, and its ports and the API work" {
	launch_slirp
	free_port 2
	ctl add-ports "127.0.0.1:$PORT:7000/tcp"
	local old
	old=$(part slirp4netns)
	kill -STOP "$old"
	wait_for logged 'slirp4netns was stopped'
	wait_for tcp_says "$PORT" "tcp 7000"
	equals 2 "$(ctl add-ports "127.0.0.1:$((PORT + 1)):7001/tcp")"
	equals "tcp 7001" "$(said tcp 127.0.0.1 $((PORT + 1)))"
	equals "$old" "$(part slirp4netns)"
	stop_all
}

# A slirp4netns with our API: each request is answered with the file "answer", or never.
fake_slirp() {
	cat >slirp <<-END
		#!/bin/bash
		words=()
		for word; do
			case \$word in
			--api-socket=*) socket=\${word#*=} ;;
			--ready-fd=*) ready=\${word#*=} ;;&
			--exit-fd=*) exit=\${word#*=} ;;&
			*) words+=("\$word") ;;
			esac
		done
		if [ -n "\$socket" ]; then
			rm -f "\$socket" # of the run before
			(
				eval "exec \$ready>&- \$exit>&-"
				exec socat -t 100 "UNIX-LISTEN:\$socket,fork,unlink-early" \
					SYSTEM:'cat >>$T/requests; if [ -e $T/hang ]; then exec sleep 1000; fi; while [ -e $T/slow ]; do sleep 0.02; done; cat $T/answer'
			) </dev/null >/dev/null 2>&1 &
			until [ -S "\$socket" ]; do sleep 0.02; done
		fi
		exec $(command -v slirp4netns) "\${words[@]}"
	END
	chmod +x slirp
}

launch_fake() {
	fake_slirp
	launch --net=slirp4netns --port-driver=slirp4netns --slirp4netns-binary="$PWD/slirp" sleep 1000
}

@test "invalid answers of slirp4netns: an error, no port, and the next one works" {
	launch_fake
	local answer why spec
	spec=$(spec_json tcp 127.0.0.1 0 10.0.2.100 80)
	while IFS='|' read -r why answer; do
		printf %b "$answer" >answer
		refused_by POST /v1/ports "$spec" 500 "$why"
	done <<-'END'
		invalid answer from slirp4netns|
		invalid answer from slirp4netns|rubbish
		invalid answer from slirp4netns|[]
		invalid answer from slirp4netns|{}
		invalid answer from slirp4netns|{"return":7}
		invalid answer from slirp4netns|{"return":{"id":1}
		invalid answer from slirp4netns|\0\0\0
		invalid answer from slirp4netns|{"return":{"id":1},"return":{"id":2}}
		slirp4netns returned no valid id for the port|{"return":{}}
		slirp4netns returned no valid id for the port|{"return":{"id":"1"}}
		slirp4netns returned no valid id for the port|{"return":{"id":-1}}
		slirp4netns returned no valid id for the port|{"return":{"id":4294967296}}
		slirp4netns refused: no luck|{"error":{"desc":"no luck"}}
		slirp4netns refused: no reason given|{"error":{"desc":7}}
		slirp4netns refused: no reason given|{"error":{}}
		slirp4netns refused: no reason given|{"error":7}
	END
	head -c 100000 /dev/zero | tr '\0' '[' >answer
	refused_by POST /v1/ports "$spec" 500 'the answer of slirp4netns is too long'
	equals "" "$(port_objects)"
	# A request is one complete object, with every member that slirp4netns needs.
	equals '["add_hostfwd",["guest_addr","guest_port","host_addr","host_port","proto"]]' \
		"$(jq -sc 'map([.execute, (.arguments | keys)]) | unique[]' requests)"
	echo '{"return":{"id":7}}' >answer
	api POST /v1/ports "$spec"
	equals "201 1" "$CODE $(jq .id <<<"$BODY")"
	# It is removed by its own id. A failed removal is reported, and the port stays in the list.
	echo rubbish >answer
	refused_by DELETE /v1/ports/1 "" 500 'invalid answer from slirp4netns'
	equals '{"execute":"remove_hostfwd","arguments":{"id":7}}' "$(tail -n 1 requests | jq -sc 'last')"
	equals 1 "$(port_objects | jq .id)"
	# slirp4netns refuses to remove a port only if it does not forward it: then it is removed.
	echo '{"error":{"desc":"bad request: bad arguments.id"}}' >answer
	unpublish 1
	equals "" "$(port_objects)"
	# No process listens at the socket, but slirp4netns runs and may serve the port: the port stays in the list.
	echo '{"return":{"id":8}}' >answer
	publish tcp 127.0.0.1 0 10.0.2.100 80
	rm "$S/s4n.sock"
	refused_by DELETE "/v1/ports/$ID" "" 500 'slirp4netns is not running: connecting to .*s4n.sock: No such file or directory'
	equals "$ID" "$(port_objects | jq .id)"
	refused_by POST /v1/ports "$spec" 500 'slirp4netns is not running: connecting to .*s4n.sock: No such file or directory'
	stop
	kill_marked
}

@test "a port that cannot be restored after slirp4netns has died is fatal, and the error names it" {
	echo '{"return":{"id":1}}' >answer
	launch_fake
	publish tcp 127.0.0.1 0 10.0.2.100 80
	echo '{"error":{"desc":"gone to somebody else"}}' >answer
	kill -KILL "$(part slirp4netns)"
	ended 125
	says "$(<"$LOG")" "error: publishing 127\.0\.0\.1:$PORT:10\.0\.2\.100:80/tcp again: slirp4netns refused: gone to somebody else"
	kill_marked
}

@test "an API socket that hangs: an error after a deadline, and the launcher continues" {
	touch hang answer
	launch_fake
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 0 10.0.2.100 80)" 500 \
		'waiting for the answer of slirp4netns: Connection timed out'
	equals "" "$(port_objects)"
	rm hang
	echo '{"return":{"id":1}}' >answer
	publish tcp 127.0.0.1 0 10.0.2.100 80
	# Requests are sent one at a time. All fail with the first, and others do not wait for them.
	touch hang
	local before clients=() i began=$SECONDS
	before=$(wc -c <requests)
	for i in 1 2 3; do
		(api DELETE "/v1/ports/$ID" && echo "$CODE $BODY") >answered.$i 2>&1 &
		clients+=($!)
	done
	grown() { [ "$(wc -c <requests)" -gt "$before" ]; }
	wait_for grown
	api GET /v1/ports
	equals 200 "$CODE"
	kill -STOP "$(part slirp4netns)"
	wait_for logged 'slirp4netns was stopped'
	wait "${clients[@]}"
	# The port may still be served, so it is listed.
	equals 1 "$(cat answered.* | grep -c '^500 .*waiting for the answer of slirp4netns: Connection timed out')"
	equals 2 "$(cat answered.* | grep -c '^500 .*slirp4netns does not answer')"
	equals "$ID" "$(port_objects | jq .id)"
	equals 1 "$(tail -c "+$((before + 1))" requests | grep -o remove_hostfwd | wc -l)"
	[ $((SECONDS - began)) -lt 15 ]
	# Requests behind an unanswered one do not wait as long.
	for i in 1 2 3; do
		(api POST /v1/ports "$(spec_json tcp 127.0.0.1 0 10.0.2.100 8$i)" && echo "$CODE $BODY") >answered.$i 2>&1 &
		clients+=($!)
	done
	wait "${clients[@]}"
	equals 3 "$(cat answered.* | grep -c '^500 ')"
	equals 2 "$(cat answered.* | grep -c 'slirp4netns does not answer')"
	# SIGTERM does not wait for the answer either.
	api DELETE "/v1/ports/1" >answered 2>&1 &
	clients+=($!)
	stop
	kill_marked
}

@test "a port that is published too late for its client is removed again" {
	touch answer slow
	launch_fake
	local spec client before
	spec=$(spec_json tcp 127.0.0.1 0 10.0.2.100 80)
	requests() { grep -o '"execute": *"[a-z_]*"' requests | tr -d '" ' | tr '\n' ' '; }
	sent() { [ "$(requests)" = "$1" ]; }
	# The client goes away while it waits, like an add-ports after ten seconds, or like an owner that dies.
	for spec in "$spec" "$(jq -c '.owner = "peer"' <<<"$spec")"; do
		touch slow
		: >requests
		echo '{"return":{"id":7}}' >answer
		curl -sS --max-time 60 --unix-socket "$S/api.sock" --data-raw "$spec" http://x/v1/ports >late 2>&1 &
		client=$!
		wait_for sent 'execute:add_hostfwd '
		kill -KILL "$client"
		wait "$client" || true
		rm slow
		wait_for sent 'execute:add_hostfwd execute:remove_hostfwd '
		wait_for empty_list
	done
	# slirp4netns answers after the deadline: the client has got an error.
	touch slow
	: >requests
	echo '{"return":{"id":9}}' >answer
	refused_by POST /v1/ports "$spec" 500 'waiting for the answer of slirp4netns: Connection timed out'
	equals "" "$(port_objects)"
	rm slow
	wait_for sent 'execute:add_hostfwd execute:remove_hostfwd '
	equals 9 "$(jq -s 'last.arguments.id' requests)"
	wait_for empty_list
	# A client that is still there keeps its port.
	publish tcp 127.0.0.1 0 10.0.2.100 80
	equals "$ID" "$(port_objects | jq .id)"
	stop
	kill_marked
}

empty_list() { [ -z "$(port_objects)" ]; }

@test "a port that is removed too late for its client leaves the list, without a second request" {
	touch answer
	launch_fake
	echo '{"return":{"id":7}}' >answer
	publish tcp 127.0.0.1 0 10.0.2.100 80
	touch slow
	refused_by DELETE "/v1/ports/$ID" "" 500 'waiting for the answer of slirp4netns: Connection timed out'
	equals "$ID" "$(port_objects | jq .id)"
	rm slow
	wait_for empty_list
	equals 1 "$(grep -o remove_hostfwd requests | wc -l)"
	# A late refusal says that slirp4netns does not forward the port.
	publish tcp 127.0.0.1 0 10.0.2.100 80
	touch slow
	refused_by DELETE "/v1/ports/$ID" "" 500 'waiting for the answer of slirp4netns: Connection timed out'
	echo '{"error":{"desc":"bad request: bad arguments.id"}}' >answer
	rm slow
	wait_for empty_list
	stop
	kill_marked
}

# owner SPEC - a client that owns a port; it stays until it is killed. Sets OWNER and ID.
owner() {
	rm -f owned owned.in
	mkfifo owned.in
	exec 7<>owned.in
	socat - "UNIX-CONNECT:$S/api.sock" <owned.in >owned 2>/dev/null 3>&- 4>&- 7>&- &
	OWNER=$!
	printf 'POST /v1/ports HTTP/1.1\r\nContent-Length: %s\r\n\r\n%s' ${#1} "$1" >&7
	wait_for grep -q '"id":' owned
	ID=$(tail -n 1 owned | jq .id)
}

@test "an owner exits while slirp4netns does not answer: its port is removed when that is possible" {
	local spec
	touch answer
	launch_fake
	echo '{"return":{"id":7}}' >answer
	spec=$(spec_json tcp 127.0.0.1 0 10.0.2.100 80 | jq -c '.owner = "peer"')
	owner "$spec"
	touch hang
	kill -KILL "$OWNER"
	wait "$OWNER" || true
	wait_for logged "removing port $ID: waiting for the answer of slirp4netns: Connection timed out; trying again"
	equals "$ID" "$(port_objects | jq .id)"
	rm hang
	wait_for empty_list
	equals 2 "$(grep -o remove_hostfwd requests | wc -l)"
	# A restarted slirp4netns does not get the port.
	owner "$spec"
	touch hang
	kill -KILL "$OWNER"
	wait "$OWNER" || true
	wait_for logged "removing port $ID: waiting for the answer"
	: >requests
	rm hang
	kill -KILL "$(part slirp4netns)"
	wait_for empty_list
	not grep -q add_hostfwd requests
	stop
	kill_marked
}

@test "-p with an API socket that hangs: SIGTERM ends the launch at once, and no command has run" {
	touch hang answer
	fake_slirp
	free_port
	launch_only --net=slirp4netns --port-driver=slirp4netns --slirp4netns-binary="$PWD/slirp" \
		-p "127.0.0.1:$PORT:80/tcp" touch started
	wait_for test -s requests
	stop
	logged 'interrupted before the command was started'
	not logged 'timed out'
	absent started
	kill_marked
}
