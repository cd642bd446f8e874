#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2153 # what labs use and set
# Warnings that only --check prints, because the launch works and the command fails later. Each test sees the
# warning, follows its remedy, and checks that the warning has disappeared.

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab

setup() {
	root_setup
	LAB_FUNCTIONS=(warns silent)
}

# warns ID CHECK OPTIONS… COMMAND… - expect a warning with that id, at that check, and a launch that works;
# set CAUSE and REMEDY to its texts
warns() {
	local id=$1 name=$2 block
	shift 2
	works "$@"
	lab_start --check=strict --json "$@"
	equals 2 "$STATUS"
	grep -qF "\"id\": \"$id\"" "$T/out" || {
		cat "$T/out" >&2
		return 1
	}
	lab_start --check "$@"
	equals 0 "$STATUS"
	block=$(sed -n "\\|^warning  *$name  |,\$p" "$T/out" | sed '2,${/^ /!Q}')
	CAUSE=$(sed -n 's/^ *cause:  //p' <<<"$block")
	REMEDY=$(sed -n 's/^ *remedy: //p' <<<"$block")
	[ -n "$CAUSE" ] && [ -n "$REMEDY" ]
}

# silent ID OPTIONS… COMMAND… - expect no finding with that id
silent() {
	local id=$1
	shift
	lab_start --check --json "$@"
	equals 0 "$STATUS"
	if grep -qF "\"id\": \"$id\"" "$T/out"; then
		echo "still: $id" >&2
		return 1
	fi
}

@test "pings: the sysctl" {
	lab unshare --net <<-'END'
		etc_is_ours
		for dir in /usr/lib/sysctl.d /usr/local/lib/sysctl.d /lib/sysctl.d /run/sysctl.d; do
			[ ! -d "$dir" ] || mount -t tmpfs tmpfs "$dir"
		done
		rm -rf /etc/sysctl.conf /etc/sysctl.d/*
		sysctl -q -w 'net.ipv4.ping_group_range=1 0'
		warns ping-range ping --net=slirp4netns true
		says "$CAUSE" '^/proc/sys/net/ipv4/ping_group_range is 1 0, '
		repair '.*'
		silent ping-range --net=slirp4netns true
	END
}

@test "name servers: a line in resolv.conf" {
	lab <<-'END'
		file_over "$(realpath /etc/resolv.conf)" '# empty\n'
		warns no-name-server resolv.conf --net=slirp4netns true
		says "$CAUSE" 'names no server'
		repair '^echo .*'
		silent no-name-server --net=slirp4netns true
	END
}

@test "a network of the host with the command's addresses: another --cidr" {
	lab unshare --net <<-'END'
		ip link set lo up
		silent network-overlap --net=slirp4netns true
		for place in 10.0.2.16/24 10.0.0.1/16 10.0.2.77/32; do
			ip address add "$place" dev lo scope link
			warns network-overlap addresses --net=slirp4netns true
			says "$CAUSE" 'the host has a route to 10\.0\..*, which overlaps 10.0.2.0/24'
			works --net=slirp4netns true
			says "$ERROR" "warning: ${CAUSE%%:*}"
			says "$ERROR" "warning: remedy: $REMEDY"
			cidr=$(option '--cidr=[^ ]*')
			silent network-overlap --net=slirp4netns "$cidr" true
			works --net=slirp4netns "$cidr" true
			if grep overlaps "$T/err"; then exit 1; fi
			silent network-overlap --net=none true
			ip address del "$place" dev lo
		done
		# A virtual machine's user-mode network has no neighbours that could be hidden.
		ip address add 10.0.2.15/24 dev lo scope link
		silent network-overlap --net=slirp4netns true
	END
}

@test "few descriptors for a forwarder: limits.conf, and a new session" {
	lab <<-'END'
		etc_is_ours
		AS=(bash -c 'ulimit -n 500; exec "$@"' sh)
		warns few-descriptors 'open files' --net=none --port-driver=builtin true
		silent few-descriptors --net=none true
		# The soft limit is no obstacle: the launcher raises it.
		AS=(bash -c 'ulimit -Sn 500; exec "$@"' sh)
		silent few-descriptors --net=none --port-driver=builtin true
		repair '^echo .*'
		ulimit -n 500
		in_session --check --json --net=none --port-driver=builtin true
		grep -qF '"check": "open files"' "$T/out"
		! grep -qF few-descriptors "$T/out"
	END
}

@test "fewer ids than images use: a larger range" {
	lab <<-'END'
		etc_is_ours
		printf '%s:100000:1000\n' "$(id -un "$USER_UID")" | tee /etc/subuid >/etc/subgid
		warns few-ids 'subordinate ids' true
		repair '^sudo usermod [^;]*'
		silent few-ids true
		AS_UID=54321 AS_GID=54321 AS_GROUPS=--clear-groups
		chown 54321 "$T/run"
		echo 54321:100000:1000 | tee /etc/subuid >/etc/subgid
		lab_start --check --json true
		grep -qF '"id": "few-ids-no-account"' "$T/out"
	END
}

@test "ids that another user has as well: a free range" {
	lab <<-'END'
		user=$(id -un "$USER_UID")
		file_over /etc/subuid "$user:100000:65536\nother:150000:65536\n"
		file_over /etc/subgid "$user:100000:65536\n"
		warns subids-shared 'shared ids' true
		says "$CAUSE" 'other'
		line=$(option "$user:[0-9]+:65536")
		printf '%s\nother:150000:65536\n' "$line" >/etc/subuid
		silent subids-shared true
	END
}

@test "the data directory of a daemon on nosuid,nodev: remounted" {
	lab <<-'END'
		mkdir "$T/data"
		mount -t tmpfs -o nosuid,nodev tmpfs "$T/data"
		chown "$USER_UID" "$T/data"
		export XDG_DATA_HOME=$T/data
		warns data-nosuid 'data directory' sh -c :
		says "$CAUSE" "is on $T/data, which is mounted nosuid,nodev"
		silent data-nosuid true
		repair 'sudo mount [^;]*'
		silent data-nosuid sh -c :
		# mountinfo has the blank as \040.
		mkdir "$T/USB DISK"
		mount -t tmpfs -o nosuid,nodev tmpfs "$T/USB DISK"
		chown "$USER_UID" "$T/USB DISK"
		export XDG_DATA_HOME="$T/USB DISK"
		warns data-nosuid 'data directory' sh -c :
		says "$CAUSE" "is on $T/USB DISK, which is mounted nosuid,nodev"
		repair 'sudo mount .*'
		silent data-nosuid sh -c :
	END
}

@test "slirp4netns without its sandbox: the option accepts it" {
	lab <<-'END'
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EPERM pivot_root --)
		warns network-degraded network --net=slirp4netns true
		silent network-degraded --net=slirp4netns "$(option '--slirp4netns-sandbox=false')" \
			"$(option '--slirp4netns-seccomp=false')" true
		AS_ROOT=()
		silent network-degraded --net=slirp4netns true
	END
}

@test "a kernel without nf_tables: remote clients' addresses are lost, or the option disables them" {
	lab <<-'END'
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EACCES socket:16::12 --)
		warns source-addresses 'port driver' --net=none --port-driver=builtin true
		says "$CAUSE" 'addresses of remote clients are not kept.*Permission denied'
		silent source-addresses --net=none --port-driver=builtin \
			"$(option '--source-ip-transparent=false')" true
		AS_ROOT=()
		silent source-addresses --net=none --port-driver=builtin true
	END
}

@test "ports that some clients cannot use: another driver, --ipv6, the sysctl" {
	lab unshare --net <<-'END'
		ip link set lo up
		slirp="--net=slirp4netns --disable-host-loopback --port-driver=slirp4netns"
		for spec in 127.0.0.1:8080:80/udp 8080:80/udp; do
			warns port-udp-loopback "port $spec" $slirp -p "$spec" true
			works $slirp -p "$spec" true
			says "$ERROR" 'warning: publishing .*: with --disable-host-loopback, clients at 127.0.0.1 get no'
			silent port-udp-loopback $slirp "$(option '--port-driver=builtin')" -p "$spec" true
			silent port-udp-loopback ${slirp/--disable-host-loopback/} -p "$spec" true
		done
		silent port-udp-loopback $slirp -p 8080:80/tcp true
		spec='127.0.0.1:8080:[fd00::100]:80/tcp'
		warns port-needs-ipv6 "port ${spec//[[\]]/.}" --net=slirp4netns --port-driver=builtin -p "$spec" true
		works --net=slirp4netns --port-driver=builtin -p "$spec" true
		says "$ERROR" 'warning: publishing .*: the command.s network has no IPv6'
		silent port-needs-ipv6 --net=slirp4netns "$(option '--ipv6')" --port-driver=builtin -p "$spec" true
		sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
		warns port-ipv6-off 'port 8080:80/tcp6' --net=none --port-driver=builtin -p 8080:80/tcp6 true
		silent port-ipv6-off --net=none --port-driver=builtin -p 8080:80/tcp true
		repair '^sudo sysctl .*'
		silent port-ipv6-off --net=none --port-driver=builtin -p 8080:80/tcp6 true
	END
}

@test "a kernel without nf_tables: the name service takes port 53; both options free it" {
	lab <<-'END'
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EACCES socket:16::12 --)
		warns port-53-taken names --net=slirp4netns true
		says "$CAUSE" 'takes port 53 .*Permission denied'
		silent port-53-taken --net=slirp4netns "$(option '--dns=none')" true
		silent port-53-taken --net=slirp4netns --dns=192.0.2.1 true
		AS_ROOT=()
		silent port-53-taken --net=slirp4netns true
	END
}

@test "a masked /sys with an own network: unmasked" {
	lab <<-'END'
		mount -t tmpfs tmpfs /sys/kernel
		warns sys-masked /sys --net=none true
		silent sys-masked true
		umount /sys/kernel
		silent sys-masked --net=none true
	END
}

@test "a masked /proc with a daemon: unmasked" {
	lab <<-'END'
		mount --bind /dev/null /proc/version
		warns containers-proc "containers' /proc" sh -c :
		says "$CAUSE" '\(/proc/version\)'
		silent containers-proc true
		umount /proc/version
		silent containers-proc sh -c :
	END
}

# A dockerd that prints its version, and exits.
@test "dockerd without a writable /run, and without its proxy: --copy-up, and the directory in PATH" {
	lab <<-'END'
		mkdir "$T/bin"
		printf '#!/bin/sh\necho "Docker version 20.10.24, build 1"\n' >"$T/bin/dockerd"
		chmod +x "$T/bin/dockerd"
		PATH=$T/bin:/usr/bin:/bin
		chmod 0755 /run
		warns run-not-writable /run dockerd
		option '^use --copy-up=/run$'
		silent run-not-writable --copy-up=/run dockerd
		warns docker-proxy-missing 'docker proxy' --copy-up=/run dockerd
		says "$CAUSE" 'this is version 20'
		option "^export PATH=${FAUXROOT%/*}/compat:\\\$PATH\$"
		repair '^export .*'
		silent docker-proxy-missing --copy-up=/run dockerd
		PATH=$T/bin:/usr/bin:/bin
		sed -i 's/20.10.24/28.0.0/' "$T/bin/dockerd"
		silent docker-proxy-missing --copy-up=/run dockerd
	END
}

@test "what root's dockerd has left in /run: a real copy" {
	lab <<-'END'
		mkdir "$T/bin"
		printf '#!/bin/sh\n' >"$T/bin/containerd"
		chmod +x "$T/bin/containerd"
		PATH=$T/bin:$PATH
		mount -t tmpfs -o mode=755 tmpfs /run
		silent run-has-files --copy-up=/run containerd
		mkdir -m 0711 /run/containerd
		warns run-has-files /run --copy-up=/run containerd
		says "$CAUSE" 'containerd writes to /run/containerd, '
		option '^use --copy-up=/run:copy$'
		silent run-has-files --copy-up=/run:copy containerd
		chmod 0755 /run/containerd
		silent run-has-files --copy-up=/run --copy-up=/run/containerd containerd
	END
}

@test "a daemon's program in a directory outside of PATH, and no XDG_RUNTIME_DIR" {
	lab <<-'END'
		mkdir "$T/bin"
		printf '#!/bin/sh\n' >"$T/bin/buildkitd"
		chmod +x "$T/bin/buildkitd"
		mount -t tmpfs -o mode=755 tmpfs /usr/local/sbin
		cp "$T/bin/buildkitd" /usr/local/sbin/runc
		ln -s "$(type -P newuidmap)" "$(type -P newgidmap)" "$T/bin/"
		AS=(/usr/bin/env PATH="$T/bin")
		warns daemon-path programs buildkitd
		says "$CAUSE" 'buildkitd starts runc, which is in '
		says "$REMEDY" '^export PATH=\$PATH:/'
		AS=(/usr/bin/env PATH="$T/bin:${REMEDY##*:}")
		silent daemon-path buildkitd
		AS=(/usr/bin/env -u XDG_RUNTIME_DIR PATH="$T/bin")
		warns daemon-runtime-dir 'runtime directory' --state-dir="$T/run/x" buildkitd
		silent daemon-runtime-dir --state-dir="$T/run/x" /usr/bin/true
	END
}

@test "a data directory where other ids own nothing, or that is read-only" {
	lab <<-'END'
		mkdir "$T/data" "$T/small" "$T/bin"
		printf '#!/bin/sh\n' >"$T/bin/buildkitd"
		chmod +x "$T/bin/buildkitd"
		PATH=$T/bin:$PATH
		chown "$USER_UID" "$T/data"
		AS=(env XDG_DATA_HOME="$T/data/below/it")
		silent data-owner buildkitd
		# As on a mount that maps one id, or on FUSE.
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EPERM fchown --)
		warns data-owner 'data directory' buildkitd
		says "$CAUSE" "^$T/data/below/it is on "
		silent data-owner true
		AS_ROOT=()
		mount -t tmpfs -o "ro,uid=$USER_UID" tmpfs "$T/small"
		AS=(env XDG_DATA_HOME="$T/small")
		warns data-not-writable 'data directory' buildkitd
		silent data-not-writable buildkitd --root "$T/data"
		silent data-not-writable buildkitd --root="$T/data"
		[ -z "$(ls -A "$T/data")" ]
	END
}

@test "a data directory on a mount that maps one id, and on FUSE" {
	lab <<-'END'
		mkdir "$T/home" "$T/mapped" "$T/fuse" "$T/bin" "$T/other"
		printf '#!/bin/sh\n' >"$T/bin/buildkitd"
		chmod +x "$T/bin/buildkitd"
		chown "$USER_UID:$USER_GID" "$T/home" "$T/other"
		PATH=$T/bin:$PATH
		AS=(env XDG_DATA_HOME="$T/mapped")
		"$FAUXROOT_TEST_TOOLS/idmapped" "$T/home" "$T/mapped" "$USER_UID"
		warns data-owner 'data directory' buildkitd
		says "$(<"$T/out")" 'to uid 1: Value too large for defined data type'
		# The command has the same problem.
		lab_start sh -c 'cd "$1" && touch file && ! chown 1 file && rm file' sh "$T/mapped"
		equals 0 "$STATUS"
		sudo() { [ "$1" != install ] || install -d -o "$USER_UID" "$T/other"; }
		repair '^sudo install [^&]*'
		silent data-owner buildkitd --root="$T/other"
		AS=(env XDG_DATA_HOME="$T/fuse")
		for options in "" ,nosuid,nodev; do
			fuse-overlayfs -o "allow_other,lowerdir=$T/bin,upperdir=$T/home,workdir=$T/other$options" "$T/fuse"
			warns data-file-system 'data directory' buildkitd
			says "$CAUSE" "^$T/fuse is on fuse.fuse-overlayfs \\($T/fuse\\)"
			umount "$T/fuse"
		done
	END
}

@test "an account that only the name service knows, and its subordinate ids" {
	ldconfig -p | grep -q libnss_systemd || skip "libnss_systemd is not installed"
	lab <<-'END'
		etc_is_ours
		mkdir /etc/userdb
		echo '{"userName":"ldapuser","uid":80001,"gid":80001,"homeDirectory":"/","shell":"/bin/sh"}' \
			>/etc/userdb/ldapuser.user
		ln -s ldapuser.user /etc/userdb/80001.user
		echo 'passwd: files systemd' >/etc/nsswitch.conf
		echo ldapuser:600000:65536 | tee /etc/subuid >/etc/subgid
		chown 80001:80001 "$T" "$T/run" "$T/tmp"
		AS_UID=80001 AS_GID=80001 AS_GROUPS=--clear-groups
		silent subids-shared true
		echo alice:600000:65536 >>/etc/subuid
		warns subids-shared 'shared ids' true
		says "$CAUSE" '"alice" of /etc/subuid has ids 600000 to 665535 as well'
		says "$REMEDY" '^set ldapuser:[0-9]+:65536 in /etc/subuid'
		file=/etc/subuid
		sed -i "s/^ldapuser:.*/$(option 'ldapuser:[0-9:]*')/" "$file"
		silent subids-shared true
		# An account whose own uid is in our range.
		start=$(sed -n 's/^ldapuser:\([0-9]*\):.*/\1/p' /etc/subuid)
		uid=$((start + 4711))
		echo "{\"userName\":\"far\",\"uid\":$uid,\"gid\":80001,\"homeDirectory\":\"/\",\"shell\":\"/bin/sh\"}" \
			>/etc/userdb/far.user
		ln -s far.user /etc/userdb/$uid.user
		warns subids-shared 'shared ids' true
		says "$CAUSE" "\"far\" of the name service has ids $uid to $uid as well"
		rm /etc/userdb/far.user /etc/userdb/$uid.user
		silent subids-shared true
	END
}

@test "no cgroup mount: one of cgroup v2" {
	lab <<-'END'
		umount -R /sys/fs/cgroup
		warns cgroup-mount-missing cgroup sh -c :
		says "$CAUSE" 'no cgroup mount found in mountinfo'
		repair '^sudo mount .*'
		silent cgroup-mount-missing sh -c :
	END
}

@test "the user's processes end with the last session: lingering" {
	lab <<-'END'
		mount -t tmpfs tmpfs /run
		mkdir -p /run/systemd/system
		mkdir -p /var/lib/systemd
		mount -t tmpfs tmpfs /var/lib/systemd
		loginctl() {
			equals "enable-linger $(id -un "$USER_UID")" "$*"
			mkdir /var/lib/systemd/linger
			touch "/var/lib/systemd/linger/$(id -un "$USER_UID")"
		}
		warns no-linger lingering sh -c :
		repair '.*'
		silent no-linger sh -c :
	END
}

# On fabricated machines: tests/unit/test_check_preflight.c.
FABRICATED="
	implicit-ports run-has-files-compat
	accel-without-effect kernel-lacks cgroup-v1 cgroup-not-delegated cgroup-controllers keyring-quota
	few-ids-no-account few-ids-no-range overlay-selinux overlay-missing
"

@test "every warning of the table is provoked here, or fabricated" {
	local id missing="" n=0
	while read -r id; do
		n=$((n + 1))
		if words "$FABRICATED" | grep -qxF "$id"; then
			grep -qF "\"$id\"" "$ROOT"/tests/unit/test_check_{preflight.c,look_ids.h,look_storage.h,docker.h} || missing+=" $id"
		else
			grep -qE "warns $id " "$BATS_TEST_FILENAME" || missing+=" $id"
		fi
	# Rows that match an error of a launch begin with FAILURE().
	done < <(awk -F'"' '/\.id = / { print $2 }' "$ROOT"/src/check/causes/*.c)
	[ $n -gt 0 ]
	equals "" "$missing"
}
