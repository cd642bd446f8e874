#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# Causes of failed launches (see explain.bats): devices and helpers of networks, published ports.
#
# seconds: 12

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab

setup() {
	root_setup
}

# /dev/net/tun.

@test "/dev/net/tun missing, closed, something else, on nodev, without its driver" {
	lab <<-'END'
		mount -t tmpfs tmpfs /dev/net
		fails tun-missing --net=slirp4netns true
		says "$ERROR" 'opening /dev/net/tun: No such file or directory'
		says "$REMEDY" 'modprobe tun|--device /dev/net/tun'
		case $REMEDY in *--net=host*) works --net=host true ;; esac
		modprobe() {
			equals tun "$*"
			mknod -m 0600 /dev/net/tun c 10 200
		}
		modprobe tun
		fails tun-closed --net=slirp4netns true
		says "$CAUSE" 'the mode of /dev/net/tun is 0600'
		repair '.*'
		works --net=slirp4netns true
		rm /dev/net/tun
		# A minor number of the misc devices without a driver.
		mknod -m 0666 /dev/net/tun c 10 254
		fails tun-driver-missing --net=slirp4netns true
		rm /dev/net/tun
		mount -t tmpfs tmpfs /etc/modules-load.d
		repair '.*'
		chmod 0666 /dev/net/tun
		works --net=slirp4netns true
		equals tun "$(cat /etc/modules-load.d/tun.conf)"
		for kind in mkdir touch; do
			rm -r /dev/net/tun
			"$kind" /dev/net/tun
			chmod 0777 /dev/net/tun
			fails tun-is-something-else --net=slirp4netns true
			repair 'sudo rm [^;]*'
			works --net=slirp4netns true
		done
		mount -o remount,nodev /dev/net
		fails tun-nodev --net=slirp4netns true
		equals "/dev/net/tun is on /dev/net, which is mounted nodev" "$CAUSE"
		repair '^sudo mount [^;]*'
		works --net=slirp4netns true
	END
}

# pasta. The launch and --check, which tries pasta on a throw-away holder, find the same.

both() { # fails ID OPTIONS…
	"$@" true
	lab_start --check "${@:3}" true
	equals 1 "$STATUS"
	says "$(<"$T/out")" "^obstacle +network "
	grep -qF -- "$CAUSE" "$T/out"
}

@test "pasta too old for options, without a default route, confined, and with IPv6" {
	LAB_FUNCTIONS=(both)
	lab <<-'END'
		both fails pasta-ipv6-loopback --net=pasta --ipv6 --disable-host-loopback
		works "$(option '--net=slirp4netns')" --ipv6 --disable-host-loopback true
		# A real pasta that may not enter namespaces.
		printf '#!/bin/sh\nexec "%s" --errno EPERM setns -- pasta "$@"\n' "$FAUXROOT_TEST_TOOLS/refuse" >"$T/confined"
		chmod 755 "$T/confined"
		both fails pasta-confined --net=pasta --pasta-binary="$T/confined"
		works "$(option '--net=slirp4netns')" true
		works --net=auto --slirp4netns-binary=nosuch true
		# That of Debian 13 and later has everything.
		! pasta --map-host-loopback none --version >/dev/null 2>&1 || exit 0
		both fails pasta-old-loopback --net=pasta --disable-host-loopback
		works "$(option '--net=slirp4netns')" --disable-host-loopback true
		both fails pasta-old-implicit --net=pasta --port-driver=implicit
		works --net=pasta "$(option '--port-driver=builtin')" true
		AS_ROOT=(unshare --net --)
		both fails pasta-no-route --net=pasta
		works "$(option '--net=slirp4netns')" true
		newer=$FAUXROOT_TEST_TOOLS/passt/trixie/pasta
		[ ! -x "$newer" ] || works --net=pasta "$(option '--pasta-binary=')$newer" true
	END
}

# slirp4netns.

@test "slirp4netns missing, old, not executable, another program, without the requested protection" {
	lab <<-'END'
		file_over /etc/os-release 'ID=debian\n'
		mkdir "$T/bin"
		ln -s "$(type -P newuidmap)" "$(type -P newgidmap)" "$(type -P true)" "$T/bin/"
		apt-get() {
			equals 'install slirp4netns' "$*"
			ln -s "$T/slirp4netns" "$T/bin/"
		}
		AS=(env PATH="$T/bin")
		fails program-not-in-path --net=slirp4netns true
		as_user sh -c "PATH=$T/bin; $REMEDY"'; exec "$FAUXROOT" --net=slirp4netns true'
		cp "$(type -P slirp4netns)" "$T/"
		mount --bind /dev/null /usr/bin/slirp4netns
		fails helper-missing --net=slirp4netns true
		says "$ERROR" 'executing "slirp4netns": No such file or directory'
		[ ! -e /usr/bin/pasta ] || mount --bind /dev/null /usr/bin/pasta
		fails network-helpers-missing --net=auto true
		equals "neither slirp4netns nor pasta is installed, or PATH does not lead to them" "$CAUSE"
		repair '.* slirp4netns'
		works --net=slirp4netns true
		fails pasta-missing --net=pasta true
		works "$(option '--net=auto')" true
		AS=()
		umount /usr/bin/slirp4netns
		newer=--slirp4netns-binary=$(type -P slirp4netns)
		printf '#!/bin/sh\necho slirp4netns version 0.3.2\n' >"$T/old"
		chmod 0755 "$T/old"
		fails helper-old --net=slirp4netns --slirp4netns-binary="$T/old" true
		says "$ERROR" 'is version 0.3.2: 0.4.0 or newer is needed'
		option '--slirp4netns-binary=FILE'
		works --net=slirp4netns "$newer" true
		fails helper-not-executable --net=slirp4netns --slirp4netns-binary=/etc/passwd true
		option '--slirp4netns-binary=FILE'
		fails helper-impostor --net=slirp4netns --slirp4netns-binary="$(type -P echo)" true
		option '--slirp4netns-binary=FILE'
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EPERM pivot_root --)
		fails helper-shields --net=slirp4netns --slirp4netns-sandbox=true true
		says "$ERROR" 'slirp4netns died before it was ready'
		works --net=slirp4netns "$(option '--slirp4netns-sandbox=auto')" true
	END
}

# The loader's messages are those of glibc. Programs with privileges, as newuidmap, ignore the variables.
@test "libraries of another system in LD_LIBRARY_PATH: without it, or only for the command" {
	lab <<-'END'
		mkdir "$T/alien"
		# bats may be linked with sanitizers, which preload nothing; env(1) needs only libc.
		for library in libslirp.so.0 libglib-2.0.so.0 libsubid.so.4; do
			echo none >"$T/alien/$library"
		done
		AS=(env LD_LIBRARY_PATH="$T/alien")
		fails loader-variable --net=slirp4netns true
		says "$ERROR" 'error: slirp4netns cannot be loaded: .*: file too short'
		says "$CAUSE" "^LD_LIBRARY_PATH is $T/alien, and slirp4netns does not run"
		fails loader-variable --subid-source=dynamic true
		says "$ERROR" 'error: .*getsubids cannot be loaded: '
		works --idmap=single --net=none true
		option '^env -u LD_LIBRARY_PATH fauxroot …$'
		only=$(option "env LD_LIBRARY_PATH=.* # only" | sed 's/ … # only//')
		AS=(env LD_LIBRARY_PATH="$T/alien" env -u LD_LIBRARY_PATH)
		works --net=slirp4netns $only sh -c 'echo "$LD_LIBRARY_PATH"'
		equals "$T/alien" "$(<"$T/out")"
	END
}

@test "a network helper whose library is missing: ldd names it" {
	lab <<-'END'
		library=$(ldd "$(type -P slirp4netns)" | awk '/libslirp/ { print $3 }')
		mount --bind /dev/null "$(realpath "$library")"
		fails loader-libraries --net=slirp4netns true
		says "$ERROR" 'error: slirp4netns cannot be loaded: .*libslirp'
		says "$(eval "$(option '^ldd .*[)]')" 2>&1)" libslirp
		umount "$(realpath "$library")"
		works --net=slirp4netns true
	END
}

# Published ports, in a network namespace in which all are free.

@test "a privileged port: the sysctl, the file capability, or a larger port" {
	lab unshare --net <<-'END'
		ip link set lo up
		etc_is_ours
		for dir in /usr/lib/sysctl.d /usr/local/lib/sysctl.d /lib/sysctl.d /run/sysctl.d; do
			[ ! -d "$dir" ] || mount -t tmpfs tmpfs "$dir"
		done
		rm -rf /etc/sysctl.conf /etc/sysctl.d/*
		built=$FAUXROOT
		cp "$FAUXROOT" "$T/withcap"
		sysctl -q -w net.ipv4.ip_unprivileged_port_start=1024
		publish() {
			local port=$1
			shift
			echo "--net=none --port-driver=builtin -p 127.0.0.1:$port:80/tcp $* true"
		}
		fails port-privileged $(publish 80)
		says "$ERROR" 'listening on 127.0.0.1:80/tcp: Permission denied'
		says "$CAUSE" '^/proc/sys/net/ipv4/ip_unprivileged_port_start is 1024'
		works $(publish "$(option 'port from [0-9]+' | tr -dc 0-9)")
		FAUXROOT=$T/withcap
		fails port-privileged $(publish 80)
		repair 'sudo setcap [^;]*'
		works $(publish 80)
		FAUXROOT=$built
		# Two of them: the remedy for the first must also be enough for the second.
		fails port-privileged $(publish 443 -p 127.0.0.1:80:80/tcp)
		repair 'sudo sysctl [^;]*'
		works $(publish 443 -p 127.0.0.1:80:80/tcp)
		sysctl -q -w net.ipv4.ip_unprivileged_port_start=1024
		FAUXROOT=$T/withcap
		slirp="--net=slirp4netns --port-driver=slirp4netns -p 127.0.0.1:80:80/tcp true"
		fails port-privileged-slirp4netns $slirp
		works ${slirp/80:80/$(option 'port from [0-9]+' | tr -dc 0-9):80}
		works $(option '--port-driver=builtin') --net=slirp4netns -p 127.0.0.1:80:80/tcp true
		repair 'sudo sysctl [^;]*'
		works $slirp
	END
}

@test "a port that is taken, by us or by another process, twice, or of an unassigned address" {
	lab unshare --net <<-'END'
		ip link set lo up
		as_user socat TCP-LISTEN:8080,bind=127.0.0.1,fork EXEC:true &
		socat TCP-LISTEN:8081,bind=127.0.0.1,fork EXEC:true &
		until [ "$(ss -Hltn 'sport = :8080 or sport = :8081' | wc -l)" -eq 2 ]; do sleep 0.02; done
		fails port-in-use --net=none --port-driver=builtin -p 127.0.0.1:8080:80/tcp true
		says "$ERROR" 'Address already in use'
		repair 'kill [0-9]+'
		wait %1 || true
		works --net=none --port-driver=builtin -p 127.0.0.1:8080:80/tcp true
		fails port-in-use-by-somebody --net=none --port-driver=builtin -p 127.0.0.1:8081:80/tcp true
		says "$CAUSE" '^uid 0 already uses'
		says "$(eval "$(option 'ss -[^ ]*')")" '127.0.0.1:8081'
		kill %2
		wait %2 || true
		works --net=none --port-driver=builtin -p 127.0.0.1:8081:80/tcp true
		fails port-doubled --net=none --port-driver=builtin -p 127.0.0.1:8080:80/tcp -p 127.0.0.1:8080:81/tcp true
		works --net=none --port-driver=builtin -p 127.0.0.1:8080:80/tcp -p 127.0.0.1:8081:81/tcp true
		fails port-address --net=none --port-driver=builtin -p 192.0.2.1:8080:80/tcp true
		equals "no interface of this network has the address 192.0.2.1" "$CAUSE"
		repair 'ip -brief address'
		works --net=none --port-driver=builtin -p 8080:80/tcp true
	END
}

@test "IPv6 is off: the sysctl; a seccomp filter refuses it: without, or IPv4" {
	lab unshare --net <<-'END'
		ip link set lo up
		publish="--net=none --port-driver=builtin -p [::1]:8080:80/tcp true"
		for interface in all lo; do
			sysctl -q -w "net.ipv6.conf.$interface.disable_ipv6=1"
			fails ipv6-disabled $publish
			says "$ERROR" 'listening on \[::1\]:8080/tcp: Cannot assign requested address'
			equals "/proc/sys/net/ipv6/conf/$interface/disable_ipv6 is 1: IPv6 is off" "$CAUSE"
			works ${publish/\[::1\]/127.0.0.1}
			repair 'sudo sysctl [^;]*'
			works $publish
		done
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EAFNOSUPPORT socket:10 --)
		fails ipv6-filtered --net=none --port-driver=builtin -p 8080:80/tcp6 true
		says "$ERROR" 'listening on .*: Address family not supported by protocol'
		says "$REMEDY" '^in a systemd unit, add AF_INET6 to RestrictAddressFamilies$'
		works ${publish/\[::1\]/127.0.0.1}
	END
}
