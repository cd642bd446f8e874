#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Published ports in front of real servers, over the API, the client and docker's proxy: what is
# reachable, what is refused and how it is said. Faults are in ports_faults.bats, source addresses in
# root/ports.bats.

load ../lib/bash/common
load ../lib/bash/ports

# One server for each family and protocol, which says who it is. They outlive the shell that is the
# target: stop_all ends them.
serve_all() {
	cat >servers <<-'END'
		for port in 7000 7001 7002; do
			socat TCP4-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork SYSTEM:"echo tcp4 $port" &
			socat TCP6-LISTEN:$port,bind=[::1],ipv6only,reuseaddr,fork SYSTEM:"echo tcp6 $port" &
		done
		socat TCP4-LISTEN:7000,bind=127.0.0.2,reuseaddr,fork SYSTEM:'echo second' &
		socat UDP4-RECVFROM:7000,bind=127.0.0.1,reuseaddr,fork SYSTEM:'read line; echo udp4 7000' &
		socat UDP6-RECVFROM:7000,bind=[::1],ipv6only,reuseaddr,fork SYSTEM:'read line; echo udp6 7000' &
		wait
	END
	launch_ports sh servers || return
	wait_for servers_listen
}

servers_listen() {
	[ "$(in_target ss -Hltun | wc -l)" -ge 9 ]
}

@test "-p from the start: busybox httpd behind slirp4netns, a file fetched whole" {
	mkdir www
	head -c 3000000 /dev/urandom >www/file
	free_port
	launch --net=slirp4netns --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" busybox httpd -f -p 80 -h www
	wait_for curl -sf --max-time 60 -o got "http://127.0.0.1:$PORT/file"
	cmp got www/file
	stop
	not connects 127.0.0.1 "$PORT"
}

@test "nginx: every pairing of families, a file fetched whole, kept-alive and parallel connections" {
	mkdir www
	head -c 5000000 /dev/urandom >www/file
	echo small >www/small
	cat >nginx.conf <<-END
		daemon off; pid $PWD/nginx.pid; user root; error_log stderr; worker_processes 2;
		events {}
		http {
			log_format peer '\$remote_addr \$connection_requests'; access_log $PWD/access peer;
			client_body_temp_path $PWD; proxy_temp_path $PWD; fastcgi_temp_path $PWD;
			uwsgi_temp_path $PWD; scgi_temp_path $PWD;
			server { listen 127.0.0.1:7000; listen [::1]:7000 ipv6only=on; root $PWD/www; }
		}
	END
	launch_ports nginx -e stderr -c "$PWD/nginx.conf"
	wait_for test -s nginx.pid
	local parent child pids=() i
	for parent in 127.0.0.1 '[::1]'; do
		for child in 127.0.0.1 ::1; do
			publish tcp "$(tr -d '[]' <<<$parent)" 0 $child 7000
			: >access
			curl -sf --max-time 100 -o got "http://$parent:$PORT/file"
			cmp got www/file
			curl -sf --max-time 100 -r 4000000-4000009 "http://$parent:$PORT/file" | cmp - <(tail -c +4000001 www/file | head -c 10)
			equals 10 "$(curl -sf --max-time 100 "http://$parent:$PORT/small?[1-10]" | grep -c small)"
			# nginx has seen one connection for the last ten, and its client on loopback.
			wait_for grep -qx "$child 10" access # written after the answer
		done
	done
	for ((i = 0; i < 20; i++)); do
		curl -sf --max-time 100 -o "got$i" "http://[::1]:$PORT/file" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for ((i = 0; i < 20; i++)); do
		cmp "got$i" www/file
	done
	kill -QUIT "$TARGET"
	ended 0
}

@test "iperf3: one stream and several, either way and both at once; datagrams" {
	launch_ports iperf3 -s -p 7000
	listens() { in_target ss -Hltn 'sport = 7000' | grep -q .; }
	wait_for listens
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	publish udp 127.0.0.1 "$PORT" 127.0.0.1 7000
	local words
	for words in "-n 40M" "-n 40M -R" "-n 40M -P 4" "-n 40M --bidir" "-n 200K -u -b 10M -l 1400"; do
		# One client at a time: it ends a moment before the server is ready for the next.
		run_iperf() {
			# shellcheck disable=SC2086
			timeout 60 iperf3 -J -c 127.0.0.1 -p "$PORT" $words >result
		}
		wait_for run_iperf
		equals null "$(jq .error result)"
		[[ $words = *-u* ]] || [ "$(jq .end.sum_received.bytes result)" -ge 1000000 ]
	done
	# The last were datagrams. On a busy machine, who knows how many come: some do.
	equals true "$(jq '.end.sum | .packets > .lost_packets' result)"
	stop 1
}

@test "a thread with a bulk transfer lets others go first, and is as before when that is over" {
	launch_ports iperf3 -s -p 7000
	listens() { in_target ss -Hltn 'sport = 7000' | grep -q .; }
	yields() { chrt -a -p "$FORWARDER" | grep -q SCHED_BATCH; }
	yields_no_more() { ! yields; }
	wait_for listens
	publish tcp 127.0.0.1 0 127.0.0.1 7000
	FORWARDER=$(part "fauxroot: ports")
	yields_no_more
	timeout 200 iperf3 -c 127.0.0.1 -p "$PORT" -t 180 >result 3>&- 4>&- &
	local client=$!
	wait_for yields
	kill $client
	wait $client || true
	wait_for yields_no_more
	stop 1
}

@test "-p repeated and split at commas; all are there before the target runs" {
	free_port 3
	run -0 fx --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp,127.0.0.1:$((PORT + 1)):80/udp" \
		-p "[::1]:$((PORT + 2)):80/tcp6" \
		sh -c '"$FAUXROOTCTL" --socket "$ROOTLESSKIT_STATE_DIR/api.sock" list-ports --json'
	equals '[{"id":1,"spec":{"proto":"tcp","parentIP":"127.0.0.1","parentPort":'"$PORT"',"childPort":80}},{"id":2,"spec":{"proto":"udp","parentIP":"127.0.0.1","parentPort":'$((PORT + 1))',"childPort":80}},{"id":3,"spec":{"proto":"tcp6","parentIP":"::1","parentPort":'$((PORT + 2))',"childPort":80}}]' "$output"
}

@test "every pairing of families, TCP and UDP" {
	serve_all
	local proto parent child family
	for proto in tcp udp; do
		for parent in 127.0.0.1 ::1; do
			for child in 127.0.0.1 ::1; do
				family=4
				[ $child = 127.0.0.1 ] || family=6
				publish $proto $parent 0 $child 7000
				equals "$proto$family 7000" "$(said $proto $parent "$PORT")"
			done
		done
	done
	stop_all
}

@test "without a child IP: the parent's loopback address, else that of the parent's family" {
	serve_all
	local parent
	for parent in 127.0.0.1=tcp4 127.0.0.2=second ::1=tcp6; do
		api POST /v1/ports '{"proto":"tcp","parentIP":"'${parent%=*}'","parentPort":0,"childPort":7000}'
		# shellcheck disable=SC2153 # set by api
		equals 201 "$CODE"
		PORT=$(jq .spec.parentPort <<<"$BODY")
		says "$(said tcp ${parent%=*} "$PORT")" "^${parent#*=}"
	done
	free_port
	ctl add-ports "0.0.0.0:$PORT:7000/tcp"
	equals "tcp4 7000" "$(said tcp 127.0.0.1 "$PORT")"
	free_port
	ctl add-ports "[::]:$PORT:7000/tcp6"
	equals "tcp6 7000" "$(said tcp ::1 "$PORT")"
	stop_all
}

@test "tcp and udp listen on both families of the wildcard" {
	serve_all
	local proto
	for proto in tcp udp; do
		free_port
		ctl add-ports "$PORT:127.0.0.1:7000/$proto"
		equals "${proto}4 7000" "$(said $proto 127.0.0.1 "$PORT")"
		equals "${proto}4 7000" "$(said $proto 127.0.0.5 "$PORT")"
		equals "${proto}4 7000" "$(said $proto ::1 "$PORT")"
	done
	stop_all
}

@test "tcp4, tcp6, udp4 and udp6 are strict, and share a port number" {
	serve_all
	free_port
	ctl add-ports "$PORT:127.0.0.1:7001/tcp4"
	equals "tcp4 7001" "$(said tcp 127.0.0.1 "$PORT")"
	not connects ::1 "$PORT"
	ctl add-ports "$PORT:127.0.0.1:7002/tcp6"
	equals "tcp4 7002" "$(said tcp ::1 "$PORT")"
	equals "tcp4 7001" "$(said tcp 127.0.0.1 "$PORT")"
	ctl add-ports "$PORT:127.0.0.1:7000/udp4" "$PORT:[::1]:7000/udp6"
	equals "udp4 7000" "$(said udp 127.0.0.1 "$PORT")"
	equals "udp6 7000" "$(said udp ::1 "$PORT")"
	ctl remove-ports 1
	not connects 127.0.0.1 "$PORT"
	equals "tcp4 7002" "$(said tcp ::1 "$PORT")"
	stop_all
}

@test "one port is not the others' when a port is removed" {
	serve_all
	local first second
	publish tcp 127.0.0.1 own 127.0.0.1 7001
	first=$PORT
	publish tcp 127.0.0.1 0 127.0.0.1 7002
	second=$PORT
	unpublish 1
	not connects 127.0.0.1 "$first"
	equals "tcp4 7002" "$(said tcp 127.0.0.1 "$second")"
	stop_all
}

@test "the API: add, list, remove; specs are echoed as given, ids are never used again" {
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
		"$CODE $BODY"
	run -0 curl -sS --max-time 60 --unix-socket "$S/api.sock" -X DELETE -D - http://x/v1/ports/1
	says "$output" '^HTTP/1.1 200 '
	says "${output,,}" '^content-length: 0'
	not connects 127.0.0.1 "$PORT"
	refused_by DELETE /v1/ports/1 "" 400 'no port with the id 1'
	publish tcp 127.0.0.1 0 127.0.0.1 80
	equals 2 "$ID"
	# An address is echoed in the words that it came in.
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

@test "parentPort 0: a free port on both families, which the answer and the list name" {
	serve_all
	api POST /v1/ports '{"proto":"tcp","parentPort":0,"childIP":"::1","childPort":7001}'
	equals 201 "$CODE"
	PORT=$(jq .spec.parentPort <<<"$BODY")
	[ "$PORT" -gt 0 ]
	equals "tcp6 7001" "$(said tcp 127.0.0.1 "$PORT")"
	equals "tcp6 7001" "$(said tcp ::1 "$PORT")"
	api GET /v1/ports
	equals "$PORT" "$(jq '.[0].spec.parentPort' <<<"$BODY")"
	stop_all
}

@test "fauxrootctl: add-ports, list-ports, remove-ports, with tables, JSON and several words" {
	launch_ports sleep 1000
	free_port 2
	run -0 ctl add-ports "127.0.0.1:$PORT:80/tcp" "[::1]:$((PORT + 1)):[::1]:443/tcp6"
	equals "1
2" "$output"
	run -0 ctl list-ports
	equals "ID PROTO PARENTIP PARENTPORT CHILDIP CHILDPORT
1 tcp 127.0.0.1 $PORT 80
2 tcp6 ::1 $((PORT + 1)) ::1 443" "$(tr -s ' ' <<<"$output" | sed 's/ $//')"
	run -0 port_objects
	equals "{\"id\":2,\"spec\":{\"proto\":\"tcp6\",\"parentIP\":\"::1\",\"parentPort\":$((PORT + 1)),\"childIP\":\"::1\",\"childPort\":443}}" \
		"${lines[1]}"
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

@test "more ports than the soft limit of descriptors, which is the target's as before" {
	ulimit -Sn 64
	launch_ports sh -c 'ulimit -Sn >limit; exec sleep 1000'
	free_port 100
	equals 100 "$(ctl add-ports "127.0.0.1:$PORT-$((PORT + 99)):1-100/tcp" | wc -l)"
	connects 127.0.0.1 "$((PORT + 99))"
	equals 64 "$(<limit)"
	stop
}

@test "a range is one port each; where one is taken, none stays" {
	serve_all
	free_port 5
	run -0 ctl add-ports "127.0.0.1:$PORT-$((PORT + 2)):7000-7002/tcp"
	equals "1
2
3" "$output"
	equals "tcp4 7000" "$(said tcp 127.0.0.1 "$PORT")"
	equals "tcp4 7002" "$(said tcp 127.0.0.1 $((PORT + 2)))"
	ctl remove-ports 1 2
	# The third is still there, so 0 and 1 of these are taken back.
	run -1 --separate-stderr ctl add-ports "127.0.0.1:$PORT-$((PORT + 4)):7000-7004/tcp"
	equals "" "$output"
	says "$stderr" "^error: .*conflicts with port 3"
	not connects 127.0.0.1 "$PORT"
	not connects 127.0.0.1 $((PORT + 1))
	not connects 127.0.0.1 $((PORT + 4))
	equals 1 "$(port_objects | wc -l)"
	# So are the words before it.
	run -1 ctl add-ports "127.0.0.1:$((PORT + 4)):7000/tcp" "127.0.0.1:$((PORT + 2)):7000/tcp"
	not connects 127.0.0.1 $((PORT + 4))
	run -1 --separate-stderr ctl add-ports "127.0.0.1:$PORT-$((PORT + 2)):7000-7001/tcp"
	says "$stderr" 'the two ranges differ in length'
	stop_all
}

@test "many quick rounds: an added port accepts at once, a removed one refuses at once" {
	launch_ports "$PORTCHECK" serve 127.0.0.1 7000
	wait_for grep -q serving "$OUT"
	local round rounds=50 id
	free_port
	! sanitized || rounds=15
	for ((round = 1; round <= rounds; round++)); do
		id=$(ctl add-ports "127.0.0.1:$PORT:7000/tcp")
		connects 127.0.0.1 "$PORT"
		ctl remove-ports "$id" >/dev/null
		not connects 127.0.0.1 "$PORT"
	done
	equals $rounds "$id"
	equals "" "$(port_objects)"
	stop
}

@test "a port that is removed: its connections are reset, others' go on, and it can be published again" {
	launch_ports "$PORTCHECK" serve 127.0.0.1 7000
	wait_for grep -q serving "$OUT"
	local gone_port client stays
	mkfifo go
	publish tcp 127.0.0.1 0 127.0.0.1 7000
	"$PORTCHECK" idle 127.0.0.1 "$PORT" 20 <go >stays 2>&1 3>&- 4>&- &
	stays=$!
	exec 6>go
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	gone_port=$PORT
	"$PORTCHECK" hold 127.0.0.1 "$PORT" 50 >ready 3>&- 4>&- &
	client=$!
	wait_for grep -q ready ready
	wait_for grep -q ready stays
	unpublish "$ID"
	not connects 127.0.0.1 "$gone_port"
	wait_for gone "$client"
	wait "$client"
	api POST /v1/ports "$(spec_json tcp 127.0.0.1 "$gone_port" 127.0.0.1 7000)"
	equals 201 "$CODE"
	"$PORTCHECK" churn 127.0.0.1 "$gone_port" 20
	echo go >&6
	exec 6>&-
	wait_for gone "$stays"
	wait "$stays"
	stop
}

@test "ports removed under clients that come in crowds: none of their connections outlives the port" {
	launch_ports "$PORTCHECK" serve 127.0.0.1 7000
	wait_for grep -q serving "$OUT"
	local before round pids i
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	"$PORTCHECK" crowd 127.0.0.1 "$PORT" 200 50
	unpublish "$ID"
	before=$(fds_of "$(part 'fauxroot: ports')")
	for ((round = 0; round < 5; round++)); do
		publish tcp 127.0.0.1 "$PORT" 127.0.0.1 7000
		pids=()
		for i in 1 2 3; do
			# They never end by themselves: what is left of them is a relay that nobody ends.
			"$PORTCHECK" hold 127.0.0.1 "$PORT" 1000 >/dev/null 2>&1 3>&- 4>&- &
			pids+=($!)
		done
		wait_for connects 127.0.0.1 "$PORT"
		unpublish "$ID"
		for i in "${pids[@]}"; do
			wait_for gone "$i"
		done
	done
	# The sockets made ahead of need are given back within seconds.
	as_before() { [ "$(fds_of "$(part 'fauxroot: ports')")" -le $((before + $(made_ahead))) ]; }
	wait_for as_before
	stop
}

@test "conflicts: the same proto, address and port twice is 409 and says with which" {
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

@test "add-ports that is interrupted takes back what it has published" {
	launch_ports sleep 100
	free_port 2
	# The launcher answers when the signal is pending already.
	kill -STOP "$LAUNCHER"
	"$FAUXROOTCTL" --socket "$S/api.sock" add-ports "$PORT-$((PORT + 1)):1-2/tcp" >ids 3>&- 4>&- &
	local client=$! end=0
	# It has asked, and sleeps until it is answered: before that it sleeps nowhere.
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
	# One was there.
	publish tcp "" "$PORT" 127.0.0.1 80
	equals 2 "$ID"
	stop
}

@test "somebody else listens: 409 with the address, and who; at the start, an error that tells more" {
	launch_ports sleep 1000
	free_port
	socat "TCP4-LISTEN:$PORT,bind=127.0.0.1,fork" SYSTEM:'echo other' 3>&- 4>&- &
	local other=$!
	wait_for connects 127.0.0.1 "$PORT"
	local why="listening on 127\.0\.0\.1:$PORT/tcp: Address already in use by process $other \(socat\)"
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 127.0.0.1 80)" 409 "$why"
	run -1 --separate-stderr ctl add-ports "127.0.0.1:$PORT:80/tcp"
	one_line "$stderr" "^error: .*$why"
	# With the wildcard one family would be free: the port is whole or not at all.
	refused_by POST /v1/ports '{"proto":"tcp","parentPort":'"$PORT"',"childPort":80}' 409 \
		"listening on 0\.0\.0\.0:$PORT/tcp: Address already in use by process $other "
	not connects ::1 "$PORT"
	stop
	run -125 --separate-stderr fx --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" touch started
	one_error "$stderr" "$why"
	says "$stderr" "cause: .*process $other has"
	says "$stderr" "remedy: .*kill $other$"
	absent started
	kill "$other"
}

@test "somebody else has the wildcard of IPv6, or a UDP port: found as well" {
	launch_ports sleep 1000
	free_port
	socat "TCP6-LISTEN:$PORT,ipv6only=0,fork" SYSTEM:'echo other' 3>&- 4>&- &
	local tcp=$! udp
	wait_for connects ::1 "$PORT"
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 127.0.0.1 80)" 409 \
		"Address already in use by process $tcp \(socat\)"
	refused_by POST /v1/ports "$(spec_json tcp ::1 "$PORT" 127.0.0.1 80)" 409 \
		"listening on \[::1\]:$PORT/tcp: Address already in use by process $tcp \(socat\)"
	kill "$tcp"
	free_port
	socat "UDP4-RECVFROM:$PORT,bind=127.0.0.1,fork" SYSTEM:'echo other' 3>&- 4>&- &
	udp=$!
	bound() { ss -Hlun "sport = $PORT" | grep -q .; }
	wait_for bound
	refused_by POST /v1/ports "$(spec_json udp 127.0.0.1 "$PORT" 127.0.0.1 80)" 409 \
		"listening on 127\.0\.0\.1:$PORT/udp: Address already in use by process $udp \(socat\)"
	kill "$udp"
	stop
}

@test "--net=none with ports: still only lo, which has the address that remote clients come from" {
	launch_ports sleep 1000
	equals "lo 127.0.0.1/8
lo 192.0.0.8/32
lo ::1/128
lo fd00::100/128" "$(in_target ip -o addr | awk '{ print $2, $4 }' | LC_ALL=C sort)"
	equals 1 "$(in_target ip -o link | wc -l)"
	stop
	launch --net=none sleep 1000
	equals "lo 127.0.0.1/8
lo ::1/128" "$(in_target ip -o addr | awk '{ print $2, $4 }' | LC_ALL=C sort)"
	stop
}

@test "two instances cannot take one port" {
	launch_ports sleep 1000
	publish tcp 127.0.0.1 own 127.0.0.1 80
	publish udp 127.0.0.1 "$PORT" 127.0.0.1 80
	local proto
	for proto in tcp udp; do
		run -125 --separate-stderr fx --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/$proto" touch started
		one_error "$stderr" "127\.0\.0\.1:$PORT/$proto: .*in use by process $LAUNCHER \(fauxroot\)"
		absent started
	done
	stop
	# It is free again, for connections of a moment ago do not hold it.
	run -0 fx --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" true
}

@test "a privileged port: refused with the three remedies" {
	local start
	start=$(</proc/sys/net/ipv4/ip_unprivileged_port_start)
	# The last of them is the least likely to be taken.
	[ "$start" -gt 1 ] || skip "this machine has no privileged ports"
	PORT=$((start - 1))
	run -125 --separate-stderr fx --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" touch started
	says "$stderr" "127\.0\.0\.1:$PORT"
	says "$stderr" "ports below $start"
	says "$stderr" "cause: /proc/sys/net/ipv4/ip_unprivileged_port_start is $start"
	says "$stderr" "remedy: .*sysctl -w net\.ipv4\.ip_unprivileged_port_start=$PORT"
	says "$stderr" "remedy: .*setcap cap_net_bind_service=ep $(realpath "$FAUXROOT")"
	says "$stderr" "remedy: .*parent port from $start up"
	absent started
	launch_ports sleep 1000
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 127.0.0.1 80)" 400 \
		'ip_unprivileged_port_start=.*cap_net_bind_service.*higher port'
	equals "" "$(port_objects)"
	stop
}

@test "bad specs with -p: one error that names the spec and what is wrong; nothing has started" {
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
		one_line "$output" "^error: bad port \"$spec\": it does not end with a protocol"
		run -1 --separate-stderr "$compat/rootlesskit" --net=none --port-driver=builtin -p "$spec" touch started
		one_error "$stderr" "bad port \"$spec\": it does not end with a protocol"
		absent started
	done
	run -125 --separate-stderr fx --net=none --port-driver=builtin -p 80 touch started
	one_error "$stderr" 'bad port "80/tcp": the child port is missing'
	stop
}

@test "bad specs for add-ports: one line, status 1, and nothing is asked for" {
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
		400|"proto" is none of|{"proto":"sctp","parentPort":0,"childPort":80}
		400|"proto" is none of|{"proto":"TCP","parentPort":0,"childPort":80}
		400|"proto" is none of|{"proto":6,"parentPort":0,"childPort":80}
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
		400|parent IP "::1" is not one for tcp4|{"proto":"tcp4","parentIP":"::1","parentPort":0,"childPort":80}
		400|parent IP "127.0.0.1" is not one for udp6|{"proto":"udp6","parentIP":"127.0.0.1","parentPort":0,"childPort":80}
		400|child IP "x" is not an IP address|{"proto":"tcp","parentPort":0,"childIP":"x","childPort":80}
		400|child IP "0.0.0.0" is nobody|{"proto":"tcp","parentPort":0,"childIP":"0.0.0.0","childPort":80}
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

@test "without a port driver: 400 for all of ports, and -p is refused" {
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

# ---- docker's proxy ----

# The target is a shell that runs what we put into "order", its answer on descriptor 3 as dockerd
# reads it; the real docker-proxy is a script that writes its words down and waits to be ended.
launch_docker() {
	mkdir -p bin
	cat >bin/docker-proxy <<-'END'
		#!/bin/bash
		printf '%s\n' "$0" "$@" >words
		trap 'echo ended >ended; exit 0' TERM
		[ ! -e fail ] || { printf '1\nno luck' >&3; exit 1; }
		printf '0\n' >&3
		exec 3>&-
		sleep 1000 &
		wait
	END
	chmod +x bin/docker-proxy
	ln -sf "$(realpath "$FAUXROOTCTL")" bin/rootlesskit-docker-proxy
	# shellcheck disable=SC2016
	PATH=$PWD/bin:$PATH launch "$@" bash -c '
		while [ ! -e order ]; do sleep 0.02; done
		. ./order 3>answer 2>said & proxy=$!
		while [ ! -e end ]; do sleep 0.02; done
		kill "$(<proxy_pid)" 2>/dev/null; wait $proxy; echo $? >status; sleep 1000'
}

docker_proxy() { # WORDS… - as dockerd calls it
	printf 'echo $BASHPID >proxy_pid; exec rootlesskit-docker-proxy %s\n' "$*" >order.new
	mv order.new order
}

answered() {
	[ -s answer ]
}

@test "docker-proxy: a port of the host to the same port of the child's loopback, and back" {
	launch_docker --net=none --port-driver=builtin
	free_port
	docker_proxy -proto tcp -host-ip 127.0.0.1 -host-port "$PORT" -container-ip 172.17.0.2 -container-port 80
	wait_for answered
	equals 0 "$(<answer)"
	equals "{\"proto\":\"tcp4\",\"parentIP\":\"127.0.0.1\",\"parentPort\":$PORT,\"childIP\":\"127.0.0.1\",\"childPort\":$PORT}" \
		"$(port_objects | jq -c .spec)"
	equals "-proto tcp -host-ip 127.0.0.1 -host-port $PORT -container-ip 172.17.0.2 -container-port 80" \
		"$(tail -n +2 words | paste -sd' ')"
	connects 127.0.0.1 "$PORT"
	touch end
	wait_for test -s status
	equals 0 "$(<status)"
	equals ended "$(<ended)"
	equals "" "$(port_objects)"
	not connects 127.0.0.1 "$PORT"
	stop_all
}

# From the loop alone, and asked for again before the loop has seen it.
@test "docker-proxy: SIGKILL takes its port back, also in a PID namespace" {
	local option started proxy i
	for option in --pidns=false --pidns; do
		launch_docker --net=none --port-driver=builtin $option
		free_port
		for i in 1 2 3; do
			rm -f answer
			PATH=$PWD/bin:$PATH "$FAUXROOTCTL" --socket "$S/api.sock" exec bash -c \
				'exec 3>answer; exec rootlesskit-docker-proxy "$@"' proxy -proto tcp -host-ip 127.0.0.1 \
				-host-port "$PORT" -container-ip 172.17.0.2 -container-port 80 3>&- 4>&- &
			started=$! proxy=$!
			wait_for answered
			equals 0 "$(<answer)"
			equals peer "$(port_objects | jq -r .owner)"
			[ $option != --pidns ] || proxy=$(child_of "$proxy" rootlesskit-doc)
			kill -KILL "$proxy"
			wait "$started" || true
		done
		gone_unasked() { not connects 127.0.0.1 "$PORT" 2>/dev/null; }
		wait_for gone_unasked
		logged "port 3 is taken back: the process that asked for it has ended"
		equals "" "$(port_objects)"
		stop_all
	done
}

# A port whose owner is the process at the other end, and one that stays.
@test "the API: a port that ends with the process that has asked for it" {
	launch_ports sleep 1000
	publish tcp 127.0.0.1 own 127.0.0.1 80
	api POST /v1/ports "$(spec_json tcp 127.0.0.1 0 127.0.0.1 80 | jq -c '.owner = "peer"')"
	equals 201 "$CODE"
	equals peer "$(jq -r .owner <<<"$BODY")"
	# curl has ended.
	equals "$PORT" "$(port_objects | jq .spec.parentPort)"
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 0 127.0.0.1 80 | jq -c '.owner = "me"')" 400 owner
	stop
}

@test "--api-inside: what the command may ask; the host may all" {
	# policy, and what info, list-ports, add-ports and remove-ports of a port that is not privileged,
	# and add-ports of one that is, say inside
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
		# From outside all goes.
		run -0 ctl info
		port_objects | jq .id >ids
		# shellcheck disable=SC2046 # words
		[ ! -s ids ] || ctl remove-ports $(<ids)
		run -0 port_objects
		equals "" "$output"
		stop
	done
}

@test "docker-proxy: the wildcards of both families become loopback addresses inside" {
	launch_docker --net=none --port-driver=builtin
	free_port
	docker_proxy -proto=udp --host-ip=:: -host-port "$PORT" -container-ip 172.17.0.2 -container-port 53
	wait_for answered
	equals "{\"proto\":\"udp6\",\"parentIP\":\"::\",\"parentPort\":$PORT,\"childIP\":\"::1\",\"childPort\":$PORT}" \
		"$(port_objects | jq -c .spec)"
	says "$(<words)" '^--?host-ip=::1$'
	touch end
	wait_for test -s status
	stop_all
}

@test "docker-proxy: what it cannot have is told over descriptor 3" {
	launch_docker --net=none --port-driver=builtin
	publish tcp 127.0.0.1 0 127.0.0.1 80
	docker_proxy -proto tcp -host-ip 127.0.0.1 -host-port "$PORT" -container-ip 172.17.0.2 -container-port 80
	wait_for answered
	equals 1 "$(head -1 answer)"
	says "$(<answer)" 'conflicts with port 1'
	absent words
	touch end
	wait_for test -s status
	equals 1 "$(<status)"
	stop_all
}

@test "docker-proxy: where the real one fails, its own words pass and the port goes" {
	touch fail
	launch_docker --net=none --port-driver=builtin
	free_port
	docker_proxy -proto tcp -host-ip 127.0.0.1 -host-port "$PORT" -container-ip 172.17.0.2 -container-port 80
	# It is written in two pieces.
	wait_for grep -qsx 'no luck' answer
	equals $'1\nno luck' "$(<answer)"
	removed() { [ "$(port_objects)" = "" ]; }
	wait_for removed
	touch end
	wait_for test -s status
	equals 1 "$(<status)"
	stop_all
}

@test "docker-proxy: a protocol that the driver lacks is a warning and no failure" {
	launch_docker --net=none --port-driver=builtin
	docker_proxy -proto sctp -host-ip 127.0.0.1 -host-port 80 -container-ip 172.17.0.2 -container-port 80
	wait_for answered
	equals 0 "$(<answer)"
	says "$(<said)" 'warning: .*sctp'
	absent words
	touch end
	wait_for test -s status
	equals 0 "$(<status)"
	stop_all
}

@test "docker-proxy: without a port driver the real one runs unchanged" {
	launch_docker --net=none
	docker_proxy -proto tcp -host-ip 0.0.0.0 -host-port 80 -container-ip 172.17.0.2 -container-port 80
	wait_for answered
	equals "-proto tcp -host-ip 0.0.0.0 -host-port 80 -container-ip 172.17.0.2 -container-port 80" \
		"$(tail -n +2 words | paste -sd' ')"
	touch end
	wait_for test -s status
	equals 0 "$(<status)"
	stop_all
}
