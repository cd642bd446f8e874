#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets LAUNCHER, TARGET
# A PID namespace: our init is PID 1 and forks the command; no process in it outlives either.
# $TARGET is the init's PID, because child_pid contains that.
#
# refused: clone3:init close_range:init
# seconds: 21

load ../lib/bash/common
load ../lib/bash/ports

# inner NAME [PARENT] - print the PID, as the host sees it, of a child of init (or of PARENT)
inner() { child_of "${2:-$TARGET}" "$1"; }

has_inner() { inner "$@" >/dev/null; }

inside() { "$FAUXROOTCTL" --socket "$S/api.sock" exec -- "$@" 3>&- 4>&-; }

zombies() {
	local pid n=0
	while read -r pid; do
		grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null && n=$((n + 1))
	done < <(cat "/proc/$TARGET/task/"*/children | tr ' ' '\n')
	echo $n
}

@test "a working directory in /proc or /sys is in the command's own" {
	# The mounts do not move a process that is in the host's /proc or /sys.
	run -0 sh -c 'cd /proc && "$FAUXROOT" --pidns sh -c "/bin/pwd; cat 1/comm"' 3>&- 4>&-
	equals $'/proc\nfauxroot: init' "$output"
	# The process is not in the PID namespace.
	run -0 sh -c 'cd /proc/self && "$FAUXROOT" --pidns /bin/pwd' 3>&- 4>&-
	equals /proc "$output"
	run -0 sh -c 'cd /sys/class/net && "$FAUXROOT" --net=none sh -c "/bin/pwd; ls"' 3>&- 4>&-
	equals $'/sys/class/net\nlo' "$output"
}

@test "the command is a child of our init, which is PID 1" {
	launch --pidns sh -c 'echo $$ $PPID; exec sleep 1000'
	wait_for has_inner sleep
	grep -q '^[0-9]* 1$' "$OUT"
	equals "fauxroot: init" "$(<"/proc/$TARGET/comm")"
	equals "$LAUNCHER" "$(awk '/^PPid/ { print $2 }' "/proc/$TARGET/status")"
	run -0 inside sh -c 'echo /proc/[0-9]*'
	[[ $output =~ ^/proc/1\ /proc/[0-9]+\ /proc/[0-9]+$ ]]
	equals proc "$(inside stat -fc %T /proc)"
	stop
}

@test "child_pid is the init's PID, whose environ has the three variables" {
	launch --pidns sleep 1000
	wait_for has_inner sleep
	run -0 sh -c 'tr "\0" "\n" <"/proc/$1/environ" | grep ^ROOTLESSKIT_ | sort' sh "$TARGET"
	equals "ROOTLESSKIT_PARENT_EGID=$(id -g)
ROOTLESSKIT_PARENT_EUID=$(id -u)
ROOTLESSKIT_STATE_DIR=$S" "$output"
	equals "$TARGET" "$(curl -sS --max-time 60 --unix-socket "$S/api.sock" http://x/v1/info | jq .childPID)"
	equals "sleep 1000" "$("$FAUXROOTCTL" ps --json | jq -r '.[0].command | join(" ")')"
	stop
}

@test "environment, signals, directory and limits of the command are the caller's" {
	mkdir here
	cd here
	umask 0137
	ulimit -Sn 123
	run -0 nice -n 5 "$FAUXROOT" --pidns sh -c 'pwd; umask; ulimit -Sn; nice'
	equals "$PWD
0137
123
$(nice -n 5 nice)" "$output"
	ulimit -Sn 1024
	umask 022
	cd "$T"
	env -i A=1 PATH="$PATH" "B=two
lines" XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" ASAN_OPTIONS="$ASAN_OPTIONS" \
		"$FAUXROOT" --pidns --state-dir="$S" cat /proc/self/environ >seen 3>&- 4>&-
	printf '%s\0' A=1 PATH="$PATH" "B=two
lines" XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" ASAN_OPTIONS="$ASAN_OPTIONS" >wanted
	cmp wanted <(head -c "$(stat -c %s wanted)" seen)
	# USR2 is 12: bit 11. HUP and INT are 1 and 2. A shell may ignore 32 and 33, which libc reserves
	# for itself: compare the lower 28 bits.
	run -0 env --block-signal=USR2 --ignore-signal=HUP,INT "$FAUXROOT" --pidns \
		awk '/^Sig(Blk|Ign)/ { print $1, substr($2, 10) }' /proc/self/status
	equals "SigBlk: 0000800
SigIgn: 0000003" "$output"
}

@test "exit statuses and deaths by signal, with and without reaping" {
	local reaper n code
	for reaper in true false; do
		for n in 0 1 2 126 128 137 254 255; do
			code=0
			fx --pidns --reaper=$reaper sh -c "exit $n" || code=$?
			equals "$n" "$code"
		done
		for n in 1 2 3 6 9 11 13 15 31 42 64; do
			code=0
			fx --pidns --reaper=$reaper sh -c "ulimit -c 0; kill -$n \$\$" 2>"$LOG" || code=$?
			equals $((128 + n)) "$code"
			logged "signal: "
		done
	done
	code=0
	(exec -a rootlesskit "$FAUXROOT" --pidns sh -c 'kill -KILL $$') 2>"$LOG" || code=$?
	equals 255 "$code"
}

@test "a command that cannot be executed is 126 or 127, and named, with and without reaping" {
	local reaper
	echo text >plain
	for reaper in true false; do
		run -127 fx --pidns --reaper=$reaper no-such-command-here
		one_error "$output" no-such-command-here
		run -126 fx --pidns --reaper=$reaper ./plain
		one_error "$output" '\./plain'
	done
}

@test "every signal that can be forwarded is forwarded, once" {
	launch --pidns "$PROBE" catch 15
	wait_for grep -q ready "$OUT"
	local n sent=()
	for n in 1 2 3 4 5 6 7 8 10 11 12 13 14 16 18 23 24 25 26 27 28 29 30 31 34 50 64; do
		kill -"$n" "$LAUNCHER"
		sent+=("$n")
		wait_for grep -qx "$n" "$OUT"
	done
	# And signals sent to the init.
	kill -USR1 "$TARGET"
	second_usr1() { equals 2 "$(grep -cx 10 "$OUT")" 2>/dev/null; }
	wait_for second_usr1
	kill -15 "$LAUNCHER"
	ended 0
	equals "$(printf '%s\n' ready "${sent[@]}" 10 15)" "$(<"$OUT")"
}

@test "a stopped command stops the launcher; SIGCONT to the launcher continues both" {
	as_job launch --pidns sh -c 'while :; do sleep 0.05; done'
	wait_for has_inner sh
	local command
	command=$(inner sh)
	kill -STOP "$command"
	wait_for process_state "$command" T
	wait_for process_state "$LAUNCHER" T
	kill -CONT "$LAUNCHER"
	wait_for process_state "$command" SR
	wait_for process_state "$LAUNCHER" SR
	# SIGCONT past the launcher, too; and a death while both are stopped is noticed.
	kill -STOP "$command"
	wait_for process_state "$LAUNCHER" T
	kill -CONT "$command"
	wait_for process_state "$LAUNCHER" SR
	kill -STOP "$command"
	wait_for process_state "$LAUNCHER" T
	kill -KILL "$command"
	ended 137
}

@test "a stopped init stops the launcher, and continues with it" {
	as_job launch --pidns sh -c 'while :; do sleep 0.05; done'
	wait_for has_inner sh
	kill -STOP "$TARGET"
	wait_for process_state "$TARGET" T
	wait_for process_state "$LAUNCHER" T
	kill -CONT "$LAUNCHER"
	wait_for process_state "$TARGET" SR
	stop
}

@test "in another session a stopped command does not stop the launcher" {
	as_job launch --pidns setsid sh -c 'echo ready; while :; do sleep 0.05; done'
	wait_for grep -q ready "$OUT"
	local command
	command=$(inner sh)
	kill -STOP "$command"
	wait_for process_state "$command" T
	run -0 curl -sS --max-time 60 --unix-socket "$S/api.sock" http://x/v1/info
	kill -CONT "$LAUNCHER"
	wait_for process_state "$command" SR
	stop
}

@test "stop reports that the command forges do not disturb the launcher" {
	as_job launch --pidns "$FAUXROOT_TEST_TOOLS/forge"
	wait_for grep -q forging "$OUT"
	local look
	for look in {1..20}; do
		run -0 curl -sS --max-time 20 --unix-socket "$S/api.sock" -o answer http://x/v1/info
		not process_state "$LAUNCHER" T
	done
	# A real stop is still recognized.
	local forger
	forger=$(inner forge)
	kill -STOP "$forger"
	wait_for process_state "$LAUNCHER" T
	kill -CONT "$forger"
	wait_for process_state "$LAUNCHER" RS
	kill -KILL "$forger"
	ended 137
}

@test "stop reports that the command forges before it exits do not stop the launcher" {
	as_job launch --pidns "$FAUXROOT_TEST_TOOLS/forge" --exit
	wait_for grep -q forging "$OUT"
	local forger
	forger=$(inner forge)
	# The launcher reads all reports at once, with the exit among them.
	kill -STOP "$LAUNCHER"
	wait_for process_state "$LAUNCHER" T
	kill -USR1 "$forger"
	wait_for gone "$forger"
	kill -CONT "$LAUNCHER"
	ended 7
}

@test "in a service the launcher does not stop, because nobody would continue it; SIGCONT also reaches init" {
	local command
	as_service launch --pidns sh -c 'echo ready; while :; do sleep 0.05; done'
	wait_for grep -q ready "$OUT"
	command=$(inner sh)
	kill -STOP "$command" "$TARGET"
	wait_for process_state "$command" T
	wait_for process_state "$TARGET" T
	run -0 curl -sS --max-time 60 --unix-socket "$S/api.sock" http://x/v1/info
	not process_state "$LAUNCHER" T
	process_state "$TARGET" T
	kill -CONT "$LAUNCHER"
	wait_for process_state "$command" SR
	wait_for process_state "$TARGET" SR
	stop
}

# A setsid child, a process of another uid, and an orphan.
crowd() {
	launch --pidns "$@" sh -c '
		setsid sleep 300 &
		setpriv --reuid 1000 --regid 1000 --clear-groups sleep 300 &
		(sleep 300 & exit 0)
		while ! [ "$(pgrep -c sleep)" = 3 ]; do sleep 0.01; done
		echo ready
		read -r word <fifo'
	wait_for grep -q ready "$OUT"
	mapfile -t CROWD < <(
		cat "/proc/$TARGET/task/"*/children "/proc/$(inner sh)/task/"*/children | tr ' ' '\n' | grep .
	)
	equals 4 ${#CROWD[@]}
}

@test "SIGKILL to the launcher kills everything, with and without reaping" {
	local reaper pid
	mkfifo fifo
	for reaper in true false; do
		crowd --reaper=$reaper
		kill -KILL "$LAUNCHER"
		ended 137
		wait_for gone "$TARGET"
		for pid in "${CROWD[@]}"; do
			wait_for gone "$pid"
		done
		rm -rf "$S"
	done
}

@test "when the command has exited, all processes in the namespace have exited" {
	local reaper pid
	mkfifo fifo
	for reaper in true false; do
		crowd --reaper=$reaper
		echo go >fifo
		ended 0
		for pid in "${CROWD[@]}"; do
			gone "$pid"
		done
	done
}

@test "SIGKILL to the init kills all with 137" {
	launch --pidns --net=slirp4netns sleep 1000
	wait_for has_inner sleep
	local command
	command=$(inner sleep)
	kill -KILL "$TARGET"
	ended 137
	gone "$command"
}

@test "the network's helper, forwarder and agent killed: all are restarted" {
	free_port
	launch --pidns --net=slirp4netns --port-driver=builtin -p "127.0.0.1:$PORT:7000/tcp" "$PORTCHECK" serve :: 7000
	wait_for grep -q serving "$OUT"
	works() { timeout 60 "$PORTCHECK" churn 127.0.0.1 "$PORT" 3 2>/dev/null; }
	works
	kill -KILL "$(child_of "$LAUNCHER" slirp4netns)"
	wait_for logged 'slirp4netns started again'
	child_of "$LAUNCHER" slirp4netns
	local part
	for part in 'fauxroot: ports' 'fauxroot: agent'; do
		kill -KILL "$(child_of "$LAUNCHER" "$part")"
		wait_for works
	done
	stop
}

@test "ps shows the role of each process of a launch, and its environment is complete" {
	local pid long
	free_port
	printf -v long '%09000d' 0
	LONG=$long launch --pidns --net=slirp4netns --port-driver=builtin \
		-p "127.0.0.1:$PORT:7000/tcp" sh -c "exec sleep 1000" "two words" ""
	words_of() { tr '\0' '|' <"/proc/$1/cmdline"; }
	shows() { # PID PATTERN
		# shellcheck disable=SC2254 # a pattern
		case $(words_of "$1") in $2) ;; *) return 1 ;; esac
	}
	# Init shows its own name after it has removed its arguments.
	wait_for shows "$TARGET" "fauxroot: init|sh|-c|exec sleep 1000|two words|*"
	not grep -qE '[0-9],[0-9]' "/proc/$TARGET/cmdline"
	wait_for child_of "$LAUNCHER" 'fauxroot: agent'
	for pid in "$LAUNCHER" "$TARGET" $(child_of "$LAUNCHER" 'fauxroot: ports'); do
		tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "LONG=$long"
		tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "FAUXROOT_TEST_MARK=$FAUXROOT_TEST_MARK"
	done
	equals 'fauxroot: ports|' "$(words_of "$(child_of "$LAUNCHER" 'fauxroot: ports')")"
	equals 'fauxroot: agent|' "$(words_of "$(child_of "$LAUNCHER" 'fauxroot: agent')")"
	shows "$LAUNCHER" "$FAUXROOT|--state-dir=$S|--pidns|*|sh|-c|exec sleep 1000|two words||"
	run -0 "$FAUXROOTCTL" ps
	grep -qE "$LAUNCHER +- +sh -c exec sleep 1000 two words +slirp4netns" <<<"$output"
	stop
}

# In an outer user namespace whose mounts the test can change.
outer() { # SHELL COMMAND…
	unshare --user --map-root-user --mount sh -c "$1"' && shift && exec "$@"' sh "$@" 3>&- 4>&-
}

# numbers_fixed COMMAND… - run it where the only unmasked proc is read-only, so that the next PID of a
# namespace cannot be set
numbers_fixed() {
	mkdir -p whole
	run -0 outer 'mount --rbind /proc whole && mount -o remount,bind,ro whole && mount -t tmpfs none /proc/sys' \
		"$@"
}

@test "the PIDs of each namespace begin at a random number, the command's children's, too" {
	local numbers first
	for _ in 1 2 3 4; do
		numbers+=" $(fx --pidns sh -c 'echo $$; sh -c "echo \$\$"; true' | tr '\n' ' ')"
	done
	for first in $numbers; do
		[ "$first" -ge 1000 ]
		[ "$first" -le 31000 ]
	done
	# Eight of 29,000: two equal ones are unlikely.
	[ "$(tr ' ' '\n' <<<"$numbers" | grep . | sort -u | wc -l)" -ge 7 ]
}

@test "endless double forks (FULL=1: 100,000) leave no zombie, and the status is right" {
	local n=5000
	! sanitized || n=1000
	[ -z "${FULL:-}" ] || n=100000
	launch --pidns sh -c '"$PROBE" forks '$n'; echo "done $?"; exec sleep 1000'
	DEADLINE=$((FULL ? 1500 : 250)) wait_for grep -q '^done 7' "$OUT"
	no_zombie() { equals 0 "$(zombies)" 2>/dev/null; }
	wait_for no_zombie
	stop
	run -7 fx --pidns "$PROBE" forks 500
	run -7 fx --pidns --reaper=false "$PROBE" forks 500
}

@test "--reaper=false leaves orphans as zombies, and reaps the command" {
	launch --pidns --reaper=false sh -c '"$PROBE" forks 50; echo "done $?"; exec sleep 1000'
	wait_for grep -q '^done 7' "$OUT"
	fifty() { equals 50 "$(zombies)" 2>/dev/null; }
	wait_for fifty
	stop
}

@test "a namespace of 400 PIDs is enough for any number of orphans" {
	# Linux 6.14 gave each PID namespace a limit of its own.
	if [ "$(printf '%s\n' 6.14 "$(uname -r)" | sort -V | head -n 1)" != 6.14 ]; then
		skip "pid_max is the whole machine's"
	fi
	run -7 fx --pidns sh -c 'echo 400 >/proc/sys/kernel/pid_max && exec "$PROBE" forks 2000'
}

# ---- descriptors ----

compare_fds() { # OPTIONS…
	"$PROBE" fds "$T/plain" 3>&- 4>&-
	"$FAUXROOT" --pidns "$@" "$PROBE" fds "$T/fauxroot" 3>&- 4>&-
	diff "$T/plain" "$T/fauxroot"
}

@test "the command has the caller's descriptors and no other; the init has none of them" {
	exec 9<"$FAUXROOT" 100>"$T/hundred"
	compare_fds --net=slirp4netns --copy-up=/etc
	compare_fds --debug --reaper=false
	grep -q '^100 .*/hundred$' "$T/fauxroot"
	launch --pidns sleep 1000
	wait_for has_inner sleep
	run -0 find "/proc/$TARGET/fd" -mindepth 1 -printf '%f %l\n'
	equals "0 /dev/null
1 /dev/null
2 /dev/null" "$(grep -E '^[012] ' <<<"$output" | sort)"
	not grep -vE '^[012] /dev/null$|^[0-9]+ (anon_inode:\[(signalfd|pidfd)\]|pidfd:.*|socket:.*)$' <<<"$output"
	equals 1 "$(grep -c socket: <<<"$output")"
	equals / "$(readlink "/proc/$TARGET/cwd")"
	stop
	exec 9<&- 100>&-
}

@test "stdin, stdout and stderr closed, each and all" {
	local closed code
	for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
		code=0
		eval '"$FAUXROOT" --pidns sh -c "exit 21"' 3\>\&- 4\>\&- "$closed" || code=$?
		equals 21 "$code"
	done
	"$PROBE" fds "$T/plain" <&- 3>&- 4>&-
	"$FAUXROOT" --pidns "$PROBE" fds "$T/fauxroot" <&- 3>&- 4>&-
	diff "$T/plain" "$T/fauxroot"
}

@test "LISTEN_FDS descriptors arrive at 3, LISTEN_PID is the command's PID in the namespace" {
	echo first >f1
	echo second >f2
	run -0 sh -c 'exec 3<f1 4<f2; LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a:b exec "$FAUXROOT" --pidns sh -c "
		[ \"\$LISTEN_PID\" = \$\$ ] && echo \$LISTEN_PID \$LISTEN_FDS \$LISTEN_FDNAMES && cat <&3 <&4 && cat <&3"'
	[[ ${lines[0]} =~ ^[0-9]+\ 2\ a:b$ ]]
	equals "second first" "${lines[*]:1}"
	# Another process's LISTEN_PID is not passed on: the command may have the same PID inside.
	LISTEN_PID=2 LISTEN_FDS=2 WATCHDOG_PID=2 numbers_fixed "$FAUXROOT_TEST_TOOLS/refuse" clone3 -- \
		"$FAUXROOT" --idmap=single --pidns sh -c 'echo "$$:$LISTEN_PID:$WATCHDOG_PID"'
	equals "2::" "$output"
	local value
	for value in 999999 -1 x "" 0; do
		run -0 sh -c 'LISTEN_PID=$$ LISTEN_FDS=$1 exec "$FAUXROOT" --pidns sh -c \
			"[ \"\$LISTEN_PID\" != \$\$ ]" 3>&- 4>&-' sh "$value"
	done
}

@test "SIGCHLD ignored by the caller: the status is right, the command gets the default" {
	run -42 env --ignore-signal=CHLD "$FAUXROOT" --pidns sh -c \
		'grep -q "^SigIgn:.*0$" /proc/self/status && exit 42'
}

# ---- faults ----

@test "our executable may be unreadable, and deleted before the init is executed" {
	export T
	cp "$FAUXROOT" "$T/secret"
	chmod 0111 "$T/secret"
	run -5 "$T/secret" --pidns sh -c 'exit 5'
	run -127 "$T/secret" --pidns no-such-command-here
	# The launcher runs newuidmap before the child begins.
	mkdir bin
	printf '#!/bin/sh\nrm -f "$T/gone"; exec %s "$@"\n' "$(command -v newuidmap)" >bin/newuidmap
	chmod +x bin/newuidmap
	cp "$FAUXROOT" "$T/gone"
	PATH=$PWD/bin:$PATH run -6 "$T/gone" --pidns sh -c 'exit 6'
	absent "$T/gone"
	# Replaced by another file.
	printf '#!/bin/sh\ncp /bin/false "$T/other"; mv "$T/other" "$T/gone"; exec %s "$@"\n' \
		"$(command -v newuidmap)" >bin/newuidmap
	cp "$FAUXROOT" "$T/gone"
	PATH=$PWD/bin:$PATH run -6 "$T/gone" --pidns sh -c 'exit 6'
	cmp "$T/gone" /bin/false
}

@test "where parts of /proc are masked the launch fails with a message, and nothing is started" {
	run -125 outer 'mount -t tmpfs none /proc/sys' "$FAUXROOT" --idmap=single --pidns touch started
	one_error "$output" 'mounting proc.* on /proc: Operation not permitted'
	absent started
}

@test "if the only complete /proc is read-only, ours is read-only, and the command still gets a random PID" {
	local command='echo "$$ $(sh -c "echo \$\$")"; tail -n 1 /proc/self/mounts' kind='but the command has PID'
	numbers_fixed "$FAUXROOT" --debug --idmap=single --pidns sh -c "$command"
	says "$output" '^proc /proc proc ro,'
	# Where the filter around this test refuses clone3, the next test's result applies.
	if grep -q '^Seccomp:.2' /proc/self/status && grep -qx '2 3' <<<"$output"; then
		kind="and a stale pid file may contain the command's PID,"
	else
		says "$output" '^([3-9]|[0-9]{2,5}) 2$'
	fi
	says "$output" "debug: PIDs begin at 2, $kind [0-9]+: writing /proc/sys/kernel/ns_last_pid: Read-only file system"
}

@test "without clone3 the launch continues with PID 2" {
	numbers_fixed "$FAUXROOT_TEST_TOOLS/refuse" clone3 -- "$FAUXROOT" --debug --idmap=single --pidns \
		sh -c 'echo "$$ $(sh -c "echo \$\$")"'
	says "$output" '^2 3$'
	says "$output" "debug: PIDs begin at 2, and a stale pid file may contain the command's PID, 2: writing "
}

@test "a command that writes to the socket of init's reports: its exit status still counts" {
	cat >hostile <<-'END'
		my $init = syscall(434, 1, 0); # pidfd_open
		my $sent = 0;
		for my $fd (3 .. 63) {
			my $copy = syscall(438, $init, $fd, 0); # pidfd_getfd
			next if $copy < 0;
			open(my $socket, "+<&=", $copy) or next;
			for my $record (pack("Ll", 1, 0), pack("Ll", 2, 0x77777777), pack("Ll", 99, 0), "x" x 5000, "x", "") {
				$sent++ if defined(send($socket, $record, 0x40));
			}
		}
		exit($sent ? 5 : 6);
	END
	run -5 fx --pidns perl hostile
	says "$output" 'invalid report from init; using its exit status'
}

# ---- fauxrootctl exec ----

@test "exec joins the PID namespace, too, from outside and from inside" {
	launch --pidns --net=none sleep 1000
	wait_for has_inner sleep
	local ns
	for ns in user mnt net pid; do
		equals "$(readlink "/proc/$TARGET/ns/$ns")" "$(inside readlink "/proc/self/ns/$ns")"
	done
	equals "$(inside readlink /proc/1/ns/pid)" "$(inside "$FAUXROOTCTL" exec readlink /proc/self/ns/pid)"
	equals "0 $T" "$(inside sh -c 'echo $PPID $(pwd)')"
	equals "$(sh -c 'echo $(ls /proc/self/fd)' 3>&- 4>&-)" "$(inside sh -c 'echo $(ls /proc/self/fd)')"
	stop
}

@test "exec: statuses and deaths by signal are the command's" {
	launch --pidns sleep 1000
	local status
	for status in 0 1 7 125 255; do
		run -$status inside sh -c "exit $status"
	done
	run -127 inside no-such-program
	run -126 inside /etc/passwd
	for status in 1 9 15 34; do
		run -$((128 + status)) inside sh -c "kill -$status \$\$"
	done
	# It died of the signal, and did not exit with a matching status.
	run -0 perl -e 'system(@ARGV); print $? & 127' "$FAUXROOTCTL" --socket "$S/api.sock" exec sh -c 'kill -TERM $$'
	equals 15 "$output"
	stop
}

# A process whose parent is outside and does not reap it delays the end of the namespace.
@test "exec: the error names a PID namespace that is ending" {
	launch --pidns sleep 1000
	"$FAUXROOTCTL" --socket "$S/api.sock" exec sleep 1000 3>&- 4>&- &
	local parent=$! command
	wait_for child_of "$parent" sleep
	command=$(child_of "$parent" sleep)
	kill -STOP "$parent"
	kill -KILL "$TARGET"
	wait_for process_state "$command" Z
	# The leak checker would need a new process, too.
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 run -125 inside true
	one_line "$output" "^error: the instance's PID namespace accepts no new process: the instance is ending"
	kill -CONT "$parent"
	ended 137
	wait "$parent" || true
}

@test "exec: signals and stops are passed on; it ends with its command, and both with the instance" {
	launch --pidns sleep 1000
	set -m
	"$FAUXROOTCTL" --socket "$S/api.sock" exec "$PROBE" catch 15 </dev/null >caught 3>&- 4>&- &
	local client=$! command status=0
	set +m
	wait_for grep -q ready caught
	kill -USR1 $client
	wait_for grep -qx 10 caught
	command=$(child_of $client probe)
	kill -STOP "$command"
	wait_for process_state $client T
	kill -CONT $client
	wait_for process_state "$command" SR
	kill -TERM $client
	wait $client || status=$?
	equals 0 $status

	"$FAUXROOTCTL" --socket "$S/api.sock" exec sleep 200 </dev/null 3>&- 4>&- &
	client=$!
	wait_for child_of $client sleep
	command=$(child_of $client sleep)
	kill -KILL $client
	wait_for gone "$command"

	"$FAUXROOTCTL" --socket "$S/api.sock" exec sleep 200 </dev/null 3>&- 4>&- &
	client=$!
	wait_for child_of $client sleep
	stop
	status=0
	wait $client || status=$?
	equals 137 $status
}

@test "an init with invalid arguments fails, and does not crash" {
	run -125 fx unshare --fork --pid bash -c 'ulimit -c 0; exec -a "fauxroot: init" "$FAUXROOT" x true'
}
