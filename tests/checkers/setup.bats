# SPDX-License-Identifier: Apache-2.0
#
# scripts/setup on machines that are made up: a PATH with a package manager that only notes what it
# is asked for, as an ordinary user or as root, with sudo and without.

bats_require_minimum_version 1.5.0

setup() {
	local tool
	TOP=${FAUXROOT_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	BIN=$BATS_TEST_TMPDIR/bin
	SAID=$BATS_TEST_TMPDIR/said
	export SAID
	mkdir "$BIN"
	: >"$SAID"
	for tool in bash env dirname basename cat tr sort cut grep awk; do
		ln -s "$(command -v $tool)" "$BIN/$tool"
	done
	machine id '[ "$1" = -u ] && echo 1000 || echo alice'
}

# machine NAME SCRIPT: a program of the machine
machine() {
	printf '#!/usr/bin/env bash\n%s\n' "$2" >"$BIN/$1"
	chmod +x "$BIN/$1"
}

# alpine [WORD…]: nothing is installed, and packages of these names there are not
alpine() {
	machine apk 'case $1 in info) exit 1 ;; esac
		echo "apk $*" >>"$SAID"
		case " $* " in '"$(printf '*" %s "*) exit 1 ;; ' "$@")"' esac'
}

sudo_there() {
	machine sudo 'echo sudo >>"$SAID"; exec "$@"'
}

setup_as() { # STATUS GROUP…
	local status=$1
	shift
	run "-$status" env PATH="$BIN" "$TOP/scripts/setup" "$@"
}

@test "setup: the lists are brought up to date, then everything is installed at once, as root" {
	alpine none
	sudo_there
	setup_as 0 build
	[ "$(sed -n 2p "$SAID")" = "apk update -q" ]
	[[ $(sed -n 4p "$SAID") == "apk add "*" jansson-dev "* ]]
	[ "$(grep -c '^sudo$' "$SAID")" = 2 ]
	[ "$(wc -l <"$SAID")" = 4 ]
}

@test "setup: a package that is not to be had keeps nothing else away, and is named" {
	alpine slirp4netns
	sudo_there
	setup_as 0 build
	grep -qx "apk add libcap-dev" "$SAID"
	[[ $output == *"could not be installed: slirp4netns" ]]
}

@test "setup: lists that cannot be brought up to date are no reason to stop" {
	alpine update
	sudo_there
	setup_as 0 build
	[[ $output == *"not up to date"* ]]
	[[ $(tail -n 1 "$SAID") == "apk add "*" jansson-dev "* ]]
}

@test "setup: without sudo it says what root is to run, and runs nothing" {
	alpine none
	setup_as 1 build
	[[ $output == *"there is no sudo; as root run: $TOP/scripts/setup build" ]]
	[ ! -s "$SAID" ]
}

@test "setup: where all is there nobody needs to be root" {
	machine apk 'case $1 in info) exit 0 ;; esac; echo "apk $*" >>"$SAID"'
	setup_as 0 build lint
	[ -z "$output" ]
	[ ! -s "$SAID" ]
}

@test "setup: on a machine of an unknown kind nothing is installed, and said" {
	setup_as 0 build
	[[ $output == *"no package manager known here"* ]]
}

@test "setup: a group that there is not" {
	alpine none
	setup_as 1 nonsense
	[[ $output == *"no such group: nonsense" ]]
}
