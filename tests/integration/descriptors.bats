#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Descriptors: the target gets none of ours and all of the caller's.
#
# refused: clone3:ports close_range:agent

load ../lib/bash/common

# The target must see the same descriptors as a plain program of the same caller: bats and the machine
# may have their own open.
compare_fds() { # OPTIONS…
	"$PROBE" fds "$T/plain" 3>&- 4>&-
	"$FAUXROOT" "$@" "$PROBE" fds "$T/fauxroot" 3>&- 4>&-
	diff "$T/plain" "$T/fauxroot"
}

@test "the target has the caller's descriptors and no other" {
	compare_fds
	compare_fds --net=none --copy-up=/etc
	compare_fds --net=slirp4netns --copy-up=/etc --copy-up=/run
	compare_fds --debug --state-dir="$S"
}

@test "descriptors 9 and 100 of the caller pass through" {
	exec 9<"$FAUXROOT" 100>"$T/hundred"
	compare_fds --net=slirp4netns
	grep -q '^9 ' "$T/fauxroot"
	grep -q '^100 .*/hundred$' "$T/fauxroot"
	run -0 fx sh -c 'echo written >/proc/self/fd/100'
	equals written "$(<"$T/hundred")"
	exec 9<&- 100>&-
}

@test "process substitution and a pipe as descriptor work" {
	run -0 fx cat <(echo one) <(echo two)
	equals "one
two" "$output"
}

@test "a descriptor that the target closes is closed: launcher and init hold no copy" {
	local mode reader
	mkfifo fifo
	for mode in --pidns=false --pidns; do
		cat fifo >/dev/null 3>&- 4>&- &
		reader=$!
		launch $mode --net=slirp4netns --port-driver=builtin sh -c 'exec 9>&- sleep 1000' 9>fifo
		wait_for gone $reader
		equals "/dev/null
/dev/null" "$(readlink "/proc/$LAUNCHER/fd/0" "/proc/$LAUNCHER/fd/1")"
		stop
	done
}

@test "no helper has a directory outside or a namespace open, nor has the launcher" {
	launch --net=slirp4netns --state-dir="$S" sleep 1000
	local helper
	helper=$(child_of "$LAUNCHER" slirp4netns)
	# Above all the lock: a helper that held it would keep it after the launcher's death.
	run ls -l "/proc/$helper/fd"
	[[ $output != *"$S/lock"* ]]
	[[ $output != *"user:["* ]]
	stop
}

@test "stdin, stdout and stderr closed, each and all" {
	local closed code
	for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-' '<&- >&-' '>&- 2>&-'; do
		code=0
		eval '"$FAUXROOT" --net=slirp4netns sh -c "exit 21"' 3\>\&- 4\>\&- "$closed" || code=$?
		equals 21 "$code"
	done
}

@test "a closed stdin stays closed for the target, and is not reused by the launcher" {
	"$PROBE" fds "$T/plain" <&- 3>&- 4>&-
	"$FAUXROOT" "$PROBE" fds "$T/fauxroot" <&- 3>&- 4>&-
	diff "$T/plain" "$T/fauxroot"
}

@test "stderr closed: a failure still has its exit status" {
	local code=0
	"$FAUXROOT" no-such-command-here 2>&- || code=$?
	equals 127 "$code"
}

@test "a broken pipe on stderr does not kill the launcher" {
	run -0 bash -c '"$FAUXROOT" --debug true 2> >(exec <&-; sleep 0)'
}

# LISTEN_FDS: man 3 sd_listen_fds

@test "LISTEN_FDS descriptors arrive at 3, LISTEN_PID is the target's own" {
	echo first >f1
	echo second >f2
	run -0 sh -c 'exec 3<f1 4<f2; LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a:b exec "$FAUXROOT" sh -c "
		[ \"\$LISTEN_PID\" = \$\$ ] && echo \$LISTEN_FDS \$LISTEN_FDNAMES && cat <&3 <&4 && cat <&3"'
	says "$output" '^2 a:b$'
	says "$output" '^second$'
	says "$output" '^first$'
}

@test "LISTEN_FDS descriptors do not stay open in a helper" {
	echo x >f1
	sh -c 'exec 3<f1; LISTEN_PID=$$ LISTEN_FDS=1 exec "$FAUXROOT" --state-dir="$1" \
		--net=slirp4netns sleep 1000' sh "$S" </dev/null >"$OUT" 2>"$LOG" 4>&- &
	LAUNCHER=$!
	wait_for test -s "$S/child_pid"
	local helper
	helper=$(child_of "$LAUNCHER" slirp4netns)
	run ls -l "/proc/$helper/fd"
	[[ $output != *"$T/f1"* ]]
	stop
}

@test "another process's LISTEN_PID is ignored, and the variables are not passed on" {
	LISTEN_PID=1 LISTEN_FDS=2 run -0 fx sh -c 'echo "[$LISTEN_PID][$LISTEN_FDS]"'
	[[ $output = "[][]" || $output = "[1][2]" ]]
	# Variables that are passed on must not claim to be for the target.
	LISTEN_PID=1 LISTEN_FDS=2 run -0 fx sh -c '[ "$LISTEN_PID" != $$ ]'
}

@test "invalid values of LISTEN_FDS: 999999, -1, x, empty, 2^32: no crash, no descriptors passed" {
	local value
	for value in 999999 -1 x "" 4294967297 0 1x; do
		run -0 sh -c 'LISTEN_PID=$$ LISTEN_FDS=$1 exec "$FAUXROOT" sh -c \
			"case \$LISTEN_PID in \$\$) echo claims \$LISTEN_FDS ;; esac; exit 0" 3>&- 4>&-' \
			sh "$value"
		# There are no such descriptors, so none is the correct answer.
		[[ $output != *claims*999999* && $output != *claims*x* && $output != *claims*-1* ]]
	done
}

@test "a limit of 64 descriptors is enough, and the target keeps its own limit" {
	run -0 sh -c 'ulimit -n 64; exec "$FAUXROOT" --net=slirp4netns --copy-up=/etc sh -c "ulimit -Sn"' 3>&- 4>&-
	equals 64 "$output"
}

@test "without free descriptors: one clear line and 125, nothing left" {
	local n
	for n in 4 6 8 10; do
		run sh -c 'ulimit -n '$n'; exec "$FAUXROOT" --net=slirp4netns true' 3>&- 4>&-
		[ "$status" -eq 125 ] || [ "$status" -eq 127 ]
		[ "${#lines[@]}" -ge 1 ]
	done
}
