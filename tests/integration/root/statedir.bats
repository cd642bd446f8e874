#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# State directories that only root can create: another user's, and a full file system.

load ../../lib/bash/common
load ../../lib/bash/root

setup() {
	root_setup
}

@test "another user's directory is refused, even a writable one, and is not touched" {
	mkdir -m 0777 "$T/theirs"
	chmod 0777 "$T/theirs"
	touch "$T/theirs/file"
	run -125 --separate-stderr as_user "$FAUXROOT" --state-dir="$T/theirs" true
	says "$stderr" 'theirs.*(owned|user|belong|uid)'
	[ -e "$T/theirs/file" ]
	equals 777 "$(stat -c %a "$T/theirs")"
	equals file "$(ls -A "$T/theirs")"
}

@test "a directory of ours under another user's, which we may enter, works" {
	mkdir -m 0755 "$T/theirs"
	mkdir -m 0755 "$T/theirs/ours"
	chown "$USER_UID" "$T/theirs/ours"
	run as_user "$FAUXROOT" --state-dir="$T/theirs/ours" sh -c 'cat "$ROOTLESSKIT_STATE_DIR/child_pid"'
	# It can be used; it cannot be removed from its parent at the end, and that is no failure.
	[ "$status" -eq 0 ]
	[[ $output =~ ^[0-9]+ ]]
}

# full BLOCKS COMMAND… - run it with a tmpfs of four pages at $T/small, BLOCKS of them taken
full() {
	local blocks=$1 page
	page=$(getconf PAGE_SIZE)
	shift
	mkdir -p "$T/small"
	unshare --mount --propagation private sh -c '
		mount -t tmpfs -o size=$((4 * $3)),mode=1777 none "$1" || exit 99
		[ "$2" -eq 0 ] || head -c $(($2 * $3)) /dev/zero >"$1/ballast" || exit 98
		shift 3
		"$@"
		code=$?
		find "$T_SMALL" -mindepth 1 ! -name ballast >&2
		exit $code' sh "$T/small" "$blocks" "$page" \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" --state-dir="$T/small/state" "$@" 3>&- 4>&-
}

@test "a full file system under it: one clear line, or it fits; never an empty child_pid, nothing left" {
	export T_SMALL=$T/small
	local blocks
	for blocks in 4 3 2 1 0; do
		run --separate-stderr full $blocks --net=slirp4netns sh -c \
			'[ "$(cat "$ROOTLESSKIT_STATE_DIR/child_pid")" = $$ ] && grep -q nameserver /etc/resolv.conf && echo whole'
		if [ "$status" -eq 0 ]; then
			equals whole "$output"
			equals "" "$stderr"
		else
			equals 125 "$status"
			equals "" "$output"
			says "$stderr" 'No space left on device'
			[[ $stderr != *small/state* || $(grep -c "^$T/small" <<<"$stderr") -eq 0 ]]
		fi
	done
}

@test "a file system without free inodes" {
	mkdir "$T/small"
	run --separate-stderr unshare --mount --propagation private sh -c '
		mount -t tmpfs -o nr_inodes=2,mode=1777 none "$1" || exit 99
		shift
		exec "$@"' sh "$T/small" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		"$FAUXROOT" --state-dir="$T/small/state" true 3>&- 4>&-
	equals 125 "$status"
	says "$stderr" 'No space left on device'
}

@test "a read-only file system" {
	mkdir "$T/small"
	run -125 --separate-stderr unshare --mount --propagation private sh -c '
		mount -t tmpfs -o ro,mode=1777 none "$1" || exit 99
		shift
		exec "$@"' sh "$T/small" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		"$FAUXROOT" --state-dir="$T/small/state" true 3>&- 4>&-
	says "$stderr" 'Read-only file system'
}

@test "a mount inside an old state directory is not emptied" {
	mkdir -m 0700 "$S" "$S/mounted"
	chown "$USER_UID" "$S" "$S/mounted"
	mkdir "$T/behind"
	run unshare --mount --propagation private sh -c '
		mount -t tmpfs -o mode=1777 none "$1/behind" && touch "$1/behind/precious" && chown "$2" "$1/behind/precious" &&
		mount --bind "$1/behind" "$1/state/mounted" && shift 2 &&
		"$@"; code=$?; ls "$OLDPWD" >/dev/null; [ -e "$T_BEHIND/precious" ] && echo kept; exit $code' \
		sh "$T" "$USER_UID" env T_BEHIND="$T/behind" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		"$FAUXROOT" --state-dir="$S" true 3>&- 4>&-
	rm -rf "$S"
	[[ $status -eq 0 || $status -eq 125 ]]
}
