# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A real `systemd --user` manager of the test user, for tests that start as root, also where PID 1 is
# no systemd. It believes the machine to be booted with systemd where /run/systemd/system is there: a
# tmpfs in its own mount namespace has one. It gets a cgroup that belongs to the user, as a login would
# have given it. Units are those of contrib/systemd and of the test; their output is in $UNIT_LOG.

UNITS_SHIPPED=$ROOT/contrib/systemd

# cgroup_trees - where systemd keeps its cgroups on this machine
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
	[ -w "$tree/cgroup.procs" ] || skip "there is no cgroup tree to write to"
}

start_manager() {
	local tree file name=fauxroot-test.$FAUXROOT_TEST_MARK systemd=/usr/lib/systemd/systemd
	[ -x $systemd ] || systemd=/lib/systemd/systemd
	UNITS=$T/units UNIT_LOG=$T/unit.log MANAGER_CGROUPS=()
	mkdir -p "$UNITS" "$T/home"
	touch "$UNIT_LOG"
	chown "$USER_UID:$USER_GID" "$UNITS" "$T/home" "$UNIT_LOG"
	for tree in $(cgroup_trees); do
		mkdir "$tree/$name"
		MANAGER_CGROUPS+=("$tree/$name")
		chown "$USER_UID:$USER_GID" "$tree/$name"
		for file in cgroup.procs cgroup.threads cgroup.subtree_control tasks; do
			[ ! -e "$tree/$name/$file" ] || chown "$USER_UID:$USER_GID" "$tree/$name/$file"
		done
	done
	mkdir -p /run/systemd
	# shellcheck disable=SC2016 # for the inner shell
	env -u NOTIFY_SOCKET HOME="$T/home" USER="$FAUXROOT_TEST_USER" XDG_CONFIG_HOME="$T/home/.config" \
		SYSTEMD_UNIT_PATH="$UNITS:" unshare --mount --propagation private -- sh -ec '
		uid=$1 gid=$2 systemd=$3
		shift 3
		for cgroup; do echo $$ >"$cgroup/cgroup.procs"; done
		mount -t tmpfs tmpfs /run/systemd
		mkdir /run/systemd/system
		exec setpriv --reuid "$uid" --regid "$gid" --init-groups --inh-caps=-all \
			"$systemd" --user' \
		sh "$USER_UID" "$USER_GID" $systemd "${MANAGER_CGROUPS[@]}" \
		</dev/null >"$LOG" 2>&1 3>&- 4>&- &
	MANAGER=$!
	wait_for test -S "$XDG_RUNTIME_DIR/systemd/private"
	wait_for manager_runs
}

manager_runs() {
	case $(sc is-system-running) in running | degraded) ;; *) return 1 ;; esac
}

stop_manager() {
	local cgroup status=0
	[ -n "${MANAGER:-}" ] || return 0
	kill -TERM "$MANAGER" 2>/dev/null || true
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

# sc WORDS… - systemctl --user, where the manager's /run/systemd is
sc() {
	nsenter --target "$MANAGER" --mount --wd=/ -- setpriv --reuid "$USER_UID" --regid "$USER_GID" \
		--init-groups timeout 60 systemctl --user --no-pager "$@" 3>&- 4>&-
}

# property UNIT NAME
property() {
	sc show --value -p "$2" "$1"
}

property_is() { # UNIT NAME VALUE
	[ "$(property "$1" "$2")" = "$3" ]
}

# adapt UNIT COMMAND [OPTIONS…] - take up a shipped user unit; a drop-in puts COMMAND in the place of
# its daemon, our launcher in that of fauxroot, and OPTIONS before the unit's own. Lines for the
# drop-in's [Service] section may come on stdin.
adapt() {
	local unit=$1 command=$2 line file=$1
	shift 2
	[ -e "$UNITS_SHIPPED/user/$unit" ] || file=${unit%%@*}@.${unit##*.}
	cp "$UNITS_SHIPPED/user/${file%.service}".{service,socket} "$UNITS/"
	line=$(sed -n 's/^ExecStart=fauxroot //p' "$UNITS/$file")
	mkdir -p "$UNITS/$unit.d"
	{
		printf '[Service]\nStandardOutput=append:%s\nStandardError=append:%s\nExecStart=\n' \
			"$UNIT_LOG" "$UNIT_LOG"
		printf 'ExecStart=%s %s %s\n' "$FAUXROOT" "$*" "${line/$DAEMON/$command}"
		cat
	} >"$UNITS/$unit.d/test.conf"
	sc daemon-reload
}
