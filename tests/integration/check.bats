#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# fauxroot --check: what it checks and prints, how it exits, and that it leaves nothing behind.
# root/check_matrix.bats shows that it names an obstacle exactly when a launch fails.

load ../lib/bash/common
load ../lib/bash/ports

# check STATUS OPTIONS… - run it; the table is in $output
check() {
	local status=$1
	shift
	run "-$status" --separate-stderr fx --check "$@"
	equals "" "$stderr"
}

# finding STATUS CHECK SEEN - the table has this line
finding() {
	says "$output" "^$1 +$2 +$3"
}

@test "a machine on which a launch works is ready, and no command is launched" {
	printf '#!/bin/sh\ntouch ran\n' >./command
	chmod +x ./command
	check 0 ./command
	finding ok kernel 'Linux [0-9]+\.[0-9]+'
	finding ok namespaces 'user, mount: made'
	finding ok 'id map' 'written '
	finding ok command '\./command'
	says "$output" '^ready'
	absent ran
	fx ./command
	[ -e ran ]
}

@test "every check is one line, or is followed by its cause and its remedy" {
	check 1 ./absent
	not grep -vE '^(ok|unknown|warning|obstacle) +|^          (cause: |remedy:) |^[1-9][0-9]* obstacle' <<<"$output"
	finding obstacle command 'executing "\./absent": No such file or directory'
	says "$output" '^          cause:  there is no \./absent'
	says "$output" '^          remedy: '
	says "$output" '^1 obstacle'
	[[ $output != *$'\e'* ]]
}

@test "only the needs of the options are checked" {
	check 0 true
	not says "$output" 'tun|network|resolv|ping|port|/sys|/proc |copy-up|overlayfs|cgroup|linger|keyring|data dir'
	check 0 --idmap=single --net=none --pidns --copy-up=/etc true
	finding ok namespaces 'user, mount, network, PID: made'
	finding ok /proc mounted
	finding ok copy-up /etc
	not says "$output" 'newuidmap |subordinate|tun|resolv'
	# Whatever the command is.
	check 0
	says "$output" '^(ok|warning) +overlayfs '
	says "$output" '^(ok|warning) +cgroup '
	says "$output" '^(ok|warning) +data directory '
	not says "$output" '^[a-z]+ +command '
}

@test "a network is created, with its device, its helper and its ports" {
	free_port
	check 0 --net=slirp4netns --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" true
	finding ok /dev/net/tun 'a TAP device: made'
	finding ok network 'slirp4netns [0-9.]+: started, ready'
	finding ok 'port driver' 'builtin: started'
	finding ok "port 127[^ ]*/tcp" free
	check 0 --net=slirp4netns --detach-netns true
	finding ok network 'slirp4netns [0-9.]+: started, ready'
}

@test "obstacles do not hide each other" {
	free_port 2
	python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(flush=True)
time.sleep(1000)' "$PORT" >listening 3>&- 4>&- &
	local server=$!
	wait_for test -s listening
	mkdir -m 0755 "$T/theirs"
	ln -s "$T/theirs" "$T/link"
	check 1 --net=slirp4netns --slirp4netns-binary=/no/slirp4netns --copy-up=/no/such/dir \
		--state-dir="$T/link" --port-driver=builtin -p "127.0.0.1:$PORT:80/tcp" -p "127.0.0.1:$((PORT + 1)):80/tcp" \
		/no/command
	kill "$server"
	finding obstacle network '.*/no/slirp4netns.*No such file'
	finding obstacle copy-up '.*/no/such/dir'
	finding obstacle 'state directory' '.*is a symbolic link'
	finding obstacle "port 127.0.0.1:$PORT:80/tcp" 'Address already in use'
	finding ok "port 127.0.0.1:$((PORT + 1)):80/tcp" free
	says "$output" "cause: .*process $server "
	finding obstacle command '.*No such file'
	says "$output" '^5 obstacles'
}

@test "without usable ranges, mounts and network are still tried" {
	printf '#!/bin/sh\necho refused >&2\nexit 1\n' >newuidmap
	chmod +x newuidmap
	PATH=$T:$PATH check 1 --net=none /no/command
	finding obstacle newuidmap "$T/newuidmap"
	finding obstacle 'id map' '.*refused'
	finding ok mounts '.*'
	finding ok network 'none'
	finding obstacle command '.*No such file'
}

@test "warnings change the exit status only with --check=strict" {
	mkdir -m 0700 "$T/none"
	export XDG_RUNTIME_DIR=
	check 0 true
	finding warning 'runtime directory' 'XDG_RUNTIME_DIR is not set'
	says "$output" '^ready, [1-9][0-9]* warning'
	run -2 --separate-stderr fx --check=strict true
	run -1 --separate-stderr fx --check=strict /no/command
	XDG_RUNTIME_DIR=$T/run run -0 --separate-stderr fx --check=strict true
}

@test "JSON has the contents of the table" {
	run -1 --separate-stderr fx --check --json --net=none /no/command
	python3 -c '
import json, sys
report = json.load(sys.stdin)
assert sorted(report) == ["checks", "obstacles", "ready", "warnings"], report
assert report["ready"] is False and report["obstacles"] == 1, report
checks = {check["check"]: check for check in report["checks"]}
assert len(checks) == len(report["checks"])
for check in report["checks"]:
	assert check["status"] in ("ok", "unknown", "warning", "obstacle"), check
	assert check["seen"], check
command = checks["command"]
assert command["id"] == "target-absent" and command["cause"] and command["remedy"], command
assert checks["namespaces"]["status"] == "ok" and "cause" not in checks["namespaces"]
' <<<"$output"
	run -125 --separate-stderr fx --json true
	one_error "$stderr" '--json needs --check'
}

@test "options that every launch would refuse are refused first" {
	run -125 --separate-stderr fx --check --publish=127.0.0.1:1:1/tcp true
	one_error "$stderr" '--publish='
	run -125 --separate-stderr fx --check=all true
	one_error "$stderr" '--check takes false, true or strict'
}

@test "--check also works under RootlessKit's names" {
	ln -s "$FAUXROOT" rootlesskit
	run -0 --separate-stderr ./rootlesskit --check true 3>&- 4>&-
	says "$output" '^ok +id map'
	run -1 --separate-stderr ./rootlesskit --check /no/command 3>&- 4>&-
	says "$output" '^obstacle +command'
}

@test "on a terminal --check uses symbols and colour, unless NO_COLOR is set" {
	run -0 "$PTY" "$FAUXROOT" --check true 3>&- 4>&- <<<'exit 0'
	[[ $output == *$'\e['*'✓ ok'* ]]
	NO_COLOR=1 run -0 "$PTY" "$FAUXROOT" --check true 3>&- 4>&- <<<'exit 0'
	[[ $output != *$'\e['* ]]
	says "$output" '^ok +id map'
}

@test "a state directory is checked without a change" {
	mkdir -p "$S/below"
	echo text >"$S/child_pid"
	check 0 --state-dir="$S" true
	equals text "$(<"$S/child_pid")"
	[ -d "$S/below" ]
	check 0 --state-dir="$T/a/b/c" true
	absent "$T/a"
	rm -r "$S"
	launch sleep 1000
	check 1 --state-dir="$S" true
	finding obstacle 'state directory' ".*is in use by process $LAUNCHER "
	says "$output" "remedy: .*kill $LAUNCHER"
	alive "$TARGET"
	stop
}

@test "--evacuate-cgroup2: the same message as the launch" {
	local options=(--pidns --cgroupns --evacuate-cgroup2=evacuated) code=0
	fx "${options[@]}" true 2>"$LOG" || code=$?
	if [ "$code" -eq 0 ]; then
		check 0 "${options[@]}" true
		finding ok evacuation '.+'
	else
		check 1 "${options[@]}" true
		finding obstacle evacuation '.+'
		logged "$(sed -n 's/^obstacle  evacuation *//p' <<<"$output")"
	fi
}

@test "a signal ends --check and its trial processes" {
	printf '#!/bin/sh\necho $$ >"%s/helper"\nexec sleep 1000\n' "$T" >slirp4netns
	chmod +x slirp4netns
	"$FAUXROOT" --check --net=slirp4netns --slirp4netns-binary="$T/slirp4netns" true </dev/null \
		>"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for test -s "$T/helper"
	kill -TERM "$LAUNCHER"
	ended 143
	not grep timed "$OUT" "$LOG"
	wait_for gone "$(<"$T/helper")"
}

@test "a signal ends --check as well if its caller ignores SIGTERM" {
	printf '#!/bin/sh\necho $$ >"%s/helper"\nexec sleep 1000\n' "$T" >slirp4netns
	chmod +x slirp4netns
	(
		trap '' TERM
		exec "$FAUXROOT" --check --net=slirp4netns --slirp4netns-binary="$T/slirp4netns" true </dev/null \
			>"$OUT" 2>"$LOG" 3>&- 4>&-
	) &
	LAUNCHER=$!
	wait_for test -s "$T/helper"
	# Only a signal that is not ignored ends it.
	kill -TERM "$LAUNCHER"
	kill -HUP "$LAUNCHER"
	ended 129
	wait_for gone "$(<"$T/helper")"
}

@test "subordinate ids are reported even if the rehearsal dies with its second child" {
	printf '#!/bin/sh\nkill -KILL $PPID\n' >killer
	chmod +x killer
	GETSUBIDS=$(type -P false) check 1 --subid-source=dynamic --net=slirp4netns \
		--slirp4netns-binary="$T/killer" true
	finding obstacle 'subordinate ids' '.*has no subordinate user ids'
	# The helper kills it when the network or, a moment later, the name service is started.
	finding obstacle '(network|names)' '.*the rehearsal died.*'
}

@test "SIGKILL to --check ends its trial processes as well" {
	printf '#!/bin/sh\necho $$ >"%s/helper"\nexec sleep 1000\n' "$T" >newuidmap
	chmod +x newuidmap
	PATH=$T:$PATH "$FAUXROOT" --check true </dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for test -s "$T/helper"
	kill -KILL "$LAUNCHER"
	ended 137
	wait_for gone "$(<"$T/helper")"
}

@test "unreadable files and invalid contents cause no crash" {
	mkdir dir
	local odd
	for odd in '' "$(printf '%4000s' x)" $'\xff\xfe' '::' '/'; do
		run --separate-stderr env XDG_RUNTIME_DIR="$odd" HOME="$odd" PATH="$odd:$PATH" TMPDIR="$odd" \
			XDG_DATA_HOME="$odd" "$FAUXROOT" --check --json true 3>&- 4>&-
		[ "$status" -le 1 ]
		python3 -c 'import json, sys; json.load(sys.stdin)' <<<"$output"
	done
	run -125 --separate-stderr sh -c '"$FAUXROOT" --check true >/dev/full' 3>&- 4>&-
	one_error "$stderr" 'No space left on device'
}
