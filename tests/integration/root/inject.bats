#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A launch broken at every system call: whatever fails, and wherever a signal comes, there is one clear
# line, a status of ours or the target's, and nothing left.
#
# strace runs as root with -u, so that newuidmap keeps its setuid bit. when=N counts by process and by
# call: the launcher, the child and the helpers are each hit at their own N-th openat, say. A sample is
# taken by default, half of it with sanitizers or refused system calls, where a launch takes its time;
# FULL=1 takes every call.

load ../../lib/bash/common
load ../../lib/bash/root

setup() {
	LEAKS=0 # LeakSanitizer cannot work in a traced process
	root_setup
	hits=0 # rounds in which it showed: a sweep that hits nothing shows nothing
}

# inject EXPRESSION OPTIONS… - one launch of "true" under strace; $code and $T/err
inject() {
	local expression=$1
	shift
	code=0
	timeout -k 5 60 strace -f -qq -o /dev/null -u "$FAUXROOT_TEST_USER" -E "PATH=$PATH" \
		-e "$expression" "$FAUXROOT" "$@" true </dev/null >"$T/stdout" 2>"$T/err" 3>&- 4>&- || code=$?
}

# Nothing of this round is left: as common_teardown, but it says at which round. Where the very call
# that clears the state directory away was made to fail, that must have been said.
round_is_clean() {
	local left
	if grep -qE '(emptying|removing) the state directory' "$T/err"; then
		wait_for no_process
		rm -rf "$XDG_RUNTIME_DIR"/fauxroot*
	fi
	left=$(await_nothing_left)
	if [ -n "$left" ]; then
		echo "$1: left behind: $left" >&2
		cat "$T/err" >&2
		return 1
	fi
}

no_process() {
	[ -z "$(marked)" ]
}

# sane EXPRESSION STATUS… - the round's status is one of these, and a failure has said something
sane() {
	local expression=$1 wanted
	shift
	for wanted in "$@"; do
		if [ "$code" -eq "$wanted" ]; then
			[ "$code" -eq 0 ] || hits=$((hits + 1))
			if [ "$code" -eq 0 ] || [ "$code" -ge 128 ] || [ -s "$T/err" ]; then
				return 0
			fi
			echo "$expression: status $code without a word" >&2
			return 1
		fi
	done
	echo "$expression: status $code" >&2
	cat "$T/err" >&2
	return 1
}

# Every call of such a launch as strace's when= counts it: by name and by process. Lines "NAME N".
every_call() { # OPTIONS…
	strace -f -qq -o "$T/trace" -u "$FAUXROOT_TEST_USER" -E "PATH=$PATH" "$FAUXROOT" "$@" true \
		</dev/null >/dev/null 2>&1 3>&- 4>&- || return
	sed -nE 's/^([0-9]+) +([a-z0-9_]+)\(.*/\1 \2/p' "$T/trace" |
		awk '{ n = ++seen[$1, $2]; if (n > most[$2]) { most[$2] = n; print $2, n } }'
}

# A signal at each of them; by default at a sample of ROUNDS.
sweep_signal() { # SIGNAL STATUS ROUNDS OPTIONS…
	local signal=$1 status=$2 rounds=$3 calls step nth name n
	shift 3
	mapfile -t calls < <(every_call "$@")
	[ ${#calls[@]} -gt 100 ]
	if sanitized || grep -q '^Seccomp:.2' /proc/self/status; then rounds=$((rounds / 2)); fi
	step=$((${#calls[@]} / rounds + 1))
	[ -z "${FULL:-}" ] || step=1
	for ((nth = 0; nth < ${#calls[@]}; nth += step)); do
		read -r name n <<<"${calls[nth]}"
		inject "inject=$name:signal=$signal:when=$n" "$@"
		# A helper that is hit fails the launch by its name: 125.
		sane "SIG$signal at $name $n" 0 "$status" 125
		round_is_clean "SIG$signal at $name $n"
	done
	echo "${#calls[@]} calls, a round at each $step, hit $hits times"
	[ "$hits" -gt $((${#calls[@]} / step / 4)) ]
}

@test "SIGTERM at the system calls of a launch" {
	sweep_signal TERM 143 60
}

@test "SIGTERM at the system calls of a launch with a network and copied-up directories" {
	sweep_signal TERM 143 60 --net=slirp4netns --copy-up=/etc
}

@test "SIGINT at the system calls of a launch" {
	sweep_signal INT 130 20 --net=none
}

@test "SIGTERM at the system calls of a launch with a PID namespace" {
	sweep_signal TERM 143 20 --pidns
}

# Each call that the launch makes, each error that a machine gives, at the first few times it is made.
sweep_errors() { # CALL ERRORS TIMES OPTIONS…
	local call=$1 errors=$2 times=$3 errnum n step
	shift 3
	step=$((times / 4 + 1))
	[ -z "${FULL:-}" ] || step=1
	for errnum in $errors; do
		for ((n = 1; n <= times; n += step)); do
			inject "inject=$call:error=$errnum:when=$n" "$@"
			# 126, 127: it was the target's own call, or that of its loader.
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

@test "what makes a PID namespace and its init fails" {
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

@test "what else may run out: pidfds, signalfd, epoll, inotify, pipes, memory" {
	local call
	for call in signalfd4 epoll_create1 inotify_init1 pipe2 eventfd2 timerfd_create setns flock renameat2 \
		mkdirat fchmod fstat setresuid setresgid setgroups prctl execve; do
		inject "inject=$call:error=EPERM:when=1" $NET
		sane "$call: EPERM" 0 125 126
		round_is_clean "$call: EPERM"
	done
}
