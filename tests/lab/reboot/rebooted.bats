#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# After a reboot: what the tests before it left enabled is back.

load ../../lib/bash/common
load ../../lib/bash/machine

setup() {
	machine_setup
}

teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] || journalctl --no-pager -n 40 _UID="$FAUX_UID" >&2 || :
}

@test "the user's daemon is back without a login, with its images" {
	wait_for test -S $DOCKER_SOCKET
	daemon_is_active() { [ "$(systemctl --user -M $FAUX@ is-active fauxroot-docker.service 2>/dev/null)" = active ] ||
		state_is fauxroot-docker.service active; }
	wait_for daemon_is_active
	says "$(as_docker images)" '^box '
	equals hello "$(as_docker run --rm box /bin/busybox echo hello)"
}

@test "the system-wide socket is back, and starts its daemon" {
	systemctl is-active fauxroot-buildkit.socket
	systemctl is-enabled fauxroot-buildkit.socket
}
