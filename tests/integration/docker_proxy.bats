#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Docker's proxy: dockerd calls docker-proxy, and ours replaces it.

load ../lib/bash/common
load ../lib/bash/ports

# The target is a shell that runs the contents of "order". Its answer is on descriptor 3, where dockerd
# reads it. The real docker-proxy is a script that records its arguments and waits for a signal.
launch_docker() {
	mkdir -p bin
	cat >bin/docker-proxy <<-'END'
		#!/bin/bash
		printf '%s\n' "$0" "$@" >words
		trap 'echo ended >ended; exit 0' TERM
		[ ! -e fail ] || { printf '1\nno luck' >&3; exit 1; }
		printf '0\n' >&3
		exec 3>&-
		sleep 1000 &
		wait
	END
	chmod +x bin/docker-proxy
	ln -sf "$(realpath "$FAUXROOTCTL")" bin/rootlesskit-docker-proxy
	# shellcheck disable=SC2016
	PATH=$PWD/bin:$PATH launch "$@" bash -c '
		while [ ! -e order ]; do sleep 0.02; done
		. ./order 3>answer 2>said & proxy=$!
		while [ ! -e end ]; do sleep 0.02; done
		kill "$(<proxy_pid)" 2>/dev/null; wait $proxy; echo $? >status; sleep 1000'
}

docker_proxy() { # WORDS… - the call that dockerd makes
	printf 'echo $BASHPID >proxy_pid; exec rootlesskit-docker-proxy %s\n' "$*" >order.new
	mv order.new order
}

answered() {
	[ -s answer ]
}

@test "docker-proxy: a host port leads to the same port of the child's loopback; removed at exit" {
	launch_docker --net=none --port-driver=builtin
	free_port
	docker_proxy -proto tcp -host-ip 127.0.0.1 -host-port "$PORT" -container-ip 172.17.0.2 -container-port 80
	wait_for answered
	equals 0 "$(<answer)"
	equals "{\"proto\":\"tcp4\",\"parentIP\":\"127.0.0.1\",\"parentPort\":$PORT,\"childIP\":\"127.0.0.1\",\"childPort\":$PORT}" \
		"$(port_objects | jq -c .spec)"
	equals "-proto tcp -host-ip 127.0.0.1 -host-port $PORT -container-ip 172.17.0.2 -container-port 80" \
		"$(tail -n +2 words | paste -sd' ')"
	connects 127.0.0.1 "$PORT"
	touch end
	wait_for test -s status
	equals 0 "$(<status)"
	equals ended "$(<ended)"
	equals "" "$(port_objects)"
	not connects 127.0.0.1 "$PORT"
	stop_all
}

# Published again from a loop, possibly before the launcher has noticed the death.
@test "docker-proxy: SIGKILL removes its port, also in a PID namespace" {
	local option started proxy i
	for option in --pidns=false --pidns; do
		launch_docker --net=none --port-driver=builtin $option
		free_port
		for i in 1 2 3; do
			rm -f answer
			PATH=$PWD/bin:$PATH "$FAUXROOTCTL" --socket "$S/api.sock" exec bash -c \
				'exec 3>answer; exec rootlesskit-docker-proxy "$@"' proxy -proto tcp -host-ip 127.0.0.1 \
				-host-port "$PORT" -container-ip 172.17.0.2 -container-port 80 3>&- 4>&- &
			started=$! proxy=$!
			wait_for answered
			equals 0 "$(<answer)"
			equals peer "$(port_objects | jq -r .owner)"
			[ $option != --pidns ] || proxy=$(child_of "$proxy" rootlesskit-doc)
			kill -KILL "$proxy"
			wait "$started" || true
		done
		gone_unasked() { not connects 127.0.0.1 "$PORT" 2>/dev/null; }
		wait_for gone_unasked
		logged "removing port 3: the process that owns it has exited"
		equals "" "$(port_objects)"
		stop_all
	done
}

@test "docker-proxy: the wildcards of both families become loopback addresses inside" {
	launch_docker --net=none --port-driver=builtin
	free_port
	docker_proxy -proto=udp --host-ip=:: -host-port "$PORT" -container-ip 172.17.0.2 -container-port 53
	wait_for answered
	equals "{\"proto\":\"udp6\",\"parentIP\":\"::\",\"parentPort\":$PORT,\"childIP\":\"::1\",\"childPort\":$PORT}" \
		"$(port_objects | jq -c .spec)"
	says "$(<words)" '^--?host-ip=::1$'
	touch end
	wait_for test -s status
	stop_all
}

@test "docker-proxy: a refused port is reported over descriptor 3" {
	launch_docker --net=none --port-driver=builtin
	publish tcp 127.0.0.1 0 127.0.0.1 80
	docker_proxy -proto tcp -host-ip 127.0.0.1 -host-port "$PORT" -container-ip 172.17.0.2 -container-port 80
	wait_for answered
	equals 1 "$(head -1 answer)"
	says "$(<answer)" 'conflicts with port 1'
	absent words
	touch end
	wait_for test -s status
	equals 1 "$(<status)"
	stop_all
}

@test "docker-proxy: when the real one fails, its message is passed on and the port is removed" {
	touch fail
	launch_docker --net=none --port-driver=builtin
	free_port
	docker_proxy -proto tcp -host-ip 127.0.0.1 -host-port "$PORT" -container-ip 172.17.0.2 -container-port 80
	# The message is written in two pieces.
	wait_for grep -qsx 'no luck' answer
	equals $'1\nno luck' "$(<answer)"
	removed() { [ "$(port_objects)" = "" ]; }
	wait_for removed
	touch end
	wait_for test -s status
	equals 1 "$(<status)"
	stop_all
}

@test "docker-proxy: a protocol that the driver lacks is a warning and no failure" {
	launch_docker --net=none --port-driver=builtin
	docker_proxy -proto sctp -host-ip 127.0.0.1 -host-port 80 -container-ip 172.17.0.2 -container-port 80
	wait_for answered
	equals 0 "$(<answer)"
	says "$(<said)" 'warning: .*sctp'
	absent words
	touch end
	wait_for test -s status
	equals 0 "$(<status)"
	stop_all
}

@test "docker-proxy: without a port driver the real one runs unchanged" {
	launch_docker --net=none
	docker_proxy -proto tcp -host-ip 0.0.0.0 -host-port 80 -container-ip 172.17.0.2 -container-port 80
	wait_for answered
	equals "-proto tcp -host-ip 0.0.0.0 -host-port 80 -container-ip 172.17.0.2 -container-port 80" \
		"$(tail -n +2 words | paste -sd' ')"
	touch end
	wait_for test -s status
	equals 0 "$(<status)"
	stop_all
}
