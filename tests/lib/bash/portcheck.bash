# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# For tests of published ports with portcheck (tests/lib/tools/portcheck.c) at both ends; after ports.bash.

# Behind the port: a checker that serves TCP and UDP, on both families' loopback addresses.
launch_checker() { # and publish PORT for it, from the start
	free_port
	launch_ports -p "127.0.0.1:$PORT:7000/tcp" -p "127.0.0.1:$PORT:7000/udp" "$PORTCHECK" serve :: 7000 || return
	wait_for grep -q serving "$OUT"
}

check() { # WHAT [WORDS…]
	timeout 280 "$PORTCHECK" "$1" 127.0.0.1 "$PORT" "${@:2}" 3>&- 4>&-
}

works() {
	"$PORTCHECK" churn 127.0.0.1 "$PORT" 3 2>/dev/null
}

# amount SHORT FULL - print SHORT, or FULL with FULL=1
amount() {
	echo $((${#FULL} > 0 ? $2 : $1))
}
