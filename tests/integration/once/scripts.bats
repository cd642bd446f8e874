#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets what run() sets
# The options that dockerd-rootless.sh of 2026 passes, for each network and port driver that it selects,
# with a detached network, its default, and without.
#
# seconds: 20

load ../../lib/bash/common
load ../../lib/bash/networks
load ../../lib/bash/ports

# What the script's dockerd sees: the network of its containers, and a server there.
INSIDE='net=/proc/self/ns/net; [ ! -e "$ROOTLESSKIT_STATE_DIR/netns" ] || net=$ROOTLESSKIT_STATE_DIR/netns
	exec nsenter --net="$net" sh -c "ip -o link show tap0; ip -o -4 addr show tap0; ip route
		exec socat TCP-LISTEN:$0,reuseaddr,fork SYSTEM:\"echo inside\""'

# as_script NET PORT-DRIVER [OPTION…] - launch with the script's options
as_script() {
	ln -sf "$(realpath "$FAUXROOT")" rootlesskit
	free_port
	FAUXROOT=$T/rootlesskit launch --net="$1" --mtu=65520 --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto \
		--disable-host-loopback --port-driver="$2" --copy-up=/etc --copy-up=/run --propagation=rslave "${@:3}" \
		sh -c "$INSIDE" "$PORT"
}

answers() {
	[ "$(said tcp 127.0.0.1 "$PORT" 2>/dev/null)" = inside ]
}

# combination NETWORK-NAMED NETWORK-USED PORT-DRIVER OPTION…
combination() {
	echo "$*"
	as_script "$1" "$3" "${@:4}"
	wait_for grep -q "^default via" "$OUT"
	says "$(<"$OUT")" "tap0: .*UP.* mtu 65520 "
	says "$(<"$OUT")" 'tap0 +inet 10\.0\.2\.100/24'
	says "$(<"$OUT")" '^default via 10\.0\.2\.2'
	api GET /v1/info
	equals "$2" "$(jq -r .networkDriver.driver <<<"$BODY")"
	if [ "$3" = implicit ]; then
		equals null "$(jq -c .portDriver <<<"$BODY")"
	else
		equals "$3" "$(jq -r .portDriver.driver <<<"$BODY")"
		publish tcp 127.0.0.1 "$PORT" 127.0.0.1 "$PORT"
	fi
	wait_for answers
	kill -TERM "$LAUNCHER"
	wait_for gone "$LAUNCHER"
	wait "$LAUNCHER" || true
	kill_marked
}

all() { # OPTION…
	local pasta
	find_networks
	# A pasta that keeps the host's loopback closed; the script finds it in PATH.
	choose "${NETWORKS[-1]}"
	if ! holds_loopback; then
		skip "no pasta of 2024 or later"
	fi
	pasta=--pasta-binary=${NET[1]#*=}
	combination slirp4netns slirp4netns builtin "$@"
	combination gvisor-tap-vsock slirp4netns builtin "$@"
	combination pasta pasta builtin "$pasta" "$@"
	combination pasta pasta pesto "$pasta" "$@"
	combination pasta pasta implicit "$pasta" "$@"
}

@test "dockerd-rootless.sh: each network and port driver, with a detached network" {
	all --detach-netns
}

@test "dockerd-rootless.sh: the same without a detached network" {
	all
}
