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

@test "lines by name and lines by number are combined" {
	maps_to "$ME:100000:1000\n" "1 100000 1000"
	maps_to "$USER_UID:200000:1000\n" "1 200000 1000"
	maps_to "$ME:100000:1000\n$USER_UID:200000:1000\n" "1 100000 1000
1001 200000 1000"
}

@test "several ranges are mapped in their order, without gaps; ranges of other users are not used" {
	maps_to "other:1:5\n$ME:300000:10\nx$ME:400000:10\n$ME:100000:20\n" "1 300000 10
11 100000 20"
}

@test "a line that ends with CRLF is named in the error" {
	refused "$ME:100000:1000\r\n" 'carriage return'
}

@test "comments, blank lines and a missing newline at the end are accepted" {
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

@test "getsubids is used if nsswitch.conf's subid line names another source than files" {
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

# grants START COUNT - does the real newuidmap give these ids, with the line in $T/subuid?
grants() {
	unshare --mount --propagation private sh -c 'mount --bind "$1" /etc/subuid && shift && exec "$@"' \
		sh "$T/subuid" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups bash -c '
		coproc unshare --user sh -c "echo; read -r _" || exit
		read -r _ <&"${COPROC[0]}"
		newuidmap "$COPROC_PID" 0 "$1" "$2" 2>/dev/null' bash "$1" "$2" 3>&- 4>&-
}

@test "each form of a line is read as newuidmap reads it" {
	local line start count words
	while IFS='|' read -r line start count words; do
		line=${line//ME/$ME}
		echo "line: $line"
		if [ "$start" ]; then
			maps_to "$line\n" "1 $start $count"
			grants "$start" "$count"
			not grants "$start" $((count + 1))
			not grants $((start - 1)) 1
		else
			refused "$line\n" "/etc/subuid, line 1, .*$words"
			says "$stderr" 'is free'
			not grants 100000 1
			not grants 32768 1
			run -1 with_subids "$line\n" "$ME:100000:65536\n" --check
			says "$output" "subordinate ids .*/etc/subuid, line 1, .*$words"
		fi
	done <<-'END'
		ME:100000:65536:|100000|65536
		ME:100000:65536:20:x|100000|65536
		ME:100000:65536:# mine|100000|65536
		ME:100000:65536:\r|100000|65536
		ME: 100000:\t65536|100000|65536
		ME:\v100000:65536|100000|65536
		ME:+100000:+65536|100000|65536
		ME:0x186a0:0X10000|100000|65536
		ME:0100000:0100|32768|64
		ME:00303240:65536|100000|65536
		 ME:100000:65536|||a blank is part
		ME :100000:65536|||a blank is part
		ME:100000 :65536|||a blank follows a number
		ME:100000:65536 |||a blank follows a number
		ME:100000:65536 # mine|||a blank follows a number
		ME:100000:65536\r|||a carriage return
		ME:0100009:65536|||is octal
		ME:0x:65536|||not of the form
		ME::65536|||not of the form
		ME:100000:|||not of the form
		ME:+ 100000:65536|||not of the form
		ME:100000:-1|||is negative
		ME:-1:5|||is negative
		ME:18446744073709651616:5|||exceeds
	END
}

@test "comments and NIS's lines belong to no user" {
	local line
	for line in "#$ME:100000:10" "+$ME:100000:10" "-$ME:100000:10" "0$USER_UID:100000:10"; do
		refused "$line\n" 'no line in /etc/subuid'
		not grants 100000 1
	done
}
