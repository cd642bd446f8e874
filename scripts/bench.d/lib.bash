# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the subjects of bench share: limits and their verdicts, rounds, medians, launchers in the background.

BROKEN=0

# own_runtime_dir ARGUMENT…: start bench again in a mount namespace with a tmpfs at the user's runtime directory
#
# systemd-logind makes one at each login. Without it a launcher's state directory is on a disk, whose journal
# takes longer than the launch.
own_runtime_dir() {
	local dir
	dir=/run/user/$(id -u "$TEST_USER")
	if [ "$(id -u)" != 0 ] || [ "$(stat -f -c %T "$dir" 2>/dev/null)" = tmpfs ]; then return; fi
	[ -n "${OWN_RUNTIME_DIR:-}" ] || OWN_RUNTIME_DIR=1 exec unshare --mount "$0" "$@"
	mkdir -p "$dir"
	mount -t tmpfs -o "mode=0700,uid=$(id -u "$TEST_USER"),gid=$(id -g "$TEST_USER")" tmpfs "$dir"
}

# put: append the lines on stdin to the rows of the subject that is being measured, and show them
put() { tee -a "$STAGE/$SUBJECT.rows"; }

# rows SUBJECT: print the rows of a subject
rows() { cat "$STAGE/$1.rows"; }

# A margin below this percentage is small: another machine may miss the limit.
BARELY=5

# rootlesskit2: set RK2 to rootlesskit 2 and PASTA to the pasta of the same release; false if setup has none
rootlesskit2() {
	RK2=$STAGE/passt/trixie/rootlesskit PASTA=$STAGE/passt/trixie/pasta
	[ -x "$RK2" ] && [ -x "$PASTA" ]
}

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

# ---- Pictures ----

# The colours of text and lines follow the reader's page. The bars are readable on both.
STYLE='<style>.paper{fill:#fff}.ink{fill:#1f2328}.line{stroke:#1f2328}.gridline{stroke:#8b949e;stroke-opacity:.5}'
STYLE+='@media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#e6edf3}.line{stroke:#8b949e}}</style>'

# chart NAME HEADING UNIT: draw docs/bench-NAME.svg from a table with tabs on stdin. The first line has the names
# of the series, after an empty field; each other line is a cluster of bars.
chart() {
	cat >"$STAGE/$1.chart"
	gnuplot -e "data = '$STAGE/$1.chart'; heading = '$2'; unit = '$3'; series = $(awk -F '\t' \
		'NR == 1 { print NF - 1 }' "$STAGE/$1.chart")" "$TOP/scripts/bench.d/chart.gp" |
		sed -e '/<desc>/d' -e "s|<title>Gnuplot</title>|<title>$2</title>$STYLE|" \
			-e 's|^<rect x="0" y="0" [^>]*>|<rect width="100%" height="100%" rx="6" class="paper" fill="white"/>|' \
			-e 's/fill="black"/class="ink" &/' -e "s/stroke='black'/class=\"line\" &/" \
			-e 's/[ \t]*$//' >"$TOP/docs/bench-$1.svg"
}

# ---- Two networks ----

# With root: the network namespaces of a host, and of another machine behind a link. HOST_NET and OTHER_NET are
# processes in them.
HOST_NET='' OTHER_NET=''
HOST_ADDRESS=198.51.100.1 OTHER_ADDRESS=198.51.100.2

new_net() { # set NET to a process in a new network namespace
	unshare --net sleep infinity >/dev/null 2>&1 &
	NET=$!
	until [ "$(readlink "/proc/$NET/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
}

at_host() { nsenter --target "$HOST_NET" --net "$@"; }
at_other() { nsenter --target "$OTHER_NET" --net "$@"; }

# In the host's namespace, as the unprivileged user.
as_user_at_host() {
	at_host env HOME=/ XDG_RUNTIME_DIR="/run/user/$(id -u "$TEST_USER")" setpriv --reuid="$TEST_USER" \
		--regid="$(id -g "$TEST_USER")" --init-groups --inh-caps=-all "$@"
}

nets_up() {
	new_net
	HOST_NET=$NET
	new_net
	OTHER_NET=$NET
	ip link add fxhost netns "$HOST_NET" type veth peer name fxother netns "$OTHER_NET"
	at_host ip link set lo up
	at_host ip link set fxhost up
	at_host ip addr add $HOST_ADDRESS/24 dev fxhost
	at_host ip route add default via $OTHER_ADDRESS
	at_other ip link set lo up
	at_other ip link set fxother up
	at_other ip addr add $OTHER_ADDRESS/24 dev fxother
}

nets_down() {
	[ -z "$HOST_NET" ] || kill "$HOST_NET" "$OTHER_NET" 2>/dev/null || :
	HOST_NET='' OTHER_NET=''
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
