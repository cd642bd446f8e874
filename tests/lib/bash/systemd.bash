# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A real `systemd --user` manager of the test user, for tests that start as root, also when PID 1 is not
# systemd. It needs /run/systemd/system, which shows that the machine was booted with systemd: a tmpfs in
# its own mount namespace has one. It gets a cgroup that belongs to the user, as after a login. The units
# are those of contrib/systemd and of the test; their output is in $UNIT_LOG.
#
# And a real system manager as PID 1 of a PID namespace, with its own /run, /var/lib, users and cgroups, for the
# system-wide unit.

UNITS_SHIPPED=$ROOT/contrib/systemd

# cgroup_trees - print where systemd keeps its cgroups on this machine
cgroup_trees() {
	local tree
	if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
		echo /sys/fs/cgroup
		return
	fi
	for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
		[ ! -e "$tree/cgroup.procs" ] || echo "$tree"
	done
}

need_systemd() {
	local tree
	if ! command -v systemctl >/dev/null ||
		! { [ -x /usr/lib/systemd/systemd ] || [ -x /lib/systemd/systemd ]; }; then
		skip "systemd is not installed"
	fi
	tree=$(cgroup_trees | head -n 1)
	[ -w "$tree/cgroup.procs" ] || skip "there is no writable cgroup tree"
}

# prepare_manager - find its executable, create cgroups and a directory for units
prepare_manager() {
	local tree name=fauxroot-test.$FAUXROOT_TEST_MARK
	SYSTEMD=/usr/lib/systemd/systemd
	[ -x $SYSTEMD ] || SYSTEMD=/lib/systemd/systemd
	UNIT_DIR=$T/units UNIT_LOG=$T/unit.log MANAGER_CGROUPS=()
	mkdir -p "$UNIT_DIR" "$T/home"
	touch "$UNIT_LOG"
	chown "$USER_UID:$USER_GID" "$UNIT_DIR" "$T/home" "$UNIT_LOG"
	for tree in $(cgroup_trees); do
		mkdir "$tree/$name"
		MANAGER_CGROUPS+=("$tree/$name")
	done
	mkdir -p /run/systemd
}

start_manager() {
	local cgroup file
	prepare_manager
	for cgroup in "${MANAGER_CGROUPS[@]}"; do
		chown "$USER_UID:$USER_GID" "$cgroup"
		for file in cgroup.procs cgroup.threads cgroup.subtree_control tasks; do
			[ ! -e "$cgroup/$file" ] || chown "$USER_UID:$USER_GID" "$cgroup/$file"
		done
	done
	# shellcheck disable=SC2016 # for the inner shell
	env -u NOTIFY_SOCKET HOME="$T/home" USER="$FAUXROOT_TEST_USER" XDG_CONFIG_HOME="$T/home/.config" \
		SYSTEMD_UNIT_PATH="$UNIT_DIR:" unshare --mount --propagation private -- sh -ec '
		uid=$1 gid=$2 systemd=$3
		shift 3
		for cgroup; do echo $$ >"$cgroup/cgroup.procs"; done
		mount -t tmpfs tmpfs /run/systemd
		mkdir /run/systemd/system
		exec setpriv --reuid "$uid" --regid "$gid" --init-groups --inh-caps=-all \
			"$systemd" --user' \
		sh "$USER_UID" "$USER_GID" $SYSTEMD "${MANAGER_CGROUPS[@]}" \
		</dev/null >"$LOG" 2>&1 3>&- 4>&- &
	MANAGER=$!
	wait_for test -S "$XDG_RUNTIME_DIR/systemd/private"
	wait_for manager_runs
}

# start_system_manager - its services see the launcher's directory at /run/test/build, and write to
# /run/test/unit.log. It only has the units of $UNIT_DIR: no service of the machine is started.
start_system_manager() {
	local target
	prepare_manager
	for target in default sysinit basic sockets multi-user network-online shutdown; do
		printf '[Unit]\nDefaultDependencies=no\n' >"$UNIT_DIR/$target.target"
	done
	for target in passwd group subuid subgid; do
		cp "/etc/$target" "$T/$target"
	done
	echo 'fauxroot-buildkit:x:987:987::/var/lib/fauxroot-buildkit:/bin/false' >>"$T/passwd"
	echo 'fauxroot-buildkit:x:987:' >>"$T/group"
	echo 'fauxroot-buildkit:2000000000:65536' | tee -a "$T/subuid" >>"$T/subgid"
	echo 0123456789abcdef0123456789abcdef >"$T/machine-id"
	UNIT_LOG=$T/unit-log/unit.log
	mkdir "$T/unit-log"
	cat >"$T/system" <<-'EOF'
		set -e
		test=$1 build=$2 systemd=$3
		for file in passwd group subuid subgid machine-id; do
			[ ! -e "/etc/$file" ] || mount --bind "$test/$file" "/etc/$file"
		done
		# PID 1 may change properties of the whole machine, also by a remount: it gets copies, or
		# read-only mounts.
		mkdir "$test/cgroup"
		if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
			mount -t cgroup2 cgroup2 "$test/cgroup"
		else
			mount -t tmpfs -o mode=755 tmpfs "$test/cgroup"
			for tree in /sys/fs/cgroup/*; do
				[ -d "$tree" ] && [ ! -L "$tree" ] || continue
				mkdir "$test/cgroup/${tree##*/}"
				case $tree in
				*/unified) mount -t cgroup2 cgroup2 "$test/cgroup/unified" ;;
				*/systemd) mount -t cgroup -o none,name=systemd cgroup "$test/cgroup/systemd" ;;
				*) mount --bind -o ro "$tree" "$test/cgroup/${tree##*/}" ;;
				esac
			done
		fi
		mount --no-mtab --move "$test/cgroup" /sys/fs/cgroup
		for tree in /dev/console /dev/kmsg; do
			[ ! -e "$tree" ] || mount --bind /dev/null "$tree"
		done
		for tree in /proc/sys /dev; do
			mount --rbind "$tree" "$tree"
			mount -o remount,bind,ro "$tree"
		done
		mount -t tmpfs -o mode=755 tmpfs /var/lib
		mkdir "$test/root"
		mount -t tmpfs -o mode=755 tmpfs "$test/root"
		mkdir -p "$test/root/test/build"
		mount --bind "$build" "$test/root/test/build"
		mkdir "$test/root/test/log"
		mount --bind "$test/unit-log" "$test/root/test/log"
		mount --no-mtab --move "$test/root" /run
		exec env -i container=test PATH="$PATH" FAUXROOT_TEST_MARK="$FAUXROOT_TEST_MARK" \
			SYSTEMD_UNIT_PATH="$test/units" "$systemd" --system
	EOF
	# shellcheck disable=SC2016 # for the inner shell
	sh -ec 'script=$1 test=$2 build=$3 systemd=$4
		shift 4
		for cgroup; do echo $$ >"$cgroup/cgroup.procs"; done
		exec unshare --mount --propagation private --cgroup --pid --uts --ipc --net --mount-proc \
			--fork --kill-child sh "$script" "$test" "$build" "$systemd"' \
		sh "$T/system" "$T" "${FAUXROOT%/*}" $SYSTEMD "${MANAGER_CGROUPS[@]}" \
		</dev/null >"$LOG" 2>&1 3>&- 4>&- &
	MANAGER=$!
	wait_for system_manager_runs
}

system_manager_runs() {
	PID1=$(child_of "$MANAGER" systemd) && [ "$(system_sc is-system-running)" = running ]
}

# system_sc WORDS… - run systemctl, inside
system_sc() {
	inside timeout 120 systemctl --no-pager "$@"
}

# inside COMMAND… - run it as the machine's root, in the system manager's namespaces
inside() {
	nsenter --target "$PID1" --mount --pid --net --uts --ipc --wd=/ "$@" 3>&- 4>&-
}

manager_runs() {
	case $(sc is-system-running) in running | degraded) ;; *) return 1 ;; esac
}

stop_manager() {
	local cgroup status=0
	[ -n "${MANAGER:-}" ] || return 0
	# The system manager is killed with the parent of its PID namespace.
	kill "-$([ -n "${PID1:-}" ] && echo KILL || echo TERM)" "$MANAGER" 2>/dev/null || true
	if ! wait_for gone "$MANAGER"; then
		kill_marked
		status=1
	fi
	for cgroup in "${MANAGER_CGROUPS[@]}"; do
		wait_for cgroup_removed "$cgroup" || status=1
	done
	return $status
}

cgroup_removed() {
	find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
	! [ -e "$1" ]
}

# sc WORDS… - run systemctl --user, where the manager's /run/systemd is mounted
sc() {
	nsenter --target "$MANAGER" --mount --wd=/ -- setpriv --reuid "$USER_UID" --regid "$USER_GID" \
		--init-groups timeout 120 systemctl --user --no-pager "$@" 3>&- 4>&-
}

# property UNIT NAME
property() {
	sc show --value -p "$2" "$1"
}

property_is() { # UNIT NAME VALUE
	[ "$(property "$1" "$2")" = "$3" ]
}

# adapt UNIT COMMAND [OPTIONS…] - install a shipped user unit; a drop-in replaces its daemon by COMMAND and
# fauxroot by our launcher, and puts OPTIONS before the unit's own. Lines for the drop-in's [Service] section
# may come on stdin.
adapt() {
	local unit=$1 command=$2 line file=$1
	shift 2
	[ -e "$UNITS_SHIPPED/user/$unit" ] || file=${unit%%@*}@.${unit##*.}
	cp "$UNITS_SHIPPED/user/${file%.service}".{service,socket} "$UNIT_DIR/"
	line=$(sed -n 's/^ExecStart=fauxroot //p' "$UNIT_DIR/$file")
	mkdir -p "$UNIT_DIR/$unit.d"
	{
		printf '[Service]\nStandardOutput=append:%s\nStandardError=append:%s\nExecStart=\n' \
			"$UNIT_LOG" "$UNIT_LOG"
		printf 'ExecStart=%s %s %s\n' "$FAUXROOT" "$*" "${line/$DAEMON/$command}"
		cat
	} >"$UNIT_DIR/$unit.d/test.conf"
	sc daemon-reload
}
