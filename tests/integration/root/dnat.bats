#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Published ports where the target redirects connections to a container by DNAT, like CNI's portmap plugin and
# a dockerd without its proxy. No connection hangs, from any client. A remote client keeps its address
# wherever the answer can find its way back:
#
#	client 198.51.100.2, 172.30.0.77, 10.0.2.77 ── host ── target 10.0.2.100 ── br0 ── container 172.30.0.2
#	       2001:db8::2, fd30::77                                  fd00::100               fd30::2
#
# The last two addresses of the client are in networks of the target.

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/ports

setup_file() {
	load_root || return
	two_networks
	client ip addr add 172.30.0.77/32 dev fxout
	client ip addr add 10.0.2.77/32 dev fxout
	client ip -6 addr add fd30::77/128 dev fxout nodad
	host ip route add 172.30.0.77/32 dev fxhost
	host ip route add 10.0.2.77/32 dev fxhost
	host ip -6 route add fd30::77/128 dev fxhost
}

teardown_file() {
	end_networks
}

setup() {
	root_setup
	# The launcher's PATH: the programs that it needs, without nft.
	mkdir "$T/bin"
	local name
	for name in slirp4netns newuidmap newgidmap getsubids sh nsenter setpriv env; do
		! command -v "$name" >/dev/null || ln -s "$(command -v "$name")" "$T/bin/$name"
	done
	target_script
}

# The target: servers that name their peer, a container behind a bridge, DNAT to it, a redirection.
target_script() {
	cat >servers <<-'END'
		serve4() { socat "TCP4-LISTEN:$2,bind=$1,reuseaddr,fork" SYSTEM:'echo $SOCAT_PEERADDR' & }
		serve6() { socat "TCP6-LISTEN:$2,bind=[$1],reuseaddr,fork" SYSTEM:'echo $SOCAT_PEERADDR' & }
	END
	cat >container <<-END
		. $PWD/servers
		ip link set lo up
		ip addr add 172.30.0.2/24 dev eth0
		ip -6 addr add fd30::2/64 dev eth0 nodad
		ip link set eth0 up
		ip route add default via 172.30.0.1
		ip -6 route add default via fd30::1
		serve4 172.30.0.2 80
		serve6 fd30::2 80
		socat UDP4-RECVFROM:80,bind=172.30.0.2,reuseaddr,fork SYSTEM:'read line; echo \$SOCAT_PEERADDR' &
		wait
	END
	cat >target <<-END
		PATH=$PATH
		. $PWD/servers
		ip link add br0 type bridge
		ip addr add 172.30.0.1/24 dev br0
		ip -6 addr add fd30::1/64 dev br0 nodad
		ip link set br0 up
		echo 1 >/proc/sys/net/ipv4/conf/br0/route_localnet
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		ip link add veth0 type veth peer name eth0
		ip link set veth0 master br0 up
		$("${RULES:-nft_rules}")
		unshare -n sleep 1000 &
		inner=\$!
		while [ "\$(readlink /proc/\$inner/ns/net)" = "\$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
		ip link set eth0 netns \$inner
		nsenter -t \$inner -n sh $PWD/container &
		serve4 127.0.0.1 9000
		serve4 10.0.2.100 9000
		serve6 ::1 9000
		serve6 fd00::100 9000
		until [ \$(nsenter -t \$inner -n ss -Hltun 'sport = 80' | wc -l) -ge 3 ] && [ \$(ss -Hltn 'sport = 9000' | wc -l) -ge 4 ]; do sleep 0.05; done
		touch $PWD/ready
		wait
	END
}

nft_rules() {
	cat <<-'END'
		nft -f - <<NFT
			table inet target {
				chain out {
					type nat hook output priority -100;
					ip daddr { 127.0.0.1, 10.0.2.100 } tcp dport 8080 dnat ip to 172.30.0.2:80
					ip daddr { 127.0.0.1, 10.0.2.100 } udp dport 8080 dnat ip to 172.30.0.2:80
					ip6 daddr { ::1, fd00::100 } tcp dport 8080 dnat ip6 to [fd30::2]:80
					ip daddr 127.0.0.1 tcp dport 8081 redirect to :9000
				}
				chain post {
					type nat hook postrouting priority 100;
					oifname br0 fib saddr type local masquerade
				}
			}
		NFT
	END
}

launch_target() { # [PREFIX… --]
	local ports=() p
	for p in 0.0.0.0:8001:127.0.0.1:9000 0.0.0.0:8002:10.0.2.100:9000 0.0.0.0:8003:127.0.0.1:8080 \
		0.0.0.0:8004:10.0.2.100:8080 0.0.0.0:8005:172.30.0.2:80 0.0.0.0:8006:127.0.0.1:8081; do
		ports+=(-p "$p/tcp")
	done
	for p in '8011:[::1]:9000' '8012:[fd00::100]:9000' '8013:[::1]:8080' '8014:[fd00::100]:8080' '8015:[fd30::2]:80'; do
		ports+=(-p "[::]:$p/tcp6")
	done
	launch_as nsenter --target "$HOST_NS" --net "$@" -- --net=slirp4netns --ipv6 --port-driver=builtin \
		"${ports[@]}" sh target
	wait_for test -e ready
	# The launcher follows the target's networks.
	[ -n "${RULES:-}" ] || wait_for follows_networks
}

follows_networks() {
	local chain
	chain=$(as_target nft list chain inet fauxroot post) || return
	[[ $chain == *'ip saddr 172.30.0.0/24'* && $chain == *'ip6 saddr fd30::/64'* ]]
}

as_target() {
	nsenter --target "$TARGET" --user --mount --net --setuid 0 --setgid 0 "$@" 3>&- 4>&-
}

# cell NAME WHERE PROTO DESTINATION PORT [SOURCE] - in the background: write the peer that the server saw, or
# HANGS, to the file of that name
CELLS=()
cell() {
	local name=$1 where=$2
	shift 2
	CELLS+=("$name")
	{ "$where" ask "$@" || echo HANGS; } >"cell.$name" 2>/dev/null &
}

setup_ask() {
	cat >ask <<-'END'
		#!/usr/bin/env bash
		# ask PROTO DESTINATION PORT [SOURCE]
		case $2 in *:*) to="[$2]" v=6 from="[${4:-::}]" ;; *) to=$2 v=4 from=${4:-0.0.0.0} ;; esac
		if [ "$1" = tcp ]; then
			answer=$(timeout 30 socat -u "TCP$v:$to:$3,bind=$from" -)
		else
			exec 5<>"/dev/udp/$2/$3"
			echo ask >&5
			answer=$(timeout 30 head -n 1 <&5)
		fi
		[ -n "$answer" ] || exit 1
		# IPv6 in the usual notation.
		python3 -c 'import ipaddress, sys; print(ipaddress.ip_address(sys.argv[1].strip("[]")))' "$answer"
	END
	chmod +x ask
	PATH=$T:$PATH
}

cells_are() { # NAME=ADDRESS…
	local pair wrong=0
	wait_cells
	for pair; do
		if [ "$(cat "cell.${pair%%=*}")" != "${pair#*=}" ]; then
			echo "${pair%%=*}: wanted ${pair#*=}, seen $(cat "cell.${pair%%=*}")" >&2
			wrong=1
		fi
	done
	[ $# -eq ${#CELLS[@]} ]
	return $wrong
}

wait_cells() {
	local name
	for name in "${CELLS[@]}"; do
		wait_for test -s "cell.$name"
	done
}

# The host has a route to the client's address in the target's network.
overlap_warning() {
	cat <<-'END'
		[fauxroot:parent] warning: the host has a route to 10.0.2.77/32, which overlaps 10.0.2.0/24, the command's network: the command cannot reach these addresses of the host's network
		[fauxroot:parent] warning: remedy: use --cidr=10.1.2.0/24
	END
}

ask_all() {
	setup_ask
	# From the target itself: redirected by DNAT, or not.
	cell own-dnat as_target tcp 127.0.0.1 8080
	cell own-dnat-udp as_target udp 127.0.0.1 8080
	cell own-redirected as_target tcp 127.0.0.1 8081
	cell own-plain as_target tcp 127.0.0.1 9000
	cell own-dnat6 as_target tcp fd00::100 8080
	# From the host's loopback.
	cell host-plain host tcp 127.0.0.1 8001
	cell host-plain-own-address host tcp 127.0.0.1 8002
	cell host-dnat host tcp 127.0.0.1 8003
	cell host-dnat-own-address host tcp 127.0.0.1 8004
	cell host-direct host tcp 127.0.0.1 8005
	cell host-redirected host tcp 127.0.0.1 8006
	cell host-plain6 host tcp ::1 8011
	# Remote.
	cell remote-plain client tcp "$HOST4" 8001
	cell remote-plain-own-address client tcp "$HOST4" 8002
	cell remote-dnat client tcp "$HOST4" 8003
	cell remote-dnat-own-address client tcp "$HOST4" 8004
	cell remote-direct client tcp "$HOST4" 8005
	cell remote-redirected client tcp "$HOST4" 8006
	cell remote6-plain client tcp "$HOST6" 8011 "$CLIENT6"
	cell remote6-plain-own-address client tcp "$HOST6" 8012 "$CLIENT6"
	cell remote6-dnat client tcp "$HOST6" 8013 "$CLIENT6"
	cell remote6-dnat-own-address client tcp "$HOST6" 8014 "$CLIENT6"
	cell remote6-direct client tcp "$HOST6" 8015 "$CLIENT6"
	# Remote, from an address of one of the target's networks.
	cell slirp-plain client tcp "$HOST4" 8001 10.0.2.77
	cell slirp-dnat client tcp "$HOST4" 8003 10.0.2.77
	cell bridge-plain client tcp "$HOST4" 8001 172.30.0.77
	cell bridge-plain-own-address client tcp "$HOST4" 8002 172.30.0.77
	cell bridge-dnat client tcp "$HOST4" 8003 172.30.0.77
	cell bridge-direct client tcp "$HOST4" 8005 172.30.0.77
	cell bridge6-plain client tcp "$HOST6" 8011 fd30::77
	cell bridge6-dnat client tcp "$HOST6" 8013 fd30::77
	cell bridge6-direct client tcp "$HOST6" 8015 fd30::77
}

EVERY_CELL=(
	own-dnat=172.30.0.1 own-dnat-udp=172.30.0.1 own-redirected=127.0.0.1 own-plain=127.0.0.1 own-dnat6=fd30::1
	host-plain=127.0.0.1 host-plain-own-address=10.0.2.100 host-dnat=172.30.0.1 host-dnat-own-address=172.30.0.1
	host-direct=172.30.0.1 host-redirected=127.0.0.1 host-plain6=::1
	remote-plain=198.51.100.2 remote-plain-own-address=198.51.100.2 remote-dnat=198.51.100.2
	remote-dnat-own-address=198.51.100.2 remote-direct=198.51.100.2 remote-redirected=198.51.100.2
	remote6-plain=2001:db8::2 remote6-plain-own-address=2001:db8::2 remote6-dnat=2001:db8::2
	remote6-dnat-own-address=2001:db8::2 remote6-direct=2001:db8::2
	slirp-plain=10.0.2.77 slirp-dnat=10.0.2.77
	bridge-plain=172.30.0.77 bridge-plain-own-address=172.30.0.77 bridge-dnat=172.30.0.1 bridge-direct=172.30.0.1
	bridge6-plain=fd30::77 bridge6-dnat=fd30::1 bridge6-direct=fd30::1
)

@test "DNAT in the target: every client gets an answer, with its own address where possible" {
	launch_target
	ask_all
	cells_are "${EVERY_CELL[@]}"
	equals "$(overlap_warning)" "$(<"$LOG")"
	stop_all
}

@test "DNAT in the target, without nft in the launcher's PATH: the same" {
	launch_target env PATH="$T/bin"
	not env PATH="$T/bin" command -v nft
	ask_all
	cells_are "${EVERY_CELL[@]}"
	stop_all
}

# The target's own DNAT uses iptables-legacy, not nf_tables.
legacy_rules() {
	cat <<-'END'
		export XTABLES_LOCKFILE=$PWD/xtables.lock
		for address in 127.0.0.1 10.0.2.100; do
			iptables-legacy -w -t nat -A OUTPUT -d $address -p tcp --dport 8080 -j DNAT --to 172.30.0.2:80
			iptables-legacy -w -t nat -A OUTPUT -d $address -p udp --dport 8080 -j DNAT --to 172.30.0.2:80
		done
		iptables-legacy -w -t nat -A OUTPUT -d 127.0.0.1 -p tcp --dport 8081 -j REDIRECT --to-ports 9000
		iptables-legacy -w -t nat -A POSTROUTING -o br0 -m addrtype --src-type LOCAL -j MASQUERADE
		for address in ::1 fd00::100; do
			ip6tables-legacy -w -t nat -A OUTPUT -d $address -p tcp --dport 8080 -j DNAT --to '[fd30::2]:80'
		done
		ip6tables-legacy -w -t nat -A POSTROUTING -o br0 -m addrtype --src-type LOCAL -j MASQUERADE
	END
}

@test "where the kernel refuses nf_tables: every client gets an answer, remote ones without their address" {
	command -v iptables-legacy ip6tables-legacy >/dev/null
	RULES=legacy_rules
	target_script
	printf '#!/bin/sh\nexec "%s/refuse" --errno EACCES socket:16::12 -- "$@"\n' "$FAUXROOT_TEST_TOOLS" >no-netfilter
	chmod +x no-netfilter
	launch_target ./no-netfilter
	ask_all
	local cell expected=()
	for cell in "${EVERY_CELL[@]}"; do
		case $cell in
		own-* | host-*) ;;
		*6-plain*) cell=${cell%%=*}=fd00::100 ;;
		*6-*) cell=${cell%%=*}=fd30::1 ;;
		*-plain* | *-redirected*) cell=${cell%%=*}=10.0.2.100 ;;
		*) cell=${cell%%=*}=172.30.0.1 ;;
		esac
		expected+=("$cell")
	done
	cells_are "${expected[@]}"
	local refused='opening a netlink socket of protocol 12: Permission denied'
	equals "$(overlap_warning)
[fauxroot:parent] info: the name service takes port 53 in the command's network: $refused
[fauxroot:parent] warning: the addresses of remote clients are not kept; the command sees an address of its own network instead: $refused" \
		"$(<"$LOG")"
	api GET /v1/info
	equals proxy "$(jq -r .portDriver.sourceIP <<<"$BODY")"
	equals "" "$(as_target ip rule | grep sport)"
	stop_all
}

@test "after nft flush ruleset in the target, answers still reach their clients" {
	launch_target
	as_target nft flush ruleset
	setup_ask
	cell remote-plain client tcp "$HOST4" 8001
	cell remote-plain-own-address client tcp "$HOST4" 8002
	cell remote6-plain-own-address client tcp "$HOST6" 8012 "$CLIENT6"
	cells_are remote-plain="$CLIENT4" remote-plain-own-address="$CLIENT4" remote6-plain-own-address="$CLIENT6"
	not as_target nft delete table inet fauxroot
	stop_all
}

@test "a network without a default route: answers still reach their clients" {
	cat >servers <<-'END'
		socat TCP4-LISTEN:9000,bind=192.0.0.8,reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR' &
		socat TCP4-LISTEN:9000,bind=127.0.0.1,reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR' &
		socat TCP6-LISTEN:9000,bind=[::1],reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR' &
		socat TCP6-LISTEN:9000,bind=[fd00::100],reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR' &
		wait
	END
	launch_as nsenter --target "$HOST_NS" --net -- --net=none --port-driver=builtin -p 0.0.0.0:8001:9000/tcp \
		-p 0.0.0.0:8002:192.0.0.8:9000/tcp -p "[::]:8011:[::1]:9000/tcp6" -p "[::]:8012:[fd00::100]:9000/tcp6" sh servers
	listens() { [ "$(as_target ss -Hltn 'sport = 9000' | wc -l)" = 4 ]; }
	wait_for listens
	setup_ask
	cell remote-plain client tcp "$HOST4" 8001
	cell remote-own-address client tcp "$HOST4" 8002
	cell remote6-plain client tcp "$HOST6" 8011 "$CLIENT6"
	cell remote6-own-address client tcp "$HOST6" 8012 "$CLIENT6"
	cells_are remote-plain="$CLIENT4" remote-own-address="$CLIENT4" remote6-plain="$CLIENT6" remote6-own-address="$CLIENT6"
	stop_all
}

# The launcher cannot fork, for a moment.
@test "a shortage while the first port for remote clients is published: refused, no address is lost" {
	launch_as nsenter --target "$HOST_NS" --net -- --net=slirp4netns --port-driver=builtin \
		socat TCP4-LISTEN:9000,bind=127.0.0.1,reuseaddr,fork SYSTEM:'echo $SOCAT_PEERADDR'
	strace -qq -o trace -p "$LAUNCHER" -e trace=clone,clone3,fork -e inject=clone,clone3,fork:error=EAGAIN 3>&- 4>&- &
	local tracer=$!
	wait_for grep -q "^TracerPid:.$tracer$" "/proc/$LAUNCHER/status"
	refused_by POST /v1/ports "$(spec_json tcp 0.0.0.0 8001 127.0.0.1 9000)" 500 \
		'keeping the addresses of remote clients: .*Resource temporarily unavailable'
	kill "$tracer"
	wait_for grep -q '^TracerPid:.0$' "/proc/$LAUNCHER/status"
	not client bash -c "exec 5<>/dev/tcp/$HOST4/8001" 2>/dev/null
	publish tcp 0.0.0.0 8001 127.0.0.1 9000
	setup_ask
	cell remote-plain client tcp "$HOST4" 8001
	cells_are remote-plain="$CLIENT4"
	api GET /v1/info
	equals client "$(jq -r .portDriver.sourceIP <<<"$BODY")"
	stop_all
}

answer_rules() {
	{ as_target ip rule && as_target ip -6 rule; } | sed -n 's/.*from \([^ ]*\) ipproto tcp sport \([0-9]*\) lookup 26209$/\1 \2/p' | sort
}

@test "the rule for a server's answers comes with its first published port and goes with its last" {
	launch_as nsenter --target "$HOST_NS" --net -- --net=slirp4netns --ipv6 --port-driver=builtin -p 0.0.0.0:8001:9000/tcp sleep 1000
	equals "127.0.0.1 9000" "$(answer_rules)"
	publish tcp 0.0.0.0 8002 127.0.0.1 9000
	local second=$ID
	publish tcp "$HOST6" 8003 ::1 9001
	local third=$ID
	# No remote client uses these, and no answer has a loopback address.
	publish tcp 127.0.0.1 8004 127.0.0.1 9002
	publish udp 0.0.0.0 8005 127.0.0.1 9003
	publish tcp 0.0.0.0 8006 10.0.2.100 9004
	equals "127.0.0.1 9000"$'\n'"::1 9001" "$(answer_rules)"
	unpublish 1
	equals "127.0.0.1 9000"$'\n'"::1 9001" "$(answer_rules)"
	unpublish "$third"
	equals "127.0.0.1 9000" "$(answer_rules)"
	# A new forwarder gets all ports again, and the rules are as before.
	local old
	old=$(part 'fauxroot: ports')
	kill -KILL "$old"
	wait_for replaced 'fauxroot: ports' "$old"
	equals "127.0.0.1 9000" "$(answer_rules)"
	# If the target itself has removed the rule, removing the port is no error.
	as_target ip rule del priority 26209 from 127.0.0.1 ipproto tcp sport 9000 lookup 26209
	unpublish "$second"
	equals "" "$(answer_rules)"
	stop
}

@test "publishing a port executes nothing from the target's mount namespace" {
	cat >plant <<-END
		mount -t tmpfs none /usr/local/bin
		mount -t tmpfs none /usr/local/sbin
		for name in nft ip iptables sysctl modprobe; do
			for dir in /usr/local/bin /usr/local/sbin; do
				printf '#!/bin/sh\necho "\$0" >>$T/executed\n' >\$dir/\$name
				chmod +x \$dir/\$name
			done
		done
		nft
		touch $T/planted
		exec sleep 1000
	END
	launch_as nsenter --target "$HOST_NS" --net -- --net=slirp4netns --port-driver=builtin sh plant
	wait_for test -e planted
	# A program from there would be executed.
	equals 1 "$(wc -l <executed)"
	publish tcp 0.0.0.0 8001 127.0.0.1 9000
	publish tcp 0.0.0.0 8002 10.0.2.100 9000
	equals 1 "$(wc -l <executed)"
	stop
}
