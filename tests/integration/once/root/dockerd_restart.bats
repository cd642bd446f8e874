#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Rootless dockerd in a PID namespace of its own, killed and started again on the same directories. Its
# pid file, and containerd's, are left behind; what they name must not be the new daemon itself.

load ../../../lib/common
load ../../../lib/root

SCRIPT=/usr/share/docker.io/contrib/dockerd-rootless.sh
# shellcheck disable=SC2034
DEADLINE=120 # of wait_for()

setup_file() {
	load_root
}

setup() {
	local found
	if ! command -v dockerd >/dev/null || ! [ -x "$SCRIPT" ]; then
		skip "dockerd is not installed"
	fi
	root_setup
	export HOME
	HOME=$(getent passwd "$FAUXROOT_TEST_USER" | cut -d: -f6)
	export DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock DOCKER_CONFIG=$T/config XDG_CONFIG_HOME=$T/config
	# Beside the user's files, as a daemon's data are: /tmp may be a tmpfs.
	DATA=$(as_user mktemp -d "$HOME/fauxroot-test.XXXXXX")
	as_user mkdir -p bin config
	for found in rootlesskit=fauxroot rootlessctl=fauxrootctl rootlesskit-docker-proxy=fauxrootctl; do
		ln -s "${FAUXROOT%/*}/${found#*=}" "bin/${found%=*}"
	done
	export PATH=$PWD/bin:/usr/bin:/usr/sbin:/bin:/sbin
}

teardown() {
	local status=0
	if [ -n "${LAUNCHER:-}" ] && alive "$LAUNCHER"; then
		kill -TERM "$LAUNCHER"
		wait_for gone "$LAUNCHER" || true
	fi
	# Files of subordinate ids: only fake root may delete them.
	[ -z "${DATA:-}" ] || as_user "$FAUXROOT" rm -rf "$DATA" || status=1
	common_teardown || status=1
	return $status
}

start_dockerd() {
	env DOCKERD_ROOTLESS_ROOTLESSKIT_NET=slirp4netns DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER=builtin \
		DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS="--pidns --state-dir=$S" \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$SCRIPT" --host="$DOCKER_HOST" --data-root="$DATA/data" --exec-root="$XDG_RUNTIME_DIR/exec" \
		--pidfile="$XDG_RUNTIME_DIR/pid" </dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for answers_or_gone
	if gone "$LAUNCHER"; then
		tail -n 20 "$LOG" >&2
		return 1
	fi
}

answers_or_gone() {
	as_user /usr/bin/docker info >/dev/null 2>&1 || gone "$LAUNCHER"
}

nobody_left() {
	[ -z "$(marked)" ]
}

@test "dockerd starts again after SIGKILL, past the pid files of its dead self" {
	local before='' now
	for _ in 1 2 3; do
		start_dockerd
		now=$(<"$XDG_RUNTIME_DIR/pid")
		[ "$now" -ge 1000 ]
		[ "$now" != "$before" ]
		before=$now
		kill -KILL "$LAUNCHER"
		wait_for nobody_left
		# The machine's own record of it is what a machine's crash leaves, too.
		equals "$now" "$(<"$XDG_RUNTIME_DIR/pid")"
	done
	start_dockerd
	kill -TERM "$LAUNCHER"
	ended 0
}
