# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Streams through published ports against direct ones: both directions, one and eight connections, clients on the
# host's loopback and on another machine, congestion control cubic and bbr. Used by bench. Only root can make the
# two network namespaces: the host, and the other machine's. tests/bench/relay.c to the same server shows
# what a simple relay reaches on this machine.

STREAM_ROUNDS=${STREAM_ROUNDS:-4}
STREAM_LIMIT=0.85
STREAM_JOBS=()
STREAM_ALLOWED=''
declare -A STREAM_PORT=([direct]=5201 [fauxroot]=5202 [bare]=5203) STREAM_AT=()

# The cell that is measured: "loopback" or "outside", the number of connections, "to" or "from" the target.
CLIENT='' CONNECTIONS='' DIRECTION=''

streams_up() {
	local shell target=''
	nets_up
	STREAM_AT=([loopback]=127.0.0.1 [outside]=$HOST_ADDRESS)
	as_user_at_host iperf3 --server --port "${STREAM_PORT[direct]}" >/dev/null 2>&1 &
	as_user_at_host "$STAGE/fauxroot" --net=slirp4netns --disable-host-loopback --port-driver=builtin \
		-p "${STREAM_PORT[fauxroot]}:5201/tcp" iperf3 --server >>"$STAGE/log" 2>&1 &
	shell=$!
	# The shell's child is the launcher, and the launcher's is the command.
	until [ -n "$target" ]; do
		sleep 0.05
		target=$(pgrep -P "$shell" | xargs -r -n 1 pgrep -x iperf3 -P) || :
	done
	at_host "$STAGE/relay" "${STREAM_PORT[bare]}" "$target" 5201 >>"$STAGE/log" 2>&1 &
	until [ "$(at_host ss -Hltn "sport >= ${STREAM_PORT[direct]} and sport <= ${STREAM_PORT[bare]}" |
		wc -l)" -ge 3 ]; do sleep 0.05; done
	# All wait in these namespaces, so they are found by them.
	mapfile -t STREAM_JOBS < <(at_host ss -Hltnp "sport >= ${STREAM_PORT[direct]} and sport <= ${STREAM_PORT[bare]}" |
		grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u)
}

streams_down() {
	[ ${#STREAM_JOBS[@]} = 0 ] || kill "${STREAM_JOBS[@]}" 2>/dev/null || :
	STREAM_JOBS=()
	[ -z "$STREAM_ALLOWED" ] || sysctl -qw net.ipv4.tcp_allowed_congestion_control="$STREAM_ALLOWED"
	STREAM_ALLOWED=''
	nets_down
}

# use_control NAME: choose the congestion control of both namespaces. Where a namespace may not have it, the
# machine's root allows it until streams_down().
use_control() {
	local allowed=/proc/sys/net/ipv4/tcp_allowed_congestion_control
	if ! at_host sysctl -qw "net.ipv4.tcp_congestion_control=$1" 2>/dev/null; then
		STREAM_ALLOWED=${STREAM_ALLOWED:-$(<$allowed)}
		sysctl -qw "net.ipv4.tcp_allowed_congestion_control=$(<$allowed) $1" 2>/dev/null &&
			at_host sysctl -qw "net.ipv4.tcp_congestion_control=$1" || return
	fi
	at_other sysctl -qw "net.ipv4.tcp_congestion_control=$1"
}

cell() { # SIDE: Gbit/s that the receiver gets
	local options=() net=at_host
	[ "$DIRECTION" = to ] || options=(--reverse)
	[ "$CLIENT" = loopback ] || net=at_other
	$net iperf3 --client "${STREAM_AT[$CLIENT]}" --port "${STREAM_PORT[$1]}" --time 1 --format m \
		--parallel "$CONNECTIONS" "${options[@]}" 2>>"$STAGE/log" |
		awk '$NF == "receiver" { sum = $(NF - 2) } END { print sum / 1000 }'
}

streams_measure() {
	local control
	if [ "$(id -u)" != 0 ]; then
		echo '| not measured: this takes root | | | | | | | | |' | put
		return
	fi
	streams_up
	SIDES=(fauxroot direct bare)
	for control in cubic bbr; do
		if ! use_control $control; then
			echo "| $control: not measured, this kernel does not have it | | | | | | | | |" | put
			continue
		fi
		for CLIENT in loopback outside; do
			for CONNECTIONS in 1 8; do
				for DIRECTION in to from; do stream_row $control; done
			done
		done
	done
	streams_down
}

stream_row() { # CONTROL
	local ratio
	in_turn "$STREAM_ROUNDS" cell
	ratio=$(column "$STAGE/cell" 1 2)
	judge "$ratio" at-least $STREAM_LIMIT
	printf '| %s target, %s | %s | %s | %.1f | %.1f | %.1f | %.2f | %.2f (%s) | %s | %s |\n' "$DIRECTION the" \
		"$CLIENT" "$CONNECTIONS" "$1" "$(column "$STAGE/cell" 1)" "$(column "$STAGE/cell" 3)" \
		"$(column "$STAGE/cell" 2)" "$(column "$STAGE/cell" 1 3)" "$ratio" "$(spread "$STAGE/cell" 1 2)" \
		"$BOUND" "$VERDICT" | put
}

streams_draw() {
	awk -F ' *[|] *' '
		BEGIN { print "\tto the target\tfrom the target" }
		$2 ~ /^to the target, / { to = $9 + 0 }
		$2 ~ /^from the target, / {
			sub(/.*, /, "", $2)
			printf "%s %s × %s\t%s\t%s\n", $2, $3, $4, to, $9 + 0
		}' | chart streams 'Streams through published ports' 'relative to a direct connection'
}

streams_page() {
	cat <<-EOT
		## Streams through published ports

		iperf3 through a port that \`--port-driver=builtin\` publishes, against the same server without
		a forwarder, and through a bare relay: tests/bench/relay.c, which moves the bytes between two sockets by
		splice(2) and does nothing else. It does the least work, but does not choose when to wait, as fauxroot does. The clients are on the host's loopback, and on another machine: a network namespace
		behind a veth link. Three programs share the processors where a direct connection has two.
		The values are medians of $STREAM_ROUNDS rounds of one second.

		![Streams through published ports](bench-streams.svg)

		$(machine)
		- $(programs iperf3)

		| stream | connections | control | fauxroot, Gbit/s | bare relay, Gbit/s | direct, Gbit/s | to the bare relay | to direct | limit | result |
		|---|---|---|---|---|---|---|---|---|---|
		$(rows streams)
	EOT
}
