#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the kernel of this machine lacks, tried with real system calls; and that fauxroot works without it.

load ../lib/bash/common
load ../lib/bash/machine

FEATURES=${FAUXROOT%/*}/tests/lib/features
PAGE=$BATS_TEST_DIRNAME/../../docs/platforms.md

setup() {
	machine_setup
}

teardown() {
	:
}

# has NAME - does this kernel have the feature?
has() {
	"$FEATURES" | grep -qx "$1 yes"
}

# is_since VERSION - is this kernel that version or newer?
is_since() {
	[ "$(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1)" = "$1" ]
}

@test "docs/platforms.md names the features that this kernel lacks" {
	local name version rows=0
	"$FEATURES" | tee /srv/results/features
	while IFS='|' read -r _ name version _; do
		name=${name#*\`} name=${name%%\`*}
		version=${version// /}
		grep -qE "^$name (yes|no)\$" /srv/results/features || { echo "unknown: $name"; return 1; }
		if is_since "$version"; then has "$name"; else ! has "$name"; fi || {
			echo "$name: not as in the table on $(uname -r)"
			return 1
		}
		rows=$((rows + 1))
	done < <(sed -n '/^| feature | since /,/^$/p' "$PAGE" | sed 1,2d | grep .)
	equals "$(wc -l </srv/results/features)" "$rows"
}

# traced FILTER OPTION… - print the system calls of a launch by the user
traced() {
	local filter=$1
	shift
	RUN=$(mktemp -d /tmp/kernel.XXXXXX)
	chown "$FAUX:" "$RUN"
	strace -u "$FAUX" -f -qq -e signal=none -e trace="$filter" -o "$T/trace" \
		env HOME="$RUN" XDG_RUNTIME_DIR="$RUN" "$FAUXROOT" "$@" >/dev/null || return
	rm -r "$RUN"
	cat "$T/trace"
}

@test "a launch with everything tries the newer calls, and works whether or not they are there" {
	local calls
	calls=$(traced memfd_create,close_range,open_tree,openat2 \
		--net=slirp4netns --port-driver=builtin --disable-host-loopback --pidns --copy-up=/etc --copy-up=/run true)
	echo "$calls"
	says "$calls" 'open_tree\(.* = [0-9]'
	says "$calls" 'openat2\(.* = [0-9]'
	says "$calls" 'close_range\(.* = 0'
	if has MFD_NOEXEC_SEAL; then
		says "$calls" 'memfd_create\(.*(NOEXEC_SEAL|0x8).* = [0-9]'
	else
		says "$calls" 'memfd_create\(.*(NOEXEC_SEAL|0x8).* = -1 EINVAL'
		says "$calls" 'memfd_create\(.*, MFD_CLOEXEC\) = [0-9]'
	fi
}

@test "a log line goes to a pipe whose reader has stopped, with RWF_NOWAIT on pipes or without" {
	local calls
	# An opened name of a pipe, as of >(…), would not have the feature.
	set -o pipefail
	traced pwritev2,splice --net=slirp4netns --debug true 2>&1 >calls | cat >/dev/null
	calls=$(<calls)
	if has 'RWF_NOWAIT on pipes'; then
		says "$calls" 'pwritev2\(.* = [0-9]'
	else
		says "$calls" 'pwritev2\(.* = -1 EOPNOTSUPP'
		says "$calls" 'splice\(.* = [0-9]'
	fi
}
