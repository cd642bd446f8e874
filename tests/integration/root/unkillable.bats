#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# Processes that SIGKILL does not end: they wait in the kernel for a FUSE server that does not answer.
#
# seconds: 35

load ../../lib/bash/common
load ../../lib/bash/ports
load ../../lib/bash/root

setup() {
	root_setup
	grep -qw fuse /proc/filesystems || skip "this kernel has no FUSE"
	# A /dev/fuse that the test user may open, as on most machines.
	holder SCRATCH --mount --propagation private
	nsenter --target "$SCRATCH" --mount sh -c 'mount -t tmpfs -o mode=0755 tmpfs "$1" &&
		mknod -m 0666 "$1/fuse" c 10 229 && mount --bind "$1/fuse" /dev/fuse' sh "$T/tmp"
}

teardown() {
	[ -z "${SCRATCH:-}" ] || kill -KILL "$SCRATCH" 2>/dev/null || true
	common_teardown
}

launch_scratch() {
	launch_as nsenter --target "$SCRATCH" --mount -- "$@"
}

# hang DIRECTORY - mount a file system on it, in the command's mount namespace, with the server SERVER
hang() {
	nsenter --target "$TARGET" --user --mount "$FAUXROOT_TEST_TOOLS/silentfuse" "$1" >"$T/fuse" 3>&- 4>&- &
	SERVER=$!
	wait_for grep -q mounted "$T/fuse"
}

# The waits end with the server.
heal() {
	kill "$SERVER"
	wait_for gone "$SERVER"
}

@test "the ports are lost and the command cannot be killed: the launcher exits without it" {
	free_port
	launch_scratch --net=none --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" \
		sh -c 'until [ -e "$0" ]; do sleep 0.1; done; exec stat /mnt/nothing' "$T/go"
	hang /mnt
	touch "$T/go"
	wait_for grep -q asked "$T/fuse"
	cat >"$T/killer" <<-'END'
		my $launcher = shift;
		while (open(my $list, "<", "/proc/$launcher/task/$launcher/children")) {
			for my $pid (split " ", <$list> // "") {
				open(my $comm, "<", "/proc/$pid/comm") or next;
				kill 9, $pid if (<$comm> // "") eq "fauxroot: ports\n";
			}
			select undef, undef, undef, 0.01;
		}
	END
	timeout 100 perl "$T/killer" "$LAUNCHER"
	ended 125
	logged 'the command cannot be killed; exiting without it'
	alive "$TARGET"
	heal
	wait_for gone "$TARGET"
}

@test "a file whose close hangs, sent to the service manager: it is dropped, and the launcher continues" {
	export NOTIFY_SOCKET=$T/manager
	local notify=$FAUXROOT_TEST_TOOLS/notify
	as_user "$notify" listen "$NOTIFY_SOCKET" >"$T/heard" &
	wait_for grep -q listening "$T/heard"
	launch_scratch sh -c 'until [ -e "$0" ]; do sleep 0.1; done
		for round in 1 2 3; do "$1" send FDSTORE=1 /mnt/file & done
		until [ -e "$0.on" ]; do sleep 0.1; done
		"$1" send "STATUS=still here"; exec sleep 1000' "$T/go" "$notify"
	hang /mnt
	touch "$T/go"
	wait_for logged 'its descriptors may belong to a file system that hangs'
	touch "$T/go.on"
	wait_for grep -q 'STATUS=still here' "$T/heard"
	not grep -q FDSTORE "$T/heard"
	api GET /v1/info
	equals 200 "$CODE"
	# The inspecting and the sending processes still hang there.
	stop
	heal
	kill_marked
}

# hang_host DIRECTORY - mount such a file system on the launcher's side
hang_host() {
	nsenter --target "$SCRATCH" --mount "$FAUXROOT_TEST_TOOLS/silentfuse" "$1" >"$T/fuse" 3>&- 4>&- &
	SERVER=$!
	wait_for grep -q mounted "$T/fuse"
}

heal_host() { # DIRECTORY
	heal
	nsenter --target "$SCRATCH" --mount umount --lazy --no-canonicalize "$1"
}

# asked PORT - what a service says to the command, or nothing
asked() {
	in_target socat -t60 -T60 - "TCP:127.0.0.1:$1" </dev/null 2>/dev/null || true
}

@test "a service of the host whose path hangs: its clients are reset, all others are served" {
	local n client clients=()
	as_user mkdir hung
	as_user socat -t30 UNIX-LISTEN:well.sock,fork SYSTEM:'echo well' 3>&- 4>&- &
	wait_for test -S well.sock
	launch_scratch --net=slirp4netns --forward-host="80:unix:$T/hung/a.sock" \
		--forward-host="81:unix:$T/well.sock" sleep 1000
	equals well "$(asked 81)"
	hang_host "$T/hung"
	# So many that every thread of the forwarder gets some.
	for n in {1..40}; do
		in_target socat -t60 -T60 - TCP:127.0.0.1:80 </dev/null >/dev/null 2>&1 &
		clients+=($!)
	done
	wait_for grep -q asked "$T/fuse"
	for n in {1..20}; do equals well "$(asked 81)"; done
	equals 3 "$(ctl add-host-ports "82:unix:$T/well.sock")"
	equals well "$(asked 82)"
	for client in "${clients[@]}"; do wait "$client" || true; done
	wait_for logged "connecting to the host's $T/hung/a.sock: Connection timed out; its clients are disconnected"
	equals "" "$(asked 80)"
	# One lookup waits there, whatever the number of clients was.
	equals 1 "$(grep -c asked "$T/fuse")"
	# The service is removed and added again while it hangs. A second service that hangs leaves threads for the others.
	equals 1 "$(ctl remove-host-ports "80:unix:$T/hung/a.sock")"
	equals 4 "$(ctl add-host-ports "80:unix:$T/hung/a.sock")"
	equals 5 "$(ctl add-host-ports "83:unix:$T/hung/b.sock")"
	asked 83 >b &
	client=$!
	equals "" "$(asked 80)"
	wait "$client"
	equals "" "$(cat b)"
	wait_for logged "connecting to the host's $T/hung/b.sock: Connection timed out; its clients are disconnected"
	for n in {1..20}; do equals well "$(asked 81)"; done
	# When the file system answers, so does the service.
	heal_host "$T/hung"
	as_user socat -t30 UNIX-LISTEN:hung/a.sock,fork SYSTEM:'echo healed' 3>&- 4>&- &
	wait_for test -S hung/a.sock
	healed() { equals healed "$(asked 80)"; }
	wait_for healed
	stop
	kill_marked
}

@test "the launcher exits while a service of the host hangs; its forwarder ends with the file system" {
	local forwarder
	as_user mkdir hung
	launch_scratch --net=slirp4netns --forward-host="80:unix:$T/hung/a.sock" sleep 1000
	hang_host "$T/hung"
	in_target socat -t60 -T60 - TCP:127.0.0.1:80 </dev/null >/dev/null 2>&1 &
	wait_for grep -q asked "$T/fuse"
	forwarder=$(part 'fauxroot: host')
	stop
	# The thread that waits is the last one.
	waits() { [ "$(find "/proc/$forwarder/task" -mindepth 1 -maxdepth 1 | wc -l)" -gt 1 ]; }
	waits
	heal
	no_thread_waits() { ! waits 2>/dev/null; }
	wait_for no_thread_waits
}
