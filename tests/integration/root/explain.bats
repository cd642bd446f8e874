#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
# Every cause that a test can provoke on a machine: the launch fails with the cause, and after the remedy the
# launch works. The remedies are taken from the output and run. Here: namespaces, limits, cgroups, the target, and
# whether the table of causes is complete; explain_*.bats have the other subjects.
#
# seconds: 8

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
		for net in none 'slirp4netns --dns=none' 'pasta --dns=none'; do
			works --net=$net "${port[@]}" true
			for ((n = 2, passed = 0; n < 40 && passed < 3; n++)); do
				passed=0
				AS=(prlimit --nproc="$n" --)
				# At which n the launch works depends on short-lived processes that exist at the same time.
				for _ in 1 2 3; do
					# The processes of the launch before count as long as they exist. Else a step could
					# find one process less than it should, and its error would not be seen.
					for _ in {1..300}; do pgrep -U 54321 >/dev/null || break; sleep 0.1; done
					lab_start --net=$net "${port[@]}" true
					if [ "$STATUS" -eq 0 ]; then
						passed=$((passed + 1))
						continue
					fi
					explained process-limit --net=$net "${port[@]}" true
					says "$CAUSE" "may have $n processes and threads"
					[[ $ERROR != *'trying without'* ]]
					seen+=$ERROR
				done
			done
			[ "$passed" -eq 3 ]
			AS=()
		done
		for what in 'forking fauxroot: agent' 'starting the port forwarder' 'slirp4netns died before it was ready'; do
			says "$seen" "$what: .*Resource temporarily unavailable"
		done
		# slirp4netns does not report why. Which of its clones fails first depends on the processes that
		# end meanwhile.
		says "$seen" 'pasta died before it was ready: .*Failed to (get netlink socket|open tun socket in namespace)'
	END
}

@test "too few descriptors: ulimit, or limits.conf" {
	lab <<-'END'
		etc_is_ours
		for n in 16 12 8 5; do
			# With so few, LeakSanitizer waits for its own process forever.
			[ $n != 5 ] || without_leak_check
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

@test "files may not be long enough: ulimit" {
	lab <<-'END'
		# The messages go through a pipe: they would be too long for a file, too.
		AS=(bash -o pipefail -c '(ulimit -Sf 0; exec "$@") 2>&1 | cat >&2' bash)
		fails file-size-limit true
		says "$ERROR" 'writing ".*/child_pid": File too large'
		AS=(bash -o pipefail -c "(ulimit -Sf 0; $(option 'ulimit -f unlimited'); exec \"\$@\") 2>&1 | cat >&2" bash)
		works true
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
		helper-impostor|error: /bin/true --version printed no version: "true (GNU coreutils) 9.1"
		port-privileged|error: publishing :80:80/tcp: listening on 0.0.0.0:80/tcp: Permission denied: ports below 1024 are privileged (remedies: a higher port)
		port-address|error: publishing 192.0.2.7:8080:80/tcp: listening on 192.0.2.7:8080/tcp: Cannot assign requested address
		statedir-no-directory|error: state directory "/tmp/x/file": is not a directory
		statedir-precious|error: state directory "/": is the root directory
		copy-up-large|error: cannot copy up /usr: it has 174055 entries and 10069 MiB, and a copy at most 20000 entries and 64 MiB
		copy-up-closed|error: reading /root to copy it up: Permission denied
		runtime-dir-unset|error: --name=build2: XDG_RUNTIME_DIR is not set
		pasta-ipv6-loopback|error: /opt/pasta cannot enforce --disable-host-loopback together with --ipv6: datagrams to ::ffff:127.0.0.1 reach the host's loopback
		process-limit|error: creating the namespaces: clone: Resource temporarily unavailable
	END
}

# Causes that cannot be provoked on this kernel or in these files; tests/unit/test_check_explain.c tests them on
# fabricated machines, together with all others.
FABRICATED="
	accel-refused accel-yama
	apparmor-confined apparmor-profile apparmor-userns flatpak selinux
	copy-up-memory copy-up-mode-unknown
	pasta-apparmor
	cgroup-pids-max mount-max kernel-old
	no-user-namespaces subid-source-differs tun-device-rules
	ipv6-missing userns-clone-off
"

@test "every row of the table is provoked here, or is known to be fabricated" {
	local id missing="" provoked n=0
	provoked=$(grep -ohE '\b(fails|zero [^ ]+) [^ ]+' "$ROOT"/tests/integration/root/explain*.bats | sed 's/.* //' | tr -d "'\"")
	while read -r id; do
		n=$((n + 1))
		words "$provoked $FABRICATED" | grep -qxF "$id" || missing+=" $id"
	done < <(awk -F'"' '/FAILURE\("/ { print $2 }' "$ROOT"/src/check/causes/*.c)
	[ $n -gt 0 ]
	equals "" "$missing"
}
