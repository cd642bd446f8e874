# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# For tests that start as root: the launcher still runs as the unprivileged test user.

load_root() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "this test starts as root" >&2
		return 1
	fi
	USER_UID=$(id -u "$FAUXROOT_TEST_USER")
	USER_GID=$(id -g "$FAUXROOT_TEST_USER")
}

# Like common_setup, with everything owned by the test user.
root_setup() {
	load_root || return
	chmod 0755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/test "$BATS_TEST_TMPDIR" 2>/dev/null
	common_setup
	chown "$USER_UID:$USER_GID" "$T" "$T"/*
}

# as_user COMMAND… - exec it as that user, with the same environment
as_user() {
	HOME=$(getent passwd "$FAUXROOT_TEST_USER" | cut -d: -f6) USER=$FAUXROOT_TEST_USER \
		setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		--inh-caps=-all "$@" 3>&- 4>&-
}

# launch_as [PREFIX… --] OPTIONS… - launch() as the test user, behind a prefix such as "nsenter --net=…" or
# "strace …"; $LAUNCHER is the launcher's PID if every word of the prefix execs the next.
launch_as() {
	local prefix=()
	while [ "$1" != -- ]; do
		prefix+=("$1")
		shift
	done
	shift
	env HOME="$(getent passwd "$FAUXROOT_TEST_USER" | cut -d: -f6)" \
		"${prefix[@]}" setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups \
		--inh-caps=-all "$FAUXROOT" --state-dir="$S" "$@" \
		</dev/null >"$OUT" 2>"$LOG" 3>&- 4>&- &
	LAUNCHER=$!
	wait_for test -s "$S/child_pid" || return
	TARGET=$(<"$S/child_pid")
}

# map_outside FILE LAUNCH… - print uid_map or gid_map of a command as the host's root reads it; LAUNCH… is the
# command line without the command
map_outside() {
	local file=$1 launcher
	shift
	# shellcheck disable=SC2016 # expanded in there
	"$@" sh -c 'echo $$ >"$1.new" && mv "$1.new" "$1" && while [ -e "$1" ]; do sleep 0.05; done' \
		sh "$T/running" &
	launcher=$!
	wait_for test -s "$T/running" || return
	tr -s ' ' <"/proc/$(<"$T/running")/$file" | sed 's/^ //'
	rm "$T/running"
	wait $launcher
}

# holder NAME FLAGS… - start a process in new namespaces; the variable NAME is its PID
holder() {
	local name=$1 before
	shift
	before=$(readlink /proc/self/ns/net)
	env -u FAUXROOT_TEST_MARK unshare "$@" -- sleep infinity 3>&- 4>&- >/dev/null 2>&1 &
	printf -v "$name" %s $!
	wait_for in_new_namespace "${!name}" "$before"
}

in_new_namespace() {
	[ "$(cat "/proc/$1/comm" 2>/dev/null)" = sleep ]
}

# ---- a host and a remote client ----
#
#	client 198.51.100.2, 2001:db8::2 ── veth ── host 198.51.100.1, 2001:db8::1

HOST4=198.51.100.1 CLIENT4=198.51.100.2
HOST6=2001:db8::1 CLIENT6=2001:db8::2

# two_networks - create the network namespaces HOST_NS and OUT_NS, for all tests of a file
two_networks() {
	holder HOST_NS --net
	holder OUT_NS --net
	export HOST_NS OUT_NS
	ip link add fxhost netns "$HOST_NS" type veth peer name fxout netns "$OUT_NS"
	host ip link set lo up
	host ip link set fxhost up
	host ip addr add $HOST4/24 dev fxhost
	host ip -6 addr add $HOST6/64 dev fxhost nodad
	client ip link set lo up
	client ip link set fxout up
	client ip addr add $CLIENT4/24 dev fxout
	client ip -6 addr add $CLIENT6/64 dev fxout nodad
}

end_networks() {
	kill -KILL "$HOST_NS" "$OUT_NS" 2>/dev/null
	end_servers
}

# serve PREFIX… COMMAND… - run it in the background, for all tests of a file, until end_servers. Its children,
# a socat for each sender of datagrams, have the same mark.
serve() {
	export FILE_MARK=${FILE_MARK:-file.$$.$EPOCHREALTIME}
	FAUXROOT_TEST_MARK=$FILE_MARK "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- &
}

end_servers() {
	[ -z "${FILE_MARK:-}" ] || FAUXROOT_TEST_MARK=$FILE_MARK kill_marked
}

host() {
	nsenter --target "$HOST_NS" --net "$@" 3>&- 4>&-
}

client() {
	nsenter --target "$OUT_NS" --net "$@" 3>&- 4>&-
}
