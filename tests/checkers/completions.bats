# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells expand
#
# The shells' completions are generated from the tables of options; fauxrootctl's manual is written separately.
# Each completion must be readable by its shell, and both must agree with --help.

bats_require_minimum_version 1.5.0

setup_file() {
	TOP=${FAUXROOT_SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
	export TOP OUT=$BATS_FILE_TMPDIR/completions
	make -s -C "$TOP" all completions
	cp -r "$TOP/build/completions" "$OUT"
}

# offered_by_help PROGRAM: print its long options, one a line
offered_by_help() {
	"$TOP/build/$1" --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+$' | sort
}

# bash_offers WORD…: print what TAB offers for the last word; "--net=x" is given as --net = x
bash_offers() {
	bash --norc -c '. "$OUT/$1.bash"
		compopt() { :; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_$1"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

@test "bash: every option of --help and no other" {
	diff <(offered_by_help fauxroot) <(bash_offers fauxroot -- | sort)
	diff <(offered_by_help fauxrootctl) <(bash_offers fauxrootctl -- | sort)
}

@test "bash: values, in both forms" {
	[ "$(bash_offers fauxroot --net '')" = $'host\nnone\nauto\nslirp4netns\npasta\ngvisor-tap-vsock' ]
	[ "$(bash_offers fauxroot --net = sl)" = slirp4netns ]
	[ "$(bash_offers fauxroot --net =)" = $'host\nnone\nauto\nslirp4netns\npasta\ngvisor-tap-vsock' ]
	[ "$(bash_offers fauxroot --debug --propagation rs)" = $'rslave\nrshared' ]
	[ "$(bash_offers fauxroot --ipv6 = f)" = false ]
	[ -z "$(bash_offers fauxroot --mtu 1)" ]
	[ "$(bash_offers fauxroot --check = s)" = strict ]
	[[ $(bash_offers fauxroot --check hea) == *head* ]]
	[[ $(bash_offers fauxroot --copy-up /et) == *"/etc"* ]]
}

@test "bash: the command begins after the options' values" {
	[[ $(bash_offers fauxroot --net none --debug --copy-up = /etc hea) == *head* ]]
	[ -z "$(bash_offers fauxroot --net=none ls --ne)" ]
	[[ $(bash_offers fauxroot -- hea) == *head* ]]
}

@test "bash: fauxrootctl's commands, and the options of each" {
	[ "$(bash_offers fauxrootctl '' | sort)" = "$(printf '%s\n' add-host-ports add-ports events exec info kill \
		list-host-ports list-ports ps remove-host-ports remove-ports shell stop wait)" ]
	[ "$(bash_offers fauxrootctl --socket /x li)" = $'list-ports\nlist-host-ports' ]
	[ "$(bash_offers fauxrootctl info --j)" = --json ]
	[ -z "$(bash_offers fauxrootctl remove-ports --j)" ]
	[[ $(bash_offers fauxrootctl exec -- hea) == *head* ]]
}

# instances: create an XDG_RUNTIME_DIR with the links of two instances, and other files
instances() {
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -p "$XDG_RUNTIME_DIR/fauxroot"
	ln -s 4711 "$XDG_RUNTIME_DIR/fauxroot/build"
	ln -s /x "$XDG_RUNTIME_DIR/fauxroot/4711"
}

# a_server: put a fauxrootctl in PATH that shows two ports of the instance "build" and of no other
a_server() {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/fauxrootctl" <<-'EOF'
		#!/bin/sh
		[ "$*" = "--instance=build list-ports" ] || [ "$*" = "--instance build list-ports" ] || exit 1
		printf '%s\n' 'ID    PROTO' '1     tcp' '12    udp' '$(id)  tcp'
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bin/fauxrootctl"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "bash: instances and the ids of ports; their text is not expanded" {
	instances
	a_server
	ln -s 4711 "$XDG_RUNTIME_DIR/fauxroot/\$(touch ${BATS_TEST_TMPDIR//\//x})"
	[ "$(bash_offers fauxrootctl --instance '')" = $'4711\nbuild' ]
	[ "$(bash_offers fauxrootctl --instance = b)" = build ]
	[ "$(bash_offers fauxrootctl --instance = build remove-ports '')" = $'1\n12' ]
	[ "$(bash_offers fauxrootctl --instance build remove-ports 1 12)" = 12 ]
	[ -z "$(bash_offers fauxrootctl remove-ports '')" ]
	XDG_RUNTIME_DIR='' bash_offers fauxrootctl --instance ''
}

@test "fish: instances and the ids of ports" {
	instances
	a_server
	[ "$(fish_offers 'fauxrootctl --instance ')" = $'4711\nbuild' ]
	[ "$(fish_offers 'fauxrootctl --instance=build remove-ports ')" = $'1\n12' ]
	[ -z "$(fish_offers 'fauxrootctl remove-ports ')" ]
}

@test "zsh: instances and the ids of ports" {
	instances
	a_server
	added() {
		zsh -f -c 'compadd() { print -rl -- "${@:2}"; }
			_arguments() { return 1; }
			typeset -A opt_args=(--instance build)
			service=fauxrootctl
			f() { state=none words=(x); . "$OUT/_fauxrootctl"; }
			f
			words=(remove-ports)
			"$1"' zsh "$1"
	}
	[ "$(added _fauxrootctl_instances)" = $'4711\nbuild' ]
	[ "$(added _fauxrootctl_ids)" = $'1\n12' ]
}

fish_offers() {
	fish --no-config -c 'source $argv[1]; complete -C $argv[2]' -- "$OUT/${1%% *}.fish" "$1" |
		cut -f 1
}

@test "fish: options, values, commands" {
	fish --no-execute "$OUT"/*.fish
	local option
	for option in $(offered_by_help fauxroot); do
		fish_offers "fauxroot $option" | grep -qx -e "$option" -e "$option="
	done
	[ "$(fish_offers 'fauxroot --net=')" = $'--net=auto\n--net=gvisor-tap-vsock\n--net=host\n--net=none\n--net=pasta\n--net=slirp4netns' ]
	fish_offers 'fauxroot --net none hea' | grep -qx head
	[ "$(fish_offers 'fauxrootctl ')" = "$(printf '%s\n' add-host-ports add-ports events exec info kill \
		list-host-ports list-ports ps remove-host-ports remove-ports shell stop wait)" ]
	[ "$(fish_offers 'fauxrootctl info --j')" = --json ]
	[ -z "$(fish_offers 'fauxrootctl remove-ports --j')" ]
	fish_offers 'fauxrootctl exec hea' | grep -qx head
}

# zsh_specs PROGRAM: print the arguments of _arguments, after zsh's own reading of the quotes
zsh_specs() {
	zsh -f -c '_arguments() { print -rl -- "$@"; return 1; }
		_describe() { print -rl -- "${(@P)2}"; }
		state=command; words=(info)
		f() { state=command; . "$OUT/_$1"; }
		f "$1"' zsh "$1"
}

@test "zsh: both files are readable, and registered for all names" {
	local file
	for file in "$OUT"/_*; do zsh -n "$file"; done
	run zsh -f -c 'fpath=($OUT $fpath); autoload -Uz compinit; compinit -u -D
		print $_comps[fauxroot] $_comps[rootlesskit] $_comps[docker-rootlesskit] \
			$_comps[fauxrootctl] $_comps[rootlessctl]'
	[ "$output" = "_fauxroot _fauxroot _fauxroot _fauxrootctl _fauxrootctl" ]
}

@test "zsh: every option of --help and no other" {
	local program
	for program in fauxroot fauxrootctl; do
		diff <(offered_by_help $program) \
			<(zsh_specs $program | grep -oE '^\*?--[a-z0-9-]+=?-?\[' | grep -oE -- '--[a-z0-9-]+' | sort -u)
	done
	zsh_specs fauxroot | grep -qx -- '--net=\[.*\]:DRIVER:(host none auto slirp4netns pasta gvisor-tap-vsock )'
	zsh_specs fauxroot | grep -qx -- '\*--copy-up=\[.*\]:DIR:_files -/'
}

# zsh_tab LINE - type LINE and a TAB into an interactive zsh; print the line then, and what was offered
zsh_tab() { timeout 60 "$TOP/tests/lib/fixtures/zsh-tab" "$OUT" "$1"; }

# tab LINE WORDS - LINE and a TAB: the line, and what was offered
tab() {
	diff <(printf '%s\n' "$2" "${@:3}") <(zsh_tab "$1")
}

@test "zsh: a TAB in an interactive shell completes options, values, commands" {
	diff <(offered_by_help fauxroot) <(zsh_tab 'fauxroot --' | tail -n +2)
	diff <(offered_by_help fauxrootctl | grep -v -e --json -e --signal) <(zsh_tab 'fauxrootctl --' | tail -n +2)
	tab 'fauxroot --net=' 'fauxroot --net=' auto gvisor-tap-vsock host none pasta slirp4netns
	tab 'fauxroot --net sl' 'fauxroot --net slirp4netns ' slirp4netns
	tab 'fauxroot --check=' 'fauxroot --check=' false strict true
	tab 'fauxroot --net=none --net-accel=sw' 'fauxroot --net=none --net-accel=switch ' switch
	zsh_tab 'fauxroot --net=none hea' | grep -qx head
	tab 'fauxroot --copy-up=/et' 'fauxroot --copy-up=/etc/' etc
	tab 'fauxrootctl ' 'fauxrootctl ' add-host-ports add-ports events exec info kill \
		list-host-ports list-ports ps remove-host-ports remove-ports shell stop wait
	tab 'fauxrootctl info --j' 'fauxrootctl info --json ' --json
	tab 'rootlessctl --socket=/x ki' 'rootlessctl --socket=/x kill ' kill
	tab 'fauxrootctl kill --si' 'fauxrootctl kill --signal=' --signal
	zsh_tab 'fauxrootctl exec hea' | grep -qx head
}

@test "zsh: a TAB in an interactive shell completes instances and the ids of ports" {
	instances
	a_server
	tab 'fauxrootctl --instance=' 'fauxrootctl --instance=' 4711 build
	tab 'fauxrootctl info --instance b' 'fauxrootctl info --instance build ' build
	tab 'fauxrootctl --instance=build remove-ports ' 'fauxrootctl --instance=build remove-ports 1' 1 12
	tab 'fauxrootctl --instance build remove-ports 12' 'fauxrootctl --instance build remove-ports 12 ' 12
	tab 'fauxrootctl remove-ports --instance=build 1 ' 'fauxrootctl remove-ports --instance=build 1 1' 1 12
	tab 'fauxrootctl remove-ports ' 'fauxrootctl remove-ports '
}

@test "manual: every command and option of fauxrootctl and no other" {
	local manual=$TOP/man/fauxrootctl.1
	diff <("$TOP/build/fauxrootctl" --help | sed -n '/^Commands/,/^$/s/^  \([a-z-]*\) .*/\1/p' | sort) \
		<(sed -n '/^\.Ss Commands/,/^\.Ss /s/^\.It Cm \([a-z-]*\).*/\1/p' "$manual" | sort)
	diff <(offered_by_help fauxrootctl) \
		<(sed -n 's/^\.It Fl -\([a-z]*\).*/--\1/p' "$manual" | sort)
}
