# SPDX-License-Identifier: Apache-2.0
#
# The demo checks its results: when a launcher fails, it prints the launcher's status and its log.

bats_require_minimum_version 1.5.0

setup() {
	TOP=${FAUXROOT_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	# The demo's user must be able to enter it.
	D=$(mktemp -d /tmp/fauxroot-test.XXXXXX)
	mkdir "$D/bin"
	cp "$TOP"/tests/lib/fixtures/stand-ins/build* "$D/bin"
	# If both of BuildKit's programs and this one exist, the demo uses BuildKit.
	ln -s /bin/true "$D/bin/runc"
	cp -L "$TOP/build/fauxroot" "$D/real"
	cat >"$D/fauxroot" <<-'EOT'
		#!/bin/sh
		case "$*" in
		--version | --check* | rm*) exec "${0%/*}/real" "$@" ;;
		esac
		echo "planted: the launcher ends"
		exit 3
	EOT
	chmod -R a+rX "$D"
	chmod +x "$D/fauxroot"
	# Its results are not results of the run that this test is part of.
	unset RESULTS BUILD
}

teardown() {
	rm -rf "$D"
}

@test "demo: a launcher that exits by itself is reported with its status and its log" {
	run -1 env PATH="$D/bin:$PATH" FAUXROOT="$D/fauxroot" "$TOP/scripts/demo"
	[[ $output == *"ok      no obstacle to the launch"* ]]
	[[ $output == *"buildkitd did not come up: fauxroot has exited by itself, with status 3; the end of the log:"* ]]
	[[ $output == *"    planted: the launcher ends"* ]]
	[[ $output == *"demo: 1 passed, 1 failed"* ]]
}
