#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command tries to access every process that is not its own (tests/lib/tools/attack.c), while
# slirp4netns and the port agent are killed and restarted. SECURITY.md explains why all attempts fail.
#
# seconds: 42

load ../../lib/bash/common
load ../../lib/bash/ports

ATTACK=$FAUXROOT_TEST_TOOLS/attack
# Enough for three restarts.
SECONDS_EACH=$((20 * ${SLOW:-1}))

setup() {
	common_setup
	# Some distributions wrap programs in this way to set their environment.
	printf '#!/bin/sh\nexec "%s" "$@"\n' "$(type -P slirp4netns)" >wrapper
	chmod +x wrapper
}

# another NAME OLD - the launcher has a child of this name that is not the process OLD, or has exited
another() {
	local now
	! alive "$LAUNCHER" || { now=$(child_of "$LAUNCHER" "$1") && [ "$now" != "$2" ]; }
}

# kill_again NAME - kill that helper, once; and wait for the next one. Five deaths in ten seconds are fatal,
# so wait a while each time.
kill_again() {
	local old
	old=$(child_of "$LAUNCHER" "$1") || return 0
	kill -KILL "$old" 2>/dev/null || return 0
	wait_for another "$1" "$old"
	sleep 1.3
}

# cell NAME "OPTIONS" "WORDS" - one launch under attack, in the background; its output in NAME.said, its
# status in NAME.status
cell() {
	S=$T/state.$1
	# shellcheck disable=SC2086 # words
	"$FAUXROOT" --state-dir="$S" --net=slirp4netns --disable-host-loopback --port-driver=builtin $2 \
		"$ATTACK" $SECONDS_EACH $3 >"$1.said" 2>"$1.log" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for test -s "$S/child_pid" || :
	while alive "$LAUNCHER"; do
		kill_again slirp4netns
		kill_again 'fauxroot: agent'
	done
	local status=0
	wait "$LAUNCHER" || status=$?
	echo "$status" >"$1.status"
}

# attack "OPTIONS" "WORDS" - three launches side by side
attack() {
	local name cells=()
	cell plain "$1" "$2" &
	cells+=($!)
	cell wrapper "--slirp4netns-binary=$PWD/wrapper --net-accel=switch $1" "$2" &
	cells+=($!)
	cell unconfined "--slirp4netns-sandbox=false --slirp4netns-seccomp=false $1" "$2" &
	cells+=($!)
	# Not wait without PIDs: bats has its own process here, for the test's timeout.
	wait "${cells[@]}"
	for name in plain wrapper unconfined; do
		echo "== $name"
		cat "$name.said" "$name.log"
		equals 0 "$(cat "$name.status")"
		# They existed, and were restarted.
		grep -q '^slirp4netns: seen$' "$name.said"
		grep -q '^fauxroot: agent: seen$' "$name.said"
		[ "$(grep -c 'slirp4netns started again' "$name.log")" -ge 3 ]
	done
	grep -q '^fauxroot: switc[a-z]*: seen$' wrapper.said
}

@test "the command accesses no process of ours, while they are killed and restarted" {
	attack "" ""
}

@test "nor in a PID namespace, where it has uncovered the host's /proc" {
	attack --pidns "--uncover-proc --spare-parent"
}
