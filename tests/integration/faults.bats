#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Machines on which a launch cannot work: one clear line, 125, nothing left.
#
# seconds: 25

load ../lib/bash/common

# An error of a launch: the first line is ours and names the cause; further lines may explain it.
fails() { # PATTERN COMMAND…
	local pattern=$1
	shift
	run -125 --separate-stderr "$@" 3>&- 4>&-
	equals "" "$output"
	says "$stderr" "$pattern"
	[[ ${stderr_lines[0]} == "[fauxroot:"* ]]
}

fake() { # NAME SHELL
	mkdir -p bin
	printf '#!/bin/bash\n%s\n' "$2" >"bin/$1"
	chmod +x "bin/$1"
	PATH=$PWD/bin:$PATH
}

@test "a missing newuidmap is named, with its package" {
	mkdir bin
	ln -s "$(command -v true)" "$(command -v newgidmap)" bin/
	fails 'newuidmap' env PATH="$PWD/bin" "$FAUXROOT" true
	says "$stderr" 'uidmap'
}

@test "a missing newgidmap is named" {
	mkdir bin
	ln -s "$(command -v true)" "$(command -v newuidmap)" bin/
	fails 'newgidmap' env PATH="$PWD/bin" "$FAUXROOT" true
}

@test "a newuidmap that hangs is killed after a deadline" {
	fake newuidmap 'exec sleep 1000'
	fails 'newuidmap' timeout 200 "$FAUXROOT" true
}

@test "SIGTERM while newuidmap hangs ends the launch at once" {
	fake newuidmap ': >"$TMPDIR/called"; exec sleep 1000'
	launch_only touch started
	wait_for test -e "$TMPDIR/called"
	kill -TERM "$LAUNCHER"
	ended 143
	not logged newuidmap
	absent started
}

@test "a newuidmap that fails: its output is in the error" {
	fake newuidmap 'echo "newuidmap: the dog ate it" >&2; exit 1'
	fails 'newuidmap.*the dog ate it' "$FAUXROOT" true
}

@test "a newuidmap with endless output does not fill our memory" {
	fake newuidmap 'yes "newuidmap: word" | head -c 100000000 >&2; exit 1'
	fails 'newuidmap' timeout 200 "$FAUXROOT" true
	[ ${#stderr} -lt 10000 ]
}

@test "no_new_privs is named as the cause" {
	fails 'newuidmap|newgidmap' setpriv --no-new-privs "$FAUXROOT" true
	says "$stderr" 'no_new_privs'
}

@test "no_new_privs does not matter to --idmap=single" {
	run -0 setpriv --no-new-privs "$FAUXROOT" --idmap=single id -u
	equals 0 "$output"
}

@test "no ranges for the user: getsubids' output is in the error, and there is no silent fallback" {
	fake getsubids 'echo "Error fetching ranges" >&2; exit 1'
	fails 'no subordinate.*Error fetching ranges' env GETSUBIDS="$PWD/bin/getsubids" \
		"$FAUXROOT" --subid-source=dynamic touch started
	absent started
}

@test "invalid output of getsubids is refused" {
	local answer
	for answer in "0: me 100000 -5" "0: me 4294967296 10" "0: me 100000 0" "gibberish" \
		"0: me 4294967290 10" "0: me $(id -u) 1"; do
		fake getsubids "echo '$answer'"
		fails 'range|subordinate|getsubids|map' env GETSUBIDS="$PWD/bin/getsubids" \
			"$FAUXROOT" --subid-source=dynamic true
	done
}

@test "a getsubids that hangs is killed" {
	fake getsubids 'exec sleep 1000'
	fails 'getsubids' timeout 200 env GETSUBIDS="$PWD/bin/getsubids" "$FAUXROOT" --subid-source=dynamic true
}

# In an outer user namespace whose limits the test can set.
limited() { # LIMIT COMMAND…
	unshare --user --map-root-user sh -c 'echo 0 >"/proc/sys/user/$1" && shift && exec "$@"' sh "$@"
}

@test "user.max_user_namespaces=0 is named with its value and its remedy" {
	fails 'namespace' limited max_user_namespaces "$FAUXROOT" --idmap=single true
	says "$stderr" 'user\.max_user_namespaces'
	says "$stderr" 'sysctl'
}

@test "user.max_net_namespaces=0 is named" {
	fails 'namespace' limited max_net_namespaces "$FAUXROOT" --idmap=single --net=none true
	says "$stderr" 'max_net_namespaces'
	run -0 limited max_net_namespaces "$FAUXROOT" --idmap=single --net=host true
}

@test "user.max_mnt_namespaces=0 is named" {
	fails 'namespace' limited max_mnt_namespaces "$FAUXROOT" --idmap=single true
	says "$stderr" 'max_mnt_namespaces'
}

@test "34 nested user namespaces are too many, and the error names this" {
	cat >nest <<-'END'
		#!/bin/sh
		n=$1
		shift
		[ "$n" -eq 0 ] && exec "$@"
		exec unshare --user --map-root-user "$0" $((n - 1)) "$@"
	END
	chmod +x nest
	# The kernel creates no user namespace below level 33.
	run ! "$T/nest" 34 true
	local depth=33
	until "$T/nest" $depth true 2>/dev/null; do depth=$((depth - 1)); done
	fails 'namespace' "$T/nest" $depth "$FAUXROOT" --idmap=single true
}

@test "a chroot is named as the cause, or at least the step is named" {
	run -0 unshare --user --map-root-user --mount sh -c '
		mkdir root && mount --rbind / root && chroot root sh -c "cd \"$1\" && \"$FAUXROOT\" --idmap=single true"; echo "status=$?"' sh "$T"
	says "$output" '^status=(0|125)$'
	[[ $output != *status=125* || $output == *"[fauxroot:"* ]]
}

@test "/dev/net/tun missing, or not a TUN device, is named" {
	fails '/dev/net/tun' unshare --user --map-root-user --mount sh -c '
		mount -t tmpfs none /dev/net && exec "$FAUXROOT" --idmap=single --net=slirp4netns true'
	fails 'TUN|/dev/net/tun' unshare --user --map-root-user --mount sh -c '
		: >tun && chmod 0 tun && mount --bind tun /dev/net/tun &&
		exec "$FAUXROOT" --idmap=single --net=slirp4netns true'
}

@test "nested: as root of a container with capabilities the maps are written directly" {
	run -0 fx sh -c 'GETSUBIDS=$PWD/gs exec "$FAUXROOT" --idmap=single sh -c "id -u; tr -s \" \" </proc/self/uid_map"'
	equals "0
 0 0 1" "$output"
}

@test "a full fauxroot in fauxroot, ranges by getsubids, without newuidmap" {
	printf '#!/bin/sh\necho "0: root 1 1000"\n' >gs
	chmod +x gs
	run -0 --separate-stderr fx sh -c 'mkdir bin; ln -s "$(command -v cat)" bin/; PATH=$PWD/bin GETSUBIDS=$PWD/gs exec "$FAUXROOT" --subid-source=dynamic cat /proc/self/uid_map'
	equals " 0 0 1
 1 1 1000" "$(tr -s ' ' <<<"$output")"
}

@test "a slirp4netns network inside another" {
	run -0 fx --net=slirp4netns "$FAUXROOT" --idmap=single --net=slirp4netns ip -o -4 addr show tap0
	says "$output" '10\.0\.2\.100'
}

@test "as PID 1 of a bubblewrap container, whose no_new_privs only permits --idmap=single" {
	in_bwrap() {
		bwrap --dev-bind / / --unshare-user --uid 0 --gid 0 --cap-add ALL --unshare-pid --as-pid-1 \
			--proc /proc -- "$FAUXROOT" "$@" 3>&- 4>&-
	}
	run -0 in_bwrap --idmap=single --copy-up=/etc sh -c 'echo $PPID; stat -f -c %T /etc'
	equals "1
tmpfs" "$output"
	run -11 in_bwrap --idmap=single --net=none sh -c 'sleep 1000 >/dev/null 2>&1 & exit 11'
	fails 'newuidmap|newgidmap|range|map' in_bwrap true
}
