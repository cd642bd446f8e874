# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # CODE, BODY, ID and PORT are for the tests
#
# For tests of published ports: free ports of the host, servers for the child, the API's answers.

PORTCHECK=$FAUXROOT_TEST_TOOLS/portcheck

# Tests may run at a time. Who has chosen a port holds it until the test ends by a link in here that
# names its process: from the choice to the bind, and from one bind to the next, none is listening.
RESERVED=$BATS_TMPDIR/fauxroot-test-ports
OWN_PORTS=()

# free_port [NEEDED] - PORT: one of the host with NEEDED - 1 free neighbours above it, on either family
# and for TCP and UDP; below the range that the kernel gives away by itself
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
	# It goes with the last of those who hold one.
	mkdir -m 1777 "$RESERVED" 2>/dev/null || true
	if ln -s $$ "$RESERVED/$1" 2>/dev/null; then
		OWN_PORTS+=("$RESERVED/$1")
		return
	fi
	# Of a test that was killed. Not ours yet: somebody else may be here at this moment.
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

# stop_all - stop(), where the target's own children outlive it
stop_all() {
	stop || return
	kill_marked
}

# api METHOD PATH [BODY] - CODE and BODY of the answer
api() {
	local answer
	answer=$(curl -sS --max-time 60 --unix-socket "$S/api.sock" -X "$1" ${3+--data-raw "$3"} \
		-w '\n%{http_code}' "http://any.host$2" 3>&- 4>&-) || return
	CODE=${answer##*$'\n'} BODY=${answer%$'\n'*}
}

# publish PROTO PARENT_IP PARENT_PORT CHILD_IP CHILD_PORT - over the API: ID, and PORT of the host.
# PARENT_PORT is 0 for any, or "own" for one that nobody takes when it is free again.
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

# port_objects - the published ports, one JSON object a line
port_objects() {
	ctl list-ports --json | jq -c '.[]'
}

# connects IP PORT - a TCP connection is accepted, whatever happens to it then
connects() {
	(exec 5<>"/dev/tcp/$1/$2") 2>/dev/null
}

# said tcp|udp IP PORT - the first line of a server's answer. Datagrams may be lost on a busy machine:
# the question is asked until there is one.
said() {
	(
		exec 5<>"/dev/$1/$2/$3" || exit
		# Not read: that takes byte after byte, and with the first the rest of a datagram is gone.
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

# part NAME - the PID of the launcher's forwarder or agent
part() {
	child_of "$LAUNCHER" "$1"
}

replaced() { # NAME OLD
	local now
	now=$(part "$1") && [ "$now" != "$2" ]
}

# made_ahead - how many sockets an idle forwarder may hold for connections to come: each of its threads
# 4 for either family of TCP and 16 for either of UDP
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

# memory_of PID - in KiB, its anonymous memory: what PSS counts of pages that others share depends on
# who else runs
memory_of() {
	awk '$1 == "Anonymous:" { print $2 }' "/proc/$1/smaps_rollup"
}
