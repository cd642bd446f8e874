# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the subjects of bench share: limits and their verdicts, rounds, medians, launchers in the background.

BROKEN=0

# put: append the lines on stdin to the rows of the subject that is being measured, and show them
put() { tee -a "$STAGE/$SUBJECT.rows"; }

# rows SUBJECT: print the rows of a subject
rows() { cat "$STAGE/$1.rows"; }

# A margin below this percentage is small: another machine may miss the limit.
BARELY=5

# judge VALUE at-most|at-least LIMIT: set BOUND, and VERDICT with the margin; both stay empty when LIMIT is "-",
# for numbers that only give the scale
judge() {
	VERDICT='' BOUND=''
	[ "$3" != - ] || return 0
	BOUND="≤ $3"
	[ "$2" = at-most ] || BOUND="≥ $3"
	if awk -v v="$1" -v l="$3" -v d="$2" 'BEGIN { exit !(d == "at-most" ? v <= l : v >= l) }'; then
		VERDICT=$(awk -v v="$1" -v l="$3" -v d="$2" -v barely=$BARELY 'BEGIN {
			by = l ? 100 * (d == "at-most" ? l - v : v - l) / l : 0
			printf "holds%s, %.0f %% of margin", by < barely ? " barely" : "", by }')
	else
		VERDICT='**does not hold**'
		BROKEN=1
	fi
}

# in_turn ROUNDS FUNCTION: write the output of FUNCTION for each side, one line a round, to the file named
# after FUNCTION
in_turn() {
	local rounds=$1 what=$2 round i side
	for ((round = 0; round < rounds; round++)); do
		for ((i = 0; i < ${#SIDES[@]}; i++)); do
			side=${SIDES[$(((round + i) % ${#SIDES[@]}))]}
			"$what" "$side" >"$STAGE/now.$side" || die "measuring $what of $side"
			[ -s "$STAGE/now.$side" ] || die "nothing measured: $what of $side"
		done
		paste -d ' ' "${SIDES[@]/#/$STAGE/now.}"
	done >"$STAGE/$what"
}

# column FILE N: print the median of the Nth number of the lines; column FILE N M: of N divided by M
column() {
	awk -v a="$2" -v b="${3:-0}" '{ print b ? $a / $b : $a }' "$1" | sort -g |
		awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# spread FILE N M: print the quartiles of N divided by M
spread() {
	awk -v a="$2" -v b="$3" '{ print $a / $b }' "$1" | sort -g |
		awk '{ v[NR] = $1 } END { q = int(NR / 4); printf "%.3f–%.3f", v[1 + q], v[NR - q] }'
}

# ---- Launchers in the background ----

declare -A LAUNCHED=()

# "ulimit -n" of every process: the forwarder needs two descriptors a connection, and some more.
NOFILE=20480

free_ports() { # N: print N unused ports of the host, one a line
	local port used
	used=$(awk 'FNR > 1 { split($2, at, ":"); print at[2] }' /proc/net/{tcp,tcp6,udp,udp6})
	for port in $(shuf -i 20000-32000); do
		[ "$1" -gt 0 ] || return 0
		if grep -qx "$(printf %04X "$port")" <<<"$used"; then continue; fi
		echo "$port"
		set -- $(($1 - 1))
	done
}

# Raise the hard limit where it is too low. Some containers do not allow that: then IDLE is the number of
# idle connections that fit.
enough_descriptors() {
	local hard
	hard=$(ulimit -Hn)
	if [ "$hard" != unlimited ] && [ "$hard" -lt $NOFILE ] &&
		! as_root prlimit --pid $$ --nofile=$NOFILE:$NOFILE 2>/dev/null; then
		NOFILE=$hard
		note "a process can have at most $NOFILE descriptors here"
	fi
	IDLE=$(((NOFILE - 480) / 2))
}

# launched SIDE [OPTION…] -- COMMAND…: run COMMAND in the background as this side's target; set PID and
# JOB
launched() {
	local side=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	case $side in
	fauxroot) set -- "$STAGE/fauxroot" --net=slirp4netns --disable-host-loopback \
		--port-driver=builtin "${options[@]}" "$@" ;;
	rootlesskit) set -- rootlesskit --net=slirp4netns --disable-host-loopback \
		--port-driver=builtin "${options[@]}" "$@" ;;
	esac
	rm -f "$STAGE/tmp/pid"
	# shellcheck disable=SC2016 # for the shell inside
	as_user prlimit --nofile="$NOFILE:$NOFILE" bash -c 'echo $$ >"$0" && exec "$@"' \
		"$STAGE/tmp/pid" "$@" >>"$STAGE/log" 2>&1 </dev/null &
	JOB=$!
	until PID=$(cat "$STAGE/tmp/pid" 2>/dev/null) && [ -n "$PID" ]; do
		kill -0 $JOB 2>/dev/null || die "$side did not start: $(tail -n 1 "$STAGE/log")"
		sleep 0.01
	done
	LAUNCHED[$PID]=$JOB
}

# ended PID: send SIGTERM to a launcher and wait until it has exited
ended() {
	local try
	kill "$1" 2>/dev/null || :
	for ((try = 0; try < 100; try++)); do
		[ "$try" -lt 99 ] || kill -KILL "$1" 2>/dev/null || :
		kill -0 "${LAUNCHED[$1]}" 2>/dev/null || break
		sleep 0.1
	done
	wait "${LAUNCHED[$1]}" 2>/dev/null || :
	unset "LAUNCHED[$1]"
}

all_ended() {
	local pid
	for pid in "${!LAUNCHED[@]}"; do ended "$pid"; done
}

answers() { # PORT: something listens at the port
	local try
	for ((try = 0; try < 200; try++)); do
		# shellcheck disable=SC2188 # opened and closed
		if (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
		sleep 0.05
	done
	tail -n 5 "$STAGE/log" >&2
	die "no server at port $1"
}
