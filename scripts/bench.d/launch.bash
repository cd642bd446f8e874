# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Launch times: from fork to exit of a launcher whose command is true.

# row WHAT AGAINST LIMIT OURS_US PEER_US RATIO LOW HIGH: print a line of the table of times
row() {
	judge "$6" at-most "$3"
	awk -v what="$1" -v peer="$2" -v limit="$BOUND" -v a="$4" -v b="$5" -v r="$6 ($7–$8)" \
		-v v="$VERDICT" '
		BEGIN { printf "| `%s` | `%s` | %.2f ms | %.2f ms | %s | %s | %s |\n", what, peer,
			a / 1000, b / 1000, r, limit, v }' |
		put
}

# compare ROUNDS WHAT COMMAND… -- LIMIT PEER COMMAND… [-- LIMIT PEER COMMAND…]…: measure WHAT and its peers
compare() {
	local rounds=$1 what=$2 argv=() limits=() peers=() i=0 us ratio low high ours
	shift 2
	while [ $# -gt 0 ]; do
		argv+=("$1")
		if [ "$1" = -- ]; then
			limits+=("$2")
			peers+=("$3")
			shift 2
		fi
		shift
	done
	as_user "$STAGE/pairs" "$rounds" -- "${argv[@]}" >"$STAGE/times" ||
		die "measuring $what failed"
	{
		read -r ours _
		while read -r us ratio low high; do
			row "$what" "${peers[$i]}" "${limits[$i]}" "$ours" "$us" "$ratio" "$low" "$high"
			i=$((i + 1))
		done
	} <"$STAGE/times"
}

# alone ROUNDS LIMIT WHAT COMMAND…: measure a command with an absolute limit, in milliseconds
alone() {
	local us ms
	as_user "$STAGE/pairs" "$1" -- "${@:4}" >"$STAGE/times" || die "measuring $3 failed"
	read -r us _ <"$STAGE/times"
	ms=$(awk -v us="$us" 'BEGIN { printf "%.2f", us / 1000 }')
	judge "$ms" at-most "$2"
	printf "| \`%s\` | | %s ms | | | %s ms | %s |\n" "$3" "$ms" "$BOUND" "$VERDICT" | put
}

launch_draw() {
	awk -F ' *[|] *' '
		$2 == "`fauxroot true`" { ours = $4 + 0; split(substr($3, 2), peer, " "); other[peer[1]] = $5 + 0 }
		$2 ~ /^`fauxroot --net=.*--copy-up=.etc/ && $5 {
			name = $2 ~ /pasta/ ? "pasta" : "slirp4netns"
			net = net sprintf("%s and --copy-up=/etc\t%s\t%s\n", name, $4 + 0, $5 + 0)
		}
		END {
			print "\tfauxroot\trootlesskit\tunshare\tbwrap"
			printf "no network\t%s\t%s\t%s\t%s\n%s", ours, other["rootlesskit"], other["unshare"],
				other["bwrap"], net
		}' | chart launch 'Launch of true' 'milliseconds'
}

launch_measure() {
	local fauxroot=$STAGE/fauxroot
	compare 200 'fauxroot true' "$fauxroot" true \
		-- 1.05 'unshare --map-auto --map-root-user -m true' \
		unshare --map-auto --map-root-user -m true \
		-- 0.167 'rootlesskit true' rootlesskit true \
		-- - 'bwrap --unshare-user --bind / / true' bwrap --unshare-user --bind / / true
	compare 30 'fauxroot --net=slirp4netns --copy-up=/etc --disable-host-loopback true' \
		"$fauxroot" --net=slirp4netns --copy-up=/etc --disable-host-loopback true \
		-- 0.25 'rootlesskit (the same options)' \
		rootlesskit --net=slirp4netns --copy-up=/etc --disable-host-loopback true
	if rootlesskit2; then
		compare 30 'fauxroot --net=pasta --copy-up=/etc --disable-host-loopback true' \
			"$fauxroot" --net=pasta "--pasta-binary=$PASTA" --copy-up=/etc --disable-host-loopback true \
			-- 0.4 "$("$RK2" --version | sed 's/ version//') (the same options)" \
			"$RK2" --net=pasta "--pasta-binary=$PASTA" --copy-up=/etc --disable-host-loopback true
	fi
	alone 20 300 'fauxroot --check --net=slirp4netns --copy-up=/etc --copy-up=/run --port-driver=builtin' \
		"$fauxroot" --check --net=slirp4netns --copy-up=/etc --copy-up=/run --port-driver=builtin
}

launch_page() {
	cat <<-EOT
		## Launch times

		The times are medians of wall-clock time from fork to exit, of 200 rounds without a network and of 30
		with one. The runtime directory is a tmpfs, as systemd-logind makes it. By default fauxroot starts slirp4netns
		in its sandbox and with its seccomp filter, rootlesskit without them. pasta is that of Debian 13 for both.

		![Launch of true](bench-launch.svg)

		$(machine)
		- $(rootlesskit --version); $(unshare --version); bubblewrap $(bwrap --version | cut -d ' ' -f 2)

		| command | peer | fauxroot | peer's time | ratio | limit | result |
		|---|---|---|---|---|---|---|
		$(rows launch)
	EOT
}
