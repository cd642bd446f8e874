# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Published ports: compare fauxroot with rootlesskit and with a direct connection. Used by bench.
#
# Three sides with the same servers run at the same time. They are measured in turn, once a round; each
# round begins with another side. HTTP, IPERF and TRAFFIC are the sides' ports on the host.

SIDES=()
declare -A HTTP IPERF TRAFFIC

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

# If the server does not listen yet, a forwarder accepts the connection and resets it.
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
	as_user iperf3 --client 127.0.0.1 --port "${IPERF[$1]}" --time 2 --format m "${@:2}" |
		awk '$NF == "receiver" { print $(NF - 2) / 1000 }'
}

upload() { stream "$1"; }
download() { stream "$1" --reverse; }
connections() { http "$1" 1s; }
datagrams() { traffic flood "${TRAFFIC[$1]}" 1000 | awk '{ print $1 / 1000 }'; }
latency() { traffic latency "${TRAFFIC[$1]}" 10000; }

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

# ---- The section ----

# port_row WHAT DIRECTION LIMIT FILE OURS PEER [DIRECT]: print a line of the table of ports, from the
# numbers that in_turn() wrote into these columns of FILE
port_row() {
	local file=$STAGE/$4 ratio direct=''
	ratio=$(column "$file" "$5" "$6")
	[ -z "${7:-}" ] || direct=$(column "$file" "$7")
	judge "$ratio" "$2" "$3"
	awk -v what="$1" -v a="$(column "$file" "$5")" -v b="$(column "$file" "$6")" -v d="$direct" \
		-v r="$ratio" -v spread="$(spread "$file" "$5" "$6")" -v limit="$BOUND" -v v="$VERDICT" '
		function short(x) { return sprintf(x < 100 ? "%.1f" : "%.0f", x) }
		BEGIN { printf "| %s | %s | %s | %s | %.3f (%s) | %s | %s |\n", what, short(a), short(b),
			d == "" ? "" : short(d), r, spread, limit, v }' |
		put
}

# limit_row WHAT DIRECTION LIMIT VALUE [OTHER]: print a line with an absolute limit, not one relative to a
# peer
limit_row() {
	judge "$4" "$2" "$3"
	printf '| %s | %s | %s | | | %s | %s |\n' "$1" "$4" "${5:-}" "$BOUND" "$VERDICT" | put
}

ports_draw() {
	awk -F ' *[|] *' '
		BEGIN { print "\tfauxroot\trootlesskit" }
		function bars(name) { printf "%s\t%.3f\t%.3f\n", name, $3 / $5, $4 / $5 }
		$2 ~ /^one TCP stream to / { bars("stream to the target") }
		$2 ~ /^one TCP stream from / { bars("stream from the target") }
		$2 ~ /^new connections/ { bars("new connections") }
		$2 ~ /^UDP/ { bars("UDP datagrams") }' |
		chart ports 'Published ports' 'relative to a direct connection'
}

ports_measure() {
	local side ours theirs
	SIDES=(fauxroot rootlesskit direct)
	enough_descriptors
	for side in "${SIDES[@]}"; do start_side "$side"; done
	in_turn 5 upload
	port_row 'one TCP stream to the target, Gbit/s' at-least 1.2 upload 1 2 3
	in_turn 5 download
	port_row 'one TCP stream from the target, Gbit/s' at-least 1.2 download 1 2 3
	in_turn 10 connections
	port_row 'new connections a second' at-least 1.6 connections 1 2 3
	in_turn 5 datagrams
	port_row 'UDP, thousand datagrams a second' at-least 1.5 datagrams 1 2 3
	in_turn 10 latency
	port_row 'a request of 100 bytes, p50, µs' at-most - latency 1 3 5
	port_row 'a request of 100 bytes, p99, µs' at-most - latency 2 4 6
	all_ended
	SIDES=(fauxroot rootlesskit)
	in_turn 5 memory
	port_row 'memory of an idle instance with a network and a port, KiB' at-most 0.125 memory 1 3
	port_row 'descriptors of this instance' at-most - memory 2 4
	in_turn 1 idle
	read -ra ours < <(cut -d ' ' -f 1-4 "$STAGE/idle")
	read -ra theirs < <(cut -d ' ' -f 5-8 "$STAGE/idle")
	limit_row "$IDLE idle connections: answered" at-least "$IDLE" "${ours[1]}" "${theirs[1]}"
	limit_row "$IDLE idle connections: additional memory, KiB" at-most $((4096 * IDLE / 10000)) "${ours[2]}"
	limit_row "$IDLE idle connections: descriptors each" at-most 2 \
		"$(awk -v n="${ours[3]}" -v c="$IDLE" 'BEGIN { printf "%.1f", n / c }')"
}

ports_page() {
	cat <<-EOT
		## Published ports

		Both programs run with \`--net=slirp4netns --disable-host-loopback --port-driver=builtin\` and
		the same servers as targets. "direct" measures these servers without a forwarder. The servers
		are iperf3, nginx (wrk, 64 clients, \`Connection: close\`), and tests/lib/tools/traffic.c for
		datagrams of 1,200 bytes and small requests. The values are medians of 10 rounds for connections
		and requests, and of 5 rounds for all others. Memory is the proportional share (PSS) of all processes except the target
		and slirp4netns. The idle connections are opened and answered one after another, with \`ulimit -n\`
		$NOFILE.

		![Published ports](bench-ports.svg)

		$(machine)
		- $(rootlesskit --version); $(programs slirp4netns iperf3 nginx wrk)

		| measurement | fauxroot | rootlesskit | direct | ratio | limit | result |
		|---|---|---|---|---|---|---|
		$(rows ports)
	EOT
}
