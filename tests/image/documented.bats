#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The commands with which the documents of BuildKit run a rootless container, with
# podman instead of docker, and the image under test instead of moby/buildkit:rootless. Each one builds an
# image with a RUN step. "unmask=ALL" is podman's word for Docker's "systempaths=unconfined".

load ../lib/bash/image

# built OUTPUT - the RUN step has run as root, with all documented ids
built() {
	says "$1" '^#[0-9]+ [0-9.]+ 0$'
	says "$1" '^#[0-9]+ [0-9.]+ +1 1 65536$'
}

# build_in CONTAINER [ARGUMENT…] - build with the buildctl in the container, from the context in /src
build_in() {
	podman exec --workdir /src "$1" buildctl "${@:2}" "${BUILD_ARGS[@]}" 2>&1
}

setup_file() {
	# The bridge of podman changes the network namespace, which is this file's own.
	sysctl -qw net.ipv4.ip_forward=1
}

@test "docker run with seccomp, apparmor and systempaths unconfined; buildctl in the container" {
	need_buildkitd
	context
	podman run --name buildkitd -d "${UNCONFINED[@]}" --security-opt unmask=ALL -v "$PWD:/src:ro" "$IMAGE"
	ready buildkitd
	built "$(build_in buildkitd)"
	says "$(podman logs buildkitd 2>&1)" 'process-mode:sandbox'
}

@test "docker run --privileged" {
	need_buildkitd
	context
	podman run --name buildkitd -d --privileged -v "$PWD:/src:ro" "$IMAGE"
	ready buildkitd
	built "$(build_in buildkitd)"
}

@test "buildkitd's --oci-worker-no-process-sandbox instead of systempaths" {
	need_buildkitd
	context
	podman run --name buildkitd -d "${UNCONFINED[@]}" -v "$PWD:/src:ro" "$IMAGE" --oci-worker-no-process-sandbox
	ready buildkitd
	built "$(build_in buildkitd)"
	run -0 podman exec buildkitd ps -eo user,args
	says "$output" '^user +fauxroot buildkitd --oci-worker-no-process-sandbox$'
}

@test "without either, a RUN step fails as the documents say" {
	need_buildkitd
	context
	podman run --name buildkitd -d "${UNCONFINED[@]}" -v "$PWD:/src:ro" "$IMAGE"
	ready buildkitd
	run ! build_in buildkitd
	says "$output" 'mount.*proc.*operation not permitted'
}

@test "a port: -p, and a client outside of the container" {
	need_buildkitd
	context
	podman run --name buildkitd -d "${UNCONFINED[@]}" -p 127.0.0.1:1234:1234 "$IMAGE" \
		--oci-worker-no-process-sandbox --addr tcp://0.0.0.0:1234
	wait_for "$PROGRAMS/buildctl" --addr tcp://127.0.0.1:1234 debug workers
	built "$("$PROGRAMS/buildctl" --addr tcp://127.0.0.1:1234 "${BUILD_ARGS[@]}" 2>&1)"
}

@test "a client in a second container that shares the network" {
	need_buildkitd
	context
	podman run --name buildkitd -d --network none "${UNCONFINED[@]}" "$IMAGE" \
		--oci-worker-no-process-sandbox --addr tcp://127.0.0.1:1234
	ready buildkitd --addr tcp://127.0.0.1:1234
	built "$(podman run --rm --network container:buildkitd -v "$PWD:/src:ro" -w /src --entrypoint buildctl \
		"$IMAGE" --addr tcp://127.0.0.1:1234 "${BUILD_ARGS[@]}" 2>&1)"
}

@test "daemonless" {
	need_buildkitd
	context
	built "$(podman run --rm "${UNCONFINED[@]}" -e BUILDKITD_FLAGS=--oci-worker-no-process-sandbox \
		-v "$PWD:/src" -w /src --entrypoint buildctl-daemonless.sh "$IMAGE" "${BUILD_ARGS[@]}" 2>&1)"
	built "$(podman run --rm --privileged -e ROOTLESSKIT=rootlesskit \
		-v "$PWD:/src" -w /src --entrypoint buildctl-daemonless.sh "$IMAGE" "${BUILD_ARGS[@]}" 2>&1)"
}

@test "--device /dev/fuse: the snapshotter fuse-overlayfs" {
	need_buildkitd
	grep -qw fuse /proc/filesystems || skip "this kernel has no FUSE"
	context
	# As udev makes it.
	mknod -m 0666 fuse c 10 229
	podman run --name buildkitd -d "${UNCONFINED[@]}" --device "$PWD/fuse:/dev/fuse" -v "$PWD:/src:ro" "$IMAGE" \
		--oci-worker-no-process-sandbox --oci-worker-snapshotter=fuse-overlayfs
	ready buildkitd
	built "$(build_in buildkitd)"
}

@test "the snapshotter native needs no device" {
	need_buildkitd
	context
	podman run --name buildkitd -d "${UNCONFINED[@]}" -v "$PWD:/src:ro" "$IMAGE" \
		--oci-worker-no-process-sandbox --oci-worker-snapshotter=native
	ready buildkitd
	built "$(build_in buildkitd)"
}

@test "--device /dev/net/tun: an own network, separate from the container's" {
	need_buildkitd
	context
	mknod -m 0666 tun c 10 200
	podman run --name buildkitd -d "${UNCONFINED[@]}" --device "$PWD/tun:/dev/net/tun" -v "$PWD:/src:ro" \
		-e FAUXROOT_OPTIONS="--net=slirp4netns --copy-up=/etc --disable-host-loopback" "$IMAGE" \
		--oci-worker-no-process-sandbox
	ready buildkitd
	built "$(build_in buildkitd)"
	run -0 podman exec buildkitd ps -eo args
	says "$output" '^(/[a-z/]*)?slirp4netns '
}

@test "the cache is in the volume: a second container finds it" {
	need_buildkitd
	context
	for try in 1 2; do
		podman run --name "buildkitd$try" -d "${UNCONFINED[@]}" -v "$PWD:/src:ro" -v "cache:$VOLUME" "$IMAGE" \
			--oci-worker-no-process-sandbox
		ready "buildkitd$try"
		run -0 build_in "buildkitd$try"
		podman stop --time 20 "buildkitd$try"
	done
	says "$output" '^#[0-9]+ CACHED$'
}

@test "in a container with few ids, as of rootless engines, root builds with --idmap=fit" {
	need_buildkitd
	context
	podman run --name buildkitd -d --uidmap 0:200000:65536 --gidmap 0:200000:65536 "${UNCONFINED[@]}" \
		--security-opt unmask=ALL --user 0 -e FAUXROOT_OPTIONS=--idmap=fit -v "$PWD:/src:ro" "$IMAGE"
	ready buildkitd
	run -0 build_in buildkitd
	says "$output" '^#[0-9]+ [0-9.]+ +1 1 65535$'
}
