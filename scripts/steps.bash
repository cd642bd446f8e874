# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A run of several steps, each a command with results of its own: for .ci/run and scripts/full, after
# lib.bash and results_begin. A step's results are in build/results.step.NAME, what it says in
# build/log.NAME. All steps together have STEPS_MINUTES, where it is set: then what runs is ended, and what
# would follow fails.

# step_begin NAME COMMAND…: what is to be run, as COMMAND
step_begin() {
	local left
	say "$1: ${*:2}"
	: >"$BUILD/results.step.$1"
	: >"$BUILD/results.step.$1.failures"
	COMMAND=(env RESULTS="$BUILD/results.step.$1" "${@:2}")
	if [ -n "${STEPS_MINUTES:-}" ]; then
		left=$((STEPS_MINUTES * 60 - SECONDS))
		COMMAND=(timeout -k 30 "$left" "${COMMAND[@]}")
		[ $left -gt 0 ] || COMMAND=(sh -c 'echo "no time is left for this"; exit 124')
	fi
}

# step_end NAME MINUTES STATUS SINCE: go on after a failure, but never lose one
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

# step NAME MINUTES COMMAND…: run it, and show what it says; MINUTES are what it should take on two
# processors, and no deadline
step() {
	local COMMAND status=0 start=$SECONDS shown tee
	step_begin "$1" "${@:3}"
	exec {shown}> >(tee "$BUILD/log.$1")
	tee=$!
	"${COMMAND[@]}" </dev/null >&"$shown" 2>&1 {shown}>&- || status=$?
	exec {shown}>&-
	# Until all is said; what the command may have left behind can hold the pipe open for ever.
	timeout 10 tail --pid=$tee -f /dev/null || :
	step_end "$1" "$2" $status $start
}

# beside NAME MINUTES COMMAND…: a step that has what the others leave of the processors; tests wait more
# than they work. It is shown by show_beside.
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
	say "$BESIDE, meanwhile:"
	cat "$BUILD/log.$BESIDE"
	step_end "$BESIDE" "$BESIDE_MINUTES" $status "$BESIDE_SINCE"
}

# steps_end: the sum; one failure more where all of it took too long
steps_end() {
	if [ -n "${STEPS_MINUTES:-}" ] && [ $SECONDS -ge $((STEPS_MINUTES * 60)) ]; then
		result "all steps in $STEPS_MINUTES minutes" 0 1
	fi
	note "all steps took $SECONDS s"
	results_end
}
