#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The client address that a server behind a published port sees, and the target's access to the processes that
# publish it. The launcher's host is a network namespace of this test; the remote client is in a second one:
# two_networks() in root.bash.
#
# seconds: 25

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/ports

setup_file() {
	load_root || return
	two_networks
}

teardown_file() {
	end_networks
}

setup() {
	root_setup
}

# Servers for TCP and UDP on the given addresses, which name their peer. The UDP server reads the request:
# otherwise socat exits at once.
peers() { # ADDRESS…
	local ip
	for ip; do
		cat <<-END
			socat TCP$(family "$ip")-LISTEN:7000,bind=$(bracket "$ip"),reuseaddr,fork SYSTEM:'echo \$SOCAT_PEERADDR' &
			socat UDP$(family "$ip")-RECVFROM:7000,bind=$(bracket "$ip"),reuseaddr,fork SYSTEM:'read line; echo \$SOCAT_PEERADDR' &
		END
	done >servers
	echo 'wait' >>servers
	SERVERS=$(($# * 2))
}

family() {
	case $1 in
	*:*) echo 6 ;;
	*) echo 4 ;;
	esac
}

bracket() {
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

launch_peers() { # OPTIONS… - start the servers of peers() as the target
	launch_as nsenter --target "$HOST_NS" --net -- --port-driver=builtin "$@" sh servers || return
	wait_for servers_listen
}

servers_listen() {
	[ "$(in_target ss -Hltun 'sport = 7000' | wc -l)" -ge "$SERVERS" ]
}

# peer_seen host|client tcp|udp IP PORT - print the address that the server reports; IPv6 as socat writes it
peer_seen() {
	local where=$1
	shift
	"$where" bash -c '
		exec 5<>"/dev/$1/$2/$3" || exit
		[ "$1" = tcp ] || echo ask >&5
		timeout 30 head -n 1 <&5' bash "$@" | tr -d '[]' | sed 's/^::ffff://' | sed -E 's/(^|:)0+([0-9a-f])/\1\2/g; s/^(2001:db8)(:0)+:/\1::/; s/^(0:)+1$/::1/'
}

@test "a remote client's own address, with the server on loopback and on the child's address" {
	peers 127.0.0.1 10.0.2.100
	launch_peers --net=slirp4netns -p "0.0.0.0:8001:127.0.0.1:7000/tcp" -p "0.0.0.0:8002:10.0.2.100:7000/tcp"
	equals $CLIENT4 "$(peer_seen client tcp $HOST4 8001)"
	equals $CLIENT4 "$(peer_seen client tcp $HOST4 8002)"
	api GET /v1/info
	equals client "$(jq -r .portDriver.sourceIP <<<"$BODY")"
	stop_all
}

@test "a remote client over IPv6, with the server on ::1" {
	peers ::1
	launch_peers --net=slirp4netns --ipv6 -p "[::]:8001:[::1]:7000/tcp6"
	equals $CLIENT6 "$(peer_seen client tcp $HOST6 8001)"
	stop_all
}

@test "a client of the host's loopback stays 127.0.0.1 towards a server on loopback" {
	peers 127.0.0.1 ::1
	launch_peers --net=slirp4netns --ipv6 -p "8001:127.0.0.1:7000/tcp" -p "8001:127.0.0.1:7000/udp" -p "[::]:8002:[::1]:7000/tcp6"
	equals 127.0.0.1 "$(peer_seen host tcp 127.0.0.1 8001)"
	equals 127.0.0.1 "$(peer_seen host udp 127.0.0.1 8001)"
	equals ::1 "$(peer_seen host tcp ::1 8002)"
	stop_all
}

@test "a remote client is never 127.0.0.1: not with UDP, between families, nor without transparency" {
	peers 127.0.0.1 ::1 10.0.2.100
	launch_peers --net=slirp4netns --ipv6 -p "0.0.0.0:8001:127.0.0.1:7000/udp" -p "0.0.0.0:8002:[::1]:7000/tcp4" \
		-p "[::]:8003:127.0.0.1:7000/tcp6" -p "0.0.0.0:8004:10.0.2.100:7000/udp"
	equals 10.0.2.100 "$(peer_seen client udp $HOST4 8001)"
	says "$(peer_seen client tcp $HOST4 8002)" '^f[cd]00:'
	equals 10.0.2.100 "$(peer_seen client tcp $HOST6 8003)"
	equals 10.0.2.100 "$(peer_seen client udp $HOST4 8004)"
	stop_all
	launch_peers --net=slirp4netns --source-ip-transparent=false -p "0.0.0.0:8001:127.0.0.1:7000/tcp" \
		-p "0.0.0.0:8002:10.0.2.100:7000/tcp"
	equals 10.0.2.100 "$(peer_seen client tcp $HOST4 8001)"
	equals 10.0.2.100 "$(peer_seen client tcp $HOST4 8002)"
	equals 127.0.0.1 "$(peer_seen host tcp 127.0.0.1 8001)"
	api GET /v1/info
	equals proxy "$(jq -r .portDriver.sourceIP <<<"$BODY")"
	stop_all
}

# As root of the target's namespaces, with all its capabilities, in its PID namespace: the host's.
as_target() {
	nsenter --target "$TARGET" --user --mount --net --setuid 0 --setgid 0 "$@" 3>&- 4>&-
}

# A server behind a bridge; connections to ADDRESS are redirected to it.
bridge_behind() { # ADDRESS
	peers 172.30.0.2
	cat - servers >bridge <<-END
		ip link add br0 type bridge
		ip addr add 172.30.0.1/24 dev br0
		ip link set br0 up
		echo 1 >/proc/sys/net/ipv4/conf/br0/route_localnet
		ip link add veth0 type veth peer name eth0
		ip link set veth0 master br0 up
		nft -f - <<-NFT
			table ip test {
				chain out { type nat hook output priority -100; ip daddr $1 tcp dport 7000 dnat to 172.30.0.2; }
			}
		NFT
		unshare -n sleep 100 &
		inner=\$!
		while [ "\$(readlink /proc/\$inner/ns/net)" = "\$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
		ip link set eth0 netns \$inner
		nsenter -t \$inner -n sh -c 'ip link set lo up; ip addr add 172.30.0.2/24 dev eth0; ip link set eth0 up; ip route add default via 172.30.0.1'
		touch ready
		exec nsenter -t \$inner -n sh "$PWD/servers"
	END
}

seen_at() { # PORT
	[ "$(peer_seen client tcp $HOST4 "$1")" = $CLIENT4 ]
}

@test "the client's address is kept behind a bridge with DNAT in the child" {
	command -v nft >/dev/null
	bridge_behind 10.0.2.100
	launch_as nsenter --target "$HOST_NS" --net -- --net=slirp4netns --port-driver=builtin \
		-p "0.0.0.0:8001:10.0.2.100:7000/tcp" -p "0.0.0.0:8002:172.30.0.2:7000/tcp" sh bridge
	wait_for seen_at 8002
	equals $CLIENT4 "$(peer_seen client tcp $HOST4 8001)"
	stop_all
}

@test "the client's address is kept where DNAT in the child redirects a loopback address to a bridge" {
	bridge_behind 127.0.0.1
	launch_as nsenter --target "$HOST_NS" --net -- --net=slirp4netns --port-driver=builtin \
		-p "0.0.0.0:8001:7000/tcp" sh bridge
	wait_for test -e ready
	wait_for seen_at 8001
	stop_all
}

@test "connection tracking is not changed when no remote client is possible" {
	launch_as nsenter --target "$HOST_NS" --net -- --net=slirp4netns --dns=none --port-driver=builtin \
		-p "127.0.0.1:8001:7000/tcp" -p "0.0.0.0:8001:7000/udp" -p "[::1]:8001:7000/tcp" sleep 100
	run -0 as_target nft list ruleset
	equals "" "$output"
	publish tcp 0.0.0.0 8002 127.0.0.1 7000
	run -0 as_target nft list tables
	equals "table inet fauxroot" "$output"
	stop
}

@test "a host without IPv6: the wildcard is IPv4 only, and IPv6 is refused with the reason" {
	peers 127.0.0.1
	printf '#!/bin/sh\nexec "%s/refuse" --errno EAFNOSUPPORT socket:10 -- "$@"\n' "$FAUXROOT_TEST_TOOLS" >no-ipv6
	chmod +x no-ipv6
	launch_as nsenter --target "$HOST_NS" --net ./no-ipv6 -- \
		--net=none --port-driver=builtin -p 8001:7000/tcp -p 8001:7000/udp sh servers
	wait_for servers_listen
	equals $CLIENT4 "$(peer_seen client tcp $HOST4 8001)"
	equals 192.0.0.8 "$(peer_seen client udp $HOST4 8001)"
	not host bash -c 'exec 5<>/dev/tcp/::1/8001' 2>/dev/null
	refused_by POST /v1/ports "$(spec_json tcp ::1 8002 127.0.0.1 7000)" 400 \
		'listening on \[::1\]:8002/tcp: Address family not supported by protocol'
	refused_by POST /v1/ports '{"proto":"tcp6","parentPort":8002,"childPort":7000}' 400 \
		'listening on \[::\]:8002/tcp: Address family not supported by protocol'
	refused_by POST /v1/ports '{"proto":"tcp","parentPort":8001,"childPort":7000}' 409 'conflicts with port 1'
	equals 2 "$(port_objects | wc -l)"
	stop_all
}

# Pages of pipes count for the user in all namespaces, so this user is not used elsewhere.
@test "urgent data: no stream is truncated when the user has no pages for pipes left" {
	local tools uid=61234 holder bench seed=$RANDOM
	tools=$(mktemp -d /tmp/fauxroot-test.XXXXXX)
	chmod 755 "$tools"
	cp "$FAUXROOT_TEST_TOOLS"/port{bench,urgent} "$tools"
	cd "$tools"
	free_port
	mkfifo go orders
	setpriv --reuid $uid --clear-groups "$tools/porturgent" pipes <go >"$T/pipes" 3>&- 4>&- &
	holder=$!
	exec 6>go
	wait_for grep -q ready "$T/pipes"
	setpriv --reuid $uid --clear-groups "$tools/portbench" -p "127.0.0.1:$PORT:7000/tcp" \
		-- "$tools/porturgent" serve 127.0.0.1 7000 <orders >"$OUT" 2>"$LOG" 3>&- 4>&- 6>&- &
	bench=$!
	exec 7>orders
	wait_for grep -q serving "$OUT"
	timeout 280 "$tools/porturgent" client 127.0.0.1 "$PORT" 2000 2000000 $seed 3>&- 4>&- 6>&- 7>&-
	exec 6>&- 7>&-
	wait $holder $bench || true
	cd "$T"
	rm -r "$tools"
}

# The launcher's first N messages to the forwarder fail, until untroubled
troubled() { # N
	strace -qq -o "$T/trace" -p "$LAUNCHER" -e trace=sendmsg \
		-e inject=sendmsg:error=ENOBUFS:when=1.."$1" 2>"$T/strace" 3>&- 4>&- &
	STRACE=$!
	wait_for traced "$LAUNCHER"
}

traced() {
	not grep -q 'TracerPid:[[:space:]]*0$' "/proc/$1/status"
}

untroubled() { # N - N messages have failed
	kill "$STRACE"
	wait "$STRACE" || true
	equals "$1" "$(grep -c INJECTED "$T/trace")"
}

@test "a message to the forwarder that cannot be sent: retried, then a new forwarder; the table is true" {
	free_port
	local first=$PORT forwarder times
	launch_as env -- --net=none --port-driver=builtin -p "127.0.0.1:$first:7000/tcp" \
		"$PORTCHECK" serve 127.0.0.1 7000
	wait_for grep -q serving "$OUT"
	for times in 1 2; do
		forwarder=$(part 'fauxroot: ports')
		publish tcp 127.0.0.1 own 127.0.0.1 7000
		troubled $times
		unpublish "$ID"
		untroubled $times
		equals 1 "$(port_objects | wc -l)"
		not connects 127.0.0.1 "$PORT"
		# No process holds it: it can be published again.
		api POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 127.0.0.1 7000)"
		equals 201 "$CODE"
		"$PORTCHECK" churn 127.0.0.1 "$PORT" 3
		unpublish "$(jq .id <<<"$BODY")"
		"$PORTCHECK" churn 127.0.0.1 "$first" 3
		[ $times = 2 ] || equals "$forwarder" "$(part 'fauxroot: ports')"
	done
	logged 'sending an order to the port forwarder: No buffer space available; restarting it'
	# An addition is refused, and nothing of it stays.
	forwarder=$(part 'fauxroot: ports')
	free_port
	troubled 1
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" 127.0.0.1 7000)" 500 'No buffer space'
	untroubled 1
	equals 1 "$(port_objects | wc -l)"
	not connects 127.0.0.1 "$PORT"
	equals "$forwarder" "$(part 'fauxroot: ports')"
	stop
}

@test "a removed port is closed to remote clients at once" {
	peers 127.0.0.1
	launch_peers --net=slirp4netns -p "0.0.0.0:8001:127.0.0.1:7000/tcp"
	equals $CLIENT4 "$(peer_seen client tcp $HOST4 8001)"
	unpublish 1
	not client bash -c "exec 5<>/dev/tcp/$HOST4/8001" 2>/dev/null
	stop_all
}

@test "a port below 1024: by the sysctl, and by a file capability on our own binary" {
	peers 127.0.0.1
	run -125 --separate-stderr host setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" --net=none --port-driver=builtin -p 0.0.0.0:80:80/tcp true
	says "$stderr" 'cap_net_bind_service'
	host sysctl -qw net.ipv4.ip_unprivileged_port_start=80
	launch_peers --net=slirp4netns -p "0.0.0.0:80:127.0.0.1:7000/tcp"
	equals $CLIENT4 "$(peer_seen client tcp $HOST4 80)"
	stop_all
	host sysctl -qw net.ipv4.ip_unprivileged_port_start=1024
	cp "$FAUXROOT" "$T/withcap"
	setcap cap_net_bind_service=ep "$T/withcap"
	FAUXROOT=$T/withcap launch_peers --net=slirp4netns -p "0.0.0.0:80:127.0.0.1:7000/tcp"
	equals $CLIENT4 "$(peer_seen client tcp $HOST4 80)"
	stop_all
}

@test "--api-inside=unprivileged: the command cannot use the launcher's file capability" {
	cp "$FAUXROOT" "$T/withcap"
	setcap cap_net_bind_service=ep "$T/withcap"
	local policy
	for policy in full unprivileged; do
		FAUXROOT=$T/withcap launch_as nsenter --target "$HOST_NS" --net -- --net=none --port-driver=builtin \
			--api-inside=$policy -p 127.0.0.1:80:80/tcp sleep 100
		# The answers to a command that requests port 81, and removes port 80.
		as_user "$FAUXROOTCTL" --socket "$S/api.sock" exec sh -c \
			'"$0" add-ports 127.0.0.1:81:81/tcp; "$0" remove-ports 1' "$FAUXROOTCTL" >"answers.$policy" 2>&1 || true
		as_user "$FAUXROOTCTL" --socket "$S/api.sock" list-ports --json | jq ".[].spec.parentPort" >"ports.$policy"
		as_user "$FAUXROOTCTL" --socket "$S/api.sock" add-ports 127.0.0.1:82:82/tcp
		stop
	done
	equals $'2\n1' "$(<answers.full)"
	equals 81 "$(<ports.full)"
	equals 2 "$(grep -c 'ports below 1024 are privileged (HTTP status 403)' answers.unprivileged)"
	equals 80 "$(<ports.unprivileged)"
}

@test "only the launcher has its file capability: forwarder, helper and target lack it" {
	cp "$FAUXROOT" "$T/withcap"
	setcap cap_net_bind_service=ep "$T/withcap"
	FAUXROOT=$T/withcap launch_as nsenter --target "$HOST_NS" --net -- --net=slirp4netns --slirp4netns-sandbox=false \
		--port-driver=builtin -p "127.0.0.1:80:7000/tcp" sleep 100
	says "$(<"/proc/$LAUNCHER/status")" '^CapEff:.0000000000000400$'
	local pid
	for pid in "$(part 'fauxroot: ports')" "$(part slirp4netns)"; do
		says "$(<"/proc/$pid/status")" '^CapPrm:.0+$'
		says "$(<"/proc/$pid/status")" '^CapEff:.0+$'
		says "$(<"/proc/$pid/status")" '^CapAmb:.0+$'
	done
	# The next forwarder has the port again, because the launcher owns the listener.
	local old
	old=$(part 'fauxroot: ports')
	kill -KILL "$old"
	wait_for replaced 'fauxroot: ports' "$old"
	says "$(<"/proc/$(part 'fauxroot: ports')/status")" '^CapPrm:.0+$'
	publish tcp 127.0.0.1 81 127.0.0.1 7000
	host bash -c "exec 5<>/dev/tcp/127.0.0.1/81"
	# /proc hides the launcher's namespaces from its user's other programs, which still trust it.
	not as_user readlink "/proc/$LAUNCHER/ns/user"
	equals "$(readlink "/proc/$TARGET/ns/net")" \
		"$(as_user "$FAUXROOTCTL" --socket "$S/api.sock" exec readlink /proc/self/ns/net)"
	stop
	# In the host's own network the target has no privileges: its capabilities are its user namespace's.
	run -0 host setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$T/withcap" --net=host sh -c 'socat -u TCP4-LISTEN:82,bind=127.0.0.1 - 2>&1 || grep CapEff /proc/self/status'
	says "$output" 'Permission denied'
	says "$output" '^CapEff:.00000[0-9a-f]*[1-9a-f]'
}

@test "another process's listener: its uid, and for root its process" {
	launch_as nsenter --target "$HOST_NS" --net -- --net=none --port-driver=builtin sleep 100
	nsenter --target "$HOST_NS" --net socat TCP4-LISTEN:8080,bind=127.0.0.1,fork SYSTEM:'echo other' 3>&- 4>&- &
	local other=$!
	listens() { host bash -c 'exec 5<>/dev/tcp/127.0.0.1/8080' 2>/dev/null; }
	wait_for listens
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 8080 127.0.0.1 80)" 409 \
		'Address already in use by a socket of uid 0$'
	stop
	run -125 --separate-stderr host setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" --net=none --port-driver=builtin -p 127.0.0.1:8080:80/tcp true
	one_error "$stderr" 'Address already in use by a socket of uid 0$'
	says "$stderr" 'remedy: .*ss -'
	run -125 --separate-stderr host "$FAUXROOT" --idmap=single --net=none --port-driver=builtin \
		-p 127.0.0.1:8080:80/tcp true
	one_error "$stderr" "Address already in use by process $other \(socat\)\$"
	kill "$other"
}

# ---- the target's access ----

reach() { # PID…
	as_target "$FAUXROOT_TEST_TOOLS/reach" "$@"
}

ours() {
	echo "$LAUNCHER $(part slirp4netns) $(part 'fauxroot: ports') $(part 'fauxroot: agent')"
}

@test "the target can inspect no process of ours, trace none, take no descriptor" {
	launch_as -- --net=slirp4netns --port-driver=builtin sleep 100
	publish tcp 127.0.0.1 0 127.0.0.1 80
	connects 127.0.0.1 "$PORT"
	local pids
	pids=$(ours)
	equals 4 "$(wc -w <<<"$pids")"
	# A control: on the target's own process the attempts succeed.
	run -1 reach "$TARGET"
	says "$output" "^$TARGET ptrace"
	says "$output" "^$TARGET pidfd_getfd"
	says "$output" "^$TARGET root/"
	# shellcheck disable=SC2086
	run -0 reach $pids
	equals "" "$output"
	# The attempts fail as well after the processes were restarted.
	local name old
	for name in 'fauxroot: agent' 'fauxroot: ports'; do
		old=$(part "$name")
		kill -KILL "$old"
		wait_for replaced "$name" "$old"
	done
	connects 127.0.0.1 "$PORT"
	wait_for part 'fauxroot: agent' >/dev/null
	# shellcheck disable=SC2046
	run -0 reach $(ours)
	equals "" "$output"
	stop
}

@test "the target itself, which executes the attempts, cannot access our processes either" {
	cat >attempts <<-'END'
		while [ ! -s pids ]; do sleep 0.02; done
		"$FAUXROOT_TEST_TOOLS/reach" $(cat pids)
		exit $?
	END
	launch_as -- --net=slirp4netns --port-driver=builtin sh attempts
	ours >pids.new
	mv pids.new pids
	ended 0
	equals "" "$(<"$OUT")"
}

@test "in a PID namespace our processes are invisible, and without its /proc mount not accessible" {
	cat >attempts <<-'END'
		while [ ! -s pids ]; do sleep 0.02; done
		"$FAUXROOT_TEST_TOOLS/reach" $(cat pids)
		echo status=$?
		umount /proc || exit
		# LeakSanitizer searches for itself there, under its PID inside.
		export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
		"$FAUXROOT_TEST_TOOLS/reach" $(cat pids)
		echo status=$?
	END
	launch_as -- --pidns --net=slirp4netns --port-driver=builtin sh attempts
	ours >pids.new
	mv pids.new pids
	ended 0
	equals "status=3
status=0" "$(<"$OUT")"
}

@test "forwarder and agent have a filter, no new privileges, and no capability" {
	launch_as -- --net=slirp4netns --port-driver=builtin sleep 100
	local name pid status
	for name in 'fauxroot: ports' 'fauxroot: agent'; do
		pid=$(part "$name")
		status=$(<"/proc/$pid/status")
		says "$status" '^NoNewPrivs:.1$'
		says "$status" '^Seccomp:.2$'
		says "$status" '^CapInh:.0+$'
		says "$status" '^CapAmb:.0+$'
		[ "$name" = 'fauxroot: agent' ] || says "$status" '^CapEff:.0+$'
		# No descriptor leads to a file of the host, nor to a directory.
		equals "" "$(find "/proc/$pid/fd" -type l -printf '%l\n' | grep -vE '^(socket|pipe|anon_inode):|^/dev/null$|^'"$LOG"'$' || true)"
	done
	stop
}

@test "no leak: descriptors and memory of forwarder and agent return after thousands of connections" {
	# Each thread of the forwarder prepares up to 4 sockets of TCP and 16 of UDP.
	local n=3000 name fds=() memory=() i more=$((20 * ($(nproc) < 8 ? $(nproc) : 8)))
	[ -z "$FULL" ] || n=200000
	launch_as -- --net=none --port-driver=builtin "$PORTCHECK" serve 127.0.0.1 7000
	wait_for grep -q serving "$OUT"
	publish tcp 127.0.0.1 0 127.0.0.1 7000
	"$PORTCHECK" churn 127.0.0.1 "$PORT" 1000
	local pids
	pids="$(part 'fauxroot: ports') $(part 'fauxroot: agent')"
	for name in $pids; do
		fds+=("$(fds_of "$name")")
		memory+=("$(pss_of "$name")")
	done
	timeout 600 "$PORTCHECK" churn 127.0.0.1 "$PORT" "$n"
	i=0
	for name in $pids; do
		few() { [ "$(fds_of "$name")" -le $((fds[i] + more)) ]; }
		wait_for few
		little() { sanitized || [ "$(pss_of "$name")" -le $((memory[i] + 512)) ]; }
		wait_for little
		i=$((i + 1))
	done
	# They are still the same processes.
	equals "$pids" "$(part 'fauxroot: ports') $(part 'fauxroot: agent')"
	stop
}
