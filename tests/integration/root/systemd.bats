#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Under real service managers, the test user's and a system's: the shipped units, adapted by a drop-in that
# names our launcher and a small daemon of the tests in place of buildkitd; and dockerd.
#
# seconds: 41

load ../../lib/bash/common
load ../../lib/bash/root
load ../../lib/bash/systemd

SERVICE=$FAUXROOT_TEST_TOOLS/service
DAEMON=buildkitd
UNIT=fauxroot-buildkit.service

setup() {
	need_systemd
	root_setup
	SOCKET=$XDG_RUNTIME_DIR/buildkit/buildkitd.sock
	# With every option of the launcher that changes the target's identity for the service manager.
	MODES=("")
	if "$FAUXROOT" --help | grep -q -- --pidns; then
		MODES+=(--pidns)
	fi
}

teardown() {
	local status=0
	stop_manager || status=1
	[ $status = 0 ] || [ ! -e "${UNIT_LOG:-}" ] || sed 's/^/unit: /' "$UNIT_LOG" >&2
	[ -z "${DATA:-}" ] || as_user "$FAUXROOT" rm -rf "$DATA" || status=1
	common_teardown || status=1
	return $status
}

# ask WORDS - send one line to the daemon at $SOCKET, print its answer
ask() {
	as_user timeout 120 socat -t 120 - "UNIX-CONNECT:$SOCKET" <<<"$*"
}

# The launcher is the unit's main process, the target its child; NotifyAccess= is the default.
check_main_process() {
	local main
	main=$(property "$UNIT" MainPID)
	equals main "$(property "$UNIT" NotifyAccess)"
	equals "$(realpath "$FAUXROOT")" "$(readlink "/proc/$main/exe")"
	equals "$main" "$(awk '/^PPid/ { print $2 }' "/proc/$(<"$XDG_RUNTIME_DIR/fauxroot-buildkit/child_pid")/status")"
}

# unit_pids - print the PIDs of all processes of the unit
unit_pids() {
	cat "${MANAGER_CGROUPS[0]}"/*/"$UNIT/cgroup.procs"
}

all_gone() {
	local pid
	for pid; do
		gone "$pid" || return
	done
}

n_started() {
	grep -c '^started ' "$UNIT_LOG"
}

@test "start, status, stop, restart: the launcher is the main process, the status is the target's" {
	start_manager
	local mode main pid
	for mode in "${MODES[@]}"; do
		: >"$UNIT_LOG"
		adapt $UNIT "$SERVICE" "$mode" </dev/null
		sc start $UNIT
		# After READY everything exists.
		"$FAUXROOTCTL" --socket "$XDG_RUNTIME_DIR/fauxroot-buildkit/api.sock" info
		check_main_process
		main=$(property $UNIT MainPID)
		read -r _ pid _ <<<"$(ask who)"
		run -0 sc status $UNIT
		says "$output" "Active: active \(running\)"
		says "$output" "Main PID: $main \(fauxroot\)"
		says "$output" "Status: \"serving 1 sockets as $pid\""
		equals ok "$(ask status building)"
		property_is $UNIT StatusText building
		equals ok "$(ask mainpid)"
		equals "$main" "$(property $UNIT MainPID)"
		equals ok "$(ask reload)"
		property_is $UNIT StatusText reloaded
		property_is $UNIT ActiveState active

		sc restart $UNIT
		equals 2 "$(n_started)"
		check_main_process
		not equals "$main" "$(property $UNIT MainPID)" 2>/dev/null
		sc stop $UNIT
		property_is $UNIT ActiveState inactive
		property_is $UNIT Result success
		absent "$XDG_RUNTIME_DIR/fauxroot-buildkit"
		# Once in its life.
		equals 2 "$(grep -c '^SIGTERM ' "$UNIT_LOG")"
		equals "1 1" "$(awk '/^started/ { n = 0 } /^SIGTERM/ { printf "%s%d", sep, ++n; sep = " " }' "$UNIT_LOG")"
	done
}

@test "a manager that re-executes itself still gets the target's messages" {
	start_manager
	adapt $UNIT "$SERVICE" </dev/null
	sc start $UNIT
	sc daemon-reexec
	wait_for manager_runs
	equals ok "$(ask status heard again)"
	property_is $UNIT StatusText "heard again"
	check_main_process
	sc stop fauxroot-buildkit.socket $UNIT
	property_is $UNIT Result success
}

@test "socket activation: the first client starts it, the socket outlives it" {
	start_manager
	local mode
	for mode in "${MODES[@]}"; do
		adapt $UNIT "$SERVICE" "$mode" </dev/null
		sc start fauxroot-buildkit.socket
		equals 600 "$(stat -c %a "$SOCKET")"
		property_is $UNIT ActiveState inactive
		run -0 ask who
		says "$output" "^fauxroot-buildkit.socket [0-9]+ 0 1 fauxroot-buildkit.socket$"
		check_main_process
		sc stop $UNIT
		run -0 ask who
		says "$output" "^fauxroot-buildkit.socket [0-9]+ 0 1 "
		sc stop fauxroot-buildkit.socket $UNIT
		property_is $UNIT Result success
	done
}

@test "Restart=on-failure: after a crash, after SIGKILL to the launcher, not after status 0" {
	start_manager
	local mode main old
	for mode in "${MODES[@]}"; do
		: >"$UNIT_LOG"
		adapt $UNIT "$SERVICE" "$mode" <<<"RestartSec=0"
		sc start $UNIT
		ask crash || true
		wait_for property_is $UNIT NRestarts 1
		wait_for property_is $UNIT ActiveState active
		run -0 ask who
		# The processes that the target has started are killed as well: KillMode=mixed.
		equals ok "$(ask spawn)"
		main=$(property $UNIT MainPID)
		mapfile -t old < <(unit_pids)
		[ ${#old[@]} -ge 4 ]
		kill -KILL "$main"
		wait_for property_is $UNIT NRestarts 2
		wait_for all_gone "${old[@]}"
		wait_for property_is $UNIT ActiveState active
		run -0 ask who
		check_main_process
		equals 3 "$(n_started)"
		# The status that a stop causes, but without a stop job.
		ask exit 1 || true
		wait_for property_is $UNIT NRestarts 3
		wait_for property_is $UNIT ActiveState active
		equals 4 "$(n_started)"
		ask exit 0 || true
		wait_for property_is $UNIT ActiveState inactive
		equals 4 "$(n_started)"
		sc stop fauxroot-buildkit.socket
		sc reset-failed
	done
}

# The socket fails with it: clients are refused instead of waiting in vain.
@test "a daemon that exits repeatedly: the unit fails at the limit, and starts after the repair" {
	start_manager
	local status
	for status in 1 3 125; do
		: >"$UNIT_LOG"
		printf '#!/bin/sh\necho started $$\nexit %s\n' $status >"$T/daemon"
		chmod +x "$T/daemon"
		adapt $UNIT "$T/daemon" <<<"RestartSec=0"
		sc start fauxroot-buildkit.socket
		not sc start $UNIT
		wait_for property_is $UNIT ActiveState failed
		equals 5 "$(n_started)"
		property_is $UNIT ExecMainStatus $status
		wait_for property_is fauxroot-buildkit.socket ActiveState failed
		property_is fauxroot-buildkit.socket Result service-start-limit-hit
		not ask who

		adapt $UNIT "$SERVICE" </dev/null
		sc reset-failed
		sc start fauxroot-buildkit.socket
		run -0 ask who
		sc stop fauxroot-buildkit.socket $UNIT
		property_is $UNIT ActiveState inactive
		property_is $UNIT Result success
	done
}

# bare_unit LINES - a unit in which the user manager's XDG_RUNTIME_DIR is set as in a system unit
bare_unit() {
	printf '[Service]\nType=oneshot\n%s\nExecStart=%s true\nStandardError=append:%s\n' \
		"$1" "$FAUXROOT" "$UNIT_LOG" >"$UNIT_DIR/bare.service"
	: >"$UNIT_LOG"
	sc daemon-reload
	sc start bare.service
}

@test "a unit without XDG_RUNTIME_DIR: the launch warns, and with the lines of the remedy it does not" {
	local lines
	start_manager
	bare_unit UnsetEnvironment=XDG_RUNTIME_DIR
	says "$(<"$UNIT_LOG")" 'warning: this systemd unit has no XDG_RUNTIME_DIR; '
	equals 2 "$(wc -l <"$UNIT_LOG")"
	lines=$(sed -n 's/.*warning: remedy: set \(.*\) and \(.*\) in the .*/\1\n\2/p' "$UNIT_LOG")
	bare_unit "$lines"
	equals "" "$(<"$UNIT_LOG")"
}

@test "the user units do not run for service accounts" {
	local unit text
	for unit in "$UNITS_SHIPPED"/user/*; do
		text=$(grep '^Condition' "$unit")
		equals "ConditionUser=!@system" "$text"
		run -0 setpriv --reuid "$USER_UID" --clear-groups systemd-analyze condition "$text"
		run -1 setpriv --reuid 987 --clear-groups systemd-analyze condition "$text"
		run -1 systemd-analyze condition "$text"
	done
}

@test "a command that cannot be executed is not restarted" {
	start_manager
	adapt $UNIT /nonexistent/daemon <<<"RestartSec=0"
	not sc start $UNIT
	property_is $UNIT ActiveState failed
	property_is $UNIT ExecMainStatus 127
	property_is $UNIT NRestarts 0
	grep -q 'executing "/nonexistent/daemon": No such file' "$UNIT_LOG"
	sc stop fauxroot-buildkit.socket
}

@test "the watchdog is the target's: fed, the target survives; hanging, it is killed and restarted" {
	start_manager
	local mode before
	fed() { [ "$(property $UNIT WatchdogTimestampMonotonic)" -gt "$1" ]; }
	restarted_since() { [ "$(property $UNIT NRestarts)" -gt "$1" ]; }
	for mode in "${MODES[@]}"; do
		: >"$UNIT_LOG"
		adapt $UNIT "$SERVICE" "$mode" <<<"WatchdogSec=4
RestartSec=0"
		sc start $UNIT
		grep -q '^started .* watchdog 4000000' "$UNIT_LOG"
		wait_for fed "$(property $UNIT WatchdogTimestampMonotonic)"
		before=$(property $UNIT NRestarts)
		equals ok "$(ask hang)"
		wait_for restarted_since "$before"
		# WatchdogSignal= was sent to the launcher, which forwarded it to the target.
		grep -q 'was killed: signal: aborted' "$UNIT_LOG"
		wait_for property_is $UNIT ActiveState active
		run -0 ask who
		sc stop fauxroot-buildkit.socket $UNIT
	done
}

@test "descriptors stored with the manager are passed after a restart, beside the socket" {
	start_manager
	local mode
	for mode in "${MODES[@]}"; do
		adapt $UNIT "$SERVICE" "$mode" <<<"FileDescriptorStoreMax=4"
		sc start $UNIT
		equals nothing "$(ask stored)"
		equals ok "$(ask store kept for you)"
		equals 1 "$(property $UNIT NFileDescriptorStore)"
		sc restart $UNIT
		run -0 ask who
		says "$output" "^fauxroot-buildkit.socket [0-9]+ 0 2 fauxroot-buildkit.socket:kept$"
		equals "kept for you" "$(ask stored)"
		sc stop fauxroot-buildkit.socket $UNIT
	done
}

@test "the template: two instances side by side, each with its own state and socket" {
	start_manager
	local instance pids=()
	for instance in one two; do
		adapt fauxroot-buildkit@$instance.service "$SERVICE" </dev/null
		sc start fauxroot-buildkit@$instance.socket
	done
	for instance in one two; do
		SOCKET=$XDG_RUNTIME_DIR/buildkit-$instance/buildkitd.sock
		run -0 ask who
		pids+=("$(cut -d' ' -f2 <<<"$output")")
		test -S "$XDG_RUNTIME_DIR/fauxroot-buildkit-$instance/api.sock"
	done
	not equals "${pids[0]}" "${pids[1]}" 2>/dev/null
	sc stop fauxroot-buildkit@one.{socket,service}
	run -0 ask who
	sc stop fauxroot-buildkit@two.{socket,service}
}

# unit_path UNIT - print its Environment=PATH=, as after an installation: the compatible names are ours
unit_path() {
	sed -n "s,=/usr/local/libexec/fauxroot/compat:/usr/libexec/fauxroot/compat:,=${FAUXROOT%/*}/compat:,p" \
		"$UNITS_SHIPPED/user/$1" | grep .
}

@test "dockerd -H fd:// as the shipped unit starts it" {
	if ! command -v dockerd >/dev/null || ! [ -x /usr/share/docker.io/contrib/dockerd-rootless.sh ]; then
		skip "dockerd is not installed"
	fi
	DEADLINE=120
	local home mode
	home=$(getent passwd "$FAUXROOT_TEST_USER" | cut -d: -f6)
	DATA=$(as_user mktemp -d "$home/fauxroot-test.XXXXXX")
	start_manager
	for mode in "${MODES[@]}"; do
		DAEMON="fd://'" adapt fauxroot-docker.service "fd:// --data-root=$DATA/data'" "$mode" \
			< <(unit_path fauxroot-docker.service)
		sc start fauxroot-docker.socket
		# The first client waits until dockerd is ready.
		run -0 as_user env DOCKER_CONFIG="$T/home" timeout 120 /usr/bin/docker \
			-H "unix://$XDG_RUNTIME_DIR/docker.sock" info
		says "$output" rootless
		wait_for property_is fauxroot-docker.service ActiveState active
		equals fauxroot "$(cat "/proc/$(property fauxroot-docker.service MainPID)/comm")"
		sc stop fauxroot-docker.socket fauxroot-docker.service
		property_is fauxroot-docker.service Result success
		absent "$XDG_RUNTIME_DIR/fauxroot-docker"
	done
}

@test "the unit that Docker's setup tool writes, with dockerd-rootless.sh and our links in PATH" {
	local script=/usr/share/docker.io/contrib/dockerd-rootless.sh home
	if ! command -v dockerd >/dev/null || ! [ -x $script ]; then
		skip "dockerd is not installed"
	fi
	DEADLINE=60
	home=$(getent passwd "$FAUXROOT_TEST_USER" | cut -d: -f6)
	DATA=$(as_user mktemp -d "$home/fauxroot-test.XXXXXX")
	start_manager
	cat >"$UNIT_DIR/docker.service" <<-EOF
		[Service]
		Environment=PATH=${FAUXROOT%/*}/compat:/sbin:/usr/sbin:/usr/bin:/bin
		Environment=DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS=--state-dir=%t/dockerd-rootless
		ExecStart=$script --data-root=$DATA/data
		ExecReload=/bin/kill -s HUP \$MAINPID
		TimeoutSec=0
		RestartSec=2
		Restart=always
		LimitNOFILE=infinity
		LimitNPROC=infinity
		LimitCORE=infinity
		TasksMax=infinity
		Delegate=yes
		Type=notify
		NotifyAccess=all
		KillMode=mixed
		StandardOutput=append:$UNIT_LOG
		StandardError=append:$UNIT_LOG
	EOF
	sc daemon-reload
	# Returns when dockerd has reported that it is ready.
	sc start docker.service
	run -0 as_user env DOCKER_CONFIG="$T/home" timeout 60 /usr/bin/docker \
		-H "unix://$XDG_RUNTIME_DIR/docker.sock" info
	says "$output" rootless
	# That script prefers the second of the names.
	equals docker-rootless "$(cat "/proc/$(property docker.service MainPID)/comm")"
	# The same as dockerd-rootless-setuptool.sh nsenter.
	run -0 as_user nsenter --no-fork --wd="$T" --preserve-credentials -m -n -U \
		-t "$(<"$XDG_RUNTIME_DIR/dockerd-rootless/child_pid")" -- stat -f -c %T /run
	equals tmpfs "$output"
	sc reload docker.service
	sc stop docker.service
	property_is docker.service Result success
	absent "$XDG_RUNTIME_DIR/dockerd-rootless"
}

@test "the system-wide unit under a system manager: its own user, directories and socket" {
	start_system_manager
	cp "$UNITS_SHIPPED"/system/* "$UNIT_DIR"
	mkdir "$UNIT_DIR/$UNIT.d"
	printf '[Service]\nStandardOutput=append:%s\nStandardError=append:%s\nExecStart=\nExecStart=%s\n' \
		/run/test/log/unit.log /run/test/log/unit.log \
		"$(sed -n 's,buildkitd --addr,/run/test/build/tests/lib/service --addr,
			s,^ExecStart=fauxroot ,/run/test/build/fauxroot ,p' "$UNIT_DIR/$UNIT")" >"$UNIT_DIR/$UNIT.d/test.conf"
	system_sc daemon-reload
	system_sc start fauxroot-buildkit.socket
	equals "660 root fauxroot-buildkit" "$(inside stat -c '%a %U %G' /run/fauxroot-buildkit.sock)"
	run -0 inside timeout 120 socat -t 120 - UNIX-CONNECT:/run/fauxroot-buildkit.sock <<<who
	says "$output" "^fauxroot-buildkit.socket [0-9]+ 0 1 "
	run -0 system_sc status $UNIT
	says "$output" 'Main PID: [0-9]+ \(fauxroot\)'
	says "$output" 'Status: "serving 1 sockets as [0-9]+"'
	equals "700 fauxroot-buildkit" "$(inside stat -c '%a %U' /run/fauxroot-buildkit/state)"
	equals "700 fauxroot-buildkit" "$(inside stat -c '%a %U' /var/lib/fauxroot-buildkit)"
	equals 987 "$(inside stat -c %u "/proc/$(system_sc show --value -p MainPID $UNIT)")"
	system_sc restart $UNIT
	system_sc stop fauxroot-buildkit.socket $UNIT
	equals success "$(system_sc show --value -p Result $UNIT)"
	equals 2 "$(n_started)"
	equals 2 "$(grep -c '^SIGTERM ' "$UNIT_LOG")"
	not inside test -e /run/fauxroot-buildkit
}

# activate N [OPTIONS…] - run systemd-socket-activate with N sockets in $T/sockets
activate() {
	local n=$1 nth words=() names=''
	shift
	mkdir -p "$T/sockets"
	chown "$USER_UID:$USER_GID" "$T/sockets"
	for ((nth = 1; nth <= n; nth++)); do
		words+=(-l "$T/sockets/$nth")
		names+=${names:+:}name$nth
	done
	setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all \
		systemd-socket-activate "${words[@]}" --fdname="$names" -E FAUXROOT_TEST_MARK \
		-E XDG_RUNTIME_DIR -E PATH -E ASAN_OPTIONS -E UBSAN_OPTIONS \
		"$FAUXROOT" --net=none "$@" "$SERVICE" </dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for test -S "$T/sockets/$n"
}

@test "systemd-socket-activate: one socket and three arrive in order, with their names" {
	local mode n nth names
	for mode in "${MODES[@]}"; do
		for n in 1 3; do
			activate $n ${mode:+"$mode"}
			names=$(seq -s : -f name%.0f $n)
			for nth in $(seq "$n"); do
				SOCKET=$T/sockets/$nth
				run -0 ask who
				says "$output" "^name$nth [0-9]+ 0 $n $names$"
			done
			kill -TERM "$LAUNCHER"
			ended 1
			rm -r "$T/sockets"
		done
	done
}

@test "systemd accepts the shipped units" {
	local unit kind
	mkdir -p "$T/verify"
	for kind in user system; do
		for unit in "$UNITS_SHIPPED/$kind"/*; do
			sed "s,^ExecStart=fauxroot ,ExecStart=$FAUXROOT ," "$unit" >"$T/verify/${unit##*/}"
		done
		for unit in "$UNITS_SHIPPED/$kind"/*; do
			unit=${unit##*/}
			SYSTEMD_UNIT_PATH="$T/verify:" run -0 systemd-analyze --$kind --man=no \
				--recursive-errors=no verify "$T/verify/${unit/@./@instance.}"
			equals "" "$output"
		done
		rm "$T/verify"/*
	done
}
