# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # the script uses what is set
# The machines of the lab and their parts: root file systems, kernels, programs. For scripts/lab.
#
# Each part is created once and kept in build/lab. Its name contains a checksum of what it is made of.

MACHINES=(bookworm-6.1 trixie-6.12 sid bullseye-5.10 trixie-selinux small-5.10 small-6.1 arm64-4k arm64-16k)

# machine NAME: set SUITE, the Debian release of the user space, KERNEL_SUITE and KERNEL, the release and the
# package of the kernel, ARCH, and INIT, the machine's PID 1: systemd, or small for a shell script in a machine
# without services. SELINUX is set if SELinux replaces AppArmor.
machine() {
	INIT=systemd ARCH=amd64 KERNEL=linux-image-cloud-amd64 SELINUX=
	case $1 in
	bookworm-6.1) SUITE=bookworm KERNEL_SUITE=bookworm ;;
	trixie-6.12) SUITE=trixie KERNEL_SUITE=trixie ;;
	sid) SUITE=sid KERNEL_SUITE=sid ;;
	trixie-selinux) SUITE=trixie KERNEL_SUITE=trixie SELINUX=1 ;;
	bullseye-5.10) SUITE=bullseye KERNEL_SUITE=bullseye ;;
	small-5.10) SUITE=bookworm KERNEL_SUITE=bullseye INIT=small ;;
	small-6.1) SUITE=bookworm KERNEL_SUITE=bookworm INIT=small ;;
	# The programs are built with this machine's cross compiler, for the libraries of its release.
	arm64-4k) SUITE=$(this_release) KERNEL_SUITE=trixie INIT=small ARCH=arm64 KERNEL=linux-image-cloud-arm64 ;;
	arm64-16k) SUITE=$(this_release) KERNEL_SUITE=trixie INIT=small ARCH=arm64 KERNEL=linux-image-arm64-16k ;;
	*) die "unknown machine $1; known machines: ${MACHINES[*]}" ;;
	esac
	root_packages
}

this_release() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }

# What the tests run. The first packages are needed on every machine that runs the tests.
root_packages() {
	PACKAGES=(bash bats bsdutils busybox-static coreutils curl dnsmasq-base gdb-minimal iperf3 iproute2 iptables jq
		kmod libcap2 libcap2-bin libevent-core-2.1-7 libevent-extra-2.1-7 libjansson4 mount nftables
		libcmocka0 login nginx-light passwd procps python3 slirp4netns socat strace sudo uidmap util-linux)
	case $SUITE in
	bullseye | bookworm) ;;
	*) PACKAGES=("${PACKAGES[@]/%-2.1-7/-2.1-7t64}" docker-cli) ;;
	esac
	# Without maintainers' scripts nothing is installed because it is essential.
	[ "$ARCH" = amd64 ] || PACKAGES+=(base-files base-passwd dash diffutils findutils grep gzip
		hostname libc-bin mawk ncurses-base sed tar)
	if [ "$INIT" != systemd ]; then
		PACKAGES+=(passt)
		return
	fi
	# With what a login session has on a usual installation.
	PACKAGES+=(apparmor dbus dbus-user-session docker.io fuse-overlayfs libpam-systemd openssh-client
		openssh-server passt policykit-1 systemd-container systemd-sysv udev)
	case $SUITE in
	# passt is not in Debian 11.
	bullseye) PACKAGES=("${PACKAGES[@]/#passt/}") ;;
	bookworm) ;;
	*) PACKAGES=("${PACKAGES[@]/#policykit-1/polkitd}") ;;
	esac
	[ -z "$SELINUX" ] || PACKAGES+=(auditd policycoreutils selinux-policy-default selinux-utils)
}

# What a build needs, without the programs that run.
BUILD_PACKAGES=(gcc make libc6-dev pkg-config libevent-dev libjansson-dev libcap-dev libseccomp-dev
	libcmocka-dev)

checksum() { printf '%s\n' "$@" | sha256sum | cut -c 1-12; }

# cached PATH FUNCTION…: create PATH if it is missing; FUNCTION gets a temporary name as its last argument
cached() {
	[ ! -e "$1" ] || return 0
	say "making ${1#"$TOP/"}"
	rm -rf "$1.new"
	"${@:2}" "$1.new"
	mv "$1.new" "$1"
}

# bootstrap DIRECTORY PACKAGE… [-- OPTION…]: install the packages of SUITE, with mmdebstrap's options
bootstrap() {
	local tree=$1 packages=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		[ -z "$1" ] || packages+=("$1")
		shift
	done
	rm -rf "$tree"
	apt_find_mirror
	apt_sources "$SUITE" >"$LAB/$SUITE.$ARCH.list"
	# Mirrors do not always have updates of old releases for each architecture.
	[ "$ARCH" = amd64 ] || sed -i 1q "$LAB/$SUITE.$ARCH.list"
	[ -z "$SELINUX" ] || set -- "$@" --customize-hook="$SELINUX_HOOK"
	# The mirror may be a snapshot of some weeks ago; the signatures are checked.
	bootstrap_in_private --quiet --aptopt='Acquire::Check-Valid-Until "false"' --variant=apt --include="$(IFS=,; echo "${packages[*]}")" "${@:2}" \
		"$SUITE" "$tree" "$LAB/$SUITE.$ARCH.list"
}

# For mmdebstrap's shell: keep two changed policies beside Debian's own, because a machine with an emulated processor
# would need minutes to create them, and label the files. The machine itself labels what is added later. One policy
# refuses user namespaces. The other permits the system bus to pass on a socket and a terminal of an unconfined user,
# and a session of such a user to begin with systemd-stdio-bridge.
# shellcheck disable=SC2016
SELINUX_HOOK='set -e
keep() {
	echo "$3" >"$1/$2.cil"
	chroot "$1" semodule -n -i "$2.cil"
	cp "$1"/etc/selinux/default/policy/policy.* "$1/etc/selinux/$2"
	chroot "$1" semodule -n -r "$2"
	rm "$1/$2.cil"
}
keep "$1" refuses "(deny unconfined_t unconfined_t (user_namespace (create)))"
keep "$1" permits "(allow system_dbusd_t unconfined_t (unix_stream_socket (read write)))
(allow system_dbusd_t user_devpts_t (chr_file (read write)))
(allow unconfined_t systemd_stdio_bridge_exec_t (file (entrypoint)))"
chroot "$1" setfiles -F /etc/selinux/default/contexts/files/file_contexts /'

# make_root IMAGE: the root file system. The machine's own Docker is disabled: the tests start theirs.
make_root() {
	local tree=$LAB/root.tree.$SUITE.$ARCH hooks=()
	if [ "$SUITE" = bullseye ]; then
		# The tests need a newer bats, a package of shell scripts.
		apt_find_mirror
		apt_own "$LAB/apt.bookworm" bookworm
		(cd "$LAB" && rm -f bats_*.deb && apt-get "${APT[@]}" -qq download bats)
		hooks=(--customize-hook="dpkg --root=\"\$1\" --force-depends -i '$LAB'/bats_*.deb >/dev/null")
	fi
	if [ "$ARCH" = amd64 ]; then
		# shellcheck disable=SC2016 # expanded by mmdebstrap's shell
		hooks+=(--customize-hook='chroot "$1" useradd --create-home --shell /bin/bash faux')
	else
		hooks+=(--architectures="$ARCH" --variant=extract
			--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr)
	fi
	# shellcheck disable=SC2016 # expanded by mmdebstrap's shell
	bootstrap "$tree" "${PACKAGES[@]}" -- --skip=output/dev "${hooks[@]}" \
		--customize-hook='rm -rf "$1"/usr/share/doc "$1"/usr/share/locale "$1"/var/lib/apt/lists'
	[ "$ARCH" = amd64 ] || set_up_foreign "$tree"
	if [ "$INIT" = systemd ]; then
		set_up_services "$tree"
	fi
	truncate -s 4G "$1"
	mke2fs -q -t ext4 -d "$tree" "$1"
	rm -rf "$tree"
}

# set_up_foreign DIRECTORY: what the maintainers' scripts do that this machine's processor cannot run
set_up_foreign() {
	local name
	cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd"
	cp "$1/usr/share/base-passwd/group.master" "$1/etc/group"
	touch "$1/etc/subuid" "$1/etc/subgid"
	useradd --prefix "$1" --create-home --shell /bin/bash faux
	printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$1/etc/nsswitch.conf"
	for name in iptables ip6tables; do ln -sf xtables-nft-multi "$1/usr/sbin/$name"; done
	ln -sf mawk "$1/usr/bin/awk"
	mkdir -p "$1/var/log/nginx"
}

set_up_services() { # DIRECTORY
	local unit
	for unit in docker.service docker.socket containerd.service nginx.service dnsmasq.service \
		systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
		e2scrub_all.timer e2scrub_reap.service iperf3.service; do
		ln -sf /dev/null "$1/etc/systemd/system/$unit"
	done
	echo lab >"$1/etc/hostname"
	printf '127.0.0.1 localhost\n127.0.1.1 lab.example lab\n::1 localhost\n' >"$1/etc/hosts"
	echo 'nameserver 127.0.0.1' >"$1/etc/resolv.conf"
	# systemd creates it at the first boot, and treats a machine without it as new.
	: >"$1/etc/machine-id"
	mkdir -p "$1/root/.ssh" "$1/home/faux/.ssh" "$1/var/log/journal"
	ssh-keygen -q -t ed25519 -N '' -f "$1/root/.ssh/id_ed25519"
	cp "$1/root/.ssh/id_ed25519.pub" "$1/home/faux/.ssh/authorized_keys"
	chown -R --reference="$1/home/faux" "$1/home/faux/.ssh"
}

# make_kernel DIRECTORY: create vmlinuz and modules (an image) of KERNEL_SUITE's kernel, and in first/ the
# modules that the disks need. Their names give the order in which they are loaded.
make_kernel() {
	local package version module image parts n=10 tree=$1/tree
	mkdir -p "$tree"
	apt_find_mirror
	apt_own "$LAB/apt.$KERNEL_SUITE.$ARCH" "$KERNEL_SUITE" "$ARCH"
	package=$(apt-cache "${APT[@]}" depends "$KERNEL" |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p')
	# Since Linux 7 the package is divided.
	mapfile -t parts < <(apt-cache "${APT[@]}" depends "$package" |
		sed -n 's/^ *Depends: \(linux-\(base\|binary\|modules\)-[0-9].*\)$/\1/p')
	(cd "$1" && apt-get "${APT[@]}" -qq download "$package" "${parts[@]}")
	for module in "$1"/*.deb; do dpkg-deb -x "$module" "$tree"; done
	version=${package#linux-image-}
	image=$tree/boot/vmlinuz-$version
	[ -e "$image" ] || image=$tree/usr/lib/modules/$version/vmlinuz
	unpack_kernel "$image" "$1/vmlinuz"
	# Newer packages have the modules in /usr/lib.
	[ -d "$tree/lib/modules" ] || ln -s usr/lib "$tree/lib"
	depmod -b "$tree" "$version"
	mkdir "$1/first"
	modprobe -d "$tree" -S "$version" --show-depends -a virtio_pci virtio_blk ext4 |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
		case $module in
		*.xz) xz -dc "$module" >"$1/first/$n.ko" ;;
		*.zst) zstd -qdc "$module" >"$1/first/$n.ko" ;;
		*) cp "$module" "$1/first/$n.ko" ;;
		esac
		n=$((n + 1))
	done
	truncate -s 400M "$1/modules"
	mke2fs -q -t ext4 -d "$tree/lib/modules/" "$1/modules"
	rm -rf "$tree" "$1"/*.deb
}

# unpack_kernel FILE NEW: qemu does not start the self-extracting programs for EFI of arm64. Such a file has the
# position and the size of the compressed kernel at its bytes 8 to 15.
unpack_kernel() {
	local from size
	if [ "$(od -A n -c -j 4 -N 4 "$1" | tr -d ' ')" != zimg ]; then
		cp "$1" "$2"
		return
	fi
	read -r from size <<<"$(od -A n -t u4 -j 8 -N 8 "$1")"
	tail -c +$((from + 1)) "$1" | head -c "$size" | gzip -dc >"$2"
}

make_builder() { # DIRECTORY
	SELINUX='' bootstrap "$1" "${BUILD_PACKAGES[@]}"
}

# build_foreign: set PROGRAMS, STRIP and VARIABLES for another processor
build_foreign() {
	local variables
	variables=$("$TOP/scripts/cross-root" "$ARCH" "$BUILD/cross/$ARCH")
	eval "VARIABLES=($variables)"
	PROGRAMS=$BUILD/lab/programs.$ARCH STRIP=${VARIABLES[0]#CC=}
	STRIP=${STRIP%%-gcc*}-strip
	say "building for $ARCH"
	make -s -C "$TOP" -j"$(nproc)" BUILD="$PROGRAMS" "${VARIABLES[@]}" all units tools
}

# build_programs: set PROGRAMS to a build directory with the programs for SUITE. On a machine of that release
# it is this tree's own.
build_programs() {
	local builder log=$LAB/build.$SUITE.log targets=(all tools)
	builder=$LAB/builder.$SUITE.$(checksum "${BUILD_PACKAGES[@]}")
	PROGRAMS=$BUILD STRIP=strip VARIABLES=()
	if [ "$ARCH" != amd64 ]; then
		build_foreign
		return
	fi
	[ "$(this_release)" != "$SUITE" ] || {
		make -s -C "$TOP" -j"$(nproc)" BUILD="$BUILD" all units tools
		return
	}
	cached "$builder" make_builder
	say "building for $SUITE"
	mkdir -p "$builder/srv/tree"
	# Files that are gone from this tree must not be built.
	find "$builder/srv/tree" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	git -C "$TOP" ls-files -z | (cd "$TOP" && cpio --quiet -0pdmu "$builder/srv/tree")
	[[ " ${FILES[*]} " != *"/tests/unit "* ]] || targets+=(units)
	# Old compilers warn of more.
	chroot "$builder" env -u WERROR make -C /srv/tree -j"$(nproc)" "${targets[@]}" >"$log" 2>&1 || {
		tail -n 20 "$log"
		die "the build for $SUITE failed; its log is $log"
	}
	PROGRAMS=$builder/srv/tree/build
}
