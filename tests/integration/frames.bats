#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --disable-host-loopback against a target that is root of its network and writes frames of its own to
# tap0, for addresses that its IP stack would never send there (tests/lib/frames.c).

load ../lib/common

FRAMES=$FAUXROOT_TEST_TOOLS/frames

# All that leads to the sender's own loopback, and what libslirp turns into it.
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

# Once all is sent: what has arrived, in $ARRIVED
end_listener() {
	"$FRAMES" say "$PORT" end
	wait_for gone "$LISTENER" && wait "$LISTENER" || return
	ARRIVED=$(sed '1d;$d' received)
}

send() { # ADDRESS…
	in_target "$FRAMES" send tap0 "$PORT" "$@"
}

@test "without --disable-host-loopback such frames arrive: the test can see them" {
	start_listener
	launch --net=slirp4netns --ipv6 sleep 100
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

@test "with it none arrives, by UDP or TCP, whatever the address" {
	start_listener
	launch --net=slirp4netns --ipv6 --disable-host-loopback sleep 100
	send "${FORBIDDEN[@]}"
	end_listener
	equals "" "$ARRIVED"
	equals "" "$(grep -i warning "$LOG" || true)"
	stop
}

@test "nor after slirp4netns was killed and started again, twice" {
	start_listener
	launch --net=slirp4netns --ipv6 --disable-host-loopback sleep 100
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
	equals 0 "$(log_count 'frames of the command')"
	stop
}

@test "nor where slirp4netns runs without sandbox and seccomp filter" {
	start_listener
	launch --net=slirp4netns --ipv6 --disable-host-loopback --slirp4netns-sandbox=false \
		--slirp4netns-seccomp=false sleep 100
	send "${FORBIDDEN[@]}"
	end_listener
	equals "" "$ARRIVED"
	stop
}

@test "the caller's own LD_PRELOAD is kept, for slirp4netns and for the target" {
	cp "$(ldd "$FAUXROOT" | awk '/libmnl/ { print $3 }')" theirs.so
	start_listener
	export LD_PRELOAD=$PWD/theirs.so
	launch --net=slirp4netns --disable-host-loopback sh -c 'echo "$LD_PRELOAD"; env; exec sleep 100'
	unset LD_PRELOAD
	says "$(<"$OUT")" "^$PWD/theirs.so$"
	not grep -q 'FAUXROOT_READY_FD\|proc/self/fd' "$OUT"
	send 127.0.0.1
	end_listener
	equals "" "$ARRIVED"
	stop
}

@test "a slirp4netns that does not load what closes it is warned of" {
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

# The host of this test is a fauxroot with a network of its own, where we are root: an inner one is
# started in it.
@test "a name server on the host's loopback answers, at port 53 and nowhere else" {
	cat >inner <<-'END'
		echo nameserver 127.0.0.53 >/etc/resolv.conf
		for port in 53 54; do
			socat UDP4-RECVFROM:$port,bind=127.0.0.53,fork EXEC:"echo $port" &
			servers="$servers $!"
		done
		"$FAUXROOT" --net=slirp4netns --disable-host-loopback --copy-up=/etc --idmap=single sh -c '
			cat /etc/resolv.conf
			for i in 1 2 3 4 5 6 7 8 9; do
				echo x | socat -t1 - UDP4:10.0.2.3:53 | grep . && break
			done
			echo x | socat -t1 - UDP4:10.0.2.3:54
			exit 0'
		status=$?
		kill $servers
		exit $status
	END
	run -0 --separate-stderr fx --net=none --copy-up=/etc --copy-up=/run sh -c \
		'rm /etc/resolv.conf; . ./inner'
	equals "nameserver 10.0.2.3
53" "$output"
}
