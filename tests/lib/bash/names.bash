# SPDX-License-Identifier: Apache-2.0
# Tests of the name service. Their host is a fauxroot with its own network, in which we are root: name servers
# of the test's own (tests/lib/tools/dns.c) listen at port 53 of its loopback. The inner fauxroot is the one
# that is tested.

write_functions() {
	cat >functions <<-'END'
		DNS=$FAUXROOT_TEST_TOOLS/dns
		children=
		trap 'kill $children 2>/dev/null' EXIT
		wait_until() {
			for try in $(seq 600); do "$@" >/dev/null 2>&1 && return || sleep 0.05; done
			echo "not within 30 s: $*"
			return 1
		}
		# server ADDRESS MODE [IP]: what it is asked is in the file log.ADDRESS
		server() {
			"$DNS" serve "$@" >"log.$1" 2>&1 &
			children="$children $!"
			wait_until grep -q ready "log.$1"
		}
		network=slirp4netns
		inner() { # [OPTION…] SCRIPT
			words=
			while [ $# -gt 1 ]; do words="$words $1"; shift; done
			"$FAUXROOT" --net=$network --copy-up=/etc --idmap=single $words sh -c ". ./functions; $1"
		}
		ask() { "$DNS" ask 10.0.2.3 "$@"; }
		gives() { [ "$(ask host.example)" = "$1" ]; }
	END
}

# host SCRIPT: run it there; its output is in $output. If the test fails, it shows what the fauxroots and clients
# have said, and what the servers were asked.
host() {
	local log
	write_functions
	rm -f log.*
	run --separate-stderr fx --net=none --copy-up=/etc --copy-up=/run sh -c ". ./functions
		rm -f /etc/resolv.conf /etc/hosts
		echo 127.0.0.1 localhost >/etc/hosts
		$1"
	# shellcheck disable=SC2154 # bats sets them
	printf 'status %s; load %s; output:\n%s\nstderr:\n%s\n' "$status" "$(cut -d ' ' -f 1-3 /proc/loadavg)" "$output" "$stderr"
	for log in log.*; do
		[ ! -e "$log" ] || printf '%s, %s lines:\n%s\n' "$log" "$(wc -l <"$log")" "$(tail -n 5 "$log")"
	done
	[ "$status" = 0 ]
}
