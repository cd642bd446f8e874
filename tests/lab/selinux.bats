#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# SELinux enforces Debian's policy: an unconfined user's launch works; a policy that refuses it is named, and the
# remedy finds the refusal.

load ../lib/bash/common
load ../lib/bash/machine

POLICY=$(echo /etc/selinux/default/policy/policy.*)

setup_file() {
	[ ! -e "$POLICY" ] || cp "$POLICY" "$BATS_FILE_TMPDIR/policy"
}

setup() {
	machine_setup
	[ "$(cat /sys/fs/selinux/enforce 2>/dev/null)" = 1 ] || skip "SELinux does not enforce here"
}

teardown() {
	[ "$(cat /sys/fs/selinux/enforce 2>/dev/null)" != 1 ] || use "$BATS_FILE_TMPDIR/policy"
}

# use FILE - replace the policy, in the kernel too. load_policy(8) makes it fit for the kernel's version.
use() {
	cp "$1" "$POLICY"
	load_policy
}

# named - output has the cause, and its remedy, carried out, prints the refusal of CLASS
named() { # CLASS
	local remedy
	says "$output" 'cause: SELinux enforces its policy \(/sys/fs/selinux/enforce: 1\) on this process \(.*:unconfined_t:'
	remedy=$(sed -n 's/.*remedy: sudo //p' <<<"$output" | head -n 1)
	run -0 eval "$remedy"
	says "$output" "denied .*comm=\"fauxroot.*tclass=$1"
}

@test "an unconfined user is fake root with a network, a PID namespace and copied-up directories" {
	says "$(session id -Z)" ':unconfined_t:'
	run -0 session fauxroot --net=slirp4netns --port-driver=builtin --copy-up=/etc --copy-up=/run --pidns \
		--disable-host-loopback "sh -c 'id -u; cat /proc/self/attr/current; echo; ip -4 -o addr show tap0'"
	says "$output" '^0$'
	says "$output" ':unconfined_t:'
	says "$output" '10\.0\.2\.100/24'
	run session fauxroot --check dockerd
	says "$output" 'SELinux +enforcing'
}

@test "a policy without user namespaces: cause, --check, remedy; without the rule it works" {
	# It denies unconfined users a user namespace.
	use /etc/selinux/refuses
	run session fauxroot --check
	equals 1 "$status"
	says "$output" 'SELinux enforces its policy'
	run session fauxroot true
	echo "$output"
	equals 125 "$status"
	named user_namespace
	use "$BATS_FILE_TMPDIR/policy"
	session fauxroot true
}

@test "systemd-run and run0: Debian's policy stops them at the system bus; with three rules more they start a launch" {
	local lingers=yes
	[ -e "/var/lib/systemd/linger/$FAUX" ] || lingers=no
	loginctl enable-linger "$FAUX"
	wait_for test -S "$RUNTIME/bus"
	policy_keeps_sockets
	policy_keeps_terminals
	run by_systemd_run
	echo "$output"
	[ "$status" != 0 ]
	run by_run0
	echo "$output"
	[ "$status" != 0 ]
	# The rules are in scripts/lab.d/machines.bash.
	use /etc/selinux/permits
	run -1 policy_keeps_sockets
	run -1 policy_keeps_terminals
	# The file with the output of the tests is another descriptor that the bus may not get.
	equals root "$(by_systemd_run 2>/dev/null)"
	run -0 by_run0
	says "$output" '(^|@|\\)root.?$'
	use "$BATS_FILE_TMPDIR/policy"
	[ $lingers = yes ] || loginctl disable-linger "$FAUX"
}
