#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copy-up: a private writable copy of a directory whose sub-directories are still the real ones.
#
# refused: openat2 open_tree

load ../lib/bash/common

setup() {
	common_setup
	# A directory with every kind of entry.
	D=$T/dir
	mkdir -p "$D/sub/deep" "$D/empty"
	echo one >"$D/file"
	echo deep >"$D/sub/deep/file"
	ln -s file "$D/relative"
	ln -s /etc/passwd "$D/absolute"
	ln -s /nowhere "$D/dangling"
	ln -s sub/deep "$D/into"
	mkfifo "$D/fifo"
	echo 'with space' >"$D/with space"
	printf x >"$D/$(printf 'new\nline')"
	echo hidden >"$D/.hidden"
}

@test "the copy is a tmpfs; entries lead to .ro…; links are copied with the same text" {
	run -0 fx --copy-up="$D" sh -c 'cd "$1" && stat -f -c %T . && cat file relative sub/deep/file into/file "with space" .hidden &&
		readlink relative absolute dangling into && readlink file && test -p fifo' sh "$D"
	equals tmpfs "${lines[0]}"
	equals "one one deep deep with space hidden" "${lines[*]:1:6}"
	equals "file /etc/passwd /nowhere sub/deep" "${lines[*]:7:4}"
	[[ ${lines[11]} =~ ^\.ro[A-Za-z0-9]+/file$ ]]
}

@test "the names are the original's, plus .ro…" {
	run -0 fx --copy-up="$D" sh -c 'ls -A "$1" | grep -v "^\.ro"' sh "$D"
	equals "$(ls -A "$D")" "$output"
}

@test "rm and write in the copy work, the host does not change" {
	run -0 fx --copy-up="$D" sh -c 'cd "$1" && rm file relative && echo two >file && echo new >new && rm -r empty && cat file' sh "$D"
	equals two "$output"
	equals one "$(<"$D/file")"
	absent "$D/new"
	[ -L "$D/relative" ]
	[ -d "$D/empty" ]
}

@test "a subdirectory is the host's: the host sees files that are written there" {
	run -0 fx --copy-up="$D" sh -c 'echo there >"$1/sub/made"' sh "$D"
	equals there "$(<"$D/sub/made")"
}

@test "the directory's mode is kept" {
	local mode
	for mode in 755 700 1777 2750; do
		chmod "$mode" "$D"
		run -0 fx --copy-up="$D" stat -c '%a %u:%g' "$D"
		equals "$mode 0:0" "$output"
	done
}

@test "the owner of a directory that is not mapped becomes 0:0" {
	run -0 fx --copy-up=/etc stat -c '%a %u:%g' /etc
	equals "$(stat -c %a /etc) 0:0" "$output"
}

@test "a mapped owner is kept" {
	run -0 fx sh -c 'mkdir "$1" && chown 33:44 "$1"' sh "$T/owned"
	run -0 fx --copy-up="$T/owned" stat -c %u:%g "$T/owned"
	equals 33:44 "$output"
	run -0 fx rmdir "$T/owned"
}

@test "a directory that contains a socket: the socket still answers" {
	"$PROBE" listen "$D/socket" 3>&- 4>&- &
	wait_for test -S "$D/socket"
	run -0 fx --copy-up="$D" socat -u "UNIX-CONNECT:$D/socket" -
	equals hello "$output"
}

@test "a socket that the target creates in a subdirectory is visible on the host" {
	launch --copy-up="$D" "$PROBE" listen "$D/sub/socket"
	wait_for test -S "$D/sub/socket"
	run -0 socat -u "UNIX-CONNECT:$D/sub/socket" -
	equals hello "$output"
	ended 0
}

@test "a socket under XDG_RUNTIME_DIR with /run copied up is visible on the host" {
	case $HOST_RUNTIME_DIR in
	/run/*) ;;
	*) HOST_RUNTIME_DIR=/run/user/$(id -u) ;;
	esac
	local dir
	dir=$(mktemp -d "$HOST_RUNTIME_DIR/fxtest.XXXXXX")
	XDG_RUNTIME_DIR=$HOST_RUNTIME_DIR launch --copy-up=/etc --copy-up=/run --net=slirp4netns \
		sh -c 'stat -f -c %T /run && exec "$PROBE" listen "$1"' sh "$dir/socket"
	wait_for test -S "$dir/socket"
	run -0 socat -u "UNIX-CONNECT:$dir/socket" -
	equals hello "$output"
	ended 0
	equals tmpfs "$(<"$OUT")"
	rm -r "$dir"
}

@test "the state directory under a copied-up /run stays reachable for the target" {
	S=$(mktemp -d "/run/user/$(id -u)/fxtest.XXXXXX")
	run -0 fx --copy-up=/run --copy-up=/etc --state-dir="$S" --net=slirp4netns \
		sh -c 'cat "$ROOTLESSKIT_STATE_DIR/child_pid"; echo " $$"; cat /etc/resolv.conf;
			curl -s --unix-socket "$ROOTLESSKIT_STATE_DIR/api.sock" http://x/v1/info'
	equals "${lines[0]% *}" "${lines[0]#* }"
	says "$output" 'nameserver 10.0.2.3'
	says "$output" '"childPID"'
}

@test "/etc, /run and /var/lib at once" {
	run -0 fx --copy-up=/etc --copy-up=/run --copy-up=/var/lib sh -c '
		for d in /etc /run /var/lib; do stat -f -c %T $d; echo x >$d/fauxroot-test; done'
	equals "tmpfs tmpfs tmpfs" "${lines[*]}"
	absent /etc/fauxroot-test /run/fauxroot-test /var/lib/fauxroot-test
}

@test "nested directories, in both orders" {
	run -0 fx --copy-up="$D" --copy-up="$D/sub" sh -c 'stat -f -c %T "$1" "$1/sub" && cat "$1/sub/deep/file" && echo x >"$1/sub/new"' sh "$D"
	equals "tmpfs tmpfs deep" "${lines[*]}"
	absent "$D/sub/new"
	run -0 fx --copy-up="$D/sub" --copy-up="$D" sh -c 'stat -f -c %T "$1" && cat "$1/sub/deep/file" && echo x >"$1/sub/new"' sh "$D"
	equals "tmpfs deep" "${lines[*]}"
	absent "$D/sub/new"
}

@test "a trailing slash, a double slash, the same directory twice" {
	run -0 fx --copy-up="$D/" sh -c 'stat -f -c %T "$1"; cat "$1/file"' sh "$D"
	equals "tmpfs one" "${lines[*]}"
	run -0 fx --copy-up="$D" --copy-up="$D//" --copy-up="$T/./dir" sh -c 'cut -d" " -f5 /proc/self/mountinfo | grep -cx "$1"' sh "$D"
	equals 1 "$output"
}

@test "a symbolic link to a directory is resolved; /var/run and /run are copied up once" {
	ln -s dir alias
	run -0 fx --copy-up="$T/alias" --copy-up="$D" sh -c 'stat -f -c %T "$1"; cut -d" " -f5 /proc/self/mountinfo | grep -cx "$1"' sh "$D"
	equals "tmpfs 1" "${lines[*]}"
	if [ -L /var/run ]; then
		run -0 fx --copy-up=/var/run --copy-up=/run  sh -c 'cut -d" " -f5 /proc/self/mountinfo | grep -cx /run'
		equals "$(($(cut -d' ' -f5 /proc/self/mountinfo | grep -cx /run) + 1))" "$output"
	fi
}

@test "a mount below the directory stays visible through the copy" {
	run -0 unshare --user --map-root-user --mount sh -c '
		mount -t tmpfs none "$1/empty" && echo mounted >"$1/empty/file" &&
		exec "$FAUXROOT" --idmap=single --copy-up="$1" cat "$1/empty/file"' sh "$D"
	equals mounted "$output"
}

@test "/etc/mtab, /etc/os-release and other links of /etc keep their text" {
	local link
	for link in mtab os-release localtime; do
		[ -L "/etc/$link" ] || continue
		run -0 fx --copy-up=/etc readlink "/etc/$link"
		equals "$(readlink "/etc/$link")" "$output"
	done
}

@test "with copy-up of /etc the network's resolv.conf exists and can be replaced" {
	run -0 fx --net=slirp4netns --copy-up=/etc sh -c 'cat /etc/resolv.conf; test -s /etc/hosts'
	says "$output" '^nameserver 10\.0\.2\.3$'
}

@test "nothing is mounted on the host, with any propagation" {
	local mode
	for mode in private rprivate slave rslave; do
		run -0 fx --propagation=$mode --copy-up=/etc --net=none true
		diff "$T/mounts" <(cut -d' ' -f5- /proc/self/mountinfo)
	done
}

@test "a copy-up of / and of a file is refused" {
	run -125 fx --copy-up="$D/file" true
	says "$output" "$D/file"
}

@test "a directory that cannot be read: the error names it" {
	mkdir -m 0 "$T/locked"
	# Fake root may read it, because the caller owns it.
	run -0 fx --copy-up="$T/locked" true
	chmod 700 "$T/locked"
}

@test "a thousand entries" {
	mkdir many
	(cd many && seq 1000 | xargs touch)
	run -0 fx --copy-up="$T/many" sh -c 'ls "$1" | wc -l' sh "$T/many"
	equals 1000 "$output"
}

@test "a directory replaced by a link during copy-up never leads outside" {
	mkdir -p swap/a victim
	touch victim/precious
	(
		while [ ! -e stop ]; do
			mv -T swap/a swap/b && ln -s "$T/victim" swap/a && rm swap/a && mv -T swap/b swap/a
		done
	) 2>/dev/null 3>&- 4>&- &
	local swapper=$! round
	for ((round = 0; round < 30; round++)); do
		# It runs on what the path led to at one moment, or it is refused. One of both
		# directories gets a tmpfs, and no second one is mounted beside it.
		run fx --copy-up="$T/swap/a" sh -c 'grep -c " $1/.* - tmpfs none \| $1/.* - tmpfs tmpfs " /proc/self/mountinfo' sh "$T"
		[ "$status" -ne 0 ] || [ "$output" -le 1 ]
		[ "$status" -ne 1 ] # no tmpfs at all
		[ "$status" -eq 0 ] || [ "$status" -eq 125 ]
	done
	touch stop
	wait $swapper || true
	rm -rf swap
	[ "$(ls victim)" = precious ]
}
