#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Propagation of mounts between the host and the child, in a scratch mount namespace made shared.
#
# refused: openat2 open_tree

load ../../lib/bash/common
load ../../lib/bash/root

setup() {
	root_setup
	# The test's own host: / is shared, and $T/here is the directory where both sides mount.
	holder SCRATCH --mount --propagation private
	nsenter --target "$SCRATCH" --mount sh -c '
		mkdir "$1/here" "$1/there" && chown "$2" "$1/here" "$1/there" &&
		mount --bind "$1/here" "$1/here" && mount --bind "$1/there" "$1/there" && mount --make-rshared /' \
		sh "$T" "$USER_UID"
}

teardown() {
	kill -KILL "$SCRATCH" 2>/dev/null
	common_teardown
}

scratch() {
	nsenter --target "$SCRATCH" --mount "$@" 3>&- 4>&-
}

launch_scratch() {
	launch_as nsenter --target "$SCRATCH" --mount -- "$@"
}

child() {
	nsenter --target "$TARGET" --user --mount "$@" 3>&- 4>&-
}


# Mount on the host while the child runs: does the child see it?
host_mounts() {
	scratch sh -c 'mount -t tmpfs fx "$1" && touch "$1/from-host"' sh "$T/here"
}

# Mount in the child: does the host see it?
child_mounts() {
	child sh -c 'mount -t tmpfs fx "$1" && touch "$1/from-child"' sh "$T/there"
}

host_sees() {
	[ -n "$(scratch ls "$T/there")" ]
}

child_sees() {
	[ -n "$(child ls "$T/here")" ]
}

@test "rprivate, the default: neither sees the other's mounts" {
	local words
	for words in "" "--propagation=rprivate"; do
		launch_scratch $words sleep 100
		host_mounts
		child_mounts
		not child_sees
		not host_sees
		stop
		scratch umount "$T/here"
	done
}

@test "rslave: the child sees the host's mounts, the host not the child's" {
	launch_scratch --propagation=rslave sleep 100
	host_mounts
	child_mounts
	child_sees
	not host_sees
	stop
}

@test "rslave with copied-up directories: no mount reaches the host" {
	local before
	before=$(scratch cat /proc/self/mountinfo)
	launch_scratch --propagation=rslave --copy-up=/etc --copy-up=/run --net=slirp4netns sleep 100
	equals "$before" "$(scratch cat /proc/self/mountinfo)"
	host_mounts
	child_sees
	stop
	scratch umount "$T/here"
	equals "$before" "$(scratch cat /proc/self/mountinfo)"
}

@test "every mode leaves the host's mounts unchanged, with everything mounted" {
	local before mode
	before=$(scratch cat /proc/self/mountinfo)
	for mode in private rprivate slave rslave; do
		launch_scratch --propagation=$mode --copy-up=/etc --copy-up=/var/lib --net=none sleep 100
		equals "$before" "$(scratch cat /proc/self/mountinfo)"
		stop
		equals "$before" "$(scratch cat /proc/self/mountinfo)"
	done
}

@test "private and slave touch only the root mount" {
	launch_scratch --propagation=private sleep 100
	child grep -qE "^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ $T/here .* (shared|master):" /proc/self/mountinfo
	not child grep -qE "^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ / [^-]*(shared|master):" /proc/self/mountinfo
	stop
	launch_scratch --propagation=slave sleep 100
	child grep -qE "^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ / [^-]*master:" /proc/self/mountinfo
	stop
}

@test "rshared: mounts of the child are shared among its own namespaces" {
	launch_scratch --propagation=rshared sleep 100
	child grep -qE "^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ $T/here [^-]*shared:" /proc/self/mountinfo
	# The kernel makes a user namespace's first copy a slave of the host (man 7 mount_namespaces),
	# so even here the host sees nothing.
	child_mounts
	not host_sees
	stop
}

@test "rshared and shared with copy-up are refused" {
	local mode
	for mode in shared rshared; do
		run -125 nsenter --target "$SCRATCH" --mount setpriv --reuid "$USER_UID" \
			--regid "$USER_GID" --init-groups "$FAUXROOT" --propagation=$mode --copy-up=/etc true
		says "$output" 'propagation'
	done
}
