#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Rootless dockerd in its own PID namespace, killed and restarted on the same directories. Its pid file, and
# containerd's, are left behind; they must not name the new daemon itself.

load ../../../lib/bash/common
load ../../../lib/bash/root
load ../../../lib/bash/dockerd

setup_file() {
	load_root
}

setup() {
	dockerd_setup
	LAUNCHER_FLAGS=--pidns
}

teardown() {
	dockerd_teardown
}

nobody_left() {
	[ -z "$(marked)" ]
}

@test "dockerd restarts after SIGKILL, despite the pid files of its predecessor" {
	local before='' now
	for _ in 1 2 3; do
		start_dockerd
		now=$(<"$XDG_RUNTIME_DIR/pid")
		[ "$now" -ge 1000 ]
		[ "$now" != "$before" ]
		before=$now
		kill -KILL "$LAUNCHER"
		wait_for nobody_left
		# The machine's own record of it: a crash of the machine leaves it, too.
		equals "$now" "$(<"$XDG_RUNTIME_DIR/pid")"
	done
	start_dockerd
	kill -TERM "$LAUNCHER"
	ended 0
}
