#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The two modes of copy-up, with files of the host's root: what the command can do in each. The table of
# fauxroot(1), "--copy-up-mode", has the same rows.
#
# refused: openat2 open_tree
# seconds: 25

load ../lib/bash/common

setup() {
	common_setup
	PATH=$PATH:/usr/sbin:/sbin
	# A file further below, and its directory.
	F=$(find /etc -mindepth 2 -maxdepth 2 -type f -readable ! -writable -size -64k | LC_ALL=C sort | head -n 1)
	D=${F%/*}
	[ -n "$F" ] && [ ! -w "$D" ]
	BEFORE=$(host_state)
}

# host_state - names and times of everything that the user can see in /etc
host_state() {
	find /etc -printf '%p %T@ %C@ %m\n' 2>/dev/null | LC_ALL=C sort | cksum
}

# allows RESULT OPTIONS… COMMAND - "yes": the shell command succeeds
allows() {
	local expected=$1 got=yes
	shift
	fx "${@:1:$#-1}" sh -ec "${!#}" >"$T/said" 2>&1 || got=no
	if [ "$got" != "$expected" ]; then
		printf '%s: %s, expected %s\n' "$*" "$got" "$expected"
		cat "$T/said"
		return 1
	fi
}

# row TMPFS+SYMLINK COPY COMMAND - the result of a shell command in each mode with a copy of /etc
row() {
	allows "$1" --copy-up=/etc "$3"
	allows "$2" --copy-up=/etc:copy "$3"
}

@test "changes of entries of the directory itself, in both modes" {
	row yes yes 'rm /etc/passwd; echo new >/etc/passwd; grep -qx new /etc/passwd'
	row yes yes 'mv /etc/passwd /etc/moved; test -s /etc/moved; ! test -e /etc/passwd'
	row yes yes 'mkdir /etc/fresh; echo x >/etc/fresh/file'
	row yes yes "mv $D /etc/moved; test -s /etc/moved/${F##*/}"
	row yes yes "rm -r $D; ! test -e $D"
	row yes yes 'sed -i 1s/root/ROOT/ /etc/passwd; grep -q ^ROOT: /etc/passwd'
	row yes yes 'touch /etc/fresh; test -f /etc/fresh'
	row no yes 'touch /etc/passwd'
	row no yes 'echo x:x:7:7::/: >>/etc/passwd; grep -q ^x: /etc/passwd'
	equals "$BEFORE" "$(host_state)"
}

@test "changes in subdirectories, in both modes" {
	row no yes "rm $F; echo new >$F; grep -qx new $F"
	row no yes "rm -r $D/*"
	row no yes "mv $F $D/moved; test -s $D/moved"
	row no yes "mkdir $D/fresh"
	row no yes "sed -i '1s/^/x/' $F; grep -q ^x $F"
	row no yes "touch $D/fresh"
	row no yes "echo x >>$F"
	equals "$BEFORE" "$(host_state)"
}

@test "stat -f shows a tmpfs for the directory, and for subdirectories of a real copy" {
	row yes yes 'test "$(stat -fc %T /etc)" = tmpfs'
	row no yes "test \$(stat -fc %T $D) = tmpfs"
}

@test "useradd and groupadd, in both modes" {
	row no yes 'groupadd -g 700 fxgroup; getent group fxgroup | grep -q :700:'
	row no yes 'groupadd -g 700 fxgroup; useradd -M -u 700 -g fxgroup -c Fx fxuser; test "$(id -nG fxuser)" = fxgroup;
		usermod -c Changed fxuser; getent passwd fxuser | grep -q Changed; userdel fxuser; ! getent passwd fxuser'
	equals "$BEFORE" "$(host_state)"
}

@test "ip netns add, in both modes" {
	local mode before
	before=$(ls -A /run)
	for mode in tmpfs+symlink copy; do
		# A /run/netns of the host: tests/integration/root/copyup.bats
		[ -e /run/netns ] || allows yes --net=none --copy-up="/run:$mode" 'ip netns add fx; ip netns list | grep -w fx'
		allows yes --net=none --copy-up="/run:$mode" --copy-up=/run/netns \
			'ip netns add fx; ip netns exec fx ip link show lo; ip netns del fx; touch /run/netns/x'
	done
	equals "$before" "$(ls -A /run)"
}

@test "a socket below /run/user/UID is seen from the host, in both modes" {
	local mode dir
	for mode in tmpfs+symlink copy; do
		dir=$(mktemp -d "/run/user/$(id -u)/fxtest.XXXXXX")
		# Not only if the variable names it.
		XDG_RUNTIME_DIR=${mode/copy/$XDG_RUNTIME_DIR} launch --copy-up="/run:$mode" "$PROBE" listen "$dir/socket"
		wait_for test -S "$dir/socket"
		run -0 socat -u "UNIX-CONNECT:$dir/socket" -
		equals hello "$output"
		ended 0
		rm -r "$dir"
	done
}

@test "resolv.conf, hosts, mtab and localtime, in both modes" {
	local mode options
	for mode in tmpfs+symlink copy; do
		for options in "" "--pidns --utsns --ipcns --cgroupns" --detach-netns --idmap=single; do
			# shellcheck disable=SC2086 # words
			run -0 --separate-stderr fx --net=slirp4netns --copy-up="/etc:$mode" --copy-up="/run:$mode" $options sh -ec '
				readlink /etc/mtab || echo none
				readlink /etc/localtime || echo none
				test -s /etc/hosts
				grep "^nameserver" /etc/resolv.conf'
			equals "$(readlink /etc/mtab || echo none)" "${lines[0]}"
			equals "$(readlink /etc/localtime || echo none)" "${lines[1]}"
			case $options in
			--detach-netns) says "$output" "$(grep ^nameserver /etc/resolv.conf)" ;;
			*) says "$output" '^nameserver 10\.0\.2\.3$' ;;
			esac
		done
	done
}

@test "the network's resolv.conf is replaced and written in a real copy" {
	run -0 --separate-stderr fx --net=slirp4netns --copy-up=/etc:copy sh -ec '
		cp /etc/resolv.conf /etc/mine
		echo "nameserver 192.0.2.1" >/etc/hosts
		umount /etc/resolv.conf
		mv /etc/mine /etc/resolv.conf
		cat /etc/resolv.conf'
	says "$output" '^nameserver 10\.0\.2\.3$'
}

@test "the state directory, its network namespace and the API are reachable below a real copy" {
	mkdir -p below/run
	S=$T/below/run/state
	run -0 --separate-stderr fx --net=slirp4netns --detach-netns --state-dir="$S" --copy-up="$T/below:copy" sh -ec '
		stat -fc %T "$1/below/run"
		stat -fLc %T "$ROOTLESSKIT_STATE_DIR/netns"
		cat "$ROOTLESSKIT_STATE_DIR/child_pid"; echo
		curl -s --unix-socket "$ROOTLESSKIT_STATE_DIR/api.sock" http://x/v1/info' sh "$T"
	equals "tmpfs nsfs" "${lines[*]:0:2}"
	says "${lines[3]}" "\"childPID\":${lines[2]}"
}

@test "entries that cannot be read are left out, and counted in one line" {
	local missing all
	missing=$(find /etc ! -type l ! -readable -printf x 2>/dev/null | wc -c)
	all=$(find /etc -mindepth 1 -printf x 2>/dev/null | wc -c)
	run -0 --separate-stderr fx --copy-up=/etc:copy sh -c 'find /etc -mindepth 1 | wc -l'
	equals "$((all - missing))" "$output"
	[ "$missing" -gt 0 ] || skip "this user can read all of /etc"
	equals "[fauxroot:child] info: the copy of /etc lacks $missing of $all entries, which cannot be read" "$stderr"
	run -0 fx --check --copy-up=/etc:copy --copy-up=/run true
	says "$output" "^ok +copy-up +/etc as a copy, /run; the copy of /etc lacks $missing of $all entries"
}

@test "owners, modes, times and hard links" {
	mkdir -p up/deep
	echo text >up/deep/one
	ln up/deep/one up/two
	chmod 640 up/two
	touch -d '2001-02-03 04:05:06' up/two up/deep
	fx sh -c 'chown 33:44 "$1"/up/deep' sh "$T"
	run -0 fx --copy-up="$T/up:copy" sh -ec 'cd "$1"
		stat -c "%u:%g %a %h %Y" deep/one; stat -c "%u:%g %Y" deep; test one -ef deep/one || test two -ef deep/one
		stat -c "%u:%g %a" /etc/passwd' sh "$T/up"
	equals "0:0 640 2 $(date -d '2001-02-03 04:05:06' +%s)" "${lines[0]}"
	equals "33:44 $(date -d '2001-02-03 04:05:06' +%s)" "${lines[1]}"
	fx sh -c 'chown 0:0 "$1"/up/deep' sh "$T"
	run -0 --separate-stderr fx --copy-up=/etc:copy stat -c '%u:%g %a' /etc/passwd "$D"
	equals "0:0 $(stat -c %a /etc/passwd)" "${lines[0]}"
	equals "0:0 $(stat -c %a "$D")" "${lines[1]}"
}

# More than 20,000 entries: tests/unit/test_mounts_copytree.c
@test "more than 64 MiB are an error with the numbers; --check agrees" {
	mkdir -p large/sub
	truncate -s 65M large/sub/file
	run -125 fx --copy-up="$T/large:copy" true
	says "$output" "cannot copy up $T/large: it has 2 entries and 65 MiB, and a copy at most 20000 entries and 64 MiB"
	says "$output" "remedy: use --copy-up=$T/large:tmpfs\+symlink"
	run -1 fx --check --copy-up="$T/large:copy" true
	says "$output" "65 MiB"
	run -0 fx --copy-up="$T/large:tmpfs+symlink" true
	truncate -s 1M large/sub/file
	run -0 fx --copy-up="$T/large" --copy-up-mode=copy cmp "$T/large/sub/file" /dev/zero -n 1M
}

@test "a directory that does not exist is created in a copy, and only there" {
	mkdir -p up/sub
	run -0 fx --copy-up="$T/up" --copy-up="$T/up/new/deep" sh -c 'touch "$1"/up/new/deep/x && stat -c "%u %a" "$1"/up/new' sh "$T"
	equals "0 755" "$output"
	absent "$T/up/new"
	run -125 fx --copy-up="$T/up/new" true
	says "$output" "add --copy-up=$T/up # then $T/up/new is created in that copy"
	run -125 fx --copy-up="$T/up" --copy-up="$T/up/sub/new" true
	says "$output" "add --copy-up=$T/up/sub #"
	run -0 fx --copy-up="$T/up" --copy-up="$T/up/sub" --copy-up="$T/up/sub/new" test -d "$T/up/sub/new"
	run -0 fx --check --copy-up="$T/up:copy" --copy-up="$T/up/sub/new" true
	absent "$T/up/sub/new"
}

@test "a link that leads nowhere cannot become a directory of a copy: the error names it" {
	local link message
	mkdir -p up
	ln -s "$T/absent" up/link
	for link in up/link up/link/new; do
		message="error: cannot copy up $T/$link: $T/up/link is a link to a path that does not exist"
		run -125 fx --copy-up="$T/up:copy" --copy-up="$T/$link" true
		says "$output" "$message"
		run -1 fx --check --copy-up="$T/up" --copy-up="$T/$link" true
		says "$output" "cannot copy up $T/$link: $T/up/link is a link to a path that does not exist"
	done
	absent "$T/absent"
}

@test "a path with a colon, and an unknown mode" {
	mkdir -p a:b a:copy/below
	run -0 fx --copy-up="$T/a:b" --copy-up="$T/a:copy/" sh -c 'stat -fc %T "$@"' sh "$T/a:b" "$T/a:copy"
	equals "tmpfs tmpfs" "${lines[*]}"
	run -0 fx --copy-up="$T/a:copy:copy" stat -fc %T "$T/a:copy/below"
	equals tmpfs "$output"
	run -125 fx --copy-up=/etc:cpy true
	says "$output" 'cause: there is no /etc:cpy, and "cpy" is not a mode of --copy-up'
	run -125 fx --copy-up=/:copy true
	says "$output" 'copy-up takes an absolute path'
}

@test "rootlesskit has no modes of single directories, and creates none" {
	local compat=${FAUXROOT%/*}/compat/rootlesskit
	mkdir up
	run -1 "$compat" --copy-up=/etc --copy-up-mode=copy true 3>&- 4>&-
	says "$output" '--copy-up-mode takes tmpfs\+symlink, not "copy"'
	run -1 "$compat" --copy-up=/etc:copy true 3>&- 4>&-
	says "$output" 'opening /etc:copy'
	run -1 "$compat" --copy-up="$T/up" --copy-up="$T/up/new" true 3>&- 4>&-
	says "$output" "opening $T/up/new"
	not says "$output" 'is created in that copy'
}

@test "files that change while they are copied" {
	mkdir -p up victim
	echo precious >victim/file
	(
		while [ ! -e stop ]; do
			mkdir -p up/a && echo x >up/a/file && rm -r up/a && ln -s ../victim up/a && rm up/a && mkfifo up/a && rm up/a
		done
	) 3>&- 4>&- &
	local changer=$! round
	for ((round = 0; round < 40; round++)); do
		run -0 fx --copy-up="$T/up:copy" sh -c 'rm -rf "$1"/up/a; echo ours >"$1"/up/a' sh "$T"
	done
	touch stop
	wait $changer
	equals precious "$(<victim/file)"
}
