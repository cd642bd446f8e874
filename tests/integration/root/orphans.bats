#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --kill-orphans with very many processes: the work grows with their number, and not with its square.

load ../../lib/bash/common
load ../../lib/bash/root

setup() {
	root_setup
}

@test "2,000 orphans that have ended: they are reaped before /proc is searched again" {
	local tracer group
	# LeakSanitizer does not work under strace.
	launch_as env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" -- \
		--kill-orphans --kill-timeout=100 sh -c 'setsid sh -c "trap \"\" TERM; i=0
		while [ \$((i += 1)) -le 2000 ]; do sleep 1000 & done; echo \$\$ >group"'
	wait_for grep -q 'terminating them' "$LOG"
	group=$(<group)
	strace -qq -o "$T/trace" -e trace=openat -p "$LAUNCHER" 3>&- 4>&- &
	tracer=$!
	traced() { ! grep -qx 'TracerPid:.0' "/proc/$LAUNCHER/status"; }
	wait_for traced
	kill -STOP "$LAUNCHER"
	kill -KILL -- "-$group"
	zombies() { cat $(sed "s|[^ ][^ ]*|/proc/&/stat|g" "/proc/$LAUNCHER/task/$LAUNCHER/children"); }
	ended() { [ "$(zombies 2>/dev/null | grep -c ") Z ")" -ge 2000 ]; }
	wait_for ended
	: >"$T/trace"
	kill -CONT "$LAUNCHER"
	wait "$LAUNCHER"
	wait "$tracer"
	[ "$(grep -ac '"/proc"' "$T/trace")" -le 2 ]
}
