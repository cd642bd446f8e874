# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts share: messages, the unprivileged user, places that it can read, and counting.
#
# Everything of fauxroot is made for an ordinary user. As root, the scripts make one (TEST_USER) and
# run things as that user; otherwise they run things as whoever called.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac

if [ "$(id -u)" = 0 ]; then
	TEST_USER=${TEST_USER:-faux}
else
	TEST_USER=$(id -un)
fi

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	BOLD=$'\e[1m' RED=$'\e[31m' GREEN=$'\e[32m' DIM=$'\e[2m' PLAIN=$'\e[0m'
else
	BOLD='' RED='' GREEN='' DIM='' PLAIN=''
fi

say() { printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
	printf '%s: %serror:%s %s\n' "${0##*/}" "$RED" "$PLAIN" "$*" >&2
	exit 1
}

# as_root COMMAND…: with sudo where we are not root, and saying so
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		printf '    %ssudo %s%s\n' "$DIM" "$*" "$PLAIN"
		sudo "$@"
	fi
}

# as_user COMMAND…: as the unprivileged user, with an environment like that of a fresh login
as_user() {
	if [ "$(id -u)" != 0 ]; then
		"$@"
		return
	fi
	local home
	home=$(getent passwd "$TEST_USER" | cut -d: -f6)
	setpriv --reuid="$TEST_USER" --regid="$(id -g "$TEST_USER")" --init-groups --inh-caps=-all \
		env -i HOME="$home" USER="$TEST_USER" LOGNAME="$TEST_USER" SHELL=/bin/bash \
		PATH="$PATH" TERM="${TERM:-dumb}" LANG=C.UTF-8 TMPDIR="${TMPDIR:-/tmp}" \
		XDG_RUNTIME_DIR="/run/user/$(id -u "$TEST_USER")" \
		${CI:+CI="$CI"} ${NO_COLOR:+NO_COLOR="$NO_COLOR"} ${V:+V="$V"} "$@"
}

# stage NAME: set STAGE to a fresh directory that the unprivileged user can read, and go to its tmp:
# the checkout may be in a place that this user can't enter. It is removed at exit.
stage() {
	STAGE=$(mktemp -d "/tmp/fauxroot-$1.XXXXXX")
	chmod 0755 "$STAGE"
	mkdir -m 1777 "$STAGE/tmp"
	trap unstage EXIT
	cd "$STAGE/tmp"
}

unstage() {
	rm -rf "$STAGE"
}

# Results: one line a suite, "PASSED FAILED SKIPPED NAME", in the file $RESULTS. What runs several
# scripts exports RESULTS and adds up at the end; a script by itself keeps its own and says the sum.
results_begin() {
	OUTERMOST=
	if [ -z "${RESULTS:-}" ]; then
		OUTERMOST=1
		mkdir -p "$BUILD"
		export RESULTS=$BUILD/results.${0##*/}
		: >"$RESULTS"
	fi
	FAILED=0
}

# results_end: the sum, for the outermost script; the status is that of this script's own suites
results_end() {
	[ -z "$OUTERMOST" ] || sum "$RESULTS"
	[ "$FAILED" = 0 ]
}

# result NAME PASSED FAILED [SKIPPED]
result() {
	local colour=$GREEN
	[ "$3" = 0 ] || colour=$RED
	FAILED=$((FAILED + $3))
	printf '%s %s %s %s\n' "$2" "$3" "${4:-0}" "$1" >>"$RESULTS"
	printf '%s%s: %s passed, %s failed%s%s\n' "$colour" "$1" "$2" "$3" \
		"${4:+, $4 skipped}" "$PLAIN"
}

# check NAME COMMAND…: a suite of one; what the command says is shown when it fails, or with V=1
check() {
	local name=$1 log
	shift
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		[ -z "${V:-}" ] || cat "$log"
		result "$name" 1 0
	else
		cat "$log"
		result "$name" 0 1
	fi
	rm -f "$log"
}

# sum FILE: the last line of everything
sum() { awk '{ p += $1; f += $2 } END { printf "%d passed, %d failed\n", p, f }' "$1"; }
