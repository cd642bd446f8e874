#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# buildctl-daemonless.sh ARGUMENT…: run buildctl with a buildkitd of its own, which lives as long as the command
#
#	BUILDKITD_FLAGS  options of buildkitd
#	BUILDKITD, BUILDCTL, ROOTLESSKIT
#	                 the programs, with their first arguments; root needs no ROOTLESSKIT (fauxroot)
#	BUILDCTL_CONNECT_RETRIES_MAX
#	                 the number of attempts, ten a second, until buildkitd must be ready
set -eu
: "${BUILDCTL=buildctl}" "${BUILDKITD=buildkitd}" "${BUILDKITD_FLAGS=}" "${ROOTLESSKIT=fauxroot}"
: "${BUILDCTL_CONNECT_RETRIES_MAX=300}"

if [ "$(id -u)" = 0 ]; then
	address=unix:///run/buildkit/buildkitd.sock
	ROOTLESSKIT=
else
	address=unix://${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/buildkit/buildkitd.sock
fi
log=$(mktemp "${TMPDIR:-/tmp}/buildctl-daemonless.XXXXXX")

# The variables contain words.
# shellcheck disable=SC2086
$ROOTLESSKIT $BUILDKITD $BUILDKITD_FLAGS --addr="$address" >"$log" 2>&1 &
daemon=$! command=

finish() {
	status=$?
	trap - EXIT
	[ -z "$command" ] || kill "$command" 2>/dev/null || :
	kill $daemon 2>/dev/null || :
	wait || :
	rm -f "$log"
	exit $status
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# $1: why
give_up() {
	echo "buildctl-daemonless.sh: buildkitd at $address $1; its log:" >&2
	cat "$log" >&2
	exit 1
}

tries=0
until $BUILDCTL --addr="$address" debug workers >/dev/null 2>&1; do
	kill -0 $daemon 2>/dev/null || give_up "has exited"
	[ $tries -lt "$BUILDCTL_CONNECT_RETRIES_MAX" ] || give_up "does not answer"
	tries=$((tries + 1))
	sleep 0.1
done
# In the background, so that a signal ends the wait at once. A command in the background has /dev/null as its
# standard input, before any redirection.
exec 3<&0
$BUILDCTL --addr="$address" "$@" <&3 3<&- &
command=$!
status=0
wait $command || status=$?
command=
(exit $status)
