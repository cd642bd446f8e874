# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Published ports: compare fauxroot with rootlesskit and with a direct connection. Used by bench.
#
# Three sides with the same servers run at the same time. They are measured in turn, once a round; each
# round begins with another side. HTTP, IPERF and TRAFFIC are the sides' ports on the host.

SIDES=(fauxroot rootlesskit direct)
declare -A HTTP IPERF TRAFFIC LAUNCHED=()

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

start_side() { # SIDE
	local side=$1 ports at try=0 inside=(8080 5201 7000) forwards=()
	mapfile -t ports < <(free_ports 3)
	HTTP[$side]=${ports[0]} IPERF[$side]=${ports[1]} TRAFFIC[$side]=${ports[2]}
	if [ "$side" = direct ]; then
		inside=("${ports[@]}")
	else
		for at in 0 1 2; do forwards+=(-p "127.0.0.1:${ports[$at]}:${inside[$at]}/tcp"); done
		forwards+=(-p "127.0.0.1:${ports[2]}:${inside[2]}/udp")
	fi
	launched "$side" "${forwards[@]}" -- "$STAGE/servers" "$STAGE/tmp/$side" "${inside[@]}"
	traffic latency "${TRAFFIC[$side]}" 1 >/dev/null
	until [ -n "$(as_user curl -s "http://127.0.0.1:${HTTP[$side]}/")" ]; do
		[ $((try++)) -lt 100 ] || die "nginx of $side does not answer"
		sleep 0.05
	done
}

# Where the server does not listen yet, a forwarder accepts and resets.
traffic() { # COMMAND PORT [N]
	answers "$2"
	local try
	for ((try = 0; try < 100; try++)); do
		if as_user "$STAGE/traffic" "$@" 2>>"$STAGE/log"; then return; fi
		sleep 0.05
	done
	die "traffic $*: $(tail -n 1 "$STAGE/log")"
}

# ---- Measurements: each prints the number of one side ----

http() { # SIDE SECONDS: connections a second
	as_user wrk --threads 2 --connections 64 --duration "$2" -H 'Connection: close' \
		"http://127.0.0.1:${HTTP[$1]}/" | awk '$1 == "Requests/sec:" { print $2 }'
}

stream() { # SIDE [OPTION]: received Gbit/s
	as_user iperf3 --client 127.0.0.1 --port "${IPERF[$1]}" --time 3 --format m "${@:2}" |
		awk '$NF == "receiver" { print $(NF - 2) / 1000 }'
}

upload() { stream "$1"; }
download() { stream "$1" --reverse; }
connections() { http "$1" 2s; }
datagrams() { traffic flood "${TRAFFIC[$1]}" 1000 | awk '{ print $1 / 1000 }'; }
latency() { traffic latency "${TRAFFIC[$1]}" 10000; }

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

# ---- Memory ----

# own SIDE PID: set PIDS to the side's processes without the target and helpers
own() {
	local child children
	PIDS=("$2")
	mapfile -t children < <(cat "/proc/$2/task"/*/children | tr -s ' ' '\n')
	for child in "${children[@]}"; do
		case $1:$(cat "/proc/$child/comm") in
		fauxroot:fauxroot* | rootlesskit:exe) PIDS+=("$child") ;;
		esac
	done
	case "$1 ${#PIDS[@]}" in
	# fauxroot: launcher, forwarder, agent. rootlesskit: parent and child.
	'fauxroot 3' | 'rootlesskit 2') ;;
	*) die "unexpected number of processes of $1: ${#PIDS[@]}" ;;
	esac
}

# pss PID…: KiB
pss() {
	local pid
	for pid; do
		awk '$1 == "Pss:" { print $2 }' "/proc/$pid/smaps_rollup"
	done | awk '{ sum += $1 } END { print sum }'
}

descriptors() { # PID…
	find "${@/#/\/proc\/}" -mindepth 2 -maxdepth 2 -path '*/fd/*' 2>/dev/null | wc -l
}

# Print the memory in KiB and the number of descriptors of an idle launcher with a network and a port.
memory() { # SIDE
	local port
	port=$(free_ports 1)
	launched "$1" -p "127.0.0.1:$port:7000/tcp" -- "$STAGE/traffic" serve 7000
	traffic latency "$port" 1 >/dev/null
	# The first connection makes the side release what only the start needed.
	sleep 2
	own "$1" "$PID"
	echo "$(pss "${PIDS[@]}") $(descriptors "${PIDS[@]}")"
	ended "$PID"
}

# ---- Idle connections ----

# idle SIDE: print the number of opened connections, of answered ones, and the growth in KiB and descriptors
idle() {
	local port pid launcher fds kib client opened=0 answered=0
	port=$(free_ports 1)
	launched "$1" -p "127.0.0.1:$port:7000/tcp" -- "$STAGE/traffic" serve 7000
	launcher=$PID
	traffic latency "$port" 1 >/dev/null
	sleep 1.5
	own "$1" "$launcher"
	# Count the descriptors of the forwarder; in rootlesskit, of the launcher.
	client=$launcher
	for pid in "${PIDS[@]}"; do
		if [ "$(cat "/proc/$pid/comm")" = 'fauxroot: ports' ]; then client=$pid; fi
	done
	pid=$client
	kib=$(pss "${PIDS[@]}")
	fds=$(descriptors "$pid")
	coproc CLIENT { as_user prlimit --nofile="$NOFILE:$NOFILE" \
		timeout 60 "$STAGE/traffic" idle "$port" "$IDLE" 2>>"$STAGE/log"; }
	client=$CLIENT_PID
	read -r opened <&"${CLIENT[0]}" || :
	kib=$(($(pss "${PIDS[@]}") - kib))
	fds=$(($(descriptors "$pid") - fds))
	echo >&"${CLIENT[1]}" || :
	read -r answered <&"${CLIENT[0]}" || :
	wait "$client" || :
	ended "$launcher"
	echo "$opened ${answered:-0} $kib $fds"
}
