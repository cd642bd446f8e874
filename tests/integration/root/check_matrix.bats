#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2153 # what labs use and set
# --check agrees with the launch (tests/lib/bash/matrix.bash): files, devices, ports, the target.
#
# seconds: 30

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab
load ../../lib/bash/matrix

setup() {
	matrix_setup
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
		agree --copy-up="$T:copy" --copy-up="$T/closed/new" true
		broken
		state "closed"
		agree --copy-up=/etc --copy-up="$T/closed" true
		agree --copy-up=/etc --copy-up="$T/closed:copy" true
		broken
		state "too large"
		mkdir "$T/large"
		truncate -s 65M "$T/large/file"
		agree --copy-up="$T/large:copy" true
		broken
		state "an unknown mode"
		agree --copy-up="$T/large:cpy" true
		broken
		state "missing, in a copy"
		agree --copy-up="$T/large" --copy-up="$T/large/new" --copy-up=/etc:copy true
		sound
		UNEXPLAINED=1
		state "no directory"
		agree --copy-up="$T/file" true
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
		mount -t tmpfs -o "size=64k,uid=$USER_UID,mode=0700" tmpfs "$T/small"
		DIR=$T/small/d
		state "full"
		head -c 65536 /dev/zero >"$T/small/full"
		agree_all
		broken
		state "read-only"
		mount -o remount,ro "$T/small"
		agree_all
		broken
		state "a relative path in a deleted directory"
		mkdir "$T/gone"
		cd "$T/gone"
		rmdir "$T/gone"
		agree --state-dir=name true
		broken
		cd "$T"
		for DIR in / /home /tmp; do
			state "precious: $DIR"
			agree_all
			broken
		done
		state "in use"
		DIR=$T/ours/d
		mkdir "$T/first"
		T=$T/first lab_start --state-dir="$DIR" sleep 200 &
		until [ -s "$DIR/child_pid" ]; do sleep 0.02; done
		agree_all
		broken
		kill "$(cat "$DIR/child_pid")"
		wait
		state "created again"
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

@test "the root directory is covered" {
	lab <<-'END'
		mount --bind / /
		state "covered"
		agree true
		agree --net=slirp4netns --pidns --copy-up=/etc true
		broken
		umount /
		state "uncovered"
		agree true
		sound
	END
}

@test "the root directory is read-only" {
	lab <<-'END'
		mount --bind "$T" "$T"
		mount -t tmpfs tmpfs /run/user
		mkdir -m 0700 "/run/user/$USER_UID"
		chown "$USER_UID" "/run/user/$USER_UID"
		mount -o remount,ro /run/user
		mount -o remount,bind,ro /
		# Some machines have a tmpfs there.
		! mountpoint -q /tmp || mount -o remount,bind,ro /tmp
		state "read-only"
		for XDG in "" "/run/user/$USER_UID"; do
			AS=(env TMPDIR=/tmp XDG_RUNTIME_DIR="$XDG")
			agree true
			agree --net=slirp4netns --copy-up=/etc true
		done
		broken
		state "read-only, with a state directory"
		AS=(env TMPDIR=/tmp XDG_RUNTIME_DIR="/run/user/$USER_UID")
		DIR=$T/dir
		agree_all
		grep -q . <(tr -dc 0 <<<"$LAUNCHED")
	END
}

# Blocks and inodes, from nothing to what a launch needs.
@test "a full runtime directory" {
	lab <<-'END'
		mkdir "$T/small"
		AS=(env XDG_RUNTIME_DIR="$T/small")
		failed=""
		# A tmpfs is filled by pages, which are larger than 4 KiB on some machines.
		kib=$(($(getconf PAGE_SIZE) / 1024))
		for room in size=$((kib))k size=$((2 * kib))k size=$((3 * kib))k size=$((4 * kib))k nr_inodes=1 nr_inodes=2 nr_inodes=3 nr_inodes=5 nr_inodes=7; do
			mount -t tmpfs -o "$room,uid=$USER_UID,mode=0700" tmpfs "$T/small"
			STATE="a runtime directory with $room"
			LAUNCHED=""
			agree true
			agree --state-dir="$T/small/d" true
			agree --net=slirp4netns --state-dir="$T/small/d" true
			[ -z "$(tr -d 0 <<<"$LAUNCHED")" ] || failed+=x
			umount "$T/small"
		done
		[ -n "$failed" ]
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
		# slirp4netns itself reports why it fails.
		state "slirp4netns dies"
		UNEXPLAINED=1
		agree_all --slirp4netns-binary="$T/dying"
		broken
		UNEXPLAINED=""
		state "libraries of another system"
		mkdir "$T/alien"
		echo none >"$T/alien/libslirp.so.0"
		echo none >"$T/alien/libsubid.so.4"
		AS=(env LD_LIBRARY_PATH="$T/alien")
		agree_all
		agree --net=slirp4netns --subid-source=dynamic true
		broken
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
		# This obstacle does not hide the others: slirp4netns is too old, the kernel has no driver.
		lab_start --check --json --net=slirp4netns --slirp4netns-binary="$T/old" true
		grep -qE '"id": "tun-missing' "$T/out"
		grep -qF '"id": "helper-old"' "$T/out"
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

@test "published ports: privileged, taken, duplicate" {
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
		UNEXPLAINED=""
		state "IPv6 is off"
		sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
		agree --net=slirp4netns --port-driver=builtin -p '[::1]:8080:80/tcp' true
		agree --net=none --port-driver=builtin -p '[::1]:8080:80/udp' true
		broken
		state "IPv6 is off, at wildcards"
		agree --net=slirp4netns --port-driver=builtin -p '[::]:8080:80/tcp6' -p 8081:80/tcp true
		sound
		sysctl -q -w net.ipv6.conf.all.disable_ipv6=0
		state "no IPv6 sockets"
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EAFNOSUPPORT socket:10 --)
		agree --net=none --port-driver=builtin -p '[::]:8080:80/tcp6' true
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
