#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The rule of SECURITY.md: a process of ours that has joined the command's mount namespace executes nothing,
# loads nothing and reads no configuration there. A whole life is traced: a launch with a network and ports,
# restarts of slirp4netns, agent and forwarder, and the repair of resolv.conf, on a copy of /etc in a mount
# namespace of the test.

load ../../../lib/bash/common
load ../../../lib/bash/ports
load ../../../lib/bash/root

setup() {
	root_setup
	cp -a /etc "$T/etc"
	holder SCRATCH --mount --propagation private
	nsenter --target "$SCRATCH" --mount mount --bind "$T/etc" /etc
}

teardown() {
	kill -KILL "$SCRATCH" 2>/dev/null
	common_teardown
}

# another NAME OLD - the launcher has a child of this name that is not the process OLD
another() {
	local now
	now=$(child_of "$LAUNCHER" "$1") && [ "$now" != "$2" ]
}

restart() { # NAME
	local old
	old=$(child_of "$LAUNCHER" "$1")
	kill -KILL "$old"
	wait_for another "$1" "$old"
}

# within TRACE - print the calls of processes after they have joined a mount namespace, and of their
# children. strace writes "PID call(…) = result", and "<unfinished ...>" and "resumed" where two processes
# are in a call at the same time; so a child's first lines can precede the line that names it.
within() {
	awk '
	NR == FNR && / setns\([0-9]+.*, CLONE_NEWNS/ && !/= -1/ { from[$1] = FNR }
	NR == FNR && / (clone|clone3|fork|vfork)\(| <\.\.\. (clone|clone3|fork|vfork) resumed>/ {
		if ($1 in from && $NF + 0 > 0)
			from[$NF] = 0
	}
	NR == FNR { next }
	($1 in from) && FNR > from[$1] { print }' "$1" "$1"
}

@test "a process that joins the command's mounts executes and looks up nothing, in the whole life of an instance" {
	launch_as nsenter --target "$SCRATCH" --mount strace -D -f -qq -o "$T/trace" \
		-e trace=process,setns,%file,connect -e signal=none -- \
		--net=slirp4netns --port-driver=builtin --disable-host-loopback \
		sh -c 'while :; do sleep 1; done'
	publish tcp 0.0.0.0 0 "" 80
	restart slirp4netns
	restart 'fauxroot: agent'
	restart 'fauxroot: ports'
	# The host replaces it: our mount on it disappears, and is restored.
	nsenter --target "$SCRATCH" --mount sh -c 'echo nameserver 192.0.2.1 >/etc/new && mv /etc/new /etc/resolv.conf'
	ours() { nsenter --target "$TARGET" --mount grep -qx 'nameserver 10.0.2.3' /etc/resolv.conf; }
	wait_for ours
	stop
	within "$T/trace" >"$T/within"
	cat "$T/within"
	# There was such a process, and it did its work.
	grep -q 'move_mount(' "$T/within"
	run grep -E ' (execve|execveat|connect)\(' "$T/within"
	equals "" "$output"
	# It only opens, and does not read: mount points, its own files, and /proc.
	run sh -c 'grep -E " open(at|at2)?\(" "$1" | grep -vE "O_PATH|\"/proc/"' sh "$T/within"
	equals "" "$output"
}
