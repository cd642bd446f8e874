#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets LAUNCHER, TARGET, PORT
# --detach-netns: the network is at $STATE/netns, the command uses the host's network. root/network.bats
# tests what is behind the gateway.
#
# refused: open_tree close_range:netns close_range:hold

load ../lib/bash/common
load ../lib/bash/ports

# In the target's mount namespace, and from there in the detached network.
mounts_of_target() {
	nsenter --target "$TARGET" --user --mount --preserve-credentials --wd="$T" "$@" 3>&- 4>&-
}

inside() { mounts_of_target nsenter --net="$S/netns" "$@"; }

helper_pid() { child_of "$LAUNCHER" slirp4netns; }

other_helper() { # OLD_PID
	local pid
	pid=$(helper_pid) && [ "$pid" != "$1" ]
}

@test "the command is in the host's network, and /etc is the host's" {
	run -0 --separate-stderr fx --net=slirp4netns --detach-netns sh -c 'readlink /proc/self/ns/net
		cat /etc/resolv.conf; grep -c " /etc/" /proc/self/mountinfo
		ls /sys/class/net'
	equals "$(readlink /proc/self/ns/net)
$(cat /etc/resolv.conf)
$(grep -c ' /etc/' /proc/self/mountinfo)
$(ls /sys/class/net)" "$output"
	equals "" "$stderr"
}

@test "with /etc copied up, resolv.conf and hosts are still the host's" {
	run -0 fx --net=slirp4netns --detach-netns --copy-up=/etc sh -c 'cat /etc/resolv.conf /etc/hosts
		grep -cE " /etc/(hosts|resolv)" /proc/self/mountinfo || :'
	equals "$(cat /etc/resolv.conf /etc/hosts)
0" "$output"
}

@test "netns is an empty file on the host, the namespace inside, and missing without the option" {
	launch --net=slirp4netns --detach-netns sleep 1000
	equals "regular empty file" "$(stat -c %F "$S/netns")"
	equals nsfs "$(mounts_of_target stat -f -c %T "$S/netns")"
	not equals "$(readlink /proc/self/ns/net)" "$(inside readlink /proc/self/ns/net)"
	stop
	launch --net=slirp4netns sleep 1000
	absent "$S/netns"
	stop
}

@test "netns exists before the command runs, with address, MTU, route, and DNS for a process that enters" {
	run -0 fx --net=slirp4netns --detach-netns --ipv6 --mtu=1400 --ifname=net1 --cidr=192.168.64.0/24 sh -c '
		cd "$ROOTLESSKIT_STATE_DIR"
		grep ^nameserver resolv.conf
		nsenter --net=netns sh -c "ip -o addr; ip route; ip -6 route; ip -o link show net1"'
	says "$output" '^nameserver 192\.168\.64\.3$'
	says "$output" '^nameserver fd00::3$'
	says "$output" 'lo +inet 127\.0\.0\.1/8'
	says "$output" 'net1 +inet 192\.168\.64\.100/24'
	says "$output" 'net1 +inet6 fd00::100'
	says "$output" '^default via 192\.168\.64\.2 dev net1'
	says "$output" '^default via fd00::2 dev net1'
	says "$output" 'net1:.*UP.* mtu 1400 '
}

@test "--net=none: only lo" {
	run -0 fx --net=none --detach-netns sh -c 'readlink /proc/self/ns/net
		nsenter --net="$ROOTLESSKIT_STATE_DIR/netns" ip -o addr'
	equals "$(readlink /proc/self/ns/net)" "${lines[0]}"
	equals "lo lo" "$(awk 'NR > 1 { print $2 }' <<<"$output" | xargs)"
	says "$output" '127\.0\.0\.1/8'
}

@test "the child's root owns the network: links, routes and sysctls can be changed" {
	run -0 fx --net=none --detach-netns --state-dir="$S" nsenter --net="$S/netns" sh -c '
		ip link add br0 type bridge && ip addr add 10.4.0.1/24 dev br0 && ip link set br0 up &&
		echo 1 >/proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward'
	equals 1 "$output"
}

@test "netns exists with the state directory under copied-up directories" {
	mkdir -p below/run
	run -0 fx --net=slirp4netns --detach-netns --state-dir="$PWD/below/run/state" --copy-up="$PWD/below" \
		--copy-up=/etc --copy-up=/run --copy-up=/var/lib sh -c '
		stat -f -c %T "$ROOTLESSKIT_STATE_DIR/netns"
		nsenter --net="$ROOTLESSKIT_STATE_DIR/netns" ip -o -4 addr show tap0'
	equals nsfs "${lines[0]}"
	says "$output" '10\.0\.2\.100'
}

@test "the argv of containerd-rootless.sh, with its own network and with the host's" {
	local net
	for net in host slirp4netns none; do
		run -0 fx "--net=$net" --mtu=1500 --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto \
			--disable-host-loopback --port-driver=none --copy-up=/etc --copy-up=/run \
			--copy-up=/var/lib --propagation=rslave --detach-netns --mtu=0 sh -c '
			for d in /etc /run /var/lib; do stat -f -c %T $d; done
			readlink /proc/self/ns/net
			[ -e "$ROOTLESSKIT_STATE_DIR/netns" ] && echo detached || :'
		equals "tmpfs tmpfs tmpfs $(readlink /proc/self/ns/net)$([ $net = host ] || echo " detached")" \
			"$(grep -v '^\[' <<<"$output" | xargs)"
	done
}

@test "slirp4netns runs without sandbox and filter; requesting them is refused" {
	launch --net=slirp4netns --detach-netns --disable-host-loopback sleep 1000
	tr '\0' '\n' <"/proc/$(helper_pid)/cmdline" >args
	grep -qx -- --disable-host-loopback args
	not grep -E -- '--enable-(sandbox|seccomp)' args
	stop
	run -125 --separate-stderr fx --net=slirp4netns --detach-netns --slirp4netns-sandbox=true touch started
	one_error "$stderr" '--slirp4netns-sandbox=true does not work with --detach-netns'
	run -125 --separate-stderr fx --net=slirp4netns --detach-netns --slirp4netns-seccomp=true touch started
	one_error "$stderr" '--slirp4netns-seccomp=true does not work with --detach-netns'
	absent started
}

@test "slirp4netns killed: restarted on the same device in the detached network" {
	launch --net=slirp4netns --detach-netns sleep 1000
	local old before
	old=$(helper_pid)
	before=$(inside ip -o link show tap0)
	kill -KILL "$old"
	wait_for other_helper "$old"
	wait_for logged 'started again'
	equals "$before" "$(inside ip -o link show tap0)"
	says "$(inside ip -o -4 addr show tap0)" '10\.0\.2\.100'
	stop
}

@test "slirp4netns killed after the target has unmounted netns: still restarted" {
	launch --net=slirp4netns --detach-netns sh -c 'umount "$ROOTLESSKIT_STATE_DIR/netns" && echo gone && exec sleep 1000'
	wait_for grep -q gone "$OUT"
	local old
	old=$(helper_pid)
	kill -KILL "$old"
	wait_for other_helper "$old"
	wait_for logged 'started again'
	stop
}

@test "exec joins the command's namespaces; nsenter leads into the network" {
	launch --net=slirp4netns --detach-netns sleep 1000
	equals "$(readlink /proc/self/ns/net)" "$(ctl exec readlink /proc/self/ns/net)"
	equals "$(inside readlink /proc/self/ns/net)" \
		"$(ctl exec sh -c 'nsenter --net="$ROOTLESSKIT_STATE_DIR/netns" readlink /proc/self/ns/net')"
	stop
}

@test "with --pidns and all other namespaces: bound before the command runs, entered by exec" {
	launch --net=slirp4netns --detach-netns --pidns --cgroupns --utsns --ipcns --copy-up=/run sh -c '
		stat -f -c %T "$ROOTLESSKIT_STATE_DIR/netns"; readlink /proc/self/ns/net; exec sleep 1000'
	wait_for grep -q '^net:' "$OUT"
	equals "nsfs
$(readlink /proc/self/ns/net)" "$(<"$OUT")"
	equals "$(readlink /proc/self/ns/net)" "$(ctl exec readlink /proc/self/ns/net)"
	says "$(ctl exec sh -c 'nsenter --net="$ROOTLESSKIT_STATE_DIR/netns" ip -o -4 addr show tap0')" '10\.0\.2\.100'
	stop
}

@test "info shows the detached network" {
	launch --net=slirp4netns --detach-netns sleep 1000
	run -0 ctl info --json
	equals '["10.0.2.3"] 10.0.2.100 slirp4netns' \
		"$(jq -rc '.networkDriver | "\(.dns) \(.childIP) \(.driver)"' <<<"$output")"
	stop
}

@test "ports of both drivers lead into the detached network, not to the host's loopback" {
	local driver
	for driver in builtin slirp4netns; do
		free_port
		launch --net=slirp4netns --detach-netns --port-driver=$driver -p "127.0.0.1:$PORT:7000/tcp" \
			nsenter --net="$S/netns" socat TCP4-LISTEN:7000,reuseaddr,fork SYSTEM:'echo detached'
		answers() { [ "$(said tcp 127.0.0.1 "$PORT" 2>/dev/null)" = detached ]; }
		wait_for answers
		stop_all
	done
}

@test "user.max_net_namespaces=0 is named in the error" {
	run -125 --separate-stderr unshare --user --map-root-user sh -c \
		'echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"' sh \
		"$FAUXROOT" --idmap=single --net=none --detach-netns touch started
	one_error "$stderr" 'network namespace.*No space left'
	says "$stderr" 'max_net_namespaces'
	absent started
}
