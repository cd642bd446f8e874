# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# For tests with a rootless dockerd of the test user, started by docker's own script through the compatible
# names. Load it after root.bash and ports.bash.

SCRIPT=/usr/share/docker.io/contrib/dockerd-rootless.sh
DEADLINE=120
BRIDGE=172.31.7.1
# The log of the daemon and of its launcher.
DOCKERD_OPTIONS=() LAUNCHER_FLAGS=
# What the script is told to use.
NETWORK=slirp4netns PORT_DRIVER=builtin

dockerd_setup() {
	if ! command -v dockerd >/dev/null || ! [ -x "$SCRIPT" ]; then
		skip "dockerd is not installed"
	fi
	root_setup
	export HOME
	HOME=$(getent passwd "$FAUXROOT_TEST_USER" | cut -d: -f6)
	export DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock DOCKER_CONFIG=$T/config XDG_CONFIG_HOME=$T/config
	# In the user's home directory, like a real daemon's data: /tmp may be a tmpfs.
	DATA=$(as_user mktemp -d "$HOME/fauxroot-test.XXXXXX")
	as_user mkdir -p image/www config
	export PATH=${FAUXROOT%/*}/compat:/usr/bin:/usr/sbin:/bin:/sbin
}

dockerd_teardown() {
	local status=0
	if [ -n "${LAUNCHER:-}" ] && alive "$LAUNCHER"; then
		sed 's/^/dockerd: /' "$LOG" | tail -40 >&2
		kill -TERM "$LAUNCHER"
		wait_for gone "$LAUNCHER" || true
	fi
	# Files of subordinate ids: only fake root may delete them.
	[ -z "${DATA:-}" ] || as_user "$FAUXROOT" rm -rf "$DATA" || status=1
	common_teardown || status=1
	return $status
}

# A server without libraries, in an image with no other file.
make_image() {
	cp "$(command -v busybox.static || command -v busybox)" image/busybox
	echo 'from the container' >image/www/index.html
	mkdir -p image/www/cgi-bin
	# shellcheck disable=SC2016
	printf '#!/busybox sh\nprintf "\\n$REMOTE_ADDR\\n"\n' >image/www/cgi-bin/peer
	chmod +x image/www/cgi-bin/peer
	printf 'FROM scratch\nCOPY busybox /busybox\nCOPY www /www\nCMD ["/busybox", "httpd", "-f", "-p", "80", "-h", "/www"]\nSTOPSIGNAL SIGKILL\n' >image/Dockerfile
	chmod -R a+rX image
	DOCKER_BUILDKIT=0 docker build -q -t server image
}

docker() {
	as_user /usr/bin/docker "$@"
}

start_dockerd() { # [PREFIX…]
	# Each word execs the next, and the script finally execs the launcher.
	"$@" env DOCKERD_ROOTLESS_ROOTLESSKIT_NET=$NETWORK DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER=$PORT_DRIVER \
		DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS="$LAUNCHER_FLAGS --state-dir=$S" \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$SCRIPT" --host="$DOCKER_HOST" --data-root="$DATA/data" --exec-root="$XDG_RUNTIME_DIR/exec" \
		--pidfile="$XDG_RUNTIME_DIR/pid" --bip="$BRIDGE/24" "${DOCKERD_OPTIONS[@]}" \
		</dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for answers_or_gone
	alive "$LAUNCHER" || { tail -n 20 "$LOG" >&2 && return 1; }
}

answers_or_gone() {
	docker info >/dev/null 2>&1 || gone "$LAUNCHER"
}
