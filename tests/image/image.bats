#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The image of rootless BuildKit: its layout, and that fauxroot is its entry point.

load ../lib/bash/image

@test "user, variables, volume and entry point are those of moby/buildkit:rootless" {
	equals "1000:1000
[fauxroot buildkitd]
[]" "$(podman image inspect --format '{{.Config.User}}
{{.Config.Entrypoint}}
{{.Config.Cmd}}' "$IMAGE")"
	run -0 podman image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$IMAGE"
	for variable in HOME=/home/user USER=user XDG_RUNTIME_DIR=/run/user/1000 TMPDIR=/home/user/.local/tmp \
		BUILDKIT_HOST=$SOCKET; do
		grep -qx "$variable" <<<"$output"
	done
	podman image inspect --format '{{json .Config.Volumes}}' "$IMAGE" | jq -e --arg v $VOLUME 'has($v)'
	run -0 in_image -- sh -c 'id; cat /etc/subuid /etc/subgid; stat -c "%u:%g %a %n" "$HOME" "$XDG_RUNTIME_DIR" "$TMPDIR"; echo >$TMPDIR/x'
	equals "uid=1000(user) gid=1000(user) groups=1000(user)
user:100000:65536
user:100000:65536
1000:1000 755 /home/user
1000:1000 700 /run/user/1000
1000:1000 755 /home/user/.local/tmp" "$output"
}

@test "programs: fauxroot, BuildKit's and their helpers are in PATH, stripped, with RootlessKit's names as links" {
	run -0 in_image -- sh -c 'for p in fauxroot fauxrootctl fauxroot-docker-proxy buildkitd buildctl buildctl-daemonless.sh \
		runc newuidmap newgidmap slirp4netns fuse-overlayfs git ssh pigz xz ps; do command -v $p || exit; done'
	run -0 in_image -- sh -c 'cd /usr/bin && readlink rootlesskit docker-rootlesskit rootlessctl rootlesskit-docker-proxy'
	equals "fauxroot
fauxroot
fauxrootctl
fauxrootctl" "$output"
	run -0 in_image -- fauxroot --version
	equals "$("$FAUXROOT" --version)" "$output"
	podman run --rm --network none --entrypoint cat "$IMAGE" /usr/bin/fauxroot >fauxroot
	run ! grep -q symtab <(readelf --sections --wide fauxroot)
}

@test "no program is set-user-ID that the image needs: newuidmap and newgidmap have file capabilities" {
	run -0 in_image -- getcap /usr/bin/newuidmap /usr/bin/newgidmap
	equals "/usr/bin/newuidmap cap_setuid=ep
/usr/bin/newgidmap cap_setgid=ep" "$output"
	run -0 in_image -- find /usr/bin/newuidmap /usr/bin/newgidmap -perm /6000
	equals "" "$output"
}

@test "fauxroot maps the documented ids" {
	run -0 podman run --name ids --network none "${UNCONFINED[@]}" --entrypoint fauxroot -d "$IMAGE" sleep 1000
	wait_for podman exec ids pgrep -x sleep
	run -0 podman exec ids sh -c 'tr -s " " </proc/$(pgrep -x sleep)/uid_map; tr -s " " </proc/$(pgrep -x sleep)/gid_map'
	equals " 0 1000 1
 1 100000 65536
 0 1000 1
 1 100000 65536" "$output"
}

@test "CAP_SETUID and CAP_SETGID are all that it needs" {
	run -0 in_image "${UNCONFINED[@]}" --cap-drop all --cap-add setuid --cap-add setgid -- fauxroot id -u
	equals 0 "$output"
}

@test "what a container can forbid is explained, with the option that permits it" {
	run -125 in_image "${UNCONFINED[@]}" --cap-drop all -- fauxroot true
	says "$output" 'remedy: .*--cap-add SETUID --cap-add SETGID'
	run -125 in_image "${UNCONFINED[@]}" --security-opt no-new-privileges -- fauxroot true
	says "$output" 'cause: no_new_privs'
	run -125 in_image "${UNCONFINED[@]}" --user 2000:2000 -- fauxroot true
	says "$output" 'no line for .*2000 in /etc/subuid'
}

@test "in a container with few ids: the remedy of the user, and --idmap=fit for root" {
	local few=(--uidmap 0:200000:65536 --gidmap 0:200000:65536 "${UNCONFINED[@]}")
	run -125 in_image "${few[@]}" -- fauxroot true
	says "$output" 'cause: 100000:65536 of /etc/subuid, line 1, is outside the ids of our user namespace'
	says "$output" 'remedy: podman run --user 0 --env FAUXROOT_OPTIONS=--idmap=fit'
	run -0 in_image "${few[@]}" --user 0 --env FAUXROOT_OPTIONS=--idmap=fit -- \
		fauxroot sh -c 'tr -s " " </proc/self/uid_map'
	equals " 0 0 1
 1 1 65535" "$output"
	# Or with lines that fit. One id of 65,536 is missing, hence a warning.
	printf 'user:1:999\nuser:1001:64535\n' >subid
	run -0 --separate-stderr in_image "${few[@]}" -v "$PWD/subid:/etc/subuid:ro" -v "$PWD/subid:/etc/subgid:ro" -- \
		fauxroot sh -c 'tr -s " " </proc/self/uid_map'
	equals " 0 0 1
 1 1 999
 1000 1000 64535" "$output"
}

@test "the daemon is ready, is stopped by podman stop, and its processes are those of the documents" {
	podman run -d --name buildkitd --network none "${UNCONFINED[@]}" "$IMAGE"
	ready buildkitd
	run -0 podman exec buildkitd id
	equals "uid=1000(user) gid=1000(user) groups=1000(user)" "$output"
	# moby/buildkit:rootless has one more, RootlessKit's second process.
	run -0 podman exec buildkitd ps -eo user,args --no-headers
	says "$output" '^user +fauxroot buildkitd$'
	says "$output" '^user +(/usr/bin/perl /usr/bin/)?buildkitd$'
	equals 2 "$(grep -vc 'ps -eo' <<<"$output")"
	podman stop --time 20 buildkitd
	# buildkitd's own status after SIGTERM.
	equals 1 "$(podman inspect --format '{{.State.ExitCode}}' buildkitd)"
}

@test "what RUN steps need works under fauxroot: overlayfs on the volume, and runc" {
	context
	run -0 in_image "${UNCONFINED[@]}" --security-opt unmask=ALL -v "$PWD/busybox:/busybox:ro" -- fauxroot sh -ec '
		cd '$VOLUME' && mkdir lower upper work root
		mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root
		mkdir root/proc root/dev root/sys && cp /busybox root/
		runc spec --rootless && sed -i "s/\"terminal\": true/\"terminal\": false/; s/\"sh\"/\"\/busybox\",\"id\",\"-u\"/
			s/\"rootfs\"/\"root\"/2; s/\"path\": \"rootfs\"/\"path\": \"root\"/" config.json
		runc --root state run step'
	says "$output" '^0$'
}

@test "buildctl-daemonless.sh: status, standard input, a signal, a daemon that does not start" {
	printf '#!/bin/sh\ncase $* in *workers*) exec /usr/bin/buildctl "$@" ;; *kill*) kill -TERM $PPID; exec sleep 1000 ;; esac\ncat; exit 3\n' >client
	chmod 755 client
	run -3 in_image -i "${UNCONFINED[@]}" -v "$PWD/client:/client:ro" --env BUILDCTL=/client -- \
		buildctl-daemonless.sh build <<<"from stdin"
	equals "from stdin" "$output"
	run -143 in_image "${UNCONFINED[@]}" -v "$PWD/client:/client:ro" --env BUILDCTL=/client -- \
		buildctl-daemonless.sh kill
	run -1 in_image "${UNCONFINED[@]}" --env BUILDKITD=/bin/false -- buildctl-daemonless.sh build
	says "$output" 'buildkitd at unix:///run/user/1000/buildkit/buildkitd.sock has exited'
	# By RootlessKit's name, and as root without a helper.
	run -0 in_image "${UNCONFINED[@]}" --env ROOTLESSKIT=rootlesskit -- buildctl-daemonless.sh debug workers
	run -0 in_image "${UNCONFINED[@]}" --cap-add sys_admin --user 0 -- buildctl-daemonless.sh debug workers
}
