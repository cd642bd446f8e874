#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# Causes of failed launches (see explain.bats): newuidmap and newgidmap.
#
# seconds: 8

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab

setup() {
	root_setup
}

@test "no newuidmap or newgidmap: the package" {
	lab <<-'END'
		file_over /etc/os-release 'ID=debian\n'
		mkdir "$T/bin"
		ln -s "$(type -P true)" "$T/bin/"
		apt-get() {
			equals 'install uidmap' "$*"
			ln -s "$T"/package/* "$T/bin/"
		}
		AS=(env PATH="$T/bin")
		fails program-not-in-path true
		equals 'the program is /usr/bin/newuidmap, and /usr/bin is not in PATH' "$CAUSE"
		as_user sh -c "PATH=$T/bin; $REMEDY"'; exec "$FAUXROOT" true'
		mkdir "$T/package"
		cp -a "$(type -P newuidmap)" "$(type -P newgidmap)" "$T/package/"
		mount --bind /dev/null /usr/bin/newuidmap
		mount --bind /dev/null /usr/bin/newgidmap
		fails newuidmap-missing true
		says "$ERROR" 'executing "newuidmap": No such file or directory'
		equals "newuidmap is not in PATH ($T/bin)" "$CAUSE"
		repair '.*'
		works true
		rm "$T/bin/newgidmap"
		fails newuidmap-missing true
		equals "newgidmap is not in PATH ($T/bin)" "$CAUSE"
	END
}

@test "no_new_privs: --idmap=single, or without it" {
	lab <<-'END'
		AS_ROOT=(setpriv --no-new-privs)
		fails no-new-privs true
		says "$CAUSE" 'NoNewPrivs: 1'
		works "$(option '--idmap=single')" true
		AS_ROOT=()
		works true
	END
}

@test "a seccomp filter that refuses openat2, which newuidmap needs: run without it, or --idmap=single" {
	# Like newuidmap of shadow 4.17, whatever this machine has.
	mkdir "$T/bin"
	cat >"$T/bin/newuidmap" <<-'END'
		#!/usr/bin/perl
		# openat2(AT_FDCWD, "/dev/null", {O_RDONLY}, sizeof(struct open_how))
		my ($how, $path) = (pack("QQQ", 0, 0, 0), "/dev/null");
		if (syscall(437, -100, $path, $how, length $how) < 0) {
			print STDERR "newuidmap: open of uid_map failed: $!\n";
			exit 1;
		}
		exec "/usr/bin/newuidmap", @ARGV;
	END
	chmod 0755 "$T/bin/newuidmap"
	lab <<-'END'
		AS=(env "PATH=$T/bin:$PATH")
		openat2_works() {
			perl -e 'exit(syscall(437, -100, $p = "/dev/null", $h = pack("QQQ", 0, 0, 0), 24) < 0)'
		}
		for error in EPERM ENOSYS; do
			AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno "$error" openat2 --)
			fails seccomp-openat2 true
			says "$CAUSE" 'Seccomp: 2\) that refuses openat2'
			lab_start --check --json true
			grep -qF '"id": "seccomp-openat2"' "$T/out"
			works "$(option '--idmap=single')" true
		done
		AS_ROOT=()
		# In the pass without new system calls all tests have it refused.
		! openat2_works || works true
	END
}

@test "newuidmap without its set-user-ID bit" {
	lab <<-'END'
		copy /usr/bin/newuidmap
		chmod u-s /usr/bin/newuidmap
		fails setuid-lost true
		says "$ERROR" 'newuidmap: .*Operation not permitted'
		equals "/usr/bin/newuidmap has neither the set-user-ID bit nor file capabilities" "$CAUSE"
		repair '.*'
		works true
	END
}

@test "newgidmap on a mount with nosuid" {
	lab <<-'END'
		mkdir "$T/mnt"
		mount -t tmpfs -o nosuid tmpfs "$T/mnt"
		cp -a /usr/bin/newgidmap "$T/mnt/"
		AS=(env PATH="$T/mnt:$PATH")
		fails setuid-elsewhere true
		equals "$T/mnt/newgidmap, the first one in PATH, gains no privileges; the one in /usr/bin does" "$CAUSE"
		as_user sh -c "$REMEDY"'; exec "$FAUXROOT" true'
		mount --bind /dev/null /usr/bin/newgidmap
		fails nosuid true
		equals "$T/mnt/newgidmap is on $T/mnt, which is mounted nosuid, so it gains no privileges" "$CAUSE"
		repair '.*'
		works true
	END
}

@test "CAP_SETUID or CAP_SETGID outside of the bounding set" {
	lab <<-'END'
		works true
		for cap in setuid setgid; do
			BECOME=("--bounding-set=-$cap")
			fails no-cap-setuid true
			says "$CAUSE" "^CAP_${cap^^} is outside of our capability bounding set .*CapBnd: [0-9a-f]+"
			says "$REMEDY" 'SETUID.*SETGID'
		done
		BECOME=()
		works true
	END
}

# The capabilities that Docker leaves to a container.
DOCKER_CAPS=+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service
DOCKER_CAPS+=,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap

@test "a set-user-ID newuidmap with the capabilities that Docker leaves" {
	export DOCKER_CAPS
	lab <<-'END'
		copy /usr/bin/newuidmap /usr/bin/newgidmap
		if getcap /usr/bin/newuidmap | grep -q . || ! [ -u /usr/bin/newuidmap ]; then
			setcap -r /usr/bin/newuidmap /usr/bin/newgidmap
			chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap
		fi
		BECOME=("--bounding-set=-all,$DOCKER_CAPS")
		no_trap() { # remedies that would lead to the same failure
			if grep -qE 'u\+s|cap-add|SETUID,' <<<"$REMEDY"; then
				echo "no way out: $REMEDY" >&2
				return 1
			fi
		}
		fails setuid-needs-sys-admin true
		says "$CAUSE" '^/usr/bin/newuidmap is set-user-ID and needs CAP_SYS_ADMIN .*CapBnd: 00000000a80425fb'
		no_trap
		# In a container the image must be fixed, and no filter is the cause.
		AS=(env KUBERNETES_SERVICE_HOST=10.0.0.1)
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" kcmp --)
		fails setuid-needs-sys-admin true
		says "$REMEDY" '^in the Dockerfile of the image, add RUN chmod u-s '
		no_trap
		# Without any capability but these two, which documents for container images recommend.
		BECOME=(--bounding-set=-all,+setuid,+setgid)
		fails setuid-needs-sys-admin true
		no_trap
		BECOME=(--bounding-set=-all)
		fails no-cap-setuid-nor-filecaps true
		says "$REMEDY" 'SETUID, SETGID'
		says "$REMEDY" '^in addition to the capabilities, .* RUN chmod u-s'
		# The set-user-ID bit alone is not enough.
		BECOME=("--bounding-set=-all,$DOCKER_CAPS")
		chmod u-s /usr/bin/newuidmap
		fails filecaps-lost true
		no_trap
		AS=()
		fails filecaps-lost true
		chmod u+s /usr/bin/newuidmap
		AS=(env KUBERNETES_SERVICE_HOST=10.0.0.1)
		fails setuid-needs-sys-admin true
		repair 'chmod u-s .*'
		works true
		BECOME=(--bounding-set=-all,+setuid,+setgid)
		works true
	END
}

@test "CAP_SETFCAP missing, where root maps itself; another user does not need it" {
	lab <<-'END'
		file_over /etc/subuid "root:100000:65536\n$FAUXROOT_TEST_USER:300000:65536\n"
		file_over /etc/subgid "root:100000:65536\n$FAUXROOT_TEST_USER:300000:65536\n"
		AS_UID=0 AS_GID=0
		chown 0:0 "$T" "$T"/run "$T"/tmp
		BECOME=(--bounding-set=-setfcap)
		fails no-cap-setfcap true
		says "$CAUSE" 'mapping the outer uid 0 needs it'
		fails no-cap-setfcap --idmap=single true
		says "$REMEDY" 'a user other than root$'
		AS_UID=$USER_UID AS_GID=$USER_GID
		works true
		AS_UID=0 AS_GID=0 BECOME=()
		works true
	END
}

@test "newgrp or sg: another group than in /etc/passwd" {
	lab <<-'END'
		AS_GID=$(getent group users | cut -d: -f3)
		fails group-switched true
		says "$ERROR" 'owned by a different user'
		equals "this process has the group users, but /etc/passwd has $(id -gn "$USER_UID") for $(id -un "$USER_UID"), as after newgrp or sg; newuidmap and newgidmap refuse that" "$CAUSE"
		command=$(option "^sg [^;]*" | sed "s|fauxroot …|exec $FAUXROOT true|")
		setpriv --reuid "$USER_UID" --regid "$AS_GID" --init-groups sh -c "$command" </dev/null
	END
}

@test "a range outside of the ids of an outer user namespace" {
	mkdir -m 0777 "$T/shared"
	mkfifo -m 0666 "$T/shared/mapped"
	lab unshare --user --mount sh -c 'echo $$ >"$T/shared/inner"; read -r _ <"$T/shared/mapped"; exec "$@"' \
		sh >"$T/said" 2>&1 <<-'END' &
		file_over /etc/subuid "$(id -un "$USER_UID"):400000:65536\n"
		file_over /etc/subgid "$(id -un "$USER_UID"):400000:65536\n"
		fails range-outside-map true
		says "$ERROR" 'newuidmap: .*Operation not permitted'
		equals "400000:65536 of /etc/subuid, line 1, is outside the ids of our user namespace (/proc/self/uid_map)" "$CAUSE"
		line=$(option "$(id -un "$USER_UID"):[0-9]+:65536")
		echo "$line" | tee /etc/subuid >/etc/subgid
		works true
		# Now a part of the range exists.
		echo "$(id -un "$USER_UID"):299000:65536" | tee /etc/subuid >/etc/subgid
		fails range-partly-outside-map true
		equals "299000:65536 of /etc/subuid, line 1, is not within one line of /proc/self/uid_map, the ids of our user namespace" "$CAUSE"
		says "$REMEDY" '^use --idmap=fit$'
		works --idmap=fit true
	END
	wait_for test -s "$T/shared/inner"
	local inner
	inner=$(<"$T/shared/inner")
	echo 0 0 300000 >"/proc/$inner/uid_map"
	echo 0 0 300000 >"/proc/$inner/gid_map"
	echo >"$T/shared/mapped"
	wait $! || { cat "$T/said" >&2; return 1; }
}
