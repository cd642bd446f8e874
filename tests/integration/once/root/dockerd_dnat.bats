#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A real rootless dockerd without its proxy (--userland-proxy=false): its iptables rules redirect connections
# to a container by DNAT, also those from 127.0.0.1. Ports are published through the API.
#
# seconds: 16

load ../../../lib/bash/common
load ../../../lib/bash/root
load ../../../lib/bash/ports
load ../../../lib/bash/dockerd

BRIDGE_CLIENT=172.31.7.77

setup_file() {
	load_root || return
	two_networks
	# A client with an address of the network of dockerd's bridge.
	client ip addr add $BRIDGE_CLIENT/32 dev fxout
	host ip route add $BRIDGE_CLIENT/32 dev fxhost
}

teardown_file() {
	end_networks
}

setup() {
	dockerd_setup
	DOCKERD_OPTIONS=(--userland-proxy=false)
}

teardown() {
	dockerd_teardown
}

peer() { # WHERE… IP PORT [CURL OPTIONS] - print the client address that the container sees
	local where=$1 ip=$2 port=$3
	shift 3
	"$where" curl -s --max-time 30 "$@" "http://$ip:$port/cgi-bin/peer" | tr -d '[]' | sed 's/^::ffff://'
}

as_target() {
	nsenter --target "$(<"$S/child_pid")" --user --mount --net --setuid 0 --setgid 0 "$@" 3>&- 4>&-
}

container_answers() {
	[ -n "$(peer as_target 10.0.2.100 8080)" ]
}

# who_is_seen PREFIX… - a container's server, requested from everywhere
who_is_seen() {
	start_dockerd nsenter --target "$HOST_NS" --net -- "$@"
	make_image
	docker run -d --name one -p 8080:80 server
	wait_for container_answers
	# The container's port on the target's loopback, on its own address, and the container itself.
	rootlessctl --socket "$S/api.sock" add-ports 0.0.0.0:8080:8080/tcp 0.0.0.0:8081:10.0.2.100:8080/tcp \
		"0.0.0.0:8082:$(docker inspect -f '{{.NetworkSettings.IPAddress}}' one):80/tcp"
	local port
	equals "$BRIDGE" "$(peer as_target 127.0.0.1 8080)"
	for port in 8080 8081 8082; do
		equals "$BRIDGE" "$(peer host 127.0.0.1 $port)"
		equals "$CLIENT4" "$(peer client "$HOST4" $port)"
		equals "$BRIDGE" "$(peer client "$HOST4" $port --interface "$BRIDGE_CLIENT")"
	done
	# A published port refuses at once when the container has exited.
	docker rm -f one
	run client curl -s --max-time 30 "http://$HOST4:8081/"
	# 28: it would have timed out.
	[ "$status" != 0 ] && [ "$status" != 28 ]
	stop 0
}

@test "dockerd --userland-proxy=false: a container is reached from everywhere, with the client's address" {
	who_is_seen env
}

@test "the same without nft, for the launcher and for dockerd" {
	who_is_seen unshare --mount sh -c 'mount --bind /dev/null "$(command -v nft)" && exec "$@"' sh
}
