#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The small image, on no distribution: what it has, and that its programs need nothing else. documented.bats runs
# with it too.

load ../lib/bash/image

@test "user, variables, volume and entry point are those of the other image" {
	local format='{{.Config.User}} {{.Config.Entrypoint}} {{json .Config.Volumes}} {{.Architecture}}'
	equals "$(podman image inspect --format "$format" "$LARGE")" "$(podman image inspect --format "$format" "$IMAGE")"
	run -0 podman image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$LARGE"
	local environment
	environment=$(grep -v ^PATH= <<<"$output" | sort)
	run -0 podman image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$IMAGE"
	equals "$environment" "$(grep -v ^PATH= <<<"$output" | sort)"
	run -0 in_image -- sh -c 'id; cat /etc/subuid /etc/subgid; stat -c "%u:%g %a %n" "$HOME" "$XDG_RUNTIME_DIR" "$TMPDIR" /tmp'
	equals "uid=1000(user) gid=1000(user) groups=1000(user)
user:100000:65536
user:100000:65536
1000:1000 755 /home/user
1000:1000 700 /run/user/1000
1000:1000 755 /home/user/.local/tmp
0:0 1777 /tmp" "$output"
}

@test "each program finds its libraries, and fauxroot needs none" {
	run -0 in_image -- sh -ec 'fauxroot --version; fauxrootctl --version; rootlesskit --version; runc --version
		slirp4netns --version; fuse-overlayfs --version; mount.fuse3 --help 2>&1 | grep -i ^usage
		for p in newuidmap newgidmap; do $p 2>&1 | grep -q "^usage: $p"; done'
	podman run --rm --network none --entrypoint cat "$IMAGE" /usr/bin/fauxroot >fauxroot
	run ! grep -qE 'NEEDED|symtab' <(readelf --dynamic --sections --wide fauxroot)
}

@test "newuidmap and newgidmap have file capabilities, and CAP_SETUID and CAP_SETGID are all that fauxroot needs" {
	run -0 in_image -- sh -c 'find / -xdev -type f -perm /6000 2>/dev/null'
	equals "" "$output"
	run -0 in_image "${UNCONFINED[@]}" --cap-drop all --cap-add setuid --cap-add setgid -- \
		fauxroot sh -c 'id -u; tr -s " " </proc/self/uid_map; tr -s " " </proc/self/gid_map'
	equals "0
 0 0 1
 1 1 65536
 0 0 1
 1 1 65536" "$output"
}

@test "certificates of public authorities are there" {
	run -0 in_image -- grep -c 'BEGIN CERTIFICATE' /etc/ssl/certs/ca-certificates.crt
	[ "$output" -gt 50 ]
}

@test "it has less than half of the size of the other image" {
	[ $((2 * $(podman image inspect --format '{{.Size}}' "$IMAGE"))) -lt "$(podman image inspect --format '{{.Size}}' "$LARGE")" ]
}

@test "fauxroot --check finds nothing that is missing" {
	run -0 in_image "${UNCONFINED[@]}" --security-opt unmask=ALL -- fauxroot --check true
}
