# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Names: queries of the command to a name server at port 53 of the host's loopback. Used by bench. Only root can
# make that host, a network and a mount namespace.

NAMES_ROUNDS=${NAMES_ROUNDS:-21}
NAMES_QUERIES=20000
NAMES_PIDS=()
declare -A NAMES_WORDS=() NAMES_SERVER=()

names_up() {
	echo 'nameserver 127.0.0.1' >"$STAGE/resolv.conf"
	# shellcheck disable=SC2016 # for the shell inside
	unshare --net --mount sh -c 'ip link set lo up && mount --bind "$0" /etc/resolv.conf && exec sleep infinity' \
		"$STAGE/resolv.conf" >/dev/null 2>&1 &
	NAMES_PIDS+=($!)
	until grep -q 127.0.0.1 "/proc/$!/root/etc/resolv.conf" 2>/dev/null &&
		[ "$(cat "/proc/$!/comm")" = sleep ]; do sleep 0.01; done
	nsenter --target "${NAMES_PIDS[0]}" --net "$STAGE/dns" serve 127.0.0.1 fixed 192.0.2.1 >"$STAGE/dns.log" 2>&1 &
	NAMES_PIDS+=($!)
	until grep -q ready "$STAGE/dns.log"; do sleep 0.01; done
}

names_down() {
	[ ${#NAMES_PIDS[@]} = 0 ] || kill "${NAMES_PIDS[@]}" 2>/dev/null || :
	NAMES_PIDS=()
}

names_inside() { # SIDE COMMAND…
	local words gid
	gid=$(id -g "$TEST_USER")
	read -ra words <<<"${NAMES_WORDS[$1]}"
	nsenter --target "${NAMES_PIDS[0]}" --net --mount --wd="$STAGE/tmp" \
		env HOME=/ XDG_RUNTIME_DIR="/run/user/$(id -u "$TEST_USER")" \
		setpriv --reuid="$TEST_USER" --regid="$gid" --init-groups --inh-caps=-all \
		"${words[@]}" "${@:2}" 2>>"$STAGE/log" </dev/null
}

# names_asked SIDE QUERIES PARALLEL: print the answers, their number a second, and the microseconds of one
names_asked() { names_inside "$1" "$STAGE/dns" bench "${NAMES_SERVER[$1]}" host.example "$2" "$3"; }

names_one() { names_asked "$1" 2000 1 | cut -d ' ' -f 3; }

# Print the number of lost queries, and the queries a second.
names_many() { names_asked "$1" $NAMES_QUERIES 32 | awk -v n=$NAMES_QUERIES '{ print n - $1, $2 }'; }

# Print the proportional memory (PSS) of the name service after these queries, in KiB.
names_memory() {
	local job
	rm -f "$STAGE/tmp/asked"
	# shellcheck disable=SC2016 # for the shell inside
	names_inside fauxroot sh -c '"$0" bench 10.0.2.3 host.example "$1" 32 >asked.now && mv asked.now asked && exec sleep 60' \
		"$STAGE/dns" $NAMES_QUERIES &
	job=$!
	until [ -e "$STAGE/tmp/asked" ]; do
		kill -0 $job || die 'the memory of the name service was not measured'
		sleep 0.01
	done
	pss "$(pgrep --newest --uid "$TEST_USER" --full '^fauxroot: names')"
	pkill --parent "$(pgrep --newest --uid "$TEST_USER" --exact fauxroot)" --exact sleep
	wait $job || :
}

names_measure() {
	local side at=0
	if [ "$(id -u)" != 0 ]; then
		echo '| not measured: this takes root | | | |' | put
		return
	fi
	cp "$BUILD/tests/lib/dns" "$STAGE"
	SIDES=(direct fauxroot slirp4netns)
	NAMES_WORDS=([direct]='' [fauxroot]="$STAGE/fauxroot --net=slirp4netns --copy-up=/etc"
		[slirp4netns]='rootlesskit --net=slirp4netns --copy-up=/etc')
	NAMES_SERVER=([direct]=127.0.0.1 [fauxroot]=10.0.2.3 [slirp4netns]=10.0.2.3)
	names_up
	in_turn "$NAMES_ROUNDS" names_one
	in_turn "$NAMES_ROUNDS" names_many
	for side in "${SIDES[@]}"; do
		at=$((at + 1))
		printf '| %s | %.0f | %.0f | %.0f |\n' "$side" "$(column "$STAGE/names_one" $at)" \
			"$(column "$STAGE/names_many" $((2 * at)))" "$(column "$STAGE/names_many" $((2 * at - 1)))" | put
	done
	printf '| fauxroot : slirp4netns | %.2f | %.2f | |\n' "$(column "$STAGE/names_one" 2 3)" \
		"$(column "$STAGE/names_many" 4 6)" | put
	judge "$(column "$STAGE/names_many" 4 6)" at-least 1
	printf '| limit of that ratio | | %s: %s | |\n' "$BOUND" "$VERDICT" | put
	judge "$(column "$STAGE/names_many" 4)" at-least 10000
	printf '| fauxroot: limit of the queries a second | | %s: %s | |\n' "$BOUND" "$VERDICT" | put
	judge "$(awk '{ n += $3 } END { print n }' "$STAGE/names_many")" at-most 0
	printf '| fauxroot: limit of the lost queries, all rounds | | | %s: %s |\n' "$BOUND" "$VERDICT" | put
	printf '| memory (PSS) of the name service afterwards, KiB | %s | | |\n' "$(names_memory)" | put
	names_down
}

names_page() {
	cat <<-EOT
		## Names

		The command asks a name server at port 53 of the host's loopback, through the name service of fauxroot or
		through slirp4netns' own (rootlesskit); "direct" asks without a private network. One query at a time, and
		$NAMES_QUERIES with 32 at a time. The values are medians of $NAMES_ROUNDS rounds.

		$(machine)
		- $(rootlesskit --version); $(programs slirp4netns)

		| | one query, µs | queries a second | lost of $NAMES_QUERIES |
		|---|---|---|---|
		$(rows names)
	EOT
}
