#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The launcher in containers and packages: as PID 1, with file capabilities, as root.

load ../../lib/bash/common
load ../../lib/bash/root

setup() {
	root_setup
}

# pid1 COMMAND… - the launcher as PID 1 of a PID namespace with a /proc of its own
pid1() {
	unshare --pid --fork --mount-proc --kill-child -- \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" "$@" 3>&- 4>&-
}

@test "as PID 1: the status is the target's" {
	run -0 pid1 sh -c 'echo $PPID'
	equals 1 "$output"
	run -17 pid1 sh -c 'exit 17'
	run -137 pid1 sh -c 'kill -9 $$'
	run -127 pid1 no-such-command-here
	run -0 pid1 --net=slirp4netns --copy-up=/etc --copy-up=/run ip -o -4 addr show tap0
	says "$output" '10\.0\.2\.100'
}

@test "as PID 1, and with a PID namespace below it" {
	run -0 pid1 --pidns sh -c 'echo $$ $PPID /proc/[0-9]*'
	# The command's PID is random, and there is no other process.
	equals "${output%% *} 1 /proc/1 /proc/${output%% *}" "$output"
	run -17 pid1 --pidns sh -c 'exit 17'
	run -137 pid1 --pidns sh -c 'kill -9 $$'
	run -127 pid1 --pidns no-such-command-here
	run -7 pid1 --pidns "$PROBE" forks 200
}

@test "as PID 1: signals from outside reach the target" {
	unshare --pid --fork --mount-proc --kill-child -- \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" --state-dir="$S" "$PROBE" catch 15 </dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	local outer=$! inner
	wait_for grep -q ready "$OUT"
	inner=$(cat "/proc/$outer/task/$outer/children")
	kill -USR1 $inner
	wait_for grep -qx 10 "$OUT"
	kill -TERM $inner
	wait_for gone "$outer"
	grep -qx 15 "$OUT"
	wait "$outer"
}

@test "as PID 1: orphans are reaped, and a living one does not delay it" {
	run -7 pid1 "$PROBE" forks 500
	run -3 timeout 60 unshare --pid --fork --mount-proc --kill-child -- \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		"$FAUXROOT" sh -c 'setsid sleep 100 >/dev/null 2>&1 & exit 3' 3>&- 4>&-
}

@test "a binary with file capabilities: identity, network and copy-up work" {
	cp "$FAUXROOT" "$T/withcap"
	setcap cap_net_bind_service=ep "$T/withcap"
	run -0 as_user "$T/withcap" --net=slirp4netns --copy-up=/etc --copy-up=/run sh -c \
		'id -u; tr -s " " </proc/self/uid_map; ip -o -4 addr show tap0; stat -f -c %T /etc'
	says "$output" '^0$'
	says "$output" "^ 1 1 $(subuids "$FAUXROOT_TEST_USER" | cut -d ' ' -f 2)\$"
	says "$output" '10\.0\.2\.100'
	says "$output" '^tmpfs$'
	run -9 as_user "$T/withcap" sh -c 'exit 9'
	run -9 as_user "$T/withcap" --pidns sh -c 'exit 9'
}

@test "a binary with file capabilities: the killed helper is restarted" {
	cp "$FAUXROOT" "$T/withcap"
	setcap cap_net_bind_service=ep "$T/withcap"
	FAUXROOT=$T/withcap launch_as -- --net=slirp4netns sleep 100
	local old
	old=$(child_of "$LAUNCHER" slirp4netns)
	kill -KILL "$old"
	replaced() {
		local now
		now=$(child_of "$LAUNCHER" slirp4netns) && [ "$now" != "$old" ]
	}
	wait_for replaced
	stop
}

@test "a binary with file capabilities: the target has the launcher's bounding set only in its namespace" {
	cp "$FAUXROOT" "$T/withcap"
	setcap cap_net_bind_service=ep "$T/withcap"
	run -0 as_user "$T/withcap" grep -E '^Cap(Inh|Amb)' /proc/self/status
	equals "CapInh: 0000000000000000
CapAmb: 0000000000000000" "$(tr '\t' ' ' <<<"$output")"
}

# Root with its own ranges, as in a container image.
as_root_with_ranges() {
	printf 'root:100000:65536\n' >"$T/subid"
	chmod 0644 "$T/subid"
	chown 0:0 "$T" "$T"/* # the directories of the test are the caller's
	unshare --mount --propagation private sh -c '
		mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid && shift && exec "$@"' \
		sh "$T/subid" "$FAUXROOT" "$@" 3>&- 4>&-
}

@test "as root: the maps are written directly, no newuidmap is needed" {
	mkdir "$T/bin"
	ln -s "$(command -v cat)" "$T/bin/"
	equals "0 0 1
1 100000 65536" "$(map_outside uid_map as_root_with_ranges env PATH=/usr/sbin:/usr/bin)"
	printf 'root:100000:65536\n' >"$T/subid"
	run -0 unshare --mount --propagation private sh -c '
		mount --bind "$1/subid" /etc/subuid && mount --bind "$1/subid" /etc/subgid &&
		PATH=$1/bin exec "$FAUXROOT" cat /proc/self/gid_map' sh "$T"
	equals " 0 0 1
 1 1 65536" "$(tr -s ' ' <<<"$output")"
}

# in_container COUNT COMMAND… - as root of a user namespace that has 0 and COUNT other ids
in_container() {
	local map="0 0 1
1 200000 $1" inner pid status=0
	shift
	mkdir -m 0777 "$T/shared"
	mkfifo -m 0666 "$T/shared/mapped"
	unshare --user --mount --propagation private sh -c \
		'echo $$ >"$0/inner"; read -r _ <"$0/mapped"; exec setpriv --reuid 0 --regid 0 --clear-groups -- "$@"' \
		"$T/shared" "$@" >"$T/said" 2>"$T/complained" 3>&- 4>&- &
	pid=$!
	wait_for test -s "$T/shared/inner"
	inner=$(<"$T/shared/inner")
	cat <<<"$map" >"/proc/$inner/uid_map" # echo writes line by line
	cat <<<"$map" >"/proc/$inner/gid_map"
	echo >"$T/shared/mapped"
	wait "$pid" || status=$?
	rm -r "$T/shared"
	cat "$T/said"
	cat "$T/complained" >&2
	return "$status"
}

@test "in a container with few ids, --idmap=fit maps those that exist" {
	printf 'root:100000:65536\n' >"$T/subid"
	chmod 0644 "$T/subid"
	local with_lines='mount --bind "$0/subid" /etc/subuid && mount --bind "$0/subid" /etc/subgid && exec "$@"'
	# As rootless Podman and Docker, and Kubernetes with hostUsers: false.
	run -0 in_container 65535 "$FAUXROOT" --idmap=fit cat /proc/self/uid_map
	equals " 0 0 1
 1 1 65535" "$(tr -s ' ' <<<"$output")"
	run -0 in_container 65535 sh -c "$with_lines" "$T" "$FAUXROOT" --idmap=fit cat /proc/self/gid_map
	equals " 0 0 1
 1 1 65535" "$(tr -s ' ' <<<"$output")"
	# A part of the range exists. A warning says that it is small.
	run -0 --separate-stderr in_container 131071 sh -c "$with_lines" "$T" "$FAUXROOT" --idmap=fit cat /proc/self/uid_map
	equals " 0 0 1
 1 1 31072" "$(tr -s ' ' <<<"$output")"
	says "$stderr" 'warning: only 31073 user and 31073 group ids'
	run -125 in_container 131071 sh -c "$with_lines" "$T" "$FAUXROOT" true
	says "$output" 'remedy: use --idmap=fit$'
	# In two lines: one extent would be refused.
	run -0 in_container "109999
110000 400000 90000" sh -c "$with_lines" "$T" "$FAUXROOT" --idmap=fit cat /proc/self/uid_map
	equals " 0 0 1
 1 1 10000
 10001 10001 55536" "$(tr -s ' ' <<<"$output")"
}

@test "--idmap=fit never takes all ids of the machine" {
	: >"$T/subid"
	chmod 0644 "$T/subid"
	run -125 unshare --mount --propagation private sh -c '
		mount --bind "$0/subid" /etc/subuid && mount --bind "$0/subid" /etc/subgid &&
		exec "$FAUXROOT" --idmap=fit true' "$T" 3>&- 4>&-
	says "$output" 'no subordinate user ids'
}

@test "as root: a network, copy-up and an exit status" {
	run -6 as_root_with_ranges --net=slirp4netns --copy-up=/etc --copy-up=/run sh -c \
		'ip -o -4 addr show tap0; exit 6'
	says "$output" '10\.0\.2\.100'
}

@test "as root without CAP_SETFCAP: newuidmap or a clear refusal, never a partial map" {
	printf 'root:100000:65536\n' >"$T/subid"
	run unshare --mount --propagation private sh -c '
		mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid &&
		exec capsh --drop=cap_setfcap -- -c "\"\$FAUXROOT\" cat /proc/self/uid_map"' sh "$T/subid" 3>&- 4>&-
	if [ "$status" -eq 0 ]; then
		equals " 0 0 1
 1 1 65536" "$(tr -s ' ' <<<"$output")"
	else
		equals 125 "$status"
		says "$output" 'map|CAP_SETFCAP'
	fi
}

@test "in a masked container: /sys read-only or masked is at most a warning" {
	run -0 unshare --mount --propagation private sh -c 'mount -o remount,ro,bind /sys && exec "$@"' sh \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups "$FAUXROOT" --net=none \
		sh -c 'ls /sys/class/net | head -1' 3>&- 4>&-
	run -0 unshare --mount --propagation private sh -c \
		'mount -t tmpfs none /sys/fs/cgroup && mount -t tmpfs -o ro none /sys/firmware && exec "$@"' sh \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups "$FAUXROOT" --net=none true 3>&- 4>&-
}

# refusing ERROR CALLS [OPTION] - a launch in which these system calls fail with that error
refusing() {
	local error=$1 calls=$2
	shift 2
	run -0 "$FAUXROOT_TEST_TOOLS/refuse" --errno "$error" "$calls" -- \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" "$@" --net=slirp4netns --copy-up=/etc --copy-up=/run sh -c \
		'ip -o -4 addr show tap0; stat -f -c %T /etc /run; grep nameserver /etc/resolv.conf' 3>&- 4>&-
	says "$output" '10\.0\.2\.100'
	equals 2 "$(grep -cx tmpfs <<<"$output")"
	says "$output" '^nameserver 10\.0\.2\.3$'
}

@test "where clone3, openat2, close_range and open_tree are forbidden instead of unknown" {
	# Since shadow 4.17 newuidmap, which the filter also affects, opens the map only by openat2(2).
	refusing EPERM clone3,openat2,close_range,open_tree --idmap=single
	refusing ENOSYS clone3,openat2,close_range,open_tree --idmap=single
	refusing EPERM clone3,close_range,open_tree
}
