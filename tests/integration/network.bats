#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The child's own network, as far as it can be tested without outside servers: link, files of /etc,
# supervision of slirp4netns. root/network.bats tests what is behind the gateway.
#
# seconds: 21

load ../lib/bash/common

helper_pid() {
	child_of "$LAUNCHER" slirp4netns
}

other_helper() { # OLD_PID
	local pid
	pid=$(helper_pid) && [ "$pid" != "$1" ]
}

@test "--net=host: the caller's network, /etc untouched" {
	run -0 fx --net=host sh -c 'readlink /proc/self/ns/net; grep -c " /etc/" /proc/self/mountinfo || :'
	equals "$(readlink /proc/self/ns/net)
$(grep -c ' /etc/' /proc/self/mountinfo || :)" "$output"
}

@test "--net=none: only lo, up, with both families; /etc untouched" {
	run -0 fx --net=none sh -c 'ip -o link; ip -o addr; ping -c1 -W1 127.0.0.1 >/dev/null 2>&1; cat /etc/resolv.conf'
	equals 1 "$(grep -c 'state UNKNOWN\|state UP\|state DOWN' <<<"$output")"
	says "$output" 'lo:.*LOWER_UP'
	says "$output" '127\.0\.0\.1/8'
	says "$output" '::1/128'
	[[ $output == *"$(</etc/resolv.conf)"* ]]
}

@test "--net=none: a server on loopback answers" {
	# Newer versions of socat report on stderr the signal that ends them.
	run -0 --separate-stderr fx --net=none sh -c 'socat TCP-LISTEN:80,reuseaddr,fork SYSTEM:"echo hi" & p=$!
		for i in 1 2 3 4 5 6 7 8 9; do socat -u TCP:127.0.0.1:80,retry=200,interval=0.05 - && break; done; kill $p'
	equals hi "$output"
}

@test "slirp4netns: lo and tap0 up with address, MTU and default route" {
	run -0 fx --net=slirp4netns sh -c 'ip -o -4 addr; ip route; cat /sys/class/net/tap0/mtu; ip -o link show lo'
	says "$output" 'tap0 +inet 10\.0\.2\.100/24'
	says "$output" '^default via 10\.0\.2\.2 dev tap0'
	says "$output" '^65520$'
	says "$output" 'lo:.*LOWER_UP'
}

@test "--cidr, --mtu, --ifname change it" {
	run -0 fx --net=slirp4netns --cidr=192.168.64.0/20 --mtu=1400 --ifname=eth0 \
		sh -c 'ip -o -4 addr show eth0; ip route; cat /sys/class/net/eth0/mtu; cat /etc/resolv.conf'
	says "$output" 'inet 192\.168\.64\.100/20'
	says "$output" '^default via 192\.168\.64\.2 dev eth0'
	says "$output" '^1400$'
	says "$output" '^nameserver 192\.168\.64\.3$'
}

@test "--mtu=0 is the default of the driver" {
	run -0 fx --net=slirp4netns --mtu=0 cat /sys/class/net/tap0/mtu
	equals 65520 "$output"
}

@test "--ipv6 adds an address, a route and a name server" {
	run -0 fx --net=slirp4netns --ipv6 sh -c 'ip -o -6 addr show tap0; ip -6 route; cat /etc/resolv.conf'
	says "$output" 'inet6 fd00::'
	says "$output" '^default via f[de]00?::2 dev tap0|^default via fd00::2'
	says "$output" '^nameserver fd00::3$'
	says "$output" '^nameserver 10\.0\.2\.3$'
}

@test "/sys shows the child's devices and keeps the host's cgroup tree" {
	run -0 fx --net=slirp4netns sh -c 'ls /sys/class/net; findmnt -rno FSTYPE /sys; ls /sys/fs/cgroup'
	says "$output" '^tap0$'
	not grep -qx eth0 <<<"$output"
	says "$output" '^sysfs$'
	[[ $output == *"$(ls /sys/fs/cgroup)"* ]]
	run -0 fx --net=slirp4netns sh -c 'cut -d" " -f5- /proc/self/mountinfo | grep "^/sys/fs/cgroup" | cut -d" " -f1 | sort -u'
	equals "$(cut -d' ' -f5 /proc/self/mountinfo | grep '^/sys/fs/cgroup' | sort -u)" "$output"
}

@test "resolv.conf: the helper's DNS, and search and options of the host are kept" {
	run -0 fx --net=slirp4netns cat /etc/resolv.conf
	equals "nameserver 10.0.2.3" "$(grep ^nameserver <<<"$output")"
	equals "$(grep -E '^(search|options)' /etc/resolv.conf || true)" \
		"$(grep -E '^(search|options)' <<<"$output" || true)"
}

@test "resolv.conf and hosts are the state directory's files" {
	run -0 fx --net=slirp4netns sh -c 'for f in resolv.conf hosts; do
		cmp /etc/$f "$ROOTLESSKIT_STATE_DIR/$f" && stat -Lc %d:%i /etc/$f "$ROOTLESSKIT_STATE_DIR/$f"; done'
	equals "${lines[0]}" "${lines[1]}"
	equals "${lines[2]}" "${lines[3]}"
}

@test "the host's name is on loopback, once" {
	run -0 fx --net=slirp4netns sh -c 'getent hosts "$(hostname)"; getent hosts localhost'
	says "${lines[0]}" '^(127\.|::1)'
	run -0 fx --net=slirp4netns sh -c 'grep -cE "^127\..*[[:space:]]$(hostname)([[:space:]]|$)" /etc/hosts'
	equals 1 "$output"
}

@test "a missing slirp4netns is reported before anything starts, with its package" {
	mkdir bin
	local tool
	for tool in newuidmap newgidmap touch getsubids; do
		ln -s "$(command -v $tool)" bin/
	done
	run -125 --separate-stderr env PATH="$PWD/bin" "$FAUXROOT" --net=slirp4netns touch started
	says "$stderr" 'slirp4netns'
	absent started
	run -125 --separate-stderr fx --net=slirp4netns --slirp4netns-binary=/no/such/slirp touch started
	says "$stderr" '/no/such/slirp'
	absent started
}

@test "sandbox and seccomp: true, false and auto all give a network" {
	local value
	for value in true false auto; do
		run -0 fx --net=slirp4netns --slirp4netns-sandbox=$value --slirp4netns-seccomp=$value \
			ip -o -4 addr show tap0
		says "$output" '10\.0\.2\.100'
	done
}

# A slirp4netns with its own failures: a script that checks its arguments.
fake_slirp() { # the script, in shell; $real is the real one
	cat >slirp <<-END
		#!/bin/bash
		real=$(command -v slirp4netns)
		$1
	END
	chmod +x slirp
}

@test "--slirp4netns-sandbox=auto: if slirp4netns dies with the sandbox, it is restarted without it, with a warning" {
	fake_slirp 'case " $* " in *" --enable-sandbox "*) echo "sandbox: refused" >&2; exit 1 ;; esac; exec "$real" "$@"'
	run -0 --separate-stderr fx --net=slirp4netns --slirp4netns-binary="$PWD/slirp" \
		ip -o -4 addr show tap0
	says "$output" '10\.0\.2\.100'
	says "$stderr" 'warning.*sandbox'
	run -125 --separate-stderr fx --net=slirp4netns --slirp4netns-binary="$PWD/slirp" \
		--slirp4netns-sandbox=true true
	says "$stderr" 'sandbox'
}

@test "a slirp4netns before 1.1.9, which answers --disable-dns with its usage, is started without it" {
	fake_slirp 'case " $* " in *" --disable-dns "*)
			echo "slirp4netns: unrecognized option '"'--disable-dns'"'" >&2
			printf "%s\n" "Usage: slirp4netns [OPTION]... PID|PATH TAPNAME" $(seq 1000)
			exit 1 ;;
		esac
		exec "$real" "$@"'
	run -0 --separate-stderr fx --net=slirp4netns --slirp4netns-binary="$PWD/slirp" \
		ip -o -4 addr show tap0
	says "$output" '10\.0\.2\.100'
	equals "" "$stderr"
}

@test "a slirp4netns that dies before it is ready: its output is in the error" {
	fake_slirp 'case " $* " in *" --version "*|*" --help "*) exec "$real" "$@" ;; esac; echo "no luck today" >&2; exit 3'
	run -125 --separate-stderr fx --net=slirp4netns --slirp4netns-binary="$PWD/slirp" touch started
	says "$stderr" 'slirp4netns.*'
	says "$stderr" 'no luck today|status 3'
	absent started
}

@test "one that does not answer --version either, as on a busy machine: the same" {
	fake_slirp 'case " $* " in *" --version "*) exec sleep 1000 ;; esac; echo "no luck today" >&2; exit 3'
	run -125 --separate-stderr fx --net=slirp4netns --slirp4netns-binary="$PWD/slirp" touch started
	says "$stderr" 'error: slirp4netns died before it was ready: .*no luck today'
	absent started
}

@test "a slirp4netns that hangs before it is ready is killed, and nothing is left" {
	fake_slirp 'case " $* " in *" --version "*|*" --help "*) exec "$real" "$@" ;; esac; exec sleep 1000'
	run -125 --separate-stderr timeout 200 "$FAUXROOT" --net=slirp4netns \
		--slirp4netns-binary="$PWD/slirp" touch started
	says "$stderr" 'slirp4netns'
	absent started
}

@test "slirp4netns killed: restarted on the same device, and this is logged" {
	launch --net=slirp4netns sleep 1000
	local old before
	old=$(helper_pid)
	before=$(in_target ip -o link show tap0)
	kill -KILL "$old"
	wait_for logged 'started again'
	other_helper "$old"
	equals "$before" "$(in_target ip -o link show tap0)"
	says "$(in_target ip -o -4 addr show tap0)" '10\.0\.2\.100'
	says "$(in_target ip route)" '^default via 10\.0\.2\.2'
	stop
}

@test "slirp4netns killed while SIGTERM is pending, for a slow target: restarted" {
	launch --net=slirp4netns sh -c 'trap "" TERM; echo deaf; exec sleep 1000'
	wait_for grep -q deaf "$OUT"
	local old round flood
	term_flood
	for round in 1 2; do
		old=$(helper_pid)
		kill -KILL "$old"
		wait_for other_helper "$old"
	done
	kill "$flood"
	not logged canceled
	kill -KILL "$TARGET"
	ended 137
}

@test "slirp4netns killed by SIGTERM, or exited by itself: restarted, too" {
	launch --net=slirp4netns sleep 1000
	local old
	old=$(helper_pid)
	kill -SEGV "$old"
	wait_for logged 'started again'
	other_helper "$old"
	stop
}

@test "deaths without end: restarted with pauses, the command keeps running, and the network comes back" {
	fake_slirp 'case " $* " in *" --version "*) exec "$real" "$@" ;; esac
		[ ! -e broken ] || { echo "no luck today" >&2; exit 3; }
		exec "$real" "$@"'
	launch --debug --net=slirp4netns --slirp4netns-binary="$PWD/slirp" sleep 1000
	: >broken
	kill -KILL "$(helper_pid)"
	wait_for logged 'warning: slirp4netns died 5 times in a row'
	says "$(<"$LOG")" 'warning: slirp4netns died: .*no luck today'
	# Further deaths are not logged as warnings.
	wait_for logged 'debug: slirp4netns died: exit status 3: no luck today'
	equals 5 "$(grep -c 'warning: slirp4netns died: ' "$LOG")"
	# A program that is missing for a while, as during an upgrade.
	mv slirp gone
	wait_for logged 'debug: restarting slirp4netns: '
	alive "$TARGET"
	mv gone slirp
	rm broken
	wait_for logged 'slirp4netns started again'
	helper_pid
	stop
}

@test "SIGSTOP to slirp4netns is noticed: it is continued, or replaced, or this is logged" {
	launch --net=slirp4netns sleep 1000
	local old
	old=$(helper_pid)
	kill -STOP "$old"
	wait_for logged 'slirp4netns was stopped'
	continued() { ! process_state "$old" T; }
	wait_for continued
	wait_for helper_pid >/dev/null
	stop
}

@test "a target that has run unshare -n: the killed helper is restarted for the pinned network" {
	launch --net=slirp4netns unshare -n sleep 1000
	becomes "$TARGET" sleep
	local old
	old=$(helper_pid)
	kill -KILL "$old"
	wait_for logged 'started again'
	other_helper "$old"
	stop
}

@test "a target that has unshared its mounts: the killed helper is restarted" {
	launch --net=slirp4netns unshare -m sh -c 'mount -t tmpfs none /etc; exec sleep 1000'
	becomes "$TARGET" sleep
	local old
	old=$(helper_pid)
	kill -KILL "$old"
	wait_for logged 'started again'
	other_helper "$old"
	stop
}

@test "a target that cannot be inspected: a killed helper is still restarted" {
	cp "$(command -v sleep)" secret
	chmod 0111 secret
	launch --net=slirp4netns ./secret 100
	local old
	old=$(helper_pid)
	kill -KILL "$old"
	wait_for logged 'started again'
	other_helper "$old"
	stop
}

@test "the helper is in a process group of its own, and gets no signal of the terminal" {
	launch --net=slirp4netns sleep 1000
	local helper
	helper=$(helper_pid)
	[ "$(ps -o pgid= -p "$helper")" -ne "$(ps -o pgid= -p "$LAUNCHER")" ]
	stop
}

@test "the helper ends with the target, however the target ends" {
	run -3 fx --net=slirp4netns sh -c 'exit 3'
	run -137 fx --net=slirp4netns sh -c 'kill -9 $$'
	run -127 fx --net=slirp4netns no-such-command-here
}

@test "the target cannot read our processes in its namespaces" {
	# One link must be readable: it shows that the check works.
	launch --net=slirp4netns sh -c 'while [ ! -e go ]; do sleep 0.02; done
		ls -l /proc/[0-9]*/exe /proc/$$/exe 2>/dev/null | sed "s/.* -> //"'
	touch go
	ended 0
	grep -qxF "$(realpath /bin/sh)" "$OUT"
	not grep -F "$(realpath "$FAUXROOT")" "$OUT"
}

# test_net_health tests the detection; that takes half a minute here.
@test "a slirp4netns that hangs blocks nobody; it is killed and restarted (FULL=1)" {
	# It attaches to the device, reports that it is ready, and reads nothing.
	fake_slirp 'case " $* " in *" --version "*) exec "$real" "$@" ;; esac
		[ ! -e hung ] || exec "$real" "$@"
		for word; do case $word in --ready-fd=*) ready=${word#*=} ;; esac; done
		>hung
		join=(nsenter --target "${@: -2:1}" --user --net --preserve-credentials)
		(until "${join[@]}" ip link show tap0 | grep -q LOWER_UP; do sleep 0.02; done; echo -n 1 >&$ready) &
		exec "${join[@]}" \
			socat -u EXEC:"sleep 1000" TUN,tun-name=tap0,tun-type=tap,iff-no-pi'
	launch --net=slirp4netns --slirp4netns-binary="$PWD/slirp" sleep 1000
	if [ -n "$FULL" ]; then
		DEADLINE=90 wait_for logged 'slirp4netns started again'
		logged 'slirp4netns died: it hung and read no more packets'
		helper_pid
		says "$(in_target ip -o -4 addr show tap0)" '10\.0\.2\.100'
	fi
	stop
	kill_marked
}
