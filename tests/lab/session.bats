#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# In a login session of a machine that systemd has booted, with pure cgroup v2 and the packages of its
# release: what a user sees first.

load ../lib/bash/common
load ../lib/bash/machine

# The manager of a user who lingers does not end with the session. Other tests need it, after the reboot, too.
setup_file() {
	export LINGERS=no
	[ ! -e "/var/lib/systemd/linger/$FAUX" ] || LINGERS=yes
	loginctl disable-linger "$FAUX"
}

teardown_file() {
	[ "$LINGERS" != yes ] || loginctl enable-linger "$FAUX"
}

setup() {
	machine_setup
}

teardown() {
	:
}

@test "the machine has what this suite is about: systemd, cgroup v2, a login session" {
	equals systemd "$(cat /proc/1/comm)"
	equals cgroup2fs "$(stat -f -c %T /sys/fs/cgroup)"
	# shellcheck disable=SC2016 # expanded in the session
	run -0 session 'loginctl show-session $XDG_SESSION_ID -p Class -p Remote; echo $XDG_RUNTIME_DIR'
	says "$output" '^Class=user$'
	says "$output" "^$RUNTIME\$"
	wait_for state_is default.target active
}

@test "fauxroot is fake root, with and without a network, a PID namespace, copied-up directories" {
	local others
	equals 0 "$(session fauxroot id -u)"
	others=$(pgrep -u $FAUX slirp4netns | sort)
	run -0 session fauxroot --net=slirp4netns --copy-up=/etc --copy-up=/run --pidns --disable-host-loopback \
		"sh -c 'id -u; ip -4 -o addr show tap0; cat /etc/resolv.conf; stat -f -c %T /run'"
	says "$output" '^0$'
	says "$output" '10\.0\.2\.100/24'
	says "$output" '^nameserver 10\.0\.2\.3$'
	says "$output" '^tmpfs$'
	equals "$others" "$(pgrep -u $FAUX slirp4netns | sort)"
}

@test "--check finds the machine ready, and the launch agrees" {
	run -0 session fauxroot --check --net=slirp4netns --port-driver=builtin --copy-up=/etc --pidns \
		--disable-host-loopback
	echo "$output"
	run -0 session fauxroot --net=slirp4netns --port-driver=builtin --copy-up=/etc --pidns \
		--disable-host-loopback true
}

# said TEXT - wait until the console, descriptor 5, prints the text. A prompt does not end a line.
said() {
	local all='' character end=$((SECONDS + DEADLINE))
	until [[ $all == *"$1" ]]; do
		[ $SECONDS -lt $end ] || { echo "no \"$1\" on the console: $all"; return 1; }
		! IFS= read -r -t 1 -n 1 -u 5 character || all+=${character:-$'\n'}
	done
}

@test "a login on the serial console: fake root with a network, Ctrl-C, the end of the session" {
	echo "$FAUX:a-password-of-the-lab" | chpasswd
	# The other end of the line.
	exec 5<>/dev/virtio-ports/lab
	systemctl start serial-getty@ttyS1.service
	said 'lab login: '
	echo "$FAUX" >&5
	said 'Password: '
	echo a-password-of-the-lab >&5
	said '$ '
	# shellcheck disable=SC2016 # expanded there
	echo 'loginctl --no-pager show-session "$XDG_SESSION_ID" -p TTY; fauxroot --net=slirp4netns sh -c "tty; id -u; echo run\"\"ning; exec sleep 1000"; echo "sta""tus $?"' >&5
	said 'TTY=ttyS1'
	said $'/dev/ttyS1\r\n0\r\nrunning'
	printf '\003' >&5
	said 'status 130'
	echo exit >&5
	said 'lab login: '
	no_session() { ! loginctl list-sessions --no-legend | grep -q ttyS1; }
	wait_for no_session
	systemctl stop serial-getty@ttyS1.service
	exec 5>&-
}

# open_session - a session that stays until close_session. The user's manager ends some seconds after the last
# session; it may not end between two programs of a test.
open_session() {
	# shellcheck disable=SC2016 # expanded in the session
	session 'echo $$; exec sleep 1000' >open &
	wait_for test -s open
}

close_session() {
	kill "$(<open)"
	wait_for gone "$(<open)"
}

@test "machinectl shell starts a launch of the user" {
	open_session
	run -0 script -qec "machinectl -q shell $FAUX@ /usr/local/bin/fauxroot --net=slirp4netns id -un" /dev/null
	says "$output" '(^|@)root.?$'
	close_session
}

@test "systemd-run, connected to the user's manager, starts a launch" {
	[ "$(systemd_version)" -ge 248 ] || skip "systemd-run does not know the user in -M"
	! policy_keeps_sockets || skip "the policy keeps sockets of users from the system bus"
	open_session
	equals root "$(by_systemd_run)"
	close_session
}

@test "run0 starts a launch of the user" {
	[ "$(systemd_version)" -ge 256 ] || skip "systemd has no run0"
	! policy_keeps_terminals || skip "the policy keeps terminals of users from the system bus"
	open_session
	run -0 by_run0
	# run0 sets the title of the terminal: that control sequence ends with a backslash.
	says "$output" '(^|@|\\)root.?$'
	close_session
}

@test "polkit: a user enables lingering with the remedy of --check, and the warning disappears" {
	local pid
	run session fauxroot --check dockerd
	says "$output" "systemd terminates the processes of $FAUX after the last session"
	says "$output" "remedy: .*loginctl enable-linger"
	# What docs/systemd.md tells a user to do without root.
	session loginctl enable-linger
	run session fauxroot --check dockerd
	equals '' "$(grep 'after the last session' <<<"$output")"
	session 'fauxroot sleep 1000 >/dev/null 2>&1 </dev/null & echo $!' >out
	pid=$(<out)
	alive "$pid"
	kill "$pid"
	wait_for gone "$pid"
	loginctl disable-linger $FAUX
}

@test "the end of a session ends its launch" {
	local pid
	session 'fauxroot sleep 1000 >/dev/null 2>&1 </dev/null & echo $!; wait' >out &
	wait_for test -s out
	pid=$(<out)
	wait_for alive "$pid"
	loginctl terminate-user "$FAUX"
	wait_for gone "$pid"
	wait_for test ! -e "$RUNTIME"
}
