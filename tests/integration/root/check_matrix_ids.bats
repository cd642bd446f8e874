#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2153 # what labs use and set
# --check agrees with the launch (tests/lib/bash/matrix.bash): namespaces and ids.
#
# seconds: 27

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab
load ../../lib/bash/matrix

setup() {
	matrix_setup
}

@test "namespaces: chroot, unmapped user, seccomp, masked /proc" {
	lab <<-'END'
		state "unmapped user"
		AS=(unshare --user)
		agree_all
		broken
		without_leak_check
		for call in clone3,clone mount setns unshare open_tree,move_mount; do
			state "seccomp: $call"
			AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EPERM "$call" --)
			agree_all
			[ "$call" = unshare ] || [ "$call" = open_tree,move_mount ] || broken
			# No device is made if the network namespace cannot be joined.
			if [ "$call" = setns ]; then
				lab_start --check --net=slirp4netns true
				says "$(<"$T/out")" 'unknown +/dev/net/tun'
			fi
		done
		state "masked /proc"
		mount --bind /dev/null /proc/version
		agree_all
		broken
		umount /proc/version
		mkdir "$T/mnt"
		mount -t tmpfs tmpfs "$T/mnt"
		mkdir "$T/mnt/root"
		for dir in /*; do
			if [ -L "$dir" ]; then
				cp -a "$dir" "$T/mnt/root/"
			elif [ -d "$dir" ]; then
				mkdir "$T/mnt/root$dir"
				mount --rbind "$dir" "$T/mnt/root$dir"
			fi
		done
		state chroot
		AS_ROOT=(chroot "$T/mnt/root")
		agree_all
		broken
	END
}

@test "no /proc" {
	# Sanitizers read their options from /proc/self/environ.
	sanitized && return
	lab <<-'END'
		state "no /proc"
		mount -t tmpfs tmpfs /proc
		agree_all
		broken
	END
}

@test "limits of namespaces, and their depth" {
	cat >"$T/nest" <<-'END'
		#!/bin/sh
		n=$1
		shift
		[ "$n" -eq 0 ] && exec "$@"
		exec unshare --user --map-root-user "$0" $((n - 1)) "$@"
	END
	chmod +x "$T/nest"
	outer_lab <<-'END'
		for kind in user mnt net pid cgroup uts ipc; do
			state "max_${kind}_namespaces 0"
			saved=$(cat "/proc/sys/user/max_${kind}_namespaces")
			echo 0 >"/proc/sys/user/max_${kind}_namespaces"
			agree_all --idmap=single
			broken
			echo "$saved" >"/proc/sys/user/max_${kind}_namespaces"
		done
		state "too deep"
		depth=32
		until "$T/nest" $depth true 2>/dev/null; do depth=$((depth - 1)); done
		AS=("$T/nest" $depth)
		agree_all --idmap=single
		broken
		state "too deep for the second"
		AS=("$T/nest" $((depth - 1)))
		agree_all --idmap=single
		broken
		state "one user namespace"
		AS=()
		echo 1 >/proc/sys/user/max_user_namespaces
		agree_all --idmap=single
		broken
	END
}

@test "newuidmap and newgidmap: missing, without privileges, refusing" {
	lab <<-'END'
		state "no newuidmap"
		mkdir "$T/bin" "$T/nosuid"
		ln -s "$(type -P true)" "$(type -P slirp4netns)" "$T/bin/"
		AS=(env PATH="$T/bin")
		agree_all
		broken
		state "no newgidmap"
		ln -s "$(type -P newuidmap)" "$T/bin/"
		AS=(env PATH="$T/bin")
		agree_all
		broken
		state "no_new_privs"
		AS_ROOT=(setpriv --no-new-privs)
		agree_all
		broken
		state "nosuid"
		mount -t tmpfs -o nosuid tmpfs "$T/nosuid"
		cp -a "$(type -P newgidmap)" "$T/nosuid/"
		AS=(env PATH="$T/nosuid:$PATH")
		agree_all
		broken
		for cap in setuid setgid; do
			state "without CAP_${cap^^}"
			BECOME=("--bounding-set=-$cap")
			agree_all
			broken
		done
		state "with Docker's capabilities"
		BECOME=("--bounding-set=-all,+chown,+dac_override,+fowner,+kill,+setgid,+setuid,+setfcap")
		agree_all
		# The row of a failed program must not be "ok".
		lab_start --check true
		grep -q '^obstacle *newuidmap ' "$T/out"
		grep -q '^obstacle *newgidmap ' "$T/out"
		AS=(env KUBERNETES_SERVICE_HOST=10.0.0.1)
		agree_all
		BECOME=(--bounding-set=-all)
		agree true
		broken
		state "newgrp"
		AS_GID=$(getent group users | cut -d: -f3)
		agree_all
		broken
		AS_GID=""
		state "without the set-user-ID bit"
		copy /usr/bin/newuidmap
		chmod u-s /usr/bin/newuidmap
		agree_all
		broken
	END
}

@test "subordinate ids: missing, broken, overlapping, few, from getsubids" {
	lab <<-'END'
		user=$(id -un "$USER_UID")
		file_over /etc/subuid ''
		file_over /etc/subgid "$user:100000:65536\n"
		for text in '' "$user:100000:1000\\r\\n" "$user:-1:10\\n" "$user:100000\\n" \
			"$user:100000:65536\\n$user:150000:65536\\n" "$user:$((USER_UID - 1)):10\\n"; do
			state "subuid: $text"
			printf "${text//\\\\/\\}" >/etc/subuid
			agree_all
			broken
		done
		state "few ids"
		printf '%s:100000:1000\n' "$user" >/etc/subuid
		agree_all
		sound
		state "no account"
		AS_UID=54321 AS_GID=54321 AS_GROUPS=--clear-groups
		chown 54321 "$T/run"
		echo 54321:100000:65536 | tee /etc/subuid >/etc/subgid
		agree_all
		broken
		AS_UID="" AS_GID="" AS_GROUPS=""
		chown "$USER_UID" "$T/run"
		printf '%s:100000:65536\n' "$user" | tee /etc/subuid >/etc/subgid
		mkdir "$T/bin"
		export GETSUBIDS=$T/bin/getsubids
		answers() {
			printf '#!/bin/sh\n%s\n' "$1" >"$T/bin/getsubids"
			chmod 0755 "$T/bin/getsubids"
		}
		for answer in 'exit 1' 'echo rubbish' 'kill -9 $$' 'echo 0: x 500000000 1000'; do
			state "getsubids: $answer"
			answers "$answer"
			agree_all --subid-source=dynamic
			broken
		done
		state "no getsubids"
		GETSUBIDS=/nosuch
		agree_all --subid-source=dynamic
		broken
	END
}
