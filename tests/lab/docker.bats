#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The shipped user unit of Docker with the machine's own docker.io, enabled in a login session: started by its
# socket, with limits by delegated cgroups, after the death of each process, in the journal, at logout. The
# last test leaves the unit enabled for the reboot.

load ../lib/bash/common
load ../lib/bash/machine

UNIT=fauxroot-docker.service

setup_file() {
	machine_setup
	# What docs/systemd.md tells an administrator to do for limits.
	mkdir -p /etc/systemd/system/user@.service.d
	printf '[Service]\nDelegate=cpu cpuset io memory pids\n' \
		>/etc/systemd/system/user@.service.d/delegate.conf
	systemctl daemon-reload
	loginctl terminate-user "$FAUX" || :
	wait_for test ! -e "$RUNTIME"
	# Tests in one session: the manager stays until the tests about logout.
	loginctl enable-linger "$FAUX"
	wait_for test -S "$RUNTIME/bus"
}

setup() {
	machine_setup
}

teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] || {
		sc status --lines=40 $UNIT || :
		journalctl --no-pager -n 40 _UID="$FAUX_UID" || :
	} >&2
}

# image: a server without libraries
image() {
	local context=/home/$FAUX/image
	mkdir -p "$context"
	cp "$(command -v busybox)" "$context/busybox"
	printf 'FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\nCMD ["/bin/busybox", "sleep", "1000"]\n' \
		>"$context/Dockerfile"
	chown -R $FAUX: "$context"
	as_docker build -q -t box "$context"
}

# a_process NAME: print the PID of this process of the unit
a_process() {
	local pid
	for pid in $(unit_pids $UNIT); do
		[ "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | sed 's/ .*//;s,.*/,,')" != "$1" ] || {
			echo "$pid"
			return
		}
	done
	return 1
}

restarted() { # OLD_MAIN_PID
	local main
	main=$(property $UNIT MainPID)
	[ "$main" != "$1" ] && [ "$main" != 0 ] && state_is $UNIT active
}

@test "the first client starts the daemon through the socket" {
	sc enable --now fauxroot-docker.socket
	equals inactive "$(sc is-active $UNIT || :)"
	run -0 as_docker info --format "'{{.CgroupDriver}} {{.CgroupVersion}} {{.SecurityOptions}}'"
	echo "$output"
	says "$output" 'systemd 2 .*rootless'
	equals active "$(sc is-active $UNIT)"
}

@test "--check has named the storage driver: overlayfs, or fuse-overlayfs where the kernel does not permit it" {
	local driver
	driver=$(as_docker info --format "'{{.Driver}}'" | tee /srv/results/docker-storage)
	run session fauxroot --check --copy-up=/etc --copy-up=/run dockerd
	grep -i overlay <<<"$output"
	case $driver in
	overlay2 | overlayfs) says "$output" 'ok +overlayfs +works: .*driver overlay2' ;;
	fuse-overlayfs) says "$output" 'ok +overlayfs +.*fuse-overlayfs' ;;
	*) return 1 ;;
	esac
}

@test "a build with RUN, and a container with a published port" {
	image
	printf 'FROM box\nRUN /bin/busybox echo built >/made\nCMD ["/bin/busybox", "nc", "-l", "-p", "80", "-e", "/bin/busybox", "cat", "/made"]\n' \
		>/home/$FAUX/image/Dockerfile
	session "DOCKER_BUILDKIT=0 DOCKER_HOST=unix://$DOCKER_SOCKET docker build -q -t made image"
	as_docker run -d --name served -p 127.0.0.1:18080:80 made
	equals built "$(socat -t 30 - TCP:127.0.0.1:18080,retry=100,interval=0.1 </dev/null)"
	as_docker rm -f served
}

# scope_of CONTAINER - print the path of its cgroup
scope_of() {
	find "/sys/fs/cgroup/user.slice/user-$FAUX_UID.slice" -type d \
		-name "docker-$(as_docker inspect -f '{{.Id}}' "$1").scope"
}

@test "--memory, --cpus and --pids-limit limit a container" {
	as_docker run -d --name limited --memory 64m --cpus 0.5 --pids-limit 77 box
	local scope
	scope=$(scope_of limited)
	equals $((64 << 20)) "$(<"$scope/memory.max")"
	equals '50000 100000' "$(<"$scope/cpu.max")"
	equals 77 "$(<"$scope/pids.max")"
	# tail(1) keeps all of the last line.
	run -137 as_docker run --rm --memory 32m --memory-swap 32m box \
		/bin/busybox tail -c 200m /dev/zero
	as_docker rm -f limited
	run as_docker run --rm --pids-limit 5 box \
		"/bin/sh -c 'for n in 1 2 3 4 5 6 7 8; do /bin/busybox sleep 1 & done'"
	echo "$output"
	[ "$status" != 0 ]
	says "$output" "can't fork"
	as_docker run -d --name busy --cpus 0.2 box "/bin/sh -c 'while :; do :; done'"
	scope=$(scope_of busy)
	is_throttled() { awk '/^nr_throttled/ { n = $2 } END { exit n < 5 }' "$scope/cpu.stat"; }
	wait_for is_throttled
	as_docker rm -f busy
}

@test "reload reaches the daemon, restart replaces it" {
	local main daemon
	main=$(property $UNIT MainPID)
	daemon=$(a_process dockerd)
	sc reload $UNIT
	reloaded() { journalctl -q --no-pager _PID="$daemon" | grep -qi 'got signal to reload\|Reloaded configuration'; }
	wait_for reloaded
	equals "$main" "$(property $UNIT MainPID)"
	sc restart $UNIT
	restarted "$main"
	wait_for gone "$daemon"
	as_docker info >/dev/null
}

@test "after SIGKILL to the launcher, the daemon or the network the service works again" {
	local name main
	for name in fauxroot dockerd slirp4netns; do
		main=$(property $UNIT MainPID)
		kill -KILL "$([ $name = fauxroot ] && echo "$main" || a_process $name)"
		if [ $name = slirp4netns ]; then
			network_is_back() { [ -n "$(a_process slirp4netns)" ]; }
			wait_for network_is_back
			equals "$main" "$(property $UNIT MainPID)"
		else
			wait_for restarted "$main"
		fi
		as_docker info >/dev/null
	done
}

# messages PRIORITY: what fauxroot itself logged with it, not the daemon's lines on the same stream
messages() {
	journalctl -q --no-pager -o cat -p "$1..$1" _UID="$FAUX_UID" -t fauxroot | grep '^\[fauxroot:' || :
}

@test "the journal has the priorities of fauxroot's messages" {
	says "$(messages warning)" 'warning: slirp4netns died'
	equals '' "$(messages warning | grep -v 'warning:')"
	equals '' "$(messages info | grep -E '(warning|error):')"
}

@test "stop ends everything, and the next client starts it again" {
	sc stop $UNIT
	wait_for no_pids $UNIT
	equals inactive "$(sc is-active $UNIT || :)"
	absent "$RUNTIME/fauxroot-docker"
	as_docker info >/dev/null
	sc is-active $UNIT
}

@test "without lingering the service ends with the last session, with lingering it stays" {
	session true
	wait_for test -n "$(unit_pids $UNIT)"
	loginctl disable-linger "$FAUX"
	wait_for no_pids $UNIT
	wait_for test ! -e "$RUNTIME"
	loginctl enable-linger "$FAUX"
	wait_for test -S $DOCKER_SOCKET
	as_docker info >/dev/null
	loginctl list-sessions --no-legend
	sc is-active $UNIT
	# For after the reboot: started by the manager of the user, not only by a client.
	sc enable $UNIT
}
