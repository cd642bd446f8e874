# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # what labs use and set
#
# --check agrees with the launch: on machines that are broken in many ways, with the options of real clients, it
# names an obstacle exactly when the launch fails, and the same cause. Load it after lab.bash.

matrix_setup() {
	root_setup
	LAB_FUNCTIONS=(alone agree agree_all state broken sound)
	export QUICK="" BEGINS=""
	if [ -z "${FULL:-}" ] && { sanitized || grep -q '^Seccomp:.2' /proc/self/status; }; then
		QUICK=1
	fi
	export DIR=$T/dir
}

# alone OPTIONS… COMMAND… - lab_start, repeated when other tests disturb it: descriptors that are being sent
# count for all processes of a user (man 7 unix, ETOOMANYREFS)
alone() {
	local _
	for _ in {1..100}; do
		lab_start "$@"
		grep -qF 'Too many references' "$T/out" "$T/err" || break
	done
}

# agree OPTIONS… COMMAND… - launch, and check, with the same words
agree() {
	local launch said id check=0
	alone "$@"
	launch=$STATUS said=$ERROR
	id=$(sed -n 's/.*debug: known as //p' <<<"$ERROR" | grep -vx few-ids || true)
	alone --check --json "$@"
	[ "$launch" -eq 0 ] || check=1
	if [ "$STATUS" -eq "$check" ] && { [ "$launch" -eq 0 ] || grep -q "error: $BEGINS" <<<"$said"; } && { [ "$launch" -eq 0 ] || [ -n "$id${UNEXPLAINED:-}" ]; } &&
		{ [ -z "$id" ] || grep -qF "\"id\": \"$id\"" "$T/out"; }; then
		LAUNCHED+=$launch
		return
	fi
	{
		printf '\n%s: launch %s (%s), check %s: %s\n' "$STATE" "$launch" "$id" "$STATUS" "$*"
		grep -v 'debug: ' <<<"$said" || true
		grep -E -B1 -A4 '"status": "obstacle"' "$T/out" || true
		grep -v 'debug: ' <<<"$ERROR" || true
	} >&2
	DISAGREED=1
}

# agree_all [OPTIONS…] - agree with the options of real clients, and these; with sanitizers, which are slow, or
# with refused system calls, use two sets that cover every possible failure
agree_all() {
	if [ -n "$QUICK" ]; then
		agree --state-dir="$DIR" --net=slirp4netns --disable-host-loopback --port-driver=builtin \
			--copy-up=/etc --copy-up=/run --propagation=rslave --pidns --cgroupns --utsns --ipcns \
			"$@" true
		agree "$@" true
		return
	fi
	# dockerd-rootless.sh and containerd-rootless.sh, buildctl-daemonless.sh, a direct call
	agree --net=host --mtu=1500 --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto \
		--disable-host-loopback --port-driver=none --copy-up=/etc --copy-up=/run --copy-up=/var/lib \
		--propagation=rslave --detach-netns --mtu=0 "$@" true
	agree --state-dir="$DIR" --net=slirp4netns --mtu=65520 --slirp4netns-sandbox=auto \
		--slirp4netns-seccomp=auto --disable-host-loopback --port-driver=builtin --copy-up=/etc \
		--copy-up=/run --propagation=rslave "$@" true
	agree --net=slirp4netns --copy-up=/etc --disable-host-loopback "$@" true
	agree "$@" true
	# and options that only fauxroot has
	agree --idmap=single --net=none "$@" true
	agree --pidns --cgroupns --utsns --ipcns "$@" true
}

# state NAME - the next launches are about this state of the machine
state() {
	STATE=$1 LAUNCHED=""
	AS=() AS_ROOT=() BECOME=()
}

# UNEXPLAINED=1 - the next errors have no row of the table, because they are complete by themselves

# BEGINS=REGEX - the beginning of each of the next errors

# broken - at least one launch of the last state must have failed: otherwise the state was not provoked
broken() {
	if ! grep -q '12[567]' <<<"$LAUNCHED"; then
		echo "$STATE: every launch works" >&2
		DISAGREED=1
	fi
}

# sound - no launch of the last state has failed
sound() {
	equals "" "$(tr -d 0 <<<"$LAUNCHED")"
}
