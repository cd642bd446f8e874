/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option table. parse.c reads argv by it, help.c prints it, check.c asks it which network has a
 * use for what.
 *
 * To add an option: a field in struct config, its default in config_init() unless that is 0, a row
 * here, and a paragraph in man/fauxroot.1. To make one available: `.available = true`, and where
 * it is about some value only, in the list of words (values.c).
 */
#include "fauxroot/config/options.h"

#include "private.h"

#define AT(field) .offset = offsetof(struct config, field)

#define NETS_OF_HELPERS                                                                       \
	(OPTION_NET(NET_SLIRP4NETNS) | OPTION_NET(NET_PASTA) | OPTION_NET(NET_LXC_USER_NIC) | \
	 OPTION_NET(NET_GVISOR_TAP_VSOCK) | OPTION_NET(NET_VPNKIT))

static const char network[] = "Network", slirp[] = "Network with slirp4netns",
		  pasta[] = "Network with pasta", lxc[] = "Network with lxc-user-nic",
		  vpnkit[] = "Network with vpnkit", ports[] = "Ports", files[] = "Files",
		  ids[] = "User and group ids", processes[] = "Processes", general[] = "General";

static const struct option_row rows[] = {
	{
		.name = "net",
		.kind = OPTION_CHOICE,
		AT(net),
		.words = net_words,
		.argument = "DRIVER",
		.group = network,
		.help = "the network of the command: that of the host, none but lo, or one of its "
			"own",
		.available = true,
	},
	{
		.name = "mtu",
		.kind = OPTION_UINT,
		AT(mtu),
		.valid = valid_mtu,
		.takes = "0 or a number from 68 to 65521",
		.argument = "BYTES",
		.group = network,
		.help = "largest packet; 0 is the driver's default, 65520 for slirp4netns",
		.available = true,
		.nets = NETS_OF_HELPERS,
	},
	{
		.name = "cidr",
		.kind = OPTION_CIDR,
		AT(cidr),
		.argument = "NETWORK",
		.group = network,
		.help = "IPv4 network, /25 or wider: the command is at its +100, the gateway at "
			"+2, "
			"DNS at +3 (default: 10.0.2.0/24)",
		.available = true,
		.nets = OPTION_NET(NET_SLIRP4NETNS) | OPTION_NET(NET_PASTA) |
			OPTION_NET(NET_GVISOR_TAP_VSOCK),
		.idle = OPTION_IDLE_REFUSE,
	},
	{
		.name = "ifname",
		.kind = OPTION_STRING,
		AT(ifname),
		.valid = valid_ifname,
		.takes = "a name of at most 15 bytes without '/', ':', '%' and white space",
		.argument = "NAME",
		.group = network,
		.help = "network interface (default: tap0)",
		.available = true,
		.nets = NETS_OF_HELPERS,
		.idle = OPTION_IDLE_REFUSE,
	},
	{
		.name = "disable-host-loopback",
		.kind = OPTION_BOOL,
		AT(disable_host_loopback),
		.group = network,
		.help = "keep the command away from services on the host's 127.0.0.1 and ::1",
		.available = true,
		.nets = NETS_OF_HELPERS,
	},
	{
		.name = "ipv6",
		.kind = OPTION_BOOL,
		AT(ipv6),
		.group = network,
		.help = "give the network IPv6 as well",
		.available = true,
		.nets = OPTION_NET(NET_SLIRP4NETNS) | OPTION_NET(NET_PASTA),
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "detach-netns",
		.kind = OPTION_BOOL,
		AT(detach_netns),
		.group = network,
		.help = "leave the network at STATE/netns for the command to use; the command "
			"itself "
			"runs in that of the host",
		.available = true,
		.nets = NETS_OF_HELPERS | OPTION_NET(NET_NONE),
	},
	{
		.name = "slirp4netns-binary",
		.kind = OPTION_STRING,
		AT(slirp4netns_binary),
		.argument = "FILE",
		.group = slirp,
		.help = "its executable, searched in PATH where it has no slash",
		.available = true,
		.nets = OPTION_NET(NET_SLIRP4NETNS),
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "slirp4netns-sandbox",
		.kind = OPTION_CHOICE,
		AT(slirp4netns_sandbox),
		.words = tristate_words,
		.argument = "WHEN",
		.group = slirp,
		.help = "run it in a mount namespace that has next to nothing; auto: unless it "
			"dies "
			"of it",
		.available = true,
		.nets = OPTION_NET(NET_SLIRP4NETNS),
	},
	{
		.name = "slirp4netns-seccomp",
		.kind = OPTION_CHOICE,
		AT(slirp4netns_seccomp),
		.words = tristate_words,
		.argument = "WHEN",
		.group = slirp,
		.help = "run it under its system call filter; auto: unless it dies of it",
		.available = true,
		.nets = OPTION_NET(NET_SLIRP4NETNS),
	},
	{
		.name = "pasta-binary",
		.kind = OPTION_STRING,
		AT(pasta_binary),
		.argument = "FILE",
		.group = pasta,
		.help = "its executable, searched in PATH where it has no slash",
		.nets = OPTION_NET(NET_PASTA),
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "lxc-user-nic-binary",
		.kind = OPTION_STRING,
		AT(lxc_user_nic_binary),
		.argument = "FILE",
		.group = lxc,
		.help = "its executable",
		.nets = OPTION_NET(NET_LXC_USER_NIC),
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "lxc-user-nic-bridge",
		.kind = OPTION_STRING,
		AT(lxc_user_nic_bridge),
		.argument = "NAME",
		.group = lxc,
		.help = "the bridge that it connects to",
		.nets = OPTION_NET(NET_LXC_USER_NIC),
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "vpnkit-binary",
		.kind = OPTION_STRING,
		AT(vpnkit_binary),
		.argument = "FILE",
		.group = vpnkit,
		.help = "its executable, searched in PATH where it has no slash",
		.nets = OPTION_NET(NET_VPNKIT),
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "port-driver",
		.kind = OPTION_CHOICE,
		AT(port_driver),
		.words = port_words,
		.argument = "DRIVER",
		.group = ports,
		.help = "who forwards ports of the host to the command's network",
		.available = true,
	},
	{
		.name = "publish",
		.short_name = 'p',
		.kind = OPTION_LIST,
		AT(publish),
		.takes = "[parentIP]:parentPort:[childIP:]childPort/proto",
		.argument = "SPEC",
		.group = ports,
		.help = "forward a port from the start: 127.0.0.1:8080:80/tcp; may be repeated",
		.available = true,
	},
	{
		.name = "source-ip-transparent",
		.kind = OPTION_BOOL,
		AT(source_ip_transparent),
		.group = ports,
		.help = "let the command see the addresses that connections come from",
		.available = true,
	},
	{
		.name = "copy-up",
		.kind = OPTION_LIST,
		AT(copy_up),
		.valid = valid_copy_up,
		.takes = "an absolute path of a directory other than / and /tmp",
		.argument = "DIR",
		.group = files,
		.help = "make a directory writable in a private copy, as /etc; may be repeated",
		.available = true,
	},
	{
		.name = "copy-up-mode",
		.kind = OPTION_CHOICE,
		AT(copy_up_mode),
		.words = copy_up_mode_words,
		.argument = "MODE",
		.group = files,
		.help = "how: a tmpfs of symbolic links to what the directory held",
		.available = true,
	},
	{
		.name = "propagation",
		.kind = OPTION_CHOICE,
		AT(propagation),
		.words = propagation_words,
		.argument = "MODE",
		.group = files,
		.help = "of mounts between the host and the command",
		.available = true,
	},
	{
		.name = "state-dir",
		.kind = OPTION_STRING,
		AT(state_dir),
		.argument = "DIR",
		.group = files,
		.help = "child_pid, api.sock, lock; emptied at the start, removed at the end "
			"(default: "
			"a fresh one in XDG_RUNTIME_DIR, TMPDIR or /tmp)",
		.available = true,
	},
	{
		.name = "idmap",
		.kind = OPTION_CHOICE,
		AT(idmap),
		.words = idmap_words,
		.argument = "MAP",
		.group = ids,
		.help = "subid: the caller as 0, then its subordinate ids; single: the caller "
			"alone; "
			"auto is subid",
		.available = true,
	},
	{
		.name = "subid-source",
		.kind = OPTION_CHOICE,
		AT(subid_source),
		.words = subid_source_words,
		.argument = "SOURCE",
		.group = ids,
		.help = "dynamic: getsubids(1); static: /etc/subuid and /etc/subgid; auto: as "
			"nsswitch.conf says",
		.available = true,
	},
	{
		.name = "pidns",
		.kind = OPTION_BOOL,
		AT(pidns),
		.group = processes,
		.help = "a PID namespace: nothing of the command outlives it",
		.available = true,
	},
	{
		.name = "cgroupns",
		.kind = OPTION_BOOL,
		AT(cgroupns),
		.group = processes,
		.help = "a cgroup namespace: the command's own cgroup is the root that it sees",
		.available = true,
	},
	{
		.name = "utsns",
		.kind = OPTION_BOOL,
		AT(utsns),
		.group = processes,
		.help = "a UTS namespace: a host name of its own",
		.available = true,
	},
	{
		.name = "ipcns",
		.kind = OPTION_BOOL,
		AT(ipcns),
		.group = processes,
		.help = "an IPC namespace: System V IPC and POSIX message queues of its own",
		.available = true,
	},
	{
		.name = "reaper",
		.kind = OPTION_CHOICE,
		AT(reaper),
		.words = reaper_words,
		.argument = "WHEN",
		.group = processes,
		.help = "whether the init of the PID namespace reaps orphans; auto: it does",
		.available = true,
	},
	{
		.name = "evacuate-cgroup2",
		.kind = OPTION_STRING,
		AT(evacuate_cgroup2),
		.valid = valid_cgroup,
		.takes = "one name without '/'",
		.argument = "NAME",
		.group = processes,
		.help = "move the processes of our cgroup to this one below it",
	},
	{
		.name = "debug",
		.kind = OPTION_BOOL,
		AT(debug),
		.group = general,
		.help = "log each step with its time, and the command line of each helper",
		.available = true,
	},
	{
		.name = "log-format",
		.kind = OPTION_CHOICE,
		AT(log_format),
		.words = log_format_words,
		.argument = "FORMAT",
		.group = general,
		.help = "of the lines on stderr",
		.available = true,
	},
	{
		.name = "print-semver",
		.kind = OPTION_CHOICE,
		AT(semver),
		.words = semver_words,
		.argument = "PART",
		.group = general,
		.help = "print one number of the version",
		.available = true,
	},
	{
		.name = "version",
		.short_name = 'v',
		.kind = OPTION_BOOL,
		AT(version),
		.group = general,
		.help = "print the version",
		.available = true,
	},
	{
		.name = "help",
		.short_name = 'h',
		.kind = OPTION_BOOL,
		AT(help),
		.group = general,
		.help = "print this",
		.available = true,
	},
	{.name = NULL},
};

const struct option_row *options_rows(void)
{
	return rows;
}
