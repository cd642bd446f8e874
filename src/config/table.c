/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of all options that do not belong to one network driver. parse.c parses argv with
 * them, help.c prints them, and check.c reads with which networks an option has an effect.
 *
 * To add an option: add a field to struct config, a row here, and a paragraph to man/fauxroot.1. If
 * the default is neither 0 nor the row's preset, set it in config_init(). To make an option
 * available, set `.available = true`; to make a value available, do that in the list of words
 * (values.c; networks.c for --net and --port-driver).
 */
#include "fauxroot/config/options.h"

#include "private.h"

static const char network[] = "Network", ports[] = "Ports", files[] = "Files",
		  ids[] = "User and group ids", processes[] = "Processes", general[] = "General";

const struct option_row network_rows[] = {
	{
		.name = "net",
		.kind = OPTION_CHOICE,
		OPTION_AT(net),
		.words = net_words,
		.argument = "DRIVER",
		.group = network,
		.help = "network of the command: the host's, only lo, or a private one",
		.available = true,
	},
	{
		.name = "mtu",
		.kind = OPTION_UINT,
		OPTION_AT(mtu),
		.valid = valid_mtu,
		.takes = "0 or a number from 68 to 65521",
		.argument = "BYTES",
		.group = network,
		.help = "largest packet in bytes; 0: the default, 65520",
		.available = true,
		.nets = NETS_OF_HELPERS,
	},
	{
		.name = "cidr",
		.kind = OPTION_CIDR,
		OPTION_AT(cidr),
		.argument = "NETWORK",
		.group = network,
		.help = "IPv4 network, /25 or wider; the command gets address +100, the "
			"gateway +2, DNS +3 (default: 10.0.2.0/24)",
		.available = true,
		.nets = NETS_OF_HELPERS & ~(OPTION_NET(NET_LXC_USER_NIC) | OPTION_NET(NET_VPNKIT)),
		.idle = OPTION_IDLE_REFUSE,
	},
	{
		.name = "ifname",
		.kind = OPTION_STRING,
		OPTION_AT(ifname),
		.valid = valid_ifname,
		.takes = "a name of at most 15 bytes without '/', ':', '%' and white space",
		.argument = "NAME",
		.group = network,
		.help = "name of the network interface (default: tap0)",
		.available = true,
		.nets = NETS_OF_HELPERS,
		.idle = OPTION_IDLE_REFUSE,
	},
	{
		.name = "disable-host-loopback",
		.kind = OPTION_BOOL,
		OPTION_AT(disable_host_loopback),
		.group = network,
		.help = "keep the command away from services on the host's 127.0.0.1 "
			"and ::1",
		.available = true,
		.nets = NETS_OF_HELPERS,
	},
	{
		.name = "ipv6",
		.kind = OPTION_BOOL,
		OPTION_AT(ipv6),
		.group = network,
		.help = "IPv6 in the network of the command, too",
		.available = true,
		.nets = NETS_WITH_IPV6,
		.idle = OPTION_IDLE_WARN,
	},
	{
		.name = "detach-netns",
		.kind = OPTION_BOOL,
		OPTION_AT(detach_netns),
		.group = network,
		.help = "put the network at STATE/netns; the command runs in the host's",
		.available = true,
		.nets = NETS_OF_HELPERS | OPTION_NET(NET_NONE),
	},
	{.name = NULL},
};

const struct option_row other_rows[] = {
	{
		.name = "port-driver",
		.kind = OPTION_CHOICE,
		OPTION_AT(port_driver),
		.words = port_words,
		.argument = "DRIVER",
		.group = ports,
		.help = "driver that forwards ports of the host to the command's "
			"network",
		.available = true,
	},
	{
		.name = "publish",
		.short_name = 'p',
		.kind = OPTION_LIST,
		OPTION_AT(publish),
		.takes = "[parentIP]:parentPort:[childIP:]childPort/proto",
		.argument = "SPEC",
		.group = ports,
		.help = "port to forward from the start, as 127.0.0.1:8080:80/tcp; "
			"repeatable",
		.available = true,
	},
	{
		.name = "source-ip-transparent",
		.kind = OPTION_BOOL,
		OPTION_AT(source_ip_transparent),
		.group = ports,
		.help = "show the command the addresses of clients",
		.available = true,
	},
	{
		.name = "api-inside",
		.kind = OPTION_CHOICE,
		OPTION_AT(api_inside),
		.words = api_inside_words,
		.argument = "POLICY",
		.group = ports,
		.help = "what the command may request from the API; unprivileged: "
			"publish only ports that any user can bind",
		.available = true,
	},
	{
		.name = "copy-up",
		.kind = OPTION_LIST,
		OPTION_AT(copy_up),
		.valid = valid_copy_up,
		.takes = "an absolute path of a directory other than / and /tmp",
		.argument = "DIR",
		.group = files,
		.help = "directory to replace with a writable private copy, as /etc or "
			"/etc:copy; repeatable",
		.available = true,
	},
	{
		.name = "copy-up-mode",
		.kind = OPTION_CHOICE,
		OPTION_AT(copy_up_mode),
		.words = copy_up_mode_words,
		.argument = "MODE",
		.group = files,
		.help = "kind of copy: symbolic links to what the directory contains, "
			"or real copies of it",
		.available = true,
	},
	{
		.name = "propagation",
		.kind = OPTION_CHOICE,
		OPTION_AT(propagation),
		.words = propagation_words,
		.argument = "MODE",
		.group = files,
		.help = "mount propagation between the host and the command",
		.available = true,
	},
	{
		.name = "state-dir",
		.kind = OPTION_STRING,
		OPTION_AT(state_dir),
		.argument = "DIR",
		.group = files,
		.help = "directory for child_pid, api.sock and lock; emptied at the "
			"start, removed at the end (default: a fresh one in "
			"XDG_RUNTIME_DIR, TMPDIR or /tmp)",
		.available = true,
	},
	{
		.name = "name",
		.kind = OPTION_STRING,
		OPTION_AT(name),
		.valid = config_name_is_valid,
		.takes = "letters, digits, '_', '.' and '-', at most 63, at least one letter, a "
			 "letter or digit first",
		.argument = "NAME",
		.group = files,
		.help = "name of the instance for fauxrootctl",
		.available = true,
	},
	{
		.name = "idmap",
		.kind = OPTION_CHOICE,
		OPTION_AT(idmap),
		.words = idmap_words,
		.argument = "MAP",
		.group = ids,
		.help = "id map; subid: the caller as 0, then its subordinate ids; "
			"single: the caller alone; fit: as subid, limited to the ids that "
			"exist in a container; auto: subid",
		.available = true,
	},
	{
		.name = "subid-source",
		.kind = OPTION_CHOICE,
		OPTION_AT(subid_source),
		.words = subid_source_words,
		.argument = "SOURCE",
		.group = ids,
		.help = "source of subordinate ids; dynamic: getsubids(1); static: "
			"/etc/subuid and /etc/subgid; auto: by nsswitch.conf",
		.available = true,
	},
	{
		.name = "workdir",
		.kind = OPTION_STRING,
		OPTION_AT(workdir),
		.argument = "DIR",
		.group = processes,
		.help = "working directory of the command (default: the current one)",
		.available = true,
	},
	{
		.name = "pidns",
		.kind = OPTION_BOOL,
		OPTION_AT(pidns),
		.group = processes,
		.help = "own PID namespace: no process of the command outlives it",
		.available = true,
	},
	{
		.name = "cgroupns",
		.kind = OPTION_BOOL,
		OPTION_AT(cgroupns),
		.group = processes,
		.help = "own cgroup namespace: the command sees its cgroup as the root",
		.available = true,
	},
	{
		.name = "utsns",
		.kind = OPTION_BOOL,
		OPTION_AT(utsns),
		.group = processes,
		.help = "own UTS namespace: the command can change its host name",
		.available = true,
	},
	{
		.name = "ipcns",
		.kind = OPTION_BOOL,
		OPTION_AT(ipcns),
		.group = processes,
		.help = "own IPC namespace: private System V IPC and POSIX message "
			"queues",
		.available = true,
	},
	{
		.name = "reaper",
		.kind = OPTION_CHOICE,
		OPTION_AT(reaper),
		.words = reaper_words,
		.argument = "WHEN",
		.group = processes,
		.help = "whether init of the PID namespace reaps orphans; auto: with "
			"--pidns",
		.available = true,
	},
	{
		.name = "kill-orphans",
		.kind = OPTION_BOOL,
		OPTION_AT(kill_orphans),
		.group = processes,
		.help = "terminate the processes that the command leaves behind: "
			"SIGTERM, then SIGKILL",
		.available = true,
	},
	{
		.name = "kill-timeout",
		.kind = OPTION_UINT,
		OPTION_AT(kill_timeout),
		.valid = valid_seconds,
		.takes = "a number of seconds up to 86400",
		.argument = "SECONDS",
		.group = processes,
		.help = "seconds between SIGTERM and SIGKILL (default: 10)",
		.available = true,
	},
	{
		.name = "evacuate-cgroup2",
		.kind = OPTION_STRING,
		OPTION_AT(evacuate_cgroup2),
		.valid = valid_cgroup,
		.takes = "one name without '/'",
		.argument = "NAME",
		.group = processes,
		.help = "with --pidns and --cgroupns: child cgroup to move all processes "
			"of the current cgroup to",
		.available = true,
	},
	{
		.name = "check",
		.kind = OPTION_CHOICE,
		OPTION_AT(check),
		.words = check_words,
		.argument = "MODE",
		.bare = "true",
		.group = general,
		.help = "report obstacles to the other options on this machine, with "
			"remedies; launch nothing",
		.available = true,
	},
	{
		.name = "json",
		.kind = OPTION_BOOL,
		OPTION_AT(json),
		.group = general,
		.help = "print the report of --check as JSON",
		.available = true,
	},
	{
		.name = "debug",
		.kind = OPTION_BOOL,
		OPTION_AT(debug),
		.group = general,
		.help = "log each step with its time, and the command line of each "
			"helper",
		.available = true,
	},
	{
		.name = "log-format",
		.kind = OPTION_CHOICE,
		OPTION_AT(log_format),
		.words = log_format_words,
		.argument = "FORMAT",
		.group = general,
		.help = "format of log lines",
		.available = true,
	},
	{
		.name = "print-semver",
		.kind = OPTION_CHOICE,
		OPTION_AT(semver),
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
		OPTION_AT(version),
		.group = general,
		.help = "print the version",
		.available = true,
	},
	{
		.name = "help",
		.short_name = 'h',
		.kind = OPTION_BOOL,
		OPTION_AT(help),
		.group = general,
		.help = "print this help",
		.available = true,
	},
	{.name = NULL},
};
