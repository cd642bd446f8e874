#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2153 # what labs use and set
# --check agrees with the launch (tests/lib/bash/matrix.bash): processes and descriptors.
#
# seconds: 50

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab
load ../../lib/bash/matrix

setup() {
	matrix_setup
	LAB_FUNCTIONS+=(agree_descriptors)
}

# A launch fails in the stage that runs out of descriptors, and so does its rehearsal.
agree_descriptors() {
	agree_all "$@"
	agree --net=slirp4netns --port-driver=slirp4netns --detach-netns true
	agree --net=slirp4netns --port-driver=builtin --pidns --cgroupns --utsns --ipcns true
	agree --net=none --port-driver=builtin --detach-netns true
}

@test "limits of processes and descriptors" {
	lab <<-'END'
		without_leak_check
		state "ulimit -u 1"
		AS=(bash -c 'ulimit -u 1; exec "$@"' sh)
		agree_all
		broken
		BEGINS='.*: Too many open files'
		limits=$(seq 8 64)
		[ -z "$QUICK" ] || limits="8 $(seq 20 4 64)"
		for n in $limits 1024; do
			state "ulimit -n $n"
			AS=(sh -c "ulimit -Sn $n; exec \"\$@\"" sh)
			agree_descriptors
			[ "$n" -ge 20 ] || broken
			[ "$n" -lt 64 ] || sound
		done
	END
}
