#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The commands of README.md and docs/*.md work unchanged: run from the text, in its order, by the unprivileged
# user, who builds the sources and installs them into the test's own /usr/local.

load ../../../lib/bash/common
load ../../../lib/bash/root
load ../../../lib/bash/documents

DEADLINE=60
STAND_INS=$ROOT/tests/lib/fixtures/stand-ins

setup() {
	root_setup
	export HOME
	HOME=$(as_user mktemp -d "$(getent passwd "$FAUXROOT_TEST_USER" | cut -d: -f6)/fauxroot-test.XXXXXX")
	SOURCE=${FAUXROOT_SOURCE:-$ROOT}
}

teardown() {
	local status=0
	# Files of subordinate ids: only fake root may delete them.
	setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups "$FAUXROOT" rm -rf "$HOME" || status=1
	common_teardown || status=1
	return $status
}

# reader WORDS - run WORDS like a reader's shell: bash with the helpers of these tests, as the user, in a
# copy of the sources. /usr/local is empty and the user's own, and "sudo" only executes.
reader() {
	local part
	mkdir source bin
	for part in Makefile VERSION README.md CHANGELOG.md SECURITY.md LICENSE contrib docs include man scripts src tests; do
		cp -a "$SOURCE/$part" source/
	done
	mkdir source/build
	# Do not build again.
	for part in "$SOURCE"/build/{obj,lib,flags,completions,compat,fauxroot*}; do
		[ ! -e "$part" ] || cp -a "$part" source/build/
	done
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\nexec "$@"\n' >bin/sudo
	chmod +x bin/sudo
	chown -R "$USER_UID:$USER_GID" source bin
	if grep -qs -- -Werror source/build/flags; then export WERROR=-Werror; fi
	export -f run_document block_fails begin_block block_line end_block run_command judge_command \
		as_shown said only_parse wait_for gone
	export ROOT T DEADLINE HOME USER=$FAUXROOT_TEST_USER LOGNAME=$FAUXROOT_TEST_USER
	# shellcheck disable=SC2016 # for the inner shells
	unshare --mount --propagation private bash -ec '
		mount -t tmpfs -o "mode=0755,uid=$1,gid=$2" tmpfs /usr/local
		cd source
		shift 2
		exec "$@"' bash "$USER_UID" "$USER_GID" \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		bash -c "$1" 3>&- 4>&-
}

@test "these tests run each block of the documents, or the block gives a reason" {
	"$ROOT/scripts/doc-blocks" "$ROOT"/README.md "$ROOT"/docs/*.md >"$T/blocks"
	[ "$(grep -c $'^block.*README.md\t[0-9]*\trun' "$T/blocks")" -ge 4 ]
}

@test "the commands of the documents, with the installed daemons" {
	[ -z "${FAUXROOT_TEST_BUILDKIT:-}" ] || PATH+=:$FAUXROOT_TEST_BUILDKIT
	export PATH=$T/bin:$PATH:$STAND_INS
	# No program of RootlessKit is visible.
	not test -x "$(command -v rootlesskit-docker-proxy)"
	reader 'for file in README.md docs/*.md; do run_document "$file" || exit; done'
}

@test "the commands of README.md, with stand-ins" {
	export PATH=$T/bin:$STAND_INS:$PATH
	reader 'run_document README.md'
}

@test "a command that fails, prints something else, or exits in the background is found" {
	mkdir planted
	try() { # TEXT
		printf '%s\n' "$1" >planted/file.md
		chown -R "$USER_UID" planted
		# shellcheck disable=SC2016 # for the inner shell
		T=$T DEADLINE=2 run setpriv --reuid "$USER_UID" --regid "$USER_GID" --clear-groups bash -c \
			'. "$0" && run_document planted/file.md' "$BATS_TEST_DIRNAME/../../../lib/bash/documents.bash"
	}
	export ROOT
	export -f wait_for gone
	fauxroot() { "$FAUXROOT" "$@" && : ; }
	export -f fauxroot
	try $'```console\n$ fauxroot echo 1 2\n1 2\n```'
	equals 0 "$status"
	try $'```console\n$ fauxroot sh -c "echo 1; echo; echo 22"\n1\n…\n2…\n```'
	equals 0 "$status"
	try $'<!-- status 0 or 3: some -->\n```console\n$ fauxroot sh\n# echo typed; exit 3\ntyped\n```'
	equals 0 "$status"
	try $'<!-- status 0 or 125: some -->\n```console\n$ fauxroot --no-such-option\n```'
	equals 0 "$status"
	try $'```console\n$ fauxroot false\n```'
	equals 1 "$status"
	says "$output" '^planted/file.md:1: status 1 of: fauxroot false'
	try $'```console\n$ fauxroot echo 1\n2\n```'
	equals 1 "$status"
	says "$output" 'does not print the shown output, but:'
	try $'```console\n$ fauxroot false &\n$ sleep 1\n```'
	equals 1 "$status"
	says "$output" 'in the background has exited'
	try $'<!-- not run: planted -->\n```console\n$ make no-such-target\n```'
	equals 1 "$status"
	says "$output" 'unknown target of make: make no-such-target'
	try $'```console\n$ uname\n```'
	equals 1 "$status"
	says "$output" 'planted/file.md:1: no test runs this block'
}
