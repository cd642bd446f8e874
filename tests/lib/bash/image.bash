# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# Functions for the tests of the image. scripts/test-image sets:
#
#	IMAGE     the image under test; podman uses a storage of its own
#	PAYLOAD   "real" if the image has the real buildkitd and buildctl, otherwise "stand-in"
#	PROGRAMS  the directory of these programs
#	TOP       the source tree, with the image's files in contrib

bats_require_minimum_version 1.5.0

DEADLINE=$((30 * ${SLOW:-1}))
VOLUME=/home/user/.local/share/buildkit
SOCKET=unix:///run/user/1000/buildkit/buildkitd.sock
# What the documents of BuildKit ask for.
UNCONFINED=(--security-opt seccomp=unconfined --security-opt apparmor=unconfined)
BUILD_ARGS=(build --progress=plain --frontend dockerfile.v0 --local context=. --local dockerfile=.)

setup() {
	T=$BATS_TEST_TMPDIR
	cd "$T" || return
}

teardown() {
	local status=0
	if [ -z "$BATS_TEST_COMPLETED" ]; then
		for name in $(podman ps --all --format '{{.Names}}'); do
			podman logs --tail 20 "$name" 2>&1 | sed "s/^/$name: /"
		done
	fi
	# A file system of a pod or a container can be busy for a moment.
	wait_for podman pod rm --all --force || status=1
	wait_for podman rm --all --force --time 0 || status=1
	podman volume prune --force >/dev/null || status=1
	podman secret rm --all >/dev/null || status=1
	return $status
}

# wait_for COMMAND… - until it succeeds
wait_for() {
	local end=$((SECONDS + DEADLINE))
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -gt $end ]; then
			echo "timed out after $DEADLINE s: $*" >&2
			return 1
		fi
		sleep 0.1
	done
}

equals() { # WANTED GOT
	[ "$1" = "$2" ] || { printf 'wanted: %s\n   got: %s\n' "$1" "$2" >&2 && return 1; }
}

says() { # TEXT REGEX
	grep -qE -- "$2" <<<"$1" || { printf 'no "%s" in:\n%s\n' "$2" "$1" >&2 && return 1; }
}

need_buildkitd() {
	[ "$PAYLOAD" = real ] || skip "buildkitd is not installed"
}

# in_image [OPTION…] -- COMMAND… - run a command of the image in a new container
in_image() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	podman run --rm --network none "${options[@]}" --entrypoint "$2" "$IMAGE" "${@:3}"
}

# context [INSTRUCTION] - make a build context in the current directory that needs no registry
context() {
	local shell
	shell=$(command -v busybox.static || command -v busybox)
	cp "$shell" busybox
	printf 'FROM scratch\nCOPY busybox /busybox\n%s\n' \
		"${1-RUN [\"/busybox\", \"sh\", \"-c\", \"/busybox id -u; /busybox tr -s ' ' </proc/self/uid_map\"]}" \
		>Dockerfile
	chmod -R a+rX .
}

# ready CONTAINER [ARGUMENT…] - wait until its buildkitd answers
ready() {
	wait_for podman exec "$1" buildctl "${@:2}" debug workers
}
