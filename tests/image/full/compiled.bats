#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The stage of Dockerfile.small that compiles static programs, for this machine and for another architecture. No
# program of the other architecture runs during the build.
# needs packages from the network that this machine uses

load ../../lib/bash/image

# build TAG [OPTION…] - build the small image from the sources, with podman
build() {
	BUILDER=podman FILE=$TOP/contrib/image/Dockerfile.small OPTIONS="--network host ${*:2}" BASE=localhost/base \
		BUILDKIT=$STAGE/buildkit "$TOP/scripts/image" "$1"
}

# mounted TAG - set ROOT to the files of an image
mounted() {
	podman image mount "$1" >place
	ROOT=$(<place)
}

@test "static programs are compiled in the image" {
	build localhost/small:compiled
	run -0 podman run --rm --network none "${UNCONFINED[@]}" --entrypoint fauxroot localhost/small:compiled id -u
	equals 0 "$output"
	mounted localhost/small:compiled
	run -0 file "$ROOT"/usr/bin/fauxroot "$ROOT"/usr/bin/fauxrootctl
	equals 2 "$(grep -c 'static-pie linked.*, stripped' <<<"$output")"
}

@test "an image for arm64 has only programs of arm64" {
	build localhost/small:arm64 --platform linux/arm64 --build-arg BUILDPLATFORM=linux/amd64
	equals arm64 "$(podman image inspect --format '{{.Architecture}}' localhost/small:arm64)"
	mounted localhost/small:arm64
	cd "$ROOT"
	# BuildKit's programs come from the context: here they are those of this machine.
	run -0 bash -c 'find . -type f ! -path "*/buildkitd" ! -path "*/buildctl" -exec file {} + | grep ELF'
	equals "" "$(grep -v 'ARM aarch64' <<<"$output")"
	for name in fauxroot fauxrootctl busybox runc newuidmap newgidmap slirp4netns fuse-overlayfs; do
		says "$output" "^\./usr/bin/$name: +ELF 64-bit"
	done
	says "$output" '^\./usr/bin/fauxroot: .*static-pie linked.*, stripped'
	run -0 getcap usr/bin/newuidmap usr/bin/newgidmap
	equals "usr/bin/newuidmap cap_setuid=ep
usr/bin/newgidmap cap_setgid=ep" "$output"
	equals "user:100000:65536" "$(<etc/subuid)"
	# These commands need no namespaces, so they work under qemu.
	if command -v qemu-aarch64; then
		run -0 qemu-aarch64 usr/bin/fauxroot --version
		equals "$("$FAUXROOT" --version)" "$output"
	fi
}
