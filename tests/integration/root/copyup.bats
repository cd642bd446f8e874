#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copy-up of a /run that root of the host has filled: tests/integration/copyup_modes.bats has the rest.

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab

setup() {
	root_setup
	LAB_FUNCTIONS=(adds)
}

# adds RESULT OPTIONS… - can the command create a network namespace? "yes" or "no"
adds() {
	local expected=$1 got=yes
	shift
	lab_start --net=none "$@" sh -ec 'ip netns add fx; ip netns exec fx true; ip netns del fx'
	# shellcheck disable=SC2153 # lab_start sets STATUS
	[ "$STATUS" -eq 0 ] || got=no
	if [ "$got" != "$expected" ] || [ -n "$(ls -A /run/netns 2>/dev/null)" ]; then
		printf '%s: %s, expected %s\n%s\n' "$*" "$got" "$expected" "$ERROR"
		return 1
	fi
}

@test "ip netns add, with the host's /run/netns absent, a directory, a mount" {
	lab <<-'END'
		mount -t tmpfs -o mode=755 none /run
		adds yes --copy-up=/run
		adds yes --copy-up=/run:copy
		adds yes --copy-up=/run --copy-up=/run/netns
		[ ! -e /run/netns ]
		mkdir /run/netns
		adds no --copy-up=/run
		adds yes --copy-up=/run:copy
		adds yes --copy-up=/run --copy-up=/run/netns
		adds yes --copy-up=/run/netns
		# As ip-netns(8) leaves it.
		mount --bind /run/netns /run/netns
		mount --make-shared /run/netns
		adds no --copy-up=/run
		adds no --copy-up=/run:copy
		adds yes --copy-up=/run --copy-up=/run/netns
		adds yes --copy-up=/run:copy --copy-up=/run/netns
	END
}

@test "a daemon's own directories and sockets in /run" {
	lab <<-'END'
		mount -t tmpfs -o mode=755 none /run
		mkdir -m 0711 /run/docker /run/containerd
		touch /run/xtables.lock
		chmod 0600 /run/xtables.lock
		"$PROBE" listen /run/daemon.sock >/dev/null &
		until [ -S /run/daemon.sock ]; do sleep 0.01; done
		make='mkdir -p /run/docker/x /run/containerd/y; echo >>/run/xtables.lock'
		lab_start --copy-up=/run sh -ec "$make"
		[ "$STATUS" -ne 0 ]
		works --copy-up=/run:copy sh -ec "$make; rm /run/daemon.sock; touch /run/daemon.sock"
		[ -S /run/daemon.sock ]
		# The names that the daemon needs, in the default mode.
		works --copy-up=/run sh -ec "rm /run/docker /run/containerd /run/xtables.lock; $make"
		socat -u UNIX-CONNECT:/run/daemon.sock - | grep -qx hello
		wait
	END
}

@test "--copy-up of /run/NAME where root owns the directory, one level" {
	lab <<-'END'
		mount -t tmpfs -o mode=755 none /run
		mkdir -p /run/a/b
		echo theirs >/run/a/file
		works --copy-up=/run --copy-up=/run/a sh -ec '
			echo ours >/run/a/new; rm /run/a/file; mkdir /run/a/c; ! touch /run/a/b/x 2>/dev/null'
		grep -qx theirs /run/a/file
		[ "$(ls -A /run/a)" = "$(printf "b\nfile")" ]
	END
}
