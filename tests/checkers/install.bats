# SPDX-License-Identifier: Apache-2.0
#
# make install, install-compat and uninstall, into a directory of the test's own.

bats_require_minimum_version 1.5.0

setup() {
	TOP=${FAUXROOT_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	D=$BATS_TEST_TMPDIR/root
	BIN=$D/usr/bin
}

install_() { make -s -C "$TOP" DESTDIR="$D" PREFIX=/usr "$@"; }

files() { (cd "$D" && find . ! -type d | sort); }

@test "install: programs, a link, the manual pages, and no name of RootlessKit's in PATH" {
	install_ install
	[ "$("$BIN/fauxroot" --version)" = "fauxroot version 0.1.0" ]
	[ "$(readlink "$BIN/fauxroot-docker-proxy")" = fauxrootctl ]
	[ "$(stat -c %a "$BIN/fauxroot" "$BIN/fauxrootctl" | sort -u)" = 755 ]
	[ -f "$D/usr/share/man/man1/fauxroot.1" ]
	[[ $(ls "$BIN") != *rootless* ]]
}

@test "install: the compatible names in libexec, in the PATH of the unit of dockerd" {
	local name compat=$D/usr/libexec/fauxroot/compat
	install_ install
	for name in rootlesskit:fauxroot docker-rootlesskit:fauxroot rootlessctl:fauxrootctl \
		rootlesskit-docker-proxy:fauxrootctl; do
		[ "$(readlink "$compat/${name%:*}")" = "../../../bin/${name#*:}" ]
		[ -x "$compat/${name%:*}" ]
	done
	[ "$(ls "$compat" | wc -l)" = 4 ]
	[ "$("$compat/docker-rootlesskit" --version)" = "rootlesskit version 3.0.1" ]
	grep -q '^Environment=PATH=/usr/libexec/fauxroot/compat:/usr/local/sbin:' \
		"$D/usr/lib/systemd/user/fauxroot-docker.service"
	# Beside the build the same names are in one directory, for the demo and the tests.
	diff <(ls "$compat") <(ls "$TOP/build/compat")
	# Elsewhere; where no part is common, by their full names.
	install_ LIBEXECDIR=/usr/lib install
	[ "$(readlink "$D/usr/lib/fauxroot/compat/rootlesskit")" = ../../../bin/fauxroot ]
	grep -q '^Environment=PATH=/usr/lib/fauxroot/compat:/usr/local/sbin:' \
		"$D/usr/lib/systemd/user/fauxroot-docker.service"
	install_ BINDIR=/opt/bin install
	[ "$(readlink "$compat/rootlesskit")" = /opt/bin/fauxroot ]
}

@test "install: units that start the installed program, where systemd looks" {
	local unit
	install_ install
	for unit in user/fauxroot-buildkit user/fauxroot-buildkit@ user/fauxroot-docker system/fauxroot-buildkit; do
		[ -f "$D/usr/lib/systemd/$unit.socket" ]
		grep -q '^ExecStart=/usr/bin/fauxroot --' "$D/usr/lib/systemd/$unit.service"
		[ "$(stat -c %a "$D/usr/lib/systemd/$unit.service")" = 644 ]
	done
	# Nothing of contrib is forgotten.
	[ "$(cd "$TOP/contrib/systemd" && find . -name 'fauxroot-*' | sort)" = \
		"$(cd "$D/usr/lib/systemd" && find . -name 'fauxroot-*' | sort)" ]
	[ -f "$D/usr/share/doc/fauxroot/buildkitd.toml" ]
	install_ USERUNITDIR=/elsewhere/user SYSTEMUNITDIR=/elsewhere/system install
	[ -f "$D/elsewhere/user/fauxroot-docker.service" ]
	install_ USERUNITDIR=/elsewhere/user SYSTEMUNITDIR=/elsewhere/system uninstall
	[[ $(files) != */elsewhere/* ]]
}

@test "install-compat: four links, each in its clothes; twice is once" {
	install_ install-compat
	install_ install-compat
	local name
	for name in rootlesskit docker-rootlesskit; do
		[ "$(readlink "$BIN/$name")" = fauxroot ]
		[ "$("$BIN/$name" --version)" = "rootlesskit version 3.0.1" ]
	done
	[ "$("$BIN/rootlessctl" --version)" = "rootlessctl version 3.0.1" ]
	[ "$(readlink "$BIN/rootlesskit-docker-proxy")" = fauxrootctl ]
}

@test "install-compat: another rootlesskit is left alone, and said" {
	mkdir -p "$BIN"
	echo theirs >"$BIN/rootlesskit"
	run -2 install_ install-compat
	[[ $output == *"$BIN/rootlesskit exists and is not ours"* ]]
	[ "$(cat "$BIN/rootlesskit")" = theirs ]
}

@test "uninstall: everything of ours and nothing else" {
	install_ install-compat
	echo theirs >"$BIN/other"
	rm "$BIN/rootlesskit"
	echo theirs >"$BIN/rootlesskit"
	install_ uninstall
	[ "$(files)" = "$(printf './usr/bin/other\n./usr/bin/rootlesskit')" ]
	[ ! -e "$D/usr/libexec/fauxroot" ]
}
