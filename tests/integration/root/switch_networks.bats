#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --net-accel=switch on hosts with more than one uplink. No packet leaves the machine.
#
#	                          ┌─ fxhost 198.51.100.1 ── fxout 198.51.100.2 ─┐
#	host (a network namespace)┤                                             ├ outside: 203.0.113.5, 203.0.113.6
#	                          └─ fxsecond 192.0.2.1 ─── fxother 192.0.2.2 ──┘
#
# seconds: 10

# shellcheck disable=SC2016 # scripts for a shell inside
load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/switch

SECOND=192.0.2.1

setup_file() {
	load_root || return
	two_networks
	ip link add fxsecond netns "$HOST_NS" type veth peer name fxother netns "$OUT_NS"
	host ip link set fxsecond up
	host ip addr add $SECOND/24 dev fxsecond
	client ip link set fxother up
	client ip addr add 192.0.2.2/24 dev fxother
	client ip addr add 203.0.113.5/32 dev lo
	client ip addr add 203.0.113.6/32 dev lo
	host ip route add default via "$CLIENT4"
	# An echo: what it receives, it sends back.
	serve client socat TCP4-LISTEN:7010,reuseaddr,fork,backlog=64 EXEC:cat
	wait_for listening client 1 7010
}

teardown_file() {
	end_networks
}

setup() {
	root_setup
}

teardown() {
	# Each test begins with the same routes.
	host ip rule flush
	for table in main default; do host ip rule add from all lookup $table priority 32766; done
	host ip route flush table 100 2>/dev/null || true
	host ip route replace default via "$CLIENT4"
	host ip route del 203.0.113.6 2>/dev/null || true
	client ip route del "$HOST4" 2>/dev/null || true
	common_teardown
}

# In scripts: open connection number $1 to $2, and print our address of it. ask(): send a line, print the answer.
words='
	open() { eval "exec $1<>/dev/tcp/$2/7010"; }
	ask() { echo "$2" >&"$1" && read -rt 30 answer <&"$1" && echo "$answer"; }
	ours() { python3 -c "import socket, sys; print(socket.socket(fileno=int(sys.argv[1])).getsockname()[0])" "$1"; }
'

@test "two uplinks: the route of the host selects one for each destination" {
	host ip route add 203.0.113.6 via 192.0.2.2
	run -0 inside_script "$words"'
		open 5 203.0.113.5; ask 5 first; ours 5
		open 6 203.0.113.6; ask 6 second; ours 6
		number switched'
	equals "first $HOST4 second $SECOND 2" "${lines[*]}"
}

@test "a route that moves: connections stay, new ones take the new uplink" {
	launch_inside bash -ec "$(scripted "$words"'
		open 5 203.0.113.5; ask 5 before; ours 5; touch "$T/ready"
		while [ ! -e "$T/moved" ]; do sleep 0.05; done
		ask 5 after
		open 6 203.0.113.5; ask 6 new; ours 6
		number switched')"
	wait_for test -e "$T/ready"
	host ip route replace default via 192.0.2.2
	touch "$T/moved"
	wait "$LAUNCHER"
	equals "before $HOST4 after new $SECOND 2" "$(paste -sd' ' "$OUT")"
}

@test "a host that loses its route, and gets it back" {
	launch_inside bash -ec "$(scripted "$words"'
		open 5 203.0.113.5; ask 5 before; touch "$T/ready"
		while [ ! -e "$T/lost" ]; do sleep 0.05; done
		open 6 203.0.113.5 2>/dev/null || echo unreachable
		touch "$T/tried"
		while [ ! -e "$T/back" ]; do sleep 0.05; done
		open 6 203.0.113.5; ask 6 again
		number switched')"
	wait_for test -e "$T/ready"
	host ip route del default
	touch "$T/lost"
	wait_for test -e "$T/tried"
	host ip route add default via "$CLIENT4"
	touch "$T/back"
	wait "$LAUNCHER"
	equals "before unreachable again 2" "$(paste -sd' ' "$OUT")"
}

@test "a VPN of the host by policy routing: by user, and for all" {
	host ip route add default via 192.0.2.2 table 100
	host ip rule add uidrange "$USER_UID-$USER_UID" lookup 100 priority 100
	run -0 inside_script "$words"'open 5 203.0.113.5; ask 5 vpn; ours 5; number switched'
	equals "vpn $SECOND 1" "${lines[*]}"
	host ip rule del priority 100
	host ip rule add not fwmark 51820 lookup 100 priority 100
	run -0 inside_script "$words"'open 5 203.0.113.5; ask 5 vpn; ours 5; number switched'
	equals "vpn $SECOND 1" "${lines[*]}"
}

@test "a VPN inside by policy routing: by mark, by user, and by port" {
	run -0 inside_script "$words"'
		ip tuntap add vpn mode tun; ip link set vpn up; ip addr add 10.9.9.2/24 dev vpn
		ip route add default via 10.9.9.1 dev vpn table 100
		ip rule add fwmark 7 lookup 100
		timeout 30 python3 -c "
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 7); s.settimeout(0.5)
print(s.connect_ex((\"203.0.113.5\", 7010)) != 0)"
		ip rule add uidrange 33-33 lookup 100
		setpriv --reuid 33 --regid 33 --clear-groups timeout 1 bash -c "exec 5<>/dev/tcp/203.0.113.5/7010" || echo through
		ip rule add ipproto tcp dport 7011 lookup 100
		timeout 1 bash -c "exec 5<>/dev/tcp/203.0.113.5/7011" || echo through
		number switched
		open 5 203.0.113.5; ask 5 direct
		number switched'
	equals "True through through 0 direct 1" "${lines[*]}"
}

# A limit: such connections must be excepted.
@test "answers that return by another interface do not reach a switched connection" {
	host sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.fxsecond.rp_filter=0 \
		net.ipv4.conf.fxhost.rp_filter=0
	client ip route add "$HOST4" via $SECOND
	run -0 host timeout 30 bash -c 'exec 5<>/dev/tcp/203.0.113.5/7010; echo direct >&5; read -r line <&5; echo "$line"'
	equals direct "$output"
	run -124 inside_script 'exec timeout 2 bash -c "exec 5<>/dev/tcp/203.0.113.5/7010"'
	run -0 inside_script "$words"'open 5 203.0.113.5; ask 5 excepted; number switched' \
		--net-accel-except=203.0.113.0/24
	equals "excepted 0" "${lines[*]}"
}
