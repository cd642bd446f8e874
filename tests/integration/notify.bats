#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets stderr
# sd_notify(3) without a service manager: a test program listens in its place.

load ../lib/bash/common

NOTIFY=$FAUXROOT_TEST_TOOLS/notify

setup() {
	common_setup
	HEARD=$T/heard
	MANAGER=
}

teardown() {
	[ -z "$MANAGER" ] || kill -KILL "$MANAGER" 2>/dev/null || true
	common_teardown
}

# manager [ADDRESS] - listen at NOTIFY_SOCKET; received messages are in $HEARD
manager() {
	export NOTIFY_SOCKET=${1:-$T/manager}
	# Ignore the first line of an earlier manager.
	: >"$HEARD"
	"$NOTIFY" listen "$NOTIFY_SOCKET" >"$HEARD" 2>&1 3>&- 4>&- 5>&- &
	MANAGER=$!
	wait_for grep -q listening "$HEARD"
}

# heard TEXT - exactly one received message is TEXT, and $LAUNCHER is its sender
heard() {
	grep -qxF -- "$LAUNCHER $(id -u) $1" "$HEARD"
}

# heard_nothing_from PID
heard_nothing_from() {
	not grep -q "^$1 " "$HEARD"
}

@test "messages reach the manager with the launcher as sender; the target's main PID is the launcher's" {
	manager
	launch sh -c '"$0" send "READY=1\nSTATUS=up as $$\nMAINPID=$$\nX_UNKNOWN=1" &&
		echo "$NOTIFY_SOCKET" && exec sleep 1000' "$NOTIFY"
	wait_for heard "0 READY=1|STATUS=up as $TARGET|MAINPID=$LAUNCHER|X_UNKNOWN=1"
	heard_nothing_from "$TARGET"
	wait_for grep -qx "$S/notify" "$OUT"
	equals 600 "$(stat -c %a "$S/notify")"
	stop
	absent "$S"
}

@test "READY is sent when API, ports and child_pid exist, from every network and with copy-up" {
	manager
	local options
	for options in --net=host --net=none --net=slirp4netns "--net=none --pidns" \
		"--net=slirp4netns --detach-netns" "--pidns --utsns --ipcns --cgroupns"; do
		# shellcheck disable=SC2086
		run -0 fx $options --copy-up=/etc --copy-up=/run --state-dir="$S" sh -c '
			test -S "$ROOTLESSKIT_STATE_DIR/api.sock" &&
			test -s "$ROOTLESSKIT_STATE_DIR/child_pid" &&
			"$0" send "STATUS=$1" && "$0" barrier' "$NOTIFY" "$options"
		grep -q "^[0-9]* $(id -u) 0 STATUS=$options\$" "$HEARD"
	done
}

@test "the state directory under a copied-up directory: its socket is reached" {
	manager
	mkdir "$T/up" "$T/up/deep"
	S=$T/up/deep/state
	run -0 fx --net=none --copy-up="$T/up" --copy-up="$T/up/deep" --state-dir="$S" sh -c \
		'"$0" send STATUS=below && "$0" barrier' "$NOTIFY"
	grep -q " 0 STATUS=below$" "$HEARD"
}

@test "an abstract address is reached from a network of its own" {
	manager "@fauxroot-test-$FAUXROOT_TEST_MARK"
	launch --net=none sh -c '"$0" send READY=1 && exec sleep 1000' "$NOTIFY"
	wait_for heard "0 READY=1"
	stop
}

@test "descriptors pass, and a barrier waits for the manager" {
	manager
	echo stored >"$T/file"
	launch sh -c '"$0" send "FDSTORE=1\nFDNAME=kept" "$1" /dev/null && "$0" full 253 &&
		"$0" barrier && echo read; exec sleep 1000' "$NOTIFY" "$T/file"
	wait_for grep -qx read "$OUT"
	grep -q "^$LAUNCHER $(id -u) 2 FDSTORE=1|FDNAME=kept \[stored" "$HEARD"
	heard "253 FDSTORE=1"
	heard "1 BARRIER=1"
	# None of them stays open in the launcher.
	equals "" "$(find "/proc/$LAUNCHER/fd" -lname "$T/file")"
	stop
}

@test "a barrier waits while the manager does not read" {
	manager
	kill -STOP "$MANAGER"
	launch sh -c '"$0" send STATUS=before && echo sent && "$0" barrier && echo read; exec sleep 1000' \
		"$NOTIFY"
	wait_for grep -qx sent "$OUT"
	not grep -qx read "$OUT"
	kill -CONT "$MANAGER"
	wait_for grep -qx read "$OUT"
	heard "0 STATUS=before"
	stop
}

@test "a manager that does not read delays the target, not the launcher; no message is lost" {
	manager
	kill -STOP "$MANAGER"
	launch sh -c '"$0" flood 2000; echo sent; "$0" barrier && echo read; exec sleep 1000' "$NOTIFY"
	# The launcher still answers, and holds one message at most.
	run -0 "$FAUXROOTCTL" --socket "$S/api.sock" info
	not grep -qx sent "$OUT"
	kill -CONT "$MANAGER"
	wait_for grep -qx read "$OUT"
	equals "$(seq -f 'X_N=%.0f' 2000)" "$(sed -n 's/.* \(X_N=.*\)/\1/p' "$HEARD")"
	stop
}

@test "an invalid message is dropped with a line in the log; the others are passed on" {
	manager
	launch sh -c '"$0" bytes 4096 x; "$0" bytes 65536 y; "$0" bytes 10 0; "$0" bytes 4095 z
		"$0" send "MAINPIDFDID=1" "$0"; "$0" send "X=1\rMAINPID=1\n\nMAINPID=2"
		"$0" barrier; echo finished; exec sleep 1000' "$NOTIFY"
	wait_for grep -qx finished "$OUT"
	equals "listening
$LAUNCHER $(id -u) 0 X=zzz
$LAUNCHER $(id -u) 0 X=1|MAINPID=$LAUNCHER
$LAUNCHER $(id -u) 1 BARRIER=1" "$(sed 's/zzzz*/zzz/' "$HEARD")"
	equals 1 "$(log_count 'message to the service manager is lost: receiving: Message too long')"
	stop
}

@test "the target's last message is passed on before the launcher exits" {
	manager
	run -3 fx sh -c '"$0" send STATUS=bye; "$0" send "STOPPING=1\nERRNO=2"; exit 3' "$NOTIFY"
	wait_for grep -q ' 0 STOPPING=1|ERRNO=2$' "$HEARD"
	grep -q ' 0 STATUS=bye$' "$HEARD"
}

@test "a manager that has exited is reported once, and gets messages when it is back" {
	manager
	mkfifo "$T/go"
	"$FAUXROOT" --state-dir="$S" sh -c 'while read -r n; do "$0" send "STATUS=$n"
		"$0" barrier; echo "$n"; done' "$NOTIFY" <"$T/go" >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	exec 5>"$T/go"
	echo one >&5
	wait_for heard "0 STATUS=one"
	kill "$MANAGER"
	wait "$MANAGER" || true
	printf 'two\nthree\n' >&5
	wait_for grep -qx three "$OUT"
	equals 1 "$(log_count 'cannot be reached: Connection refused')"
	manager
	echo four >&5
	wait_for heard "0 STATUS=four"
	exec 5>&-
	ended 0
}

@test "no manager, or an address that is no UNIX socket: the target still runs" {
	unset NOTIFY_SOCKET
	run -0 fx sh -c 'echo "[$NOTIFY_SOCKET]"; ls "$ROOTLESSKIT_STATE_DIR"'
	says "$output" '^\[\]$'
	not grep -qx notify <<<"$output"
	NOTIFY_SOCKET=$T/nothing run -0 --separate-stderr fx "$NOTIFY" send READY=1
	one_line "$stderr" 'warning: .*nothing" cannot be reached: No such file or directory'
	NOTIFY_SOCKET=vsock:2:9 run -0 --separate-stderr fx sh -c 'echo "$NOTIFY_SOCKET"'
	equals vsock:2:9 "$output"
	one_line "$stderr" 'warning: NOTIFY_SOCKET=vsock:2:9 is not a UNIX socket'
}

@test "the watchdog's PID is the target's where it was the launcher's" {
	local mode
	for mode in --pidns=false --pidns; do
		run -0 sh -c 'WATCHDOG_PID=$$ SYSTEMD_EXEC_PID=$$ WATCHDOG_USEC=5000000 exec "$FAUXROOT" "$1" sh -c "
			[ \$WATCHDOG_PID = \$\$ ] && [ \$SYSTEMD_EXEC_PID = \$\$ ] && echo \$WATCHDOG_USEC"' \
			sh $mode 3>&- 4>&-
		equals 5000000 "$output"
		WATCHDOG_PID=77 SYSTEMD_EXEC_PID=77 run -0 fx $mode sh -c 'echo $WATCHDOG_PID $SYSTEMD_EXEC_PID'
		equals "77 77" "$output"
	done
}

@test "helpers do not get the service manager's variables" {
	manager
	mkdir bin
	printf '#!/bin/sh\nenv >"%s"\nexec /usr/bin/newuidmap "$@"\n' "$T/env.ids" >bin/newuidmap
	printf '#!/bin/sh\nenv >"%s"\nexec %s "$@"\n' "$T/env.net" "$(command -v slirp4netns)" >bin/slirp4netns
	chmod +x bin/*
	PATH=$PWD/bin:$PATH run -0 sh -c 'WATCHDOG_PID=$$ WATCHDOG_USEC=1 LISTEN_PID=$$ LISTEN_FDS=1 \
		LISTEN_FDNAMES=a exec "$FAUXROOT" --net=slirp4netns env' 3</dev/null 4>&-
	says "$output" '^LISTEN_FDNAMES=a$'
	grep -q '^PATH=' "$T/env.ids"
	grep -q '^PATH=' "$T/env.net"
	not grep -E '^(NOTIFY_SOCKET|LISTEN_|WATCHDOG_)' "$T/env.ids" "$T/env.net"
}

@test "a process that has changed its uid cannot reach the socket: only its own message fails" {
	manager
	# It cannot reach the directory of the sanitizers' reports either; newer ones take this for fatal.
	run -1 --separate-stderr fx setpriv --reuid 7 --clear-groups \
		env -u ASAN_OPTIONS -u UBSAN_OPTIONS "$NOTIFY" send READY=1
	one_line "$stderr" 'notify: Permission denied'
}
