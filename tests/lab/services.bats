#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shipped units of BuildKit under the machine's own managers, the user's and the system's, with buildkitd if
# the machine has one, otherwise with the small daemon of the tests in its place; and units of a user's own.

load ../lib/bash/common
load ../lib/bash/machine

UNIT=fauxroot-buildkit.service
SOCKET=$RUNTIME/buildkit/buildkitd.sock

setup_file() {
	machine_setup
	command -v buildkitd >/dev/null ||
		install -m 0755 "${FAUXROOT%/*}/tests/lib/service" /usr/local/bin/buildkitd
	install -m 0755 "${FAUXROOT%/*}/tests/lib/service" /usr/local/bin/service-of-the-tests
	loginctl enable-linger "$FAUX"
	wait_for test -S "$RUNTIME/bus"
}

setup() {
	machine_setup
}

teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] || journalctl --no-pager -n 60 >&2 || :
}

# connect SOCKET: a client, so that systemd starts the daemon
connect() {
	timeout 200 socat -u -T 1 /dev/null "UNIX-CONNECT:$1"
}

@test "the user's buildkitd: enabled, started by its socket, stopped with nothing left" {
	sc enable --now fauxroot-buildkit.socket
	session "socat -u /dev/null UNIX-CONNECT:$SOCKET"
	wait_for state_is $UNIT active
	equals fauxroot "$(cat "/proc/$(property $UNIT MainPID)/comm")"
	sc stop fauxroot-buildkit.socket $UNIT
	equals success "$(property $UNIT Result)"
	wait_for no_pids $UNIT
	absent "$RUNTIME/fauxroot-buildkit"
	sc disable fauxroot-buildkit.socket
}

@test "the machine's buildkitd, with the user and the ids of docs/systemd.md" {
	local remedy
	useradd --system --user-group --home-dir /var/lib/fauxroot-buildkit --shell /usr/sbin/nologin \
		fauxroot-buildkit
	# The documented step: the failed launch names a free range, its remedy repairs it.
	run setpriv --reuid fauxroot-buildkit --regid fauxroot-buildkit --clear-groups fauxroot true
	if [ "$status" -ne 0 ]; then
		remedy=$(grep -o 'usermod --add-subuids .*' <<<"$output" | head -n 1)
		echo "$remedy"
		eval "$remedy"
	fi
	setpriv --reuid fauxroot-buildkit --regid fauxroot-buildkit --clear-groups fauxroot true
	systemctl enable --now fauxroot-buildkit.socket
	equals '660 root fauxroot-buildkit' "$(stat -c '%a %U %G' /run/fauxroot-buildkit.sock)"
	connect /run/fauxroot-buildkit.sock
	wait_for systemctl is-active $UNIT
	equals "$(id -u fauxroot-buildkit)" \
		"$(stat -c %u "/proc/$(systemctl show --value -p MainPID $UNIT)")"
	systemctl restart $UNIT
	systemctl stop $UNIT
	equals success "$(systemctl show --value -p Result $UNIT)"
}

# user_unit NAME LINE…: install a unit of the user's own
user_unit() {
	local name=$1 directory=/home/$FAUX/.config/systemd/user
	shift
	session mkdir -p "$directory"
	printf '%s\n' '[Service]' "$@" >"$directory/$name.service"
	sc daemon-reload
}

@test "readiness, status and watchdog reach systemd from all namespaces" {
	user_unit watched Type=notify WatchdogSec=20 Restart=on-failure \
		'ExecStart=fauxroot --net=slirp4netns --pidns --copy-up=/run service-of-the-tests'
	sc start watched
	equals active "$(sc is-active watched)"
	says "$(sc status watched)" 'Status: "serving'
	kill -STOP "$(child_named "$(property watched MainPID)" service-of-the-)"
	was_restarted() { [ "$(property watched NRestarts)" -ge 1 ] && state_is watched active; }
	wait_for was_restarted
	says "$(journalctl -q --no-pager _UID=$FAUX_UID + UNIT=user@$FAUX_UID.service)" '[Ww]atchdog timeout'
	sc stop watched
	wait_for no_pids watched.service
}

@test "--evacuate-cgroup2 leaves the delegated cgroup to the daemon" {
	local cgroup
	user_unit evacuated Delegate=yes Type=exec \
		'ExecStart=fauxroot --evacuate-cgroup2=inner --pidns --cgroupns sh -c "mkdir /sys/fs/cgroup/made; echo 33 >/sys/fs/cgroup/made/pids.max; exec sleep 1000"'
	sc start evacuated
	cgroup=/sys/fs/cgroup$(property evacuated ControlGroup)
	wait_for grep -qx 33 "$cgroup/made/pids.max"
	says "$(<"$cgroup/cgroup.subtree_control")" 'memory'
	[ -n "$(<"$cgroup/inner/cgroup.procs")" ]
	equals '' "$(<"$cgroup/cgroup.procs")"
	sc stop evacuated
	wait_for test ! -e "$cgroup"
}
