#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# Causes of failed launches (see explain.bats): the state directory, XDG_RUNTIME_DIR, and directories to copy up.
#
# seconds: 5

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab

setup() {
	root_setup
}

@test "a state directory in use: the other instance is terminated" {
	lab <<-'END'
		mkdir -m 0700 "$S"
		chown "$USER_UID" "$S"
		mkdir "$T/first"
		T=$T/first lab_start --state-dir="$S/d" sleep 200 &
		until [ -s "$S/d/child_pid" ]; do sleep 0.02; done
		# From another PID namespace the owner is unknown.
		AS_ROOT=(unshare --pid --fork --mount-proc --kill-child)
		fails statedir-in-use-by-somebody --state-dir="$S/d" true
		AS_ROOT=()
		works --state-dir="$S/other" true
		fails statedir-in-use --state-dir="$S/d" true
		says "$ERROR" 'is in use by process [0-9]+ \(.*fauxroot'
		repair 'kill [0-9]+'
		wait
		works --state-dir="$S/d" true
		rmdir "$S"
	END
}

@test "a state directory that is another user's, a link, a file, read-only, closed, full, too long" {
	lab <<-'END'
		mkdir "$T/theirs"
		fails statedir-foreign --state-dir="$T/theirs" true
		says "$ERROR" "belongs to uid 0, and we are uid $USER_UID"
		says "$CAUSE" "^$T/theirs belongs to another user"
		works "$(option '--state-dir=[^ ]*')" true
		# The owner of a directory above could replace it.
		mkdir -m 0777 "$T/shared"
		chown 12345 "$T/shared"
		for path in "$T/shared/mine" "$T/shared/a/b"; do
			fails statedir-below-foreign --state-dir="$path" true
			says "$ERROR" "error: \"$T/shared\": belongs to uid 12345, who could replace the state directory \"$path\""
			absent "$T/shared/mine" "$T/shared/a"
			lab_start --check --json --state-dir="$path" true
			grep -q '"id": "statedir-below-foreign"' "$T/out"
		done
		works "$(option '--state-dir=[^ ]*')" true
		# Like /tmp, or a volume in a container.
		chown 0 "$T/shared"
		chmod 1777 "$T/shared"
		works --state-dir="$T/shared/mine" true
		equals '' "$(grep -v 'debug: ' <<<"$ERROR" || true)"
		chmod 0777 "$T/shared"
		works --state-dir="$T/shared/mine" true
		says "$ERROR" "warning: every user may write to $T/shared, which has no sticky bit"
		mkdir -m 0700 "$T/dir"
		chown "$USER_UID" "$T/dir"
		ln -s dir "$T/link"
		fails statedir-link --state-dir="$T/link" true
		equals "use --state-dir=$T/dir" "$REMEDY"
		works "$(option '--state-dir=[^ ]*')" true
		touch "$T/file"
		chown "$USER_UID" "$T/file"
		fails statedir-no-directory --state-dir="$T/file" true
		works "$(option '--state-dir=[^ ]*')" true
		fails statedir-closed --state-dir="$T/theirs/a/b" true
		equals "$T/theirs belongs to uid 0 with mode 0755, and $(id -un "$USER_UID") may not create files there" "$CAUSE"
		works "$(option '--state-dir=[^ ]*')" true
		# As a process with a subordinate id leaves it behind.
		mkdir -p "$T/left/a/b"
		chown "$USER_UID" "$T/left"
		fails statedir-left-behind --state-dir="$T/left" true
		equals "$T/left/a, which the command of an earlier instance has left behind, belongs to uid 0" "$CAUSE"
		repair 'sudo rm -rf [^ ]*'
		mkdir -p "$T/left/b/c/d"
		chown "$USER_UID" "$T/left/b"
		fails statedir-left-behind --state-dir="$T/left" true
		says "$CAUSE" "^$T/left/b/c, which .* belongs to uid 0$"
		repair 'sudo rm -rf [^ ]*'
		works --state-dir="$T/left" true
		mkdir "$T/small"
		mount -t tmpfs -o "size=16k,uid=$USER_UID,mode=0700" tmpfs "$T/small"
		head -c 16384 /dev/zero >"$T/small/full"
		fails statedir-full --state-dir="$T/small/d" true
		says "$ERROR" 'No space left on device'
		equals "the file system of $T/small has no space, inodes or quota left for us" "$CAUSE"
		repair 'df [^ ]*'
		rm "$T/small/full"
		works --state-dir="$T/small/d" true
		mount -o remount,ro "$T/small"
		fails statedir-read-only --state-dir="$T/small/d" true
		says "$ERROR" 'Read-only file system'
		works "$(option '--state-dir=[^ ]*')" true
		# The remedy names no other read-only directory.
		AS=(env XDG_RUNTIME_DIR="$T/small")
		fails statedir-read-only --state-dir="$T/small/d" true
		equals --state-dir=/tmp/NAME "$(option '--state-dir=[^ ]*')"
		works "$(option '--state-dir=[^ ]*')" true
		AS=()
		mkdir "$T/gone"
		cd "$T/gone"
		rmdir "$T/gone"
		fails statedir-no-cwd --state-dir=relative true
		says "$CAUSE" "relative to the working directory, $T/gone, which has been deleted"
		repair 'cd /'
		works --state-dir="$T/tmp/relative" true
		cd "$T"
		fails statedir-path-long --state-dir="$T/$(printf 'x%.0s' {1..108})" true
		says "$REMEDY" 'a shorter --state-dir'
		mkdir -m 0700 "$T/home"
		chown "$USER_UID" "$T/home"
		AS=(env HOME="$T/home")
		fails statedir-precious --state-dir="$T/home" true
		equals "--state-dir=$XDG_RUNTIME_DIR/NAME" "$(option '--state-dir=[^ ]*')"
		works "$(option '--state-dir=[^ ]*')" true
	END
}

@test "a read-only root: a directory elsewhere, not one that is read-only as well" {
	lab <<-'END'
		mount --bind "$T" "$T"
		mount -t tmpfs tmpfs /run/user
		mkdir -m 0700 "/run/user/$USER_UID"
		chown "$USER_UID" "/run/user/$USER_UID"
		mount -o remount,ro /run/user
		mount -o remount,bind,ro /
		# Some machines have a tmpfs there.
		! mountpoint -q /tmp || mount -o remount,bind,ro /tmp
		for dir in "" "/run/user/$USER_UID"; do
			AS=(env TMPDIR=/tmp XDG_RUNTIME_DIR="$dir")
			fails statedir-read-only true
			works "$(option '--state-dir=/[^ ]*')" true
		done
		mount -o remount,rw /run/user
		AS=(env TMPDIR=/tmp XDG_RUNTIME_DIR=)
		fails runtime-dir-unset true
		AS=(env TMPDIR=/tmp "$(option 'XDG_RUNTIME_DIR=.*')")
		works true
	END
}

@test "a state directory that we need for something else: one below the runtime directory" {
	lab <<-'END'
		mount -t tmpfs tmpfs /run/user
		mkdir -m 0700 "/run/user/$USER_UID"
		chown "$USER_UID" "/run/user/$USER_UID"
		AS=(env XDG_RUNTIME_DIR="/run/user/$USER_UID")
		for dir in / /home "$HOME" "/run/user/$USER_UID"; do
			AS=(env XDG_RUNTIME_DIR="/run/user/$USER_UID" HOME=/home/name)
			fails 'statedir-precious|statedir-foreign' --state-dir="$dir" true
			works "$(option "--state-dir=/run/user/$USER_UID/NAME")" true
		done
	END
}

@test "another file system over the root directory" {
	lab <<-'END'
		works true
		mount --bind / /
		fails root-covered true
		repair 'sudo umount /'
		works true
	END
}

@test "--copy-up of a directory that is missing, or closed" {
	lab <<-'END'
		fails copy-up-missing --copy-up=/etc --copy-up="$T/nosuch" true
		equals "there is no $T/nosuch" "$CAUSE"
		repair 'sudo mkdir .*'
		works --copy-up=/etc --copy-up="$T/nosuch" true
		chmod 0700 "$T/nosuch"
		fails copy-up-closed --copy-up="$T/nosuch" true
		says "$CAUSE" "^$T/nosuch belongs to uid 0 and gid 0, mode 0700"
		repair 'sudo chmod .*'
		works --copy-up="$T/nosuch" true
		truncate -s 65M "$T/nosuch/file"
		fails copy-up-large --copy-up="$T/nosuch:copy" true
		works "$(option '--copy-up=[^ ]*symlink')" true
	END
}

@test "XDG_RUNTIME_DIR unset or another user's" {
	lab <<-'END'
		mount -t tmpfs tmpfs /run/user
		mkdir -m 0700 "/run/user/$USER_UID" /run/user/0
		chown "$USER_UID" "/run/user/$USER_UID"
		launch='exec "$FAUXROOT" --debug --state-dir="$XDG_RUNTIME_DIR/name" true'
		unset XDG_RUNTIME_DIR
		fails runtime-dir-unset --state-dir="${XDG_RUNTIME_DIR:-}/name" true
		equals "XDG_RUNTIME_DIR is not set, although /run/user/$USER_UID exists" "$CAUSE"
		as_user sh -c "$REMEDY; $launch" 2>"$T/err"
		# As in a unit of the system manager; the two lines set the variable.
		INVOCATION_ID=0123456789abcdef0123456789abcdef fails unit-without-runtime-dir \
			--state-dir="${XDG_RUNTIME_DIR:-}/name" true
		says "$CAUSE" 'this systemd unit has no XDG_RUNTIME_DIR'
		option '^set RuntimeDirectory=fauxroot and Environment=XDG_RUNTIME_DIR=%t/fauxroot '
		export XDG_RUNTIME_DIR=/run/user/0
		fails runtime-dir-foreign --state-dir=/run/user/0/name true
		says "$CAUSE" 'XDG_RUNTIME_DIR is /run/user/0, which belongs to uid 0'
		as_user sh -c "$(option 'export XDG_RUNTIME_DIR=/run/user/[0-9]+$'); $launch" 2>"$T/err"
		export XDG_RUNTIME_DIR=/run/user/4242
		chmod 0755 /run/user
		fails runtime-dir-gone --state-dir=/run/user/4242/name true
		says "$CAUSE" 'XDG_RUNTIME_DIR is /run/user/4242, which does not exist'
		as_user sh -c "$(option '^export .*'); $launch" 2>"$T/err"
		rmdir "/run/user/$USER_UID"
		unset XDG_RUNTIME_DIR
		mkdir -p "$T/systemd/system"
		[ -d /run/systemd ] || mkdir /run/systemd
		mount --bind "$T/systemd" /run/systemd
		loginctl() {
			equals "enable-linger $(id -un "$USER_UID")" "$*"
			mkdir -m 0700 "/run/user/$USER_UID"
			chown "$USER_UID" "/run/user/$USER_UID"
		}
		fails no-runtime-dir --state-dir=/name true
		repair '^sudo loginctl [^;]*'
		as_user sh -c "$(option 'export [^;]*'); $launch" 2>"$T/err"
		unset XDG_RUNTIME_DIR
		rmdir "/run/user/$USER_UID" "$T/systemd/system"
		fails no-runtime-dir --state-dir=/name true
		repair '^sudo install [^;]*'
		as_user sh -c "$(option 'export [^;]*'); $launch" 2>"$T/err"
	END
}
