#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command tries to access every process that is not its own (tests/lib/tools/attack.c), while
# the network helper and the port agent are killed and restarted. SECURITY.md explains why all attempts fail.
#
# seconds: 86

load ../../lib/bash/common
load ../../lib/bash/networks
load ../../lib/bash/ports

ATTACK=$FAUXROOT_TEST_TOOLS/attack
# On most machines there are three restarts within this time. An attack continues until there were three.
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

# another_helper OLD - the launcher has another network helper than the process OLD, or has exited
another_helper() {
	local now
	! alive "$LAUNCHER" || { now=$(helper_of "$LAUNCHER") && [ "$now" != "$1" ]; }
}

# kill_helper - kill the network helper, once; and wait for the next one. Restarts after several deaths in ten
# seconds are slow, so wait a while each time.
kill_helper() {
	local old
	old=$(helper_of "$LAUNCHER") || return 0
	kill -KILL "$old" 2>/dev/null || return 0
	wait_for another_helper "$old"
	sleep 1.3
}

# kill_again NAME - the same for another child of the launcher. Five deaths in ten seconds are fatal.
kill_again() {
	local old
	old=$(child_of "$LAUNCHER" "$1") || return 0
	kill -KILL "$old" 2>/dev/null || return 0
	wait_for another "$1" "$old"
	sleep 1.3
}

# has_restarts NAME - at least three helpers of this cell were started again
has_restarts() {
	[ "$(grep -c 'started again' "$1.log")" -ge 3 ]
}

# cell NAME "OPTIONS" "WORDS" - one launch under attack, in the background; its output in NAME.said, its
# status in NAME.status
cell() {
	S=$T/state.$1
	# shellcheck disable=SC2086 # words
	"$FAUXROOT" --state-dir="$S" --port-driver=builtin $2 \
		"$ATTACK" $SECONDS_EACH --until "$T/$1.enough" $3 >"$1.said" 2>"$1.log" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for test -s "$S/child_pid" || :
	while alive "$LAUNCHER"; do
		kill_helper
		kill_again 'fauxroot: agent'
		! has_restarts "$1" || : >"$1.enough"
	done
	local status=0
	wait "$LAUNCHER" || status=$?
	echo "$status" >"$1.status"
}

# survived HELPER CELL… - each launch has ended well, and had a helper of that name (a regular expression) that
# was restarted
survived() {
	local helper=$1 name
	shift
	for name; do
		echo "== $name"
		cat "$name.said" "$name.log"
		equals 0 "$(cat "$name.status")"
		# They existed, and were restarted.
		grep -Eqx "$helper: seen" "$name.said"
		grep -q '^fauxroot: agent: seen$' "$name.said"
		has_restarts "$name"
	done
}

# attack "OPTIONS" "WORDS" - three launches side by side
attack() {
	local slirp="--net=slirp4netns --disable-host-loopback $1" cells=()
	cell plain "$slirp" "$2" &
	cells+=($!)
	cell wrapper "$slirp --slirp4netns-binary=$PWD/wrapper --net-accel=switch" "$2" &
	cells+=($!)
	cell unconfined "$slirp --slirp4netns-sandbox=false --slirp4netns-seccomp=false" "$2" &
	cells+=($!)
	# Not wait without PIDs: bats has its own process here, for the test's timeout.
	wait "${cells[@]}"
	survived slirp4netns plain wrapper unconfined
	grep -q '^fauxroot: switc[a-z]*: seen$' wrapper.said
}

# attack_pasta "OPTIONS" "WORDS" - one launch for each version of pasta, side by side
attack_pasta() {
	local name cells=() names=()
	find_networks
	for name in "${NETWORKS[@]}"; do
		[ "$name" != slirp4netns ] || continue
		choose "$name"
		! holds_loopback || NET+=(--disable-host-loopback)
		cell "$name" "${NET[*]} $1" "$2" &
		cells+=($!)
		names+=("$name")
	done
	wait "${cells[@]}"
	for name in "${names[@]}"; do
		case $name in
		# The loader of another release executes it.
		pasta-*) survived 'ld-linux.*' "$name" ;;
		# It executes a variant of itself for the processor.
		*) survived 'pass(t|ta)(\..*)?' "$name" ;;
		esac
		# The holder stays as long as pasta.
		grep -q '^fauxroot: hold: seen$' "$name.said"
	done
}

@test "the command accesses no process of ours, while they are killed and restarted" {
	attack "" ""
}

@test "with --pidns the command accesses no process of ours, after it has uncovered the host's /proc" {
	attack --pidns "--uncover-proc --spare-parent"
}

@test "with pasta of each release the command accesses no process of ours" {
	attack_pasta "" ""
}

@test "with pasta and --pidns the command accesses no process of ours, after it has uncovered the host's /proc" {
	attack_pasta --pidns "--uncover-proc --spare-parent"
}
