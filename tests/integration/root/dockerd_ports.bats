#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Rootless dockerd, started by its own script through the compatible names: published ports of containers are
# reachable from the host and removed with the container. The daemon runs as the test user.

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/ports
load ../../lib/bash/dockerd

setup_file() {
	load_root || return
	two_networks
}

teardown_file() {
	end_networks
}

setup() {
	dockerd_setup
}

teardown() {
	dockerd_teardown
}

served() { # IP PORT [TEXT]
	[ "$(curl -s --max-time 20 "http://$1:$2/")" = "${3:-from the container}" ]
}

n_ports() {
	rootlessctl --socket "$S/api.sock" list-ports --json | wc -l
}

proxies() {
	local pid
	for pid in $(marked); do
		grep -xsE 'docker-proxy|rootlesskit-doc' "/proc/$pid/comm" || true
	done
}

@test "docker run -p: reachable from the host, removed after docker rm -f, nothing left" {
	start_dockerd
	make_image
	free_port 3
	docker run -d --name one -p "127.0.0.1:$PORT:80" server
	wait_for served 127.0.0.1 "$PORT"
	equals '{"proto":"tcp4","parentIP":"127.0.0.1","parentPort":'"$PORT"',"childIP":"127.0.0.1","childPort":'"$PORT"'}' \
		"$(rootlessctl --socket "$S/api.sock" list-ports --json | jq -c .spec)"
	not connects 127.0.0.2 "$PORT"
	# The wildcard: docker publishes both families, with one proxy each.
	docker run -d --name two -p "$((PORT + 1)):80" server
	wait_for served 127.0.0.1 $((PORT + 1))
	wait_for served '[::1]' $((PORT + 1))
	equals 3 "$(n_ports)"
	# Taken: docker reports it, with our reason, and nothing stays published.
	run -125 docker run -d --name three -p "127.0.0.1:$PORT:80" server
	says "$output" "conflicts with port|already allocated|already in use"
	socat "TCP4-LISTEN:$((PORT + 2)),bind=127.0.0.1,fork" SYSTEM:'echo other' 3>&- 4>&- &
	local other=$!
	wait_for connects 127.0.0.1 $((PORT + 2))
	run -125 docker run -d --name four -p "127.0.0.1:$((PORT + 2)):80" server
	says "$output" 'in use'
	kill "$other"
	equals 3 "$(n_ports)"

	docker rm -f one
	not connects 127.0.0.1 "$PORT"
	wait_for served 127.0.0.1 $((PORT + 1))
	docker rm -f two
	not connects 127.0.0.1 $((PORT + 1))
	equals 0 "$(n_ports)"
	equals "" "$(proxies)"
	# The number is free for the next container.
	docker run -d --name five -p "127.0.0.1:$PORT:80" server
	wait_for served 127.0.0.1 "$PORT"
	# A killed proxy leaves no port behind: the container can get it again.
	local pid
	for pid in $(marked); do
		! grep -qxs rootlesskit-doc "/proc/$pid/comm" || kill -KILL "$pid"
	done
	no_ports() { [ "$(n_ports)" = 0 ]; }
	wait_for no_ports
	docker restart five
	wait_for served 127.0.0.1 "$PORT"
	equals 1 "$(n_ports)"
	stop 0
	not connects 127.0.0.1 "$PORT"
}

# docker-proxy is the container's client, for every client; DNAT in the child's network keeps the client's.
@test "the address that a container sees of a remote client: docker-proxy's, or the client's own" {
	start_dockerd nsenter --target "$HOST_NS" --net --
	make_image
	docker run -d --name one -p 8080:80 server
	seen() { # PORT
		SEEN=$(client curl -s --max-time 5 "http://$HOST4:$1/cgi-bin/peer" | tr -d '[]') && [ -n "$SEEN" ]
	}
	wait_for seen 8080
	equals "$BRIDGE" "${SEEN#::ffff:}"
	# The rule that dockerd creates for its port serves connections to the child's own address, too.
	rootlessctl --socket "$S/api.sock" add-ports 8081:10.0.2.100:8080/tcp
	wait_for seen 8081
	equals "$CLIENT4" "${SEEN#::ffff:}"
	docker rm -f one
	not seen 8080
	stop 0
}
