#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# Every cause that a test can provoke on a machine: the launch fails with the cause, and after the remedy the
# launch works. The remedies are taken from the output and run.
#
# seconds: 25

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/lab

setup() {
	root_setup
}

# Namespaces.

@test "a chroot, left by pivot_root" {
	lab <<-'END'
		# Not a mount point: such a chroot cannot be distinguished from an ordinary root.
		mkdir "$T/mnt"
		mount -t tmpfs tmpfs "$T/mnt"
		mkdir "$T/mnt/root" "$T/mnt/root/old"
		for dir in /*; do
			if [ -L "$dir" ]; then
				cp -a "$dir" "$T/mnt/root/"
			elif [ -d "$dir" ]; then
				mkdir "$T/mnt/root$dir"
				mount --rbind "$dir" "$T/mnt/root$dir"
			fi
		done
		AS_ROOT=(chroot "$T/mnt/root")
		fails chroot --idmap=single true
		says "$ERROR" 'clone: Operation not permitted'
		says "$CAUSE" '/proc/self/mountinfo has no mount at /'
		says "$REMEDY" '^enter the directory with pivot_root\(2\)'
		AS_ROOT=()
		mount --rbind "$T/mnt/root" "$T/mnt/root"
		cd "$T/mnt/root"
		pivot_root . old
		cd /
		works --idmap=single true
	END
}

@test "a user without an id in its user namespace, run with one" {
	lab <<-'END'
		AS=(unshare --user)
		fails unmapped-id --idmap=single true
		says "$CAUSE" 'our uid [0-9]+ is not in /proc/self/uid_map'
		says "$REMEDY" 'a user that is in its id map'
		AS=(unshare --user --map-user=7 --map-group=7)
		works --idmap=single true
	END
}

@test "a seccomp filter that refuses clone, mount, setns, run without it" {
	lab <<-'END'
		without_leak_check
		for call in clone3,clone mount setns; do
			AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EPERM "$call" --)
			fails seccomp --net=slirp4netns true
			says "$ERROR" 'Operation not permitted'
			says "$CAUSE" '/proc/self/status: Seccomp: 2'
			says "$REMEDY" 'seccomp=unconfined|seccompProfile.type: Unconfined'
			says "$REMEDY" 'RestrictNamespaces=no'
		done
		AS_ROOT=()
		works --net=slirp4netns true
	END
}

@test "a masked /proc with --pidns: unmasked, or without --pidns" {
	lab <<-'END'
		mount --bind /dev/null /proc/version
		fails proc-masked --pidns true
		says "$ERROR" 'mounting proc, .*: Operation not permitted'
		says "$CAUSE" '\(/proc/version\)'
		says "$REMEDY" 'systempaths=unconfined|unmask=ALL|procMount: Unmasked|nesting=true'
		says "$REMEDY" '^omit --pidns .*--oci-worker-no-process-sandbox'
		works true
		umount /proc/version
		works --pidns true
	END
}

@test "no /proc: mounted" {
	# Sanitizers read their options from /proc/self/environ.
	sanitized && return
	lab <<-'END'
		mount -t tmpfs tmpfs /proc
		fails no-proc --idmap=single true
		equals 'there is no proc file system on /proc' "$CAUSE"
		repair '.*'
		works --idmap=single true
	END
}

# The root of an outer user namespace can set its limits, with its own files in sysctl.d.
@test "limits of namespaces at 0, raised by sysctl" {
	outer_lab <<-'END'
		for dir in /etc/sysctl.d /usr/lib/sysctl.d /usr/local/lib/sysctl.d /lib/sysctl.d /run/sysctl.d; do
			[ ! -d "$dir" ] || mount -t tmpfs tmpfs "$dir"
		done
		[ ! -e /etc/sysctl.conf ] || mount --bind /dev/null /etc/sysctl.conf
		zero() { # KIND ID OPTIONS… COMMAND…
			local kind=$1 id=$2
			shift 2
			works --idmap=single "$@"
			echo 0 >"/proc/sys/user/max_${kind}_namespaces"
			fails "$id" --idmap=single "$@"
			says "$ERROR" '(clone|unshare): No space left on device'
			says "$CAUSE" "^/proc/sys/user/max_${kind}_namespaces is 0: "
			repair '^echo .*--system'
			equals 28633 "$(cat "/proc/sys/user/max_${kind}_namespaces")"
			works --idmap=single "$@"
		}
		zero user max-user-namespaces true
		says "$REMEDY" 'Bottlerocket, set settings'
		echo 1 >/proc/sys/user/max_user_namespaces
		# The kernel frees the namespaces of earlier launches a little after their end.
		for _ in {1..100}; do
			fails max-user-namespaces --idmap=single true
			[[ $ERROR != *'below the middle'* ]] || break
			sleep 0.1
		done
		says "$ERROR" 'below the middle user namespace: .*clone: No space left on device'
		says "$CAUSE" '^/proc/sys/user/max_user_namespaces is 1: a launch creates two'
		repair '^echo .*--system'
		works --idmap=single true
		echo 2 >/proc/sys/user/max_user_namespaces
		for _ in {1..100}; do
			lab_start --idmap=single true
			[ "$STATUS" -ne 0 ] || break
			sleep 0.1
		done
		equals 0 "$STATUS"
		echo 28633 >/proc/sys/user/max_user_namespaces
		zero mnt max-namespaces true
		zero net max-namespaces --net=none true
		for kind in pid cgroup uts ipc; do
			zero "$kind" max-namespaces "--${kind}ns" true
			says "$REMEDY" "^omit --${kind}ns\$"
		done
		echo 0 >/proc/sys/user/max_net_namespaces
		fails max-namespaces --idmap=single --net=none true
		works --idmap=single "$(option '--net=host')" true
	END
}

@test "limits of namespaces used up, raised by sysctl" {
	outer_lab <<-'END'
		echo 2 >/proc/sys/user/max_user_namespaces
		unshare --user sleep 60 &
		holder=$!
		until [ "$(readlink /proc/$holder/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.02; done
		fails namespaces-used-up --idmap=single true
		says "$CAUSE" 'max_user_namespaces 2, max_mnt_namespaces [0-9]+\) is used up'
		REMEDY=${REMEDY/namespaces=N/namespaces=100}
		repair 'sysctl -w user.max_user_namespaces=[0-9]+'
		works --idmap=single true
		kill "$holder"
	END
}

@test "33 nested user namespaces, and 32, then fewer" {
	cat >"$T/nest" <<-'END'
		#!/bin/sh
		n=$1
		shift
		[ "$n" -eq 0 ] && exec "$@"
		exec unshare --user --map-root-user "$0" $((n - 1)) "$@"
	END
	chmod +x "$T/nest"
	user_lab <<-'END'
		depth=33
		until "$T/nest" $depth true 2>/dev/null; do depth=$((depth - 1)); done
		AS=("$T/nest" $depth)
		fails namespaces-used-up --idmap=single true
		says "$ERROR" ': creating the namespaces: clone: No space left on device'
		says "$CAUSE" 'nested too deep: there are 32 levels, and a launch needs two'
		says "$REMEDY" '^start fauxroot in a less deeply nested user namespace$'
		# There is room for the first of the two.
		AS=("$T/nest" $((depth - 1)))
		fails namespaces-used-up --idmap=single true
		says "$ERROR" 'below the middle user namespace: .*clone: No space left on device'
		AS=("$T/nest" $((depth - 2)))
		works --idmap=single true
	END
}

# Limits.

@test "too few processes: limits.conf, and a new session" {
	lab <<-'END'
		etc_is_ours
		without_leak_check
		AS=(bash -c 'ulimit -u 1; exec "$@"' sh)
		fails process-limit true
		says "$ERROR" 'Resource temporarily unavailable'
		says "$CAUSE" 'may have 1 processes'
		repair '^echo .*'
		AS=() AS_ROOT=()
		in_session true
	END
}

@test "too few processes for a helper, for the agent or for a thread of the forwarder: the same cause" {
	# The forwarder has a thread a processor.
	[ "$(nproc)" -gt 1 ] || skip "one processor"
	lab <<-'END'
		etc_is_ours
		without_leak_check
		# A user without other processes, which the limit counts as well.
		AS_UID=54321 AS_GID=54321 AS_GROUPS=--clear-groups
		chown 54321 "$T/run"
		echo few:x:54321:54321::/:/bin/sh >>/etc/passwd
		echo few:700000:65536 | tee /etc/subuid >/etc/subgid
		seen=
		port=(--port-driver=builtin)
		for net in none 'slirp4netns --dns=none'; do
			works --net=$net "${port[@]}" true
			for ((n = 2; n < 40; n++)); do
				AS=(prlimit --nproc="$n" --)
				lab_start --net=$net "${port[@]}" true
				[ "$STATUS" -ne 0 ] || break
				fails process-limit --net=$net "${port[@]}" true
				says "$CAUSE" "may have $n processes and threads"
				[[ $ERROR != *'trying without'* ]]
				seen+=$ERROR
			done
			[ "$n" -lt 40 ]
			AS=()
		done
		for what in 'forking fauxroot: agent' 'starting the port forwarder' 'slirp4netns died before it was ready'; do
			says "$seen" "$what: .*Resource temporarily unavailable"
		done
	END
}

@test "too few descriptors: ulimit, or limits.conf" {
	lab <<-'END'
		etc_is_ours
		for n in 8 12 16; do
			AS=(sh -c "ulimit -Sn $n; exec \"\$@\"" sh)
			fails descriptor-limit-soft true
			says "$ERROR" 'Too many open files'
			says "$CAUSE" "may have $n descriptors"
		done
		AS=(sh -c "ulimit -Sn 8; $(option 'ulimit -n [0-9]+'); exec \"\$@\"" sh)
		works true
		AS=(sh -c 'ulimit -n 8; exec "$@"' sh)
		fails descriptor-limit-hard true
		repair '^echo .*'
		in_session true
	END
}

# Ids: the programs.

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
		# The bit alone would not be enough.
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

# Ids: the ranges.

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

# The state directory.

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

# /dev/net/tun.

@test "/dev/net/tun missing, closed, something else, on nodev, without its driver" {
	lab <<-'END'
		mount -t tmpfs tmpfs /dev/net
		fails tun-missing --net=slirp4netns true
		says "$ERROR" 'opening /dev/net/tun: No such file or directory'
		says "$REMEDY" 'modprobe tun|--device /dev/net/tun'
		case $REMEDY in *--net=host*) works --net=host true ;; esac
		modprobe() {
			equals tun "$*"
			mknod -m 0600 /dev/net/tun c 10 200
		}
		modprobe tun
		fails tun-closed --net=slirp4netns true
		says "$CAUSE" 'the mode of /dev/net/tun is 0600'
		repair '.*'
		works --net=slirp4netns true
		rm /dev/net/tun
		# A minor number of the misc devices without a driver.
		mknod -m 0666 /dev/net/tun c 10 254
		fails tun-driver-missing --net=slirp4netns true
		rm /dev/net/tun
		mount -t tmpfs tmpfs /etc/modules-load.d
		repair '.*'
		chmod 0666 /dev/net/tun
		works --net=slirp4netns true
		equals tun "$(cat /etc/modules-load.d/tun.conf)"
		for kind in mkdir touch; do
			rm -r /dev/net/tun
			"$kind" /dev/net/tun
			chmod 0777 /dev/net/tun
			fails tun-is-something-else --net=slirp4netns true
			repair 'sudo rm [^;]*'
			works --net=slirp4netns true
		done
		mount -o remount,nodev /dev/net
		fails tun-nodev --net=slirp4netns true
		equals "/dev/net/tun is on /dev/net, which is mounted nodev" "$CAUSE"
		repair '^sudo mount [^;]*'
		works --net=slirp4netns true
	END
}

# slirp4netns.

@test "slirp4netns missing, old, not executable, another program, without the requested protection" {
	lab <<-'END'
		file_over /etc/os-release 'ID=debian\n'
		mkdir "$T/bin"
		ln -s "$(type -P newuidmap)" "$(type -P newgidmap)" "$(type -P true)" "$T/bin/"
		apt-get() {
			equals 'install slirp4netns' "$*"
			ln -s "$T/slirp4netns" "$T/bin/"
		}
		AS=(env PATH="$T/bin")
		fails program-not-in-path --net=slirp4netns true
		as_user sh -c "PATH=$T/bin; $REMEDY"'; exec "$FAUXROOT" --net=slirp4netns true'
		cp "$(type -P slirp4netns)" "$T/"
		mount --bind /dev/null /usr/bin/slirp4netns
		fails helper-missing --net=slirp4netns true
		says "$ERROR" 'executing "slirp4netns": No such file or directory'
		[ ! -e /usr/bin/pasta ] || mount --bind /dev/null /usr/bin/pasta
		fails network-helpers-missing --net=auto true
		equals "neither slirp4netns nor pasta is installed, or PATH does not lead to them" "$CAUSE"
		repair '.* slirp4netns'
		works --net=slirp4netns true
		fails pasta-missing --net=pasta true
		works "$(option '--net=auto')" true
		AS=()
		umount /usr/bin/slirp4netns
		newer=--slirp4netns-binary=$(type -P slirp4netns)
		printf '#!/bin/sh\necho slirp4netns version 0.3.2\n' >"$T/old"
		chmod 0755 "$T/old"
		fails helper-old --net=slirp4netns --slirp4netns-binary="$T/old" true
		says "$ERROR" 'is version 0.3.2: 0.4.0 or newer is needed'
		option '--slirp4netns-binary=FILE'
		works --net=slirp4netns "$newer" true
		fails helper-not-executable --net=slirp4netns --slirp4netns-binary=/etc/passwd true
		option '--slirp4netns-binary=FILE'
		fails helper-impostor --net=slirp4netns --slirp4netns-binary="$(type -P echo)" true
		option '--slirp4netns-binary=FILE'
		AS_ROOT=("$FAUXROOT_TEST_TOOLS/refuse" --errno EPERM pivot_root --)
		fails helper-shields --net=slirp4netns --slirp4netns-sandbox=true true
		says "$ERROR" 'slirp4netns died before it was ready'
		works --net=slirp4netns "$(option '--slirp4netns-sandbox=auto')" true
	END
}

# The cgroup.

@test "--evacuate-cgroup2: without cgroup v2, in a cgroup that is not delegated" {
	lab <<-'END'
		evacuate=(--pidns --cgroupns --evacuate-cgroup2=evac)
		mkdir "$T/cgroups"
		mount -t cgroup2 none "$T/cgroups" 2>/dev/null || exit 0
		mounted=$(findmnt -rno TARGET -t cgroup2 | tac)
		umount $mounted
		fails cgroup2-missing "${evacuate[@]}" true
		says "$REMEDY" 'unified_cgroup_hierarchy=1|--cgroupns=private'
		mount -t cgroup2 none "$T/cgroups"
		# The root of the hierarchy or of a cgroup namespace, which has the file.
		if [ ! -e "$T/cgroups/cgroup.events" ]; then
			AS_ROOT=(sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$T/cgroups")
			fails cgroup-is-root "${evacuate[@]}" true
			says "$CAUSE" "^our cgroup, $T/cgroups, is the root"
		fi
		group=$T/cgroups/explain.$$
		mkdir "$group"
		trap 'find "$group" -depth -type d -exec rmdir {} +' EXIT
		AS_ROOT=(sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group")
		fails cgroup-not-ours "${evacuate[@]}" true
		says "$CAUSE" "our cgroup, .*/explain.$$ in /proc/self/cgroup"
		says "$REMEDY" 'Delegate=yes'
		# The effect of Delegate=yes.
		chown "$USER_UID" "$group" "$group"/cgroup.procs "$group"/cgroup.subtree_control
		works "${evacuate[@]}" true
	END
}

# Published ports, in a network namespace in which all are free.

@test "a privileged port: the sysctl, the file capability, or a larger port" {
	lab unshare --net <<-'END'
		ip link set lo up
		etc_is_ours
		for dir in /usr/lib/sysctl.d /usr/local/lib/sysctl.d /lib/sysctl.d /run/sysctl.d; do
			[ ! -d "$dir" ] || mount -t tmpfs tmpfs "$dir"
		done
		rm -rf /etc/sysctl.conf /etc/sysctl.d/*
		built=$FAUXROOT
		cp "$FAUXROOT" "$T/withcap"
		sysctl -q -w net.ipv4.ip_unprivileged_port_start=1024
		publish() {
			local port=$1
			shift
			echo "--net=none --port-driver=builtin -p 127.0.0.1:$port:80/tcp $* true"
		}
		fails port-privileged $(publish 80)
		says "$ERROR" 'listening on 127.0.0.1:80/tcp: Permission denied'
		says "$CAUSE" '^/proc/sys/net/ipv4/ip_unprivileged_port_start is 1024'
		works $(publish "$(option 'port from [0-9]+' | tr -dc 0-9)")
		FAUXROOT=$T/withcap
		fails port-privileged $(publish 80)
		repair 'sudo setcap [^;]*'
		works $(publish 80)
		FAUXROOT=$built
		# Two of them: the remedy for the first must also be enough for the second.
		fails port-privileged $(publish 443 -p 127.0.0.1:80:80/tcp)
		repair 'sudo sysctl [^;]*'
		works $(publish 443 -p 127.0.0.1:80:80/tcp)
		sysctl -q -w net.ipv4.ip_unprivileged_port_start=1024
		FAUXROOT=$T/withcap
		slirp="--net=slirp4netns --port-driver=slirp4netns -p 127.0.0.1:80:80/tcp true"
		fails port-privileged-slirp4netns $slirp
		works ${slirp/80:80/$(option 'port from [0-9]+' | tr -dc 0-9):80}
		works $(option '--port-driver=builtin') --net=slirp4netns -p 127.0.0.1:80:80/tcp true
		repair 'sudo sysctl [^;]*'
		works $slirp
	END
}

@test "a port that is taken, by us or by another process, twice, or of an unassigned address" {
	lab unshare --net <<-'END'
		ip link set lo up
		as_user socat TCP-LISTEN:8080,bind=127.0.0.1,fork EXEC:true &
		socat TCP-LISTEN:8081,bind=127.0.0.1,fork EXEC:true &
		until [ "$(ss -Hltn 'sport = :8080 or sport = :8081' | wc -l)" -eq 2 ]; do sleep 0.02; done
		fails port-in-use --net=none --port-driver=builtin -p 127.0.0.1:8080:80/tcp true
		says "$ERROR" 'Address already in use'
		repair 'kill [0-9]+'
		wait %1 || true
		works --net=none --port-driver=builtin -p 127.0.0.1:8080:80/tcp true
		fails port-in-use-by-somebody --net=none --port-driver=builtin -p 127.0.0.1:8081:80/tcp true
		says "$CAUSE" '^uid 0 already uses'
		says "$(eval "$(option 'ss -[^ ]*')")" '127.0.0.1:8081'
		kill %2
		wait %2 || true
		works --net=none --port-driver=builtin -p 127.0.0.1:8081:80/tcp true
		fails port-doubled --net=none --port-driver=builtin -p 127.0.0.1:8080:80/tcp -p 127.0.0.1:8080:81/tcp true
		works --net=none --port-driver=builtin -p 127.0.0.1:8080:80/tcp -p 127.0.0.1:8081:81/tcp true
		fails port-address --net=none --port-driver=builtin -p 192.0.2.1:8080:80/tcp true
		equals "no interface of this network has the address 192.0.2.1" "$CAUSE"
		repair 'ip -brief address'
		works --net=none --port-driver=builtin -p 8080:80/tcp true
	END
}

# The target.

@test "a target that is not found: absent, not in PATH, in sbin, without its interpreter" {
	lab <<-'END'
		fails target-absent /nosuch/program
		equals "there is no /nosuch/program" "$CAUSE"
		fails target-not-in-path nosuchprogram
		says "$CAUSE" '^nosuchprogram is not in PATH \('
		mkdir "$T/bin"
		cp "$(type -P true)" "$T/bin/nosuchprogram"
		AS=(env PATH="$PATH:$T/bin")
		works nosuchprogram
		AS=()
		works "$T/bin/nosuchprogram"
		PATH=/usr/bin:/bin
		mount -t tmpfs tmpfs /usr/local/sbin
		cp "$(type -P true)" /usr/local/sbin/fauxtool
		fails program-not-in-path fauxtool
		equals "the program is /usr/local/sbin/fauxtool, and /usr/local/sbin is not in PATH" "$CAUSE"
		as_user sh -c "$REMEDY"'; exec "$FAUXROOT" fauxtool'
		printf '#!/nosuch/sh\nexit 0\n' >"$T/script"
		chmod 0755 "$T/script"
		fails interpreter-missing "$T/script"
		equals "$T/script exists, but /nosuch/sh, the interpreter in its first line, does not" "$CAUSE"
		sed -i 's|/nosuch/sh|/bin/sh|' "$T/script"
		works "$T/script"
	END
}

@test "a target that is not executable: mode, directory, noexec, format, owner, directory above" {
	lab <<-'END'
		printf 'exit 0\n' >"$T/script"
		chown "$USER_UID" "$T/script"
		# An empty element of PATH is the working directory.
		cp "$T/script" "$T/nosuchprogram"
		cd "$T"
		AS=(env PATH=":$PATH")
		fails target-no-x-bit nosuchprogram
		equals "./nosuchprogram is not executable: its mode is 0644" "$CAUSE"
		AS=()
		fails target-no-x-bit "$T/script"
		equals "$T/script is not executable: its mode is 0644" "$CAUSE"
		repair '^chmod [^,]*'
		fails target-foreign-format "$T/script"
		works $(option '^sh [^ ]*')
		fails target-directory "$T"
		works "$(type -P true)"
		mkdir "$T/noexec"
		mount -t tmpfs -o noexec tmpfs "$T/noexec"
		cp "$(type -P true)" "$T/noexec/program"
		fails target-noexec "$T/noexec/program"
		equals "$T/noexec/program is on $T/noexec, which is mounted noexec" "$CAUSE"
		repair 'sudo mount .*'
		works "$T/noexec/program"
		chmod 0700 "$T/noexec/program"
		fails target-closed "$T/noexec/program"
		says "$CAUSE" 'belongs to uid 0 and gid 0, mode 0700'
		repair '.*'
		works "$T/noexec/program"
		chmod 0700 "$T/noexec"
		fails target-dir-closed "$T/noexec/program"
		says "$CAUSE" "^$T/noexec belongs to uid 0 and gid 0, mode 0700"
		repair '^sudo chmod [^;]*'
		works "$T/noexec/program"
	END
}

# A reader who pastes a line searches for a part without names, numbers and paths. The lines are from reports.
@test "a reader finds the entry for a pasted error line by grep" {
	local id line part
	while IFS='|' read -r id line; do
		part=$(sed 's/^[^:]*: *//; s/([^)]*)/\n/g; s/"[^"]*"/\n/g; s/[^ ]*[0-9][^ ]*/\n/g; s|[^ ]*/[^ ]*|\n|g' <<<"$line" |
			awk 'length($0) > n { n = length($0); longest = $0 } END { print longest }' |
			sed 's/^[: ]*//; s/[: ]*$//')
		[ "${#part}" -ge 12 ]
		grep -F -- "$part" "$ROOT/docs/troubleshooting.md" | grep -qF "(#$id)" || {
			echo "\"$part\" does not lead to $id" >&2
			return 1
		}
	done <<-'END'
		setuid-lost|error: newuidmap: write to uid_map failed: Operation not permitted (exit status 1)
		no-ranges|error: user "alice" (uid 1000) has no subordinate user ids: no line in /etc/subuid
		max-user-namespaces|error: creating the namespaces: clone: No space left on device
		seccomp|error: creating the namespaces: clone: Operation not permitted
		tun-missing|error: starting slirp4netns: opening /dev/net/tun: No such file or directory
		helper-missing|error: starting slirp4netns: executing "slirp4netns": No such file or directory
		statedir-in-use|error: state directory "/run/user/1000/x": is in use by process 4711 (fauxroot sh)
		port-in-use|error: publishing 8080:80/tcp: listening on 0.0.0.0:8080/tcp: Address already in use by process 99 (nginx)
		copy-up-missing|error: opening /nosuch to copy it up: No such file or directory
		proc-masked|error: mounting proc, for the PID namespace, on /proc: Operation not permitted
	END
}

# Causes that cannot be provoked on this kernel or in this file; tests/unit/test_check_explain.c tests them on
# fabricated machines, together with all others.
FABRICATED="
	accel-refused accel-yama
	apparmor-confined apparmor-profile apparmor-userns flatpak selinux
	copy-up-large copy-up-memory copy-up-mode-unknown
	pasta-apparmor pasta-confined pasta-ipv6-loopback pasta-no-route pasta-old-implicit pasta-old-loopback
	cgroup-pids-max mount-max kernel-old
	no-user-namespaces subid-source-differs tun-device-rules
	userns-clone-off
"

@test "every row of the table is provoked here, or is known to be fabricated" {
	local id missing="" provoked n=0
	provoked=$(grep -oE '\b(fails|zero [^ ]+) [^ ]+' "$BATS_TEST_FILENAME" | sed 's/.* //' | tr -d "'\"")
	while read -r id; do
		n=$((n + 1))
		words "$provoked $FABRICATED" | grep -qxF "$id" || missing+=" $id"
	done < <(awk -F'"' '/FAILURE\("/ { print $2 }' "$ROOT"/src/check/causes/*.c)
	[ $n -gt 0 ]
	equals "" "$missing"
}
