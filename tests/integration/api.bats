#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Basic calls of the REST API, with curl and with the client.

load ../lib/bash/common

api() { # PATH [CURL OPTIONS…]
	curl -sS --max-time 30 --unix-socket "$S/api.sock" "${@:2}" "http://any.host$1" 3>&- 4>&-
}

field() {
	jq -r "$1" <<<"$output"
}

@test "GET /v1/info with slirp4netns" {
	launch --net=slirp4netns sleep 1000
	run -0 api /v1/info
	equals 1.1.1 "$(field .apiVersion)"
	equals "$("$FAUXROOT" --version | cut -d' ' -f3)" "$(field .version)"
	equals "$S" "$(field .stateDir)"
	equals "$TARGET" "$(field .childPID)"
	equals '{"driver":"slirp4netns","dns":["10.0.2.3"],"childIP":"10.0.2.100"}' \
		"$(jq -c '.networkDriver | {driver, dns, childIP}' <<<"$output")"
	equals null "$(field .portDriver)"
	stop
}

@test "GET /v1/info without a network driver, and with none" {
	launch sleep 1000
	run -0 api /v1/info
	equals false "$(field 'has("networkDriver")')"
	stop
	launch --net=none sleep 1000
	run -0 api /v1/info
	equals '{"driver":"none"}' "$(jq -c .networkDriver <<<"$output")"
	stop
}

@test "the target itself can use the API" {
	run -0 fx --net=slirp4netns --copy-up=/run sh -c \
		'curl -sS --unix-socket "$ROOTLESSKIT_STATE_DIR/api.sock" http://x/v1/info; echo; echo $$'
	equals "${lines[1]}" "$(jq .childPID <<<"${lines[0]}")"
}

@test "errors are JSON with a message: 404 and 405" {
	launch sleep 1000
	run -0 api /v1/nothing -w '\n%{http_code} %{content_type}'
	says "$output" '^404 application/json'
	jq -e '.message | length > 0' <<<"${lines[0]}" >/dev/null
	run -0 api /v1/info -X DELETE -w '\n%{http_code} %{content_type}'
	says "$output" '^405 application/json'
	jq -e '.message | length > 0' <<<"${lines[0]}" >/dev/null
	stop
}

@test "as rootlesskit: the version is the reference's" {
	ln -s "$(realpath "$FAUXROOT")" rootlesskit
	FAUXROOT=$PWD/rootlesskit launch sleep 1000
	run -0 api /v1/info
	equals 3.0.1 "$(field .version)"
	kill -TERM "$LAUNCHER"
	ended 255
}

@test "fauxrootctl info shows the same, by --socket and by ROOTLESSKIT_STATE_DIR" {
	launch --net=slirp4netns sleep 1000
	run -0 "$FAUXROOTCTL" --socket "$S/api.sock" info
	equals "- REST API version: 1.1.1
- Implementation version: $("$FAUXROOT" --version | cut -d' ' -f3)
- State Directory: $S
- Child PID: $TARGET
- Network Driver: slirp4netns
  - DNS: [10.0.2.3]
  - IP: 10.0.2.100" "$output"
	ROOTLESSKIT_STATE_DIR=$S run -0 "$FAUXROOTCTL" info --json
	equals "$TARGET" "$(field .childPID)"
	stop
}

@test "fauxrootctl: no socket, no server: one line, status 1" {
	run -1 --separate-stderr "$FAUXROOTCTL" --socket "$T/none.sock" info
	says "$stderr" '^error: '
	run -1 --separate-stderr env -u ROOTLESSKIT_STATE_DIR "$FAUXROOTCTL" info
	says "$stderr" '^error: '
}

@test "silent, slow and broken clients do not block the launcher" {
	launch sh -c 'while [ ! -e go ]; do sleep 0.02; done; exit 8'
	# Each has ten seconds: if the launcher waited for them, api() would time out.
	local i
	for i in 1 2 3 4; do
		socat -u "EXEC:sleep 1000" "UNIX-CONNECT:$S/api.sock" 3>&- 4>&- &
	done
	printf 'GET /v1/info HT' | socat -t 0 - "UNIX-CONNECT:$S/api.sock"
	head -c 100000 /dev/zero | socat -t 1 - "UNIX-CONNECT:$S/api.sock" >/dev/null 2>&1 || true
	run -0 api /v1/info
	equals "$TARGET" "$(field .childPID)"
	touch go
	ended 8
	kill_marked
}

@test "a hundred sequential requests and twenty at once" {
	launch sleep 1000
	local round pids=()
	for ((round = 0; round < 20; round++)); do
		api /v1/info >"answer$round" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for ((round = 0; round < 20; round++)); do
		equals "$TARGET" "$(jq .childPID "answer$round")"
	done
	# One curl over one connection, a hundred times.
	run -0 curl -sS --max-time 60 --unix-socket "$S/api.sock" "http://x/v1/info?[1-100]"
	equals 100 "$(grep -o '"childPID"' <<<"$output" | wc -l)"
	stop
}
