#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --disable-host-loopback against a target that is root of its network and writes raw frames to tap0, for
# addresses that its IP stack would never use there (tests/lib/tools/frames.c).

load ../lib/bash/common

FRAMES=$FAUXROOT_TEST_TOOLS/frames

# All addresses that lead to the sender's own loopback, and those that libslirp translates to it.
FORBIDDEN=(127.0.0.1 127.5.5.5 127.255.255.254 0.0.0.0 0.0.0.1 ::1 :: ::ffff:127.0.0.1
	::ffff:127.5.5.5 ::ffff:0.0.0.0 ::127.0.0.1 10.0.2.2 10.0.2.3 10.0.2.7 255.255.255.255
	fd00::2 fd00::3 fd00::7 ff02::1)

helper_pid() {
	child_of "$LAUNCHER" slirp4netns
}

other_helper() { # OLD_PID
	local pid
	pid=$(helper_pid) && [ "$pid" != "$1" ]
}

start_listener() {
	"$FRAMES" listen >received 3>&- 4>&- &
	LISTENER=$!
	wait_for test -s received
	PORT=$(head -1 received)
}

# After everything is sent: what has arrived, in $ARRIVED
end_listener() {
	"$FRAMES" say "$PORT" end
	wait_for gone "$LISTENER" && wait "$LISTENER" || return
	ARRIVED=$(sed '1d;$d' received)
}

send() { # ADDRESS…
	in_target "$FRAMES" send tap0 "$PORT" "$@"
}

@test "without --disable-host-loopback, forged frames for loopback addresses arrive: the test can detect them" {
	start_listener
	launch --net=slirp4netns --ipv6 sleep 1000
	send "${FORBIDDEN[@]}"
	end_listener
	says "$ARRIVED" '^udp 127\.0\.0\.1$'
	says "$ARRIVED" '^udp 127\.5\.5\.5$'
	says "$ARRIVED" '^udp 0\.0\.0\.0$'
	says "$ARRIVED" '^udp ::1$'
	says "$ARRIVED" '^udp ::ffff:127\.0\.0\.1$'
	says "$ARRIVED" '^tcp ::ffff:127\.5\.5\.5$'
	says "$ARRIVED" '^tcp ::1$'
	stop
}

@test "with --disable-host-loopback no forged frame arrives, by UDP or TCP, at any loopback address" {
	start_listener
	launch --net=slirp4netns --ipv6 --disable-host-loopback sleep 1000
	send "${FORBIDDEN[@]}"
	end_listener
	equals "" "$ARRIVED"
	equals "" "$(grep -i warning "$LOG" || true)"
	stop
}

@test "no frame arrives after slirp4netns was killed and restarted, twice" {
	start_listener
	launch --net=slirp4netns --ipv6 --disable-host-loopback sleep 1000
	local i old
	for i in 1 2; do
		old=$(helper_pid)
		kill -KILL "$old"
		wait_for other_helper "$old"
		again() { [ "$(log_count 'started again')" -eq "$i" ]; }
		wait_for again
	done
	send "${FORBIDDEN[@]}"
	end_listener
	equals "" "$ARRIVED"
	equals 0 "$(log_count 'frames forged by the command')"
	stop
}

@test "no frame arrives when slirp4netns runs without sandbox and seccomp filter" {
	start_listener
	launch --net=slirp4netns --ipv6 --disable-host-loopback --slirp4netns-sandbox=false \
		--slirp4netns-seccomp=false sleep 1000
	send "${FORBIDDEN[@]}"
	end_listener
	equals "" "$ARRIVED"
	stop
}

@test "the caller's own LD_PRELOAD is kept, for slirp4netns and for the target" {
	# Any library that depends only on the C library.
	cp "$(ldd "$(command -v bash)" | awk '/libtinfo|libreadline/ { print $3; exit }')" theirs.so
	start_listener
	# A sanitizer that is not loaded first prints an error and ends the launcher.
	export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
	export LD_PRELOAD=$PWD/theirs.so
	launch --net=slirp4netns --disable-host-loopback sh -c 'env; echo "$LD_PRELOAD"; exec sleep 1000'
	unset LD_PRELOAD
	wait_for grep -qx "$PWD/theirs.so" "$OUT"
	not grep -q 'FAUXROOT_READY_FD\|proc/self/fd' "$OUT"
	send 127.0.0.1
	end_listener
	equals "" "$ARRIVED"
	stop
}

@test "a slirp4netns that does not load the guard library causes a warning" {
	cat >slirp <<-END
		#!/bin/sh
		unset LD_PRELOAD
		exec $(command -v slirp4netns) "\$@"
	END
	chmod +x slirp
	run -0 --separate-stderr fx --net=slirp4netns --disable-host-loopback \
		--slirp4netns-binary="$PWD/slirp" true
	one_line "$stderr" "warning: --disable-host-loopback: .*/slirp .*frames"
	run -0 --separate-stderr fx --net=slirp4netns --slirp4netns-binary="$PWD/slirp" true
	equals "" "$stderr"
}

# The host of these tests is a fauxroot with its own network, in which we are root. The inner one is
# started there.
nested() { # SCRIPT
	cat >functions <<-'END'
		serve() { "$@" 2>/dev/null & servers="$servers $!"; }
		trap '[ -z "$servers" ] || kill $servers' EXIT
		inner() {
			"$FAUXROOT" --net=slirp4netns --ipv6 --disable-host-loopback --copy-up=/etc \
				--idmap=single sh -c ". ./functions; $1"
		}
		# ask UDP-ADDRESS TEXT: a server there sends the text back
		ask() { echo "$2" | socat -t0.5 - "$1" 2>/dev/null | grep "$2"; }
		until_answered() {
			for try in $(seq 60); do ask "$@" && return || sleep 0.1; done
			return 1
		}
	END
	run -0 --separate-stderr fx --net=none --copy-up=/etc --copy-up=/run sh -c \
		". ./functions; rm /etc/resolv.conf; $1"
}

@test "addresses that are not loopback are still reached: TCP and UDP, IPv4 and IPv6" {
	nested ': >/etc/resolv.conf
		ip addr add 198.51.100.1/32 dev lo
		ip -6 addr add 2001:db8::1/128 dev lo nodad
		serve socat TCP4-LISTEN:7000,bind=198.51.100.1,fork EXEC:"echo tcp4"
		serve socat "TCP6-LISTEN:7000,bind=[2001:db8::1],fork" EXEC:"echo tcp6"
		serve socat UDP4-RECVFROM:7000,bind=198.51.100.1,fork EXEC:cat
		serve socat "UDP6-RECVFROM:7000,bind=[2001:db8::1],fork" EXEC:cat
		inner "socat -u TCP4:198.51.100.1:7000,retry=600,interval=0.05 -
			socat -u TCP6:[2001:db8::1]:7000,retry=600,interval=0.05 -
			until_answered UDP4:198.51.100.1:7000 udp4
			until_answered UDP6:[2001:db8::1]:7000 udp6"'
	equals "tcp4
tcp6
udp4
udp6" "$output"
}
