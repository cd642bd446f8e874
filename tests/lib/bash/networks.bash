# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # the tests use what is set
#
# For tests of networks with helper programs.

# pasta_of PID - print the PID of its child that is pasta. The name of the process differs: pasta executes a
# variant of itself for the processor.
pasta_of() {
	local pid _
	for _ in 1 2 3; do
		while read -r pid; do
			if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- ' --ns-ifname ' && alive "$pid"; then
				echo "$pid"
				return 0
			fi
		done < <(cat "/proc/$1/task/"*/children | tr ' ' '\n') 2>/dev/null
	done 2>/dev/null
	return 1
}

# find_networks - set NETWORKS to the networks with a helper program: slirp4netns, pasta, and pasta of other
# releases of Debian, as scripts/setup.d/passt has unpacked them
find_networks() {
	local suite
	NETWORKS=(slirp4netns pasta)
	for suite in trixie sid; do
		if [ -x "$FAUXROOT_TEST_TOOLS/passt/$suite/pasta" ]; then
			NETWORKS+=("pasta-$suite")
		elif command -v apt-get >/dev/null; then
			echo "no pasta of $suite: scripts/setup test" >&2
			return 1
		fi
	done
}

# choose NETWORK - set NET to its options
choose() {
	case $1 in
	pasta-*) NET=(--net=pasta "--pasta-binary=$FAUXROOT_TEST_TOOLS/passt/${1#pasta-}/pasta") ;;
	*) NET=("--net=$1") ;;
	esac
}

# holds_loopback - can the network NET be used with --disable-host-loopback?
holds_loopback() {
	case ${NET[*]} in
	*pasta-binary=*) "${NET[1]#*=}" --map-host-loopback none --version >/dev/null 2>&1 ;;
	*pasta) pasta --map-host-loopback none --version >/dev/null 2>&1 ;;
	esac
}

# helper_of PID - print the PID of the launcher's network helper
helper_of() {
	pasta_of "$1" || child_of "$1" slirp4netns
}

# each FUNCTION - call it for each of NETWORKS, all at the same time, with its own NAME, NET, S, OUT and LOG;
# print what they say, and fail if one does
each() {
	local name pids=() pid failed=0
	for name in "${NETWORKS[@]}"; do
		(
			NAME=$name S=$T/$name.state OUT=$T/$name.out LOG=$T/$name.log
			choose "$name"
			"$1"
		) >"$T/$name.said" 2>&1 3>&- 4>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=1
	done
	for name in "${NETWORKS[@]}"; do
		echo "== $name"
		cat "$T/$name.said"
		[ $failed = 0 ] || tail -n 20 "$T/$name.log" 2>/dev/null || true
	done
	return $failed
}

# ---- a host with two links to the outside ----
#
#	outside 192.0.2.80, 2001:db8::80 ─┬─ veth ── 198.51.100.1 ─┬─ host ── network helper
#	                                  └─ veth ── 203.0.113.1 ──┘
#
# Outside are a name server, and servers of TCP and UDP at port 7000. No packet leaves the machine.

OUTSIDE=192.0.2.80 OUTSIDE6=2001:db8::80

# outer_network - create it, for all tests of a file; end_networks() of root.bash removes it
outer_network() {
	holder HOST_NS --net --mount --propagation private
	holder OUT_NS --net
	export HOST_NS OUT_NS
	ip link add fxa netns "$HOST_NS" type veth peer name fxa netns "$OUT_NS"
	ip link add fxb netns "$HOST_NS" type veth peer name fxb netns "$OUT_NS"
	inside_of "$OUT_NS" sh -c '
		ip link set lo up && ip link set fxa up && ip link set fxb up
		ip addr add 198.51.100.2/24 dev fxa && ip addr add 203.0.113.2/24 dev fxb
		ip -6 addr add 2001:db8:a::2/64 dev fxa nodad && ip -6 addr add 2001:db8:b::2/64 dev fxb nodad
		ip addr add 192.0.2.80/32 dev lo && ip -6 addr add 2001:db8::80/128 dev lo nodad'
	outer_links
	printf 'nameserver %s\nnameserver %s\n' $OUTSIDE $OUTSIDE6 >"$BATS_FILE_TMPDIR/resolv.conf"
	chmod -R a+rX "$BATS_FILE_TMPDIR"
	on_host sh -c 'echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range'
	on_host mount --bind "$BATS_FILE_TMPDIR/resolv.conf" /etc/resolv.conf
	serve inside_of "$OUT_NS" dnsmasq --keep-in-foreground --no-resolv --no-hosts --user=root --pid-file= \
		--address=/service.test.example/$OUTSIDE --conf-file=/dev/null \
		--listen-address=$OUTSIDE,$OUTSIDE6 --bind-interfaces
	serve inside_of "$OUT_NS" socat -t30 TCP4-LISTEN:7000,reuseaddr,fork SYSTEM:'echo outside; cat'
	serve inside_of "$OUT_NS" socat -t30 TCP6-LISTEN:7000,ipv6only,reuseaddr,fork SYSTEM:'echo outside6'
	serve inside_of "$OUT_NS" socat "UDP4-LISTEN:7000,bind=$OUTSIDE,reuseaddr,fork" SYSTEM:'cat'
	serve inside_of "$OUT_NS" socat -u OPEN:/dev/zero TCP4-LISTEN:7002,reuseaddr,fork
	serve inside_of "$OUT_NS" socat -u TCP4-LISTEN:7003,reuseaddr,fork OPEN:/dev/null
	wait_for outside_listens
}

# outer_links - bring both links of the host up, with the default route over the first
outer_links() {
	on_host sh -c 'ip link set lo up && ip link set fxa up && ip link set fxb up
		ip addr replace 198.51.100.1/24 dev fxa && ip addr replace 203.0.113.1/24 dev fxb
		ip -6 addr replace 2001:db8:a::1/64 dev fxa nodad && ip -6 addr replace 2001:db8:b::1/64 dev fxb nodad
		ip route replace default via 198.51.100.2 && ip -6 route replace default via 2001:db8:a::2'
}

outside_listens() {
	[ "$(inside_of "$OUT_NS" ss -Hltun 'sport = 53 or sport >= 7000' | wc -l)" -ge 9 ]
}

inside_of() { # PID COMMAND…
	local pid=$1
	shift
	nsenter --target "$pid" --net --preserve-credentials "$@" 3>&- 4>&-
}

on_host() {
	nsenter --target "$HOST_NS" --net --mount "$@" 3>&- 4>&-
}

# launch_host OPTIONS… COMMAND… - launch() as the test user of that host
launch_host() {
	launch_as nsenter --target "$HOST_NS" --net --mount -- "$@"
}

# in_child COMMAND… - run it as root of the command's namespaces
in_child() {
	nsenter --target "$TARGET" --user --mount --net --setuid 0 --setgid 0 --wd=/ "$@" 3>&- 4>&-
}

# get ADDRESS PORT [SECONDS] - print the first line of a TCP server
get() {
	in_child socat "-t${3:-5}" - "TCP:$1:$2,connect-timeout=${3:-5}" </dev/null 2>/dev/null |
		head -n 1
}

# reaches_outside - does the server outside answer? For wait_for
reaches_outside() {
	[ "$(get $OUTSIDE 7000 2)" = outside ]
}
