#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# The middle user namespace: the processes in it, the owners, and the effect on a launch when its middle
# process is signalled, stopped or killed.
#
# seconds: 21

load ../lib/bash/common

# userns PID - print its user namespace
userns() { readlink "/proc/$1/ns/user"; }

# mapper NAME SCRIPT - put a newuidmap or newgidmap first in PATH that runs SCRIPT with the middle process's
# PID in $1, before or after "really", which is the real program
mapper() {
	mkdir -p bin
	cat >"bin/$1" <<-END
		#!/bin/sh
		pid=\$1 args=\$*
		really() { "$(type -P "$1")" \$args; }
		$2
	END
	chmod +x "bin/$1"
}

@test "helpers and agent are in one user namespace, the command in another below it" {
	launch --net=slirp4netns --port-driver=builtin --disable-host-loopback sleep 1000
	local agent slirp middle
	agent=$(child_of "$LAUNCHER" 'fauxroot: agent')
	slirp=$(child_of "$LAUNCHER" slirp4netns)
	middle=$(userns "$agent")
	equals "$middle" "$(userns "$slirp")"
	[ "$middle" != "$(userns "$TARGET")" ]
	[ "$middle" != "$(userns self)" ]
	equals "$middle" "$("$PROBE" userns-of "/proc/$TARGET/ns/user" parent)"
	equals "$(userns "$TARGET")" "$("$PROBE" userns-of "/proc/$TARGET/ns/net" owner)"
	equals "$(userns "$TARGET")" "$("$PROBE" userns-of "/proc/$TARGET/ns/mnt" owner)"
	# They share only the network with the command.
	equals "$(readlink "/proc/$TARGET/ns/net")" "$(readlink "/proc/$agent/ns/net")"
	local ns
	for ns in mnt pid uts ipc cgroup; do
		equals "$(readlink "/proc/self/ns/$ns")" "$(readlink "/proc/$agent/ns/$ns")"
	done
	# Launcher and forwarder are in the host's.
	equals "$(userns self)" "$(userns "$LAUNCHER")"
	equals "$(userns self)" "$(userns "$(child_of "$LAUNCHER" 'fauxroot: ports')")"
	# The middle process has exited.
	equals "" "$(child_of "$LAUNCHER" 'fauxroot: hold' || :)"
	stop
}

# slirp4netns is started on a process: the last argument but one of its command line.
@test "each process that slirp4netns is started on is in the middle namespace, with no open descriptor" {
	cat >wrapper <<-END
		#!/bin/sh
		eval "holder=\\\${\$((\$# - 1))}"
		for ns in user net mnt pid; do readlink /proc/\$holder/ns/\$ns; done >"$T/holder.new"
		ls /proc/\$holder/fd | wc -l >>"$T/holder.new"
		mv "$T/holder.new" "$T/holder"
		exec "$(type -P slirp4netns)" "\$@"
	END
	chmod +x wrapper
	launch --net=slirp4netns --port-driver=builtin --slirp4netns-binary="$PWD/wrapper" sleep 1000
	local agent expected
	agent=$(child_of "$LAUNCHER" 'fauxroot: agent')
	expected=$(userns "$agent"
		readlink "/proc/$TARGET/ns/net" /proc/self/ns/mnt /proc/self/ns/pid
		echo 3)
	# The first one is the middle process.
	equals "$expected" "$(cat holder)"
	rm holder
	kill -KILL "$(child_of "$LAUNCHER" slirp4netns)"
	wait_for test -e holder
	equals "$expected" "$(cat holder)"
	wait_for logged 'slirp4netns started again'
	stop
}

@test "nested: with subordinate ids in several extents, newuidmap as root, and a third level" {
	run -0 fx --copy-up=/etc sh -c '
		rm -f /etc/subuid /etc/subgid
		printf "root:1:1000\nroot:2000:500\n" >/etc/subuid
		echo root:1:60000 >/etc/subgid
		"$FAUXROOT" --net=slirp4netns sh -c "tr -s \" \" </proc/self/uid_map
			setpriv --reuid 1200 --regid 5 --clear-groups id -u
			exec \"$FAUXROOT\" --idmap=single --net=slirp4netns --pidns id -u"'
	equals " 0 0 1
 1 1 1000
 1001 1001 500
1200
0" "$(grep -v warning: <<<"$output")"
}

@test "the future command, and exec, are in the command's user namespace" {
	launch --pidns --net=none sleep 1000
	equals "$(userns "$TARGET")" "$(userns "$(child_of "$TARGET" sleep)")"
	equals "$(userns "$TARGET")" "$("$FAUXROOTCTL" --socket="$S/api.sock" exec readlink /proc/self/ns/user 3>&- 4>&-)"
	stop
}

@test "a detached network belongs to the command's user namespace" {
	launch --net=slirp4netns --detach-netns sleep 1000
	equals "$(userns "$TARGET")" "$("$PROBE" userns-of "/proc/$TARGET/root$S/netns" owner)"
	stop
}

@test "the command's user namespace belongs to a subordinate id; with --idmap=single to the caller" {
	local first
	read -r first _ < <(subuids "$(id -un)")
	launch sleep 1000
	equals "$first" "$("$PROBE" userns-of "/proc/$TARGET/ns/user" uid)"
	stop
	launch --idmap=single sleep 1000
	equals "$(id -u)" "$("$PROBE" userns-of "/proc/$TARGET/ns/user" uid)"
	stop
}

# From the middle namespace, with the caller's id and no capability, like a helper that dropped them.
@test "a process in the middle namespace without capabilities has no power over the command's" {
	launch --net=slirp4netns --port-driver=builtin sleep 1000
	local middle
	middle=/proc/$(child_of "$LAUNCHER" 'fauxroot: agent')/ns/user
	in_middle() { nsenter --preserve-credentials --user="$middle" "$@" 3>&- 4>&-; }
	without() { in_middle setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"; }
	equals 0000000000000000 "$(without sh -c 'while read -r name value; do
		[ "$name" != CapEff: ] || echo "$value"; done </proc/self/status')"
	# In some releases of Linux 5.10 reading the link succeeds, but returns nothing useful.
	equals "" "$(without readlink "/proc/$TARGET/ns/user")"
	run without nsenter --user="/proc/$TARGET/ns/user" --preserve-credentials true
	[ "$status" -ne 0 ]
	run without head -c 1 "/proc/$TARGET/environ"
	[ "$status" -ne 0 ]
	# With capabilities it has power: helpers need it.
	equals "$(userns "$TARGET")" "$(in_middle readlink "/proc/$TARGET/ns/user")"
	in_middle nsenter --net="/proc/$TARGET/ns/net" ip link set lo down
	stop
}

@test "nsenter of the caller still enters the command's namespaces" {
	launch --net=slirp4netns sleep 1000
	equals 0 "$(nsenter -U --preserve-credentials -m -n -t "$TARGET" id -u 3>&- 4>&-)"
	stop
}

@test "signals of a terminal or a manager do not reach the middle process" {
	mapper newuidmap 'for s in INT QUIT TSTP HUP TERM USR1 TTOU PIPE; do kill -$s $pid; done; really'
	PATH=$PWD/bin:$PATH run -0 fx --net=slirp4netns echo reached
	equals reached "$output"
}

@test "the middle process killed before its maps, or after them: the error names it, nothing left" {
	mapper newuidmap 'kill -KILL $pid; really'
	PATH=$PWD/bin:$PATH run -125 fx --net=slirp4netns true
	says "$output" "newuidmap|making the command's user namespace: the other process has exited"
	mapper newuidmap 'really'
	mapper newgidmap 'really; kill -KILL $pid'
	PATH=$PWD/bin:$PATH run -125 fx --net=slirp4netns true
	says "$output" "making the command's user namespace: the other process has exited"
	rm bin/newgidmap
	mapper newuidmap 'exit 3'
	PATH=$PWD/bin:$PATH run -125 fx true
	says "$output" 'newuidmap'
}

@test "the middle process stopped: the launch ends by its deadline, or by a signal" {
	mapper newuidmap 'kill -STOP $pid; touch stopped; really'
	PATH=$PWD/bin:$PATH run -125 fx true
	says "$output" "making the command's user namespace: Connection timed out"
	rm stopped
	PATH=$PWD/bin:$PATH launch_only sleep 1000
	wait_for test -e stopped
	kill -TERM "$LAUNCHER"
	not wait "$LAUNCHER"
	logged 'interrupted before the command was started: signal: terminated'
}

@test "a program that the command puts in the state directory, named slirp4netns, is not executed" {
	printf '#!/bin/sh\ntouch "%s/evil.ran"\nexec sleep 1000\n' "$T" >evil
	chmod +x evil
	launch --net=slirp4netns --disable-host-loopback sh -c 'cd "$ROOTLESSKIT_STATE_DIR" && ln -s "$0/evil" slirp4netns &&
		ln -s "$0/evil" nft && touch "$0/placed" && exec sleep 1000' "$T"
	wait_for test -e "$T/placed"
	local old
	old=$(child_of "$LAUNCHER" slirp4netns)
	kill -KILL "$old"
	wait_for logged 'slirp4netns started again'
	absent "$T/evil.ran"
	stop
}

# With an early build of fauxroot, this started a slirp4netns that could be traced.
@test "a state directory that refuses our files leaves slirp4netns out of reach" {
	local prepare
	for prepare in 'mkdir -p slirp4netns/x' 'chmod 500 .'; do
		run -0 fx --net=slirp4netns --disable-host-loopback sh -c '
			cd "$ROOTLESSKIT_STATE_DIR" && eval "$1" &&
			for pid in $(cat /proc/$PPID/task/$PPID/children); do
				[ "$(cat /proc/$pid/comm)" != slirp4netns ] || kill -KILL $pid
			done
			"$2" 3 --spare-parent && chmod 700 .' sh "$prepare" "$FAUXROOT_TEST_TOOLS/attack"
		says "$output" '^slirp4netns: seen$'
		says "$output" ' 0 worked$'
	done
}
