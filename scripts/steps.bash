# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A run of several steps; each step is a command with its own results. For .ci/run and scripts/full, after
# lib.bash and results_begin. A step's results are in build/results.step.NAME, its output in build/log.NAME.
# STEPS_MINUTES, if set, limits all steps together: then the running step is killed, and later steps fail.

# step_begin NAME COMMAND…: set COMMAND to what must run
step_begin() {
	local left
	say "$1: ${*:2}"
	: >"$BUILD/results.step.$1"
	: >"$BUILD/results.step.$1.failures"
	COMMAND=(env RESULTS="$BUILD/results.step.$1" "${@:2}")
	if [ -n "${STEPS_MINUTES:-}" ]; then
		left=$((STEPS_MINUTES * 60 - SECONDS))
		COMMAND=(timeout -k 30 "$left" "${COMMAND[@]}")
		[ $left -gt 0 ] || COMMAND=(sh -c 'echo "no time is left for this step"; exit 124')
	fi
}

# step_end NAME MINUTES STATUS SINCE: record the results; continue after a failure, but never lose one
step_end() {
	local all=$RESULTS RESULTS=$BUILD/results.step.$1 took=$((SECONDS - $4))
	if [ "$3" -ne 0 ]; then
		[ -n "$(awk '$2 > 0' "$RESULTS")" ] || result "$1: status $3" 0 1
		[ -s "$RESULTS.failures" ] || remember "$1" "$BUILD/log.$1"
	fi
	cat "$RESULTS" >>"$all"
	cat "$RESULTS.failures" >>"$all.failures"
	if [ $took -gt $(($2 * 60)) ]; then
		note "$1 took $took s, more than its $2 minutes"
	else
		note "$1 took $took s"
	fi
}

# step NAME MINUTES COMMAND…: run it and show its output. MINUTES is the expected time on two processors,
# not a limit.
step() {
	local COMMAND status=0 start=$SECONDS shown tee
	step_begin "$1" "${@:3}"
	exec {shown}> >(tee "$BUILD/log.$1")
	tee=$!
	"${COMMAND[@]}" </dev/null >&"$shown" 2>&1 {shown}>&- || status=$?
	exec {shown}>&-
	# Wait for all output, but not forever: a process that the command left behind may hold the pipe open.
	timeout 10 tail --pid=$tee -f /dev/null || :
	step_end "$1" "$2" $status $start
}

# beside NAME MINUTES COMMAND…: run a step in the background at low priority, because tests wait more than
# they work. show_beside shows its output.
beside() {
	local COMMAND
	step_begin "$1" "${@:3}"
	BESIDE=$1 BESIDE_MINUTES=$2 BESIDE_SINCE=$SECONDS
	nice -n 19 "${COMMAND[@]}" </dev/null >"$BUILD/log.$1" 2>&1 &
	BESIDE_PID=$!
}

show_beside() {
	local status=0
	wait "$BESIDE_PID" || status=$?
	say "$BESIDE, in the background:"
	cat "$BUILD/log.$BESIDE"
	step_end "$BESIDE" "$BESIDE_MINUTES" $status "$BESIDE_SINCE"
}

# steps_end: show the sum, with one more failure when all steps took too long
steps_end() {
	if [ -n "${STEPS_MINUTES:-}" ] && [ $SECONDS -ge $((STEPS_MINUTES * 60)) ]; then
		result "all steps in $STEPS_MINUTES minutes" 0 1
	fi
	note "all steps took $SECONDS s"
	results_end
}
