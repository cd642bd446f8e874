# SPDX-License-Identifier: Apache-2.0
#
# scripts/setup on fabricated machines: a PATH with a package manager that only records its arguments, as an
# unprivileged user or as root, with sudo and without.

bats_require_minimum_version 1.5.0

setup() {
	local tool
	TOP=${FAUXROOT_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	BIN=$BATS_TEST_TMPDIR/bin
	SAID=$BATS_TEST_TMPDIR/said
	# The machine's own /etc, for the files that control what starts at boot.
	SETUP_ROOT=$BATS_TEST_TMPDIR/root
	export SAID SETUP_ROOT
	mkdir -p "$BIN" "$SETUP_ROOT"/{etc/systemd/{system,user},etc/rc3.d,usr/sbin,dev/net,run/user/1000}
	echo alice:100000:65536 | tee "$SETUP_ROOT/etc/subuid" >"$SETUP_ROOT/etc/subgid"
	touch "$SETUP_ROOT/dev/net/tun"
	chmod 0666 "$SETUP_ROOT/dev/net/tun"
	: >"$SAID"
	for tool in bash env dirname basename cat tr sort cut grep awk comm find rm chmod sed stat paste; do
		ln -s "$(command -v $tool)" "$BIN/$tool"
	done
	machine id '[ "$1" = -u ] && echo 1000 || echo alice'
}

# machine NAME SCRIPT: create a program of the machine
machine() {
	printf '#!/usr/bin/env bash\n%s\n' "$2" >"$BIN/$1"
	chmod +x "$BIN/$1"
}

# alpine [WORD…]: nothing is installed, and packages of these names do not exist
alpine() {
	machine apk 'case $1 in info) grep -qsxF "$3" "$SAID.installed"; exit ;; esac
		echo "apk $*" >>"$SAID"
		case " $* " in '"$(printf '*" %s "*) exit 1 ;; ' "$@")"' esac
		shift
		printf "%s\n" "$@" >>"$SAID.installed"'
}

# debian NAME…: nothing is installed, and this release has no package of these names
debian() {
	machine dpkg-query 'grep -qsxF "${!#}" "$SAID.installed" && echo installed'
	machine apt-cache 'case " '"$*"' " in *" ${!#} "*) exit 100 ;; esac'
	machine apt-get 'echo "apt-get $*" >>"$SAID"
		[ "$1" = install ] || exit 0
		while [ "$1" != --no-remove ]; do shift; done
		shift
		cat "$SETUP_ROOT/usr/sbin/policy-rc.d" >"$SAID.policy"
		printf "%s\n" "$@" >>"$SAID.installed"
		[ ! -e "$SAID.postinst" ] || . "$SAID.postinst"'
}

sudo_there() {
	machine sudo 'echo sudo >>"$SAID"; exec "$@"'
}

setup_as() { # STATUS GROUP…
	local status=$1
	shift
	run "-$status" env PATH="$BIN" "$TOP/scripts/setup" "$@"
}

@test "setup: the lists are updated, then everything is installed at once, with one sudo" {
	alpine none
	sudo_there
	setup_as 0 build
	[ "$(sed -n 1p "$SAID")" = sudo ]
	[ "$(sed -n 2p "$SAID")" = "apk update -q" ]
	[[ $(sed -n 3p "$SAID") == "apk add "*"jansson-dev "* ]]
	[ "$(wc -l <"$SAID")" = 3 ]
}

@test "setup: a package that cannot be installed is named, and the others are installed" {
	alpine slirp4netns
	sudo_there
	setup_as 0 build
	grep -qx "apk add libcap-dev" "$SAID"
	[ "$(grep -c '^sudo$' "$SAID")" = 1 ]
	[[ $output == *"could not be installed: slirp4netns"* ]]
}

@test "setup: when nothing can be installed it fails" {
	alpine add
	sudo_there
	setup_as 1 build
	[[ $output == *"nothing could be installed" ]]
}

@test "setup: sudo that refuses is called once, and setup fails and prints the command for root" {
	alpine none
	machine sudo 'echo sudo >>"$SAID"; echo "Sorry, try again." >&2; exit 1'
	setup_as 1 build
	[ "$(cat "$SAID")" = sudo ]
	[[ $output == *"as root run: TEST_USER=alice $TOP/scripts/setup build" ]]
}

@test "setup: a failed update of the lists does not stop it" {
	alpine update
	sudo_there
	setup_as 0 build
	[[ $output == *"not up to date"* ]]
	[[ $(tail -n 1 "$SAID") == "apk add "*"jansson-dev "* ]]
}

@test "setup: without sudo it prints the command for root, and runs nothing" {
	alpine none
	setup_as 1 build
	[[ $output == *"there is no sudo; as root run: TEST_USER=alice $TOP/scripts/setup build" ]]
	[ ! -s "$SAID" ]
}

@test "setup: when everything is installed, root is not needed" {
	machine apk 'case $1 in info) exit 0 ;; esac; echo "apk $*" >>"$SAID"'
	setup_as 0 build lint
	[ -z "$output" ]
	[ ! -s "$SAID" ]
}

@test "setup: docker's client is installed where the release has it in its own package" {
	debian none
	sudo_there
	setup_as 0 build demo
	[[ $(grep '^apt-get install' "$SAID") == *" docker-cli "* ]]
	[[ $(grep '^apt-get install' "$SAID") == *" docker.io "* ]]
	[ "$(grep -c '^apt-get install' "$SAID")" = 1 ]
}

@test "setup: docker's client is not requested where the release does not have it, nor reported" {
	debian docker-cli
	sudo_there
	setup_as 0 build demo
	[[ $(grep '^apt-get install' "$SAID") == *" docker.io "* ]]
	[[ $(grep '^apt-get install' "$SAID") != *docker-cli* ]]
	[[ $output != *"unknown to"* ]]
}

@test "setup: another package's dockerd and docker are sufficient" {
	debian none
	sudo_there
	machine docker exit
	machine dockerd exit
	setup_as 0 build demo
	[[ $(grep '^apt-get install' "$SAID") != *docker* ]]
}

@test "setup: a package that the release does not have is named, and is no failure" {
	debian cppcheck
	sudo_there
	setup_as 0 lint
	[[ $output == *"unknown to apt, so not installed: cppcheck"* ]]
	# Again, with nothing else to install.
	setup_as 0 lint
}

@test "setup: no package of a daemon may start it; units enabled for the next boot are disabled again" {
	local system=$SETUP_ROOT/etc/systemd/system
	debian none
	sudo_there
	mkdir "$system"/{multi-user,sockets}.target.wants
	# Earlier units stay.
	ln -s /lib/systemd/system/cron.service "$system/multi-user.target.wants/cron.service"
	ln -s ../init.d/cron "$SETUP_ROOT/etc/rc3.d/S01cron"
	cat >"$SAID.postinst" <<-'EOT'
		systemd=$SETUP_ROOT/etc/systemd
		PATH=/usr/bin:/bin
		for unit in multi-user.target.wants/docker.service sockets.target.wants/docker.socket \
			timers.target.wants/e2scrub_all.timer dbus-org.example.service; do
			case $unit in */*) mkdir -p "$systemd/system/${unit%/*}" ;; esac
			ln -s "/lib/systemd/system/${unit##*/}" "$systemd/system/$unit"
		done
		ln -s /dev/null "$systemd/system/masked.service"
		mkdir "$systemd/user/sockets.target.wants"
		ln -s /usr/lib/systemd/user/agent.socket "$systemd/user/sockets.target.wants/agent.socket"
		ln -s ../init.d/docker "$SETUP_ROOT/etc/rc3.d/S01docker"
	EOT
	setup_as 0 build demo
	[ "$(cd "$SETUP_ROOT" && find . -type l | LC_ALL=C sort)" = "./etc/rc3.d/S01cron
./etc/systemd/system/masked.service
./etc/systemd/system/multi-user.target.wants/cron.service" ]
	[[ $output == *"disabled, so that nothing starts at boot (systemctl enable brings one back): agent.socket dbus-org.example.service docker.service docker.socket e2scrub_all.timer"* ]]
	# And during the installation, policy-rc.d(8) had forbidden all starts.
	[ "$(tail -n 1 "$SAID.policy")" = "exit 101" ]
	[ ! -e "$SETUP_ROOT/usr/sbin/policy-rc.d" ]
}

@test "setup: the machine's own policy-rc.d stays; one that a killed setup left does not" {
	local policy=$SETUP_ROOT/usr/sbin/policy-rc.d
	debian none
	sudo_there
	echo 'exit 0' >"$policy"
	setup_as 0 build
	[ "$(cat "$policy")" = "exit 0" ]
	rm "$policy" "$SAID.installed"
	setup_as 0 build
	[ ! -e "$policy" ]
	cp "$SAID.policy" "$policy"
	rm "$SAID.installed"
	setup_as 0 build
	[ ! -e "$policy" ]
}

@test "setup: it prints how to undo its changes, without what existed before" {
	debian none
	sudo_there
	echo gcc >"$SAID.installed"
	setup_as 0 build
	[[ $output == *"to undo this, as root:"* ]]
	[[ ${lines[-1]} == *"apt-get autoremove --purge "*" uidmap"* ]]
	[[ " ${lines[-1]} " != *" gcc "* ]]
}

@test "setup: a user gets unused subordinate ids, and the directory that a login would have created" {
	debian none
	sudo_there
	machine dpkg-query 'echo installed'
	machine usermod 'echo "usermod $*" >>"$SAID"'
	machine install 'echo "install $*" >>"$SAID"'
	machine touch exit
	echo bob:100000:65536 | tee "$SETUP_ROOT/etc/subuid" >"$SETUP_ROOT/etc/subgid"
	rmdir "$SETUP_ROOT/run/user/1000"
	chmod 0600 "$SETUP_ROOT/dev/net/tun"
	setup_as 0 demo
	[ "$(grep -c '^sudo$' "$SAID")" = 1 ]
	grep -qx "usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice" "$SAID"
	grep -q "^install -d -m 0700 -o alice .*/run/user/1000$" "$SAID"
	[ "$(stat -c %a "$SETUP_ROOT/dev/net/tun")" = 666 ]
	[[ $output == *"usermod --del-subuids 165536-231071 --del-subgids 165536-231071 alice"* ]]
}

@test "setup: on a machine of an unknown kind nothing is installed, with a message" {
	setup_as 0 build
	[[ $output == *"no known package manager here"* ]]
}

@test "setup: an unknown group" {
	alpine none
	setup_as 1 nonsense
	[[ $output == *"no such group: nonsense" ]]
}
