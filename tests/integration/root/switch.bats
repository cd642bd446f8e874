#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --net-accel=switch. The launcher's host is a network namespace of this test. A link leads to a second one
# with servers; no packet leaves the machine.
#
#	outside 198.51.100.2, 2001:db8::2, 203.0.113.5 ── veth ── host 198.51.100.1, 2001:db8::1
#
# seconds: 42

# shellcheck disable=SC2016 # scripts for a shell inside
load ../../lib/bash/common
load ../../lib/bash/root

ESCAPE=$FAUXROOT_TEST_TOOLS/escape
NET=(--net=slirp4netns --ipv6)
SWITCH=(--net-accel=switch)

setup_file() {
	load_root || return
	two_networks
	host ip route add default via "$CLIENT4"
	host ip -6 route add default via "$CLIENT6"
	client ip addr add 203.0.113.5/32 dev lo
	serve client "$ESCAPE" serve 7000 outside "$CLIENT4" "$CLIENT6"
	# The services that the command must not reach. They belong to the launcher's user, so that a socket of
	# the same user can try to share the port.
	serve host as_test_user "$ESCAPE" serve 7001 loopback 127.0.0.1 127.1.2.3 ::1
	wait_for listening client 2 7000
	wait_for listening host 3 7001
	idle_start
}

teardown_file() {
	[ -z "${IDLE:-}" ] || kill "$IDLE" 2>/dev/null || true
	end_networks
}

# A command that connects once, and then does nothing until the last test.
idle_start() {
	IDLE_DIR=$BATS_FILE_TMPDIR/idle
	mkdir -m 0777 "$IDLE_DIR"
	chmod 0755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/file "$BATS_FILE_TMPDIR"
	# Not host(): this must be the launcher's PID.
	env HOME="$IDLE_DIR" XDG_RUNTIME_DIR="$IDLE_DIR" nsenter --target "$HOST_NS" --net \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" --state-dir="$IDLE_DIR/state" "${NET[@]}" "${SWITCH[@]}" \
		bash -c 'exec 3<>/dev/tcp/198.51.100.2/7000; cat <&3 >"$1/greeting"; exec sleep infinity' sh "$IDLE_DIR" \
		</dev/null 2>"$IDLE_DIR/log" 3>&- 4>&- &
	IDLE=$!
	export IDLE IDLE_DIR
}

setup() {
	root_setup
}

as_test_user() {
	setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all "$@"
}

host() {
	[ "$1" != as_test_user ] || set -- setpriv --reuid "$USER_UID" --regid "$USER_GID" \
		--init-groups --inh-caps=-all "${@:2}"
	nsenter --target "$HOST_NS" --net "$@" 3>&- 4>&-
}

listening() { # WHERE NUMBER PORT
	[ "$("$1" ss -Hltn "sport = $3" | wc -l)" -eq "$2" ]
}

# inside [OPTION…] -- COMMAND… - run a command in the switched network
inside() {
	host env HOME="$T" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		--inh-caps=-all "$FAUXROOT" --state-dir="$S" "${NET[@]}" "$@" </dev/null
}

# The functions and variables that scripts inside use.
scripted() { # SCRIPT
	cat <<EOF
ctl=$FAUXROOTCTL escape=$ESCAPE T=$T
number() { "\$ctl" info --json | jq ".networkDriver.accel.\$1"; }
dial() { exec 3<>"/dev/tcp/\$1/\$2" && cat <&3; }
$1
EOF
}

inside_script() { # SCRIPT [OPTION…]
	local script
	script=$(scripted "$1")
	inside "${SWITCH[@]}" "${@:2}" -- bash -ec "$script"
}

launch_inside() { # [OPTION…] COMMAND… - launch() in the host's network
	launch_as nsenter --target "$HOST_NS" --net -- "${NET[@]}" "${SWITCH[@]}" "$@"
}

info() { # MEMBER
	as_user "$FAUXROOTCTL" --socket "$S/api.sock" info --json | jq -r ".networkDriver.accel.$1"
}

switchers() {
	pgrep -P "$LAUNCHER" -x 'fauxroot: switc' || true
}

n_switchers_is() {
	[ "$(switchers | wc -l)" -eq "$1" ]
}

@test "connections to the outside get a socket of the host, also over IPv6" {
	run -0 inside_script '
		dial 198.51.100.2 7000; echo
		ss -Htn | awk "{ print \$4 }" | cut -d: -f1
		dial 2001:db8::2 7000; echo
		dial 203.0.113.5 7000 || dial ::ffff:198.51.100.2 7000; echo
		number switched'
	equals outside "${lines[0]}"
	grep -q -- "outside" <<<"$output"
	[ "${lines[-1]}" -ge 3 ]
}

@test "without the option nothing is switched" {
	run -0 inside -- bash -ec "$(scripted '
		dial 198.51.100.2 7000; echo
		"$ctl" info --json | jq ".networkDriver | has(\"accel\")"')"
	equals "outside false" "${lines[*]}"
}

@test "a socket of the host does not lead to the host's loopback, and does not listen" {
	local attempts
	# The control: sockets that nobody has confined. MSG_FASTOPEN works only until the kernel has seen lost
	# packets, so this comes first.
	run -0 host as_test_user "$ESCAPE" "$CLIENT4" "$CLIENT6" 7000 7001
	attempts=$(wc -l <<<"$output")
	[ "$attempts" -ge 24 ]
	[ "$(grep -c ': escaped$' <<<"$output")" -ge $((attempts - 4)) ]
	run -0 inside_script '"$escape" 198.51.100.2 2001:db8::2 7000 7001; number switched' \
		--disable-host-loopback
	not grep ': escaped$' <<<"$output"
	equals "$attempts" "$(grep -cE ': (held|impossible here)$' <<<"$output")"
	# Each attempt began with a socket of the host.
	[ "${lines[-1]}" -ge $((attempts - 2)) ]
}

@test "changes of the address and the descriptor during connect do not lead to the host's loopback" {
	local tries
	run -0 inside_script '"$escape" race 198.51.100.2 7000 7001 12; number switched' \
		--disable-host-loopback
	tries=${lines[0]%% *}
	echo "$output"
	[ "$tries" -gt 500 ]
	grep -qE '^[0-9]+ tries, [1-9][0-9]* outside, 0 escaped$' <<<"${lines[0]}"
	# The race is one only if connections are switched all the time.
	[ "${lines[1]}" -gt 100 ]
}

@test "a program sees the same with and without acceleration" {
	local dials=("$ROOT/tests/lib/fixtures/dials.py" "$CLIENT4" "$CLIENT6" 7000 7009)
	cp "${dials[0]}" "$T/dials.py"
	run -0 inside -- python3 "$T/dials.py" "${dials[@]:1}"
	echo "$output" >"$T/without"
	[ "$(wc -l <"$T/without")" -ge 300 ]
	run -0 inside_script "python3 $T/dials.py ${dials[*]:1}; number switched"
	[ "${lines[-1]}" -ge 300 ]
	sed '$d' <<<"$output" >"$T/with"
	diff "$T/without" "$T/with"
}

@test "connections inside the command's network are left alone" {
	run -0 inside_script '
		"$escape" serve 7003 inside 127.0.0.1 10.0.2.100 ::1 & server=$!
		for try in {1..300}; do dial ::1 7003 2>/dev/null && break; sleep 0.1; done
		dial 127.0.0.1 7003; dial 10.0.2.100 7003
		kill $server
		number switched'
	equals "insideinsideinside0" "${output//$'\n'/}"
}

@test "networks of --net-accel-except are left alone" {
	run -0 inside_script 'dial 198.51.100.2 7000; dial 2001:db8::2 7000; echo; number switched' \
		--net-accel-except=198.51.100.0/24
	equals "outsideoutside 1" "${lines[*]}"
}

@test "connections by another device inside, such as a VPN, are left alone" {
	run -0 inside_script '
		dial 198.51.100.2 7000; echo
		ip tuntap add vpn mode tun; ip link set vpn up; ip addr add 10.9.9.2/24 dev vpn
		ip route add 198.51.100.0/24 via 10.9.9.1 dev vpn
		timeout 1 bash -c "exec 3<>/dev/tcp/198.51.100.2/7000" && exit 1
		number switched'
	equals "outside 1" "${lines[*]}"
}

@test "sockets of nested network namespaces are left alone" {
	run -0 inside_script '
		dial 198.51.100.2 7000; echo
		unshare --net bash -c "ip link set lo up; exec 3<>/dev/tcp/198.51.100.2/7000" 2>/dev/null && exit 1
		number switched'
	equals "outside 1" "${lines[*]}"
}

@test "a program that cannot be read is left alone" {
	cp "$ESCAPE" "$T/closed"
	chmod 0711 "$T/closed"
	run -0 inside_script '"$T/closed" race 198.51.100.2 7000 7001 1; number switched'
	grep -q ' tries, ' <<<"${lines[0]}"
	equals 0 "${lines[1]}"
}

@test "a command with ten thousand descriptors" {
	ulimit -n 20000 2>/dev/null || skip "the limit on descriptors is lower"
	run -0 inside_script 'python3 -c "
import os, select, socket
for i in range(10000): os.dup(0)
for i in range(3):
    s = socket.socket(); s.setblocking(False)
    e = select.epoll(); e.register(s, select.EPOLLIN)
    e.poll(0); s.connect_ex((\"198.51.100.2\", 7000))
    while not e.poll(10)[0][1] & select.EPOLLIN: pass
    print(s.recv(100).decode())
"; number switched'
	equals "outside outside outside 3" "${lines[*]}"
}

@test "with --pidns, and as another user inside" {
	run -0 inside_script '
		dial 198.51.100.2 7000; echo
		setpriv --reuid 33 --regid 33 --clear-groups bash -c "exec 3<>/dev/tcp/198.51.100.2/7000; cat <&3"; echo
		number switched' --pidns
	equals "outside outside 2" "${lines[*]}"
}

@test "a fauxroot inside a switched one goes on without acceleration, and says so" {
	run -0 inside_script '"$FAUXROOT" --idmap=single --net=slirp4netns --net-accel=switch \
		bash -c "exec 3<>/dev/tcp/198.51.100.2/7000; cat <&3"'
	grep -q -- 'another program handles system calls by seccomp already' <<<"$output"
	grep -q -- outside <<<"$output"
}

@test "a host without routes: one warning, and the network works" {
	local lonely
	holder lonely --net
	nsenter --target "$lonely" --net ip link set lo up
	run -0 nsenter --target "$lonely" --net env HOME="$T" setpriv --reuid "$USER_UID" --regid "$USER_GID" \
		--init-groups --inh-caps=-all "$FAUXROOT" --state-dir="$S" "${NET[@]}" "${SWITCH[@]}" true
	equals 1 "$(grep -c 'has no route to other machines' <<<"$output")"
	kill "$lonely"
}

@test "a killed or stopped switch process costs no connection" {
	local before pid
	launch_inside bash -c "
		n=0
		while [ ! -e '$T/end' ]; do
			exec 3<>/dev/tcp/198.51.100.2/7000 || { echo failed; exit; }
			[ \"\$(cat <&3)\" = outside ] || { echo wrong; exit; }
			exec 3>&-
			echo \$((n += 1)) >'$T/n.new' && mv '$T/n.new' '$T/n'
		done
		echo good"
	wait_for test -s "$T/n"
	wait_for n_switchers_is 2
	pid=$(switchers | head -1)
	goes_on() { [ "$(<"$T/n")" -gt $((before + 20)) ]; }
	kill -KILL "$pid"
	before=$(<"$T/n")
	wait_for goes_on
	wait_for n_switchers_is 2
	pid=$(switchers | tail -1)
	kill -STOP "$pid"
	before=$(<"$T/n")
	wait_for goes_on
	equals 1 "$(info restarts)"
	touch "$T/end"
	wait "$LAUNCHER"
	equals good "$(<"$OUT")"
}

@test "a switch process that the command blocks with its memory is replaced" {
	grep -qw fuse /proc/filesystems || skip "this kernel has no FUSE"
	cp "$ROOT/tests/lib/fixtures/stall.py" "$T/stall.py"
	# A /dev/fuse that the test user may open, as on most machines.
	holder SCRATCH --mount --propagation private
	mkdir "$T/devices"
	nsenter --target "$SCRATCH" --mount sh -c 'mount -t tmpfs -o mode=0755 tmpfs "$1" &&
		mknod -m 0666 "$1/fuse" c 10 229 && mount --bind "$1/fuse" /dev/fuse' sh "$T/devices"
	host() { nsenter --target "$SCRATCH" --mount nsenter --target "$HOST_NS" --net "$@" 3>&- 4>&-; }
	run -0 inside_script '
		python3 "$T/stall.py" /mnt >"$T/stalled" &
		for try in {1..300}; do ! grep -qs asked "$T/stalled" || break; sleep 0.1; done
		grep asked "$T/stalled"
		dial 198.51.100.2 7000; echo
		for try in {1..300}; do [ "$(number restarts)" = 0 ] || break; sleep 0.1; done
		dial 198.51.100.2 7000; echo
		echo "$(number restarts) $(number switched) $(number on)"
		kill -KILL "$(head -1 "$T/stalled")"
		wait'
	equals 1 "$(grep -c 'the switch process is blocked by the command; replacing it' <<<"$output")"
	equals 2 "$(grep -c '^outside$' <<<"$output")"
	grep -qx '1 2 true' <<<"$output"
	kill "$SCRATCH"
}

@test "three deaths turn the acceleration off; connections continue without it" {
	local pid
	launch_inside bash -c "
		while [ ! -e '$T/end' ]; do
			exec 3<>/dev/tcp/198.51.100.2/7000 || { echo failed; exit; }
			[ \"\$(cat <&3)\" = outside ] || { echo wrong; exit; }
			exec 3>&-
			echo >'$T/runs'
		done
		echo good"
	wait_for test -s "$T/runs"
	# Five deaths of both are three of one.
	for _ in 1 2 3 4 5; do
		pid=$(switchers | head -1)
		[ -n "$pid" ] || break
		kill -KILL "$pid"
		replaced() { ! alive "$pid" && { [ "$(switchers | wc -l)" -eq 2 ] || [ "$(info on)" = false ]; }; }
		wait_for replaced
	done
	equals false "$(info on)"
	n_switchers_is 0
	equals 1 "$(log_count 'network acceleration is off')"
	rm -f "$T/runs"
	wait_for test -e "$T/runs"
	touch "$T/end"
	wait "$LAUNCHER"
	equals good "$(<"$OUT")"
}

@test "where a policy refuses pidfd_getfd, the launch fails with the reason" {
	run -125 host "$FAUXROOT_TEST_TOOLS/refuse" --errno EPERM --user "$FAUXROOT_TEST_USER" pidfd_getfd -- \
		env HOME="$T" "$FAUXROOT" --state-dir="$S" "${NET[@]}" "${SWITCH[@]}" true
	grep -q -- '--net-accel=switch: pidfd_getfd' <<<"$output"
	grep -q -- 'use --net-accel=none' <<<"$output"
	run -1 host "$FAUXROOT_TEST_TOOLS/refuse" --errno EPERM --user "$FAUXROOT_TEST_USER" pidfd_getfd -- \
		env HOME="$T" "$FAUXROOT" --check "${NET[@]}" "${SWITCH[@]}" true
	grep -q -- '--net-accel=switch: pidfd_getfd' <<<"$output"
	run -0 host env HOME="$T" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		--inh-caps=-all "$FAUXROOT" --check "${NET[@]}" "${SWITCH[@]}" true
	grep -qE '^ok +acceleration +switch: started$' <<<"$output"
}

# The launcher looks every five seconds whether a process is blocked by the command.
@test "a switch process that waits for calls is not taken for a blocked one" {
	local idle
	equals outside "$(<"$IDLE_DIR/greeting")"
	idle=$(as_user "$FAUXROOTCTL" --socket "$IDLE_DIR/state/api.sock" info --json | jq -c .networkDriver.accel)
	equals "true 1 0" "$(jq -r '"\(.on) \(.switched) \(.restarts)"' <<<"$idle")"
	not grep blocked "$IDLE_DIR/log"
	kill "$IDLE"
	wait_for gone "$IDLE"
}
