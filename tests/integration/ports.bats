#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Published ports in front of real servers: what is reachable, and what is refused. ports_api.bats tests specs
# and the API, ports_faults.bats and ports_limits.bats test faults, root/ports.bats source addresses.
#
# seconds: 20

load ../lib/bash/common
load ../lib/bash/ports

# One server for each family and protocol; each names itself. They outlive the shell that is the target:
# stop_all ends them.
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

@test "-p from the start: busybox httpd behind slirp4netns, a file fetched completely" {
	mkdir www
	head -c 3000000 /dev/urandom >www/file
	free_port
	launch --net=slirp4netns --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" busybox httpd -f -p 80 -h www
	wait_for curl -sf --max-time 60 -o got "http://127.0.0.1:$PORT/file"
	cmp got www/file
	stop
	not connects 127.0.0.1 "$PORT"
}

@test "nginx: every pairing of families, a file fetched completely, kept-alive and parallel connections" {
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

@test "connections of a client reach the target in their order" {
	local pids=()
	cp "$ROOT/tests/lib/fixtures/pairs.py" pairs.py
	launch_ports python3 -u pairs.py serve 7000
	wait_for grep -q serving "$OUT"
	publish tcp 127.0.0.1 0 127.0.0.1 7000
	# Several clients keep all threads busy.
	for name in a b c; do
		timeout 200 python3 pairs.py dial "$PORT" 1500 $name 3>&- 4>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	python3 pairs.py report "$PORT"
	equals "4500 pairs, 0 in the wrong order" "$(tail -1 "$OUT")"
	stop
}

@test "iperf3: one stream and several, either way and both at once; datagrams" {
	launch_ports iperf3 -s -p 7000
	listens() { in_target ss -Hltn 'sport = 7000' | grep -q .; }
	wait_for listens
	publish tcp 127.0.0.1 own 127.0.0.1 7000
	publish udp 127.0.0.1 "$PORT" 127.0.0.1 7000
	local words
	for words in "-n 40M" "-n 40M -R" "-n 40M -P 4" "-n 40M --bidir" "-n 200K -u -b 10M -l 1400"; do
		# One client at a time: it exits a moment before the server is ready for the next.
		run_iperf() {
			# shellcheck disable=SC2086
			timeout 60 iperf3 -J -c 127.0.0.1 -p "$PORT" $words >result
		}
		wait_for run_iperf
		equals null "$(jq .error result)"
		[[ $words = *-u* ]] || [ "$(jq .end.sum_received.bytes result)" -ge 1000000 ]
	done
	# The last were datagrams. On a busy machine some are lost; some must arrive.
	equals true "$(jq '.end.sum | .packets > .lost_packets' result)"
	stop 1
}

@test "a thread with a bulk transfer gives other threads priority, and resets this after the transfer" {
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

@test "-p repeated and split at commas; all ports exist before the target runs" {
	free_port 3
	run -0 fx --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp,127.0.0.1:$((PORT + 1)):80/udp" \
		-p "[::1]:$((PORT + 2)):80/tcp6" \
		sh -c '"$FAUXROOTCTL" --socket "$ROOTLESSKIT_STATE_DIR/api.sock" list-ports --json'
	equals '[{"id":1,"spec":{"proto":"tcp","parentIP":"127.0.0.1","parentPort":'"$PORT"',"childPort":80}},{"id":2,"spec":{"proto":"udp","parentIP":"127.0.0.1","parentPort":'$((PORT + 1))',"childPort":80}},{"id":3,"spec":{"proto":"tcp6","parentIP":"::1","parentPort":'$((PORT + 2))',"childPort":80}}]' \
		"$(jq -c 'map(del(.counters))' <<<"$output")"
	equals "[0,0,0]" "$(jq -c 'map(.counters.connections)' <<<"$output")"
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

@test "removing a port does not affect the others" {
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

@test "parentPort 0: a free port on both families, which the answer and the list contain" {
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

@test "more ports than the soft limit of descriptors; the target's limit does not change" {
	ulimit -Sn 64
	launch_ports sh -c 'ulimit -Sn >limit; exec sleep 1000'
	free_port 100
	equals 100 "$(ctl add-ports "127.0.0.1:$PORT-$((PORT + 99)):1-100/tcp" | wc -l)"
	connects 127.0.0.1 "$((PORT + 99))"
	equals 64 "$(<limit)"
	stop
}

@test "a range is one port for each number; when one is taken, none stays" {
	serve_all
	free_port 5
	run -0 ctl add-ports "127.0.0.1:$PORT-$((PORT + 2)):7000-7002/tcp"
	equals "1
2
3" "$output"
	equals "tcp4 7000" "$(said tcp 127.0.0.1 "$PORT")"
	equals "tcp4 7002" "$(said tcp 127.0.0.1 $((PORT + 2)))"
	ctl remove-ports 1 2
	# The third one exists, so 0 and 1 of these are removed again.
	run -1 --separate-stderr ctl add-ports "127.0.0.1:$PORT-$((PORT + 4)):7000-7004/tcp"
	equals "" "$output"
	says "$stderr" "^error: .*conflicts with port 3"
	not connects 127.0.0.1 "$PORT"
	not connects 127.0.0.1 $((PORT + 1))
	not connects 127.0.0.1 $((PORT + 4))
	equals 1 "$(port_objects | wc -l)"
	# So are the specs before it.
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

@test "a removed port: its connections are reset, others survive, and it can be published again" {
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

@test "ports removed under crowds of clients: no connection outlives its port" {
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
			# These clients never exit by themselves: a client that remains shows a relay that was not ended.
			"$PORTCHECK" hold 127.0.0.1 "$PORT" 1000 >/dev/null 2>&1 3>&- 4>&- &
			pids+=($!)
		done
		wait_for connects 127.0.0.1 "$PORT"
		unpublish "$ID"
		for i in "${pids[@]}"; do
			wait_for gone "$i"
		done
	done
	# Prepared sockets are closed within seconds.
	as_before() { [ "$(fds_of "$(part 'fauxroot: ports')")" -le $((before + $(made_ahead))) ]; }
	wait_for as_before
	stop
}

@test "another process listens: 409 with the address and the owner; at the start, an error with more" {
	launch_ports sleep 1000
	free_port
	socat "TCP4-LISTEN:$PORT,bind=127.0.0.1,fork" SYSTEM:'echo other' 3>&- 4>&- &
	local other=$!
	wait_for connects 127.0.0.1 "$PORT"
	local why="listening on 127\.0\.0\.1:$PORT/tcp: Address already in use by process $other \(socat\)"
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 127.0.0.1 80)" 409 "$why"
	run -1 --separate-stderr ctl add-ports "127.0.0.1:$PORT:80/tcp"
	one_line "$stderr" "^error: .*$why"
	# With the wildcard one family would be free: a port is published for both or not at all.
	refused_by POST /v1/ports '{"proto":"tcp","parentPort":'"$PORT"',"childPort":80}' 409 \
		"listening on 0\.0\.0\.0:$PORT/tcp: Address already in use by process $other "
	not connects ::1 "$PORT"
	stop
	run -125 --separate-stderr fx --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" touch started
	one_error "$stderr" "$why"
	says "$stderr" "cause: process $other already uses"
	says "$stderr" "remedy: .*kill $other$"
	absent started
	kill "$other"
}

@test "another process has the wildcard of IPv6, or a UDP port: found as well" {
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

@test "--net=none with ports: still only lo, which gets the address for remote clients" {
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
	# It is free again: recently closed connections do not hold it.
	run -0 fx --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" true
}

@test "a privileged port: refused with the three remedies" {
	local start
	start=$(</proc/sys/net/ipv4/ip_unprivileged_port_start)
	# The highest privileged port: no other process is likely to use it.
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
