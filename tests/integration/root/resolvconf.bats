#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The host's /etc/resolv.conf and /etc/hosts are replaced while the child runs, on a copy of /etc in a mount
# namespace of the test.
#
# refused: open_tree:etc
# seconds: 46

load ../../lib/bash/common
load ../../lib/bash/ports
load ../../lib/bash/root

setup_file() {
	load_root || return
	cp -a /etc "$BATS_FILE_TMPDIR/etc"
	chmod a+rx "$BATS_FILE_TMPDIR" "${BATS_FILE_TMPDIR%/*}"
}

setup() {
	root_setup
	cp -a "$BATS_FILE_TMPDIR/etc" "$T/etc"
	holder SCRATCH --mount --propagation private
	scratch mount --bind "$T/etc" /etc
	E=$T/etc
}

teardown() {
	kill -KILL "$SCRATCH" 2>/dev/null
	common_teardown
}

scratch() {
	nsenter --target "$SCRATCH" --mount "$@" 3>&- 4>&-
}

launch_scratch() {
	launch_as nsenter --target "$SCRATCH" --mount -- --net=slirp4netns "$@"
}

child() {
	nsenter --target "$TARGET" --user --mount --preserve-credentials "$@" 3>&- 4>&-
}

ours() {
	child grep -qx 'nameserver 10.0.2.3' /etc/resolv.conf 2>/dev/null
}

# The file that systemd-resolved replaces by rename: /etc/resolv.conf links to it.
by_link() {
	mkdir "$E/resolved"
	echo 'nameserver 192.0.2.1' >"$E/resolved/stub.conf"
	ln -sf "${1:-resolved/stub.conf}" "$E/resolv.conf"
}

replace() { # FILE TEXT
	scratch sh -c 'printf "%s\n" "$2" >"$1.new" && mv "$1.new" "$1"' sh "$1" "$2"
}

# mounted_upon - our mount exists, possibly below others
mounted_upon() {
	grep -q ' /etc/resolv.conf ' "/proc/$TARGET/mountinfo"
}

# uncover - remove the mounts over the child's /etc
uncover() {
	nsenter --target "$TARGET" --user --mount --setuid 0 --setgid 0 umount --lazy --no-canonicalize /etc 3>&- 4>&-
}

# The launcher checks /etc for the first time a second after the start.
watched() {
	find "/proc/$LAUNCHER/fdinfo" -type f -exec grep -q '^inotify ' {} \; -print | grep -q .
}

@test "the target of the link is replaced: the child keeps its own, without copy-up" {
	by_link
	launch_scratch sleep 100
	ours
	local round
	for round in 1 2 3; do
		replace /etc/resolved/stub.conf "nameserver 192.0.2.$round"
		ours
	done
	stop
}

@test "the target of the link is replaced: with copy-up" {
	by_link
	launch_scratch --copy-up=/etc sleep 100
	ours
	replace /etc/resolved/stub.conf "nameserver 192.0.2.9"
	ours
	stop
}

@test "/etc/resolv.conf itself is replaced: with copy-up nothing changes" {
	launch_scratch --copy-up=/etc sleep 100
	ours
	replace /etc/resolv.conf "nameserver 192.0.2.9"
	ours
	stop
}

@test "/etc/resolv.conf itself is replaced, without copy-up: mounted again, or logged" {
	launch_scratch sleep 100
	ours
	local round
	for round in 1 2 3; do
		replace /etc/resolv.conf "nameserver 192.0.2.$round"
		wait_for ours
		# The host's own file has what the host wrote.
		equals "nameserver 192.0.2.$round" "$(scratch cat /etc/resolv.conf)"
	done
	stop
}

@test "/etc/resolv.conf itself is replaced while the command is in a PID namespace" {
	launch_scratch --pidns sleep 100
	ours
	replace /etc/resolv.conf "nameserver 192.0.2.1"
	wait_for ours
	stop
}

@test "the command's /etc is a file system that does not answer: no process blocks, and the repair is made" {
	grep -qw fuse /proc/filesystems || skip "this kernel has no FUSE"
	scratch sh -c 'mount -t tmpfs -o mode=0755 tmpfs "$1" && mknod -m 0666 "$1/fuse" c 10 229 &&
		mount --bind "$1/fuse" /dev/fuse' sh "$T/tmp"
	launch_scratch sleep 1000
	ours
	nsenter --target "$TARGET" --user --mount "$FAUXROOT_TEST_TOOLS/silentfuse" /etc >"$T/fuse" 3>&- 4>&- &
	local server=$! round
	wait_for grep -q mounted "$T/fuse"
	for round in 1 2 3; do
		replace /etc/resolv.conf "nameserver 192.0.2.$round"
		wait_for mounted_upon
	done
	api GET /v1/info
	equals 200 "$CODE"
	not grep asked "$T/fuse"
	kill "$server"
	wait_for gone "$server"
	uncover
	ours
	stop
	not logged replaced
}

# silence - in the scratch, /etc/silent is a file system that does not answer, until unsilence()
silence() {
	mkdir "$E/silent"
	nsenter --target "$SCRATCH" --mount "$FAUXROOT_TEST_TOOLS/silentfuse" /etc/silent >"$T/fuse" 3>&- 4>&- &
	SILENT=$!
	wait_for grep -q mounted "$T/fuse"
}

unsilence() {
	kill "$SILENT"
	wait_for gone "$SILENT"
	scratch umount --lazy --no-canonicalize /etc/silent
}

@test "the host's resolv.conf leads to a file system that does not answer: only the process that reads it waits" {
	grep -qw fuse /proc/filesystems || skip "this kernel has no FUSE"
	launch_scratch sleep 1000
	wait_for watched
	silence
	scratch sh -c 'ln -s silent/file /etc/new && mv /etc/new /etc/resolv.conf'
	wait_for ours
	wait_for grep -q asked "$T/fuse"
	api GET /v1/info
	equals 200 "$CODE"
	wait_for logged "leads to a file system that does not answer"
	replace /etc/resolv.conf "search new.example"
	wait_for ours
	unsilence
	followed() { child grep -qx 'search new.example' /etc/resolv.conf; }
	wait_for followed
	logged "can be read again"
	stop
}

@test "the host's hosts leads to a file system that does not answer: the launch goes on, and it can be ended" {
	grep -qw fuse /proc/filesystems || skip "this kernel has no FUSE"
	silence
	ln -sf silent/file "$E/hosts"
	launch_scratch sleep 1000
	logged "the command starts without the host's resolv.conf and hosts"
	ours
	wait_for watched
	stop
	unsilence
}

@test "a link replaces /etc/resolv.conf, without copy-up" {
	launch_scratch sleep 100
	scratch sh -c 'mkdir /etc/resolved && echo nameserver 192.0.2.1 >/etc/resolved/stub.conf &&
		ln -s resolved/stub.conf /etc/new && mv /etc/new /etc/resolv.conf'
	wait_for ours
	equals "nameserver 192.0.2.1" "$(scratch cat /etc/resolv.conf)"
	stop
}

@test "/etc/hosts replaced, without copy-up" {
	launch_scratch sleep 100
	local name
	name=$(hostname)
	replace /etc/hosts "192.0.2.7 somewhere"
	named() { child grep -qE "^127\..*[[:space:]]$name" /etc/hosts; }
	wait_for named
	stop
}

@test "the target mounts over the state directory and /etc: nothing is logged, the repair is made below" {
	launch_scratch sh -c 'mount -t tmpfs tmpfs "$XDG_RUNTIME_DIR" && mount -t tmpfs tmpfs "${0%/*}" &&
		mount -t tmpfs tmpfs /etc && echo ready; exec sleep 100' "$S"
	wait_for grep -qx ready "$OUT"
	wait_for watched
	replace /etc/resolv.conf 'nameserver 192.0.2.3'
	wait_for mounted_upon
	uncover
	ours
	stop
	not logged replaced
}

@test "/etc is a tmpfs of the host, not our copy: our file is mounted again on a replaced resolv.conf" {
	scratch sh -c 'mkdir "$1/tmpfs" && mount -t tmpfs tmpfs "$1/tmpfs" && cp -a /etc/. "$1/tmpfs/" &&
		mount --move "$1/tmpfs" /etc' sh "$T"
	equals tmpfs "$(scratch stat -fc %T /etc)"
	launch_scratch sleep 100
	wait_for watched
	replace /etc/resolv.conf 'nameserver 192.0.2.1'
	wait_for ours
	equals 'nameserver 192.0.2.1' "$(scratch cat /etc/resolv.conf)"
	stop
}

@test "in a copied-up /etc nothing is mounted again: the target may unmount our files" {
	launch_scratch --copy-up=/etc sh -c 'umount /etc/resolv.conf && echo own >/etc/resolv.conf; exec sleep 100'
	wait_for watched
	replace /etc/resolv.conf "nameserver 192.0.2.9"
	replace /etc/hosts "192.0.2.7 somewhere"
	named() { child grep -q somewhere /etc/hosts; }
	wait_for named
	equals own "$(child cat /etc/resolv.conf)"
	stop
}

# on_vm SCRIPT - run it on a host with the name "vm"; its output is $OUT
on_vm() {
	printf '#!/bin/sh\nhostname vm\nexec "$@"\n' >"$T/vm"
	chmod 0755 "$T/vm"
	launch_as nsenter --target "$SCRATCH" --mount unshare --uts "$T/vm" -- --net=slirp4netns \
		"${COPY_UP[@]}" sh -c "$1; echo done; exec sleep 1000"
	wait_for grep -qx 'done' "$OUT"
	stop
}

@test "hostname -f: the host's canonical name, and all of its names are on loopback" {
	local line
	for line in '127.0.1.1	vm.example.com	vm' '10.5.5.5 vm.example.com mail vm'; do
		for COPY_UP in '' --copy-up=/etc; do
			[ -n "$COPY_UP" ] || COPY_UP=()
			printf '127.0.0.1\tlocalhost\n%s\n' "$line" >"$E/hosts"
			on_vm 'hostname -f; hostname -a; for name in vm vm.example.com; do
				getent ahostsv4 $name | head -n 1; getent ahostsv6 $name | head -n 1; done'
			equals vm.example.com "$(head -n 1 "$OUT")"
			grep -qE '(^| )(mail )?vm *$' "$OUT"
			equals 2 "$(grep -c '^127\.' "$OUT")"
			equals 2 "$(grep -c '^::1 ' "$OUT")"
			unset COPY_UP
		done
	done
}

@test "a hosts file that is empty, missing or too large: localhost has its addresses" {
	local made
	COPY_UP=()
	for made in ': >' 'rm' 'truncate -s 17M' "yes '192.0.2.1 some.example' | head -c 17000000 >"; do
		sh -c "$made \"\$1\"" sh "$E/hosts"
		[ -e "$E/hosts" ] || COPY_UP=(--copy-up=/etc) # without, there is no place to mount ours on
		on_vm 'getent ahostsv4 localhost; getent ahostsv6 localhost; getent hosts vm; wc -c </etc/hosts'
		grep -q '^127\.0\.0\.1 .*localhost' "$OUT"
		grep -q '^::1 ' "$OUT"
		case $made in
		*17*) logged "the child's hosts contains only the first 16 MiB of the host's: /etc/hosts is larger" ;;
		*) not logged MiB ;;
		esac
		touch "$E/hosts"
		COPY_UP=()
	done
	[ "$(grep -xE '[0-9]+' "$OUT")" -gt 16000000 ]
}

@test "/etc/resolv.conf as a dangling link" {
	by_link /run/nowhere/stub.conf
	launch_scratch sleep 100
	ours
	stop
	launch_scratch --copy-up=/etc sleep 100
	ours
	stop
	equals /run/nowhere/stub.conf "$(readlink "$E/resolv.conf")"
}

@test "no /etc/resolv.conf at all: with copy-up one is created, and the host still has none" {
	rm "$E/resolv.conf"
	launch_scratch --copy-up=/etc sleep 100
	ours
	stop
	absent "$E/resolv.conf"
}

@test "a link through /run, with /etc and /run copied up" {
	mkdir "$T/run-resolve"
	by_link "$T/run-resolve/stub.conf"
	echo 'nameserver 192.0.2.1' >"$T/run-resolve/stub.conf"
	launch_scratch --copy-up=/etc --copy-up=/run sleep 100
	ours
	scratch sh -c 'echo nameserver 192.0.2.2 >"$1/new" && mv "$1/new" "$1/stub.conf"' sh "$T/run-resolve"
	ours
	stop
}

@test "search, domain and options come from the file that the link leads to; sizes are bounded" {
	by_link
	printf '# comment\nnameserver 192.0.2.1\nsearch a.example b.example\noptions ndots:3 edns0\n' >"$E/resolved/stub.conf"
	launch_scratch sleep 100
	equals "nameserver 10.0.2.3
search a.example b.example
options ndots:3 edns0" "$(child cat /etc/resolv.conf)"
	stop
	head -c 5000000 /dev/zero | tr '\0' '#' >"$E/resolved/stub.conf"
	launch_scratch sleep 100
	ours
	stop
}

@test "a resolv.conf that is a FIFO or a directory does not hang the launch" {
	by_link
	rm "$E/resolved/stub.conf"
	mkfifo "$E/resolved/stub.conf"
	run timeout 60 nsenter --target "$SCRATCH" --mount setpriv --reuid "$USER_UID" --regid "$USER_GID" \
		--init-groups "$FAUXROOT" --net=slirp4netns --copy-up=/etc true 3>&- 4>&-
	[ "$status" -eq 0 ] || [ "$status" -eq 125 ]
}
