#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets LAUNCHER, TARGET
# Rootless containerd: the options, environment, files and steps in the namespaces that
# containerd-rootless.sh, its setup tool and nerdctl rely on, under the compatible names. The network is
# detached: that script does this wherever --help shows the option.

load ../lib/bash/common
load ../lib/bash/ports

setup() {
	if ! command -v containerd >/dev/null || ! command -v runc >/dev/null; then
		skip "containerd is not installed"
	fi
	common_setup
	mkdir home
	COMPAT=${FAUXROOT%/*}/compat
	export PATH=$COMPAT:/usr/bin:/usr/sbin:/bin:/sbin HOME=$T/home
	export XDG_DATA_HOME=$HOME/.local/share XDG_CONFIG_HOME=$HOME/.config
	FAUXROOT=$COMPAT/rootlesskit
	S=$XDG_RUNTIME_DIR/containerd-rootless
}

teardown() {
	local status=0
	if [ -n "${LAUNCHER:-}" ] && alive "$LAUNCHER"; then
		tail -n 20 "$LOG" >&2
		kill -TERM "$LAUNCHER"
		wait_for gone "$LAUNCHER" || true
	fi
	# Files of subordinate ids: only fake root may delete them.
	"$FAUXROOT" rm -rf "$T/home" || status=1
	common_teardown || status=1
	return $status
}

# What the script does in the namespaces, before it executes containerd.
child='set -e
	rm -f /run/containerd /run/xtables.lock /var/lib/containerd /var/lib/cni /etc/containerd
	ssl=$(realpath /etc/ssl)
	rm -f /etc/ssl
	mkdir -p /etc/ssl
	[ ! -d "$ssl" ] || mount --rbind "$ssl" /etc/ssl
	own() { mkdir -p "$1" "$2" && mount --bind "$1" "$2"; }
	own "$XDG_RUNTIME_DIR/containerd" /run/containerd
	own "$XDG_DATA_HOME/containerd" /var/lib/containerd
	own "$XDG_DATA_HOME/cni" /var/lib/cni
	own "$XDG_CONFIG_HOME/containerd" /etc/containerd
	exec containerd'

# Enter like nerdctl, which does not join the network if $STATE/netns exists; ctr talks to containerd.
enter() {
	nsenter "-w$PWD" --preserve-credentials -m -U -t "$(<"$S/child_pid")" -F "$@" 3>&- 4>&-
}

# image.tar: one layer with a static busybox of user 1000, in the format of "docker save"
make_image() {
	local layer config
	mkdir -p rootfs/bin
	cp "$(command -v busybox.static || command -v busybox)" rootfs/bin/busybox
	tar -C rootfs -cf layer.tar --owner=1000 --group=1000 bin
	layer=$(sha256sum layer.tar | cut -c1-64)
	jq -nc --arg layer "sha256:$layer" '{architecture: "amd64", os: "linux", config: {},
		rootfs: {type: "layers", diff_ids: [$layer]}}' >config.json
	config=$(sha256sum config.json | cut -c1-64).json
	mv config.json "$config"
	jq -nc --arg config "$config" '[{Config: $config, RepoTags: ["example.org/box:1"],
		Layers: ["layer.tar"]}]' >manifest.json
	tar -cf image.tar manifest.json "$config" layer.tar
}

# spec.json: a container of the file system at DIR, without cgroups, in the host's network
make_spec() { # DIR SCRIPT
	runc spec
	jq --arg dir "$1" --arg script "$2" '.process.terminal = false |
		.process.args = ["/bin/busybox", "sh", "-c", $script] | .root.path = $dir |
		del(.linux.resources, .linux.cgroupsPath) |
		.mounts |= map(select(.type != "cgroup"))' config.json >spec.json
}

@test "containerd imports an image and runs a container; ports lead into its network" {
	"$FAUXROOT" --help | grep -qw -- --detach-netns
	launch --net=slirp4netns --mtu=65520 --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto \
		--disable-host-loopback --port-driver=builtin --copy-up=/etc --copy-up=/run \
		--copy-up=/var/lib --propagation=rslave --detach-netns sh -c "$child"
	wait_for enter ctr version >/dev/null 2>&1

	make_image
	enter ctr images import image.tar
	mkdir mnt
	enter ctr images mount --rw example.org/box:1 "$T/mnt"
	# Visible only inside.
	[ -z "$(ls mnt)" ]
	make_spec "$T/mnt" 'busybox id -u; busybox stat -c %u:%g /bin/busybox'
	run -0 enter ctr run --rm --config "$T/spec.json" one
	equals "0
1000:1000" "$output"
	enter umount "$T/mnt"

	free_port
	rootlessctl --socket="$S/api.sock" add-ports "127.0.0.1:$PORT:8000/tcp"
	echo ours >index.html
	enter nsenter "-n$S/netns" busybox httpd -f -p 8000 -h "$T" &
	wait_for curl -sf --max-time 60 "http://127.0.0.1:$PORT/index.html" >"$OUT"
	equals ours "$(<"$OUT")"
	kill "$(child_of $! busybox)"
	wait $! || true

	# The unit's stop: SIGTERM to the launcher.
	kill -TERM "$LAUNCHER"
	ended 0
	absent "$S"
}
