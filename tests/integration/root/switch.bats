#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --net-accel=switch. The launcher's host is a network namespace of this test. A link leads to a second one
# with servers; no packet leaves the machine.
#
#	outside 198.51.100.2, 2001:db8::2, 203.0.113.5 ── veth ── host 198.51.100.1, 2001:db8::1
#
# seconds: 60

# shellcheck disable=SC2016 # scripts for a shell inside
load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/switch

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
	# packets, so this comes first. On a slow machine an answer can be too late, each time another one.
	control() {
		host as_test_user "$ESCAPE" "$CLIENT4" "$CLIENT6" 7000 7001 >"$T/control"
		sed -n 's/: escaped$//p' "$T/control" >>"$T/escapes"
		attempts=$(wc -l <"$T/control")
		[ "$(sort -u "$T/escapes" | wc -l)" -ge $((attempts - 4)) ]
	}
	wait_for control || { cat "$T/control" && false; }
	[ "$attempts" -ge 24 ]
	run -0 inside_script '"$escape" 198.51.100.2 2001:db8::2 7000 7001; number switched' \
		--disable-host-loopback
	not grep ': escaped$' <<<"$output"
	equals "$attempts" "$(grep -cE ': (held|impossible here)$' <<<"$output")"
	# Each attempt began with a socket of the host.
	[ "${lines[-1]}" -ge $((attempts - 2)) ]
}

@test "changes of the address and the descriptor during connect do not lead to the host's loopback" {
	local tries
	run -0 inside_script '"$escape" race 198.51.100.2 7000 7001 '$((20 * ${SLOW:-1}))'; number switched' \
		--disable-host-loopback
	tries=${lines[0]%% *}
	echo "$output"
	[ "$tries" -gt 500 ]
	grep -qE '^[0-9]+ tries, [1-9][0-9]* outside, 0 escaped$' <<<"${lines[0]}"
	# The race is one only if connections are switched all the time.
	[ "${lines[1]}" -gt 100 ]
}

@test "very many calls on descriptors that other threads change harm nobody" {
	run -0 inside_script '"$FAUXROOT_TEST_TOOLS/storm" 198.51.100.2 7000 7001 '$((6 * ${SLOW:-1}))'
		dial 198.51.100.2 7000; echo
		echo "$(number switched) $(number restarts) $(number on)"' --disable-host-loopback
	echo "$output"
	not grep 'is blocked by the command' <<<"$output"
	grep -qE '^[0-9]+ calls, [1-9][0-9]* greetings, 0 escaped$' <<<"$output"
	equals outside "${lines[-2]}"
	[ "${lines[-1]%% *}" -ge 50 ]
	equals "0 true" "${lines[-1]#* }"
}

@test "a program sees the same with and without acceleration" {
	local dials=("$ROOT/tests/lib/fixtures/dials.py" "$CLIENT4" "$CLIENT6" 7000 7009)
	cp "${dials[0]}" "$T/dials.py"
	run -0 inside -- python3 "$T/dials.py" "${dials[@]:1}"
	echo "$output" >"$T/without"
	[ "$(wc -l <"$T/without")" -ge 300 ]
	run -0 inside_script "python3 $T/dials.py ${dials[*]:1}; number switched"
	[ "${lines[-1]}" -ge 300 ]
	same_results "$T/without" "$(sed '$d' <<<"$output")"
}

@test "each socket option has its value after connect, with and without acceleration" {
	cp "$ROOT/tests/lib/fixtures/sockopts.py" "$T/sockopts.py"
	run -0 inside -- python3 "$T/sockopts.py" "$CLIENT4" 7000
	echo "$output" >"$T/without"
	[ "$(wc -l <"$T/without")" -ge 60 ]
	run -0 inside_script "python3 $T/sockopts.py $CLIENT4 7000; number switched"
	[ "${lines[-1]}" -ge 40 ]
	same_results "$T/without" "$(sed '$d' <<<"$output")"
}

@test "unusual calls of connect have the same result with and without acceleration" {
	local odd=("$CLIENT4" "$CLIENT6" 7000 203.0.113.77)
	cp "$ROOT/tests/lib/fixtures/oddcalls.py" "$T/oddcalls.py"
	run -0 inside -- python3 "$T/oddcalls.py" "${odd[@]}"
	echo "$output" >"$T/without"
	[ "$(wc -l <"$T/without")" -ge 180 ]
	not grep Traceback "$T/without"
	run -0 inside_script "python3 $T/oddcalls.py ${odd[*]}; number switched; number restarts"
	equals 0 "${lines[-1]}"
	[ "${lines[-2]}" -ge 40 ]
	same_results "$T/without" "$(sed '$d' <<<"$output" | sed '$d')"
}

@test "SO_LINGER has its effect on a switched socket" {
	cp "$ROOT/tests/lib/fixtures/linger.py" "$T/linger.py"
	serve client python3 "$T/linger.py" serve "$CLIENT4" 7005
	wait_for listening client 1 7005
	run -0 host python3 "$T/linger.py" "$CLIENT4" 7005
	equals "plain: end, 4 bytes. 0 seconds: reset. 30 seconds: end, 4 bytes." "${lines[*]}"
	run -0 inside_script 'python3 "$T/linger.py" 198.51.100.2 7005; number switched; number restarts'
	equals "plain: end, 4 bytes. 0 seconds: reset. 30 seconds: end, 4 bytes. 6 0" "${lines[*]}"
}

@test "an epoll set that arrived from another process is found after a moment" {
	cp "$ROOT/tests/lib/fixtures/passedset.py" "$T/passedset.py"
	run -0 inside_script 'python3 "$T/passedset.py" 198.51.100.2 7000; number switched'
	grep -qE '^event after [0-9]+ connections without one, which work$' <<<"${lines[0]}"
	echo "$output"
	[ "${lines[1]}" -ge 2 ]
}

@test "a program that Landlock forbids to connect is left alone" {
	cp "$ROOT/tests/lib/fixtures/landlock.py" "$T/landlock.py"
	run inside -- python3 "$T/landlock.py" "$CLIENT4" 7000
	[ "$status" -ne 77 ] || skip "Landlock has no rules for connections before Linux 6.7"
	equals "EACCES EACCES" "${lines[*]}"
	run -0 inside_script 'python3 "$T/landlock.py" 198.51.100.2 7000
		setpriv --no-new-privs bash -c "exec 3<>/dev/tcp/198.51.100.2/7000; cat <&3"; echo
		dial 198.51.100.2 7000; echo
		number switched
		python3 "$T/landlock.py" 198.51.100.2 7000 privileged
		dial 198.51.100.2 7000; echo
		number switched'
	equals "EACCES EACCES outside outside 1 EACCES EACCES outside 1" "${lines[*]}"
}

@test "a socket that listens already, from the caller, can listen again" {
	run -0 host python3 -c '
import os, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"fxhost\0")
s.bind(("198.51.100.1", 0))
s.listen(1)
os.dup2(s.fileno(), 9)
os.execvp(sys.argv[1], sys.argv[1:])' env HOME="$T" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		--inh-caps=-all "$FAUXROOT" --state-dir="$S" "${NET[@]}" "${SWITCH[@]}" \
		python3 -c 'import socket; socket.socket(fileno=9).listen(5); print("listens")'
	says "$output" '^listens$'
}

@test "a new epoll set has the number and the flags that the command expects" {
	run -0 inside_script 'python3 -c "
import ctypes, errno, os, resource, select
libc = ctypes.CDLL(None, use_errno=True)
free = os.open(\"/\", 0); os.close(free)
for flags in (0, select.EPOLL_CLOEXEC):
    fd = libc.epoll_create1(flags)
    print(fd == free, os.get_inheritable(fd), end=\" \")
    os.close(fd)
print(libc.epoll_create1(5), errno.errorcode[ctypes.get_errno()], end=\" \")
print(libc.epoll_create(0), errno.errorcode[ctypes.get_errno()], end=\" \")
print(libc.epoll_create(7) == free, end=\" \")
resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, 4096))
print(libc.epoll_create1(0), errno.errorcode[ctypes.get_errno()])
"'
	equals "True True True False -1 EINVAL -1 EINVAL True -1 EMFILE" "$output"
}

@test "connections inside the command's network are left alone" {
	run -0 inside_script '
		"$escape" serve 7003 inside 127.0.0.1 10.0.2.100 ::1 & server=$!
		for try in $(seq $((300 * ${SLOW:-1}))); do dial ::1 7003 2>/dev/null && break; sleep 0.1; done
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

@test "connections of a command with ten thousand descriptors are switched" {
	ulimit -n 20000 2>/dev/null || skip "the limit on descriptors is lower"
	run -0 inside_script 'python3 -c "
import os, select, socket
for i in range(10000): os.dup(0)
for i in range(3):
    s = socket.socket(); s.setblocking(False)
    e = select.epoll(); e.register(s, select.EPOLLIN)
    e.poll(0); s.connect_ex((\"198.51.100.2\", 7000))
    while not e.poll(30)[0][1] & select.EPOLLIN: pass
    print(s.recv(100).decode())
"; number switched'
	equals "outside outside outside 3" "${lines[*]}"
}

@test "connections are switched with --pidns, and of another user inside" {
	run -0 inside_script '
		dial 198.51.100.2 7000; echo
		setpriv --reuid 33 --regid 33 --clear-groups bash -c "exec 3<>/dev/tcp/198.51.100.2/7000; cat <&3"; echo
		number switched' --pidns
	equals "outside outside 2" "${lines[*]}"
}

@test "a fauxroot inside an accelerated one continues without acceleration, with a warning" {
	run -0 inside_script '"$FAUXROOT" --idmap=single --net=slirp4netns --net-accel=switch \
		bash -c "exec 3<>/dev/tcp/198.51.100.2/7000; cat <&3"'
	grep -q -- 'another program handles system calls by seccomp already' <<<"$output"
	grep -q -- outside <<<"$output"
	run -0 inside_script '"$FAUXROOT" --check --idmap=single --net=slirp4netns --net-accel=switch true'
	grep -qE '^warning +acceleration +switch: started, without effect$' <<<"$output"
}

# Without SO_NETNS_COOKIE (Linux 5.14) and PIDFD_THREAD (6.9).
@test "on older kernels connections are switched as well, and none reaches the host's loopback" {
	run -0 host "$FAUXROOT_TEST_TOOLS/refuse" --errno EINVAL --user "$FAUXROOT_TEST_USER" \
		getsockopt::1:71,pidfd_open::128 -- env HOME="$T" "$FAUXROOT" --state-dir="$S" "${NET[@]}" "${SWITCH[@]}" \
		bash -ec "$(scripted '
		dial 198.51.100.2 7000; echo
		python3 -c "
import socket, threading
def dial():
    s = socket.create_connection((\"198.51.100.2\", 7000))
    print(s.recv(100).decode())
    s.connect_ex((\"127.0.0.1\", 1))
t = threading.Thread(target=dial); t.start(); t.join()"
		unshare --net bash -c "ip link set lo up; exec 3<>/dev/tcp/198.51.100.2/7000" 2>/dev/null && exit 1
		number switched
		"$escape" 198.51.100.2 2001:db8::2 7000 7001 | grep -c ": escaped" || true')"
	equals "outside outside 2 0" "${lines[*]}"
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

# fuse_for_user - give commands of inside() a /dev/fuse that the test user may open, as on most machines
fuse_for_user() {
	cp "$ROOT/tests/lib/fixtures/stall.py" "$T/stall.py"
	holder SCRATCH --mount --propagation private
	mkdir "$T/devices"
	nsenter --target "$SCRATCH" --mount sh -c 'mount -t tmpfs -o mode=0755 tmpfs "$1" &&
		mknod -m 0666 "$1/fuse" c 10 229 && mount --bind "$1/fuse" /dev/fuse' sh "$T/devices"
	host() { nsenter --target "$SCRATCH" --mount nsenter --target "$HOST_NS" --net "$@" 3>&- 4>&-; }
}

# Two waiting processes block both switch processes; a third one blocks one of the next two.
@test "switch processes that the command blocks are replaced, and after the third the acceleration is off" {
	grep -qw fuse /proc/filesystems || skip "this kernel has no FUSE"
	fuse_for_user
	run -0 inside_script '
		stall() { mkdir -p "$T/mount$1"; python3 "$T/stall.py" "$T/mount$1" >"$T/stalled$1" & }
		stall 1; stall 2
		for try in $(seq $((300 * ${SLOW:-1}))); do
			seen=$("$ctl" info --json | jq -r ".networkDriver.accel | \"\(.restarts) \(.on)\"")
			[ "${seen% *}" -lt 2 ] || break
			sleep 0.1
		done
		dial 198.51.100.2 7000; echo
		echo "$seen $(number switched)"
		stall 3
		for try in $(seq $((300 * ${SLOW:-1}))); do [ "$(number on)" = true ] || break; sleep 0.1; done
		dial 198.51.100.2 7000; echo
		echo "$(number switched) $(number on)"
		for number in 1 2 3; do kill -KILL "$(head -1 "$T/stalled$number")"; done
		wait'
	equals 3 "$(grep -c 'the switch process is blocked by the command; replacing it' <<<"$output")"
	equals 2 "$(grep -c '^outside$' <<<"$output")"
	grep -qx '2 true 1' <<<"$output"
	grep -qx '1 false' <<<"$output"
	equals 1 "$(grep -c 'network acceleration is off: the command has blocked 3 processes' <<<"$output")"
	kill "$SCRATCH"
}

@test "a switch process without free descriptors leaves connections alone" {
	local pid
	launch_inside bash -c "
		while [ ! -e '$T/end' ]; do
			exec 3<>/dev/tcp/198.51.100.2/7000 || { echo failed; exit; }
			[ \"\$(cat <&3)\" = outside ] || { echo wrong; exit; }
			exec 3>&-
		done
		echo good"
	wait_for n_switchers_is 2
	counts_more() { [ "$(info "$1")" -gt $(($2 + 20)) ]; }
	for pid in $(switchers); do as_user prlimit --pid "$pid" --nofile=4:; done
	wait_for counts_more leftAlone 0
	for pid in $(switchers); do as_user prlimit --pid "$pid" --nofile=1000:; done
	wait_for counts_more switched "$(info switched)"
	equals 0 "$(info restarts)"
	touch "$T/end"
	wait "$LAUNCHER"
	equals good "$(<"$OUT")"
}

@test "connections of programs under strace and gdb are switched" {
	run -0 inside_script '
		strace -f -o "$T/trace" bash -c "exec 3<>/dev/tcp/198.51.100.2/7000; cat <&3"; echo
		grep -c "connect(.*sin_port=htons(7000).*= 0" "$T/trace"
		gdb -batch -ex run -ex "info inferiors" --args bash -c "exec 3<>/dev/tcp/198.51.100.2/7000; cat <&3" \
			>"$T/gdb" 2>&1
		grep -c outside "$T/gdb"
		number switched'
	equals "outside 1 1 2" "${lines[*]}"
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
	# After five deaths of both processes together, one has died three times.
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
@test "a switch process that waits for calls is not treated as blocked" {
	local idle process
	field() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/$process/status"; }
	equals outside "$(<"$IDLE_DIR/greeting")"
	idle=$(as_user "$FAUXROOTCTL" --socket "$IDLE_DIR/state/api.sock" info --json | jq -c .networkDriver.accel)
	equals "true 1 0" "$(jq -r '"\(.on) \(.switched) \(.restarts)"' <<<"$idle")"
	not grep blocked "$IDLE_DIR/log"
	# SIGALRM, number 14, interrupts a process that waits on a socket of the command.
	for process in $(pgrep -P "$IDLE" -x 'fauxroot: switc'); do
		equals 1 $((0x$(field SigCgt) >> 13 & 1))
		equals 0 $((0x$(field SigBlk) >> 13 & 1))
	done
	[ -n "$process" ]
	kill "$IDLE"
	wait_for gone "$IDLE"
}
