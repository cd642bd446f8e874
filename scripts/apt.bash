# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The Debian mirror of this machine, and packages of other releases from it without a change to the system.
# For scripts that create machines; source it after lib.bash.

# apt_targets LABEL: print "URI CODENAME" of each Debian repository that apt has on this machine
apt_targets() {
	# shellcheck disable=SC2016 # apt-get's own variables
	apt-get indextargets --format '$(LABEL)|$(REPO_URI)|$(CODENAME)' \
		'Created-By: Packages' 'Component: main' 'Origin: Debian' |
		awk -F'|' -v label="$1" '$1 == label { print $2, $3 }' | sort -u
}

# apt_find_mirror: set MIRROR, and SECURITY if this machine has security updates
apt_find_mirror() {
	MIRROR=$(apt_targets Debian | awk 'NR == 1 { print $1 }')
	[ -n "$MIRROR" ] || die "apt has no Debian mirror in its sources, or no package lists yet: run apt-get update"
	SECURITY=$(apt_targets Debian-Security | awk 'NR == 1 { print $1 }')
}

# apt_sources SUITE: print its sources.list(5), with the updates of a new installation
apt_sources() {
	echo "deb $MIRROR $1 main"
	case $1 in sid | unstable) return ;; esac
	echo "deb $MIRROR $1-updates main"
	[ -z "$SECURITY" ] || echo "deb $SECURITY $1-security main"
}

# apt_own DIRECTORY SUITE [ARCHITECTURE]: set APT to the options that make apt work in DIRECTORY, on SUITE. It
# fetches the lists when they are missing or older than a day.
apt_own() {
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
	apt_sources "$2" >"$1/sources.list"
	APT=(-o "Dir::Etc::SourceList=$1/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State::Lists=$1/lists" -o "Dir::Cache=$1/cache"
		-o Dir::Etc::TrustedParts=/usr/share/keyrings -o APT::Sandbox::User=root
		-o Acquire::Languages=none ${3:+-o "APT::Architecture=$3" -o "APT::Architectures=$3"})
	if [ -z "$(find "$1/fetched" -mtime -1 2>/dev/null)" ]; then
		apt-get "${APT[@]}" -qq update
		touch "$1/fetched"
	fi
}

# bootstrap_in_private ARGUMENT…: run mmdebstrap(1). Its mounts, such as /proc, are private to it, and end
# with it even if it is killed. Without root it has a mount namespace of its own anyway.
bootstrap_in_private() {
	local private=()
	[ "$(id -u)" -ne 0 ] || private=(unshare --mount --propagation private)
	"${private[@]}" mmdebstrap "$@"
}
