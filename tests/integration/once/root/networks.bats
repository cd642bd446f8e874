#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2153,SC2154 # inner shells expand; each() sets NAME and NET
# All networks with a helper program, each with the same tests: slirp4netns, the pasta of this machine, and
# pasta of newer releases of Debian. The host is a network namespace of this test.
#
# seconds: 140

load ../../../lib/bash/common
load ../../../lib/bash/root
load ../../../lib/bash/networks

setup_file() {
	load_root && find_networks && outer_network
}

teardown_file() {
	end_networks
}

setup() {
	root_setup
	find_networks
	outer_links
}

# Does the launch of $NAME end because it is too old to start without a default route?
needs_route() {
	[ "$NAME" = pasta ] && ! holds_loopback
}

# Queries over UDP and TCP, to the name server of each family; getent reads resolv.conf.
names_resolve() {
	local server way
	says "$(in_child getent ahostsv4 service.test.example)" "$OUTSIDE"
	for server in 10.0.2.3 fd00::3; do
		for way in "" tcp; do
			# shellcheck disable=SC2086 # no word
			says "$(in_child "$FAUXROOT_TEST_TOOLS/dns" ask $server service.test.example $way)" " $OUTSIDE\$"
		done
	done
}

reach() {
	launch_host "${NET[@]}" --ipv6 sleep 1000
	equals outside "$(get "$OUTSIDE" 7000)"
	equals outside6 "$(get "[$OUTSIDE6]" 7000)"
	equals ping "$(in_child bash -c 'exec 5<>"/dev/udp/$0/7000" && echo ping >&5 && timeout 30 head -n 1 <&5' "$OUTSIDE")"
	in_child busybox ping -c 1 -W 30 "$OUTSIDE"
	names_resolve
	# Datagrams of several thousand bytes, which the outer link has to fragment.
	equals 8000 "$(head -c 8000 /dev/zero | in_child socat -b 65536 -T 5 - "UDP:$OUTSIDE:7000" | wc -c)"
	stop
}

@test "TCP, UDP, echo, IPv6, names and large datagrams reach the outside" {
	each reach
}

transfer() {
	launch_host "${NET[@]}" --mtu=1500 sleep 1000
	equals 1500 "$(in_child cat /sys/class/net/tap0/mtu)"
	equals 5000000 "$(in_child sh -c "socat -u TCP:$OUTSIDE:7002 - 2>/dev/null | head -c 5000000 | wc -c")"
	in_child sh -c "head -c 500000 /dev/zero | timeout 60 socat -u - TCP:$OUTSIDE:7003"
	stop
}

@test "with an MTU of 1500, transfers arrive whole, in both directions" {
	each transfer
}

load_it() {
	launch_host "${NET[@]}" sh -c '
		while :; do socat -u TCP:192.0.2.80:7002,connect-timeout=2 OPEN:/dev/null 2>/dev/null; done'
}

other_helper() { # OLD
	local now
	now=$(helper_of "$LAUNCHER") && [ "$now" != "$1" ]
}

look_at_device() {
	in_child sh -c 'cat /sys/class/net/tap0/ifindex /sys/class/net/tap0/address; ip -o -4 addr show tap0; ip route'
}

killed_under_load() {
	local device old
	load_it
	device=$(look_at_device)
	for _ in 1 2; do
		old=$(helper_of "$LAUNCHER")
		kill -KILL "$old"
		wait_for other_helper "$old"
		wait_for reaches_outside
	done
	equals "$device" "$(look_at_device)"
	# A process that nobody continues.
	old=$(helper_of "$LAUNCHER")
	kill -STOP "$old"
	wait_for logged 'was stopped'; echo "B $SECONDS"
	wait_for reaches_outside
	kill -TERM "$LAUNCHER"
	ended 143
}

@test "killed and stopped under load: the network works again, on the same device" {
	each killed_under_load
	kill_marked # the socat of the loops
}

# in_flight COMMAND… - run it in the command's network, and append its PID to FLIGHTS
in_flight() {
	in_child "$@" >/dev/null 2>&1 &
	FLIGHTS+=($!)
}

# Do more than so many packets move through the device? rx: from the outside
moves() { # rx|tx PACKETS
	[ "$(in_child cat "/sys/class/net/tap0/statistics/$1_packets")" -gt "$2" ]
}

all_move() {
	local way n
	for way in rx tx; do
		n=$(in_child cat "/sys/class/net/tap0/statistics/${way}_packets")
		wait_for moves $way $((n + 50))
	done
}

# A client outside of the port that the host publishes. It says what it hears before and after the file
# "killed" is there.
published_client() { # PORT
	inside_of "$OUT_NS" bash -c 'exec 5<>"/dev/tcp/198.51.100.1/$0" && read -r -t 30 peer <&5 && echo "$peer" &&
		touch "$1.connected" && until [ -e "$1.killed" ]; do sleep 0.05; done &&
		echo still here >&5 && read -r -t 30 answer <&5 && echo "$answer"' "$1" "$T/$NAME"
}

ended_in_flight() {
	local pid old port=$((8000 + $(cksum <<<"$NAME" | cut -d ' ' -f 1) % 1000))
	FLIGHTS=()
	launch_host "${NET[@]}" --port-driver=builtin --publish "198.51.100.1:$port:10.0.2.100:80/tcp" \
		socat TCP-LISTEN:80,reuseaddr,fork SYSTEM:'echo "$SOCAT_PEERADDR"; cat'
	in_flight socat -u "TCP:$OUTSIDE:7002" OPEN:/dev/null
	in_flight socat -u OPEN:/dev/zero "TCP:$OUTSIDE:7003"
	all_move
	published_client "$port" >"$T/$NAME.client" &
	wait_for test -e "$T/$NAME.connected"
	old=$(helper_of "$LAUNCHER")
	# While it is stopped, nothing is lost.
	kill -STOP "$old"
	wait_for logged 'was stopped'
	all_move
	alive "${FLIGHTS[0]}"
	alive "${FLIGHTS[1]}"
	kill -KILL "$old"
	wait_for other_helper "$old"
	wait_for reaches_outside
	for pid in "${FLIGHTS[@]}"; do
		wait_for gone "$pid"
	done
	touch "$T/$NAME.killed"
	wait_for grep -qx 'still here' "$T/$NAME.client"
	equals 198.51.100.2 "$(head -n 1 "$T/$NAME.client")"
	stop
}

@test "transfers in flight: a stopped helper delays them, a killed one ends them, and published ports go on" {
	each ended_in_flight
	kill_marked # the socat of the published ports
}

moved() {
	launch_host "${NET[@]}" sleep 1000
	reaches_outside
	touch "$T/$NAME.ready"
	wait_for test -e "$T/moved"
	wait_for reaches_outside
	stop
}

@test "the default route moves to another interface, as when a VPN starts" {
	local name
	each moved >moved.out 2>&1 &
	for name in "${NETWORKS[@]}"; do
		wait_for test -e "$name.ready"
	done
	on_host sh -c 'ip route replace default via 203.0.113.2 && ip link set fxa down'
	touch moved
	wait $! || {
		cat moved.out
		false
	}
}

later() {
	if needs_route; then
		local status=0
		nsenter --target "$HOST_NS" --net --mount setpriv --reuid "$USER_UID" --regid "$USER_GID" \
			--init-groups --inh-caps=-all "$FAUXROOT" "${NET[@]}" true 2>"$LOG" || status=$?
		equals 125 $status
		says "$(<"$LOG")" 'cause: this machine has no default route'
		touch "$T/$NAME.ready"
		return
	fi
	launch_host "${NET[@]}" sleep 1000
	touch "$T/$NAME.ready"
	wait_for test -e "$T/moved"
	wait_for reaches_outside
	stop
}

@test "the host gets its network after the launch; a pasta that needs a route says so" {
	local name
	on_host sh -c 'ip link set fxa down && ip link set fxb down'
	each later >later.out 2>&1 &
	for name in "${NETWORKS[@]}"; do
		wait_for test -e "$name.ready"
	done
	outer_links
	touch moved
	wait $! || {
		cat later.out
		false
	}
}

launcher_killed() {
	local helper
	launch_host "${NET[@]}" sleep 1000
	helper=$(helper_of "$LAUNCHER")
	kill -KILL "$LAUNCHER"
	wait_for gone "$helper"
	wait_for gone "$TARGET"
}

@test "after SIGKILL of the launcher no helper is left" {
	each launcher_killed
	rm -rf "$T"/*.state
}

restarts_after_frames() {
	launch_host "${NET[@]}" --ipv6 sleep 1000
	# More than five. A frame that is queued in the device while no helper runs may kill the next one.
	for _ in {1..8}; do
		in_child "$FAUXROOT_TEST_TOOLS/frames" send tap0 7000 ::ffff:198.51.100.1
		wait_for reaches_outside
	done
	if [[ $NAME == pasta-* ]]; then
		logged 'pasta died 5 times in a row'
	fi
	alive "$TARGET"
	stop
}

@test "frames that kill pasta of 2025 and 2026 interrupt the network only for a moment, and never end the command" {
	each restarts_after_frames
}

loses_its_route() {
	launch_host "${NET[@]}" sleep 1000
	reaches_outside
	touch "$T/$NAME.ready"
	wait_for test -e "$T/offline"
	kill -KILL "$(helper_of "$LAUNCHER")"
	if needs_route; then
		wait_for logged 'pasta died 5 times in a row'
	else
		wait_for logged 'started again'
	fi
	touch "$T/$NAME.down"
	wait_for test -e "$T/online"
	wait_for reaches_outside
	alive "$TARGET"
	stop
}

@test "the helper dies while the host has no route: the network comes back with the host's" {
	local name
	each loses_its_route >loses.out 2>&1 &
	for name in "${NETWORKS[@]}"; do
		wait_for test -e "$name.ready"
	done
	on_host sh -c 'ip link set fxa down && ip link set fxb down'
	touch offline
	for name in "${NETWORKS[@]}"; do
		wait_for test -e "$name.down"
	done
	outer_links
	touch online
	wait $! || {
		cat loses.out
		false
	}
}

# Each address that leads to the host's loopback on some network, and with sources that are forged.
PLAIN=(127.0.0.1 127.5.5.5 0.0.0.0 ::1 :: ::ffff:127.0.0.1 ::ffff:0.0.0.0 10.0.2.2 10.0.2.3 10.0.2.7
	fd00::2 fd00::3 fd00::7)
FORGED=(127.0.0.1 127.5.5.5 127.255.255.254 0.0.0.0 0.0.0.1 ::1 :: ::ffff:127.0.0.1 ::ffff:127.5.5.5
	::ffff:0.0.0.0 ::127.0.0.1 10.0.2.2 10.0.2.3 10.0.2.7 255.255.255.255 fd00::2 fd00::3 fd00::7 ff02::1
	'127.0.0.1>10.0.2.2' '10.0.2.2>10.0.2.2' '0.0.0.0>127.0.0.1' '127.0.0.1>127.0.0.1' '::1>::1'
	'fd00::2>::1' '::1>fd00::2' '::ffff:127.0.0.1>::1')

# attack OPTIONS… - print the kinds of attack that have reached the host's loopback, at PORT or any port
attack() {
	local listener port
	rm -f "$T/$NAME.received"
	on_host setpriv --reuid "$USER_UID" --regid "$USER_GID" --clear-groups \
		"$FAUXROOT_TEST_TOOLS/frames" listen ${PORT:+"$PORT"} >"$T/$NAME.received" 3>&- 4>&- &
	listener=$!
	wait_for test -s "$T/$NAME.received"
	port=$(head -n 1 "$T/$NAME.received")
	launch_host "${NET[@]}" "$@" sleep 1000
	in_child "$FAUXROOT_TEST_TOOLS/frames" connect "$port" "${PLAIN[@]}" >/dev/null
	on_host "$FAUXROOT_TEST_TOOLS/frames" say "$port" '== frames'
	in_child "$FAUXROOT_TEST_TOOLS/frames" send tap0 "$port" "${FORGED[@]}"
	stop
	# A datagram may be lost.
	while alive "$listener"; do
		on_host "$FAUXROOT_TEST_TOOLS/frames" say "$port" end
		sleep 0.1
	done
	wait "$listener"
	# Before the line "== frames" the connections are those of sockets.
	sed '1d;$d' "$T/$NAME.received" | awk '/^== / { frames = 1; next }
		{ kind = $1 == "socket" ? "socket, UDP" : $1 == "udp" ? "frame, UDP" : (frames ? "frame" : "socket") ", TCP"
		  if (!seen[kind]++) print kind }' | sort | paste -sd ';'
}

# refused OPTIONS… - the network cannot be used with --disable-host-loopback and these options
refused() {
	local status=0
	on_host setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" "${NET[@]}" --disable-host-loopback "$@" true 2>"$LOG" || status=$?
	equals 125 $status
	says "$(<"$LOG")" 'error: .*--disable-host-loopback'
	echo "refused by name"
}

# row TITLE OPTIONS… - attack without --disable-host-loopback, and with it
row() {
	local title=$1 open closed
	shift
	open=$(attack "$@")
	says "$open" 'socket, TCP'
	says "$open" 'socket, UDP'
	says "$open" 'frame, UDP'
	says "$open" 'frame, TCP'
	if [ "$NAME" != slirp4netns ] && { [[ " $* " == *" --ipv6 "* ]] || ! holds_loopback; }; then
		closed=$(refused "$@")
	else
		closed=$(attack --disable-host-loopback "$@")
		[ -z "$closed" ] || cat "$T/$NAME.received"
		equals "" "$closed"
	fi
	printf '| %-12s | %-11s | %-52s | %-15s |\n' "$NAME" "$title" "$open" "${closed:-nothing}" >>"$T/$NAME.row"
}

# The port drivers of the programs themselves, which open ports in the other direction.
driver_row() {
	local driver=implicit
	[ "$NAME" != slirp4netns ] || driver=slirp4netns
	if [ $driver = implicit ] && ! holds_loopback; then
		equals "refused by name" "$(refused --port-driver=$driver)"
		printf '| %-12s | %-11s | %-52s | %-15s |\n' "$NAME" $driver '' 'refused by name' >>"$T/$NAME.row"
		return
	fi
	row $driver --port-driver=$driver
}

attack_rows() {
	PORT=
	row IPv4
	row "+ IPv6" --ipv6
	# Everything that leads connections past the helper, for other addresses.
	row "+ paths" --port-driver=builtin --net-accel=switch --forward-host=9:9
	driver_row
	# Name servers are an exception in many programs. All use the same port of the same host.
	exec {turn}>"$T/turn"
	flock "$turn"
	PORT=53
	row "port 53"
}

@test "--disable-host-loopback: no attack by sockets or frames succeeds; without the option each attack succeeds" {
	# The listener is the test user.
	on_host sh -c 'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start'
	each attack_rows
	sed 's/^/# /' "$T"/*.row >&3
	equals $((5 * ${#NETWORKS[@]})) "$(cat "$T"/*.row | wc -l)"
}
