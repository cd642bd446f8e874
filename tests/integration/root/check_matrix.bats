#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2153 # what labs use and set
# --check agrees with reality: on machines that are broken in many ways, with the options of real
# clients, it names an obstacle exactly when the launch fails, and the same cause.

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab

setup() {
	root_setup
	LAB_FUNCTIONS=(alone agree agree_all agree_descriptors state broken sound)
	export QUICK="" BEGINS=""
	if [ -z "${FULL:-}" ] && { sanitized || grep -q '^Seccomp:.2' /proc/self/status; }; then
		QUICK=1
	fi
	export DIR=$T/dir
}

# alone OPTIONS… COMMAND… - lab_start, again where other tests were in the way: descriptors that are
# being sent count for all processes of a user (man 7 unix, ETOOMANYREFS)
alone() {
	local _
	for _ in {1..100}; do
		lab_start "$@"
		grep -qF 'Too many references' "$T/out" "$T/err" || break
	done
}

# agree OPTIONS… COMMAND… - launch, and check, with the same words
agree() {
	local launch said id check=0
	alone "$@"
	launch=$STATUS said=$ERROR
	id=$(sed -n 's/.*debug: known as //p' <<<"$ERROR" | grep -vx few-ids || true)
	alone --check --json "$@"
	[ "$launch" -eq 0 ] || check=1
	if [ "$STATUS" -eq "$check" ] && { [ "$launch" -eq 0 ] || grep -q "error: $BEGINS" <<<"$said"; } && { [ "$launch" -eq 0 ] || [ -n "$id${UNEXPLAINED:-}" ]; } &&
		{ [ -z "$id" ] || grep -qF "\"id\": \"$id\"" "$T/out"; }; then
		LAUNCHED+=$launch
		return
	fi
	{
		printf '\n%s: launch %s (%s), check %s: %s\n' "$STATE" "$launch" "$id" "$STATUS" "$*"
		grep -v 'debug: ' <<<"$said" || true
		grep -E -B1 -A4 '"status": "obstacle"' "$T/out" || true
		grep -v 'debug: ' <<<"$ERROR" || true
	} >&2
	DISAGREED=1
}

# agree_all [OPTIONS…] - with the options of real clients, and these; with sanitizers, which take their
# time, or with refused system calls, with two sets that have all that can fail
agree_all() {
	if [ -n "$QUICK" ]; then
		agree --state-dir="$DIR" --net=slirp4netns --disable-host-loopback --port-driver=builtin \
			--copy-up=/etc --copy-up=/run --propagation=rslave --pidns --cgroupns --utsns --ipcns \
			"$@" true
		agree "$@" true
		return
	fi
	# dockerd-rootless.sh and containerd-rootless.sh, buildctl-daemonless.sh, by hand
	agree --net=host --mtu=1500 --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto \
		--disable-host-loopback --port-driver=none --copy-up=/etc --copy-up=/run --copy-up=/var/lib \
		--propagation=rslave --detach-netns --mtu=0 "$@" true
	agree --state-dir="$DIR" --net=slirp4netns --mtu=65520 --slirp4netns-sandbox=auto \
		--slirp4netns-seccomp=auto --disable-host-loopback --port-driver=builtin --copy-up=/etc \
		--copy-up=/run --propagation=rslave "$@" true
	agree --net=slirp4netns --copy-up=/etc --disable-host-loopback "$@" true
	agree "$@" true
	# and what is particular to us
	agree --idmap=single --net=none "$@" true
	agree --pidns --cgroupns --utsns --ipcns "$@" true
}

# state NAME - the next ones are about this
state() {
	STATE=$1 LAUNCHED=""
	AS=() AS_ROOT=() BECOME=()
}

# UNEXPLAINED=1 - the errors to come have no row of the table, they say it all themselves

# BEGINS=REGEX - what each of the errors to come begins with

# broken - something of the last state must have failed: else it was not provoked
broken() {
	if ! grep -q '12[567]' <<<"$LAUNCHED"; then
		echo "$STATE: every launch works" >&2
		DISAGREED=1
	fi
}

# sound - nothing of it has
sound() {
	equals "" "$(tr -d 0 <<<"$LAUNCHED")"
}

@test "a healthy machine" {
	lab <<-'END'
		state healthy
		agree_all
		sound
	END
}

@test "--copy-up" {
	lab <<-'END'
		mkdir -m 0700 "$T/closed"
		touch "$T/file"
		state "missing"
		agree --copy-up="$T/nosuch" --copy-up=/etc true
		broken
		state "closed"
		agree --copy-up=/etc --copy-up="$T/closed" true
		broken
		UNEXPLAINED=1
		state "no directory"
		agree --copy-up="$T/file" true
		broken
	END
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
	# Sanitizers have their options out of /proc/self/environ.
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

# Where descriptors are too few that is said at the start of a launch: what it looks for suffices.
agree_descriptors() {
	agree_all "$@"
	agree --net=slirp4netns --port-driver=slirp4netns --detach-netns true
	agree --net=slirp4netns --port-driver=builtin --pidns --cgroupns --utsns --ipcns true
	agree --net=none --port-driver=builtin --detach-netns true
}

@test "limits of processes and descriptors" {
	lab <<-'END'
		without_leak_check
		state "ulimit -u 1"
		AS=(bash -c 'ulimit -u 1; exec "$@"' sh)
		agree_all
		broken
		BEGINS='.*: Too many open files'
		limits=$(seq 8 64)
		[ -z "$QUICK" ] || limits="8 $(seq 20 4 64)"
		for n in $limits 1024; do
			state "ulimit -n $n"
			AS=(sh -c "ulimit -Sn $n; exec \"\$@\"" sh)
			agree_descriptors
			[ "$n" -ge 20 ] || broken
			[ "$n" -lt 64 ] || sound
		done
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
		# No row is well that stands for what has failed.
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

@test "the state directory and XDG_RUNTIME_DIR" {
	lab <<-'END'
		mkdir "$T/theirs" "$T/small"
		state "another user's"
		DIR=$T/theirs
		agree_all
		broken
		state "a link"
		mkdir -m 0700 "$T/ours"
		chown "$USER_UID" "$T/ours"
		ln -s ours "$T/link"
		DIR=$T/link
		agree_all
		broken
		state "a file"
		DIR=$T/theirs/file
		touch "$DIR"
		agree_all
		broken
		state "closed"
		DIR=$T/theirs/a/b
		agree_all
		broken
		state "too long"
		DIR=$T/ours/$(printf 'x%.0s' {1..108})
		agree_all
		broken
		mount -t tmpfs -o "size=16k,uid=$USER_UID,mode=0700" tmpfs "$T/small"
		DIR=$T/small/d
		state "full"
		head -c 16384 /dev/zero >"$T/small/full"
		agree_all
		broken
		state "read-only"
		mount -o remount,ro "$T/small"
		agree_all
		broken
		state "in use"
		DIR=$T/ours/d
		mkdir "$T/first"
		T=$T/first lab_start --state-dir="$DIR" sleep 200 &
		until [ -s "$DIR/child_pid" ]; do sleep 0.02; done
		agree_all
		broken
		kill "$(cat "$DIR/child_pid")"
		wait
		state "made anew"
		agree_all
		sound
		mount -t tmpfs tmpfs /run/user
		mkdir -m 0700 "/run/user/$USER_UID" /run/user/0
		chown "$USER_UID" "/run/user/$USER_UID"
		state "XDG_RUNTIME_DIR unset"
		AS=(env -u XDG_RUNTIME_DIR)
		DIR=/name
		agree_all
		broken
		state "XDG_RUNTIME_DIR another's"
		AS=(env XDG_RUNTIME_DIR=/run/user/0)
		DIR=/run/user/0/name
		agree_all
		broken
	END
}

@test "/dev/net/tun and slirp4netns" {
	lab <<-'END'
		mkdir "$T/bin"
		printf '#!/bin/sh\necho slirp4netns version 0.3.2\n' >"$T/old"
		printf '#!/bin/sh\ncase $1 in --version) exec slirp4netns --version ;; esac\necho no >&2; exit 1\n' >"$T/dying"
		chmod 0755 "$T/old" "$T/dying"
		for binary in "$T/old" /nosuch /etc/passwd "$(type -P echo)"; do
			state "slirp4netns is $binary"
			agree_all --slirp4netns-binary="$binary"
			broken
		done
		# Of what it dies, it says itself.
		state "slirp4netns dies"
		UNEXPLAINED=1
		agree_all --slirp4netns-binary="$T/dying"
		broken
		UNEXPLAINED=""
		state "slirp4netns not in PATH"
		ln -s "$(type -P newuidmap)" "$(type -P newgidmap)" "$(type -P true)" "$T/bin/"
		AS=(env PATH="$T/bin")
		agree_all
		broken
		state "no sandbox"
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EPERM pivot_root --)
		agree_all --slirp4netns-sandbox=true
		broken
		agree_all --slirp4netns-sandbox=auto
		mount -t tmpfs tmpfs /dev/net
		state "no /dev/net/tun"
		agree_all
		broken
		# It does not hide that slirp4netns is too old, nor that the kernel has no driver.
		lab_start --check --json --net=slirp4netns --slirp4netns-binary="$T/old" true
		grep -qE '"id": "tun-missing' "$T/out"
		grep -qF '"id": "slirp4netns-old"' "$T/out"
		if [ -e /proc/config.gz ] && ! [ -e "/boot/config-$(uname -r)" ]; then
			echo '# CONFIG_TUN is not set' | gzip >"$T/config.gz"
			mount --bind "$T/config.gz" /proc/config.gz
			lab_start --check --json --net=slirp4netns true
			grep -qF '(/proc/config.gz: # CONFIG_TUN is not set)' "$T/out"
			umount /proc/config.gz
		fi
		for kind in 'mknod -m 0600' 'mknod -m 0666' mkdir touch; do
			state "/dev/net/tun: $kind"
			case $kind in
			*0600) $kind /dev/net/tun c 10 200 ;;
			*0666) $kind /dev/net/tun c 10 254 ;;
			*) $kind /dev/net/tun ;;
			esac
			agree_all
			broken
			rm -r /dev/net/tun
		done
		state "nodev"
		mknod -m 0666 /dev/net/tun c 10 200
		mount -o remount,nodev /dev/net
		agree_all
		broken
	END
}

@test "published ports: privileged, taken, doubled" {
	lab unshare --net <<-'END'
		ip link set lo up
		all_ports() {
			agree --net=slirp4netns --port-driver=builtin "$@" true
			agree --net=none --port-driver=builtin "$@" true
			agree --net=slirp4netns --port-driver=slirp4netns "$@" true
		}
		state "free"
		all_ports -p 127.0.0.1:8080:80/tcp -p 127.0.0.1:8080:80/udp
		sound
		state "privileged"
		all_ports -p 127.0.0.1:80:80/tcp
		broken
		all_ports -p 80:80/udp
		state "privileged, with a file capability of ours"
		built=$FAUXROOT
		cp "$FAUXROOT" "$T/withcap"
		setcap cap_net_bind_service=ep "$T/withcap"
		FAUXROOT=$T/withcap
		all_ports -p 127.0.0.1:443:80/tcp -p 127.0.0.1:80:80/udp
		broken
		FAUXROOT=$built
		socat TCP-LISTEN:8080,bind=127.0.0.1,fork EXEC:true &
		tcp=$!
		socat UDP-LISTEN:8080,fork EXEC:true &
		udp=$!
		until [ "$(ss -Hltun 'sport = :8080' | wc -l)" -eq 2 ]; do sleep 0.02; done
		state "taken"
		for spec in 127.0.0.1:8080:80/tcp 8080:80/tcp 127.0.0.1:8080:80/udp; do
			all_ports -p "$spec"
			broken
		done
		kill "$tcp" "$udp"
		state "doubled"
		all_ports -p 127.0.0.1:8081:80/tcp -p 127.0.0.1:8081:81/tcp
		broken
		state "an address of somebody else"
		all_ports -p 192.0.2.1:8080:80/tcp
		broken
		UNEXPLAINED=1
		state "IPv6 with slirp4netns"
		for spec in '[::1]:8080:80/tcp' 8080:80/tcp6 8080:127.0.0.1:80/tcp; do
			all_ports -p "$spec"
			broken
		done
	END
}

@test "the target" {
	lab <<-'END'
		targets() {
			agree "$@"
			agree --net=slirp4netns --copy-up=/etc --disable-host-loopback "$@"
		}
		state "absent"
		targets /nosuch/program
		broken
		state "not in PATH"
		targets nosuchprogram
		broken
		state "no interpreter"
		printf '#!/nosuch/sh\nexit 0\n' >"$T/script"
		chmod 0755 "$T/script"
		targets "$T/script"
		broken
		state "mode"
		printf 'exit 0\n' >"$T/plain"
		targets "$T/plain"
		broken
		state "format"
		chmod 0755 "$T/plain"
		targets "$T/plain"
		broken
		state "directory"
		targets "$T"
		broken
		mkdir "$T/noexec"
		mount -t tmpfs -o noexec tmpfs "$T/noexec"
		cp "$(type -P true)" "$T/noexec/program"
		state "noexec"
		targets "$T/noexec/program"
		broken
		mount -o remount,exec "$T/noexec"
		state "closed"
		chmod 0700 "$T/noexec/program"
		targets "$T/noexec/program"
		broken
		state "closed directory"
		chmod 0755 "$T/noexec/program"
		chmod 0700 "$T/noexec"
		targets "$T/noexec/program"
		broken
	END
}

@test "the cgroup" {
	lab <<-'END'
		evacuate() {
			agree --pidns --cgroupns --evacuate-cgroup2=evac "$@" true
		}
		mkdir "$T/cgroups"
		mount -t cgroup2 none "$T/cgroups" 2>/dev/null || exit 0
		umount $(findmnt -rno TARGET -t cgroup2 | tac)
		state "no cgroup v2"
		evacuate
		broken
		mount -t cgroup2 none "$T/cgroups"
		group=$T/cgroups/matrix.$$
		mkdir "$group"
		trap 'find "$group" -depth -type d -exec rmdir {} +' EXIT
		state "not delegated"
		AS_ROOT=(sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group")
		evacuate
		evacuate --net=slirp4netns
		broken
		state "delegated"
		AS_ROOT=(sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group")
		chown "$USER_UID" "$group" "$group"/cgroup.procs "$group"/cgroup.subtree_control
		evacuate
		evacuate --net=slirp4netns
		sound
	END
}

@test "within fauxroot" {
	lab <<-'END'
		state "nested"
		AS=("$FAUXROOT" --net=none --copy-up=/etc)
		agree true
		broken
		LAUNCHED=""
		agree --idmap=single --net=none --copy-up=/etc true
		agree --idmap=single --pidns --utsns --ipcns true
		sound
	END
}

@test "as root of a container" {
	lab <<-'END'
		file_over /etc/subuid 'root:100000:65536\n'
		file_over /etc/subgid 'root:100000:65536\n'
		chown 0:0 "$T" "$T"/run "$T"/tmp
		AS_UID=0 AS_GID=0
		state "root"
		agree_all
		sound
		state "without CAP_SETFCAP"
		BECOME=(--bounding-set=-setfcap)
		agree_all
		broken
	END
}
