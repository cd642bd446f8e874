#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets LAUNCHER, TARGET
# --evacuate-cgroup2, in a cgroup that this test creates and delegates to the test user.
#
# refused: openat2 open_tree

load ../../lib/bash/common
load ../../lib/bash/root

# The mount point of cgroup2.
hierarchy() {
	findmnt -rno TARGET -t cgroup2 | head -1
}

setup() {
	root_setup
	TREE=$(hierarchy)
	GROUP=$TREE/fauxroot-test.$$.$BATS_SUITE_TEST_NUMBER
	if [ -z "$TREE" ] || ! mkdir "$GROUP"; then
		GROUP=
		skip "a cgroup of version 2 cannot be created here"
	fi
	OWN=${GROUP#"$TREE"}
	CONTROLLER='' LENT=''
	delegate "$GROUP"
}

delegate() { # CGROUP
	chown "$USER_UID:$USER_GID" "$1" "$1"/cgroup.{procs,subtree_control,threads}
}

teardown() {
	local status=0
	common_teardown || status=1
	[ -n "$GROUP" ] || return $status
	wait_for removed || status=1
	# Unless other processes use it now.
	[ -z "$LENT" ] || echo "-$LENT" 2>/dev/null >"$TREE/cgroup.subtree_control" || :
	return $status
}

# With the cgroups that a killed launcher left, from the bottom up.
removed() {
	find "$GROUP" -depth -type d -exec rmdir {} + 2>/dev/null
	! [ -e "$GROUP" ]
}

# A controller that our cgroup can enable; empty if this machine has none for version 2.
find_controller() {
	local word
	for word in $(<"$TREE/cgroup.controllers"); do
		CONTROLLER=$word
		! grep -qw "$word" "$TREE/cgroup.subtree_control" || return 0
		if echo "+$word" >"$TREE/cgroup.subtree_control"; then
			LENT=$word
			return
		fi
	done 2>/dev/null
	CONTROLLER=
}

# COMMAND… in our cgroup, as this shell's child
in_group() {
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$GROUP" "$@"
}

evacuate() { # OPTIONS… COMMAND…
	in_group setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" --pidns --cgroupns --evacuate-cgroup2=evac "$@" 3>&- 4>&-
}

launch_evacuated() {
	launch_as bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$GROUP" -- \
		--pidns --cgroupns --evacuate-cgroup2=evac "$@"
}

# STRANGER: an unrelated process in our cgroup
put_stranger() {
	bash -c 'echo $$ >"$0/cgroup.procs" && exec env -u FAUXROOT_TEST_MARK sleep 100' "$GROUP" 3>&- 4>&- &
	STRANGER=$!
	wait_for grep -qx sleep "/proc/$STRANGER/comm"
}

end_stranger() {
	kill "$STRANGER"
	wait "$STRANGER" || true
}

cgroups() { # below ours
	find "$GROUP" -mindepth 1 -type d -printf '%P\n'
}

@test "the command is in /evac of a cgroup2 at /sys/fs/cgroup, whose root is our cgroup" {
	run -0 --separate-stderr evacuate sh -c 'grep ^0: /proc/self/cgroup; stat -f -c %T /sys/fs/cgroup
		stat -c %i /sys/fs/cgroup; grep -cxF $$ /sys/fs/cgroup/evac/cgroup.procs
		mkdir /sys/fs/cgroup/beside && echo $$ >/sys/fs/cgroup/beside/cgroup.procs
		grep ^0: /proc/self/cgroup; echo 0 >/sys/fs/cgroup/evac/cgroup.procs; rmdir /sys/fs/cgroup/beside'
	equals "0::/evac
cgroup2fs
$(stat -c %i "$GROUP")
1
0::/beside" "$output"
	equals "" "$stderr"
	equals "" "$(cgroups)"
}

@test "launcher, init and helpers are in the child cgroup, and no process is outside; at the end nothing is left" {
	find_controller
	launch_evacuated --net=slirp4netns --port-driver=builtin sleep 100
	equals "" "$(<"$GROUP/cgroup.procs")"
	runs_command() { child_of "$TARGET" sleep >/dev/null; }
	wait_for runs_command
	local pid
	for pid in "$LAUNCHER" "$TARGET" "$(child_of "$TARGET" sleep)" "$(child_of "$LAUNCHER" slirp4netns)"; do
		equals "0::$OWN/evac" "$(grep ^0: "/proc/$pid/cgroup")"
	done
	equals evac "$(cgroups)"
	stop
	equals "" "$(cgroups)"
	equals "" "$(<"$GROUP/cgroup.subtree_control")"
}

@test "controllers are enabled for the cgroups beside it, and disabled at the end" {
	find_controller
	if [ -z "$CONTROLLER" ]; then
		skip "cgroup v2 has no available controller on this machine"
	fi
	run -0 --separate-stderr evacuate sh -c 'cat /sys/fs/cgroup/cgroup.subtree_control
		mkdir /sys/fs/cgroup/beside; cat /sys/fs/cgroup/beside/cgroup.controllers; rmdir /sys/fs/cgroup/beside'
	equals "$(<"$GROUP/cgroup.controllers")
$(<"$GROUP/cgroup.controllers")" "$output"
	equals "" "$stderr"
	equals "" "$(<"$GROUP/cgroup.subtree_control")"
}

# The kernel removes a process from its cgroup after it has freed its memory, which may take a while.
@test "an exiting process does not prevent the controllers from being enabled" {
	find_controller
	if [ -z "$CONTROLLER" ]; then
		skip "cgroup v2 has no available controller on this machine"
	fi
	local big
	mkfifo "$T/fifo"
	exec 9<>"$T/fifo"
	has_grown() { [ "$(ps -o rss= -p "$big")" -gt 400000 ]; }
	for _ in 1 2 3; do
		bash -c 'echo $$ >"$0/cgroup.procs" && exec env -u FAUXROOT_TEST_MARK \
			dd if=/dev/zero of="$1" bs=400M count=1' "$GROUP" "$T/fifo" 3>&- 4>&- &
		big=$!
		wait_for has_grown
		kill -KILL "$big"
		run -0 --separate-stderr evacuate cat /sys/fs/cgroup/cgroup.subtree_control 9>&-
		equals "$(<"$GROUP/cgroup.controllers")" "$output"
		equals "" "$stderr"
		equals "" "$(cgroups)"
		wait "$big" || true
	done
	exec 9>&-
}

@test "unrelated processes in the cgroup are moved along, and back" {
	put_stranger
	launch_evacuated sleep 100
	equals "0::$OWN/evac" "$(grep ^0: "/proc/$STRANGER/cgroup")"
	stop
	equals "0::$OWN" "$(grep ^0: "/proc/$STRANGER/cgroup")"
	end_stranger
	equals "" "$(cgroups)"
}

@test "a process that cannot be moved, or a controller that cannot be enabled, is a warning" {
	find_controller
	put_stranger
	# The unrelated process has no PID inside, so it cannot be named.
	run -0 --separate-stderr in_group unshare --pid --fork --mount-proc \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" --pidns --cgroupns --evacuate-cgroup2=evac grep ^0: /proc/self/cgroup 3>&- 4>&-
	equals "0::/evac" "$output"
	says "$stderr" 'warning: the cgroup .* is not evacuated: processes of other PID namespaces are in it: [12]$'
	[ -z "$CONTROLLER" ] || says "$stderr" "warning: .* have no controller $CONTROLLER: .*busy"
	equals "0::$OWN" "$(grep ^0: "/proc/$STRANGER/cgroup")"
	end_stranger
}

@test "an existing cgroup of that name is used, and stays" {
	mkdir "$GROUP/evac"
	delegate "$GROUP/evac"
	run -0 evacuate grep ^0: /proc/self/cgroup
	equals "0::/evac" "$output"
	equals evac "$(cgroups)"
}

@test "a second instance in the same cgroup keeps its cgroup when the first exits" {
	# In a cgroup without controllers: where the first instance has enabled one, the kernel lets no
	# other process in (man 7 cgroups, no internal processes).
	local GROUP=$GROUP/bare OWN=$OWN/bare first evac
	mkdir "$GROUP"
	delegate "$GROUP"
	evac=0::$OWN/evac
	S=$T/first launch_evacuated sleep 100
	first=$LAUNCHER
	OUT=$T/out2 LOG=$T/log2
	launch_evacuated sleep 100
	equals "$evac" "$(grep ^0: "/proc/$TARGET/cgroup")"
	kill "$first"
	wait_for absent "$T/first"
	wait "$first" || equals 143 $?
	equals "$evac" "$(grep ^0: "/proc/$TARGET/cgroup")"
	stop
	equals evac "$(cgroups)"
}

@test "cgroups that the command leaves behind stay, and the launcher still exits" {
	run -3 --separate-stderr evacuate sh -c 'mkdir /sys/fs/cgroup/beside /sys/fs/cgroup/evac/below; exit 3'
	equals "" "$stderr"
	equals "beside evac evac/below" "$(cgroups | sort | xargs)"
}

@test "a launch that fails later reverts the evacuation" {
	run -127 --separate-stderr evacuate no-such-command-here
	equals "" "$(cgroups)"
	equals "" "$(<"$GROUP/cgroup.subtree_control")"
	run -125 --separate-stderr evacuate --copy-up=/no/such/directory true
	equals "" "$(cgroups)"
}

@test "a new launch in the same cgroup works after SIGKILL of the launcher" {
	launch_evacuated sleep 100
	kill -KILL "$LAUNCHER"
	ended 137
	wait_for gone "$TARGET"
	equals evac "$(cgroups)"
	rm -rf "$S"
	empty() { [ -z "$(<"$GROUP/evac/cgroup.procs")" ]; }
	wait_for empty
	# As a service manager starts it: in the cgroup itself, which the manager has emptied.
	for CONTROLLER in $(<"$GROUP/cgroup.subtree_control"); do
		echo "-$CONTROLLER" >"$GROUP/cgroup.subtree_control"
	done
	run -0 evacuate grep ^0: /proc/self/cgroup
	equals "0::/evac" "$output"
}

@test "evacuation works if /sys/fs/cgroup is a cgroup2 itself, with a private network and without" {
	local net
	for net in host none; do
		run -0 unshare --mount --propagation private bash -c '
			mount --bind "$1" /sys/fs/cgroup && echo $$ >"$2/cgroup.procs" && shift 2 && exec "$@"' bash \
			"$TREE" "/sys/fs/cgroup$OWN" \
			setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
			"$FAUXROOT" --net=$net --pidns --cgroupns --evacuate-cgroup2=evac sh -c '
			grep ^0: /proc/self/cgroup; stat -f -c %T /sys/fs/cgroup; ls -d /sys/fs/cgroup/evac' 3>&- 4>&-
		equals "0::/evac
cgroup2fs
/sys/fs/cgroup/evac" "$output"
		equals "" "$(cgroups)"
	done
}

# refused PATTERN CAUSE PREFIX… - as the test user behind a prefix; nothing has been started
refused() {
	local pattern=$1 cause=$2
	shift 2
	run -125 --separate-stderr "$@" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" --pidns --cgroupns --evacuate-cgroup2=evac touch "$T/started" 3>&- 4>&-
	one_error "$stderr" "$pattern"
	says "$stderr" "$cause"
	absent "$T/started"
	equals "" "$(cgroups)"
}

@test "a cgroup that is not delegated: named, with its remedy" {
	chown 0:0 "$GROUP/cgroup.procs"
	refused "cgroup \"$GROUP\": cgroup.procs: Permission denied" "cause: our cgroup, $OWN in /proc/self/cgroup" \
		bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$GROUP"
	says "$stderr" 'remedy: systemd-run .*Delegate=yes'
	delegate "$GROUP"
	chown 0:0 "$GROUP"
	refused "cgroup \"$GROUP\": Permission denied" 'cause: our cgroup' \
		bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$GROUP"
}

@test "the root of the hierarchy is not evacuated" {
	refused 'is the root of the hierarchy' 'Delegate=yes' bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$TREE"
}

@test "a machine without cgroup v2: named, with its remedy" {
	refused 'shows no cgroup2 mount' 'cause: no cgroup v2 is mounted here' unshare --mount --propagation private bash -c '
		while umount "$0" 2>/dev/null; do :; done; exec "$@"' "$TREE"
	says "$stderr" 'remedy: .*(systemd.unified_cgroup_hierarchy=1|docker run)'
}

@test "--check reports whether it will work, and changes nothing" {
	check() {
		in_group setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
			"$FAUXROOT" --check --pidns --cgroupns --evacuate-cgroup2=evac true 3>&- 4>&-
	}
	run -0 check
	says "$output" "^ok +evacuation +$GROUP, to its child evac"
	equals "" "$(cgroups)"
	chown 0:0 "$GROUP/cgroup.procs"
	run -1 check
	says "$output" "^obstacle +evacuation .*cgroup.procs: Permission denied"
	says "$output" 'remedy: +systemd-run .*Delegate=yes'
}

@test "--evacuate-cgroup2 needs --pidns and --cgroupns" {
	run -125 --separate-stderr as_user "$FAUXROOT" --evacuate-cgroup2=evac --pidns true
	one_error "$stderr" '--evacuate-cgroup2 needs --pidns and --cgroupns'
}
