#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The short form of `make soak`. As root, because only root can read the agent's descriptors and memory.
#
# seconds: 20

load ../../lib/bash/common
load ../../lib/bash/root

setup() {
	root_setup
}

teardown() {
	common_teardown
}

@test "soak: forwarder, agent and launcher hold no more after a lap of traffic than before" {
	local memory=''
	! sanitized || memory=no
	TMPDIR=$T TRAFFIC=$FAUXROOT_TEST_TOOLS/traffic SOAK_MEMORY=$memory SOAK_LAP=3 \
		SOAK_SECONDS="$([ -n "$FULL" ] && echo 600 || echo 1)" SOAK_CONNECTIONS=1000 \
		"$BATS_TEST_DIRNAME/../soak" >soak.log 2>&1 3>&- 4>&- || {
		cat soak.log
		return 1
	}
	cat soak.log
}
