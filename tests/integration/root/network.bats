#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The network behind the gateway. The launcher's host is a network namespace of this test. A link leads to a
# second one, which has a DNS server and TCP and UDP servers; no packet leaves the machine.
#
#	outside 198.51.100.2, 2001:db8::2 ── veth ── host 198.51.100.1, 2001:db8::1 ── slirp4netns

load ../../lib/bash/common
load ../../lib/bash/root

HOST_IP=198.51.100.1
OUTSIDE=198.51.100.2

setup_file() {
	load_root || return
	holder HOST_NS --net --mount --propagation private
	holder OUT_NS --net
	export HOST_NS OUT_NS
	ip link add fxhost netns "$HOST_NS" type veth peer name fxout netns "$OUT_NS"
	host ip link set lo up
	host ip link set fxhost up
	host ip addr add $HOST_IP/24 dev fxhost
	host ip -6 addr add 2001:db8::1/64 dev fxhost nodad
	outside ip link set lo up
	outside ip link set fxout up
	outside ip addr add $OUTSIDE/24 dev fxout
	outside ip -6 addr add 2001:db8::2/64 dev fxout nodad
	host ip route add default via $OUTSIDE
	printf 'nameserver %s\nsearch test.example\noptions ndots:2\n' $OUTSIDE >"$BATS_FILE_TMPDIR/resolv.conf"
	chmod -R a+rX "$BATS_FILE_TMPDIR"
	host mount --bind "$BATS_FILE_TMPDIR/resolv.conf" /etc/resolv.conf

	serve outside dnsmasq --keep-in-foreground --no-resolv --no-hosts --user=root --pid-file= \
		--address=/service.test.example/$OUTSIDE --address=/service.test.example/2001:db8::2 \
		--conf-file=/dev/null --listen-address=$OUTSIDE --bind-interfaces
	serve outside socat -t30 TCP4-LISTEN:7000,reuseaddr,fork SYSTEM:'echo outside; cat'
	serve outside socat -t30 TCP6-LISTEN:7000,ipv6only,reuseaddr,fork SYSTEM:'echo outside6'
	serve outside socat UDP4-LISTEN:7000,reuseaddr,fork SYSTEM:'cat'
	serve outside socat -u OPEN:/dev/zero TCP4-LISTEN:7002,reuseaddr,fork
	# The services that the child must not reach: those on its host's loopback.
	serve host socat -t30 TCP4-LISTEN:7001,bind=127.0.0.1,reuseaddr,fork SYSTEM:'echo loopback'
	serve host socat -t30 TCP6-LISTEN:7001,bind=::1,ipv6only,reuseaddr,fork SYSTEM:'echo loopback'
	serve host socat UDP4-LISTEN:7001,bind=127.0.0.1,reuseaddr,fork SYSTEM:'echo loopback'
	serve host socat ABSTRACT-LISTEN:fauxroot-test,reuseaddr,fork SYSTEM:'echo abstract'
	wait_for listen outside 6 'sport = 53 or sport = 7000 or sport = 7002'
	wait_for listen host 3 'sport = 7001'
	wait_for abstract_listens
}

teardown_file() {
	end_networks
}

host() {
	exec_in "$HOST_NS" --net --mount "$@"
}

outside() {
	exec_in "$OUT_NS" --net "$@"
}

exec_in() { # PID FLAG… COMMAND…
	local pid=$1 flags=()
	shift
	while [[ $1 == --* ]]; do
		flags+=("$1")
		shift
	done
	nsenter --target "$pid" "${flags[@]}" "$@"
}

listen() { # WHERE NUMBER FILTER
	[ "$("$1" ss -Hltun "$3" | wc -l)" -eq "$2" ]
}

abstract_listens() {
	host ss -Hlx | grep -q ' @fauxroot-test '
}

bracket() {
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

setup() {
	root_setup
}

user_words() {
	echo setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all
}

fx_host() {
	nsenter --target "$HOST_NS" --net --mount $(user_words) "$FAUXROOT" "$@" 3>&- 4>&-
}

launch_host() {
	launch_as nsenter --target "$HOST_NS" --net --mount -- "$@"
}

# Run it in the child's view, for a target that sleeps.
child() {
	nsenter --target "$TARGET" --user --mount --net --preserve-credentials "$@" 3>&- 4>&-
}

# Print what a TCP server sends first. SECONDS is a deadline for a server that answers, or the time to wait for
# one that must not.
get() { # ADDRESS PORT [SECONDS]
	child socat "-t${3:-$DEADLINE}" - "TCP:$(bracket "$1"):$2,connect-timeout=${3:-$DEADLINE}" \
		</dev/null 2>/dev/null | head -1
}

works() { # again, after failed tries
	[ "$(get $OUTSIDE 7000 2)" = outside ]
}

# For bash in the child: print the answer of a UDP server.
ASK='exec 5<>"/dev/udp/$0/$1" && echo ping >&5 && timeout 30 head -n 1 <&5'

@test "TCP to a server outside" {
	run -0 fx_host --net=slirp4netns sh -c 'echo ping | socat -t30 - TCP:198.51.100.2:7000'
	equals "outside
ping" "$output"
}

@test "UDP to a server outside" {
	run -0 fx_host --net=slirp4netns bash -c "$ASK" $OUTSIDE 7000
	equals ping "$output"
}

@test "DNS: names are resolved, search and options of the host are kept" {
	run -0 fx_host --net=slirp4netns sh -c 'cat /etc/resolv.conf; getent ahostsv4 service.test.example; getent ahostsv4 service'
	equals "nameserver 10.0.2.3" "$(grep ^nameserver <<<"$output")"
	says "$output" '^search test\.example'
	says "$output" '^options ndots:2'
	equals 2 "$(grep -c '198.51.100.2 *STREAM' <<<"$output")"
}

@test "DNS with --disable-host-loopback, and with /etc and /run copied up" {
	run -0 fx_host --net=slirp4netns --disable-host-loopback --copy-up=/etc --copy-up=/run \
		getent ahostsv4 service.test.example
	says "$output" '198\.51\.100\.2'
}

@test "a large transfer arrives whole" {
	run -0 fx_host --net=slirp4netns sh -c 'socat -u TCP:198.51.100.2:7002 - 2>/dev/null | head -c 50000000 | wc -c'
	equals 50000000 "$output"
}

@test "IPv6 to a server outside" {
	run -0 fx_host --net=slirp4netns --ipv6 sh -c 'socat -u "TCP:[2001:db8::2]:7000,connect-timeout=30" -'
	equals outside6 "$output"
}

@test "the gateway leads to the host's loopback unless an option forbids it" {
	launch_host --net=slirp4netns --ipv6 sleep 100
	equals loopback "$(get 10.0.2.2 7001)"
	equals loopback "$(get fd00::2 7001)"
	stop
}

@test "--disable-host-loopback: not by the gateway, the DNS address, nor ::1, by TCP" {
	launch_host --net=slirp4netns --ipv6 --disable-host-loopback sleep 100
	equals outside "$(get $OUTSIDE 7000)"
	local address
	for address in 10.0.2.2 10.0.2.3 127.0.0.1 ::1 fd00::2 fd00::3 10.0.2.100 0.0.0.0 ::ffff:127.0.0.1; do
		equals "" "$(get $address 7001 2)"
	done
	stop
}

@test "--disable-host-loopback: not by UDP either" {
	launch_host --net=slirp4netns --disable-host-loopback sleep 100
	local address
	for address in 10.0.2.2 10.0.2.3 127.0.0.1; do
		equals "" "$(echo x | child socat -t1 - "UDP:$address:7001" 2>/dev/null || true)"
	done
	equals ping "$(child bash -c "$ASK" $OUTSIDE 7000)"
	stop
}

@test "--disable-host-loopback with a name server on the host's loopback: its other ports stay closed" {
	local file=$T/resolv.conf
	echo 'nameserver 127.0.0.1' >"$file"
	chmod 0644 "$file"
	run nsenter --target "$HOST_NS" --net --mount unshare --mount --propagation private sh -c '
		mount --bind "$1" /etc/resolv.conf; shift; exec "$@"' sh "$file" $(user_words) \
		"$FAUXROOT" --net=slirp4netns --ipv6 --disable-host-loopback sh -c '
		for a in 10.0.2.3 "[fd00::3]" 10.0.2.2; do
			socat -u "TCP:$a:7001,connect-timeout=2" - 2>/dev/null
			echo x | socat -t1 - "UDP:$a:7001" 2>/dev/null
		done; true' 3>&- 4>&-
	[ "$status" -eq 0 ]
	[[ $output != *loopback* ]]
}

@test "abstract sockets of the host cannot be reached from the child's own network" {
	launch_host --net=slirp4netns sleep 100
	equals "" "$(child socat -u ABSTRACT-CONNECT:fauxroot-test - 2>/dev/null || true)"
	stop
	launch_host --net=none sleep 100
	equals "" "$(child socat -u ABSTRACT-CONNECT:fauxroot-test - 2>/dev/null || true)"
	stop
}

@test "--net=none reaches nothing" {
	launch_host --net=none sleep 100
	equals "" "$(get $OUTSIDE 7000 2)"
	stop
}

# Run it like a process that enters: in the network at $S/netns, with its name server.
enter() {
	nsenter --target "$TARGET" --user --mount nsenter --net="$S/netns" unshare --mount \
		sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$S/resolv.conf" "$@" 3>&- 4>&-
}

@test "--detach-netns: a process that enters reaches servers outside by TCP, UDP, IPv6 and name" {
	launch_host --net=slirp4netns --ipv6 --detach-netns --copy-up=/etc --copy-up=/run sleep 100
	equals outside "$(enter socat -t30 - "TCP:$OUTSIDE:7000,connect-timeout=30" </dev/null)"
	equals outside6 "$(enter socat -u "TCP:[2001:db8::2]:7000,connect-timeout=30" -)"
	equals ping "$(enter bash -c "$ASK" $OUTSIDE 7000)"
	says "$(enter getent ahostsv4 service)" '198\.51\.100\.2'
	# Through the gateway, whereas the command has the host's own addresses.
	says "$(enter ip -o -4 addr)" '10\.0\.2\.100'
	equals "$(host readlink /proc/self/ns/net)" "$(readlink "/proc/$TARGET/ns/net")"
	stop
}

@test "--detach-netns --disable-host-loopback: applies to a process that enters, not to the command" {
	launch_host --net=slirp4netns --ipv6 --disable-host-loopback --detach-netns \
		sh -c 'socat -u TCP:127.0.0.1:7001,connect-timeout=30 -; exec sleep 100'
	wait_for grep -qx loopback "$OUT"
	equals outside "$(enter socat -t30 - "TCP:$OUTSIDE:7000,connect-timeout=30" </dev/null)"
	local address
	for address in 10.0.2.2 10.0.2.3 127.0.0.1 '[fd00::2]' '[fd00::3]' '[::1]'; do
		equals "" "$(enter socat -u "TCP:$address:7001,connect-timeout=2" - 2>/dev/null || true)"
	done
	equals "" "$(enter socat -u ABSTRACT-CONNECT:fauxroot-test - 2>/dev/null || true)"
	stop
}

helper() {
	child_of "$LAUNCHER" slirp4netns
}

replaced() { # OLD
	local now
	now=$(helper) && [ "$now" != "$1" ]
}

@test "slirp4netns killed under load: connections work again, three times, and this is logged" {
	launch_host --net=slirp4netns --disable-host-loopback sh -c \
		'while :; do socat -u TCP:198.51.100.2:7002,connect-timeout=2 OPEN:/dev/null 2>/dev/null; done'
	local round old
	for round in 1 2 3; do
		old=$(helper)
		kill -KILL "$old"
		wait_for replaced "$old"
		wait_for works
	done
	[ "$(log_count slirp4netns)" -ge 3 ]
	# The rule applies to the new one, too.
	equals "" "$(get 10.0.2.2 7001 2)"
	equals "" "$(get 10.0.2.3 7001 2)"
	says "$(child getent ahostsv4 service.test.example)" '198\.51\.100\.2'
	kill -TERM "$LAUNCHER"
	ended 143
	kill_marked # the loop's socat is the target's own
}

@test "slirp4netns stopped under load: connections work again" {
	launch_host --net=slirp4netns sleep 100
	local old
	old=$(helper)
	kill -STOP "$old"
	wait_for works
	logged slirp4netns
	stop
}

@test "a target that runs unshare -n, then the helper is killed: the pinned network works again" {
	# The parent of the target's new namespaces stays in the pinned one.
	launch_host --net=slirp4netns sh -c 'unshare -n sleep 100 & wait'
	local old
	old=$(helper)
	kill -KILL "$old"
	wait_for replaced "$old"
	wait_for works
	kill -TERM "$LAUNCHER"
	ended 143
	kill_marked
}

@test "the host's network disappears and comes back while the child runs" {
	launch_host --net=slirp4netns sleep 100
	host ip link set fxhost down
	equals "" "$(get $OUTSIDE 7000 2)"
	host ip link set fxhost up
	host ip route replace default via $OUTSIDE
	host ip -6 addr replace 2001:db8::1/64 dev fxhost nodad
	wait_for works
	stop
}
