#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2153 # api() sets CODE and BODY
# Ports published over the API and the client: refused specs and requests, and their messages.
#
# seconds: 15

load ../lib/bash/common
load ../lib/bash/ports

@test "the API: add, list, remove; specs are echoed unchanged, ids are never used again" {
	launch_ports sleep 1000
	api GET /v1/ports
	equals '200 []' "$CODE $BODY"
	free_port
	api POST /v1/ports '{"proto":"tcp4","parentIP":"127.0.0.1","parentPort":'"$PORT"',"childPort":80,"later":[1]}'
	equals "201 {\"id\":1,\"spec\":{\"proto\":\"tcp4\",\"parentIP\":\"127.0.0.1\",\"parentPort\":$PORT,\"childPort\":80}}" \
		"$CODE $BODY"
	connects 127.0.0.1 "$PORT"
	api GET /v1/ports
	equals "200 [{\"id\":1,\"spec\":{\"proto\":\"tcp4\",\"parentIP\":\"127.0.0.1\",\"parentPort\":$PORT,\"childPort\":80}}]" \
		"$CODE $(jq -c 'map(del(.counters))' <<<"$BODY")"
	equals '["bytesFromChild","bytesToChild","connections","since"]' "$(jq -c '.[0].counters | keys' <<<"$BODY")"
	run -0 curl -sS --max-time 60 --unix-socket "$S/api.sock" -X DELETE -D - http://x/v1/ports/1
	says "$output" '^HTTP/1.1 200 '
	says "${output,,}" '^content-length: 0'
	not connects 127.0.0.1 "$PORT"
	refused_by DELETE /v1/ports/1 "" 400 'no port with the id 1'
	publish tcp 127.0.0.1 0 127.0.0.1 80
	equals 2 "$ID"
	# An address is echoed in the form in which it was sent.
	api POST /v1/ports '{"proto":"tcp","parentIP":"0:0::1","parentPort":0,"childIP":"::ffff:7f00:1","childPort":80}'
	equals '201 0:0::1 ::ffff:7f00:1' "$CODE $(jq -r '.spec | .parentIP + " " + .childIP' <<<"$BODY")"
	stop
}

@test "GET /v1/info names the driver, its protocols and the source addresses" {
	launch_ports sleep 1000
	api GET /v1/info
	equals '{"driver":"builtin","protos":["tcp","tcp4","tcp6","udp","udp4","udp6"],"sourceIP":"client"}' \
		"$(jq -c .portDriver <<<"$BODY")"
	says "$(ctl info)" '^- Port Driver: builtin$'
	says "$(ctl info)" '^  - Supported protocols: \[tcp tcp4 tcp6 udp udp4 udp6\]$'
	stop
	launch_ports --source-ip-transparent=false sleep 1000
	api GET /v1/info
	equals proxy "$(jq -r .portDriver.sourceIP <<<"$BODY")"
	stop
}

@test "fauxrootctl: add-ports, list-ports, remove-ports, with tables, JSON and several specs" {
	launch_ports sleep 1000
	free_port 2
	run -0 ctl add-ports "127.0.0.1:$PORT:80/tcp" "[::1]:$((PORT + 1)):[::1]:443/tcp6"
	equals "1
2" "$output"
	run -0 ctl list-ports
	equals "ID PROTO PARENTIP PARENTPORT CHILDIP CHILDPORT
1 tcp 127.0.0.1 $PORT 80
2 tcp6 ::1 $((PORT + 1)) ::1 443" "$(tr -s ' ' <<<"$output" | sed 's/ $//')"
	local second="{\"id\":2,\"spec\":{\"proto\":\"tcp6\",\"parentIP\":\"::1\",\"parentPort\":$((PORT + 1)),\"childIP\":\"::1\",\"childPort\":443}"
	run -0 port_objects
	says "${lines[1]}" "^${second//[/\\[},\"counters\":"
	# As rootlessctl: one object a line, and only the members of RootlessKit.
	run -0 "${FAUXROOT%/*}/compat/rootlessctl" --socket "$S/api.sock" list-ports --json
	equals "$second}" "${lines[1]}"
	run -0 ctl remove-ports 1 2
	equals "1
2" "$output"
	not connects 127.0.0.1 "$PORT"
	run -0 ctl add-ports --json "127.0.0.1:$PORT:80/tcp"
	equals "[3]" "$(jq -c "map(.id)" <<<"$output")"
	run -1 --separate-stderr ctl remove-ports 9
	equals "" "$output"
	says "$stderr" '^error: .*no port with the id 9'
	stop
}

# counters ID FILTER - print what jq's FILTER finds in the counters of the port
counters() {
	ctl list-ports --json | jq -c --argjson id "$1" ".[] | select(.id == \$id) | .counters | $2"
}

counted() { # ID CONNECTIONS TO-CHILD FROM-CHILD
	[ "$(counters "$1" '[.connections, .bytesToChild, .bytesFromChild]')" = "[$2,$3,$4]" ]
}

@test "counters of a port: connections and exact bytes each way; they outlive the forwarder" {
	head -c 3000000 /dev/zero >sent
	launch_ports sh -c 'socat -t100 TCP4-LISTEN:80,reuseaddr,fork EXEC:cat & exec socat UDP4-RECVFROM:53,reuseaddr,fork SYSTEM:"cat >/dev/null; echo answer"'
	local began now tcp udp
	began=$(date -u +%FT%T.000Z)
	publish tcp 127.0.0.1 0 127.0.0.1 80
	tcp=$ID
	publish udp 127.0.0.1 0 127.0.0.1 53
	udp=$ID
	counted "$tcp" 0 0 0
	counted "$udp" 0 0 0
	now=$(date -u +%FT%T.999Z)
	[[ ! $(counters "$tcp" .since) < "\"$began\"" && ! $(counters "$tcp" .since) > "\"$now\"" ]]
	# A bulk transfer is spliced, a small one is copied.
	echoed() { socat -t100 - "TCP4:127.0.0.1:$(port_objects | jq "select(.id == $tcp) | .spec.parentPort")"; }
	says_back() { [ "$(echo "$1" | echoed)" = "$1" ]; }
	wait_for says_back hello
	wait_for counted "$tcp" "$(counters "$tcp" .connections)" 6 6
	equals "$(sha256sum <sent)" "$(echoed <sent | sha256sum)"
	# The forwarder counts after it has sent.
	wait_for counted "$tcp" "$(counters "$tcp" .connections)" 3000006 3000006
	# The question has 4 bytes and the answer 7; either may have been lost and repeated.
	said udp 127.0.0.1 "$PORT" >/dev/null
	udp_counted() { equals true "$(counters "$udp" '.connections == 1 and .bytesToChild > 0 and .bytesToChild % 4 == 0 and .bytesFromChild > 0 and .bytesFromChild % 7 == 0')"; }
	wait_for udp_counted
	# A new forwarder continues to count.
	kill -KILL "$(part 'fauxroot: ports')"
	wait_for logged 'the port forwarder died'
	wait_for says_back again
	wait_for counted "$tcp" "$(counters "$tcp" .connections)" 3000012 3000012
	# A new port begins at zero.
	unpublish "$tcp"
	publish tcp 127.0.0.1 0 127.0.0.1 80
	counted "$ID" 0 0 0
	stop_all
}

@test "conflicts: the same proto, address and port twice is 409 and names the other port" {
	launch_ports sleep 1000
	free_port
	api POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 127.0.0.1 80)"
	equals 201 "$CODE"
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 127.0.0.1 81)" 409 \
		"publishing 127\.0\.0\.1:$PORT:127\.0\.0\.1:81/tcp: it conflicts with port 1"
	refused_by POST /v1/ports "$(spec_json tcp4 127.0.0.1 "$PORT" 127.0.0.1 81)" 409 'conflicts with port 1'
	api POST /v1/ports "$(spec_json udp 127.0.0.1 "$PORT" 127.0.0.1 80)"
	equals 201 "$CODE"
	api POST /v1/ports "$(spec_json tcp 127.0.0.2 "$PORT" 127.0.0.1 80)"
	equals 201 "$CODE"
	# The refused ones have left no trace, not even an id.
	equals "1 2 3" "$(port_objects | jq .id | paste -sd' ')"
	stop
}

@test "an interrupted add-ports removes the ports that it has published" {
	launch_ports sleep 100
	free_port 2
	# The launcher answers when the signal is already pending.
	kill -STOP "$LAUNCHER"
	"$FAUXROOTCTL" --socket "$S/api.sock" add-ports "$PORT-$((PORT + 1)):1-2/tcp" >ids 3>&- 4>&- &
	local client=$! end=0
	# It has sent the request and sleeps until the answer: it does not sleep before.
	awaits_answer() {
		grep -q '^Name:.fauxrootctl$' "/proc/$client/status" &&
			grep -q '^State:.S' "/proc/$client/status" &&
			not grep -q '^SigBlk:.0*$' "/proc/$client/status"
	}
	wait_for awaits_answer 2>/dev/null
	kill -TERM "$client"
	kill -CONT "$LAUNCHER"
	wait "$client" || end=$?
	equals 143 "$end"
	equals "" "$(<ids)"
	equals "" "$(port_objects)"
	# One port existed.
	publish tcp "" "$PORT" 127.0.0.1 80
	equals 2 "$ID"
	stop
}

# A launcher whose answer to a POST never arrives. Until the POST it has port 3 only.
slow_server() { # PORT
	cat >server <<-END
		#!/bin/bash
		read -r method path _
		while read -r line && [ "\$line" != \$'\r' ]; do :; done
		echo "\$method \$path" >>$T/requests
		other='{"id":3,"spec":{"proto":"tcp","parentIP":"127.0.0.1","parentPort":1,"childIP":"","childPort":80}}'
		late='{"id":4,"spec":{"proto":"tcp","parentIP":"127.0.0.1","parentPort":$1,"childIP":"","childPort":80}}'
		case \$method in
		GET) [ ! -e $T/mute ] || [ ! -e $T/published ] || exit ;;&
		POST) touch $T/published; exec sleep 1000 ;;
		GET) if [ -e $T/published ]; then body="[\$other,\$late]"; else body="[\$other]"; fi ;;
		esac
		printf 'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s' "\${#body}" "\$body"
	END
	chmod +x server
	socat "UNIX-LISTEN:$T/slow.sock,fork" "EXEC:$T/server" >/dev/null 2>&1 3>&- 4>&- &
	wait_for test -S slow.sock
}

@test "add-ports: a port whose answer never arrives is removed, and no other one is" {
	slow_server 8080
	local server=$!
	run -1 --separate-stderr "$FAUXROOTCTL" --socket "$T/slow.sock" add-ports 127.0.0.1:8080:80
	one_line "$stderr" 'no answer from ".*" within 10 seconds$'
	equals "GET /v1/ports POST /v1/ports GET /v1/ports DELETE /v1/ports/4" "$(paste -sd' ' requests)"
	# It was published before: port 3 belongs to somebody else.
	rm requests published
	run -1 --separate-stderr "$FAUXROOTCTL" --socket "$T/slow.sock" add-ports 127.0.0.1:1:80
	equals "GET /v1/ports POST /v1/ports GET /v1/ports" "$(paste -sd' ' requests)"
	# The list of ports cannot be read either.
	rm requests published
	touch mute
	run -1 --separate-stderr "$FAUXROOTCTL" --socket "$T/slow.sock" add-ports 127.0.0.1:8080:80
	one_line "$stderr" 'it is not known whether 127.0.0.1:8080:80/tcp is published'
	kill "$server"
	kill_marked
}

@test "bad specs with -p: one error that names the spec and its mistake; nothing has started" {
	local spec why
	while IFS='|' read -r spec why; do
		run -125 --separate-stderr fx --net=none --port-driver=builtin -p "$spec" touch started
		one_error "$stderr" "$why"
		[[ $stderr == *"\"$spec\""* ]]
		absent started
	done <"$ROOT/tests/lib/fixtures/bad_ports"
}

@test "a spec without a protocol is for TCP; under RootlessKit's names it is refused" {
	local compat=${FAUXROOT%/*}/compat spec
	free_port 2
	launch --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80" sleep 1000
	run -0 ctl add-ports "127.0.0.1:$((PORT + 1)):81"
	equals "tcp:$PORT:80 tcp:$((PORT + 1)):81" \
		"$(port_objects | jq -r '.spec | "\(.proto):\(.parentPort):\(.childPort)"' | paste -sd' ')"
	for spec in 80 8080:80 127.0.0.1:80:80; do
		run -1 "$compat/rootlessctl" --socket "$S/api.sock" add-ports "$spec"
		one_line "$output" "^error: invalid port \"$spec\": it does not end with a protocol"
		run -1 --separate-stderr "$compat/rootlesskit" --net=none --port-driver=builtin -p "$spec" touch started
		one_error "$stderr" "invalid port \"$spec\": it does not end with a protocol"
		absent started
	done
	run -125 --separate-stderr fx --net=none --port-driver=builtin -p 80 touch started
	one_error "$stderr" 'invalid port "80/tcp": the child port is missing'
	stop
}

@test "bad specs for add-ports: one line, status 1, and no request is sent" {
	launch_ports sleep 1000
	local spec why
	free_port
	while IFS='|' read -r spec why; do
		run -1 --separate-stderr ctl add-ports "127.0.0.1:$PORT:80/tcp" "$spec"
		one_line "$stderr" "^error: .*$why"
		equals "" "$output"
	done <"$ROOT/tests/lib/fixtures/bad_ports"
	api GET /v1/ports
	equals '[]' "$BODY"
	stop
}

@test "bad bodies: their status and message, and the next good one works" {
	launch_ports sleep 1000
	local text wanted why
	while IFS='|' read -r wanted why text; do
		refused_by POST /v1/ports "$text" "$wanted" "$why"
	done <<-'END'
		400|not JSON|{
		400|not JSON|proto=tcp
		400|not JSON|{"proto":"tcp","proto":"udp","parentPort":0,"childPort":80}
		400|not JSON|{"proto":"tcp","parentPort":0,"childPort":80} {}
		400|not JSON|{"proto":"tcp","parentIP":"\ud800","parentPort":0,"childPort":80}
		400|not a JSON object|[]
		400|not a JSON object|[{"proto":"tcp","parentPort":0,"childPort":80}]
		400|"proto" is missing|{}
		400|"proto" is missing|{"proto":null,"parentPort":0,"childPort":80}
		400|"proto" is not one of|{"proto":"sctp","parentPort":0,"childPort":80}
		400|"proto" is not one of|{"proto":"TCP","parentPort":0,"childPort":80}
		400|"proto" is not one of|{"proto":6,"parentPort":0,"childPort":80}
		400|"parentPort" is missing|{"proto":"tcp","childPort":80}
		400|"parentPort" is not an integer|{"proto":"tcp","parentPort":"80","childPort":80}
		400|"parentPort" is not an integer|{"proto":"tcp","parentPort":8080.0,"childPort":80}
		400|"parentPort" is not an integer|{"proto":"tcp","parentPort":true,"childPort":80}
		400|"parentPort" is not one of 0-65535|{"proto":"tcp","parentPort":65536,"childPort":80}
		400|"parentPort" is not one of 0-65535|{"proto":"tcp","parentPort":-1,"childPort":80}
		400|"childPort" is missing|{"proto":"tcp","parentPort":0}
		400|"childPort" is not one of 1-65535|{"proto":"tcp","parentPort":0,"childPort":0}
		400|"childPort" is not one of 1-65535|{"proto":"tcp","parentPort":0,"childPort":4294967376}
		400|"childPort" is not an integer|{"proto":"tcp","parentPort":0,"childPort":"80"}
		400|"parentIP" is not a string|{"proto":"tcp","parentIP":127,"parentPort":0,"childPort":80}
		400|parent IP "localhost" is not an IP address|{"proto":"tcp","parentIP":"localhost","parentPort":0,"childPort":80}
		400|parent IP "127.1" is not an IP address|{"proto":"tcp","parentIP":"127.1","parentPort":0,"childPort":80}
		400|"parentIP" is too long|{"proto":"tcp","parentIP":"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000","parentPort":0,"childPort":80}
		400|parent IP "::1" is not an address for tcp4|{"proto":"tcp4","parentIP":"::1","parentPort":0,"childPort":80}
		400|parent IP "127.0.0.1" is not an address for udp6|{"proto":"udp6","parentIP":"127.0.0.1","parentPort":0,"childPort":80}
		400|child IP "x" is not an IP address|{"proto":"tcp","parentPort":0,"childIP":"x","childPort":80}
		400|child IP "0.0.0.0" is a wildcard address|{"proto":"tcp","parentPort":0,"childIP":"0.0.0.0","childPort":80}
		400|Cannot assign requested address|{"proto":"tcp","parentIP":"192.0.2.77","parentPort":0,"childPort":80}
	END
	refused_by POST /v1/ports "" 400 'not JSON'
	refused_by DELETE /v1/ports/0 "" 400 'no port with the id 0'
	refused_by DELETE /v1/ports/99999999999 "" 400 'not the id of a port'
	refused_by DELETE /v1/ports/+1 "" 400 'not the id of a port'
	refused_by DELETE /v1/ports/abc "" 400 'not the id of a port'
	refused_by PUT /v1/ports "" 405 'PUT'
	refused_by DELETE /v1/ports "" 405 'DELETE'
	refused_by GET /v1/ports/1 "" 405 'GET'
	refused_by GET /v1/ports/1/2 "" 404 'no such path'
	refused_by GET /v2/ports "" 404 'no such path'
	api GET /v1/ports
	equals '[]' "$BODY"
	publish tcp 127.0.0.1 0 127.0.0.1 80
	equals 1 "$ID"
	stop
}

@test "without a port driver: 400 for all requests about ports, and -p is refused" {
	launch --net=none sleep 1000
	refused_by GET /v1/ports "" 400 'no port driver'
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 0 127.0.0.1 80)" 400 'no port driver'
	refused_by DELETE /v1/ports/1 "" 400 'no port driver'
	run -1 --separate-stderr ctl list-ports
	says "$stderr" '^error: .*no port driver'
	api GET /v1/info
	equals null "$(jq .portDriver <<<"$BODY")"
	stop_all
	run -125 --separate-stderr fx --net=none -p 127.0.0.1:0:80/tcp touch started
	one_error "$stderr" 'port'
	absent started
	run -125 --separate-stderr fx --net=host --port-driver=builtin touch started
	one_error "$stderr" 'builtin'
	absent started
}

# One port is owned by the process at the other end, the other one is permanent.
@test "the API: a port that is removed when its owner exits" {
	launch_ports sleep 1000
	publish tcp 127.0.0.1 own 127.0.0.1 80
	api POST /v1/ports "$(spec_json tcp 127.0.0.1 0 127.0.0.1 80 | jq -c '.owner = "peer"')"
	equals 201 "$CODE"
	equals peer "$(jq -r .owner <<<"$BODY")"
	# curl has exited.
	equals "$PORT" "$(port_objects | jq .spec.parentPort)"
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 0 127.0.0.1 80 | jq -c '.owner = "me"')" 400 owner
	stop
}

@test "--api-inside: what the command may request; the host may request everything" {
	# For each policy: the expected answers inside to info, list-ports, add-ports and remove-ports of an
	# unprivileged port, and add-ports of a privileged one
	local rows=(
		"full           ok ok ok ok denied"
		"unprivileged   ok ok ok ok 403"
		"read-only      ok ok 403 403 403"
		"none           403 403 403 403 403"
	)
	local row policy info list add remove privileged
	inside_says() { # WANTED WORDS…
		local wanted=$1 code=0
		shift
		output=$(ctl exec "$FAUXROOTCTL" "$@" 2>&1) || code=$?
		case $wanted in
		ok) equals 0 "$code" ;;
		denied) says "$output" 'Permission denied' ;;
		*) equals 1 "$code" && says "$output" "\(--api-inside=$policy\).*\(HTTP status 403\)" ;;
		esac
	}
	for row in "${rows[@]}"; do
		read -r policy info list add remove privileged <<<"$row"
		launch_ports --api-inside="$policy" sleep 1000
		free_port 2
		inside_says "$info" info
		inside_says "$list" list-ports
		inside_says "$add" add-ports "127.0.0.1:$PORT:80/tcp"
		run -0 port_objects
		[ "$add" = ok ] || equals "" "$output"
		run -0 ctl add-ports "127.0.0.1:$((PORT + 1)):80/tcp"
		inside_says "$remove" remove-ports "$output"
		inside_says "$privileged" add-ports "127.0.0.1:1:80/tcp"
		# From outside everything works.
		run -0 ctl info
		port_objects | jq .id >ids
		# shellcheck disable=SC2046 # words
		[ ! -s ids ] || ctl remove-ports $(<ids)
		run -0 port_objects
		equals "" "$output"
		stop
	done
}
