# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2016,SC2034 # inner shells expand; the scripts use what is set
#
# Broken machines. A lab is a script that runs as root in its own mount namespace. It breaks something there,
# checks that the launch fails, follows the remedy, and checks that the launch works:
#
#	lab <<-'END'
#		copy /usr/bin/newuidmap
#		chmod u-s /usr/bin/newuidmap
#		fails setuid-lost true
#		repair 'sudo chmod .*'
#		works true
#	END
#
# The launcher runs as the test user, in the script's environment: AS is a prefix for it (env, unshare), AS_ROOT
# one for before the change of user, BECOME are options of setpriv(1). After fails(), ERROR, CAUSE and REMEDY
# are the launcher's messages.

# Functions of the test file that its scripts call.
LAB_FUNCTIONS=()

# lab [PREFIX…] - run the script on stdin, behind the prefix in its mount namespace
lab() {
	local functions OUTER=${OUTER:-}
	functions=$(declare -f says equals absent as_user lab_start indexed fails explained works repair option copy file_over \
		etc_is_ours in_session without_leak_check "${LAB_FUNCTIONS[@]}")
	export T S OUT LOG USER_UID USER_GID OUTER ROOT
	unshare --mount --propagation private "$@" bash -c "$functions
set -euo pipefail
AS=() AS_ROOT=() BECOME=() DISAGREED=0
# The commands of the remedies.
sudo() { \"\$@\"; }
$(cat)
[ \$DISAGREED -eq 0 ]" lab 3>&- 4>&-
}

# user_lab [PREFIX…] - the same as the test user, without root
user_lab() {
	OUTER=1 lab setpriv --reuid "$USER_UID" --regid "$USER_GID" --init-groups --inh-caps=-all "$@"
}

# outer_lab - the same as root of a user namespace, whose limits it can set
outer_lab() {
	user_lab unshare --user --map-root-user --mount
}

# lab_start OPTIONS… COMMAND… - launch; set STATUS and ERROR, all its messages
lab_start() {
	STATUS=0
	if [ -n "$OUTER" ]; then
		timeout 240 "${AS[@]}" "$FAUXROOT" --debug "$@" </dev/null >"$T/out" 2>"$T/err" || STATUS=$?
	else
		timeout 240 "${AS_ROOT[@]}" setpriv --reuid "${AS_UID:-$USER_UID}" \
			--regid "${AS_GID:-$USER_GID}" "${AS_GROUPS:---init-groups}" --inh-caps=-all "${BECOME[@]}" -- \
			env HOME=/ "${AS[@]}" "$FAUXROOT" --debug "$@" </dev/null >"$T/out" 2>"$T/err" ||
			STATUS=$?
	fi
	ERROR=$(<"$T/err")
}

# indexed ID LINE - does the index of error lines in docs/troubleshooting.md have the line, with that cause?
indexed() {
	LINE=$2 awk -F'`' -v id="$1" '
		/^\| `/ {
			words = $2
			gsub(/[][\\.^$*+?(){}|]/, "\\\\&", words)
			gsub(/…/, ".*", words)
			found = found || (ENVIRON["LINE"] ~ words && index($3, "(#" id ")"))
		}
		END { exit !found }
	' "$ROOT/docs/troubleshooting.md"
}

# fails ID OPTIONS… COMMAND… - the launch fails, explained by that row of the table
fails() {
	lab_start "${@:2}"
	explained "$@"
}

# explained ID OPTIONS… COMMAND… - the launch with lab_start() has failed, explained by that row of the table
explained() {
	local id=$1
	shift
	CAUSE=$(sed -n 's/.*error: cause: //p' <<<"$ERROR")
	REMEDY=$(sed -n 's/.*error: remedy: //p' <<<"$ERROR")
	if [ "$STATUS" -lt 125 ] || [ "$STATUS" -gt 127 ] || [ -z "$CAUSE" ] || [ -z "$REMEDY" ] ||
		! grep -qE "debug: known as ($id)\$" <<<"$ERROR"; then
		printf '%s: status %s, not explained by %s:\n%s\n' "$*" "$STATUS" "$id" "$ERROR" >&2
		return 1
	fi
	id=$(sed -n 's/.*debug: known as //p' <<<"$ERROR" | tail -n 1)
	ERROR=$(grep -v 'debug: ' <<<"$ERROR")
	if ! indexed "$id" "$(grep -m 1 'error: ' <<<"$ERROR")"; then
		printf 'not in src/check/symptoms.c with %s:\n%s\n' "$id" "$ERROR" >&2
		return 1
	fi
}

# works OPTIONS… COMMAND…
works() {
	lab_start "$@"
	if [ "$STATUS" -ne 0 ]; then
		printf '%s: status %s:\n%s\n' "$*" "$STATUS" "$ERROR" >&2
		return 1
	fi
}

# option REGEX - print the match in the remedy
option() {
	if ! grep -oE -m 1 -- "$1" <<<"$REMEDY" | head -1 | grep .; then
		printf 'no "%s" in the remedy: %s\n' "$1" "$REMEDY" >&2
		return 1
	fi
}

# repair REGEX - run, as root, the command of the remedy that matches
repair() {
	local command
	command=$(option "$1")
	eval "$command" >/dev/null
}

# copy FILE… - replace each by a copy that the script may change
copy() {
	local file
	for file in "$@"; do
		cp -a "$file" "$T/copy.${file##*/}"
		mount --bind "$T/copy.${file##*/}" "$file"
	done
}

# file_over FILE TEXT - replace it by a file with this text, a format of printf
file_over() {
	# shellcheck disable=SC2059
	printf "$2" >"$T/over.${1##*/}"
	chmod 0644 "$T/over.${1##*/}"
	chown 0:0 "$T/over.${1##*/}"
	mount --bind "$T/over.${1##*/}" "$1"
}

# etc_is_ours - programs that replace files of /etc do so in this mount namespace only
etc_is_ours() {
	mkdir "$T/etc"
	mount -t tmpfs tmpfs "$T/etc"
	mkdir "$T/etc/upper" "$T/etc/work"
	mount -t overlay -o "lowerdir=/etc,upperdir=$T/etc/upper,workdir=$T/etc/work" overlay /etc
}

# without_leak_check - for processes that cannot fork: LeakSanitizer needs a child process
without_leak_check() {
	export ASAN_OPTIONS=${ASAN_OPTIONS/detect_leaks=1/detect_leaks=0}
}

# in_session OPTIONS… COMMAND… - like works(), in a session of the test user that PAM has set up
in_session() {
	# shellcheck disable=SC2016 # for the inner shell
	if ! su "$FAUXROOT_TEST_USER" -s /bin/sh -c 'exec "$FAUXROOT" "$@"' -- sh "$@" \
		>"$T/out" 2>"$T/err" </dev/null; then
		cat "$T/err" >&2
		return 1
	fi
}

# words TEXT - print its words, one a line
words() {
	tr -s ' \t\n' '\n' <<<"$1"
}
