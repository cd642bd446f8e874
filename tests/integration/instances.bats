#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # inner shells expand; bats sets stderr
# fauxrootctl exec and ps: commands beside the target, and the list of instances.
#
# refused: openat2:ctl

load ../lib/bash/common

ctl() { "$FAUXROOTCTL" "$@" 3>&- 4>&-; }

inside() { ctl --socket "$S/api.sock" exec -- "$@"; }

# one_spaced - print standard input with one space between the columns
one_spaced() { tr -s ' '; }

HEADS="PID NAME COMMAND NETWORK PORTS STATEDIR"

# listed - wait until the launcher has created its link, which it does while the target is executed
listed() { wait_for [ -L "$XDG_RUNTIME_DIR/fauxroot/$LAUNCHER" ]; }

links() { ls "$XDG_RUNTIME_DIR/fauxroot" 2>/dev/null; }

@test "exec: root of the same namespaces, in the same directory" {
	launch --net=slirp4netns --copy-up=/etc sleep 1000
	local ns
	for ns in user mnt net; do
		equals "$(readlink "/proc/$TARGET/ns/$ns")" "$(inside readlink "/proc/self/ns/$ns")"
	done
	equals "0 0" "$(inside sh -c 'echo $(id -u) $(id -g)')"
	equals "$T" "$(inside pwd)"
	equals tmpfs "$(inside stat -fc %T /etc)"
	equals "$(in_target cat /proc/self/uid_map)" "$(inside cat /proc/self/uid_map)"
	stop
}

@test "exec: the caller's environment, and the three variables" {
	launch sleep 1000
	mine=yes run -0 inside env
	for line in mine=yes "ROOTLESSKIT_STATE_DIR=$S" "ROOTLESSKIT_PARENT_EUID=$(id -u)" \
		"ROOTLESSKIT_PARENT_EGID=$(id -g)" "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR"; do
		grep -qxF "$line" <<<"$output"
	done
	stop
}

@test "exec: no descriptor of ours is open, none is passed on" {
	launch sleep 1000
	equals "$(sh -c 'echo $(ls /proc/self/fd)' 3>&- 4>&-)" \
		"$(inside sh -c 'echo $(ls /proc/self/fd)')"
	inside cat /proc/self/status >"$OUT"
	grep -qx $'CapInh:\t0*' "$OUT"
	grep -qx $'CapAmb:\t0*' "$OUT"
	stop
}

@test "exec: statuses, and signals as with a direct child" {
	launch sleep 1000
	local status
	for status in 0 1 7 125 255; do
		run -$status inside sh -c "exit $status"
	done
	run -137 inside sh -c 'kill -KILL $$'
	run -127 inside /nonexistent
	run -127 inside no-such-program
	run -126 inside /etc/passwd
	"$FAUXROOTCTL" --socket "$S/api.sock" exec sleep 1000 3>&- 4>&- &
	local pid=$!
	becomes $pid sleep
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	equals 143 "$status"
	stop
}

@test "exec: from inside, by the environment" {
	launch --net=none sleep 1000
	equals "$(readlink "/proc/$TARGET/ns/net")" \
		"$(inside "$FAUXROOTCTL" exec readlink /proc/self/ns/net)"
	stop
}

@test "exec: when the target has changed its namespaces, and cannot be inspected" {
	cp "$(command -v sleep)" "$T/unreadable"
	chmod 0111 "$T/unreadable"
	launch --net=none unshare --net --mount "$T/unreadable" 1000
	becomes "$TARGET" unreadable
	equals lo "$(inside ls /sys/class/net)"
	[ "$(inside readlink /proc/self/ns/net)" != "$(readlink /proc/self/ns/net)" ]
	stop
}

# The target owns the state directory and can replace the launcher's sockets with its own. If the client
# joined the namespaces that such a socket passes, its command would be reachable for the target, in the
# network and the mount namespace of the host.
@test "exec: a socket that the target has put in the place of ns.sock is not trusted" {
	local kinds
	for kinds in "user" "user mnt" "user net mnt"; do
		# shellcheck disable=SC2086 # words
		launch --net=none "$FAUXROOT_TEST_TOOLS/impostor" ns "$S/ns.sock" $kinds
		wait_for grep -qx ready "$OUT"
		run -125 inside touch "$T/executed"
		one_line "$output" "^error: \"$S/ns.sock\": it belongs to process $TARGET in a user namespace below ours"
		absent "$T/executed"
		stop
	done
}

# Inside, client and target can reach each other anyway.
@test "exec: from inside it joins the namespaces that such a socket passes" {
	launch --net=none "$FAUXROOT_TEST_TOOLS/impostor" ns "$S/ns.sock" user net mnt
	wait_for grep -qx ready "$OUT"
	run -0 in_target env ROOTLESSKIT_STATE_DIR="$S" "$FAUXROOTCTL" exec readlink /proc/self/ns/net
	equals "$(readlink "/proc/$TARGET/ns/net")" "$output"
	stop
}

@test "a socket that the target has put in the place of api.sock gets no request and is not trusted" {
	local info='{"apiVersion":"1.1.1","version":"1","stateDir":"/x","childPID":1}'
	launch --net=none "$FAUXROOT_TEST_TOOLS/impostor" api "$S/api.sock" "$info"
	listed
	wait_for grep -qx ready "$OUT"
	local words
	for words in info list-ports "add-ports 127.0.0.1:1:1/tcp" "remove-ports 1"; do
		# shellcheck disable=SC2086 # words
		run -1 ctl --socket "$S/api.sock" $words
		one_line "$output" "^error: \"$S/api.sock\": it belongs to process $TARGET in a user namespace below ours"
	done
	run -0 --separate-stderr ctl ps
	equals "$HEADS"$'\n'"$LAUNCHER - ? ? - $S" "$(one_spaced <<<"$output")"
	says "$stderr" "instance $LAUNCHER: .*in a user namespace below ours"
	equals $'ready\n'"$(printf 'sent nothing\n%.0s' 1 2 3 4 5)" "$(<"$OUT")"
	# Inside, the command has no access to more than it has already.
	run -0 in_target "$FAUXROOTCTL" --socket "$S/api.sock" info --json
	equals 1 "$(jq .childPID <<<"$output")"
	stop
}

@test "exec: a missing working directory is an error" {
	launch --copy-up=/run sleep 1000
	mkdir "$T/gone"
	cd "$T/gone"
	rmdir "$T/gone"
	run -125 inside true
	[[ $output == "error: finding the working directory: "* ]]
	cd "$T"
	stop
}

@test "ps: the running instances, in a table and as JSON" {
	launch --net=slirp4netns sleep 1000
	listed
	becomes "$TARGET" sleep
	run -0 ctl ps
	equals "$HEADS"$'\n'"$LAUNCHER - sleep 1000 slirp4netns - $S" "$(one_spaced <<<"$output")"
	equals "[{\"pid\":$LAUNCHER,\"childPID\":$TARGET,\"command\":[\"sleep\",\"1000\"],\"network\":\"slirp4netns\",\"ports\":[],\"stateDir\":\"$S\"}]" \
		"$(ctl ps --json)"
	equals "$LAUNCHER" "$(links)"
	stop
	equals "" "$(links)"
	equals "$HEADS" "$(ctl ps | one_spaced)"
	equals "[]" "$(ctl ps --json)"
}

@test "ps, info: invalid UTF-8 is shown, with question marks in JSON" {
	S=$T/$'st\xffate'
	launch bash -c $'exec -a "sl\xfe\033eep" sleep 1000'
	listed
	becomes "$TARGET" sleep
	equals "[{\"pid\":$LAUNCHER,\"childPID\":$TARGET,\"command\":[\"sl?\\u001beep\",\"1000\"],\"network\":\"host\",\"ports\":[],\"stateDir\":\"$T/st?ate\"}]" \
		"$(ctl ps --json | jq -c .)"
	equals "$T/st?ate" "$("$FAUXROOTCTL" --socket "$S/api.sock" info --json | jq -r .stateDir)"
	stop
}

@test "ps: a stopped instance is listed, with a warning" {
	launch sleep 1000
	listed
	kill -STOP "$LAUNCHER"
	wait_for process_state "$LAUNCHER" T
	run -0 --separate-stderr ctl ps
	kill -CONT "$LAUNCHER"
	equals "$LAUNCHER - ? ? - $S" "$(one_spaced <<<"${lines[1]}")"
	[[ $stderr == *"warning: instance $LAUNCHER: no answer"* ]]
	stop
}

@test "a killed launcher's link is removed by ps, and by the next launcher" {
	local next
	for next in ctl launcher; do
		rm -f "$S/child_pid"
		launch sleep 1000
		listed
		kill -KILL "$LAUNCHER"
		wait "$LAUNCHER" || true
		wait_for gone "$TARGET"
		equals "$LAUNCHER" "$(links)"
		if [ $next = ctl ]; then
			equals "$HEADS" "$(ctl ps | one_spaced)"
		else
			rm "$S/child_pid"
			launch sleep 1000
			listed
			equals "$LAUNCHER" "$(links)"
			stop
		fi
		equals "" "$(links)"
	done
}

@test "a killed launcher's own state directory is removed by the next launcher, a named one is not" {
	local own link
	"$FAUXROOT" sleep 1000 </dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	listed
	own=$(readlink "$XDG_RUNTIME_DIR/fauxroot/$LAUNCHER")
	[[ $own == "$XDG_RUNTIME_DIR/fauxroot."?????? ]]
	wait_for [ -s "$own/child_pid" ]
	TARGET=$(cat "$own/child_pid")
	kill -KILL "$LAUNCHER"
	wait "$LAUNCHER" || true
	wait_for gone "$TARGET"
	[ -e "$own/lock" ]

	S=$T/named launch sleep 1000
	listed
	kill -KILL "$LAUNCHER"
	wait "$LAUNCHER" || true
	wait_for gone "$TARGET"
	[ ! -e "$own" ]

	launch sleep 1000
	listed
	[ -e "$T/named/lock" ]
	rm -r "$T/named"
	stop
}

@test "without XDG_RUNTIME_DIR no instance is listed, and everything else works" {
	unset XDG_RUNTIME_DIR
	launch sleep 1000
	inside true
	stop
	XDG_RUNTIME_DIR='' run -1 ctl ps
	equals "error: XDG_RUNTIME_DIR is not set" "$output"
	export XDG_RUNTIME_DIR=$T/run
}

# second OPTIONS... - start another launcher; the variables of launch() stay
second() {
	local launcher=$LAUNCHER target=$TARGET
	S=$T/second launch "$@"
	SECOND=$LAUNCHER LAUNCHER=$launcher TARGET=$target
}

@test "the only running instance is found; with several, the list is shown" {
	run -1 ctl info
	one_line "$output" "^error: no instance is running "
	launch --name=one sleep 1000
	equals "- State Directory: $S" "$(ctl info | sed -n 3p)"
	equals "$(readlink "/proc/$TARGET/ns/mnt")" "$(ctl exec readlink /proc/self/ns/mnt)"
	second sleep 1000
	wait_for [ -L "$XDG_RUNTIME_DIR/fauxroot/$SECOND" ]
	run -1 ctl info
	one_line "$output" "^error: 2 instances are running; choose one with --instance=PID or --instance=NAME: .*$LAUNCHER [(]one[)]"
	says "$output" "$SECOND"
	run -1 "${FAUXROOT%/*}/compat/rootlessctl" info
	equals "error: which instance? Give --socket or set ROOTLESSKIT_STATE_DIR" "$output"
	local words
	for words in --instance=one "--instance $LAUNCHER" "--socket $S" "--socket $S/api.sock"; do
		# shellcheck disable=SC2086 # words
		equals "- State Directory: $S" "$(ctl $words info | sed -n 3p)"
	done
	equals "- State Directory: $T/second" "$(ctl info --instance="$SECOND" | sed -n 3p)"
	equals "$LAUNCHER one" "$(ctl ps --json | jq -r '.[] | select(.name) | .pid, .name' | paste -sd' ')"
	run -1 ctl --instance=two info
	one_line "$output" '^error: no instance "two" is running; running instances: '
	run -0 ctl --instance="$SECOND" stop
	wait "$SECOND" || true
	stop
}

@test "--name: only one instance has a name, and a killed one loses it" {
	launch --name=build sleep 1000
	local killed=$LAUNCHER
	equals "$killed" "$(readlink "$XDG_RUNTIME_DIR/fauxroot/build")"
	equals "$S" "$(readlink -f "$XDG_RUNTIME_DIR/fauxroot/build")"
	run -125 fx --name=build touch "$T/ran"
	one_line "$output" "error: --name=build: the name \"build\" belongs to the instance with PID $killed"
	absent "$T/ran"
	kill -KILL "$killed"
	wait "$killed" || true
	wait_for gone "$TARGET"
	rm "$S/child_pid"
	launch --name=build sleep 1000
	equals "$LAUNCHER" "$(readlink "$XDG_RUNTIME_DIR/fauxroot/build")"
	stop
	equals "" "$(links)"
	run -125 env -u XDG_RUNTIME_DIR "$FAUXROOT" --name=build true
	one_line "${lines[0]}" "error: --name=build: XDG_RUNTIME_DIR is not set"
	for name in 123 .x -x a/b 'a b' "$(printf 'x%.0s' {1..64})"; do
		run -125 fx "--name=$name" true
		one_line "$output" "error: --name takes letters, digits"
	done
}

@test "stop, wait, kill: by PID, name and socket, with and without a PID namespace" {
	local options waiter status
	for options in "" --pidns; do
		# shellcheck disable=SC2086 # words
		launch --name=one $options sh -c 'trap "exit 7" TERM; trap "echo got USR1" USR1; echo traps; while :; do sleep 0.1; done'
		: >waited
		ctl --debug wait >waited 2>&1 & waiter=$!
		wait_for grep -q 'GET /v1/events .*: 200' waited
		wait_for grep -q traps "$OUT"
		ctl kill -s USR1
		wait_for grep -q USR1 "$OUT"
		run -1 ctl kill --signal=sigusr1
		# From inside, too, unless the launcher is outside of the PID namespace.
		if [ -z "$options" ]; then
			ctl exec "$FAUXROOTCTL" kill -s SIGTERM
		else
			run -1 ctl exec "$FAUXROOTCTL" stop
			one_line "$output" "^error: the launcher is outside of this PID namespace"
			ctl kill
		fi
		status=0
		wait "$LAUNCHER" || status=$?
		equals 7 "$status"
		status=0
		wait "$waiter" || status=$?
		equals 7 "$status"
		launch sleep 1000
		kill -STOP "$LAUNCHER"
		wait_for process_state "$LAUNCHER" T
		ctl --socket "$S" stop
		gone "$TARGET"
		status=0
		wait "$LAUNCHER" || status=$?
		equals 143 "$status"
	done
}

@test "wait: the status of the command" {
	local status
	for status in 0 1 7 137; do
		launch --name=one sh -c 'until [ -e go ]; do sleep 0.05; done; [ $1 != 137 ] || kill -KILL $$; exit $1' sh $status
		listed
		ctl --debug --instance=one wait >waited 2>&1 3>&- 4>&- &
		WAITER=$!
		wait_for grep -q 'GET /v1/events .*: 200' waited
		touch go
		code=0
		wait "$WAITER" || code=$?
		equals $status "$code"
		absent "$S"
		ended $status
		rm go waited
	done
}

@test "wait: a status that is not known is an error, and never the command's" {
	launch sleep 1000
	ctl --debug wait >waited 2>&1 3>&- 4>&- &
	local waiter=$! code=0
	wait_for grep -q 'GET /v1/events .*: 200' waited
	kill -KILL "$LAUNCHER"
	wait "$waiter" || code=$?
	equals 125 $code
	one_line "$(grep -v debug: waited)" '^error: the instance has ended, and its exit status is not known: .*the launcher was killed'
	wait "$LAUNCHER" || true
	wait_for gone "$TARGET"
	rm -r "$S"
}

@test "--instance=NAME: a stopped instance is found, unless another one has the name" {
	launch --name=build sleep 1000
	listed
	kill -STOP "$LAUNCHER"
	wait_for process_state "$LAUNCHER" T
	ctl --instance=build kill -s CONT
	wait_for process_state "$LAUNCHER" SR
	local first=$S launched=$LAUNCHER
	S=$T/second launch --name=other sleep 1000
	listed
	kill -STOP "$LAUNCHER"
	wait_for process_state "$LAUNCHER" T
	# What the command of "build" can do: its user's stop reaches another instance.
	ln -sfn "$LAUNCHER" "$XDG_RUNTIME_DIR/fauxroot/build"
	rm "$XDG_RUNTIME_DIR/fauxroot/other"
	run -1 ctl --instance=build kill
	says "$output" "instance $LAUNCHER does not have the name \"build\""
	process_state "$LAUNCHER" T
	kill -CONT "$LAUNCHER"
	stop
	S=$first LAUNCHER=$launched
	stop
}

@test "stop, kill: a process that only pretends to be a launcher is not signalled" {
	local info='{"apiVersion":"1.1.1","version":"1","stateDir":"/x","childPID":1}'
	launch --net=none "$FAUXROOT_TEST_TOOLS/impostor" api "$S/api.sock" "$info"
	listed
	wait_for grep -qx ready "$OUT"
	for verb in stop kill wait; do
		run "-$([ $verb = wait ] && echo 125 || echo 1)" ctl $verb
		one_line "$output" "^error: \"$S/api.sock\": it belongs to process $TARGET in a user namespace below ours"
	done
	stop
}

@test "shell: \$SHELL beside the command, on the terminal" {
	launch --net=none sleep 1000
	equals lo "$(echo 'ls /sys/class/net' | SHELL=/bin/bash ctl shell)"
	equals "$(readlink "/proc/$TARGET/ns/net")" \
		"$(echo 'readlink /proc/self/ns/net' | env -u SHELL "$FAUXROOTCTL" shell 3>&- 4>&-)"
	run -127 env SHELL=/nonexistent "$FAUXROOTCTL" shell
	SHELL=/bin/sh run -3 script -qec "'$FAUXROOTCTL' shell" /dev/null <<<'tty; exit 3'
	says "$output" /dev/pts/
	stop
}

@test "--workdir: a directory in the command's view" {
	equals /usr/lib "$(fx --workdir=/usr/lib pwd)"
	mkdir -p here/there
	equals "$T/here" "$(fx --pidns --workdir=here pwd)"
	equals "$T/here/there" "$(cd here && fx --workdir there sh -c pwd)"
	# After the copy-up: in the copy.
	equals tmpfs "$(fx --copy-up=/etc --workdir=/etc stat -fc %T .)"
	run -125 fx --workdir=/nonexistent touch ran
	one_line "$output" "error: --workdir=/nonexistent: No such file or directory"
	absent ran
}

@test "--check finds a name that is in use, and a missing working directory" {
	launch --name=one sleep 1000
	run -1 fx --check --name=one true
	says "$output" "^obstacle .*--name=one: the name \"one\" belongs to the instance with PID $LAUNCHER"
	run -0 fx --check --name=two --workdir=/usr true
	absent "$XDG_RUNTIME_DIR/fauxroot/two"
	equals one "$(cd "$XDG_RUNTIME_DIR/fauxroot" && echo [!0-9]*)"
	run -1 fx --check --workdir=/nonexistent true
	says "$output" "^obstacle .*--workdir=/nonexistent: No such file or directory"
	stop
}

@test "--instance=NAME: a link of a name that was changed leads to no other instance" {
	launch --name=build sleep 1000
	local first=$S victim
	equals "\"build\"" "$("$FAUXROOTCTL" --instance=build info --json | jq .name)"
	LAUNCHED=$LAUNCHER S=$T/second
	launch --name=other sleep 1000
	victim=$LAUNCHER
	# What the command can do: the directory belongs to the user.
	ln -sfn "$victim" "$XDG_RUNTIME_DIR/fauxroot/build"
	rm "$XDG_RUNTIME_DIR/fauxroot/other"
	for verb in info stop wait list-ports; do
		run "-$([ $verb = wait ] && echo 125 || echo 1)" "$FAUXROOTCTL" --instance=build "$verb"
		says "$output" "instance $victim does not have the name \"build\""
	done
	alive "$victim"
	equals other "$("$FAUXROOTCTL" ps --json | jq -r ".[] | select(.pid == $victim).name")"
	"$FAUXROOTCTL" --instance="$victim" info
	stop
	S=$first LAUNCHER=$LAUNCHED
	stop
}

@test "stop and kill: a socket that leads to another process of the user signals nobody" {
	launch sleep 1000
	socat "UNIX-LISTEN:$T/other.sock,fork" SYSTEM:'cat' 3>&- 4>&- &
	local other=$! verb
	wait_for test -S "$T/other.sock"
	mv "$S/api.sock" "$S/away"
	ln -s "$T/other.sock" "$S/api.sock"
	for verb in stop "kill -s KILL" wait; do
		# shellcheck disable=SC2086 # words
		run "-$([ "$verb" = wait ] && echo 125 || echo 1)" "$FAUXROOTCTL" --socket "$S" $verb
		says "$output" "process $other listens at .*, but does not hold the lock of that state directory"
	done
	alive $other
	# Nor does the lock of another launcher count, under a second name.
	local first=$S
	S=$T/second
	LAUNCHED=$LAUNCHER
	launch sleep 1000
	rm "$first/api.sock" "$first/lock"
	ln "$S/api.sock" "$first/api.sock"
	ln "$S/lock" "$first/lock"
	run -1 "$FAUXROOTCTL" --socket "$first" stop
	says "$output" "process $LAUNCHER listens at .*, but does not hold the lock"
	rm "$first/api.sock" "$first/lock"
	stop
	kill $other
	S=$first LAUNCHER=$LAUNCHED
	stop
}
