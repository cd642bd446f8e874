#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Signals at the system calls of a launch (tests/lib/bash/inject.bash).
#
# seconds: 29

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/inject

setup() {
	inject_setup
}

# Print every call of such a launch as strace's when= counts it: by name and by process. Lines "NAME N".
every_call() { # OPTIONS…
	strace -f -qq -o "$T/trace" -u "$FAUXROOT_TEST_USER" -E "PATH=$PATH" "$FAUXROOT" "$@" true \
		</dev/null >/dev/null 2>&1 3>&- 4>&- || return
	sed -nE 's/^([0-9]+) +([a-z0-9_]+)\(.*/\1 \2/p' "$T/trace" |
		awk '{ n = ++seen[$1, $2]; if (n > most[$2]) { most[$2] = n; print $2, n } }'
}

# Send a signal at each of them; by default at a sample of ROUNDS.
sweep_signal() { # SIGNAL STATUS ROUNDS OPTIONS…
	local signal=$1 status=$2 rounds=$3 calls step nth name n
	shift 3
	mapfile -t calls < <(every_call "$@")
	[ ${#calls[@]} -gt 100 ]
	if sanitized || grep -q '^Seccomp:.2' /proc/self/status; then rounds=$((rounds / 2)); fi
	step=$((${#calls[@]} / rounds + 1))
	[ -z "${FULL:-}" ] || step=1
	for ((nth = 0; nth < ${#calls[@]}; nth += step)); do
		read -r name n <<<"${calls[nth]}"
		inject "inject=$name:signal=$signal:when=$n" "$@"
		# A helper that gets the signal fails the launch, which names it: 125.
		sane "SIG$signal at $name $n" 0 "$status" 125
		round_is_clean "SIG$signal at $name $n"
	done
	echo "${#calls[@]} calls, a round at each $step, hit $hits times"
	[ "$hits" -gt $((${#calls[@]} / step / 4)) ]
}

@test "SIGTERM at the system calls of a launch" {
	sweep_signal TERM 143 60
}

@test "SIGTERM at the system calls of a launch with a network and copied-up directories" {
	sweep_signal TERM 143 60 --net=slirp4netns --copy-up=/etc
}

@test "SIGINT at the system calls of a launch" {
	sweep_signal INT 130 20 --net=none
}

@test "SIGTERM at the system calls of a launch with a PID namespace" {
	sweep_signal TERM 143 20 --pidns
}
