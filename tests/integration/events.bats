#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # bats sets stderr
# fauxrootctl events: what happens to an instance, as a stream of JSON lines.
#
# seconds: 6

load ../lib/bash/common
load ../lib/bash/ports

# follow NAME - read the events into the file NAME from now on; the reader's PID is READER
follow() {
	ctl events >"$1" 2>"$1.err" 3>&- 4>&- &
	READER=$!
	wait_for has "$1" '.event == "snapshot"'
}

has() { # NAME FILTER - an event matches
	jq -se "any(.[]; $2)" "$1" >/dev/null
}

names_in() { # NAME - the events in the order in which they happened, without the ports' agent
	jq -r 'select(.helper != "port agent") | .event' "$1" | tr '\n' ' '
}

@test "events: ports, helpers, the network and the exit; two readers see the same" {
	launch --net=slirp4netns --port-driver=builtin sleep 1000
	publish tcp 127.0.0.1 0 127.0.0.1 80
	local first second
	follow one
	first=$READER
	follow two
	second=$READER
	equals "[\"slirp4netns\",true,[1]]" \
		"$(jq -c 'select(.event == "snapshot") | [.info.networkDriver.driver, .networkUp, [.ports[].id]]' one)"
	publish tcp 127.0.0.1 0 127.0.0.1 81
	unpublish 1
	wait_for has two '.event == "removed" and .port.id == 1 and .port.counters.connections == 0'
	kill -KILL "$(part slirp4netns)"
	wait_for has two '.event == "network-up"'
	kill -KILL "$(part 'fauxroot: ports')"
	wait_for has two '.event == "helper-restarted" and .helper == "port forwarder"'
	stop
	wait "$first" "$second"
	equals "snapshot published removed network-down helper-died helper-restarted network-up helper-died helper-restarted exit " \
		"$(names_in one)"
	equals "$(tail -n +2 one)" "$(tail -n +2 two)"
	has one '.event == "helper-died" and .helper == "slirp4netns" and (.reason | test("Killed"))'
	has one '.event == "exit" and .status == 143 and (has("reason") | not)'
	# Each has a time, in their order.
	jq -se '[.[].time] | . == sort and all(test("^20[0-9-]*T[0-9:]*[.][0-9]{3}Z$"))' one >/dev/null
	equals "" "$(cat one.err two.err)"
}

@test "events: the status of the command, and the reason of a failure" {
	launch --net=slirp4netns --port-driver=builtin sh -c 'until [ -e go ]; do sleep 0.05; done; exit 7'
	follow seen
	touch go
	wait "$READER"
	has seen '.event == "exit" and .status == 7'
	ended 7
	# A launcher that gives up terminates the command and says why.
	launch --net=slirp4netns --port-driver=builtin sleep 1000
	follow seen
	# Five deaths in 10 s end it; a busy machine may need more.
	wait_for kills_forwarder
	has_n seen 4
	wait "$READER"
	has seen '.event == "exit" and .status == 125 and (.reason | test("the port forwarder died 5 times"))'
	ended 125
}

# kills_forwarder - kill the forwarder, and succeed after the launcher's exit
kills_forwarder() {
	kill -KILL "$(part 'fauxroot: ports')" || true
	has seen '.event == "exit"'
}

has_n() { # NAME N - the forwarder was restarted N times
	[ "$(jq -r 'select(.event == "helper-restarted" and .helper == "port forwarder") | .helper' "$1" | wc -l)" -ge "$2" ]
}

@test "events: a killed launcher is an error; so is one that does not run" {
	launch sleep 1000
	follow seen
	kill -KILL "$LAUNCHER"
	# Not by run, whose subshell has no children.
	wait "$READER" || code=$?
	equals 1 "${code:-0}"
	one_line "$(<seen.err)" '^error: the stream ended without the event "exit": the launcher was killed$'
	run -1 --separate-stderr ctl events
	one_line "$stderr" '^error: connecting to '
	equals "" "$output"
	kill_marked
	rm -rf "$S"
}

@test "events: the policy for the command applies; SIGINT ends a reader, a closed pipe, too" {
	launch --net=none --api-inside=none sleep 1000
	run -1 --separate-stderr in_target "$FAUXROOTCTL" --socket "$S/api.sock" events
	one_line "$stderr" '^error: this instance does not answer its command'
	follow seen
	kill -TERM "$READER"
	wait "$READER" && false || equals 143 $?
	# As at a write: SIGPIPE, and no message.
	ctl events 2>"$T/events.err" | head -n 1 | jq -e '.event == "snapshot"' >/dev/null
	equals "" "$(<"$T/events.err")"
	stop
}
