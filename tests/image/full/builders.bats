#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The same Dockerfile with other builders, as the unprivileged user: buildkitd under fauxroot, and Docker's
# daemon under fauxroot, which compiles fauxroot in the image.
# needs packages from the network that this machine uses

load ../../lib/bash/image

setup() {
	T=$BATS_TEST_TMPDIR
	cd "$T" || return
	user=${TEST_USER:-faux}
	export XDG_RUNTIME_DIR=$T/run
	mkdir -m 0700 run
	sed -n "s,^!,$TOP/,p" "$TOP/.dockerignore" | xargs cp -a -t . "$TOP/.dockerignore"
	cp -a "$STAGE/fauxroot" "$STAGE/buildkit" .
	cp "$BASE_TAR" base.tar
	chmod 0755 "$STAGE" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/{suite,file,test} "$T" 2>/dev/null || true
	chown -R "$user" .
	PATH=$T/fauxroot/usr/bin:$PATH
}

teardown() {
	if [ -n "${daemon:-}" ]; then
		kill "$daemon"
		wait "$daemon" || true
	fi
	[ -n "$BATS_TEST_COMPLETED" ] || tail -n 20 daemon.log >&2
	# Files of subordinate ids: only fake root may delete them.
	as_user fauxroot rm -rf root
}

as_user() {
	setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --inh-caps=-all env -i PATH="$PATH" \
		HOME="$T" USER="$user" XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" BUILDKIT_HOST="unix://$T/run/b.sock" \
		DOCKER_HOST="unix://$T/run/d.sock" "$@" 3>&- 4>&-
}

# runs FORMAT - the image in the archive "image.tar" works
runs() {
	podman load --quiet --input image.tar
	run -0 podman run --rm --network none "${UNCONFINED[@]}" --entrypoint fauxroot "$1" sh -c 'tr -s " " </proc/self/uid_map'
	equals " 0 0 1
 1 1 65536" "$output"
	run -0 podman run --rm --network none "${UNCONFINED[@]}" --entrypoint buildctl-daemonless.sh "$1" debug workers
	podman rmi "$1"
}

@test "buildkitd under fauxroot" {
	need_buildkitd
	PATH=$PROGRAMS:$PATH
	as_user fauxroot buildkitd --root "$T/root" --addr "unix://$T/run/b.sock" >daemon.log 2>&1 &
	daemon=$!
	wait_for as_user buildctl debug workers
	mkdir base
	mv base.tar base
	printf 'FROM scratch\nADD base.tar /\n' >base/Dockerfile
	as_user buildctl build --frontend dockerfile.v0 --local context=base --local dockerfile=base \
		--output "type=oci,tar=false,dest=$T/oci,compression=uncompressed,name=base"
	as_user env BUILDER=buildctl OUTPUT="$T/image.tar" BASE="$T/oci" BUILDKIT="$T/buildkit" FAUXROOT="$T/fauxroot" \
		scripts/image other/buildkit:buildctl
	runs docker.io/other/buildkit:buildctl
}

@test "Docker's daemon under fauxroot, with fauxroot compiled in the image" {
	command -v dockerd && docker=$(PATH=/usr/bin command -v docker) || skip "dockerd is not installed"
	PATH=${docker%/*}:$T/fauxroot/usr/bin:$PATH:/usr/sbin:/sbin
	as_user fauxroot --net=slirp4netns --disable-host-loopback --copy-up=/etc --copy-up=/run sh -c \
		'rm -f /run/docker /run/containerd /run/xtables.lock; exec dockerd -H "$DOCKER_HOST" --data-root "$HOME/root" \
		--exec-root "$XDG_RUNTIME_DIR/exec" --pidfile "$XDG_RUNTIME_DIR/pid" --iptables=false --ip6tables=false \
		--bridge=none' >daemon.log 2>&1 &
	daemon=$!
	wait_for as_user docker version
	as_user docker import base.tar base
	tar -C buildkit -c . | as_user docker import - payload
	as_user env BUILDER=docker OUTPUT="$T/image.tar" OPTIONS="--network host" BASE=base BUILDKIT=payload \
		scripts/image localhost/other/buildkit:docker
	runs localhost/other/buildkit:docker
}
