#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets LAUNCHER, TARGET
# --kill-orphans: processes that the command leaves behind are killed. Without it the launcher exits at once.

load ../lib/bash/common
load ../lib/bash/ports

# A target: leave the script behind, in its own session and with a dead parent, when it is ready. It
# inherits the test's mark, so the teardown finds survivors.
setup() {
	common_setup
	# Exits on SIGTERM, and prints this.
	cat >polite <<-'END'
		trap 'echo asked; exit 0' TERM
		echo "here $$" >here
		while :; do sleep 0.05; done
	END
	# Ignores SIGTERM.
	cat >deaf <<-'END'
		trap '' TERM
		echo "here $$" >here
		while :; do sleep 0.05; done
	END
	cat >leave <<-'END'
		#!/bin/sh
		(setsid "$@" &)
		while [ ! -s here ]; do sleep 0.02; done
	END
	chmod +x leave
}

orphan() {
	local pid
	read -r _ pid <here
	echo "$pid"
}

@test "without --kill-orphans orphans survive, and the launcher exits at once" {
	# Not with run: it waits until every process has closed the pipe.
	launch_only sh -c './leave sh deaf; exit 5'
	ended 5
	alive "$(orphan)"
	kill_marked
}

@test "--kill-orphans: an orphan in another session gets SIGTERM, and the launcher waits for it" {
	run -5 --separate-stderr fx --kill-orphans sh -c './leave sh polite; exit 5'
	equals asked "$output"
	says "$stderr" 'info: the command has left processes behind; terminating them'
}

@test "no orphans: nothing is logged, the status is the command's" {
	run -5 fx --kill-orphans sh -c 'exit 5'
	equals "" "$output"
	run -143 --separate-stderr fx --kill-orphans sh -c 'kill $$'
}

@test "an orphan that does not exit is killed after --kill-timeout, with a warning" {
	run -0 --separate-stderr fx --kill-orphans --kill-timeout=1 ./leave sh deaf
	says "$stderr" 'warning: [0-9]+ of the command.s processes did not exit within 1 s; killing them'
	gone "$(orphan)"
}

@test "--kill-timeout=0 kills at once" {
	run -0 --separate-stderr fx --kill-orphans --kill-timeout=0 ./leave sh deaf
	gone "$(orphan)"
}

@test "SIGTERM only reaches the command; its orphans get it after its exit" {
	launch --kill-orphans sh -c './leave sh polite; echo left; exec sleep 1000'
	wait_for grep -qx left "$OUT"
	stop
	equals "left
asked" "$(<"$OUT")"
}

@test "a second SIGTERM kills at once" {
	launch --kill-orphans --kill-timeout=86400 sh -c './leave sh deaf; echo left; exec sleep 1000'
	wait_for grep -qx left "$OUT"
	kill -TERM "$LAUNCHER"
	wait_for logged behind
	kill -USR1 "$LAUNCHER" # has no meaning for us
	alive "$(orphan)"
	kill -TERM "$LAUNCHER"
	ended 143
	gone "$(orphan)"
}

@test "a SIGHUP that the caller ignores does not kill" {
	nohup "$FAUXROOT" --state-dir="$S" --kill-orphans --kill-timeout=86400 ./leave sh deaf \
		</dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for logged behind
	kill -HUP "$LAUNCHER"
	kill -USR1 "$LAUNCHER"
	usr1_is_read() { ! grep -Eq '^(SigPnd|ShdPnd):.*[1-9a-f]' "/proc/$LAUNCHER/status"; }
	wait_for usr1_is_read
	alive "$(orphan)"
	kill -TERM "$LAUNCHER"
	ended 0
}

@test "stopped orphans are continued so that they exit" {
	launch --kill-orphans --kill-timeout=86400 \
		sh -c './leave sh polite; echo left; while [ ! -e go ]; do sleep 0.02; done'
	wait_for grep -qx left "$OUT"
	kill -STOP "$(orphan)"
	wait_for process_state "$(orphan)" T
	touch go
	ended 0
	grep -qx asked "$OUT"
}

@test "orphans of a subordinate id get SIGTERM, too" {
	launch_only --kill-orphans --kill-timeout=86400 sh -c 'umask 0; touch here; chmod 0777 .
		./leave setpriv --reuid 33 --regid 33 --clear-groups sh polite'
	ended 0
	grep -qx asked "$OUT"
}

@test "a /proc with hidepid=1 shows the orphans" {
	umask 0
	touch here
	chmod 0777 .
	# User 1 may not look at the processes of root, but at its own orphan.
	run -5 --separate-stderr fx --pidns sh -c 'mount -t proc -o hidepid=1 proc /proc || exit
		exec setpriv --reuid 1 --regid 1 --clear-groups env -u XDG_RUNTIME_DIR -u HOME \
			"$FAUXROOT" --idmap=single --kill-orphans sh -c "
				cat /proc/1/stat; ./leave sh polite; exit 5"'
	equals asked "$output"
	says "$stderr" 'Operation not permitted'
	says "$stderr" 'the command has left processes behind; terminating them'
}

@test "an orphan that forks a new one at its exit is ended, too" {
	cat >again <<-'END'
		trap 'setsid sh again & exit' TERM
		echo "here $$" >here
		while :; do sleep 0.05; done
	END
	run -0 --separate-stderr fx --kill-orphans --kill-timeout=1 ./leave sh again
}

@test "processes that fork all the time are ended, too" {
	# Each of twenty loops waits for a program. Else they would fork faster than programs end, and use up
	# the PIDs of the machine.
	run -0 --separate-stderr timeout 200 "$FAUXROOT" --kill-orphans --kill-timeout=1 sh -c '
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			(setsid sh -c "trap \"\" TERM; while :; do (sleep 0.05 & ); sleep 0.01; done" &)
		done'
}

@test "children that the launcher had before the launch are not ended" {
	bash -c 'sleep 1000 & echo $! >before; exec "$FAUXROOT" --kill-orphans ./leave sh polite' \
		</dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	ended 0
	alive "$(<before)"
	kill "$(<before)"
	equals asked "$(<"$OUT")"
}

@test "network, ports and API serve the orphans until they exit" {
	cat >served <<-'END'
		trap 'ip -o link show tap0
			curl -sS --max-time 60 --unix-socket "$ROOTLESSKIT_STATE_DIR/api.sock" http://x/v1/ports
			socat TCP4-LISTEN:7000,reuseaddr,fork SYSTEM:"echo served" & server=$!
			touch asked
			while [ ! -e enough ]; do sleep 0.02; done
			kill $server
			exit' TERM
		echo "here $$" >here
		while :; do sleep 0.05; done
	END
	free_port
	launch --kill-orphans --kill-timeout=86400 --net=slirp4netns --port-driver=builtin \
		-p "127.0.0.1:$PORT:7000/tcp" ./leave sh served
	wait_for test -e asked
	serves() { [ "$(said tcp 127.0.0.1 "$PORT" 2>/dev/null)" = served ]; }
	wait_for serves
	touch enough
	ended 0
	says "$(<"$OUT")" 'tap0:.*LOWER_UP'
	says "$(<"$OUT")" '"parentPort":'"$PORT"
	not grep -E 'slirp4netns|forwarder|agent' "$LOG"
}

@test "--pidns: init signals and waits, with and without its reaping; without the option it signals nobody" {
	local reaper
	for reaper in true false; do
		rm -f here
		run -5 fx --pidns --reaper=$reaper --kill-orphans --kill-timeout=86400 sh -c './leave sh polite; exit 5'
		equals asked "$(grep -v Terminated <<<"$output")"
	done
	rm -f here
	run -5 fx --pidns sh -c './leave sh polite; exit 5'
	equals "" "$output"
}

@test "--pidns: orphans that do not exit are killed after --kill-timeout" {
	run -143 fx --pidns --kill-orphans --kill-timeout=1 sh -c './leave sh deaf; kill $$'
}

@test "--pidns: a second SIGTERM kills at once" {
	launch --pidns --kill-orphans --kill-timeout=86400 \
		sh -c './leave sh deaf; rm here; ./leave sh polite; echo left; exec sleep 1000'
	wait_for grep -qx left "$OUT"
	kill -TERM "$LAUNCHER"
	wait_for grep -qx asked "$OUT"
	alive "$LAUNCHER"
	kill -TERM "$LAUNCHER"
	ended 143
}

@test "--kill-timeout alone: a message says that it has no effect" {
	run -0 --separate-stderr fx --kill-timeout=3 true
	one_line "$stderr" 'warning: --kill-timeout has no effect without --kill-orphans'
	run -125 --separate-stderr fx --kill-timeout=86401 true
	one_error "$stderr" '--kill-timeout takes a number of seconds up to 86400'
}
