#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Errors of the system calls of a launch (tests/lib/bash/inject.bash).
#
# seconds: 31

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/inject

setup() {
	inject_setup
}

# Make each call of the launch fail with each error that it can have, the first few times it occurs.
sweep_errors() { # CALL ERRORS TIMES OPTIONS…
	local call=$1 errors=$2 times=$3 errnum n step
	shift 3
	step=$((times / 4 + 1))
	[ -z "${FULL:-}" ] || step=1
	for errnum in $errors; do
		for ((n = 1; n <= times; n += step)); do
			inject "inject=$call:error=$errnum:when=$n" "$@"
			# 126, 127: it was the target's own call, or its loader's.
			sane "$call: $errnum at $n" 0 125 126 127 1
			round_is_clean "$call: $errnum at $n"
		done
	done
	[ "$hits" -gt 0 ]
}

NET="--net=slirp4netns --copy-up=/etc"

@test "clone fails" {
	local errnum
	for errnum in ENOSPC EPERM EAGAIN; do
		inject "inject=clone:error=$errnum:when=1" $NET
		sane "clone: $errnum" 125
		round_is_clean "clone: $errnum"
	done
	sweep_errors clone "ENOSPC EPERM EINTR" 4 $NET
}

@test "mount fails" {
	sweep_errors mount "ENOSPC EPERM EINTR" 6 $NET
	sweep_errors open_tree,move_mount "EPERM ENOSPC" 2 $NET
}

@test "the calls that create a PID namespace and its init fail" {
	sweep_errors clone EAGAIN 4 --pidns
	sweep_errors mount EPERM 4 --pidns
	sweep_errors execveat ENOENT 1 --pidns
	sweep_errors pipe2,pidfd_open,signalfd4 EMFILE 4 --pidns
	sweep_errors sendmsg EPIPE 6 --pidns
}

@test "openat fails" {
	sweep_errors openat "EMFILE EPERM ENOSPC EINTR" 40 $NET
}

@test "write fails" {
	sweep_errors write "ENOSPC EPERM EINTR" 12 $NET
}

@test "socket and socketpair fail" {
	sweep_errors socket "EMFILE EPERM EINTR" 6 $NET
	sweep_errors socketpair "EMFILE EPERM" 2 $NET
}

@test "other resources run out: pidfds, signalfd, epoll, inotify, pipes, memory" {
	local call
	for call in signalfd4 epoll_create1 inotify_init1 pipe2 eventfd2 timerfd_create setns flock renameat2 \
		mkdirat fchmod fstat setresuid setresgid setgroups prctl execve; do
		inject "inject=$call:error=EPERM:when=1" $NET
		sane "$call: EPERM" 0 125 126
		round_is_clean "$call: EPERM"
	done
}
