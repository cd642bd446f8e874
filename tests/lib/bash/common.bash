# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# (bats' run sets status, output and stderr; LAUNCHER, TARGET and others are for the tests.)
#
# What every integration test stands on.
#
# A test gets directories of its own (its XDG_RUNTIME_DIR among them) and a mark in its environment,
# which everything that it starts inherits. After the test, nothing with that mark may live, nothing
# of ours may lie in those directories, and the mounts are as they were. A test that leaves something
# behind has failed, whatever else it showed.
#
#	FAUXROOT            the launcher under test (build/fauxroot)
#	FAUXROOTCTL         its client (beside it)
#	FAUXROOT_TEST_TOOLS the programs made from tests/lib/tools/*.c (tests/lib beside the launcher)
#	FAUXROOT_TEST_USER  the unprivileged user to whom tests that start as root drop (faux)

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

# Seconds that whatever is waited for is given: a deadline, not a timing. It costs nothing where the
# event comes, and must be below BATS_TEST_TIMEOUT (tests/integration/run). SLOW is how many times
# slower than usual the machine is.
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
	# A finding of a sanitizer in any process of ours fails the test, not only in the one that
	# the test waits for. Leaks are looked for where nobody traces.
	export ASAN_OPTIONS="log_path=$T/sanitizer:detect_leaks=${LEAKS:-1}"
	export UBSAN_OPTIONS="log_path=$T/sanitizer:print_stacktrace=1"
	umask 022
	cd "$T" || return
}

common_teardown() {
	local left
	! declare -F release_ports >/dev/null || release_ports
	# What a test that has failed, timeouts included, did not come to end is no finding.
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

# show_failure - what may tell why a test has failed: findings of sanitizers, the end of the launcher's
# log, what is there yet
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

# subuids USER - "FIRST COUNT", its first range in /etc/subuid
subuids() {
	awk -F: -v user="$1" '$1 == user { print $2 " " $3; exit }' /etc/subuid
}

# marked - the PIDs of living processes that carry this test's mark. A zombie has no environment any
# more, so it is not found: who reaps it, and when, is the machine's affair.
marked() {
	# shellcheck disable=SC2016 # $1 is for the inner shell
	env -u FAUXROOT_TEST_MARK sh -c 'grep -lzxFs "$1" /proc/[0-9]*/environ | cut -d/ -f3' \
		sh "FAUXROOT_TEST_MARK=$FAUXROOT_TEST_MARK"
}

# kill_marked - until there are none: one may have forked while it was being looked for
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

# nothing_left - no process, no state directory. Prints what is there.
nothing_left() {
	local pid words
	for pid in $(marked); do
		words=$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) || true
		# It may have gone since it was found.
		if [ -n "$words" ] || alive "$pid"; then
			echo "process $pid ($words)"
		fi
	done
	state_left
}

# Helpers are killed before the launcher ends, but the last of them may still be on its way out.
await_nothing_left() {
	local end=$((SECONDS + DEADLINE)) left
	# Its status is ls's, which finds no state directory where only processes are left.
	while left=$(nothing_left || :) && [ -n "$left" ] && [ $SECONDS -lt $end ]; do
		sleep 0.02
	done
	[ -z "$left" ] || echo "$left"
}

# wait_for COMMAND… - until it succeeds, $DEADLINE seconds at most. What it has to say on stderr is
# shown of the last try alone.
wait_for() {
	local end=$((${EPOCHREALTIME/./} + DEADLINE * 1000000)) why=${T:-$BATS_FILE_TMPDIR}/in_vain
	until "$@" 2>"$why"; do
		if [ ${EPOCHREALTIME/./} -gt $end ]; then
			echo "waited ${DEADLINE}s in vain for: $*" >&2
			cat "$why" >&2
			return 1
		fi
		sleep 0.02
	done
}

# fx [OPTIONS] COMMAND… - the launcher in the foreground, without bats' own descriptors
fx() {
	"$FAUXROOT" "$@" 3>&- 4>&-
}

# launch [OPTIONS] COMMAND… - the launcher in the background, its state directory $S, its PID
# $LAUNCHER, stdout and stderr in $OUT and $LOG. Returns when the target is about to run.
launch() {
	launch_only "$@"
	await_launch
}

# await_launch - TARGET, once the launcher has started it. One that has ended will start nothing.
await_launch() {
	wait_for launch_is_decided || return
	if [ ! -s "$S/child_pid" ]; then
		echo "the launcher has ended" >&2
		return 1
	fi
	TARGET=$(<"$S/child_pid")
}

launch_is_decided() {
	[ -s "$S/child_pid" ] || gone "$LAUNCHER"
}

launch_only() {
	# Now: what an earlier launch has left must not be taken for this one's.
	: >"$OUT"
	: >"$LOG"
	"$FAUXROOT" --state-dir="$S" "$@" </dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
}

# as_job COMMAND… - what it starts in the background is a job as an interactive shell has them, in a
# process group of its own: elsewhere nothing stops that nobody would continue
as_job() {
	local status=0
	set -m
	"$@" || status=$?
	set +m
	return $status
}

# as_service COMMAND… - what it launches leads a session of its own, as a service does
as_service() {
	printf '#!/bin/sh\nexec setsid "%s" "$@"\n' "$FAUXROOT" >"$T/service"
	chmod +x "$T/service"
	local FAUXROOT=$T/service
	"$@"
}

# ended WANTED - the launcher of launch() ends by itself within the deadline, with this status
ended() {
	local code=0
	wait_for gone "$LAUNCHER" || return
	wait "$LAUNCHER" || code=$?
	if [ "$code" -ne "$1" ]; then
		echo "status $code, not $1" >&2
		return 1
	fi
}

# stop - SIGTERM to the launcher of launch(), whose target dies of it
stop() {
	kill -TERM "$LAUNCHER"
	ended "${1:-143}"
}

# gone PID - it has ended, reaped or not. (Not with read: where the process ends meanwhile, bash cannot
# seek back and gives what it has read too much to the next read, of whatever.)
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

# log_count TEXT - how many lines contain it
log_count() {
	grep -cF -- "$1" "$LOG" || true
}

# term_flood - SIGTERM to the launcher every millisecond, so that there is nearly always one pending,
# from the process $flood
term_flood() {
	local pause
	exec {pause}<> <(:)
	while kill -TERM "$LAUNCHER"; do
		read -rt 0.001 -u "$pause" || true
	done 2>/dev/null 3>&- 4>&- &
	flood=$!
}

# child_of PID NAME - the PID of its child of that name. The list may lack one while another ends (man 5
# proc, children), so it is looked at more than once.
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

# in_target COMMAND… - as root of the target's namespaces
in_target() {
	nsenter --target "$TARGET" --user --mount --net --preserve-credentials --wd="$T" "$@" 3>&- 4>&-
}

# not COMMAND… - as "!", which does not end a test (bash: set -e ignores it)
not() {
	if "$@"; then
		echo "succeeded: $*" >&2
		return 1
	fi
}

# absent PATH… - none of them is there, not even as a dangling link
absent() {
	local path
	for path in "$@"; do
		if [ -e "$path" ] || [ -L "$path" ]; then
			echo "$path is there" >&2
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

# one_line TEXT PATTERN - TEXT is a single line of our own that contains the pattern (extended)
one_line() {
	if [ "$(wc -l <<<"$1")" -ne 1 ] || ! grep -qE -- "$2" <<<"$1"; then
		printf 'not one line with "%s":\n%s\n' "$2" "$1" >&2
		return 1
	fi
}

# one_error TEXT PATTERN - TEXT is one error of the launcher that matches; the lines after it may only
# tell its cause and what mends it
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

# The mapped ranges of the calling user as the maps of the child must show them.
expected_map() { # FILE OWN_ID
	local start count at=1
	printf '0 %s 1\n' "$2"
	while IFS=: read -r _ start count; do
		printf '%s %s %s\n' "$at" "$start" "$count"
		at=$((at + count))
	done < <(grep -E "^($(id -un)|$(id -u)):" "$1")
}

# Does the launcher carry a sanitizer? Tests of descriptor limits and of memory ask.
sanitized() {
	grep -q __asan_init "$FAUXROOT"
}
