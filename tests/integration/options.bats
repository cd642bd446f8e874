#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line: the options of existing scripts must run unchanged or be refused by name.

load ../lib/bash/common

# Nothing may have been started: no state directory, no child; common_teardown checks this.
refused() { # PATTERN WORDS…
	local pattern=$1
	shift
	run -125 --separate-stderr fx "$@"
	equals "" "$output"
	one_error "$stderr" "$pattern"
}

@test "the command alone runs" {
	run -0 fx echo a b c
	equals "a b c" "$output"
}

@test "the argv of a user's --net=slirp4netns --copy-up=/etc --disable-host-loopback" {
	run -0 fx --net=slirp4netns --copy-up=/etc --disable-host-loopback sh -c 'echo ran >/etc/ran; cat /etc/ran'
	equals ran "$output"
	absent /etc/ran
}

@test "the argv of containerd-rootless.sh unchanged: no option has an effect on --net=host" {
	run -0 fx --net=host --mtu=1500 --slirp4netns-sandbox=auto \
		--slirp4netns-seccomp=auto --disable-host-loopback --port-driver=none --copy-up=/etc \
		--copy-up=/run --copy-up=/var/lib --propagation=rslave --detach-netns --mtu=0 \
		sh -c 'for d in /etc /run /var/lib; do stat -f -c %T $d; done'
	equals "tmpfs tmpfs tmpfs" "$(grep -v '^\[' <<<"$output" | xargs)"
}

@test "the argv of dockerd-rootless.sh unchanged" {
	run -0 fx --state-dir="$S" --net=slirp4netns --mtu=65520 --slirp4netns-sandbox=auto \
		--slirp4netns-seccomp=auto --disable-host-loopback --port-driver=builtin --copy-up=/etc \
		--copy-up=/run --propagation=rslave cat /sys/class/net/tap0/mtu
	equals 65520 "$output"
}

# Values as separate words, a sandbox that must work, and directories that no other client copies up.
@test "the argv of usernetes unchanged, with all namespaces" {
	run -0 fx --state-dir "$S" --net=slirp4netns --mtu=65520 --disable-host-loopback \
		--slirp4netns-sandbox=true --slirp4netns-seccomp=true --port-driver=builtin \
		--copy-up=/etc --copy-up=/run --copy-up=/var/lib --copy-up=/opt --propagation=rslave \
		--cgroupns --pidns --ipcns --utsns sh -c 'stat -f -c %T /var/lib /opt; cat /sys/class/net/tap0/mtu'
	equals "tmpfs tmpfs 65520" "$(xargs <<<"$output")"
}

@test "options that are not implemented are refused by name, with 125, and are not in --help" {
	local help option
	help=$(fx --help)
	for option in --net=lxc-user-nic --net=vpnkit; do
		refused "$option.*not available in this build; use --net=auto" $option true
		not grep -q -- "${option#*=}" <<<"$help"
	done
}

@test "Go's spellings of a flag: one dash, separate value, last one wins" {
	run -0 fx -net=none true
	run -0 fx --net none ip -o link
	equals 1 "${#lines[@]}"
	run -0 fx --net=slirp4netns --net=host readlink /proc/self/ns/net
	equals "$(readlink /proc/self/ns/net)" "$output"
	run -0 fx --net= true
}

@test "Go's booleans" {
	local value
	for value in 1 t T TRUE true True 0 f F FALSE false False; do
		run -0 fx --disable-host-loopback=$value true
	done
	refused 'disable-host-loopback' --disable-host-loopback=yes true
	refused 'debug' --debug=2 true
}

@test "options end at the first word that is no option, and at --" {
	run -0 fx echo --net=none
	equals "--net=none" "$output"
	run -0 fx -- echo -- x
	equals "-- x" "$output"
}

@test "repeatable options split at commas" {
	run -0 fx --copy-up=/etc,/run sh -c 'stat -f -c %T /etc /run'
	equals "tmpfs
tmpfs" "$output"
}

@test "wrong values: one line that names the option and its valid values" {
	refused 'no-such-option' --no-such-option true
	refused 'net' --net=tap true
	refused 'mtu' --net=slirp4netns --mtu=65522 true
	refused 'mtu' --net=slirp4netns --mtu=12x true
	refused 'mtu' --net=slirp4netns --mtu=-1 true
	refused 'cidr' --net=slirp4netns --cidr=10.0.2.100/24 true
	refused 'cidr' --net=slirp4netns --cidr=10.0.2.0/26 true
	refused 'cidr' --net=slirp4netns --cidr=10.0.2.0 true
	refused 'cidr' --net=host --cidr=10.0.2.0/24 true
	refused 'ifname' --net=none --ifname=eth0 true
	refused 'ifname' --net=slirp4netns --ifname=sixteen-bytes-xx true
	refused 'ifname' --net=slirp4netns --ifname=a/b true
	refused 'propagation' --propagation=up true
	refused 'propagation' --propagation=rshared --copy-up=/etc true
	refused 'copy-up' --copy-up=/tmp true
	refused 'copy-up' --copy-up=relative true
	refused '/no/such/directory' --copy-up=/no/such/directory true
	refused 'copy-up-mode' --copy-up-mode=overlayfs true
	refused 'idmap' --idmap=none true
	refused 'subid-source' --subid-source=ldap true
	refused 'slirp4netns-sandbox' --slirp4netns-sandbox=maybe true
	refused 'publish|port' -p 127.0.0.1:8080:80/tcp true
	refused 'reaper' --reaper=true true
	refused 'state-dir' --state-dir
}

@test "--help and --version go to stdout with status 0" {
	run -0 --separate-stderr fx --help
	equals "" "$stderr"
	says "$output" '--net'
	says "$output" '--copy-up'
	run -0 --separate-stderr fx -h
	equals "" "$stderr"
	run -0 --separate-stderr fx --version
	equals "" "$stderr"
	one_line "$output" '^fauxroot version [0-9]+\.[0-9]+\.[0-9]+'
	run -0 fx -v
}

@test "--help and --version that cannot be written are an error" {
	local option
	for option in --help --version --print-semver=major; do
		run -125 --separate-stderr sh -c '"$FAUXROOT" "$1" >/dev/full' sh $option
		one_error "$stderr" 'writing to standard output: No space left on device'
	done
}

@test "--print-semver prints one number of --version" {
	local version
	version=$(fx --version)
	equals "fauxroot version $(fx --print-semver=major).$(fx --print-semver=minor).$(fx --print-semver=patch)" \
		"$version"
	refused 'print-semver' --print-semver=all
}

@test "options without effect on the chosen network are no error" {
	run -0 fx --net=host --mtu=1500 --ipv6 --disable-host-loopback --slirp4netns-sandbox=true \
		--slirp4netns-seccomp=true true
	run -0 fx --net=none --mtu=1500 --ipv6 --disable-host-loopback true
}

@test "a security option without effect is a warning, but not under RootlessKit's name" {
	run -0 --separate-stderr fx --net=host --disable-host-loopback true
	one_line "$stderr" "warning: --disable-host-loopback has no effect with --net=host"
	ln -sf "$(realpath "$FAUXROOT")" rootlesskit
	run -0 --separate-stderr ./rootlesskit --net=host --disable-host-loopback true
	equals "" "$stderr"
}

@test "misspelt options get a suggestion" {
	run -125 fx --nett=none true
	one_line "$output" "error: unknown option --nett; did you mean --net[?]"
	run -125 fx --disable-hostloopback true
	one_line "$output" "did you mean --disable-host-loopback[?]"
	run -125 fx --xyzzy true
	one_line "$output" "error: unknown option --xyzzy; --help lists all options"
	run -1 "$FAUXROOTCTL" lst-ports
	equals 'error: unknown command "lst-ports"; did you mean list-ports?' "$output"
}

@test "without a command the shell runs, and help is a command unless such a program exists" {
	equals 0 "$(echo 'id -u' | SHELL=/bin/sh fx)"
	equals 0 "$(echo 'id -u' | env -u SHELL "$FAUXROOT" --net=none)"
	run -127 env SHELL=/nonexistent "$FAUXROOT"
	equals "$(fx --help)" "$(fx help)"
	equals "$(fx --help)" "$(fx --net=none help)"
	mkdir bin
	printf '#!/bin/sh\necho "helped $*"\n' >bin/help
	chmod +x bin/help
	equals "helped x" "$(PATH=$T/bin:$PATH fx help x)"
	ln -sf "$(realpath "$FAUXROOT")" rootlesskit
	run -1 --separate-stderr ./rootlesskit help
	says "$stderr" 'executing "help"'
	run -1 --separate-stderr ./rootlesskit
	says "$stderr" 'no command to run'
}

@test "FAUXROOT_OPTIONS: before the command line, not in the command's environment" {
	export FAUXROOT_OPTIONS='--net=none "--workdir=/tmp" --debug'
	run -0 --separate-stderr fx --workdir=/usr sh -c 'ls /sys/class/net; pwd; echo "${FAUXROOT_OPTIONS-unset}"'
	equals $'lo\n/usr\nunset' "$output"
	says "$stderr" 'debug: FAUXROOT_OPTIONS --net=none --workdir=/tmp --debug'
	equals unset "$(fx --pidns sh -c 'echo "${FAUXROOT_OPTIONS-unset}"' 2>/dev/null)"
	FAUXROOT_OPTIONS='--net=none id' run -125 fx true
	one_line "$output" 'error: FAUXROOT_OPTIONS: "id" is not an option'
	FAUXROOT_OPTIONS='"' run -125 fx true
	one_line "$output" 'error: FAUXROOT_OPTIONS: missing closing "'
	FAUXROOT_OPTIONS='' launch sleep 1000
	# shellcheck disable=SC2016 # expanded inside
	equals unset "$("$FAUXROOTCTL" --socket "$S" exec sh -c 'echo "${FAUXROOT_OPTIONS-unset}"')"
	stop
	# RootlessKit has no such variable: it belongs to the command.
	ln -sf "$(realpath "$FAUXROOT")" rootlesskit
	FAUXROOT_OPTIONS='--nonsense' run -0 ./rootlesskit sh -c 'echo "$FAUXROOT_OPTIONS"'
	equals --nonsense "$output"
}

@test "-p without a port driver: the error names the options to add, which work" {
	run -125 fx -p 127.0.0.1:8080:80 true
	one_line "$output" "add --net=auto --port-driver=builtin"
	run -125 fx --net=none -p 127.0.0.1:8080:80 true
	one_line "$output" "not --port-driver=none; add --port-driver=builtin"
}

# ---- under compatible names ----
persona() {
	ln -sf "$(realpath "$FAUXROOT")" "$1"
}

@test "as rootlesskit: one-line version of the reference" {
	local name
	for name in rootlesskit docker-rootlesskit; do
		persona $name
		run -0 --separate-stderr ./$name --version
		equals "rootlesskit version 3.0.1" "$output"
		equals "" "$stderr"
		run -0 ./$name --print-semver=major
		equals 3 "$output"
		run -0 ./$name --print-semver=minor
		equals 0 "$output"
	done
}

@test "as rootlesskit: every failure of ours is 1, death by a signal 255" {
	persona rootlesskit
	run -1 ./rootlesskit --no-such-option true
	run -1 ./rootlesskit no-such-command-here
	run -1 ./rootlesskit /etc/passwd
	run -255 ./rootlesskit sh -c 'kill -9 $$'
	says "$output" 'signal: killed'
	run -255 ./rootlesskit sh -c 'kill -10 $$'
	says "$output" 'signal: user defined signal 1'
	run -7 ./rootlesskit sh -c 'exit 7'
}

@test "as rootlesskit: our lines begin with its prefixes" {
	persona rootlesskit
	run ./rootlesskit --state-dir=/dev/null true
	says "$output" '^\[rootlesskit:parent\] '
	run ./rootlesskit --copy-up=/no/such/directory true
	says "$output" '^\[rootlesskit:(parent|child )\] '
	run ./rootlesskit no-such-command-here
	[[ $output != *fauxroot:* ]]
}

@test "as rootlesskit: runs like the launcher" {
	persona rootlesskit
	run -0 ./rootlesskit --net=slirp4netns --copy-up=/etc --disable-host-loopback id -u
	equals 0 "$output"
}

@test "the client works by its own and by its compatible name" {
	run -0 "$FAUXROOTCTL" --version
	one_line "$output" '^fauxrootctl version [0-9]+\.[0-9]+\.[0-9]+'
	ln -sf "$(realpath "$FAUXROOTCTL")" rootlessctl
	run -0 ./rootlessctl --version
	equals "rootlessctl version 3.0.1" "$output"
}
