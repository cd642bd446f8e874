#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # dockerd.bash reads them; bats sets what run() sets
# A real rootless dockerd, started by docker's script, with each network and port driver that scripts choose
# besides slirp4netns and builtin: a container reaches a server outside, and its published port is reached
# from the host and from outside. once/scripts.bats has the options of newer scripts, with a detached network,
# which this dockerd does not know.
#
# seconds: 40

load ../../../lib/bash/common
load ../../../lib/bash/root
load ../../../lib/bash/networks
load ../../../lib/bash/ports
load ../../../lib/bash/dockerd

setup_file() {
	load_root && two_networks &&
		serve client socat TCP4-LISTEN:7000,reuseaddr,fork SYSTEM:'echo outside'
}

teardown_file() {
	end_networks
}

setup() {
	dockerd_setup
	find_networks
	# The script passes --disable-host-loopback, which the newest pasta can keep.
	choose "${NETWORKS[-1]}"
	holds_loopback || skip "no pasta of 2024 or later"
}

teardown() {
	dockerd_teardown
}

page() { # WHERE IP
	"$1" curl -s --max-time 10 "http://$2:8080/"
}

# pasta of the port driver implicit looks for listeners every second.
published() {
	[ "$(page host 127.0.0.1)" = 'from the container' ] && [ "$(page client "$HOST4")" = 'from the container' ]
}

# combination NETWORK PORT-DRIVER [OPTION…]
combination() {
	echo "$*"
	NETWORK=$1 PORT_DRIVER=$2 LAUNCHER_FLAGS="${*:3}"
	start_dockerd nsenter --target "$HOST_NS" --net --
	docker image inspect server >/dev/null 2>&1 || make_image
	equals outside "$(docker run --rm server /busybox nc "$CLIENT4" 7000)"
	docker run -d --name one -p 8080:80 server
	wait_for published
	docker rm -f one
	stop 0
}

@test "dockerd-rootless.sh with pasta: port drivers builtin, pesto and implicit; and with gvisor-tap-vsock" {
	combination pasta builtin "${NET[1]}"
	combination pasta pesto "${NET[1]}"
	combination pasta implicit "${NET[1]}"
	combination gvisor-tap-vsock builtin
}
