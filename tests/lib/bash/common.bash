# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# (bats' run sets status, output and stderr; LAUNCHER, TARGET and others are for the tests.)
#
# Functions for every integration test.
#
# A test gets its own directories (with its XDG_RUNTIME_DIR) and a mark in its environment, which all its
# processes inherit. After the test, no process with that mark may run, none of our files may be in those
# directories, and the mounts must be unchanged. A test that leaves something behind has failed, whatever its
# other results.
#
#	FAUXROOT            the launcher under test (build/fauxroot)
#	FAUXROOTCTL         its client (beside it)
#	FAUXROOT_TEST_TOOLS the programs built from tests/lib/tools/*.c (tests/lib beside the launcher)
#	FAUXROOT_TEST_USER  the unprivileged user for tests that start as root (faux)

bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME" && git -c safe.directory='*' rev-parse --show-toplevel 2>/dev/null) ||
	ROOT=${BATS_TEST_DIRNAME%/tests/*}
: "${FAUXROOT:=$ROOT/build/fauxroot}"
: "${FAUXROOTCTL:=${FAUXROOT%/*}/fauxrootctl}"
: "${FAUXROOT_TEST_TOOLS:=${FAUXROOT%/*}/tests/lib}"
: "${FAUXROOT_TEST_USER:=faux}"
PROBE=$FAUXROOT_TEST_TOOLS/probe
PTY=$FAUXROOT_TEST_TOOLS/pty
export FAUXROOT FAUXROOTCTL FAUXROOT_TEST_TOOLS FAUXROOT_TEST_USER PROBE PTY

# The deadline of every wait, in seconds. It costs nothing when the event occurs, and must be below
# BATS_TEST_TIMEOUT (tests/integration/run). SLOW is how many times slower than usual the machine is.
DEADLINE=$((30 * ${SLOW:-1}))

common_setup() {
	export FAUXROOT_TEST_MARK="$$.$BATS_SUITE_TEST_NUMBER.$EPOCHREALTIME"
	HOST_RUNTIME_DIR=${XDG_RUNTIME_DIR:-}
	T=$BATS_TEST_TMPDIR
	export XDG_RUNTIME_DIR=$T/run TMPDIR=$T/tmp
	mkdir -m 0700 "$XDG_RUNTIME_DIR" "$TMPDIR"
	S=$T/state
	OUT=$T/out
	LOG=$T/log
	cut -d' ' -f5- /proc/self/mountinfo >"$T/mounts"
	# A finding of a sanitizer in any of our processes fails the test, not only in the process that the test
	# waits for. Leaks are checked where the process is not traced.
	export ASAN_OPTIONS="log_path=$T/sanitizer:detect_leaks=${LEAKS:-1}"
	export UBSAN_OPTIONS="log_path=$T/sanitizer:print_stacktrace=1"
	umask 022
	cd "$T" || return
}

common_teardown() {
	local left
	! declare -F release_ports >/dev/null || release_ports
	# Processes that a failed test, or its timeout, left behind are no finding.
	if [ -z "$BATS_TEST_COMPLETED$BATS_TEST_SKIPPED" ]; then
		show_failure
		kill_marked
		return
	fi
	left=$(await_nothing_left)
	if [ -n "$left" ]; then
		printf 'left behind: %s\n' "$left"
		show_failure
		kill_marked
		return 1
	fi
	if ! diff "$T/mounts" <(cut -d' ' -f5- /proc/self/mountinfo); then
		echo "the mounts have changed"
		return 1
	fi
	if compgen -G "$T/sanitizer*" >/dev/null; then
		show_failure
		return 1
	fi
}

# show_failure - print what may explain a failure: findings of sanitizers, the end of the launcher's log,
# remaining processes and files
show_failure() {
	local file there
	for file in "$T"/sanitizer*; do
		[ ! -f "$file" ] || head -n 60 "$file"
	done
	[ ! -s "$LOG" ] || tail -n 30 "$LOG" | sed 's/^/log: /'
	there=$(nothing_left)
	[ -z "$there" ] || head -n 12 <<<"$there" | sed 's/^/there is: /'
}

setup() {
	common_setup
}

teardown() {
	common_teardown
}

# subuids USER - print "FIRST COUNT", the user's first range in /etc/subuid
subuids() {
	awk -F: -v user="$1" '$1 == user { print $2 " " $3; exit }' /etc/subuid
}

# marked - print the PIDs of running processes with this test's mark. A zombie has no environment, so it is
# not found: the machine decides when it is reaped.
marked() {
	# shellcheck disable=SC2016 # $1 is for the inner shell
	env -u FAUXROOT_TEST_MARK sh -c 'grep -lzxFs "$1" /proc/[0-9]*/environ | cut -d/ -f3' \
		sh "FAUXROOT_TEST_MARK=$FAUXROOT_TEST_MARK"
}

# kill_marked - kill them until there are none: one may fork during the search
kill_marked() {
	local pids end=$((SECONDS + DEADLINE))
	while pids=$(marked) && [ -n "$pids" ] && [ $SECONDS -le $end ]; do
		# shellcheck disable=SC2086 # words
		kill -KILL $pids 2>/dev/null || true
	done
}

state_left() {
	ls -d "$XDG_RUNTIME_DIR"/fauxroot.* "$TMPDIR"/fauxroot.* "$S" 2>/dev/null
}

# nothing_left - check that no process and no state directory is left; print what is
nothing_left() {
	local pid words
	for pid in $(marked); do
		words=$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) || true
		# It may have disappeared since it was found.
		if [ -n "$words" ] || alive "$pid"; then
			echo "process $pid ($words)"
		fi
	done
	state_left
}

# Helpers are killed before the launcher exits, but the last of them may still be exiting.
await_nothing_left() {
	local end=$((SECONDS + DEADLINE)) left
	# The status is that of ls, which finds no state directory if only processes are left.
	while left=$(nothing_left || :) && [ -n "$left" ] && [ $SECONDS -lt $end ]; do
		sleep 0.02
	done
	[ -z "$left" ] || echo "$left"
}

# wait_for COMMAND… - repeat it until it succeeds, $DEADLINE seconds at most. Only the stderr of the last try
# is shown.
wait_for() {
	local end=$((${EPOCHREALTIME/./} + DEADLINE * 1000000)) why=${T:-$BATS_FILE_TMPDIR}/in_vain
	until "$@" 2>"$why"; do
		if [ ${EPOCHREALTIME/./} -gt $end ]; then
			echo "timed out after ${DEADLINE} s: $*" >&2
			cat "$why" >&2
			return 1
		fi
		sleep 0.02
	done
}

# fx [OPTIONS] COMMAND… - run the launcher in the foreground, without bats' own descriptors
fx() {
	"$FAUXROOT" "$@" 3>&- 4>&-
}

# launch [OPTIONS] COMMAND… - start the launcher in the background, with state directory $S, PID $LAUNCHER,
# stdout and stderr in $OUT and $LOG. It returns just before the target is executed.
launch() {
	launch_only "$@"
	await_launch
}

# await_launch - set TARGET, once the launcher has started it. Fail if the launcher has exited.
await_launch() {
	wait_for launch_is_decided || return
	if [ ! -s "$S/child_pid" ]; then
		echo "the launcher has exited" >&2
		return 1
	fi
	TARGET=$(<"$S/child_pid")
}

launch_is_decided() {
	[ -s "$S/child_pid" ] || gone "$LAUNCHER"
}

launch_only() {
	# Before the start: an earlier launch's file must not be taken for this one's.
	: >"$OUT"
	: >"$LOG"
	"$FAUXROOT" --state-dir="$S" "$@" </dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
}

# as_job COMMAND… - run it with job control, as in an interactive shell: its background processes are jobs
# with their own process groups. The launcher does not stop without a process that could continue it.
as_job() {
	local status=0
	set -m
	"$@" || status=$?
	set +m
	return $status
}

# as_service COMMAND… - the launcher leads its own session, as in a service
as_service() {
	printf '#!/bin/sh\nexec setsid "%s" "$@"\n' "$FAUXROOT" >"$T/service"
	chmod +x "$T/service"
	local FAUXROOT=$T/service
	"$@"
}

# ended WANTED - the launcher of launch() exits by itself within the deadline, with this status
ended() {
	local code=0
	wait_for gone "$LAUNCHER" || return
	wait "$LAUNCHER" || code=$?
	if [ "$code" -ne "$1" ]; then
		echo "status $code, not $1" >&2
		return 1
	fi
}

# stop - send SIGTERM to the launcher of launch(); its target dies of it
stop() {
	kill -TERM "$LAUNCHER"
	ended "${1:-143}"
}

# gone PID - it has exited, reaped or not. (Not with read: if the process exits meanwhile, bash cannot seek
# back, and the next read, of another file, gets the rest of its data.)
gone() {
	local look
	look=$(cat "/proc/${1:?no PID}/status" 2>/dev/null) || return 0
	[[ -z $look || $look = *$'\nState:\t'[ZX]* ]]
}

alive() {
	! gone "$1"
}

process_state() { # PID LETTERS
	grep -q "^State:.[$2]" "/proc/$1/status"
}

# becomes PID NAME - it has executed a program of that name
becomes() {
	wait_for grep -qxF -- "$2" "/proc/$1/comm"
}

# logged TEXT - a line of the log contains it
logged() {
	grep -qF -- "$1" "$LOG"
}

# log_count TEXT - print how many lines contain it
log_count() {
	grep -cF -- "$1" "$LOG" || true
}

# term_flood - send SIGTERM to the launcher every millisecond, so that one is nearly always pending, from the
# process $flood
term_flood() {
	local pause
	exec {pause}<> <(:)
	while kill -TERM "$LAUNCHER"; do
		read -rt 0.001 -u "$pause" || true
	done 2>/dev/null 3>&- 4>&- &
	flood=$!
}

# child_of PID NAME - print the PID of its child of that name. The list may lack a child while another one
# exits (man 5 proc, children), so read it repeatedly.
child_of() {
	local pid look
	for look in 1 2 3; do
		while read -r pid; do
			if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] && alive "$pid"; then
				echo "$pid"
				return 0
			fi
		done < <(cat "/proc/$1/task/"*/children 2>/dev/null | tr ' ' '\n')
	done
	return 1
}

# in_target COMMAND… - run it as root of the target's namespaces
in_target() {
	nsenter --target "$TARGET" --user --mount --net --preserve-credentials --wd="$T" "$@" 3>&- 4>&-
}

# not COMMAND… - like "!", but it fails the test (bash: set -e ignores "!")
not() {
	if "$@"; then
		echo "succeeded: $*" >&2
		return 1
	fi
}

# absent PATH… - none of them exists, not even as a dangling link
absent() {
	local path
	for path in "$@"; do
		if [ -e "$path" ] || [ -L "$path" ]; then
			echo "$path exists" >&2
			return 1
		fi
	done
}

# equals WANTED GOT
equals() {
	if [ "$1" != "$2" ]; then
		printf 'wanted: %s\n   got: %s\n' "$1" "$2" >&2
		return 1
	fi
}

# one_line TEXT PATTERN - TEXT is a single line of our own that matches the pattern (extended)
one_line() {
	if [ "$(wc -l <<<"$1")" -ne 1 ] || ! grep -qE -- "$2" <<<"$1"; then
		printf 'not one line with "%s":\n%s\n' "$2" "$1" >&2
		return 1
	fi
}

# one_error TEXT PATTERN - TEXT is one error of the launcher that matches; only lines with its cause and
# remedy may follow
one_error() {
	local first=${1%%$'\n'*} prefix='^\[[a-z]+:[a-z ]+\] '
	if ! grep -qE -- "${prefix}error: .*($2)" <<<"$first" ||
		grep -vqE -- "$prefix" <<<"$1" || [ "$(grep -cE "${prefix}error: cause:" <<<"$1")" -gt 1 ]; then
		printf 'not one error with "%s":\n%s\n' "$2" "$1" >&2
		return 1
	fi
}

# says TEXT PATTERN - some line matches
says() {
	if ! grep -qE -- "$2" <<<"$1"; then
		printf 'no line with "%s" in:\n%s\n' "$2" "$1" >&2
		return 1
	fi
}

# Print the calling user's ranges in the form of the child's maps.
expected_map() { # FILE OWN_ID
	local start count at=1
	printf '0 %s 1\n' "$2"
	while IFS=: read -r _ start count; do
		printf '%s %s %s\n' "$at" "$start" "$count"
		at=$((at + count))
	done < <(grep -E "^($(id -un)|$(id -u)):" "$1")
}

# Does the launcher have a sanitizer? Tests of descriptor limits and of memory need to know.
sanitized() {
	grep -q __asan_init "$FAUXROOT"
}
