#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real-world contents of /etc/subuid and /etc/subgid, bind-mounted over the real files in a mount namespace of
# the test.

load ../../lib/bash/common
load ../../lib/bash/root

setup() {
	root_setup
	ME=$FAUXROOT_TEST_USER
}

# with_subids UID_TEXT GID_TEXT OPTIONS… COMMAND… - printf formats
with_subids() {
	# shellcheck disable=SC2059 # the texts are formats on purpose
	printf "$1" >"$T/subuid"
	# shellcheck disable=SC2059
	printf "$2" >"$T/subgid"
	chmod 0644 "$T/subuid" "$T/subgid"
	shift 2
	unshare --mount --propagation private sh -c '
		mount --bind "$1/subuid" /etc/subuid && mount --bind "$1/subgid" /etc/subgid && shift && exec "$@"' \
		sh "$T" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		"$FAUXROOT" "$@" 3>&- 4>&-
}

uid_map() {
	tr -s ' ' <<<"$output" | sed 's/^ //'
}

maps_to() { # SUBUID MAP-AFTER-THE-FIRST-LINE
	equals "0 $USER_UID 1${2:+
$2}" "$(map_outside uid_map with_subids "$1" "$ME:100000:65536\n")"
}

refused() { # SUBUID PATTERN
	run -125 --separate-stderr with_subids "$1" "$ME:100000:65536\n" touch "$T/started"
	says "$stderr" "$2"
	absent "$T/started"
}

@test "by name and by number, united" {
	maps_to "$ME:100000:1000\n" "1 100000 1000"
	maps_to "$USER_UID:200000:1000\n" "1 200000 1000"
	maps_to "$ME:100000:1000\n$USER_UID:200000:1000\n" "1 100000 1000
1001 200000 1000"
}

@test "several ranges in their order, without gaps; those of others are not ours" {
	maps_to "other:1:5\n$ME:300000:10\nx$ME:400000:10\n$ME:100000:20\n" "1 300000 10
11 100000 20"
}

@test "CRLF is named" {
	refused "$ME:100000:1000\r\n" 'carriage return'
}

@test "comments, blank lines and a missing newline at the end" {
	maps_to "# a comment\n\n$ME:100000:1000" "1 100000 1000"
	maps_to "\n   \n$ME:100000:1000\n\n" "1 100000 1000"
}

@test "the same line twice counts once" {
	maps_to "$ME:100000:1000\n$ME:100000:1000\n" "1 100000 1000"
}

@test "overlapping ranges are refused or merged, never mapped twice" {
	run with_subids "$ME:100000:1000\n$ME:100500:1000\n" "$ME:100000:65536\n" cat /proc/self/uid_map
	if [ "$status" -eq 0 ]; then
		equals 1501 "$(uid_map | awk '{n += $3} END {print n}')"
	else
		equals 125 "$status"
		says "$output" 'overlap'
	fi
}

@test "a range that contains the caller's own id is refused by name, or the id is left out" {
	run with_subids "$ME:$((USER_UID - 1)):10\n" "$ME:100000:65536\n" cat /proc/self/uid_map
	[ "$status" -eq 125 ]
	says "$output" "own|$USER_UID"
}

@test "2^32, negative, zero, empty and garbage are refused, with the line" {
	refused "$ME:4294967296:10\n" 'subuid'
	refused "$ME:4294967295:10\n" 'subuid'
	refused "$ME:100000:4294967296\n" 'subuid'
	refused "$ME:4294967290:100\n" 'subuid'
	refused "$ME:-1:10\n" 'subuid'
	refused "$ME:100000:-10\n" 'subuid'
	refused "$ME:100000:0\n" 'subuid'
	refused "$ME::\n" 'subuid'
	refused "$ME:100000\n" 'subuid'
	refused "$ME:0x100:10\n" 'subuid'
	refused "$ME:100000:10:20\n" 'subuid'
	refused "$ME:100000:10junk\n" 'subuid'
}

@test "no line for the user: the remedy is a free range" {
	refused "other:100000:65536\n" 'usermod --add-subuids|/etc/subuid'
	# Not another user's range.
	[[ $stderr != *"--add-subuids 100000-165535"* ]]
}

@test "a line for uids but none for gids names the gids" {
	run -125 --separate-stderr with_subids "$ME:100000:65536\n" "" true
	says "$stderr" 'subgid|group'
}

@test "another user's range cannot be used: newuidmap's own check refuses it" {
	printf '#!/bin/sh\necho "0: x 500000 1000"\n' >"$T/gs"
	chmod 0755 "$T/gs"
	run -125 --separate-stderr env GETSUBIDS="$T/gs" setpriv --reuid "$USER_UID" --regid "$USER_GID" \
		--init-groups "$FAUXROOT" --subid-source=dynamic true
	says "$stderr" 'newuidmap'
}

@test "339 ranges fit, 400 are truncated or refused, never partially mapped" {
	local text
	# Short numbers: newuidmap's write must also be smaller than a page.
	text=$(for i in $(seq 1 339); do printf '%s:%s:1\\n' "$ME" $((2000 + i * 10)); done)
	run -0 --separate-stderr with_subids "$text" "$ME:100000:65536\n" cat /proc/self/uid_map
	equals 340 "${#lines[@]}"
	equals "339 339 1" "$(uid_map | tail -n 1)"
	text=$(for i in $(seq 1 400); do printf '%s:%s:1\\n' "$ME" $((2000 + i * 10)); done)
	run with_subids "$text" "$ME:100000:65536\n" cat /proc/self/uid_map
	if [ "$status" -eq 0 ]; then
		[[ $output == *340* ]]
	else
		equals 125 "$status"
		says "$output" '340'
	fi
}

@test "nsswitch's subid: it uses getsubids; files, and no subid line, do not" {
	printf 'subid: files\n' >"$T/nsswitch"
	local first
	read -r first _ < <(subuids "$FAUXROOT_TEST_USER")
	printf '#!/bin/sh\necho asked >>"%s/asked"\necho "0: x %s 10"\n' "$T" "$first" >"$T/gs"
	chmod 0755 "$T/gs" "$T/nsswitch"
	ask() {
		unshare --mount --propagation private sh -c 'mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"' \
			sh "$T/nsswitch" env GETSUBIDS="$T/gs" setpriv --reuid "$USER_UID" \
			--regid "$USER_GID" --init-groups "$FAUXROOT" cat /proc/self/uid_map
	}
	run -0 ask
	absent "$T/asked"
	printf 'subid: sss\n' >"$T/nsswitch"
	run -0 --separate-stderr ask
	[ -e "$T/asked" ]
	equals "0 0 1
1 1 10" "$(uid_map)"
}
