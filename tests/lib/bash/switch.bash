# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# For tests of --net-accel=switch, after root.bash. The launcher's host is a network namespace.

# shellcheck disable=SC2016 # scripts for a shell inside
ESCAPE=$FAUXROOT_TEST_TOOLS/escape
NET=(--net=slirp4netns --ipv6)
SWITCH=(--net-accel=switch)

as_test_user() {
	setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all "$@"
}

host() {
	[ "$1" != as_test_user ] || set -- setpriv --reuid "$USER_UID" --regid "$USER_GID" \
		--init-groups --inh-caps=-all "${@:2}"
	nsenter --target "$HOST_NS" --net "$@" 3>&- 4>&-
}

listening() { # WHERE NUMBER PORT
	[ "$("$1" ss -Hltn "sport = $3" | wc -l)" -eq "$2" ]
}

# inside [OPTION…] -- COMMAND… - run a command in the switched network
inside() {
	host env HOME="$T" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		--inh-caps=-all "$FAUXROOT" --state-dir="$S" "${NET[@]}" "$@" </dev/null
}

# The functions and variables that scripts inside use.
scripted() { # SCRIPT
	cat <<EOF
ctl=$FAUXROOTCTL escape=$ESCAPE T=$T
number() { "\$ctl" info --json | jq ".networkDriver.accel.\$1"; }
dial() { exec 3<>"/dev/tcp/\$1/\$2" && cat <&3; }
$1
EOF
}

inside_script() { # SCRIPT [OPTION…]
	local script
	script=$(scripted "$1")
	inside "${SWITCH[@]}" "${@:2}" -- bash -ec "$script"
}

launch_inside() { # [OPTION…] COMMAND… - launch() in the host's network
	launch_as nsenter --target "$HOST_NS" --net -- "${NET[@]}" "${SWITCH[@]}" "$@"
}

info() { # MEMBER
	as_user "$FAUXROOTCTL" --socket "$S/api.sock" info --json | jq -r ".networkDriver.accel.$1"
}

switchers() {
	pgrep -P "$LAUNCHER" -x 'fauxroot: switc' || true
}

n_switchers_is() {
	[ "$(switchers | wc -l)" -eq "$1" ]
}

# comparable - leave out what this kernel makes different. Before SO_BUF_LOCK (Linux 5.15) buffers that a program
# has set are the default ones after connect (docs/platforms.md).
comparable() {
	if "$FAUXROOT_TEST_TOOLS/features" | grep -qx 'SO_BUF_LOCK yes'; then
		cat
	else
		# Two sizes at the end of a line of dials.py; SO_SNDBUF and SO_RCVBUF of sockopts.py.
		sed -E '/^[^,]*, buffers, .* open: /s/ [0-9]+ [0-9]+$//; /^[^ ]+ 1 [78] /d'
	fi
}

# same_results FILE TEXT - the test fails with the whole of both if they are different
same_results() {
	diff --unified=0 <(comparable <"$1") <(comparable <<<"$2") && return
	printf '%s\n' '--- without acceleration, all of it:' "$(<"$1")" '--- with acceleration, all of it:' "$2"
	return 1
}
