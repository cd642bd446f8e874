#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The name service: what the host's name servers answer, the command gets.

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

@test "each query has an id and a port of its own" {
	host 'server 127.0.0.1 fixed 192.0.2.1
		inner "for i in \$(seq 40); do ask host.example; done >/dev/null"
		grep -c ^udp log.127.0.0.1
		echo $(($(cut -d" " -f3 log.127.0.0.1 | sort -u | wc -l) > 35))
		echo $(($(cut -d" " -f4 log.127.0.0.1 | sort -u | wc -l) > 35))'
	equals "40
1
1" "$output"
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

@test "only the answer to the question counts" {
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

@test "servers that fail are passed over: refused, SERVFAIL, unreachable, silent, no TCP" {
	for bad in "server 127.0.0.1 servfail" "server 127.0.0.1 refused" "server 127.0.0.1 formerr" \
		"true" "server 127.0.0.1 silent" "server 127.0.0.1 tcpclose" "server 127.0.0.1 tcpsilent"; do
		host "$bad; server 127.0.0.2 fixed 192.0.2.1
			printf 'nameserver 127.0.0.1\nnameserver 127.0.0.2\n' >/etc/resolv.conf
			inner 'ask host.example tcp; ask other.example | cut -d\" \" -f1'"
		equals "$A 192.0.2.1
0" "$output"
	done
	# What all of them say, the client gets.
	host 'server 127.0.0.1 refused; inner "ask host.example"'
	equals "5 30" "$output"
	host 'inner "ask host.example; ask host.example tcp"'
	equals "2 30
2 30" "$output"
}

@test "a silent server is not waited for again and again" {
	host 'server 127.0.0.1 silent; server 127.0.0.2 fixed 192.0.2.1
		printf "nameserver 127.0.0.1\nnameserver 127.0.0.2\n" >/etc/resolv.conf
		inner "for i in \$(seq 100); do ask host.example; done | uniq -c"
		echo $(($(grep -c ^udp log.127.0.0.1) < 20))'
	equals "    100 $A 192.0.2.1
1" "$output"
}
