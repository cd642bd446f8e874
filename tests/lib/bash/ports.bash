# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # CODE, BODY, ID and PORT are for the tests
#
# For tests of published ports: free ports of the host, servers for the child, the API's answers.

PORTCHECK=$FAUXROOT_TEST_TOOLS/portcheck

# Tests may run at the same time. A test reserves a port until its end, by a link in this directory that names
# its process: nobody listens at the port between the choice and the bind, and between two binds.
RESERVED=$BATS_TMPDIR/fauxroot-test-ports
OWN_PORTS=()

# free_port [NEEDED] - set PORT to a host port with NEEDED - 1 free neighbours above it, on either family and
# for TCP and UDP; below the kernel's range of ephemeral ports
free_port() {
	local wanted=${1:-1} try at number taken
	taken=" $(awk 'FNR > 1 { sub(/.*:/, "", $2); print $2 }' /proc/net/{tcp,tcp6,udp,udp6} | tr '\n' ' ')"
	for ((try = 0; try < 200; try++)); do
		PORT=$((20000 + RANDOM % 12000))
		for ((at = PORT; at < PORT + wanted; at++)); do
			printf -v number %04X "$at"
			[[ $taken != *" $number "* ]] || continue 2
			reserve "$at" || continue 2
		done
		return
	done
	echo "no free port" >&2
	return 1
}

reserve() { # PORT
	local holder
	# The directory is removed with the last reservation.
	mkdir -m 1777 "$RESERVED" 2>/dev/null || true
	if ln -s $$ "$RESERVED/$1" 2>/dev/null; then
		OWN_PORTS+=("$RESERVED/$1")
		return
	fi
	# Of a killed test. Not ours yet: another test may take it at this moment.
	holder=$(readlink "$RESERVED/$1") && gone "$holder" && rm -f "$RESERVED/$1"
	return 1
}

release_ports() {
	[ ${#OWN_PORTS[@]} -eq 0 ] || rm -f "${OWN_PORTS[@]}"
	rmdir "$RESERVED" 2>/dev/null || true
}

# launch_ports OPTIONS… COMMAND… - launch() with the builtin driver
launch_ports() {
	launch --net=none --port-driver=builtin "$@"
}

# stop_all - stop(), when the target's own children outlive it
stop_all() {
	stop || return
	kill_marked
}

# api METHOD PATH [BODY] - set CODE and BODY to the answer
api() {
	local answer
	answer=$(curl -sS --max-time 60 --unix-socket "$S/api.sock" -X "$1" ${3+--data-raw "$3"} \
		-w '\n%{http_code}' "http://any.host$2" 3>&- 4>&-) || return
	CODE=${answer##*$'\n'} BODY=${answer%$'\n'*}
}

# publish PROTO PARENT_IP PARENT_PORT CHILD_IP CHILD_PORT - over the API: set ID, and PORT of the host.
# PARENT_PORT is 0 for any, or "own" for a reserved port, which stays free after its removal.
publish() {
	if [ "$3" = own ]; then
		free_port 1 || return
		set -- "$1" "$2" "$PORT" "$4" "$5"
	fi
	api POST /v1/ports "$(spec_json "$@")" || return
	if [ "$CODE" != 201 ]; then
		echo "POST: $CODE $BODY" >&2
		return 1
	fi
	ID=$(jq .id <<<"$BODY")
	PORT=$(jq .spec.parentPort <<<"$BODY")
}

spec_json() {
	jq -nc --arg proto "$1" --arg parent "$2" --argjson port "$3" --arg child "$4" --argjson to "$5" \
		'{proto: $proto, parentIP: $parent, parentPort: $port, childIP: $child, childPort: $to}'
}

unpublish() { # ID
	api DELETE "/v1/ports/$1" || return
	equals 200 "$CODE"
}

# refused_by METHOD PATH BODY CODE PATTERN - the answer is this error, as JSON
refused_by() {
	api "$1" "$2" ${3:+"$3"} || return
	if [ "$CODE" != "$4" ] || ! jq -r '.message // error' <<<"$BODY" | grep -qE -- "$5"; then
		printf '%s %s %.200s: wanted %s "%s", got %s %s\n' "$1" "$2" "$3" "$4" "$5" "$CODE" "$BODY" >&2
		return 1
	fi
}

ctl() {
	"$FAUXROOTCTL" --socket "$S/api.sock" "$@" 3>&- 4>&-
}

# port_objects - print the published ports, one JSON object a line
port_objects() {
	ctl list-ports --json | jq -c '.[]'
}

# connects IP PORT - a TCP connection is accepted, whatever happens to it then
connects() {
	(exec 5<>"/dev/tcp/$1/$2") 2>/dev/null
}

# said tcp|udp IP PORT - print the first line of a server's answer. A busy machine may lose datagrams: repeat
# the request until there is an answer.
said() {
	(
		exec 5<>"/dev/$1/$2/$3" || exit
		# Not with read: it reads single bytes, and the first one discards the rest of a datagram.
		if [ "$1" = tcp ]; then
			timeout "$DEADLINE" head -n 1 <&5
			exit
		fi
		end=$((SECONDS + DEADLINE))
		while [ $SECONDS -lt $end ]; do
			echo ask >&5 || true # refused: nobody listens yet
			timeout 2 head -n 1 <&5 | grep . && exit
			sleep 0.05
		done 2>/dev/null
		exit 1
	)
}

# part NAME - print the PID of the launcher's forwarder or agent
part() {
	child_of "$LAUNCHER" "$1"
}

replaced() { # NAME OLD
	local now
	now=$(part "$1") && [ "$now" != "$2" ]
}

# made_ahead - print how many sockets an idle forwarder may prepare for new connections: each of its threads 4
# for either family of TCP and 16 for either of UDP
made_ahead() {
	local threads
	threads=$(nproc)
	echo $((40 * (threads < 8 ? threads : 8)))
}

fds_of() { # PID
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

pss_of() { # PID - in KiB
	awk '$1 == "Pss:" { print $2 }' "/proc/$1/smaps_rollup"
}

# memory_of PID - print its anonymous memory in KiB: the PSS of shared pages depends on the other processes
memory_of() {
	awk '$1 == "Anonymous:" { print $2 }' "/proc/$1/smaps_rollup"
}
