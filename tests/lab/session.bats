#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# In a login session of a machine that systemd has booted, with pure cgroup v2 and the packages of its
# release: what a user sees first.

load ../lib/bash/common
load ../lib/bash/machine

setup() {
	machine_setup
}

teardown() {
	:
}

@test "the machine has what this suite is about: systemd, cgroup v2, a login session" {
	equals systemd "$(cat /proc/1/comm)"
	equals cgroup2fs "$(stat -f -c %T /sys/fs/cgroup)"
	# shellcheck disable=SC2016 # expanded in the session
	run -0 session 'loginctl show-session $XDG_SESSION_ID -p Class -p Remote; echo $XDG_RUNTIME_DIR'
	says "$output" '^Class=user$'
	says "$output" "^$RUNTIME\$"
	wait_for state_is default.target active
}

@test "fauxroot is fake root, with and without a network, a PID namespace, copied-up directories" {
	equals 0 "$(session fauxroot id -u)"
	run -0 session fauxroot --net=slirp4netns --copy-up=/etc --copy-up=/run --pidns --disable-host-loopback \
		"sh -c 'id -u; ip -4 -o addr show tap0; cat /etc/resolv.conf; stat -f -c %T /run'"
	says "$output" '^0$'
	says "$output" '10\.0\.2\.100/24'
	says "$output" '^nameserver 10\.0\.2\.3$'
	says "$output" '^tmpfs$'
	equals '' "$(pgrep -u $FAUX -l slirp4netns)"
}

@test "--check finds the machine ready, and the launch agrees" {
	run -0 session fauxroot --check --net=slirp4netns --port-driver=builtin --copy-up=/etc --pidns \
		--disable-host-loopback
	echo "$output"
	run -0 session fauxroot --net=slirp4netns --port-driver=builtin --copy-up=/etc --pidns \
		--disable-host-loopback true
}

@test "a session that ends takes a launch along" {
	local pid
	session 'fauxroot sleep 1000 >/dev/null 2>&1 </dev/null & echo $!; wait' >out &
	wait_for test -s out
	pid=$(<out)
	wait_for alive "$pid"
	loginctl terminate-user "$FAUX"
	wait_for gone "$pid"
	wait_for test ! -e "$RUNTIME"
}
