# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Network acceleration: connections that leave the host, direct, with --net-accel=switch and without. Used by
# bench. Only root can make the two network namespaces: the host, and the server's.

ACCEL_ROUNDS=${ACCEL_ROUNDS:-4}
ACCEL_JOBS=()
declare -A ACCEL_WORDS=()

accel_up() {
	nets_up
	mkdir -p "$STAGE/accel"
	cat >"$STAGE/accel/nginx.conf" <<-END
		daemon off; worker_processes auto; pid $STAGE/accel/pid; error_log $STAGE/accel/error.log;
		events { worker_connections 4096; }
		http { access_log off; server { listen $OTHER_ADDRESS:8080 backlog=4096;
		location / { return 200 "a small answer\n"; } } }
	END
	# Not at_other: the process of a function in the background is a shell, and its child would stay.
	nsenter --target "$OTHER_NET" --net iperf3 --server --bind $OTHER_ADDRESS >/dev/null 2>&1 &
	ACCEL_JOBS+=($!)
	PATH=$PATH:/usr/sbin nsenter --target "$OTHER_NET" --net nginx -c "$STAGE/accel/nginx.conf" &
	ACCEL_JOBS+=($!)
	until [ "$(at_other ss -Hltn "src $OTHER_ADDRESS" | wc -l)" -ge 2 ]; do sleep 0.05; done
}

accel_down() {
	[ ${#ACCEL_JOBS[@]} = 0 ] || kill "${ACCEL_JOBS[@]}" 2>/dev/null || :
	ACCEL_JOBS=()
	nets_down
}

accel_inside() { # SIDE COMMAND…
	local words
	read -ra words <<<"${ACCEL_WORDS[$1]}"
	as_user_at_host "${words[@]}" "${@:2}" 2>>"$STAGE/log" </dev/null
}

accel_stream() { # SIDE [OPTION]
	accel_inside "$1" iperf3 --client $OTHER_ADDRESS --time 2 --format m "${@:2}" |
		awk '$NF == "receiver" { print $(NF - 2) / 1000 }'
}

accel_upload() { accel_stream "$1"; }
accel_download() { accel_stream "$1" --reverse; }

accel_requests() { # SIDE [OPTION…]
	accel_inside "$1" wrk --threads 2 --connections 32 --duration 1s "${@:2}" \
		"http://$OTHER_ADDRESS:8080/" | awk '$1 == "Requests/sec:" { print $2 }'
}

accel_connections() { accel_requests "$1" -H 'Connection: close'; }

accel_chart() {
	local side at=0
	{
		printf '\tupload\tdownload\n'
		for side in "${SIDES[@]}"; do
			at=$((at + 1))
			printf '%s\t%s\t%s\n' "$side" "$(column "$STAGE/accel_upload" $at)" \
				"$(column "$STAGE/accel_download" $at)"
		done
	} | chart accel 'Network acceleration: to and from another machine' 'Gbit/s'
}

accel_measure() {
	local what side at=0
	if [ "$(id -u)" != 0 ]; then
		echo '| not measured: this takes root | | | | |' | put
		return
	fi
	ACCEL_WORDS=([direct]=''
		[switched]="$STAGE/fauxroot --net=slirp4netns --net-accel=switch"
		[slirp4netns]="$STAGE/fauxroot --net=slirp4netns"
		[pasta]="$STAGE/fauxroot --net=pasta")
	SIDES=(direct switched slirp4netns)
	! command -v pasta >/dev/null || SIDES+=(pasta)
	accel_up
	for what in accel_upload accel_download accel_connections accel_requests; do
		in_turn "$ACCEL_ROUNDS" "$what"
	done
	accel_down
	accel_chart
	for side in "${SIDES[@]}"; do
		at=$((at + 1))
		printf '| %s | %.1f | %.1f | %.0f | %.0f |\n' "$side" "$(column "$STAGE/accel_upload" $at)" \
			"$(column "$STAGE/accel_download" $at)" "$(column "$STAGE/accel_connections" $at)" \
			"$(column "$STAGE/accel_requests" $at)" | put
	done
	for what in accel_upload accel_download; do
		judge "$(column "$STAGE/$what" 2 1)" at-least 0.9
		printf '| switched : direct, %s | %.2f | %s | %s | |\n' "${what#accel_}" \
			"$(column "$STAGE/$what" 2 1)" "$BOUND" "$VERDICT" | put
	done
	judge "$(column "$STAGE/accel_connections" 2 3)" at-least 1
	printf '| switched : slirp4netns, connections | %.2f | %s | %s | |\n' \
		"$(column "$STAGE/accel_connections" 2 3)" "$BOUND" "$VERDICT" | put
}

accel_page() {
	cat <<-EOT
		## Network acceleration

		The command is a client of servers in another network namespace, behind a veth link: iperf3,
		and nginx (wrk, 32 clients) with \`Connection: close\` and with connections that are kept. "direct" is
		the same client in the host's network. The values are medians of $ACCEL_ROUNDS rounds.

		![Network acceleration](bench-accel.svg)

		$(machine)
		- $(programs slirp4netns iperf3 nginx wrk)

		| network | upload, Gbit/s | download, Gbit/s | new connections a second | requests a second |
		|---|---|---|---|---|
		$(rows accel)
	EOT
}
