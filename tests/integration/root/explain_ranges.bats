#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# Causes of failed launches (see explain.bats): the ranges of subordinate ids.
#
# seconds: 6

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab

setup() {
	root_setup
}

@test "no line in /etc/subuid and /etc/subgid: usermod" {
	lab <<-'END'
		etc_is_ours
		user=$(id -un "$USER_UID")
		others() { # FILES… - print their lines without ours
			sed -i "/^$user:/d; /^$USER_UID:/d" "$@"
			echo other:100000:70000 | tee -a "$@" >/dev/null
		}
		others /etc/subuid /etc/subgid
		fails no-ranges true
		says "$ERROR" 'has no subordinate user ids: no line in /etc/subuid'
		equals "no line for $user or $USER_UID in /etc/subuid or /etc/subgid" "$CAUSE"
		works "$(option '--idmap=single')" true
		repair '^sudo usermod [^;]*'
		works true
		grep -qxE "$user:[0-9]+:65536" /etc/subuid
		! grep -q "^$user:100000:" /etc/subuid
		others /etc/subuid
		fails no-ranges true
		equals "no line for $user or $USER_UID in /etc/subuid" "$CAUSE"
		repair '^sudo usermod [^;]*'
		works true
		others /etc/subgid
		fails no-ranges true
		equals "no line for $user or $USER_UID in /etc/subgid" "$CAUSE"
		repair '^sudo usermod [^;]*'
		works true
		rm /etc/subuid /etc/subgid
		fails no-subid-file true
		equals 'there is no /etc/subuid /etc/subgid' "$CAUSE"
		repair '^sudo touch [^;]*'
		works true
		rm /etc/subgid
		fails no-subid-file true
		repair '^sudo touch [^;]*'
		works true
	END
}

@test "ranges within a user namespace of a few ids, and of one" {
	user_lab "$FAUXROOT" --copy-up=/etc <<-'END'
		rm /etc/subuid /etc/subgid
		touch /etc/subuid /etc/subgid
		fails no-ranges-but-power true
		says "$CAUSE" '^no line for root or 0 in /etc/subuid or /etc/subgid; none is needed'
		works "$(option '--idmap=fit')" true
		works "$(option '--idmap=single')" true
	END
	user_lab unshare --user --map-root-user <<-'END'
		fails no-ids-to-give true
		says "$CAUSE" 'has no free ids for one \(/proc/self/uid_map\)'
		[[ $REMEDY != *usermod* ]]
		works "$(option '--idmap=single')" true
	END
	# Fake root in fake root, as root: usermod cannot help there.
	user_lab "$FAUXROOT" "$FAUXROOT" --idmap=fit <<-'END'
		fails no-ranges-but-power true
		[[ $REMEDY != *usermod* ]]
		works "$(option '--idmap=fit')" true
	END
	user_lab "$FAUXROOT" --idmap=single <<-'END'
		fails no-ids-to-give true
		[[ $REMEDY != *usermod* ]]
		works "$(option '--idmap=single')" true
	END
}

@test "a user that is not in /etc/passwd" {
	lab <<-'END'
		etc_is_ours
		AS_UID=54321 AS_GID=54321 AS_GROUPS=--clear-groups
		chown 54321 "$T/run"
		fails no-ranges-no-account true
		says "$CAUSE" '/etc/passwd has no account with that uid'
		works "$(option '--idmap=single')" true
		repair 'echo [^;]*'
		fails no-account true
		says "$ERROR" 'Cannot determine your user name'
		works "$(option '--idmap=single')" true
		repair 'echo [^;]*'
		works true
	END
}

@test "fewer ids than images use: a warning, and a larger range" {
	lab <<-'END'
		etc_is_ours
		user=$(id -un "$USER_UID")
		echo "$user:100000:1000" | tee /etc/subuid >/etc/subgid
		works true
		says "$ERROR" 'known as few-ids'
		says "$ERROR" 'warning: only 1001 user and 1001 group ids are mapped'
		REMEDY=$(sed -n 's/.*warning: remedy: //p' <<<"$ERROR")
		repair '^sudo usermod .*'
		works true
		[[ $ERROR != *few-ids* && $ERROR != *warning* ]]
	END
}

@test "unusable lines: broken, overlapping, our own uid" {
	lab <<-'END'
		user=$(id -un "$USER_UID")
		file_over /etc/subuid ''
		file_over /etc/subgid "$user:100000:65536\n"
		while read -r text; do
			printf "$text" >/etc/subuid
			fails ranges-unusable true
			says "$CAUSE" '^/etc/subuid has '
			echo "$(option "$user:[0-9]+:65536")" | tee /etc/subuid >/etc/subgid
			works true
		done <<-LINES
			$user:100000:1000\\\\r\\\\n
			$user:-1:10\\\\n
			$user:100000\\\\n
			$user:4294967290:100\\\\n
			$user:100000:65536\\\\n$user:150000:65536\\\\n
			$user:$((USER_UID - 1)):10\\\\n
		LINES
	END
}

@test "getsubids missing, failing, with invalid output or foreign ranges: --subid-source=static" {
	lab <<-'END'
		mkdir "$T/bin"
		ln -s "$(type -P newuidmap)" "$(type -P newgidmap)" "$(type -P true)" "$T/bin/"
		AS=(env PATH="$T/bin")
		fails getsubids-missing --subid-source=dynamic true
		works "$(option '--subid-source=static')" true
		AS=(env GETSUBIDS="$T/bin/getsubids")
		answers() {
			printf '#!/bin/sh\n%s\n' "$1" >"$T/bin/getsubids"
			chmod 0755 "$T/bin/getsubids"
		}
		answers 'echo Error fetching ranges >&2; exit 1'
		fails getsubids-failed --subid-source=dynamic true
		says "$ERROR" 'has no subordinate user ids: getsubids: Error fetching ranges'
		says "$CAUSE" 'although /etc/subuid has .*; /etc/subgid has '
		works "$(option '--subid-source=static')" true
		answers 'echo rubbish'
		fails getsubids-failed --subid-source=dynamic true
		works "$(option '--subid-source=static')" true
		answers 'kill -9 $$'
		fails getsubids-failed --subid-source=dynamic true
		answers 'echo 0: x 500000000 1000'
		fails ranges-not-granted --subid-source=dynamic true
		says "$ERROR" 'not allowed'
		works "$(option '--subid-source=static')" true
	END
}

@test "a source of nsswitch.conf without ranges for us: subid: files" {
	lab <<-'END'
		mkdir "$T/bin"
		printf '#!/bin/sh\necho Error fetching ranges >&2\nexit 1\n' >"$T/bin/getsubids"
		chmod 0755 "$T/bin/getsubids"
		AS=(env GETSUBIDS="$T/bin/getsubids")
		file_over /etc/nsswitch.conf 'subid: sss\n'
		fails subid-source-empty true
		equals "/etc/nsswitch.conf has \"subid: sss\", and that source has no ranges for $(id -un "$USER_UID")" "$CAUSE"
		works "$(option '--idmap=single')" true
		option '"subid: files"' | tr -d '"' >/etc/nsswitch.conf
		works true
	END
}
