# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# TASK…: the part of scripts/setup that needs root, in one call
#
# setup passes the text of managers.bash and of this file to `sudo bash -c`: so sudo asks for a password
# once, and root does not need to read the checkout. A task is one argument of blank-separated words:
#
#	install MANAGER NAME…  packages; "@NAME" does not exist in every release of the distribution
#	user NAME              an unprivileged user
#	subids USER            subordinate ids for the user
#	runtime USER           the directory in /run/user that a login would create
#	tun                    /dev/net/tun for all users
#
# Nothing that is installed here starts, now or at the next boot. At the end it prints how to undo all
# changes. The status is 3 when there were packages to install and none could be installed.

set -euo pipefail
export LC_ALL=C

# Where the machine's files are: tests use another directory.
ROOT=${SETUP_ROOT:-}
UNITS=$ROOT/etc/systemd
POLICY=$ROOT/usr/sbin/policy-rc.d
POLICY_TEXT='#!/bin/sh
# Created by the set-up of fauxroot while it installs packages.
exit 101'
UNDO=()

note() { printf '    %s\n' "$*"; }

# ---- Packages ----

# keep_daemons_down: create policy-rc.d(8) while packages are installed. A policy that a killed run left is
# ours, too.
keep_daemons_down() {
	[ -d "${POLICY%/*}" ] || return 0
	if [ -e "$POLICY" ] && [ "$(cat "$POLICY")" != "$POLICY_TEXT" ]; then return; fi
	trap 'rm -f "$POLICY"' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	printf '%s\n' "$POLICY_TEXT" >"$POLICY"
	chmod 0755 "$POLICY"
}

# starters: print what makes a service, socket or timer start at boot, or by its name: systemd's links, and
# System V's links for machines that boot with those
starters() {
	{
		find "$UNITS/system" "$UNITS/user" -type l ! -lname /dev/null 2>/dev/null || :
		find "$ROOT"/etc/rc[0-6S].d -type l -name 'S*' 2>/dev/null || :
	} | sort
}

# disable LINK…: keep installed services from starting at the next boot
disable() {
	local link name units=() scripts=()
	for link; do
		name=${link##*/}
		case $link in
		"$UNITS"/*)
			rm -f "$link"
			units+=("$name")
			;;
		*)
			name=${name#S[0-9][0-9]}
			case " ${scripts[*]} " in *" $name "*) continue ;; esac
			update-rc.d "$name" disable >/dev/null 2>&1 || rm -f "$link"
			scripts+=("$name")
			;;
		esac
	done
	if [ ${#units[@]} -gt 0 ]; then
		mapfile -t units < <(printf '%s\n' "${units[@]}" | sort -u)
		note "disabled, so that nothing starts at boot (systemctl enable brings one back): ${units[*]}"
		# When systemd is not PID 1, there is no state to reload and no unit to stop.
		if [ -d /run/systemd/system ] && [ -z "$ROOT" ]; then
			systemctl daemon-reload || :
			systemctl stop "${units[@]}" 2>/dev/null || :
		fi
	fi
	[ ${#scripts[@]} = 0 ] || note "disabled for System V's init: ${scripts[*]}"
}

# install_one_by_one MANAGER NAME…: install each package that can be installed, after a failure with all
install_one_by_one() {
	local manager=$1 name failed=()
	shift
	for name; do
		"install_$manager" "$name" || failed+=("$name")
	done
	[ ${#failed[@]} = 0 ] || note "could not be installed: ${failed[*]}"
}

# available MANAGER NAME…: set NAMES to those that this release has, and print those that it lacks
available() {
	local manager=$1 name unknown lacking=()
	shift
	unknown=$("unknown_$manager" "${@#@}")
	NAMES=()
	for name; do
		if ! grep -qxF -- "${name#@}" <<<"$unknown"; then
			NAMES+=("${name#@}")
		elif [ "${name#@}" = "$name" ]; then
			lacking+=("$name")
		fi
	done
	[ ${#lacking[@]} = 0 ] || note "unknown to $manager, so not installed: ${lacking[*]}"
}

task_install() {
	local manager=$1 NAMES before after refreshed=1 installed started
	shift
	"refresh_$manager" || {
		refreshed=
		note "the package lists are not up to date; continuing with the existing ones"
	}
	available "$manager" "$@"
	before=$("missing_$manager" "${NAMES[@]}")
	started=$(starters)
	if [ ${#NAMES[@]} -gt 0 ]; then
		keep_daemons_down
		"install_$manager" "${NAMES[@]}" || install_one_by_one "$manager" "${NAMES[@]}"
	fi
	after=$("missing_$manager" "${NAMES[@]}")
	mapfile -t installed < <(comm -23 <(sort <<<"$before") <(sort <<<"$after") | grep .)
	mapfile -t started < <(comm -13 <(printf '%s\n' "$started") <(starters) | grep .)
	[ ${#started[@]} = 0 ] || disable "${started[@]}"
	if [ ${#installed[@]} -gt 0 ]; then
		UNDO+=("$("remove_$manager" "${installed[@]}")")
	elif [ -n "$after" ] || [ -z "$refreshed" ]; then
		STATUS=3
	fi
}

# ---- The unprivileged user and its needs ----

task_user() {
	touch "$ROOT"/etc/sub{uid,gid}
	useradd --create-home --shell /bin/bash "$1"
	UNDO+=("userdel --remove $1")
}

# free_subid: print the first subordinate id that neither file assigns
free_subid() {
	cat "$ROOT"/etc/sub{uid,gid} 2>/dev/null |
		awk -F: 'BEGIN { end = 100000 } $2 + $3 > end { end = $2 + $3 } END { print end }'
}

task_subids() {
	local first range
	# A new user already has them.
	if grep -qs "^$1:" "$ROOT/etc/subuid" && grep -qs "^$1:" "$ROOT/etc/subgid"; then return; fi
	first=$(free_subid)
	range=$first-$((first + 65535))
	note "subordinate ids $range for $1 in /etc/subuid and /etc/subgid"
	# usermod(8) and useradd(8) ignore missing files.
	touch "$ROOT"/etc/sub{uid,gid}
	usermod --add-subuids "$range" --add-subgids "$range" "$1"
	UNDO+=("usermod --del-subuids $range --del-subgids $range $1")
}

task_runtime() {
	local directory
	directory=/run/user/$(id -u "$1")
	install -d -m 0755 "$ROOT/run/user"
	install -d -m 0700 -o "$1" -g "$(id -g "$1")" "$ROOT$directory"
	note "until the next boot: $directory for $1"
}

task_tun() {
	if [ ! -e "$ROOT/dev/net/tun" ]; then
		mkdir -p "$ROOT/dev/net"
		mknod -m 0666 "$ROOT/dev/net/tun" c 10 200
	fi
	chmod 0666 "$ROOT/dev/net/tun"
	note "until the next boot: /dev/net/tun for everybody, mode 0666"
}

main() {
	local task words STATUS=0
	for task; do
		read -ra words <<<"$task"
		"task_${words[0]}" "${words[@]:1}"
	done
	[ ${#UNDO[@]} = 0 ] || note "to undo this, as root:"
	[ ${#UNDO[@]} = 0 ] || printf '        %s\n' "${UNDO[@]}"
	return $STATUS
}

main "$@"
