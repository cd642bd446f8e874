#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The name service: what the host's name servers answer, the command gets.
#
# seconds: 40

load ../lib/bash/common
load ../lib/bash/names

# The answer to host.example: an A record. Header, question, record: 12 + 18 + 16 bytes.
A="0 46"

@test "names resolve over UDP and TCP, also with a server on the host's loopback and no way to it" {
	host 'server 127.0.0.53 fixed 192.0.2.1
		echo nameserver 127.0.0.53 >/etc/resolv.conf
		inner "--disable-host-loopback --ipv6" "cat /etc/resolv.conf
			ask host.example; ask host.example tcp
			\$DNS ask fd00::3 host.example; \$DNS ask fd00::3 host.example tcp
			getent ahostsv4 any.example | head -1"'
	equals "nameserver 10.0.2.3
nameserver fd00::3
$A 192.0.2.1
$A 192.0.2.1
$A 192.0.2.1
$A 192.0.2.1
192.0.2.1       STREAM any.example" "$output"
}

@test "a resolv.conf with only IPv6 servers: names resolve in a network without IPv6" {
	host 'server ::1 fixed 192.0.2.1
		echo nameserver ::1 >/etc/resolv.conf
		inner "--disable-host-loopback" "cat /etc/resolv.conf
			ask host.example; ask host.example tcp; getent ahostsv4 any.example | head -1"'
	equals "nameserver 10.0.2.3
$A 192.0.2.1
$A 192.0.2.1
192.0.2.1       STREAM any.example" "$output"
}

@test "each query has an id and a port of its own" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		inner "for i in \$(seq 40); do ask host.example; done >/dev/null"
		# One each, and a second one if a busy machine has not answered within a second.
		asked=$(grep -c ^udp log.127.0.0.1); echo $((asked >= 40 && asked < 60))
		echo $(($(cut -d" " -f3 log.127.0.0.1 | sort -u | wc -l) > 35))
		echo $(($(cut -d" " -f4 log.127.0.0.1 | sort -u | wc -l) > 35))'
	equals "1
1
1" "$output"
}

@test "of many queries each has a random id, and a port serves few of them" {
	# Fewer arrive on a machine that is so busy that queries time out.
	host 'server 127.0.0.1 fixed 192.0.2.1
		inner "\$DNS bench 10.0.2.3 host.example 20000 64 >rate"
		grep ^udp log.127.0.0.1 | head -n 18000 >asked
		wc -l <asked
		# 18,000 random ones of 65,536 numbers are 15,700 different ones.
		echo $(($(cut -d" " -f3 asked | sort -u | wc -l) > 15000))
		# A port serves 64 at most. The kernel chooses at least 280 times, of 28,000 ports: some of them
		# twice, and every two hundred runs one of them three times.
		cut -d" " -f4 asked | sort | uniq -c | sort -rn >ports
		echo $(($(wc -l <ports) > 250)) $(($(head -n 1 ports | sed "s/^ *//; s/ .*//") <= 192))'
	equals "18000
1
1 1" "$output"
}

@test "a query over UDP that is too large for one is answered with truncation, and passes over TCP" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		inner "ask host.example padding=1100; ask host.example padding=1300; ask host.example padding=1300 tcp"'
	equals "$A 192.0.2.1
0 30 tc
$A 192.0.2.1" "$output"
}

@test "answers of 4 KB pass with EDNS; without they are truncated, and come over TCP" {
	host 'server 127.0.0.1 big 4000
		inner "ask host.example txt edns=4096; ask host.example txt; ask host.example txt tcp"'
	equals "0 4058
0 30 tc
0 4058" "$output"
}

@test "a server that answers over TCP only is asked again over TCP" {
	host 'server 127.0.0.1 truncated 192.0.2.1
		inner "ask host.example; getent ahostsv4 any.example | head -1"'
	equals "0 30 tc
192.0.2.1       STREAM any.example" "$output"
}

@test "only an answer that repeats id and question is accepted" {
	for mode in wrongid otherquestion otherport; do
		host "server 127.0.0.1 $mode 192.0.2.66; server 127.0.0.2 fixed 192.0.2.1
			printf 'nameserver 127.0.0.1\nnameserver 127.0.0.2\n' >/etc/resolv.conf
			inner 'ask host.example'"
		equals "$A 192.0.2.1" "$output"
	done
}

@test "after many forged answers, and after one with other capital letters, the server is asked over TCP" {
	for mode in forged othercase; do
		host "server 127.0.0.1 $mode 192.0.2.1
			inner 'ask Host.Example'
			grep -o '^tcp Host.Example' log.127.0.0.1"
		equals "$A 192.0.2.1
tcp Host.Example" "$output"
	done
}

@test "the next server is asked if one fails: refused, SERVFAIL, unreachable, silent, no TCP" {
	for bad in "server 127.0.0.1 servfail" "server 127.0.0.1 refused" "server 127.0.0.1 formerr" \
		"true" "server 127.0.0.1 silent" "server 127.0.0.1 tcpclose" "server 127.0.0.1 tcpsilent"; do
		host "$bad; server 127.0.0.2 fixed 192.0.2.1
			printf 'nameserver 127.0.0.1\nnameserver 127.0.0.2\n' >/etc/resolv.conf
			inner 'ask host.example tcp; ask other.example | cut -d\" \" -f1'"
		equals "$A 192.0.2.1
0" "$output"
	done
	# If every server refuses, the client gets this answer.
	host 'server 127.0.0.1 refused; inner "ask host.example"'
	equals "5 30" "$output"
	host 'inner "ask host.example; ask host.example tcp"'
	equals "2 30
2 30" "$output"
}

@test "a silent server pauses, and later queries do not wait for it" {
	host 'server 127.0.0.1 silent; server 127.0.0.2 fixed 192.0.2.1
		printf "nameserver 127.0.0.1\nnameserver 127.0.0.2\n" >/etc/resolv.conf
		# Waiting for each would take several minutes.
		start=$SECONDS
		inner "for i in \$(seq 100); do ask host.example; done | uniq -c"
		echo $((SECONDS - start < 60))'
	equals "    100 $A 192.0.2.1
1" "$output"
}

@test "the host's files are followed: edited, replaced, a link or its target replaced, removed" {
	host 'server 127.0.0.1 fixed 192.0.2.1; server 127.0.0.2 fixed 192.0.2.2
		server 127.0.0.3 fixed 192.0.2.3; server 127.0.0.4 fixed 192.0.2.4
		mkdir -p /run/a /run/b
		echo nameserver 127.0.0.1 >/etc/resolv.conf
		inner "
			until_ip() { wait_until gives \"0 46 192.0.2.\$1\" && echo \$1; touch step.\$1; }
			until_ip 1
			until_ip 2
			until_ip 3
			until_ip 4
			until_ip 11
			wait_until grep -qx \"search new.example\" /etc/resolv.conf && echo searched
			wait_until grep -q \"192.0.2.99 printer\" /etc/hosts && echo printer
			cat /etc/resolv.conf
			" >out &
		children="$children $!"
		wait_until test -e step.1
		echo nameserver 127.0.0.2 >/etc/resolv.conf
		wait_until test -e step.2
		echo nameserver 127.0.0.3 >/run/a/conf; ln -s /run/a/conf /etc/new; mv /etc/new /etc/resolv.conf
		wait_until test -e step.3
		echo nameserver 127.0.0.4 >/run/a/new; mv /run/a/new /run/a/conf
		wait_until test -e step.4
		rm -r /run/a
		server 127.0.0.9 fixed 192.0.2.11; ln -s b /run/a
		printf "search new.example\nnameserver 127.0.0.9\n" >/run/b/conf
		wait_until test -e step.11
		echo "192.0.2.99 printer" >>/etc/hosts
		wait_until grep -q new.example out; wait_until grep -q printer out; wait_until grep -q nameserver out
		cat out'
	equals "1
2
3
4
11
searched
printer
nameserver 10.0.2.3
search new.example" "$output"
}

@test "clients of the API get events for changed servers, search domains and hosts" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		echo nameserver 127.0.0.1 >/etc/resolv.conf
		printf "nameserver 127.0.0.1\nnameserver fd00::9\n" >two
		changes() { [ "$(grep -c names-changed events)" = "$1" ]; }
		inner --state-dir=$PWD/state "touch up; until [ -e end ]; do sleep 0.05; done" &
		children="$children $!"
		wait_until test -e up
		"$FAUXROOTCTL" --socket state/api.sock events >events &
		children="$children $!"
		wait_until grep -q snapshot events
		cat two >/etc/resolv.conf
		wait_until changes 1
		{ cat two; echo search new.example; } >/etc/resolv.conf
		wait_until changes 2
		echo "192.0.2.99 printer" >>/etc/hosts
		wait_until changes 3
		touch end
		wait_until grep -q exit events
		jq -c "select(.event == \"names-changed\") | .dns" events'
	equals '["127.0.0.1","fd00::9"]
["127.0.0.1","fd00::9"]
["127.0.0.1","fd00::9"]' "$output"
}

@test "a resolv.conf that the command has written stays; --dns=ADDRESS sets other servers, --dns=none leaves the file alone" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		printf "nameserver 127.0.0.1\nsearch old.example\n" >/etc/resolv.conf
		inner "echo nameserver 192.0.2.7 >/etc/resolv.conf; touch written
			wait_until grep -q printer /etc/hosts; cat /etc/resolv.conf" >out & children="$children $!"
		wait_until test -e written
		printf "nameserver 127.0.0.1\nsearch new.example\n" >/etc/resolv.conf
		echo "192.0.2.99 printer" >>/etc/hosts
		wait_until grep -q nameserver out; cat out
		inner --dns=192.0.2.8 --dns=fd00::9 "cat /etc/resolv.conf; ip -o addr show lo | grep -c 10.0.2.3
			$FAUXROOT --version >/dev/null"
		inner --dns=none "cat /etc/resolv.conf; grep -c printer /etc/hosts"'
	equals "nameserver 192.0.2.7
nameserver 192.0.2.8
nameserver fd00::9
search new.example
0
nameserver 127.0.0.1
search new.example
1" "$output"
}

@test "the command can bind port 53 of the wildcard address, and names still resolve" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		inner "server 0.0.0.0 fixed 192.0.2.77; \$DNS ask 127.0.0.1 host.example; ask host.example
			ask host.example tcp; nft flush ruleset; ask host.example"'
	equals "0 46 192.0.2.77
$A 192.0.2.1
$A 192.0.2.1
$A 192.0.2.1" "$output"
}

@test "without nf_tables the name service takes port 53, and the log says so" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		"$FAUXROOT_TEST_TOOLS/refuse" --errno EAFNOSUPPORT socket:16::12 -- \
			"$FAUXROOT" --debug --net=slirp4netns --copy-up=/etc --idmap=single \
			sh -c ". ./functions; ask host.example; ask host.example tcp
				$DNS serve 0.0.0.0 fixed 192.0.2.77 2>&1" 2>log
		grep -c "takes port 53 in the command" log
		"$FAUXROOT_TEST_TOOLS/refuse" --errno EAFNOSUPPORT socket:16::12 -- \
			"$FAUXROOT" --check --net=slirp4netns --idmap=single true 2>&1 |
			grep -A1 "names.*relayed to" | grep -c "127.0.0.1:53; port 53 is taken\|takes port 53"
		"$FAUXROOT" --check --net=slirp4netns --idmap=single true | grep -c "names.*port 53 is free"
		"$FAUXROOT" --check --net=slirp4netns --idmap=single --dns=none true | grep -c "relayed to" || :'
	equals "$A 192.0.2.1
$A 192.0.2.1
binding port 53: Address already in use
1
2
1
0" "$output"
}

@test "the name service starts with the first query, and survives SIGKILL, SIGSTOP and a flood" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		# Of this launcher, a child of the shell in the background.
		pids() { pgrep -P "$(pgrep -P $shell -x fauxroot)" -f "^fauxroot: names"; }
		inner "wait_until test -e go; ask host.example; touch 1; wait_until test -e killed
			ask host.example; touch 2; wait_until test -e stopped; ask host.example; touch 3
			\$DNS flood 10.0.2.3 1000 >/dev/null; wait_until gives \"0 46 192.0.2.1\" && echo again; touch 4" >out 2>err & shell=$!; children="$children $!"
		wait_until pgrep -P $shell -x fauxroot; pids; touch go
		wait_until test -e 1; first=$(pids); kill -9 $first; touch killed
		wait_until test -e 2; second=$(pids); [ "$second" != "$first" ] && echo another
		kill -STOP $second; touch stopped
		wait_until test -e 3
		wait_until test -e 4; cat out'
	equals "another
$A 192.0.2.1
$A 192.0.2.1
$A 192.0.2.1
again" "$output"
}

@test "five deaths in a row do not end the command: one warning, then a restart every five seconds" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		pids() { pgrep -P "$(pgrep -P $shell -x fauxroot)" -f "^fauxroot: names"; }
		another() { now=$(pids) && [ "$now" != "$last" ]; }
		inner "wait_until gives \"0 46 192.0.2.1\"; touch asked; wait_until test -e done; ask host.example" >out 2>err &
		shell=$!; children="$children $!"; last=
		wait_until test -e asked
		for death in 1 2 3 4 5; do
			wait_until another; last=$now; kill -9 $now
		done
		wait_until grep -q "restarted every 5 s" err
		touch done; wait $shell; echo "status $?"; cat out; grep -c "the name service died: " err
		grep -c "restarted every 5 s" err; grep -c terminating err || :'
	equals "status 0
$A 192.0.2.1
5
1
0" "$output"
}

@test "names resolve with pasta as well, over UDP and TCP, IPv4 and IPv6" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		# pasta of 2023 does not start without a default route.
		ip link add d0 type veth peer name d1; ip link set d1 up; ip link set d0 up
		ip address add 198.51.100.1/24 dev d0
		ip route add default via 198.51.100.2
		network=pasta; inner --ipv6 "ask host.example; ask host.example tcp
			\$DNS ask fd00::3 host.example; \$DNS ask fd00::3 host.example tcp
			cat /etc/resolv.conf"'
	equals "$A 192.0.2.1
$A 192.0.2.1
$A 192.0.2.1
$A 192.0.2.1
nameserver 10.0.2.3
nameserver fd00::3" "$output"
}

@test "--detach-netns: a process that enters the network asks the address in the API; the command has the host's name servers" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		echo nameserver 127.0.0.1 >/etc/resolv.conf
		inner --detach-netns --ipv6 --state-dir=$PWD/s "cat /etc/resolv.conf
			dns=\$(${FAUXROOT}ctl --socket=$PWD/s/api.sock info --json | jq -r .networkDriver.dns[0])
			echo \$dns; ip -o address show lo | grep -c 10.0.2.3
			for how in \"\" tcp; do
				nsenter --net=$PWD/s/netns \$DNS ask \$dns host.example \$how
				nsenter --net=$PWD/s/netns \$DNS ask fd00::3 host.example \$how
			done"'
	equals "nameserver 127.0.0.1
10.0.2.3
0
$A 192.0.2.1
$A 192.0.2.1
$A 192.0.2.1
$A 192.0.2.1" "$output"
}
