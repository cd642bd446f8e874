#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# AppArmor in the kernel, with real profiles: what fauxroot reports when a profile stops it, and that the remedy,
# carried out, works.

load ../lib/bash/common
load ../lib/bash/machine

PROFILES=/etc/apparmor.d
# Since Linux 6.7 a profile can forbid user namespaces.
MEDIATED=/sys/kernel/security/apparmor/features/namespaces/mask
REMEDIES=$BATS_TEST_DIRNAME/../../docs/troubleshooting.md

setup() {
	machine_setup
	[ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ] || skip "AppArmor is not in use"
}

teardown() {
	local name
	for name in fauxroot cage; do
		[ ! -e $PROFILES/$name ] || apparmor_parser -R $PROFILES/$name || :
		rm -f $PROFILES/$name
	done
	rm -f /usr/local/bin/cage
}

# confine NAME FIRST_LINE RULE - load a profile that allows /usr/local/bin/NAME all but mounts and user namespaces
confine() {
	printf '%s\n' "$2" "profile $1 /usr/local/bin/$1 {" file, capability, network, umount, signal, ptrace, \
		unix, dbus, "$3" '}' >"$PROFILES/$1"
	apparmor_parser -r "$PROFILES/$1"
}

# repair - carry out the remedy in output: one, for a process that is in no container
repair() {
	local remedy
	remedy=$(sed -n 's/.*remedy: //p' <<<"$output")
	equals 1 "$(wc -l <<<"$remedy")"
	sudo() { "$@"; }
	eval "$remedy"
}

@test "a profile without userns stops the launch; --check agrees; the remedy repairs it" {
	grep -qs userns_create $MEDIATED || skip "AppArmor does not mediate user namespaces here"
	confine fauxroot 'abi <abi/4.0>,' mount,
	run session fauxroot --check
	says "$output" 'the AppArmor profile fauxroot confines fauxroot'
	run session fauxroot true
	echo "$output"
	equals 125 "$status"
	says "$output" 'cause: the AppArmor profile fauxroot confines fauxroot'
	repair
	session fauxroot true
}

# Only Ubuntu's kernel has the restriction itself. The profile that lifts it is one for every AppArmor of this age.
@test "the remedy for apparmor_restrict_unprivileged_userns: the parser takes the profile, and it allows userns" {
	local remedy pid
	grep -qs userns_create $MEDIATED || skip "AppArmor does not mediate user namespaces here"
	remedy=$(sed -n '/^### apparmor-userns$/,/^### apparmor-profile$/s,/usr/bin/fauxroot,/usr/local/bin/fauxroot,p' \
		"$REMEDIES")
	equals 1 "$(wc -l <<<"$remedy")"
	confine fauxroot 'abi <abi/4.0>,' mount,
	run session fauxroot true
	equals 125 "$status"
	sudo() { "$@"; }
	eval "$remedy"
	session 'fauxroot sleep 1000 >/dev/null 2>&1 </dev/null & echo $!' >out
	pid=$(<out)
	is_labeled() { equals 'fauxroot (unconfined)' "$(tr -d '\0' <"/proc/$pid/attr/current")"; }
	wait_for is_labeled
	session fauxroot --net=slirp4netns --copy-up=/etc --pidns true
	kill "$pid"
	wait_for gone "$pid"
}

@test "a profile without mount stops the launch; --check agrees; the remedy repairs it" {
	confine fauxroot '' ''
	run session fauxroot --check
	echo "$output"
	says "$output" 'the AppArmor profile fauxroot confines fauxroot'
	run session fauxroot true
	echo "$output"
	equals 125 "$status"
	says "$output" 'cause: the AppArmor profile fauxroot confines fauxroot'
	repair
	session fauxroot true
}

@test "a profile that fauxroot has inherited: cause, --check, and no remedy for containers" {
	cp /bin/bash /usr/local/bin/cage
	confine cage '' ''
	run session "cage -c 'fauxroot --check; exit \$?'"
	equals 1 "$status"
	says "$output" 'the AppArmor profile cage confines fauxroot'
	run session "cage -c 'fauxroot true; exit \$?'"
	echo "$output"
	equals 125 "$status"
	says "$output" 'cause: the AppArmor profile cage confines fauxroot \(/proc/self/attr/.*: cage \(enforce\)\)'
	equals '' "$(grep -iE 'docker|kubernetes|lxc|lxd' <<<"$output")"
	repair
	session "cage -c 'fauxroot true; exit \$?'"
}
