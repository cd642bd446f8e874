# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Network acceleration: connections that leave the host, direct, with --net-accel=switch and without. Used by
# bench. Only root can make the two network namespaces: the host, and the server's.

ACCEL_ROUNDS=${ACCEL_ROUNDS:-4}
ACCEL_JOBS=()
declare -A ACCEL_WORDS=()

accel_up() {
	nets_up
	mkdir -p "$STAGE/accel"
	cat >"$STAGE/accel/nginx.conf" <<-END
		daemon off; worker_processes auto; pid $STAGE/accel/pid; error_log $STAGE/accel/error.log;
		events { worker_connections 4096; }
		http { access_log off; server { listen $OTHER_ADDRESS:8080 backlog=4096;
		location / { return 200 "a small answer\n"; } } }
	END
	# Not with at_other: a function in the background runs in a shell. Killing that shell would leave its child running.
	nsenter --target "$OTHER_NET" --net iperf3 --server --bind $OTHER_ADDRESS >/dev/null 2>&1 &
	ACCEL_JOBS+=($!)
	PATH=$PATH:/usr/sbin nsenter --target "$OTHER_NET" --net nginx -c "$STAGE/accel/nginx.conf" &
	ACCEL_JOBS+=($!)
	until [ "$(at_other ss -Hltn "src $OTHER_ADDRESS" | wc -l)" -ge 2 ]; do sleep 0.05; done
}

accel_down() {
	[ ${#ACCEL_JOBS[@]} = 0 ] || kill "${ACCEL_JOBS[@]}" 2>/dev/null || :
	ACCEL_JOBS=()
	nets_down
}

accel_inside() { # SIDE COMMAND…
	local words
	read -ra words <<<"${ACCEL_WORDS[$1]}"
	as_user_at_host "${words[@]}" "${@:2}" 2>>"$STAGE/log" </dev/null
}

accel_stream() { # SIDE [OPTION]
	accel_inside "$1" iperf3 --client $OTHER_ADDRESS --time 2 --format m "${@:2}" |
		awk '$NF == "receiver" { print $(NF - 2) / 1000 }'
}

accel_upload() { accel_stream "$1"; }
accel_download() { accel_stream "$1" --reverse; }

accel_requests() { # SIDE [OPTION…]
	accel_inside "$1" wrk --threads 2 --connections 32 --duration 1s "${@:2}" \
		"http://$OTHER_ADDRESS:8080/" | awk '$1 == "Requests/sec:" { print $2 }'
}

accel_connections() { accel_requests "$1" -H 'Connection: close'; }

accel_draw() {
	awk -F ' *[|] *' '
		BEGIN { print "\tupload\tdownload" }
		/^\| what / { table = 0 }
		table && NF >= 9 { printf "%s\t%s\t%s\n", $2, $3, $4 }
		/^\|---/ { table = 1 }' | chart accel 'Network acceleration: to and from another machine' 'Gbit/s'
}

# Seconds of the processor for a GiB, of the client and of everything between it and the host's network. The launch
# counts, so the fast sides transfer more.
accel_effort() { # SIDE [OPTION]
	local TIMEFORMAT='%U %S' size=4096
	case $1 in slirp4netns | pasta) size=512 ;; esac
	{ time accel_inside "$1" iperf3 --client $OTHER_ADDRESS --bytes ${size}M "${@:2}" >/dev/null; } 2>&1 |
		awk -v size=$size '{ print ($1 + $2) * 1024 / size }'
}

accel_effort_out() { accel_effort "$1"; }
accel_effort_in() { accel_effort "$1" --reverse; }

accel_connect() { # SIDE: the median of 300 connect(2), in microseconds
	accel_inside "$1" /usr/bin/python3 -c '
import socket, statistics, sys, time
times = []
for _ in range(300):
    with socket.socket() as s:
        begin = time.perf_counter_ns()
        s.connect((sys.argv[1], 8080))
        times.append(time.perf_counter_ns() - begin)
print(statistics.median(times) / 1000)' $OTHER_ADDRESS
}

accel_call() { # SIDE: a system call that has nothing to do with the network, in nanoseconds
	accel_inside "$1" /usr/bin/python3 -c '
import os, timeit
print(min(timeit.repeat(os.getppid, number=1000, repeat=1000)) * 1e9 / 1000)'
}

# The memory (PSS) of both switch processes together, idle after some connections, in KiB.
# shellcheck disable=SC2016 # for the shell inside
accel_memory() {
	accel_inside switched bash -c 'for i in {1..50}; do exec 3<>"/dev/tcp/$0/8080"; done; sleep 3
		echo >"$1/ready"; while [ -e "$1/ready" ]; do sleep 0.1; done' $OTHER_ADDRESS "$STAGE/tmp" &
	until [ -e "$STAGE/tmp/ready" ]; do sleep 0.1; done
	pgrep -x 'fauxroot: switc' | while read -r pid; do
		[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink "/proc/$HOST_NET/ns/net")" ] ||
			awk '$1 == "Pss:" { print $2 }' "/proc/$pid/smaps_rollup"
	done | awk '{ sum += $1 } END { print sum }' >"$STAGE/accel_memory"
	rm -f "$STAGE/tmp/ready"
	wait $!
}

ACCEL_WHAT=(upload download effort_out effort_in connections requests connect call)

accel_limit() { # WHAT VALUE at-most|at-least LIMIT
	judge "$2" "$3" "$4"
	printf '| %s | %.2f | %s | %s |\n' "$1" "$2" "$BOUND" "$VERDICT" | tee -a "$STAGE/accel.limits"
}

accel_limits() {
	local at
	: >"$STAGE/accel.limits"
	accel_limit 'upload, switched : direct' "$(column "$STAGE/accel_upload" 2 1)" at-least 0.9
	accel_limit 'download, switched : direct' "$(column "$STAGE/accel_download" 2 1)" at-least 0.9
	accel_limit 'processor time of an upload, switched : direct' "$(column "$STAGE/accel_effort_out" 2 1)" at-most 1.2
	accel_limit 'processor time of a download, switched : direct' "$(column "$STAGE/accel_effort_in" 2 1)" at-most 1.2
	accel_limit 'new connections, switched : slirp4netns' "$(column "$STAGE/accel_connections" 2 3)" at-least 1
	accel_limit 'requests, switched : slirp4netns' "$(column "$STAGE/accel_requests" 2 3)" at-least 1
	at=$(awk '{ print $2 - $3 }' "$STAGE/accel_call" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
	accel_limit 'the filter, for each other system call, ns' "$at" at-most 50
	accel_limit 'memory of the switch processes, KiB' "$(cat "$STAGE/accel_memory")" at-most 400
}

accel_measure() {
	local what side at=0
	if [ "$(id -u)" != 0 ]; then
		echo '| not measured: this takes root | | | | | | | | |' | put
		: >"$STAGE/accel.limits"
		return
	fi
	ACCEL_WORDS=([direct]=''
		[switched]="$STAGE/fauxroot --net=slirp4netns --net-accel=switch"
		[slirp4netns]="$STAGE/fauxroot --net=slirp4netns"
		[pasta]="$STAGE/fauxroot --net=pasta")
	SIDES=(direct switched slirp4netns)
	! command -v pasta >/dev/null || SIDES+=(pasta)
	accel_up
	for what in "${ACCEL_WHAT[@]}"; do in_turn "$ACCEL_ROUNDS" "accel_$what"; done
	accel_memory
	accel_down
	for side in "${SIDES[@]}"; do
		at=$((at + 1))
		printf '| %s' "$side"
		for what in "${ACCEL_WHAT[@]}"; do
			printf ' | %s' "$(column "$STAGE/accel_$what" $at | awk '{ printf $1 < 10 ? "%.2f" : "%.0f", $1 }')"
		done
		printf ' |\n'
	done | put
	accel_limits
}

accel_page() {
	cat <<-EOT
		## Network acceleration

		The command is a client of servers in another network namespace, behind a veth link: iperf3,
		and nginx (wrk, 32 clients) with \`Connection: close\` and with connections that are kept. "direct" is
		the same client in the host's network. The processor time is that of the client, the launcher and the network's
		program, for one GiB. A connect(2) blocks; the other system call is getppid(2), called from Python.
		The values are medians of $ACCEL_ROUNDS rounds.

		![Network acceleration](bench-accel.svg)

		$(machine)
		- $(programs slirp4netns iperf3 nginx wrk)

		| network | upload, Gbit/s | download, Gbit/s | processor, upload, s/GiB | processor, download, s/GiB | new connections a second | requests a second | connect, µs | another call, ns |
		|---|---|---|---|---|---|---|---|---|
		$(rows accel)

		| what | value | limit | verdict |
		|---|---|---|---|
		$(cat "$STAGE/accel.limits")
	EOT
}
