#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # bats sets stderr
# --forward-host: the command reaches chosen services of the host, and no other.
#
# seconds: 12

load ../lib/bash/common
load ../lib/bash/ports

# A server on the host that names itself and its client, and one that must stay out of reach.
serve_host() {
	free_port 3
	SERVICE=$PORT SECRET=$((PORT + 1)) DATAGRAMS=$((PORT + 2))
	socat -t30 "TCP4-LISTEN:$SERVICE,bind=127.0.0.1,reuseaddr,fork" SYSTEM:"echo service for \$SOCAT_PEERADDR" 3>&- 4>&- &
	SERVERS=($!)
	socat -t30 "TCP4-LISTEN:$SECRET,bind=127.0.0.1,reuseaddr,fork" SYSTEM:"echo secret" 3>&- 4>&- &
	SERVERS+=($!)
	socat "UDP4-RECVFROM:$DATAGRAMS,bind=127.0.0.1,reuseaddr,fork" SYSTEM:"read -r word; echo heard \$word" 3>&- 4>&- &
	SERVERS+=($!)
	wait_for connects 127.0.0.1 "$SERVICE"
	wait_for connects 127.0.0.1 "$SECRET"
}

end_host() {
	kill "${SERVERS[@]}"
	wait "${SERVERS[@]}" || true
}

# asked ADDRESS - what a TCP server says to the command, or nothing
asked() {
	in_target socat -t30 -T30 - "TCP:$1,connect-timeout=5" </dev/null 2>/dev/null || true
}

# heard ADDRESS - what a UDP server answers to the command
heard() {
	[ "$(echo word | in_target socat -T2 - "UDP4:$1" 2>/dev/null)" = "heard word" ]
}

@test "a service at 127.0.0.1 and at the address for containers, which hosts names; UDP, too" {
	serve_host
	launch --net=slirp4netns --copy-up=/etc --disable-host-loopback --ipv6 \
		--forward-host="5432:$SERVICE" --forward-host="127.0.0.9:53:127.0.0.1:$DATAGRAMS/udp" \
		--forward-host="[fd00::4]:80:$SERVICE" sleep 1000
	equals "service for 127.0.0.1" "$(asked 127.0.0.1:5432)"
	equals "service for 127.0.0.1" "$(asked 10.0.2.4:5432)"
	equals "service for 127.0.0.1" "$(asked host.docker.internal:5432)"
	# The gateway's address, for this port alone.
	equals "service for 127.0.0.1" "$(asked 10.0.2.2:5432)"
	equals "service for 127.0.0.1" "$(asked '[fd00::4]:80')"
	# The same with IPv6.
	equals "service for 127.0.0.1" "$(asked '[::1]:5432')"
	equals "service for 127.0.0.1" "$(asked '[fd00::4]:5432')"
	equals "service for 127.0.0.1" "$(asked '[fd00::2]:5432')"
	equals "10.0.2.4	host.docker.internal host.containers.internal
fd00::4	host.docker.internal host.containers.internal" "$(in_target grep internal /etc/hosts)"
	wait_for heard 127.0.0.9:53
	equals 4 "$(ctl add-host-ports "54:$DATAGRAMS/udp")"
	heard6() { [ "$(echo word | in_target socat -T2 - "UDP6:$1" 2>/dev/null)" = "heard word" ]; }
	wait_for heard6 '[::1]:54'
	wait_for heard6 '[fd00::4]:54'
	wait_for heard6 '[fd00::2]:54'
	in_target nft flush ruleset
	gateway_redirects() { [ "service for 127.0.0.1" = "$(asked 10.0.2.2:5432)" ]; }
	wait_for gateway_redirects
	# Removing one service leaves the others.
	equals 5 "$(ctl add-host-ports "85:$SERVICE")"
	ctl remove-host-ports "5432:$SERVICE"
	equals "service for 127.0.0.1" "$(asked 10.0.2.2:85)"
	equals "" "$(asked 10.0.2.2:5432)$(asked 10.0.2.4:5432)"
	equals "" "$(asked 127.0.0.9:5432)$(asked '[::1]:5432')$(asked '[fd00::2]:5432')"
	equals "service for 127.0.0.1" "$(asked '[fd00::2]:85')"
	# A command without IPv6 has the service with IPv4.
	in_target sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	equals 6 "$(ctl add-host-ports "86:$SERVICE")"
	equals "service for 127.0.0.1" "$(asked 127.0.0.1:86)"
	# Another network of addresses.
	stop
	launch --net=slirp4netns --cidr=10.9.8.0/25 --forward-host="80:$SERVICE" sleep 1000
	equals "service for 127.0.0.1" "$(asked 10.9.8.4:80)"
	stop
	end_host
}

@test "the rest of the host's loopback stays out of reach; the same attack reaches it without the option" {
	serve_host
	local guard address reached
	for guard in true false; do
		launch --net=slirp4netns --disable-host-loopback=$guard --forward-host="5432:$SERVICE" sleep 1000
		equals "service for 127.0.0.1" "$(asked 127.0.0.1:5432)"
		reached=
		for address in 127.0.0.1 10.0.2.2 10.0.2.3 10.0.2.4 '[::1]' '[::ffff:127.0.0.1]'; do
			[ "$(asked "$address:$SECRET")" = secret ] && reached+="$address "
		done
		# The control: without the guard the gateway's address leads to the host's loopback.
		[ $guard = true ] && equals "" "$reached" || equals "10.0.2.2 " "$reached"
		# The service is only at the given address.
		equals "" "$(asked "127.0.0.1:$SERVICE")"
		stop
	done
	end_host
}

@test "added and removed while the command runs, by the host's side only" {
	serve_host
	launch --net=slirp4netns --disable-host-loopback sleep 1000
	equals "ID PROTO CHILDIP CHILDPORT HOSTIP HOSTPORT" "$(ctl list-host-ports | tr -s ' ')"
	not part 'fauxroot: host'
	not in_target grep -q internal /etc/hosts
	equals 1 "$(ctl add-host-ports "5432:$SERVICE")"
	equals 2 "$(ctl add-host-ports "127.0.0.1:81:127.0.0.1:$SERVICE")"
	equals "ID PROTO CHILDIP CHILDPORT HOSTIP HOSTPORT
1 tcp 5432 $SERVICE
2 tcp 127.0.0.1 81 127.0.0.1 $SERVICE" "$(ctl list-host-ports | tr -s ' ')"
	equals "service for 127.0.0.1" "$(asked 127.0.0.1:5432)"
	# The first service gives names to the address for containers.
	named() { in_target grep -q "^10\.0\.2\.4	host\.docker\.internal" /etc/hosts; }
	wait_for named
	# The forwarder counts after it has sent.
	counted() {
		equals "[1,0,22]" \
			"$(ctl list-host-ports --json | jq -c '.[0].counters | [.connections, .bytesFromChild, .bytesToChild]')"
	}
	wait_for counted
	equals "service for 127.0.0.1" "$(asked host.docker.internal:5432)"
	equals "service for 127.0.0.1" "$(asked 10.0.2.2:5432)"
	# Clients inside may read the list, and change nothing, whatever --api-inside allows.
	for what in "add-host-ports 82:$SECRET" "remove-host-ports 1"; do
		# shellcheck disable=SC2086 # two words
		run -1 --separate-stderr in_target "$FAUXROOTCTL" --socket "$S/api.sock" $what
		one_line "$stderr" "^error: processes of the instance must not add or remove services of the host \(HTTP status 403\)"
	done
	equals 2 "$(in_target "$FAUXROOTCTL" --socket "$S/api.sock" list-host-ports --json | jq length)"
	equals "" "$(asked "127.0.0.1:82")"
	# Conflicts, unknown services, and a list of which all are added or none.
	run -1 --separate-stderr ctl add-host-ports "83:$SERVICE" "10.0.2.4:5432:$SERVICE"
	one_line "$stderr" "^error: forwarding 10\.0\.2\.4:5432:$SERVICE/tcp to the host: it conflicts with port 1 \(HTTP status 409\)"
	equals 2 "$(ctl list-host-ports --json | jq length)"
	run -1 --separate-stderr ctl remove-host-ports 9:9
	one_line "$stderr" '^error: no service of the host is forwarded as 9:9/tcp$'
	run -1 --separate-stderr ctl add-host-ports "10.9.9.9:80:$SERVICE"
	one_line "$stderr" 'binding 10\.9\.9\.9:80 in the child.s network: Cannot assign requested address'
	refused_by POST /v1/host-ports '{"proto":"tcp","parentPort":1,"childPort":1,"owner":"peer"}' 400 'no owner'
	refused_by POST /v1/host-ports '{"proto":"tcp6","parentPort":1,"childPort":1}' 400 'tcp or udp'
	# A new forwarder continues with the same listeners.
	kill -KILL "$(part 'fauxroot: host')"
	wait_for logged 'the forwarder to the host died'
	reached() { [ "$(asked 127.0.0.1:81)" = "service for 127.0.0.1" ]; }
	wait_for reached
	equals 4 "$(ctl add-host-ports "84:$SERVICE")"
	equals "1
2" "$(ctl remove-host-ports "5432:$SERVICE" 2)"
	equals "" "$(asked 127.0.0.1:5432)$(asked 127.0.0.1:81)"
	equals "service for 127.0.0.1" "$(asked 127.0.0.1:84)"
	stop
	end_host
}

# blob - the checksum of what a client gets that sends the file "blob" and then ends its stream
blob() {
	in_target socat -t30 -T30 - "TCP:$1" <blob 2>/dev/null | sha256sum
}

@test "a UNIX socket of the host: both directions, half-close, the caller's rights, one line for a missing one" {
	mkdir shut
	head -c 8000000 /dev/urandom >blob
	# Each answers when the client has ended its stream.
	# shellcheck disable=SC2016 # the server's shell expands it
	socat -t30 UNIX-LISTEN:echo.sock,fork SYSTEM:'cat >got.$$; cat got.$$' 3>&- 4>&- &
	SERVERS=($!)
	socat -t30 UNIX-LISTEN:shut/in.sock,fork SYSTEM:'echo inside' 3>&- 4>&- &
	SERVERS+=($!)
	wait_for test -S echo.sock -a -S shut/in.sock
	launch --net=slirp4netns --disable-host-loopback --forward-host="80:unix:$PWD/echo.sock" \
		--forward-host="127.0.0.9:81:unix:$PWD/missing.sock" sleep 1000
	equals "$(sha256sum <blob)" "$(blob 127.0.0.1:80)"
	equals "$(sha256sum <blob)" "$(blob 10.0.2.4:80)"
	# Its clients are disconnected; a server that comes later is found.
	equals "" "$(asked 127.0.0.9:81)$(asked 127.0.0.9:81)"
	wait_for logged "connecting to the host's $PWD/missing.sock: No such file or directory; its clients are disconnected"
	equals 1 "$(log_count "missing.sock: No such")"
	mv echo.sock missing.sock
	equals "$(sha256sum <blob)" "$(blob 127.0.0.9:81)"
	equals "" "$(asked 127.0.0.1:80)"
	# Over the API, in the table, and removed by its spec.
	equals 3 "$(ctl add-host-ports "82:unix:$PWD/shut/in.sock")"
	equals inside "$(asked 127.0.0.1:82)"
	chmod 0 shut
	equals "" "$(asked 127.0.0.1:82)"
	wait_for logged "shut/in.sock: Permission denied"
	chmod 700 shut
	equals "3 tcp 82 unix:$PWD/shut/in.sock" "$(ctl list-host-ports | tr -s ' ' | sed -n 's/ *$//; 4p')"
	equals "$PWD/shut/in.sock null" "$(ctl list-host-ports --json | jq -r '.[2].spec | "\(.hostPath) \(.parentPort)"')"
	equals 3 "$(ctl remove-host-ports "82:unix:$PWD/shut/in.sock")"
	equals "" "$(asked 127.0.0.1:82)"
	# Published ports have no such target, and the rest is refused by name.
	refused_by POST /v1/ports '{"proto":"tcp","parentPort":1,"childPort":1,"hostPath":"/x"}' 400 'services of the host only'
	refused_by POST /v1/host-ports '{"proto":"udp","childPort":1,"hostPath":"/x"}' 400 'for tcp, not for udp'
	refused_by POST /v1/host-ports '{"proto":"tcp","childPort":1,"hostPath":"x"}' 400 'not absolute'
	refused_by POST /v1/host-ports '{"proto":"tcp","childPort":1}' 400 'parentPort'
	run -1 --separate-stderr ctl add-host-ports 53:unix:/run/x/udp
	one_line "$stderr" 'a UNIX socket is for tcp, and takes no /udp'
	stop
	end_host
}

@test "with a network that cannot have services, the option is refused by name, and nothing has started" {
	while IFS='|' read -r options why; do
		# shellcheck disable=SC2086 # several words
		run -125 --separate-stderr fx $options touch started
		one_line "$stderr" "error: $why"
		absent started
	done <<-'END'
		--forward-host=80:80|--forward-host cannot be used with --net=host
		--net=none --forward-host=80:80|--forward-host cannot be used with --net=none
		--net=slirp4netns --detach-netns --forward-host=80:80|--forward-host cannot be used with --detach-netns
		--net=slirp4netns --forward-host=80|--forward-host: invalid service of the host "80/tcp": the host port is missing; expected
		--net=slirp4netns --forward-host=80:80/tcp6|--forward-host: a service of the host has the protocol tcp or udp, not tcp6
	END
	launch --net=none --port-driver=builtin sleep 1000
	run -1 --separate-stderr ctl add-host-ports 80:80
	one_line "$stderr" '^error: .*services of the host need a network of the command.s own with a helper'
	stop
}
