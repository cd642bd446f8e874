#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The examples of contrib: compose.yaml, GitLab CI and GitHub Actions. The scripts in them are run.

load ../lib/bash/image

setup() {
	T=$BATS_TEST_TMPDIR
	cd "$T" || return
	sysctl -qw net.ipv4.ip_forward=1
	context
	user=${TEST_USER:-faux}
}

# as_user SCRIPT - run a script as the unprivileged user, in this directory, which then is the user's
as_user() {
	install -d bin
	install -d -o "$user" "$BATS_FILE_TMPDIR/tmp"
	cp -a "$STAGE/fauxroot/usr/bin/." "$TOP/contrib/ci/with-dockerd" bin
	chmod 0755 "$STAGE" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/{suite,file,test} "$T" 2>/dev/null || true
	chown -R "$user" .
	setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --inh-caps=-all env -i HOME="$T" USER="$user" \
		TMPDIR="$BATS_FILE_TMPDIR/tmp" PATH="$T/bin:/usr/bin:/bin" sh -ec "$1" 3>&- 4>&-
}

need_dockerd() {
	if [ ! -x /usr/bin/docker ] || ! PATH=$PATH:/usr/sbin:/sbin command -v dockerd >/dev/null; then
		skip "dockerd is not installed"
	fi
}

# has_busybox ARCHIVE - an archive of an image, from the OCI or from Docker
has_busybox() {
	podman load --quiet --input "$1" >loaded
	equals 0 "$(podman run --rm --network none "$(sed -n 's/^Loaded image: //p' loaded)" /busybox id -u)"
}

@test "compose.yaml is valid, and podman-compose starts it" {
	if [ -n "$SCHEMAS" ]; then
		run -0 "$TOP/tests/image/validate.cjs" "$TOP/contrib/compose.yaml"
		sed 's/security_opt/security_opts/' "$TOP/contrib/compose.yaml" >bad.yaml
		run -1 "$TOP/tests/image/validate.cjs" bad.yaml
	fi
	podman-compose -f "$TOP/contrib/compose.yaml" -p example up -d
	name=$(podman ps --filter status=running --format '{{.Names}}')
	ready "$name"
	[ "$PAYLOAD" = real ] || return 0
	wait_for "$PROGRAMS/buildctl" --addr tcp://127.0.0.1:1234 debug workers
	run -0 "$PROGRAMS/buildctl" --addr tcp://127.0.0.1:1234 "${BUILD_ARGS[@]}"
	says "$output" '^#[0-9]+ [0-9.]+ +1 1 65536$'
}

@test "GitLab CI: the job with BuildKit" {
	chmod 0777 .
	"$TOP/tests/image/part-of" "$TOP/contrib/ci/gitlab-ci.yml" build-with-buildkit >script
	says "$(<script)" '^buildctl-daemonless.sh build .* --output=\$OUTPUT$'
	run -0 in_image "${UNCONFINED[@]}" -v "$PWD:/builds" -w /builds -- sh -e script
	[ "$PAYLOAD" = real ] || return 0
	tar -tf image.tar | grep -qx index.json
}

@test "GitLab CI: the job with Docker" {
	need_dockerd
	run -0 as_user "$("$TOP/tests/image/part-of" "$TOP/contrib/ci/gitlab-ci.yml" build-with-docker)"
	has_busybox image.tar
	equals "" "$(ls "$BATS_FILE_TMPDIR/tmp")"
}

@test "GitHub Actions: the job with BuildKit" {
	install -d tools
	printf '#!/bin/sh\nexec podman "$@"\n' >tools/docker
	chmod 0755 tools/docker
	PATH=$PWD/tools:$PATH run -0 bash -e -o pipefail -c \
		"$("$TOP/tests/image/part-of" "$TOP/contrib/ci/github-actions.yml" buildkit)"
	[ "$PAYLOAD" = real ] || return 0
	tar -tf out/image.tar | grep -qx index.json
}

@test "GitHub Actions: the job with Docker" {
	need_dockerd
	run -0 as_user "$("$TOP/tests/image/part-of" "$TOP/contrib/ci/github-actions.yml" docker)"
	has_busybox image.tar
}

@test "with-dockerd: status, standard input, a signal, a daemon that does not start" {
	need_dockerd
	run -3 as_user 'with-dockerd sh -c "cat; exit 3" <<-END
		from stdin
	END'
	equals "from stdin" "$output"
	run -143 as_user 'with-dockerd sh -c "kill -TERM \$PPID; exec sleep 1000"'
	run -1 as_user 'DOCKERD_FLAGS=--no-such-flag with-dockerd true'
	says "$output" 'unknown flag: --no-such-flag'
	run -1 as_user with-dockerd
	equals "" "$(ls "$BATS_FILE_TMPDIR/tmp")"
}
