#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# On a terminal: an interactive shell has job control, Ctrl-C comes once, Ctrl-Z stops and fg goes on.

load ../lib/common

setup() {
	common_setup
	export PS1='P> ' PS2='' TERM=dumb HISTFILE=/dev/null
	SH="bash --norc --noprofile --noediting -i"
}

# pty's transcript is shown when a line of the script does not hold.
on_terminal() {
	"$PTY" -t 10 "$@" 3>&- 4>&-
}

@test "an interactive shell has the terminal, its job control and its status" {
	on_terminal "$FAUXROOT" $SH <<-'END'
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
}

@test "no word of job control missing, also with a network" {
	on_terminal "$FAUXROOT" --net=slirp4netns --copy-up=/etc $SH >transcript <<-'END'
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
}

@test "Ctrl-C and Ctrl-\\ arrive once each" {
	on_terminal "$FAUXROOT" --state-dir="$S" "$PROBE" catch 3 <<-'END'
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
}

@test "Ctrl-C ends target and launcher with 130, helpers in order" {
	on_terminal "$FAUXROOT" --net=slirp4netns --state-dir="$S" sh -c 'echo ready; exec sleep 300' <<-'END'
		expect ready
		send \x03
		exit 130
	END
}

@test "Ctrl-C does not reach the network's helper while the target catches it" {
	on_terminal "$FAUXROOT" --net=slirp4netns --state-dir="$S" "$PROBE" catch 3 >transcript <<-'END'
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
}

@test "Ctrl-Z stops launcher and target; fg goes on; the network lives" {
	on_terminal $SH <<-END
		expect P>
		send "$FAUXROOT" --net=slirp4netns --state-dir="$S" sh -c 'echo "rea"dy; read line; echo "line="\$line; exit 6'\n
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
}

@test "a stopped launcher can be put in the background and brought back" {
	on_terminal $SH <<-END
		expect P>
		send "$FAUXROOT" sh -c 'echo rea""dy; exec sleep 300'\n
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
}

@test "Ctrl-C inside fauxroot timeout, whose group is another, arrives once" {
	on_terminal "$FAUXROOT" --state-dir="$S" timeout --foreground 60 "$PROBE" catch 3 <<-'END'
		expect ready
		send \x1c
		exit 0
	END
	on_terminal "$FAUXROOT" --state-dir="$S" timeout 60 sh -c 'echo ready; exec sleep 300' <<-'END'
		expect ready
		send \x03
		exit 130
	END
}

@test "a hangup of the terminal ends everything" {
	on_terminal "$FAUXROOT" --net=slirp4netns --state-dir="$S" sh -c 'echo ready; exec sleep 300' <<-'END'
		expect ready
		hangup 129
	END
}
