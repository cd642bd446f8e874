#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The launcher is killed while its middle process is between the two clones: nothing is left. And a kernel
# that does not execute memory files.

load ../../lib/bash/common
load ../../lib/bash/root

setup() {
	root_setup
}

none_marked() { [ -z "$(marked)" ]; }

# killed_at EXPRESSION OPTIONS… - kill the launcher while strace holds its forks at a call that only they
# make
killed_at() {
	local expression=$1 launcher
	shift
	rm -f "$T/held"
	strace -f -qq -o "$T/held" -u "$FAUXROOT_TEST_USER" -E "PATH=$PATH" -e trace=setresuid \
		-e "$expression" "$FAUXROOT" "$@" sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	local tracer=$!
	wait_for grep -q 'setresuid(' "$T/held"
	launcher=$(cat "/proc/$tracer/task/$tracer/children")
	kill -KILL ${launcher%% *}
	# strace exits with the last process that it traces.
	wait_for gone $tracer
	# No process is left; the next launcher removes the files.
	wait_for none_marked
	rm -rf "$XDG_RUNTIME_DIR"/fauxroot*
}

@test "the launcher killed before the second clone" {
	killed_at 'inject=setresuid:delay_enter=1500000:when=1' --net=none
}

@test "the launcher killed between the second clone and its maps" {
	killed_at 'inject=setresuid:delay_enter=1500000:when=2' --net=none --pidns
	killed_at 'inject=setresuid:delay_exit=1500000:when=2' --net=slirp4netns
}

# The setting belongs to a PID namespace.
@test "vm.memfd_noexec=2: the command still accesses no process of ours" {
	[ -e /proc/sys/vm/memfd_noexec ] || skip "vm.memfd_noexec needs Linux 6.3"
	# shellcheck disable=SC2016 # expanded in there
	run -0 unshare --pid --fork --kill-child --mount-proc sh -c \
		'echo 2 >/proc/sys/vm/memfd_noexec && exec "$@"' sh \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" --state-dir="$S" --net=slirp4netns --disable-host-loopback \
		--port-driver=builtin "$FAUXROOT_TEST_TOOLS/attack" 3
	[[ $output == *"slirp4netns: seen"* ]]
	[[ $output == *"fauxroot: agent: seen"* ]]
}
