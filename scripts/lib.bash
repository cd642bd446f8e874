# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Functions that the scripts share: messages, the unprivileged user, readable directories, and counting.
#
# fauxroot is for unprivileged users. As root, the scripts create one (TEST_USER) and run commands as that
# user; otherwise they run commands as the caller.

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

# as_root COMMAND…: run it as root, through a visible sudo when the caller is not root
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		printf '    %ssudo %s%s\n' "$DIM" "$*" "$PLAIN"
		sudo "$@"
	fi
}

# as_user COMMAND…: run it as the unprivileged user, with the environment of a fresh login
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

# free_port: print a port of 127.0.0.1 where nobody listens now
free_port() {
	local port=$((20000 + RANDOM % 10000))
	while (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
	echo $port
}

# stage NAME: set STAGE to a new directory that the unprivileged user can read, and enter its tmp. That
# user may not be able to enter the checkout. The directory is removed at exit.
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

# Results: one line a suite, "PASSED FAILED SKIPPED NAME", in the file $RESULTS, and the explanation of
# failures in $RESULTS.failures. A script that runs several scripts exports RESULTS and shows both at the
# end; a single script keeps and shows its own.
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

# results_end: the outermost script shows everything. The status is that of all its suites, or of this
# script alone.
results_end() {
	[ -n "$OUTERMOST" ] || return $((FAILED > 0))
	results_show
	[ -z "$(awk '$2 > 0' "$RESULTS")" ]
}

# results_show: repeat the failures and their explanation briefly, for a reader of the last lines; list the
# failed suites; print the sum in the last line
results_show() {
	local failed
	failed=$(awk '$2 > 0' "$RESULTS")
	if [ -n "$failed" ]; then
		say "failures, repeated"
		# When there are too many lines, each failure gets an equal share.
		awk -v room=150 'NR == FNR { lines++ }
			/^(--- |not ok )/ { heads += NR == FNR; n = 0 }
			NR != FNR && n++ < (lines > room ? room / heads + 2 : room)' \
			"$RESULTS.failures" "$RESULTS.failures"
		printf '%s\n' "failed suites (passed, failed, skipped, suite):" "$failed"
	fi
	awk '{ p += $1; f += $2 } END { printf "%d passed, %d failed\n", p, f }' "$RESULTS"
}

# remember NAME FILE: keep the explanation of a failure, from its output: each "not ok" and the lines that
# follow it; without one, the lines from the first error on; without an error, the last lines
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

# result NAME PASSED FAILED [SKIPPED]: report a suite; TOOK may be its duration in seconds
result() {
	local colour=$GREEN
	[ "$3" = 0 ] || colour=$RED
	FAILED=$((FAILED + $3))
	printf '%s %s %s %s\n' "$2" "$3" "${4:-0}" "$1" >>"$RESULTS"
	printf '%s%s: %s passed, %s failed%s%s%s\n' "$colour" "$1" "$2" "$3" \
		"${4:+, $4 skipped}" "${TOOK:+ in $TOOK s}" "$PLAIN"
}

# result_of NAME LOG: report what another script has run. The last line of LOG is the sum of its results; LOG.status has
# its status and its seconds.
result_of() {
	local status passed failed TOOK
	read -r status TOOK <"$2.status"
	read -r passed failed < <(tail -n 1 "$2" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p') || :
	passed=${passed:-0} failed=${failed:-0}
	if [ "$status" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
	if [ "$failed" != 0 ] || [ -n "${V:-}" ]; then cat "$2"; fi
	[ "$failed" = 0 ] || remember "$1" "$2"
	result "$1" "$passed" "$failed"
}

# check NAME COMMAND…: a suite of one test; its output is shown when it fails, or with V=1
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
