#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Rootless dockerd, started by its own script through the compatible names: published ports of
# containers are reachable from the host and go with the container. The daemon is the test user's.

load ../../lib/common
load ../../lib/root
load ../../lib/ports

SCRIPT=/usr/share/docker.io/contrib/dockerd-rootless.sh
DEADLINE=120
BRIDGE=172.31.7.1

setup_file() {
	load_root || return
	two_networks
}

teardown_file() {
	end_networks
}

setup() {
	if ! command -v dockerd >/dev/null || ! [ -x "$SCRIPT" ]; then
		skip "dockerd is not installed"
	fi
	root_setup
	export HOME
	HOME=$(getent passwd "$FAUXROOT_TEST_USER" | cut -d: -f6)
	export DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock DOCKER_CONFIG=$T/config XDG_CONFIG_HOME=$T/config
	# Beside the user's files, as a daemon's data are: /tmp may be a tmpfs.
	DATA=$(as_user mktemp -d "$HOME/fauxroot-test.XXXXXX")
	as_user mkdir -p image/www config
	export PATH=${FAUXROOT%/*}/compat:/usr/bin:/usr/sbin:/bin:/sbin
}

teardown() {
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

# A server without libraries, in an image of nothing else.
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
	# Each word execs the next, the script's last is the launcher.
	"$@" env DOCKERD_ROOTLESS_ROOTLESSKIT_NET=slirp4netns DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER=builtin \
		DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS="--state-dir=$S" \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$SCRIPT" --host="$DOCKER_HOST" --data-root="$DATA/data" --exec-root="$XDG_RUNTIME_DIR/exec" \
		--pidfile="$XDG_RUNTIME_DIR/pid" --bip="$BRIDGE/24" </dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for docker info >/dev/null 2>&1
}

served() { # IP PORT [TEXT]
	[ "$(curl -s --max-time 20 "http://$1:$2/")" = "${3:-from the container}" ]
}

n_ports() {
	rootlessctl --socket "$S/api.sock" list-ports --json | wc -l
}

proxies() {
	local pid
	for pid in $(marked); do
		grep -xsE 'docker-proxy|rootlesskit-doc' "/proc/$pid/comm" || true
	done
}

@test "docker run -p: reachable from the host, gone after docker rm -f, nothing left" {
	start_dockerd
	make_image
	free_port 3
	docker run -d --name one -p "127.0.0.1:$PORT:80" server
	wait_for served 127.0.0.1 "$PORT"
	equals '{"proto":"tcp4","parentIP":"127.0.0.1","parentPort":'"$PORT"',"childIP":"127.0.0.1","childPort":'"$PORT"'}' \
		"$(rootlessctl --socket "$S/api.sock" list-ports --json | jq -c .spec)"
	not connects 127.0.0.2 "$PORT"
	# The wildcard: both families are docker's, one proxy each.
	docker run -d --name two -p "$((PORT + 1)):80" server
	wait_for served 127.0.0.1 $((PORT + 1))
	wait_for served '[::1]' $((PORT + 1))
	equals 3 "$(n_ports)"
	# Taken: docker says so, with our reason, and nothing stays published.
	run -125 docker run -d --name three -p "127.0.0.1:$PORT:80" server
	says "$output" "conflicts with port|already allocated|already in use"
	socat "TCP4-LISTEN:$((PORT + 2)),bind=127.0.0.1,fork" SYSTEM:'echo other' 3>&- 4>&- &
	local other=$!
	wait_for connects 127.0.0.1 $((PORT + 2))
	run -125 docker run -d --name four -p "127.0.0.1:$((PORT + 2)):80" server
	says "$output" 'in use'
	kill "$other"
	equals 3 "$(n_ports)"

	docker rm -f one
	not connects 127.0.0.1 "$PORT"
	wait_for served 127.0.0.1 $((PORT + 1))
	docker rm -f two
	not connects 127.0.0.1 $((PORT + 1))
	equals 0 "$(n_ports)"
	equals "" "$(proxies)"
	# The number is free for the next.
	docker run -d --name five -p "127.0.0.1:$PORT:80" server
	wait_for served 127.0.0.1 "$PORT"
	# A proxy that is killed leaves no port behind: the container can have it again.
	local pid
	for pid in $(marked); do
		! grep -qxs rootlesskit-doc "/proc/$pid/comm" || kill -KILL "$pid"
	done
	no_ports() { [ "$(n_ports)" = 0 ]; }
	wait_for no_ports
	docker restart five
	wait_for served 127.0.0.1 "$PORT"
	equals 1 "$(n_ports)"
	stop 0
	not connects 127.0.0.1 "$PORT"
}

# docker-proxy is the container's client, whoever its own is; DNAT in the child's network keeps that.
@test "the address that a container sees of a remote client: docker-proxy's, or the client's own" {
	start_dockerd nsenter --target "$HOST_NS" --net --
	make_image
	docker run -d --name one -p 8080:80 server
	seen() { # PORT
		SEEN=$(client curl -s --max-time 5 "http://$HOST4:$1/cgi-bin/peer" | tr -d '[]') && [ -n "$SEEN" ]
	}
	wait_for seen 8080
	equals "$BRIDGE" "${SEEN#::ffff:}"
	# The rule that dockerd makes for its port serves connections to the child's own address, too.
	rootlessctl --socket "$S/api.sock" add-ports 8081:10.0.2.100:8080/tcp
	wait_for seen 8081
	equals "$CLIENT4" "${SEEN#::ffff:}"
	docker rm -f one
	not seen 8080
	stop 0
}
