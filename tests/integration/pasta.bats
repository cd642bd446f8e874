#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# --net=pasta with the pasta of this machine, --net=auto, and the port drivers of scripts.
# once/root/networks.bats tests what is behind the gateway, with pasta of several releases.
#
# seconds: 16

load ../lib/bash/common
load ../lib/bash/networks
load ../lib/bash/ports

helper_pid() {
	pasta_of "$LAUNCHER"
}

other_helper() { # OLD_PID
	local pid
	pid=$(helper_pid) && [ "$pid" != "$1" ]
}

# Does this pasta drop forged frames? The launcher asks in the same way.
is_new() {
	pasta --map-host-loopback none --version >/dev/null 2>&1
}

@test "pasta: lo and tap0 up with address, MTU, default route; its own name server" {
	run -0 --separate-stderr fx --net=pasta sh -c 'ip -o -4 addr; ip route; cat /sys/class/net/tap0/mtu
		ip -o link show lo; cat /etc/resolv.conf'
	says "$output" 'tap0 +inet 10\.0\.2\.100/24'
	says "$output" '^default via 10\.0\.2\.2 dev tap0'
	says "$output" '^65520$'
	says "$output" 'lo:.*LOWER_UP'
	says "$output" '^nameserver 10\.0\.2\.3$'
	equals "" "$stderr"
}

@test "bbr, which the network inherits from the host, is replaced; the command can choose another one" {
	local host
	host=$(</proc/sys/net/ipv4/tcp_congestion_control)
	case $host in bbr*) host=reno ;; esac
	run -0 fx --net=pasta sh -c 'cd /proc/sys/net/ipv4; cat tcp_congestion_control
		tr " " "\n" <tcp_allowed_congestion_control | tail -n 1 >tcp_congestion_control
		cat tcp_congestion_control; tr " " "\n" <tcp_allowed_congestion_control | tail -n 1'
	equals "$host" "${lines[0]}"
	equals "${lines[2]}" "${lines[1]}"
	run -0 fx --net=none cat /proc/sys/net/ipv4/tcp_congestion_control
	equals "$(</proc/sys/net/ipv4/tcp_congestion_control)" "$output"
}

@test "--cidr, --mtu, --ifname and --ipv6 change the network" {
	run -0 fx --net=pasta --cidr=192.168.64.0/20 --mtu=1400 --ifname=eth0 --ipv6 sh -c 'ip -o addr show eth0
		ip route; ip -6 route; cat /sys/class/net/eth0/mtu; cat /etc/resolv.conf'
	says "$output" 'inet 192\.168\.64\.100/20'
	says "$output" 'inet6 fd00::100/64'
	says "$output" '^default via 192\.168\.64\.2 dev eth0'
	says "$output" '^default via fd00::2 dev eth0'
	says "$output" '^1400$'
	says "$output" '^nameserver 192\.168\.64\.3$'
	says "$output" '^nameserver fd00::3$'
}

@test "--detach-netns: the same in the detached network, nothing in the command's" {
	run -0 fx --net=pasta --detach-netns sh -c 'ls /sys/class/net
		nsenter --net="$ROOTLESSKIT_STATE_DIR/netns" sh -c "ip -o -4 addr; ip route"'
	says "$output" 'tap0 +inet 10\.0\.2\.100/24'
	says "$output" '^default via 10\.0\.2\.2 dev tap0'
	not grep -qx tap0 <<<"$output"
}

@test "the API names pasta; a missing pasta is reported before anything starts, with its package" {
	run -0 fx --net=pasta sh -c 'curl -s --unix-socket "$ROOTLESSKIT_STATE_DIR/api.sock" http://x/v1/info'
	equals '{"driver":"pasta","dns":["10.0.2.3"],"childIP":"10.0.2.100"}' "$(jq -c .networkDriver <<<"$output")"
	run -125 --separate-stderr fx --net=pasta --pasta-binary=nosuch touch started
	says "$stderr" 'executing "nosuch": No such file'
	says "$stderr" 'passt'
	absent started
	run -125 --separate-stderr fx --net=pasta --pasta-binary="$(command -v slirp4netns)" touch started
	says "$stderr" 'a program other than pasta'
	absent started
}

@test "nothing is forwarded from the command's loopback to the host's" {
	free_port
	socat "TCP-LISTEN:$PORT,bind=127.0.0.1,fork,reuseaddr" SYSTEM:'echo host' 3>&- 4>&- &
	local server=$!
	wait_for connects 127.0.0.1 "$PORT"
	launch --net=pasta sleep 1000
	local words
	words=$(tr '\0' ' ' <"/proc/$(helper_pid)/cmdline")
	[[ $words == *" -t none -u none -T none -U none "* ]]
	# pasta would open it within two seconds. The gateway always leads to the host's loopback.
	local end=$((SECONDS + 4))
	while [ $SECONDS -lt $end ]; do
		not in_target bash -c "exec 5<>/dev/tcp/127.0.0.1/$PORT" 2>/dev/null
		equals host "$(in_target socat -u "TCP:10.0.2.2:$PORT" -)"
		sleep 0.1
	done
	kill "$server"
	wait "$server" || true
	stop
}

@test "--disable-host-loopback: the gateway leads nowhere; a pasta that cannot ensure this is refused" {
	if ! is_new; then
		run -125 --separate-stderr fx --net=pasta --disable-host-loopback touch started
		one_error "$stderr" 'pasta.* is too old for --disable-host-loopback'
		says "$stderr" 'remedy: use --net=slirp4netns'
		says "$stderr" 'remedy: use a pasta of 2024-09'
		absent started
		run -1 fx --check --net=pasta --disable-host-loopback true
		says "$output" 'obstacle +network .*too old for --disable-host-loopback'
		return
	fi
	free_port
	socat "TCP-LISTEN:$PORT,bind=127.0.0.1,fork,reuseaddr" SYSTEM:'echo host' 3>&- 4>&- &
	local server=$!
	wait_for connects 127.0.0.1 "$PORT"
	launch --net=pasta --disable-host-loopback sleep 1000
	not in_target socat -u "TCP:10.0.2.2:$PORT,connect-timeout=3" - 2>/dev/null
	kill "$server"
	wait "$server" || true
	stop
}

@test "pasta killed: restarted on the same device, and this is logged" {
	launch --net=pasta sleep 1000
	local old before
	old=$(helper_pid)
	before=$(in_target ip -o link show tap0)
	kill -KILL "$old"
	wait_for logged 'pasta started again'
	other_helper "$old"
	equals "$before" "$(in_target ip -o link show tap0)"
	says "$(in_target ip route)" '^default via 10\.0\.2\.2'
	stop
}

@test "pasta stopped: it is continued. Its holder killed: it is restarted" {
	launch --net=pasta sleep 1000
	local old holder
	old=$(helper_pid)
	kill -STOP "$old"
	wait_for logged 'pasta was stopped'
	continued() { ! process_state "$old" T; }
	wait_for continued
	holder=$(child_of "$LAUNCHER" 'fauxroot: hold')
	kill -KILL "$holder"
	wait_for logged 'pasta started again'
	wait_for gone "$old"
	stop
}

@test "after SIGKILL of the launcher no process is left" {
	local i helper holder
	for i in 1 2 3; do
		launch --net=pasta sleep 1000
		helper=$(helper_pid)
		holder=$(child_of "$LAUNCHER" 'fauxroot: hold')
		kill -KILL "$LAUNCHER"
		wait "$LAUNCHER" || true
		wait_for gone "$helper"
		wait_for gone "$holder"
		wait_for gone "$TARGET"
		# While it starts.
		launch_only --net=pasta --ifname="fx$BATS_SUITE_TEST_NUMBER" sleep 1000
		sleep "0.0$((i * 2))"
		kill -KILL "$LAUNCHER"
		wait "$LAUNCHER" || true
		# No mark is found of pasta: its environment is closed.
		is_empty() { [ -z "$(marked)" ] && ! pgrep -u "$(id -u)" -f -- "--ns-ifname fx$BATS_SUITE_TEST_NUMBER " >/dev/null; }
		wait_for is_empty
		rm -rf "$S"
	done
}

@test "--port-driver=builtin forwards ports, also after pasta was restarted" {
	local old
	launch --net=pasta --port-driver=builtin socat TCP-LISTEN:80,fork,reuseaddr SYSTEM:'echo inside'
	publish tcp 127.0.0.1 own "" 80
	answers() { [ "$(said tcp 127.0.0.1 "$PORT")" = inside ]; }
	wait_for answers
	old=$(helper_pid)
	kill -KILL "$old"
	wait_for logged 'started again'
	equals inside "$(said tcp 127.0.0.1 "$PORT")"
	stop
}

@test "--port-driver=pesto and gvisor-tap-vsock are the builtin driver, under the name that was given" {
	local name net
	for name in pesto gvisor-tap-vsock; do
		net=pasta
		[ $name = pesto ] || net=gvisor-tap-vsock
		launch --net=$net --port-driver=$name socat TCP-LISTEN:80,fork,reuseaddr SYSTEM:'echo inside'
		api GET /v1/info
		equals "$name" "$(jq -r .portDriver.driver <<<"$BODY")"
		equals "tcp tcp4 tcp6 udp udp4 udp6" "$(jq -r '.portDriver.protos | join(" ")' <<<"$BODY")"
		publish tcp 127.0.0.1 own "" 80
		answers() { [ "$(said tcp 127.0.0.1 "$PORT")" = inside ]; }
		wait_for answers
		# pesto itself reports success.
		refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" "" 80)" 409 'conflicts'
		stop
	done
	says "$(<"$LOG")" 'warning: --net=gvisor-tap-vsock is not built in: using (slirp4netns|pasta)'
}

@test "--port-driver=implicit: pasta forwards listening ports; the API has no port driver" {
	if ! is_new; then
		run -125 --separate-stderr fx --net=pasta --port-driver=implicit touch started
		one_error "$stderr" 'pasta.* is too old for --port-driver=implicit'
		absent started
		return
	fi
	free_port
	launch --net=pasta --port-driver=implicit socat "TCP-LISTEN:$PORT,fork,reuseaddr" SYSTEM:'echo inside'
	answers() { [ "$(said tcp 127.0.0.1 "$PORT" 2>/dev/null)" = inside ]; }
	wait_for answers
	api GET /v1/info
	equals null "$(jq -c .portDriver <<<"$BODY")"
	refused_by POST /v1/ports "$(spec_json tcp 127.0.0.1 "$PORT" "" 80)" 400 'no port driver'
	stop
}

# one_of NAME OPTIONS… - --net=auto with these options takes that network
one_of() {
	local name=$1
	shift
	run -0 --separate-stderr fx --net=auto "$@" sh -c '
		curl -s --unix-socket "$ROOTLESSKIT_STATE_DIR/api.sock" http://x/v1/info; ip -o -4 addr show tap0 >&2'
	equals "$name" "$(jq -r .networkDriver.driver <<<"$output")"
	says "$stderr" 'inet 10\.0\.2\.100/24'
}

@test "--net=auto: slirp4netns, else pasta, without a message" {
	one_of slirp4netns
	not says "$stderr" warning 2>/dev/null
	one_of pasta --slirp4netns-binary=nosuch
	not says "$stderr" warning 2>/dev/null
	one_of slirp4netns --pasta-binary=nosuch
	run -0 fx --debug --net=auto true
	says "$output" 'debug: --net=auto: slirp4netns$'
	run -0 fx --check --net=auto --slirp4netns-binary=nosuch true
	says "$output" '^ok +network +pasta.*: started, ready'
}

@test "--net=auto: neither is an error with both packages, and never the host's network" {
	run -125 --separate-stderr fx --net=auto --slirp4netns-binary=nosuch --pasta-binary=nosuch2 touch started
	one_error "$stderr" '--net=auto: no network helper .*nosuch .package slirp4netns. nor nosuch2 .package passt.'
	says "$stderr" 'remedy: .*slirp4netns'
	says "$stderr" 'remedy: .*passt'
	absent started
	run -125 --separate-stderr fx --net=gvisor-tap-vsock --slirp4netns-binary=nosuch --pasta-binary=nosuch2 true
	says "$stderr" 'package slirp4netns.*package passt'
	run -1 fx --check --net=auto --slirp4netns-binary=nosuch --pasta-binary=nosuch2 true
	says "$output" 'obstacle +network .*package passt'
}

@test "--net=auto: pasta if slirp4netns dies before it is ready, with a warning; both fail: the last error" {
	printf '#!/bin/sh\necho no luck today >&2\nexit 3\n' >unlucky
	chmod +x unlucky
	one_of pasta --slirp4netns-binary="$PWD/unlucky"
	says "$stderr" 'warning: --net=auto: .*unlucky.*; trying pasta'
	run -125 --separate-stderr fx --net=auto --slirp4netns-binary="$PWD/unlucky" --pasta-binary="$PWD/unlucky" \
		touch started
	says "$stderr" 'warning: --net=auto: .*; trying pasta'
	says "$stderr" 'error: .*unlucky'
	absent started
	run -125 --separate-stderr fx --net=auto --slirp4netns-binary="$PWD/unlucky" --pasta-binary=nosuch touch started
	one_error "$stderr" 'no luck today|unlucky'
	absent started
}
