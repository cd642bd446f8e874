#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# AppArmor in the kernel, with a real profile: what fauxroot reports when the profile stops it, and that the
# remedy, carried out, works.

load ../lib/bash/common
load ../lib/bash/machine

PROFILE=/etc/apparmor.d/fauxroot
# Since Linux 6.7 a profile can forbid user namespaces.
MEDIATED=/sys/kernel/security/apparmor/features/namespaces/mask

setup() {
	machine_setup
	grep -qs userns_create $MEDIATED || skip "AppArmor does not mediate user namespaces here"
}

teardown() {
	[ ! -e $PROFILE ] || apparmor_parser -R $PROFILE || :
	rm -f $PROFILE
}

@test "a profile without userns stops the launch; --check agrees; the remedy repairs it" {
	local remedy
	cat >$PROFILE <<-'END'
		abi <abi/4.0>,
		profile fauxroot /usr/local/bin/fauxroot {
			file,
			capability,
			network,
			mount,
			umount,
			signal,
			ptrace,
			unix,
			dbus,
		}
	END
	apparmor_parser -r $PROFILE
	run session fauxroot true
	echo "$output"
	equals 125 "$status"
	says "$output" 'cause: the AppArmor profile fauxroot confines fauxroot'
	remedy=$(sed -n 's/.*remedy: //p' <<<"$output")
	run session fauxroot --check
	says "$output" 'the AppArmor profile fauxroot confines fauxroot'
	# One remedy, for a process that is in no container.
	sudo() { "$@"; }
	eval "$remedy"
	session fauxroot true
}
