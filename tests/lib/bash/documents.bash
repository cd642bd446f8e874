# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2030,SC2031 # each document has a subshell of its own
#
# Run the blocks of commands of Markdown files, from their text, like a reader: a line "$ COMMAND", which
# continues in the next line after a backslash; lines "# TEXT" after it are typed into the command; the other
# lines are its output, where several blanks count as one. A line "…" of the output stands for any lines, and
# within a line for any text.
#
# One shell runs the commands of a file, block after block. Each exits with status 0, or with one that the
# comment above its block names, and prints what the document shows, unless the comment calls this an example.
# A command after one in the background is repeated until it does both, like a reader who waits for the daemon.
# The command in the background must still run at the end of the block, and then gets SIGTERM.

# run_document FILE - run all of its blocks, in the caller's working directory and environment
run_document() {
	local kind file line what note text blocks
	blocks=$("$ROOT/scripts/doc-blocks" "$1") || return
	(
		BLOCK='' FAILED=0 BACKGROUND=()
		while IFS=$'\t' read -r kind file line what note; do
			if [ "$kind" = block ]; then
				end_block
				begin_block "$file:$line" "$what" "$note"
			else
				# The text may contain tabs itself.
				text=$file${line:+$'\t'$line}${what:+$'\t'$what}${note:+$'\t'$note}
				block_line "$text"
			fi
		done <<<"$blocks"
		end_block
		exit $FAILED
	)
}

block_fails() {
	printf '%s: %s\n' "$BLOCK" "$*" >&2
	FAILED=1
}

begin_block() { # PLACE WHAT NOTE
	BLOCK=$1 WHAT=$2 NOTE=$3
	STATUSES=0 COMMAND='' TYPED='' SHOWN='' WAITING='' CONTINUED=''
	if [[ $NOTE =~ status\ ([0-9]+(\ or\ [0-9]+)*) ]]; then
		STATUSES=${BASH_REMATCH[1]//or /}
	fi
}

block_line() {
	if [ -n "$CONTINUED" ]; then
		COMMAND+=$'\n'$1
	elif [[ $1 == '$ '* ]]; then
		run_command
		COMMAND=${1#??}
	elif [[ $1 == '# '* && -n $COMMAND ]]; then
		TYPED+=${1#??}$'\n'
		return
	else
		[ -z "$COMMAND" ] || SHOWN+=$1$'\n'
		return
	fi
	CONTINUED=''
	[[ $COMMAND != *\\ ]] || CONTINUED=1
}

end_block() {
	local pid
	[ -n "$BLOCK" ] || return 0
	run_command
	for pid in "${BACKGROUND[@]}"; do
		if ! kill -TERM "$pid" 2>/dev/null; then
			block_fails "its process in the background has exited: $(tail -n 20 "$T/background")"
		fi
		wait_for gone "$pid" || block_fails "its process in the background does not exit"
		wait "$pid" || true
	done
	BLOCK='' BACKGROUND=()
}

# run_command - run the last command that was read, if there is one
run_command() {
	local status=0 end=$((SECONDS + DEADLINE)) words=$COMMAND
	COMMAND=
	[ -n "$words" ] || return 0
	if [ "$WHAT" = "not run" ]; then
		only_parse "$words"
	elif [[ $words =~ '&'\ *$ ]]; then
		eval "$words" </dev/null >"$T/background" 2>&1 3>&- 4>&-
		BACKGROUND+=("$!") WAITING=1
	else
		while :; do
			status=0
			eval "$words" <<<"$TYPED" >"$T/said" 2>&1 3>&- 4>&- || status=$?
			if [ -z "$WAITING" ] || [ $SECONDS -ge $end ] || { [ $status = 0 ] && as_shown; }; then break; fi
			sleep 0.1
		done
		judge_command "$words" $status
	fi
	TYPED='' SHOWN=''
}

# as_shown - the command has printed what the document shows, if it shows something that is not an example
as_shown() {
	local pattern
	if [ -z "$SHOWN" ] || [[ $NOTE == *output:* ]]; then return; fi
	pattern=$(tr -s '\t ' ' ' <<<"${SHOWN%$'\n'}" | sed 's/[][*?\\]/\\&/g; s/…/*/g')
	# shellcheck disable=SC2053 # it is a pattern
	[[ $(said) == $pattern ]]
}

said() { tr -s '\t ' ' ' <"$T/said" | sed 's/ $//'; }

judge_command() { # WORDS STATUS
	if [[ " $STATUSES " != *" $2 "* ]]; then
		block_fails "status $2 of: $1"$'\n'"$(said)"
		[ ! -s "$T/background" ] || tail -n 20 "$T/background" >&2
		return
	fi
	as_shown || block_fails "$1"$'\n'"does not print the shown output, but:"$'\n'"$(said)"
}

# only_parse WORDS - of a block that is not run, a target of make must at least exist
only_parse() {
	if [[ $1 =~ ^(sudo )?make( |$) ]]; then
		eval "${1/make/make -n}" >"$T/said" 2>&1 || block_fails "unknown target of make: $1"
	fi
}
