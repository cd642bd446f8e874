# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# For tests/lab: tests that run as root of a whole machine with systemd as PID 1, and may change it. fauxroot is
# installed there; the user faux logs in through PAM, with ssh over the machine's loopback.

FAUX=faux
FAUX_UID=$(id -u $FAUX)
RUNTIME=/run/user/$FAUX_UID
DOCKER_SOCKET=$RUNTIME/docker.sock
DEADLINE=300

# The only tests without common_setup: they need the runtime directory of the session.
machine_setup() {
	# setup_file has no directory of a test.
	T=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}
	cd "$T" || return
}

# session COMMAND… - run the shell command in a login session of the user
session() {
	ssh -q -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o ConnectTimeout=60 $FAUX@127.0.0.1 "$@" 3>&- 4>&-
}

# sc WORDS… - systemctl --user, in a session
sc() {
	session systemctl --user --no-pager "$@"
}

property() { # UNIT NAME
	sc show -P "$2" "$1" 2>/dev/null || sc show --value -p "$2" "$1"
}

state_is() { # UNIT STATE
	[ "$(sc is-active "$1")" = "$2" ]
}

# unit_pids UNIT - print the PIDs of all processes of the user's unit
unit_pids() {
	find "/sys/fs/cgroup/user.slice/user-$FAUX_UID.slice" -path "*/$1/*cgroup.procs" -exec cat {} + 2>/dev/null
}

no_pids() { # UNIT
	[ -z "$(unit_pids "$1")" ]
}

# child_named PID NAME - print the PID of the process below PID, at any depth, with this name
child_named() {
	local child
	for child in $(pgrep -P "$1"); do
		if [ "$(cat "/proc/$child/comm")" = "$2" ]; then
			echo "$child"
			return
		fi
		child_named "$child" "$2" && return
	done
	return 1
}

# as_docker WORDS… - the user's docker client, with the daemon of the unit
as_docker() {
	session "DOCKER_HOST=unix://$DOCKER_SOCKET docker $*"
}

systemd_version() {
	systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p'
}

# by_systemd_run - a launch by the user's manager, for root. To connect to that manager, systemd-run passes one of its
# sockets and its standard error over the system bus.
by_systemd_run() {
	systemd-run -q --user -M "$FAUX@" --wait --pipe fauxroot --net=slirp4netns id -un
}

# by_run0 - a launch by run0, which passes its terminal over the system bus
by_run0() {
	script -qec "run0 --background= --user=$FAUX fauxroot --net=slirp4netns id -un" /dev/null
}

# policy_keeps CLASS CONTEXT - SELinux's policy has no rule that permits the system bus to get such a descriptor. The
# bus then ends the connection of the sender. Debian's policy does not log this refusal.
policy_keeps() {
	local bus allowed
	[ "$(cat /sys/fs/selinux/enforce 2>/dev/null)" = 1 ] || return
	bus=$(systemctl show -P MainPID dbus.service)
	allowed=$(compute_av "$(tr -d '\0' <"/proc/$bus/attr/current")" "$2" "$1" | sed -n 's/^allowed=//p')
	[ -n "$allowed" ] && [[ "$allowed " != *" read "*"write "* ]]
}

policy_keeps_sockets() {
	policy_keeps unix_stream_socket "$(tr -d '\0' </proc/self/attr/current)"
}

# Terminals that a user's programs make.
policy_keeps_terminals() {
	policy_keeps chr_file unconfined_u:object_r:user_devpts_t:s0
}
