#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The target's identity: ids, maps, capabilities, environment.

load ../lib/bash/common

@test "id in the child is root, in the groups that the maps have" {
	run -0 fx id -u
	equals 0 "$output"
	run -0 fx id -g
	equals 0 "$output"
	run -0 fx id -un
	equals root "$output"
}

# map FILE - print /proc/.../uid_map or gid_map with single blanks
map() { tr -s ' ' <"$1" | sed 's/^ //'; }

@test "uid_map and gid_map have the caller and then the subordinate ranges, without gaps" {
	launch sleep 1000
	equals "$(expected_map /etc/subuid "$(id -u)")" "$(map "/proc/$TARGET/uid_map")"
	equals "$(expected_map /etc/subgid "$(id -g)")" "$(map "/proc/$TARGET/gid_map")"
	stop
}

@test "uid_map and gid_map as the command reads them: every id maps to itself in the parent namespace" {
	run -0 fx sh -c 'tr -s " " </proc/self/uid_map | sed "s/^ //"; echo --
		tr -s " " </proc/self/gid_map | sed "s/^ //"'
	equals "$(expected_map /etc/subuid "$(id -u)" | awk '{print $1, $1, $3}'; echo --
		expected_map /etc/subgid "$(id -g)" | awk '{print $1, $1, $3}')" "$output"
}

@test "the maps are the same from the files and from getsubids" {
	run -0 fx --subid-source=static cat /proc/self/uid_map
	local static=$output
	run -0 fx --subid-source=dynamic cat /proc/self/uid_map
	equals "$static" "$output"
	run -0 fx --subid-source=auto cat /proc/self/uid_map
	equals "$static" "$output"
}

@test "GETSUBIDS names another binary, and its ranges are the map" {
	local first
	read -r first _ < <(subuids "$(id -un)")
	cat >fake-getsubids <<-END
		#!/bin/sh
		[ "\$1" = -g ] && shift
		echo "0: \$1 $first 1000"
		echo "1: \$1 $((first + 1000)) 500"
	END
	chmod +x fake-getsubids
	GETSUBIDS=$PWD/fake-getsubids launch --subid-source=dynamic sleep 1000
	run -0 map "/proc/$TARGET/uid_map"
	stop
	# The two ranges are adjacent, so the kernel shows one extent or two: the ids are the same.
	says "$output" "^0 $(id -u) 1\$"
	says "$output" "^1 $first 1500\$|^1001 $((first + 1000)) 500\$"
}

@test "the target has every capability in its namespace, none inheritable or ambient" {
	run -0 fx grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status
	local last
	last=$(<"/proc/sys/kernel/cap_last_cap")
	local full
	full=$(printf %016x $(((1 << (last + 1)) - 1)))
	equals "CapInh: 0000000000000000
CapPrm: $full
CapEff: $full
CapBnd: $full
CapAmb: 0000000000000000" "$(tr '\t' ' ' <<<"$output")"
}

@test "inheritable and ambient capabilities of the caller are cleared" {
	# Only a caller with capabilities can pass some on: fake root can.
	run -0 unshare --user --map-root-user \
		capsh --inh=cap_net_admin --addamb=cap_net_admin -- -c \
		'"$FAUXROOT" --idmap=single grep -E "^Cap(Inh|Amb)" /proc/self/status'
	equals "CapInh: 0000000000000000
CapAmb: 0000000000000000" "$(tr '\t' ' ' <<<"$output")"
}

@test "subordinate ids can be used: chown, setuid, setgroups" {
	run -0 fx sh -c '
		touch f && chown 1:65536 f && stat -c %u:%g f &&
		setpriv --reuid 1000 --regid 1000 --groups 2000,3000 id -G &&
		rm f'
	equals "1:65536
1000 2000 3000" "$output"
}

@test "--idmap=fit: outside of containers as subid; inside, root needs no subordinate ids" {
	run -0 fx cat /proc/self/uid_map /proc/self/gid_map
	local usual=$output count
	run -0 fx --idmap=fit cat /proc/self/uid_map /proc/self/gid_map
	equals "$usual" "$output"
	# Fake root has no line in /etc/subuid, and its namespace has all that are in this one.
	run -125 fx "$FAUXROOT" true
	says "$output" 'remedy: use --idmap=fit$'
	run -0 fx "$FAUXROOT" --check --idmap=fit true
	run -0 fx "$FAUXROOT" --idmap=fit cat /proc/self/uid_map /proc/self/gid_map
	equals "$usual" "$output"
	# And once more.
	run -0 fx "$FAUXROOT" --idmap=fit "$FAUXROOT" --idmap=fit sh -c 'touch f && chown 1:7 f && stat -c %u:%g f; rm f'
	equals 1:7 "$output"
}

@test "--idmap=single maps only the caller and denies setgroups" {
	run -0 fx --idmap=single sh -c 'tr -s " " </proc/self/uid_map; cat /proc/self/setgroups; id -u'
	equals " 0 0 1
deny
0" "$output"
	launch --idmap=single sleep 1000
	equals "0 $(id -u) 1" "$(map "/proc/$TARGET/uid_map")"
	equals "0 $(id -g) 1" "$(map "/proc/$TARGET/gid_map")"
	stop
}

@test "--idmap=single needs no newuidmap" {
	mkdir bin
	ln -s "$(command -v cat)" bin/cat
	PATH=$PWD/bin run -0 "$FAUXROOT" --idmap=single cat /proc/self/gid_map
	equals " 0 0 1" "$(tr -s ' ' <<<"$output")"
}

@test "the environment is the caller's, in its order, plus three variables" {
	local own=("PATH=$PATH" "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" "FAUXROOT_TEST_MARK=$FAUXROOT_TEST_MARK"
		EMPTY= $'ODD=two\nlines' "ASAN_OPTIONS=$ASAN_OPTIONS")
	env -i "${own[@]}" "$FAUXROOT" --state-dir="$S" cat /proc/self/environ >seen 3>&- 4>&-
	printf '%s\0' "${own[@]}" >wanted
	cmp wanted <(head -c "$(stat -c %s wanted)" seen)
	equals "ROOTLESSKIT_PARENT_EGID=$(id -g)
ROOTLESSKIT_PARENT_EUID=$(id -u)
ROOTLESSKIT_STATE_DIR=$S" "$(tail -c "+$(($(stat -c %s wanted) + 1))" seen | tr '\0' '\n' | sort)"
}

@test "variables of an outer instance are replaced, not doubled" {
	ROOTLESSKIT_STATE_DIR=/elsewhere ROOTLESSKIT_PARENT_EUID=42 run -0 \
		fx --state-dir="$S" sh -c 'tr "\0" "\n" </proc/$$/environ | grep ^ROOTLESSKIT_ | sort'
	equals "ROOTLESSKIT_PARENT_EGID=$(id -g)
ROOTLESSKIT_PARENT_EUID=$(id -u)
ROOTLESSKIT_STATE_DIR=$S" "$output"
}

@test "working directory, umask, nice value and limits are the caller's" {
	mkdir here
	cd here
	umask 0137
	ulimit -Sn 123
	run -0 nice -n 5 "$FAUXROOT" sh -c 'pwd; umask; ulimit -Sn; nice'
	equals "$PWD
0137
123
$(nice -n 5 nice)" "$output"
}

@test "a removed working directory is no failure" {
	mkdir lost
	cd lost
	rmdir ../lost
	run -0 fx sh -c 'echo ran'
	[[ $output == *ran* ]]
	cd "$T"
}

@test "child_pid is the PID of the target itself, and the launcher is its parent" {
	launch sh -c 'echo $$ $PPID; exec sleep 1000'
	wait_for test -s "$OUT"
	equals "$TARGET $LAUNCHER" "$(<"$OUT")"
	becomes "$TARGET" sleep
	# Clients parse the file without trimming it.
	equals "${#TARGET}" "$(stat -c %s "$S/child_pid")"
	stop
}

@test "/proc/CHILD_PID/environ has the three variables once the command is executed" {
	launch sleep 1000
	becomes "$TARGET" sleep
	run -0 sh -c 'tr "\0" "\n" <"/proc/$1/environ" | grep -c ^ROOTLESSKIT_' sh "$TARGET"
	equals 3 "$output"
	stop
}

@test "user and mount namespace are new; network, PID, UTS, IPC and cgroup are the caller's" {
	run -0 fx sh -c 'for ns in user mnt net pid uts ipc cgroup; do readlink /proc/self/ns/$ns; done'
	local ns nth=0
	for ns in user mnt net pid uts ipc cgroup; do
		if [ $nth -lt 2 ]; then
			[ "${lines[nth]}" != "$(readlink /proc/self/ns/$ns)" ]
		else
			equals "$(readlink /proc/self/ns/$ns)" "${lines[nth]}"
		fi
		nth=$((nth + 1))
	done
}
