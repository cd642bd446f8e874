/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings of --check about problems that do not make a launch fail. A launch also warns about few
 * ids.
 *
 * These rows match no error. Probes use them by their ids: warn().
 */
#include "../cause.h"

/* Images use ids up to 65535. */
#define FEW_IDS                                                                                 \
	"only {ids} are mapped; container images use ids up to 65535, and unpacking one fails " \
	"with \"lchown …: invalid argument\""

static bool no_usual_range_is_free(struct facts *facts)
{
	uint32_t first, count;

	return !machine_free_range(facts->machine, &first, &count) || count < USUAL_IDS;
}

#define OTHER_DATA(where) \
	"dockerd --data-root=DIR # a directory " where "\nbuildkitd --root=DIR # the same"

const struct cause causes_of_the_preflight[] = {
	{.id = "few-ids-no-range",
	 .test = no_usual_range_is_free,
	 .cause = FEW_IDS,
	 .lxd = MORE_IDS,
	 .remedy = "give our user namespace more ids: fewer than 65536 are free\nstart fauxroot "
		   "outside "
		   "of it"},
	{/* usermod(8) knows only the accounts of /etc/passwd. */
	 .id = "few-ids",
	 .test = has_account,
	 .cause = FEW_IDS,
	 .remedy = "sudo usermod --add-subuids {free range} --add-subgids {free range} {user}"},
	{.id = "few-ids-no-account",
	 .cause = FEW_IDS,
	 .remedy = "echo {uid}:{free line} | sudo tee -a /etc/subuid /etc/subgid"},
	{.id = "kernel-lacks",
	 .cause = "this kernel is built without {option} ({file})",
	 .remedy = "use a kernel with {option}=y or =m"},
	{.id = "subids-shared",
	 .cause = "{sharer}: each of the two can access the files of the other",
	 .remedy = "set {user}:{free line} in {file}; before that, delete existing files with "
		   "fauxroot rm -r, because they keep their ids"},
	{.id = "run-not-writable",
	 .cause = "{program} creates directories in /run, where only root may create them",
	 .remedy = "use --copy-up=/run"},
	{.id = "run-has-files",
	 .cause = "{program} writes to {paths}, which belongs to root of the host",
	 .remedy = "use --copy-up=/run:copy"},
	{.id = "run-has-files-compat",
	 .cause = "{program} writes to {paths}, which belongs to root of the host",
	 .remedy = "run sh -c 'rm -f {paths}; exec {program}' # in the copy, not on the host"},
	{.id = "daemon-path",
	 .cause = "{command} starts {name}, which is in {dir}, and {dir} is not in PATH",
	 .remedy = "export PATH=$PATH:{dir}"},
	{.id = "daemon-runtime-dir",
	 .cause = "{command} keeps its socket and its state in XDG_RUNTIME_DIR, which is not set",
	 .remedy = "{have runtime dir}"},
	{.id = "cgroup-mount-missing",
	 .cause = "no cgroup file system is mounted: runc and crun fail with \"no cgroup mount "
		  "found in mountinfo\"",
	 .remedy = "sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup\nuse --cgroupns with the command "
		   "sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec {command}'"},
	{.id = "docker-proxy-missing",
	 .cause = "dockerd before version 28 needs rootlesskit-docker-proxy, which is not in PATH; "
		  "this is version {version}",
	 .remedy = "export PATH={dir}:$PATH"},
	{.id = "sys-masked",
	 .cause = "/sys is missing or partly masked, as in a container; the kernel then refuses to "
		  "mount another sysfs",
	 UNMASK},
	{.id = "no-name-server",
	 .cause = "/etc/resolv.conf {fault}",
	 .remedy = "echo 'nameserver 9.9.9.9' | sudo tee {file}\nconfigure the service that writes "
		   "{file}"},
	{.id = "port-53-taken",
	 .cause = "{warning}; a name server in the command cannot bind port 53 of all addresses",
	 .remedy = "sudo modprobe -a nf_tables nft_ct\nuse --dns=none # keeps the host's "
		   "resolv.conf\nuse --dns=ADDRESS # asks the server at ADDRESS directly"},
	{.id = "ping-range",
	 .cause = "/proc/sys/net/ipv4/ping_group_range is {setting}, and our gid {gid} is not in "
		  "it: the network helper cannot send pings for the command",
	 .remedy = SYSCTL("'net.ipv4.ping_group_range=0 2147483647'")},
	{.id = "source-addresses",
	 .cause = "{warning}",
	 .remedy = "sudo modprobe -a nf_tables nft_ct nft_fib_inet nft_masq\nuse "
		   "--source-ip-transparent=false # if this is intended"},
	{.id = "implicit-ports",
	 .cause = "a port that the command opens only at its 127.0.0.1 is opened at all addresses "
		  "of "
		  "the host, too; pasta does not forward ports from 32768 up and ports in use on "
		  "this machine, and reports neither",
	 .remedy = "use --port-driver=builtin # forwards only the ports that are published"},
	{.id = "cgroup-v1",
	 .cause = "no cgroup v2 at /sys/fs/cgroup: the command cannot limit the resources of its "
		  "containers",
	 UNIFIED_CGROUPS},
	{.id = "cgroup-not-delegated",
	 .cause = "{dir} belongs to uid {cgroup owner}: the command cannot limit the resources of "
		  "its containers",
	 .docker = "--privileged --cgroupns=private",
	 .remedy = "dockerd --exec-opt native.cgroupdriver=none # runs containers without limits",
	 .outside = "systemd-run --user --scope -p Delegate=yes -- fauxroot …\nin a systemd unit, "
		    "set Delegate=yes"},
	{.id = "cgroup-controllers",
	 .cause = "{file} lacks {controllers}: the command cannot limit these resources",
	 .remedy = "sudo mkdir -p /etc/systemd/system/user@.service.d && printf "
		   "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee "
		   "/etc/systemd/system/user@.service.d/delegate.conf && sudo systemctl "
		   "daemon-reload # then log in again"},
	{.id = "no-linger",
	 .cause = "there is no /var/lib/systemd/linger/{user}: systemd terminates the processes of "
		  "{user} after the last session",
	 .remedy = "sudo loginctl enable-linger {user}"},
	{.id = "few-descriptors",
	 .cause =
		 "the hard limit is {limit} open descriptors, and a forwarded connection needs two",
	 .remedy = SET_LIMIT("nofile") "\nin a systemd unit, set LimitNOFILE=65536"},
	{.id = "keyring-quota",
	 .cause = "{user} has {keys} of {limit} keys (/proc/key-users), and each container needs "
		  "one: runc fails with \"disk quota exceeded\"",
	 .remedy = SYSCTL("kernel.keys.maxkeys=20000")},
	{.id = "containers-proc",
	 .cause = "a container with its own PID namespace cannot mount /proc here ({obstacle}): "
		  "docker run and a RUN of buildkitd fail with \"mounting proc: operation not "
		  "permitted\"",
	 UNMASK,
	 .remedy = "buildkitd --oci-worker-no-process-sandbox"},
	{.id = "overlay-selinux",
	 .cause = "SELinux enforces (/sys/fs/selinux/enforce: 1) and Linux {release} is older than "
		  "5.13: files on overlayfs in a user namespace get no label",
	 .remedy = "{install fuse-overlayfs} # then use it as snapshotter or storage driver"},
	{.id = "overlay-missing",
	 .cause = "overlayfs cannot be mounted in a user namespace ({overlay}), and fuse-overlayfs "
		  "is not usable ({fuse})",
	 .remedy = "use Linux 5.11 or newer with CONFIG_OVERLAY_FS\n{install fuse-overlayfs}"},
	{.id = "data-nosuid",
	 .cause = "{dir} is on {mount}, which is mounted nosuid,nodev: a daemon that keeps its "
		  "data there fails with \"rbind ro: operation not permitted\"",
	 .docker = "-v NAME:{dir}",
	 .kubernetes = "mount an emptyDir on {dir}",
	 .remedy = "sudo mount -o remount,suid,dev {mount}"},
	{.id = "data-owner",
	 .cause = "{dir} is on {type} ({mount}), where our subordinate ids cannot own files, as on "
		  "the home directory of systemd-homed: unpacking an image fails",
	 .remedy = "sudo install -d -o {user} /var/lib/{user} && export XDG_DATA_HOME=/var/lib/"
		   "{user}\n" OTHER_DATA("on another file system")},
	{.id = "data-not-writable",
	 .cause = "the command keeps its images in {dir}, where it cannot create files",
	 .remedy = "sudo install -d -o {user} /var/lib/{user} && export XDG_DATA_HOME=/var/lib/"
		   "{user}\n" OTHER_DATA("that the command can write to")},
	{.id = "data-file-system",
	 .cause = "{dir} is on {type} ({mount}), which overlayfs cannot write to",
	 .remedy = OTHER_DATA("on ext4, xfs or btrfs")},
	{.cause = NULL},
};
