#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2086 # inner shells expand; $mode and $SH are words
# On a terminal: an interactive shell has job control, Ctrl-C arrives once, Ctrl-Z stops and fg continues;
# all of it with a PID namespace, too.

load ../lib/bash/common

setup() {
	common_setup
	export PS1='P> ' PS2='' TERM=dumb HISTFILE=/dev/null
	SH="bash --norc --noprofile --noediting -i"
}

# Show pty's transcript when a line of the script fails.
on_terminal() {
	"$PTY" -t "$DEADLINE" "$@" 3>&- 4>&-
}

@test "an interactive shell has the terminal, its job control and its status" {
	local mode
	for mode in "" --pidns; do
		on_terminal "$FAUXROOT" $mode $SH <<-'END'
			expect P>
			send id -u; tty\n
			expect 0
			expect /dev/pts/
			expect P>
			send sh -c 'echo rea""dy; exec sleep 300'\n
			expect ready
			send \x1a
			expect Stopped
			expect P>
			send jobs; echo "jobs"=$?\n
			expect jobs=0
			send kill -KILL %1; disown -a; echo "gone"=ok\n
			expect gone=ok
			send exit 9\n
			exit 9
		END
	done
}

@test "an interactive shell prints no message about missing job control, also with a network" {
	local mode
	for mode in "" --pidns; do
		on_terminal "$FAUXROOT" $mode --net=slirp4netns --copy-up=/etc $SH >transcript <<-'END'
			expect P>
			send sh -c 'echo rea""dy; exec sleep 300'\n
			expect ready
			send \x03
			expect P>
			send echo st=$?\n
			expect st=130
			send exit 4\n
			exit 4
		END
		run -0 cat transcript
		[[ $output != *"no job control"* && $output != *"cannot set terminal"* ]]
	done
}

@test "Ctrl-C and Ctrl-\\ each arrive once" {
	local mode
	for mode in "" --pidns; do
		on_terminal "$FAUXROOT" $mode --state-dir="$S" "$PROBE" catch 3 <<-'END'
			expect ready
			send \x03
			expect 2
			send \x03
			expect 2
			send \x1c
			expect 3
			exit 0
			count 2 2
			count 1 3
		END
	done
}

@test "Ctrl-C ends target and launcher with 130, and the helpers exit in order" {
	local mode
	for mode in "" --pidns; do
		on_terminal "$FAUXROOT" $mode --net=slirp4netns --state-dir="$S" sh -c 'echo ready; exec sleep 300' <<-'END'
			expect ready
			send \x03
			exit 130
		END
	done
}

@test "Ctrl-C does not reach the network's helper while the target catches it" {
	local mode
	for mode in "" --pidns; do
		on_terminal "$FAUXROOT" $mode --net=slirp4netns --state-dir="$S" "$PROBE" catch 3 >transcript <<-'END'
			expect ready
			send \x03
			expect 2
			send \x03
			expect 2
			send \x1c
			exit 0
		END
		run -0 cat transcript
		[[ $output != *slirp4netns* ]]
	done
}

@test "Ctrl-Z stops launcher and target; fg continues them; the network survives" {
	local mode
	for mode in "" --pidns; do
		on_terminal $SH <<-END
			expect P>
			send "$FAUXROOT" $mode --net=slirp4netns --state-dir="$S" sh -c 'echo "rea"dy; read line; echo "line="\$line; exit 6'\n
			expect ready
			send \x1a
			expect Stopped
			expect P>
			send fg\n
			job
			send abc\n
			expect line=abc
			expect P>
			send echo status=\$?\n
			expect status=6
			send exit\n
			exit 0
		END
	done
}

@test "a stopped launcher can be put in the background and in the foreground again" {
	local mode
	for mode in "" --pidns; do
		on_terminal $SH <<-END
			expect P>
			send "$FAUXROOT" $mode sh -c 'echo rea""dy; exec sleep 300'\n
			expect ready
			send \x1a
			expect Stopped
			send bg\n
			expect 300' &
			send jobs\n
			expect Running
			send fg\n
			job
			send \x03
			expect P>
			send echo status=\$?\n
			expect status=130
			send exit\n
			exit 0
		END
	done
}

@test "without a shell Ctrl-Z stops nothing" {
	local mode
	for mode in "" --pidns; do
		on_terminal "$FAUXROOT" $mode sh -c 'echo ready; read line; echo "line=$line"; exit 6' <<-'END'
			expect ready
			send \x1a
			expect ^Z
			send abc\n
			expect line=abc
			exit 6
		END
	done
}

@test "Ctrl-C arrives once at a command of timeout, which has another process group" {
	# Before it sleeps, timeout may not have stored the PID of its fork(2), and then exits without it.
	local mode waits='until grep -q "^State:.S" /proc/$PPID/status; do :; done;'
	for mode in "" --pidns; do
		on_terminal "$FAUXROOT" $mode --state-dir="$S" timeout --foreground 1000 sh -c "$waits exec \"\$PROBE\" catch 3" <<-'END'
			expect ready
			send \x1c
			exit 0
		END
		on_terminal "$FAUXROOT" $mode --state-dir="$S" timeout 1000 sh -c "$waits echo ready; exec sleep 300" <<-'END'
			expect ready
			send \x03
			exit 130
		END
	done
}

@test "a hangup of the terminal ends everything" {
	local mode
	for mode in "" --pidns; do
		on_terminal "$FAUXROOT" $mode --net=slirp4netns --state-dir="$S" sh -c 'echo ready; exec sleep 300' <<-'END'
			expect ready
			hangup 129
		END
	done
}

# The group of a shell in a PID namespace has the terminal, and cannot name the group that must get it.

@test "--pidns: the terminal is restored after a shell was killed" {
	on_terminal sh -c '"$FAUXROOT" --pidns '"$SH"'; read line; echo "got=$line"' <<-'END'
		expect P>
		send kill -KILL $$\n
		expect killed
		send abc\n
		expect got=abc
		exit 0
	END
}

@test "--pidns: a shell that suspends itself continues with fg" {
	on_terminal $SH <<-END
		expect P>
		send env PS1='Q> ' "$FAUXROOT" --pidns $SH\n
		expect Q>
		send suspend\n
		expect Stopped
		expect P>
		send fg\n
		job
		send echo in""side\n
		expect inside
		send exit 5\n
		expect P>
		send echo st=\$?\n
		expect st=5
		send exit\n
		exit 0
	END
}

@test "--pidns: fauxrootctl exec has the terminal, job control, Ctrl-C and Ctrl-Z" {
	launch --pidns sleep 1000
	on_terminal "$FAUXROOTCTL" --socket "$S/api.sock" exec $SH <<-'END'
		expect P>
		send sh -c 'echo rea""dy; exec sleep 300'\n
		expect ready
		send \x1a
		expect Stopped
		expect P>
		send kill -KILL %1; disown -a; echo "gone"=ok\n
		expect gone=ok
		send exit 9\n
		exit 9
	END
	on_terminal $SH <<-END
		expect P>
		send "$FAUXROOTCTL" --socket "$S/api.sock" exec sh -c 'echo "rea"dy; read line; echo "line="\$line; exit 6'\n
		expect ready
		send \x1a
		expect Stopped
		expect P>
		send fg\n
		job
		send abc\n
		expect line=abc
		expect P>
		send echo status=\$?\n
		expect status=6
		send "$FAUXROOTCTL" --socket "$S/api.sock" exec "$PROBE" catch 3\n
		expect ready
		send \x03
		expect 2
		send \x1c
		expect P>
		send exit\n
		exit 0
	END
	on_terminal sh -c '"$FAUXROOTCTL" --socket "$1" exec '"$SH"'; read line; echo "got=$line"' sh "$S/api.sock" <<-'END'
		expect P>
		send kill -KILL $$\n
		expect Killed
		send abc\n
		expect got=abc
		exit 0
	END
	stop
}
