# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Networks with a helper program: slirp4netns, pasta by version, rootlesskit, and direct. Used by bench.
#
# A side is a launcher with a network. Its command is the client: it reaches servers at the host's 127.0.0.1
# through the gateway.

NET_SIDES=()
declare -A NET_WORDS=() NET_TITLES=() NET_SERVER=()
NET_ROUNDS=${NET_ROUNDS:-4}

# net_side NAME TITLE SERVER-ADDRESS LAUNCHER…
net_side() {
	NET_SIDES+=("$1")
	NET_TITLES[$1]=$2 NET_SERVER[$1]=$3 NET_WORDS[$1]="${*:4}"
}

# The day of a pasta's version; that of Debian 12 does not know it.
pasta_day() { # PROGRAM
	"$1" --version 2>/dev/null | sed -nE '1s/.*git([0-9]{4})([0-9]{2})([0-9]{2}).*/\1-\2-\3/p'
}

find_sides() {
	local suite program
	net_side direct 'direct' 127.0.0.1
	net_side slirp4netns "slirp4netns $(slirp4netns --version | sed -n 's/^slirp4netns version //p')" \
		10.0.2.2 "$STAGE/fauxroot" --net=slirp4netns
	program=$(command -v pasta || :)
	[ -z "$program" ] || net_side pasta "pasta $(pasta_day "$program" | grep . || echo 'of this machine')" \
		10.0.2.2 "$STAGE/fauxroot" --net=pasta
	for suite in trixie sid; do
		program=$STAGE/passt/$suite/pasta
		# Some versions print nothing to a pipe.
		[ ! -x "$program" ] || net_side "pasta_$suite" \
			"pasta $(pasta_day "$program" | grep . || echo "of Debian $suite")" 10.0.2.2 \
			"$STAGE/fauxroot" --net=pasta "--pasta-binary=$program"
	done
	net_side rootlesskit "$(rootlesskit --version | sed 's/ version//') with slirp4netns" 10.0.2.2 \
		rootlesskit --net=slirp4netns
	rootlesskit2 || return 0
	program=$("$RK2" --version | sed 's/ version//')
	net_side rootlesskit2 "$program with slirp4netns" 10.0.2.2 "$RK2" --net=slirp4netns
	net_side rootlesskit2_pasta "$program with pasta $(pasta_day "$PASTA" | grep . || echo "of Debian trixie")" \
		10.0.2.2 "$RK2" --net=pasta "--pasta-binary=$PASTA"
}

# inside SIDE COMMAND…: run it as the side's command
inside() {
	local words
	read -ra words <<<"${NET_WORDS[$1]}"
	as_user prlimit --nofile="$NOFILE:$NOFILE" "${words[@]}" "${@:2}" 2>>"$STAGE/log"
}

net_stream() { # SIDE [OPTION]
	inside "$1" iperf3 --client "${NET_SERVER[$1]}" --port "${IPERF[direct]}" --time 1 --format m "${@:2}" |
		awk '$NF == "receiver" { print $(NF - 2) / 1000 }'
}

net_upload() { net_stream "$1"; }
net_download() { net_stream "$1" --reverse; }

net_connections() { # SIDE
	inside "$1" wrk --threads 2 --connections 32 --duration 1s -H 'Connection: close' \
		"http://${NET_SERVER[$1]}:${HTTP[direct]}/" | awk '$1 == "Requests/sec:" { print $2 }'
}

# Print the resident memory of the helper program after 300 connections, in KiB.
net_memory() { # SIDE
	local status=-
	if [ "$1" != direct ]; then
		# shellcheck disable=SC2016 # for the shell inside
		inside "$1" bash -c 'for i in {1..300}; do : <>"/dev/tcp/$0/$1"; done
			for dir in /proc/[0-9]*; do
				words=$(tr "\0" " " <"$dir/cmdline") 2>/dev/null || continue
				case $words in
				*--ns-ifname*|*"slirp4netns --"*)
					awk "/^VmRSS:/ { print \$2 }" "$dir/status" ;;
				esac
			done 2>/dev/null | sort -n | tail -n 1' "${NET_SERVER[$1]}" "${HTTP[direct]}" >"$STAGE/memory.now"
		read -r status <"$STAGE/memory.now" || :
	fi
	echo "$status"
}

# Write the milliseconds of each side's launch of true to net_launch, in the order of the sides.
net_launch() {
	local side words argv=()
	for side in "${NET_SIDES[@]}"; do
		read -ra words <<<"${NET_WORDS[$side]}"
		[ ${#argv[@]} = 0 ] || argv+=(--)
		argv+=("${words[@]}" true)
	done
	as_user "$STAGE/pairs" $((NET_ROUNDS * 3)) -- "${argv[@]}" | awk '{ printf "%s%.1f", s, $1 / 1000; s = " " }
		END { print "" }' >"$STAGE/net_launch"
}

networks_measure() {
	local what at=0 side
	enough_descriptors
	find_sides
	start_side direct
	net_launch
	SIDES=("${NET_SIDES[@]}")
	for what in net_upload net_download net_connections net_memory; do in_turn "$NET_ROUNDS" "$what"; done
	all_ended
	for side in "${NET_SIDES[@]}"; do
		at=$((at + 1))
		printf '| %s | %s | %.1f | %.1f | %.0f | %s |\n' "${NET_TITLES[$side]}" \
			"$(column "$STAGE/net_launch" $at)" "$(column "$STAGE/net_upload" $at)" \
			"$(column "$STAGE/net_download" $at)" "$(column "$STAGE/net_connections" $at)" \
			"$([ "$side" = direct ] || column "$STAGE/net_memory" $at)" |
			put
	done
}

networks_draw() {
	awk -F ' *[|] *' '
		BEGIN { print "\tupload\tdownload" }
		table && NF >= 7 { printf "%s\t%s\t%s\n", $2, $4, $5 }
		/^\|---/ { table = 1 }' | chart networks 'Networks: to and from a server of the host' 'Gbit/s'
}

networks_page() {
	cat <<-EOT
		## Networks

		The command is a client of servers at the host's 127.0.0.1, which it reaches through the
		gateway: iperf3, and nginx (wrk, 32 clients, \`Connection: close\`). The time is that of a
		launch of \`true\`. The memory is the resident memory of the helper program after 300
		connections. The values are medians of $NET_ROUNDS rounds, of three times as many for launches.

		![Networks](bench-networks.svg)

		$(machine)
		- $(rootlesskit --version); $(programs slirp4netns iperf3 nginx wrk)

		| network | launch, ms | upload, Gbit/s | download, Gbit/s | new connections a second | memory, KiB |
		|---|---|---|---|---|---|
		$(rows networks)
	EOT
}
