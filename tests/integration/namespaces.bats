#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets LAUNCHER, TARGET
# Further namespaces: UTS, IPC and cgroup, each by itself and all together.

load ../lib/bash/common

own() { readlink "/proc/self/ns/$1"; }

inside() { "$FAUXROOTCTL" --socket "$S/api.sock" exec -- "$@" 3>&- 4>&-; }

@test "UTS, IPC and cgroup namespaces are created on request, and only then" {
	local ns other
	for ns in uts ipc cgroup; do
		run -0 fx "--${ns}ns" sh -c 'for ns in uts ipc cgroup; do readlink "/proc/self/ns/$ns"; done'
		for other in uts ipc cgroup; do
			if [ $other = $ns ]; then
				not grep -qxF "$(own $other)" <<<"$output"
			else
				grep -qxF "$(own $other)" <<<"$output"
			fi
		done
	done
}

@test "a host name that is changed inside does not change the host's" {
	local before
	before=$(hostname)
	run -0 fx --utsns sh -c 'hostname changed-inside && hostname'
	equals changed-inside "$output"
	equals "$before" "$(hostname)"
	# Without a UTS namespace the host's name cannot be changed.
	run ! fx sh -c 'hostname changed-outside 2>/dev/null'
	equals "$before" "$(hostname)"
}

@test "System V IPC objects created inside are not visible outside" {
	local id
	id=$(fx --ipcns sh -c 'ipcmk -Q >/dev/null && ipcs -q | grep -c 0x' 2>&1)
	equals 1 "$id"
	# And the host's are not visible inside.
	id=$(ipcmk -Q | grep -o '[0-9]*$')
	run fx --ipcns sh -c 'ipcs -q | grep -c 0x'
	ipcrm -q "$id"
	equals 0 "$output"
}

@test "with --cgroupns the command's own cgroup is the root" {
	run -0 fx --cgroupns cat /proc/self/cgroup
	not grep -vE '^[0-9]+:[^:]*:/$' <<<"$output"
}

@test "exec joins all namespaces, from outside and from inside" {
	launch --utsns --ipcns --cgroupns --net=none sh -c 'hostname exec-joins; exec sleep 1000'
	becomes "$TARGET" sleep
	local ns
	for ns in user mnt net uts ipc cgroup; do
		equals "$(readlink "/proc/$TARGET/ns/$ns")" "$(inside readlink "/proc/self/ns/$ns")"
		equals "$(readlink "/proc/$TARGET/ns/$ns")" \
			"$(inside "$FAUXROOTCTL" exec readlink "/proc/self/ns/$ns")"
	done
	equals exec-joins "$(inside hostname)"
	stop
}

@test "all namespaces with a private network, whose helper is restarted" {
	launch --utsns --ipcns --cgroupns --net=slirp4netns --copy-up=/etc sleep 1000
	local helper
	helper=$(child_of "$LAUNCHER" slirp4netns)
	kill -KILL "$helper"
	wait_for logged 'started again'
	stop
}
