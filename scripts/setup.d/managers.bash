# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The package managers of four families of distributions. scripts/setup reads this file, and passes it to
# root together with root.bash.
#
#	missing_X NAME…   print the names that are not installed
#	refresh_X         update the lists of packages
#	unknown_X NAME…   print the names that this release of the distribution does not have; only apt
#	                  needs it, because its package names differ between releases
#	install_X NAME…   install them, without recommended packages, and remove nothing
#	remove_X NAME…    print the command that removes them and their dependencies

package_manager() {
	local candidate
	for candidate in apt:apt-get dnf:dnf apk:apk pacman:pacman; do
		if command -v "${candidate#*:}" >/dev/null; then
			echo "${candidate%:*}"
			return
		fi
	done
}

missing_apt() {
	local name
	for name; do
		dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null |
			grep -qx installed || echo "$name"
	done
}
refresh_apt() { apt-get update -qq; }
unknown_apt() {
	local name
	for name; do
		apt-cache show --no-all-versions "$name" >/dev/null 2>&1 || echo "$name"
	done
}
# Do not remove a conflicting package's daemon: --no-remove.
install_apt() {
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=300 --no-install-recommends --no-remove "$@" >/dev/null
}
remove_apt() { echo "apt-get autoremove --purge $*"; }

missing_dnf() {
	local name
	for name; do rpm -q --whatprovides "$name" >/dev/null 2>&1 || echo "$name"; done
}
# dnf itself knows when its lists are old.
refresh_dnf() { :; }
unknown_dnf() { :; }
install_dnf() { dnf install -y --setopt=install_weak_deps=False "$@"; }
remove_dnf() { echo "dnf remove $*"; }

missing_apk() {
	local name
	for name; do apk info -e "$name" >/dev/null 2>&1 || echo "$name"; done
}
refresh_apk() { apk update -q; }
unknown_apk() { :; }
install_apk() { apk add "$@"; }
remove_apk() { echo "apk del $*"; }

missing_pacman() { pacman -T "$@" || :; }
refresh_pacman() { pacman -Sy; }
unknown_pacman() { :; }
install_pacman() { pacman -S --needed --noconfirm "$@"; }
remove_pacman() { echo "pacman -Rns $*"; }
