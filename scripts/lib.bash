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

# Results: one line a suite, "PASSED FAILED SKIPPED NAME", in the file $RESULTS, and what explains the
# failures in $RESULTS.failures. What runs several scripts exports RESULTS and shows both at the end; a
# script by itself keeps and shows its own.
results_begin() {
	OUTERMOST=
	if [ -z "${RESULTS:-}" ]; then
		OUTERMOST=1
		mkdir -p "$BUILD"
		export RESULTS=$BUILD/results.${0##*/}
		: >"$RESULTS"
		: >"$RESULTS.failures"
	fi
	FAILED=0
}

# results_end: the outermost script shows everything. The status is that of all of its suites, or of
# this script's own.
results_end() {
	[ -n "$OUTERMOST" ] || return $((FAILED > 0))
	results_show
	[ -z "$(awk '$2 > 0' "$RESULTS")" ]
}

# results_show: what has failed and why, in little room, for who sees the last lines alone; which
# suites; and as the last line the sum
results_show() {
	local failed
	failed=$(awk '$2 > 0' "$RESULTS")
	if [ -n "$failed" ]; then
		say "the failures again"
		# Where there are too many lines, each failure has its share.
		awk -v room=150 'NR == FNR { lines++ }
			/^(--- |not ok )/ { heads += NR == FNR; n = 0 }
			NR != FNR && n++ < (lines > room ? room / heads + 2 : room)' \
			"$RESULTS.failures" "$RESULTS.failures"
		printf '%s\n' "what has failed (passed, failed, skipped, suite):" "$failed"
	fi
	awk '{ p += $1; f += $2 } END { printf "%d passed, %d failed\n", p, f }' "$RESULTS"
}

# remember NAME FILE: what explains a failure, out of what was said: each "not ok" and the lines below
# it; without one the first lines from an error on; without that the last lines
remember() {
	local most=25 first
	{
		printf -- '--- %s\n' "$1"
		if grep -q '^not ok ' "$2"; then
			awk -v most=$most '/^(not )?ok |^1\.\./ { n = /^not/ ? most + 1 : 0 } n-- > 0' "$2"
		else
			first=$(grep -nm 1 -E '(error|ERROR|warning): |FAILED' "$2" | cut -d: -f1) || :
			[ -n "$first" ] || first=$(($(wc -l <"$2") - most + 1))
			sed -n "$((first > 0 ? first : 1)),$((first + most - 1))p" "$2"
		fi
	} | cut -c 1-400 >>"$RESULTS.failures"
}

# result NAME PASSED FAILED [SKIPPED]; how long it took, in seconds, may be in TOOK
result() {
	local colour=$GREEN
	[ "$3" = 0 ] || colour=$RED
	FAILED=$((FAILED + $3))
	printf '%s %s %s %s\n' "$2" "$3" "${4:-0}" "$1" >>"$RESULTS"
	printf '%s%s: %s passed, %s failed%s%s%s\n' "$colour" "$1" "$2" "$3" \
		"${4:+, $4 skipped}" "${TOOK:+ in $TOOK s}" "$PLAIN"
}

# check NAME COMMAND…: a suite of one; what the command says is shown when it fails, or with V=1
check() {
	local name=$1 log start=$SECONDS TOOK
	shift
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		[ -z "${V:-}" ] || cat "$log"
		TOOK=$((SECONDS - start))
		result "$name" 1 0
	else
		cat "$log"
		remember "$name" "$log"
		result "$name" 0 1
	fi
	rm -f "$log"
}
