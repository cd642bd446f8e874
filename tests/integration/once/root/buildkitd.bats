#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The real buildkitd under a real service manager, by the shipped units, and by the commands of the documents:
# builds, stops, crashes. FAUXROOT_TEST_BUILDKIT names the directory of buildkitd and buildctl if they are
# not in PATH.

load ../../../lib/bash/common
load ../../../lib/bash/root
load ../../../lib/bash/systemd

DAEMON=buildkitd
UNIT=fauxroot-buildkit.service
DEADLINE=60

setup() {
	[ -z "${FAUXROOT_TEST_BUILDKIT:-}" ] || export PATH=$FAUXROOT_TEST_BUILDKIT:$PATH
	if ! BUILDKITD=$(command -v buildkitd) || ! command -v buildctl >/dev/null || ! command -v runc >/dev/null; then
		skip "buildkitd is not installed"
	fi
	need_systemd
	root_setup
	export BUILDKIT_HOST=unix://$XDG_RUNTIME_DIR/buildkit/buildkitd.sock
}

teardown() {
	local status=0
	# Without a buildkitd there is nothing to clean up.
	[ -n "${T:-}" ] || return 0
	stop_manager || status=1
	[ $status = 0 ] && [ -n "$BATS_TEST_COMPLETED" ] || [ ! -e "${UNIT_LOG:-}" ] ||
		tail -n 40 "$UNIT_LOG" | sed 's/^/unit: /' >&2
	# Files of subordinate ids: only fake root may delete them.
	[ ! -e "$T/home" ] || as_user "$FAUXROOT" rm -rf "$T/home/.local" || status=1
	common_teardown || status=1
	return $status
}

# build_image - build a RUN step, without a registry; the result is in $T/rootfs
build_image() {
	as_user mkdir -p context
	cp "$(command -v busybox.static || command -v busybox)" context/busybox
	# shellcheck disable=SC2016 # for the container
	printf 'FROM scratch\nCOPY busybox /busybox\nRUN ["/busybox", "sh", "-c", "/busybox id -u >/made"]\n' \
		>context/Dockerfile
	chmod -R a+rX context
	as_user buildctl build --progress=plain --frontend dockerfile.v0 --local context=context \
		--local dockerfile=context --output type=local,dest=rootfs
}

# crash - kill the daemon by SIGKILL, as the kernel does when memory is short
crash() {
	kill -KILL "$(<"$XDG_RUNTIME_DIR/fauxroot-buildkit/child_pid")"
}

@test "the shipped unit: the first client starts it, a build works, a stop leaves it inactive" {
	start_manager
	adapt $UNIT "$BUILDKITD" </dev/null
	sc start fauxroot-buildkit.socket
	property_is $UNIT ActiveState inactive
	build_image
	equals 0 "$(<rootfs/made)"
	property_is $UNIT ActiveState active
	property_is $UNIT SubState running
	sc stop $UNIT
	property_is $UNIT ActiveState inactive
	property_is $UNIT Result success
	# buildkitd's status after SIGTERM; if this changes, the units must change.
	property_is $UNIT ExecMainStatus 1
	absent "$XDG_RUNTIME_DIR/fauxroot-buildkit"
	# The socket still exists.
	as_user buildctl debug workers
	property_is $UNIT ActiveState active
	sc restart $UNIT
	property_is $UNIT ActiveState active
	sc stop fauxroot-buildkit.socket $UNIT
	property_is $UNIT ActiveState inactive
	equals "" "$(sc list-units --state=failed --no-legend 'fauxroot*')"
}

@test "the shipped unit: daemon or launcher killed, it is restarted; a loop of crashes ends failed" {
	start_manager
	adapt $UNIT "$BUILDKITD" <<<"RestartSec=0"
	sc start $UNIT
	crash
	wait_for property_is $UNIT NRestarts 1
	wait_for property_is $UNIT ActiveState active
	as_user buildctl debug workers
	kill -KILL "$(property $UNIT MainPID)"
	wait_for property_is $UNIT NRestarts 2
	wait_for property_is $UNIT ActiveState active
	as_user buildctl debug workers
	sc stop fauxroot-buildkit.socket $UNIT
	property_is $UNIT ActiveState inactive

	# Its own refusal, with status 1.
	sc reset-failed
	echo 'this is no TOML' >"$T/bad.toml"
	adapt $UNIT "$BUILDKITD --config $T/bad.toml" <<<"RestartSec=0"
	not sc start $UNIT
	wait_for property_is $UNIT ActiveState failed
	property_is $UNIT ExecMainStatus 1
	wait_for property_is fauxroot-buildkit.socket Result service-start-limit-hit
}

@test "the template: an instance with its own cache" {
	start_manager
	adapt fauxroot-buildkit@ci.service "$BUILDKITD" </dev/null
	sc start fauxroot-buildkit@ci.socket
	export BUILDKIT_HOST=unix://$XDG_RUNTIME_DIR/buildkit-ci/buildkitd.sock
	build_image
	equals 0 "$(<rootfs/made)"
	as_user test -d "$T/home/.local/share/buildkit-ci"
	sc stop fauxroot-buildkit@ci.socket fauxroot-buildkit@ci.service
	property_is fauxroot-buildkit@ci.service ActiveState inactive
	property_is fauxroot-buildkit@ci.service Result success
}

@test "the system-wide unit: with its own user, and inactive after a stop" {
	start_system_manager
	cp "$UNITS_SHIPPED"/system/* "$UNIT_DIR"
	mkdir "$UNIT_DIR/$UNIT.d"
	# The unit has its own /tmp.
	printf '[Service]\nStandardOutput=append:%s\nStandardError=append:%s\nBindReadOnlyPaths=%s:%s\nExecStart=\nExecStart=%s\n' \
		/run/test/log/unit.log /run/test/log/unit.log "${BUILDKITD%/*}" /run/test/buildkit \
		"$(sed -n "s,buildkitd --addr,/run/test/buildkit/buildkitd --addr,
			s,^ExecStart=fauxroot ,/run/test/build/fauxroot ,p" "$UNIT_DIR/$UNIT")" >"$UNIT_DIR/$UNIT.d/test.conf"
	system_sc daemon-reload
	system_sc start fauxroot-buildkit.socket
	run -0 inside env BUILDKIT_HOST=unix:///run/fauxroot-buildkit.sock "$(command -v buildctl)" debug workers
	says "$output" linux/
	equals active "$(system_sc show --value -p ActiveState $UNIT)"
	equals "$(inside id -u fauxroot-buildkit)" \
		"$(inside stat -c %u "/proc/$(system_sc show --value -p MainPID $UNIT)")"
	system_sc stop $UNIT
	equals inactive "$(system_sc show --value -p ActiveState $UNIT)"
	equals success "$(system_sc show --value -p Result $UNIT)"
	equals 1 "$(system_sc show --value -p ExecMainStatus $UNIT)"
	system_sc stop fauxroot-buildkit.socket
}
