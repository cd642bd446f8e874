#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The state directory: ours, private, locked, complete, and removed at the end.
#
# seconds: 18

load ../lib/bash/common

mode() {
	stat -c %a "$1"
}

refused() { # PATTERN STATE_DIR
	run -125 --separate-stderr fx --state-dir="$2" touch "$T/started"
	one_error "$stderr" "$1"
	absent "$T/started"
}

@test "the directory is created with its parents and mode 0700, and removed at the end; the parents stay" {
	launch_only --state-dir="$T/a/b/state" sleep 1000
	S=$T/a/b/state
	wait_for test -s "$S/child_pid"
	equals 700 "$(mode "$S")"
	equals "srw-------" "$(stat -c %A "$S/api.sock")"
	stop
	absent "$S"
	[ -d "$T/a/b" ]
}

@test "without the option the directory is under XDG_RUNTIME_DIR, else TMPDIR, else /tmp" {
	run -0 fx sh -c 'echo "$ROOTLESSKIT_STATE_DIR"'
	[[ $output = "$XDG_RUNTIME_DIR"/fauxroot.?????? ]]
	XDG_RUNTIME_DIR=/nonexistent run -0 fx sh -c 'echo "$ROOTLESSKIT_STATE_DIR"'
	says "$output" "^$TMPDIR/fauxroot\.......\$"
	XDG_RUNTIME_DIR='' TMPDIR=/nonexistent run -0 fx sh -c 'echo "$ROOTLESSKIT_STATE_DIR"'
	says "$output" '^/tmp/fauxroot\.......$'
}

@test "the directory has lock, api.sock, ns.sock and child_pid, and the network's files if there is one" {
	launch --net=slirp4netns sleep 1000
	equals "api.sock child_pid hosts lock ns.sock resolv.conf" "$(cd "$S" && echo *)"
	stop
	launch --net=none sleep 1000
	absent "$S/resolv.conf"
	stop
}

@test "a relative path is made absolute for the target" {
	run -0 fx --state-dir=rel sh -c 'cd /; test -s "$ROOTLESSKIT_STATE_DIR/child_pid" && echo "$ROOTLESSKIT_STATE_DIR"'
	equals "$T/rel" "$output"
}

@test "an empty directory of ours is used, one with old files is emptied" {
	mkdir -p "$S/old/deep"
	touch "$S/old/deep/file" "$S/child_pid" "$S/.hidden"
	ln -s /etc/passwd "$S/link"
	launch sleep 1000
	absent "$S/old" "$S/.hidden" "$S/link"
	stop
	[ -e /etc/passwd ]
}

@test "emptying follows no link" {
	mkdir -p "$S" precious
	touch precious/file
	ln -s "$PWD/precious" "$S/dir"
	run -0 fx --state-dir="$S" true
	[ -e precious/file ]
}

@test "a directory of ours with a wider mode is set to 0700" {
	mkdir -m 0777 "$S"
	chmod 0777 "$S"
	launch sleep 1000
	equals 700 "$(mode "$S")"
	stop
}

@test "a symbolic link is refused, and its target is untouched" {
	mkdir target
	touch target/file
	ln -s target link
	refused 'link' "$T/link"
	refused 'link' "$T/link/"
	[ -e target/file ]
	ln -s nowhere dangling
	refused 'link' "$T/dangling"
}

@test "a file is refused and stays" {
	echo precious >file
	refused 'file.*([Nn]ot a directory)' "$T/file"
	equals precious "$(<file)"
}

@test "another user's directory is refused" {
	refused '/|owned|[Pp]erm|user' /
	refused 'proc' /proc/sys
}

@test "a path whose api.sock would exceed 107 bytes is refused before anything starts" {
	local base=$T/ pad
	# 107 bytes with "/api.sock" still fit.
	pad=$(printf '%*s' $((107 - 9 - ${#base})) '' | tr ' ' x)
	run -0 fx --state-dir="$base$pad" sh -c 'test -S "$ROOTLESSKIT_STATE_DIR/api.sock"'
	refused '107|too long' "$base${pad}x"
	absent "$base${pad}x"
}

@test "umask 0 and 0777 do not change the modes" {
	local mask
	for mask in 0 0777; do
		S=$T/state$mask
		(umask "$mask" && exec "$FAUXROOT" --state-dir="$S" --net=slirp4netns sleep 1000 \
			</dev/null >/dev/null 2>&1 3>&- 4>&-) &
		LAUNCHER=$!
		LOG=/dev/null
		wait_for test -s "$S/child_pid"
		equals 700 "$(mode "$S")"
		equals 600 "$(mode "$S/api.sock")"
		run -0 sh -c 'nsenter -t "$1" -U -m --preserve-credentials cat /etc/resolv.conf' sh "$(<"$S/child_pid")"
		says "$output" nameserver
		stop
	done
}

@test "two launchers on one directory: one wins, the other names its PID and changes nothing" {
	launch sleep 1000
	local before
	before=$(cd "$S" && stat -c '%n %i %Y' . ./*)
	refused "$LAUNCHER" "$S"
	equals "$before" "$(cd "$S" && stat -c '%n %i %Y' . ./*)"
	equals "$TARGET" "$(<"$S/child_pid")"
	stop
	run -0 fx --state-dir="$S" true
}

@test "two launchers at once, repeatedly: exactly one wins" {
	local round rounds=100 first second won
	! sanitized || rounds=25
	for ((round = 0; round < rounds; round++)); do
		fx --state-dir="$S" sh -c 'echo x >>ran; mkdir busy || echo both >>both; rmdir busy' 2>/dev/null &
		first=$!
		fx --state-dir="$S" sh -c 'echo x >>ran; mkdir busy || echo both >>both; rmdir busy' 2>/dev/null &
		second=$!
		won=0
		wait $first && won=$((won + 1))
		wait $second && won=$((won + 1))
		[ "$won" -ge 1 ]
		[ "$(wc -l <ran)" -eq "$won" ]
		absent both
		absent "$S"
		rm ran
	done
}

@test "another process's flock excludes us" {
	mkdir -m 0700 "$S"
	flock "$S/lock" sh -c 'echo >ready; exec sleep 1000' 3>&- 4>&- &
	local holder=$!
	wait_for test -s ready
	run -125 --separate-stderr fx --state-dir="$S" true
	says "$stderr" 'lock|another|in use|busy'
	[ -e "$S/lock" ]
	kill $holder
	wait_for gone $holder
	kill_marked
	rm -rf "$S"
}

@test "our lock excludes flock(1), and so a RootlessKit" {
	launch sleep 1000
	run -1 flock -n "$S/lock" true
	stop
}

@test "restart after SIGKILL on the same directory works, twenty times" {
	local round
	for ((round = 0; round < 20; round++)); do
		launch --net=none sleep 1000
		kill -KILL "$LAUNCHER"
		run -0 fx --state-dir="$S" sh -c 'cat "$ROOTLESSKIT_STATE_DIR/child_pid"; echo " $$"'
		equals "${output% *}" "${output#* }"
		wait_for gone "$TARGET"
	done
}

@test "rm -rf of the directory while it runs: the target continues, the end is clean" {
	launch --net=slirp4netns sleep 1000
	rm -rf "$S"
	kill -TERM "$LAUNCHER"
	ended 143
	not grep -q '[eE]rror' "$LOG"
}

@test "a directory that another process has put in its place is not touched" {
	launch sleep 1000
	mv "$S" "$S.away"
	mkdir "$S"
	touch "$S/foreign"
	stop
	[ -e "$S/foreign" ]
	rm -rf "$S" "$S.away"
}

@test "child_pid never appears incomplete, nor before the other files that the target may need" {
	local round
	for ((round = 0; round < 20; round++)); do
		run -0 fx --state-dir="$S" sh -c '
			cd "$ROOTLESSKIT_STATE_DIR" && test -S api.sock && test "$(cat child_pid)" = $$ &&
			! ls | grep -v "^\(api.sock\|child_pid\|lock\|ns.sock\)$"'
	done
}

@test "the target makes the directory read-only or removes all permissions: it is still removed" {
	local mode
	for mode in 500 0; do
		run -0 fx --state-dir="$S" sh -c 'mkdir -m 0 "$ROOTLESSKIT_STATE_DIR/sub" &&
			chmod '$mode' "$ROOTLESSKIT_STATE_DIR"'
		equals "" "$output"
		absent "$S"
		# And by the next launcher, after a SIGKILL.
		: >"$OUT"
		"$FAUXROOT" sh -c 'chmod '$mode' "$ROOTLESSKIT_STATE_DIR"; echo done; exec sleep 1000' \
			</dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
		LAUNCHER=$!
		wait_for grep -qx 'done' "$OUT"
		wait_for test -L "$XDG_RUNTIME_DIR/fauxroot/$LAUNCHER"
		kill -KILL "$LAUNCHER"
		wait "$LAUNCHER" || true
		wait_for no_marked
		run -0 fx true
		equals "" "$(state_left || :)"
	done
}

no_marked() {
	[ -z "$(marked)" ]
}

@test "a launcher killed during its launch: the next one removes its directory" {
	local how
	printf '#!/bin/sh\necho here >"%s"; exec sleep 1000\n' "$T/here" >slow
	chmod +x slow
	for how in 1 2 3; do
		rm -f here
		"$FAUXROOT" --net=slirp4netns --slirp4netns-binary="$PWD/slow" true </dev/null 3>&- 4>&- &
		LAUNCHER=$!
		wait_for test -s here
		kill -KILL "$LAUNCHER"
		wait "$LAUNCHER" || true
		wait_for no_marked
		[ -n "$(state_left || :)" ]
		case $how in
		2) touch "$(state_left)/.hosts.new" ;; # while it wrote a file
		3) rm "$(state_left)"/* ;; # before it had made any
		esac
		run -0 fx true
		equals "" "$(state_left || :)"
	done
}

@test "a directory that only resembles a launcher's stays" {
	mkdir -m 0700 "$XDG_RUNTIME_DIR"/fauxroot.{backup,modexx,locked} "$XDG_RUNTIME_DIR/fauxroot.longer_"
	touch "$XDG_RUNTIME_DIR"/fauxroot.{backup,modexx,locked}/lock "$XDG_RUNTIME_DIR/fauxroot.backup/mine"
	chmod 0755 "$XDG_RUNTIME_DIR/fauxroot.modexx"
	ln -s fauxroot.backup "$XDG_RUNTIME_DIR/fauxroot.linked"
	run -0 flock "$XDG_RUNTIME_DIR/fauxroot.locked/lock" "$FAUXROOT" true 3>&- 4>&-
	equals "" "$output"
	ls -d "$XDG_RUNTIME_DIR"/fauxroot.{backup/mine,backup/lock,modexx/lock,locked/lock,longer_,linked}
	run -0 fx true
	absent "$XDG_RUNTIME_DIR/fauxroot.locked"
	ls -d "$XDG_RUNTIME_DIR"/fauxroot.{backup/mine,backup/lock,modexx/lock,longer_,linked}
	rm -r "$XDG_RUNTIME_DIR"/fauxroot.*
}

@test "few descriptors, or a small stack: an error or a launch, and nothing is left" {
	local n code
	# The leak checker may run without bound when it cannot get the descriptors that it needs.
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	for n in {5..24}; do
		for options in "--state-dir=$T/a/state" --net=slirp4netns; do
			code=0
			sh -c 'ulimit -n "$1"; exec "$FAUXROOT" "$2" true' sh "$n" "$options" >"$LOG" 2>&1 3>&- 4>&- || code=$?
			[ "$code" = 125 ] || [ "$code" = 0 ]
			equals "" "$(state_left || :)"
			absent "$T/a/state"
			not logged warning
		done
	done
	# A sanitizer itself needs an unknown amount of stack.
	sanitized && return
	for options in --net=none --net=slirp4netns --pidns; do
		run -0 sh -c 'ulimit -s 64; exec "$FAUXROOT" "$1" true' sh "$options" 3>&- 4>&-
		equals "" "$output"
	done
}

@test "a read-only directory is refused with its name" {
	refused '/proc/nowhere' /proc/nowhere
}

@test "SIGTERM while another launcher holds the directory ends the waiting launcher cleanly" {
	launch sleep 1000
	"$FAUXROOT" --state-dir="$S" true 2>"$T/log2" 3>&- 4>&- &
	local second=$!
	# Until the launcher is executed, the process is a shell with bats' traps.
	wait_for [ "/proc/$second/exe" -ef "$FAUXROOT" ]
	kill -TERM $second
	wait_for gone $second
	[ -s "$S/child_pid" ]
	stop
}
