/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of /dev/net/tun and of the network helpers. */
#pragma once

#include "test_check_failure.h"

#define FIX_TUN "sudo modprobe tun && echo tun | sudo tee /etc/modules-load.d/tun.conf"

static void ask_library_path(struct config *config)
{
	ask_network(config);
	setenv("LD_LIBRARY_PATH", "/opt/other lib", 1);
}

static void ask_no_library_path(struct config *config)
{
	ask_network(config);
	unsetenv("LD_LIBRARY_PATH");
}

static void devices_and_helpers(void **state)
{
	static const struct failure cases[] = {
		{STEP_NET, ENOENT, "opening /dev/net/tun", "there is no /dev/net/tun", FIX_TUN,
		 .reason = REASON_DEVICE, .about = "/dev/net/tun",
		 .files = {{"/dev/net/tun", NULL, 0}}},
		{STEP_NET, ENOENT, "opening /dev/net/tun", "there is no /dev/net/tun",
		 "podman run --device /dev/net/tun …\nuse --net=host", .reason = REASON_DEVICE,
		 .about = "/dev/net/tun",
		 .files = {{"/dev/net/tun", NULL, 0}, {"/run/.containerenv", "", 0}}},
		{STEP_NET, ENODEV, "opening /dev/net/tun",
		 "/dev/net/tun exists, but the kernel has not loaded the tun driver", FIX_TUN,
		 .reason = REASON_DEVICE, .about = "/dev/net/tun", .files = {{0}}},
		{STEP_NET, EACCES, "opening /dev/net/tun",
		 "the mode of /dev/net/tun is 0660, but every user must be able to open it: the "
		 "kernel checks rights by the network namespace",
		 "sudo chmod 0666 /dev/net/tun", .reason = REASON_DEVICE, .about = "/dev/net/tun",
		 .files = {{"/dev/net/tun", "", 0660}}},
		{STEP_NET, ENOTTY, "TUNSETIFF", "/dev/net/tun is not a character device: a file",
		 "sudo rm -r /dev/net/tun && sudo mknod -m 0666 /dev/net/tun c 10 200\n"
		 "docker run --device /dev/net/tun …",
		 .reason = REASON_DEVICE, .about = "/dev/net/tun",
		 .files = {{"/dev/net/tun", "", 0666}}},
		{STEP_NET, ENOTTY, "TUNSETIFF", NULL, NULL, .reason = REASON_DEVICE,
		 .about = "/dev/net/tun", .files = {{0}}},
		{STEP_NET, EISDIR, "opening /dev/net/tun",
		 "/dev/net/tun is not a character device: a directory",
		 "sudo rm -r /dev/net/tun && sudo mknod -m 0666 /dev/net/tun c 10 200\n"
		 "docker run --device /dev/net/tun …",
		 .reason = REASON_DEVICE, .about = "/dev/net/tun",
		 .files = {{"/dev/net/tun", NULL, 0}, {"/dev/net/tun/", "", 0}}},
		{STEP_NET, EACCES, "opening /dev/net/tun",
		 "/dev/net/tun is on /dev, which is mounted nodev",
		 "sudo mount -o remount,dev /dev\ndocker run --device "
		 "/dev/net/tun …",
		 .reason = REASON_DEVICE, .about = "/dev/net/tun",
		 .files = {{"/proc/self/mountinfo",
			    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
			    "23 22 0:8 / /dev rw,nosuid,nodev - tmpfs tmpfs rw\n",
			    0}}},
		{STEP_NET, EPERM, "opening /dev/net/tun",
		 "this container's device rules do not allow /dev/net/tun",
		 "docker run --device /dev/net/tun …\nuse --net=host", .reason = REASON_DEVICE,
		 .about = "/dev/net/tun", .files = {{"/.dockerenv", "", 0}}},
		{STEP_NET, EPERM, "opening /dev/net/tun", NULL, NULL, .reason = REASON_DEVICE,
		 .about = "/dev/net/tun", .files = {{0}}},
		{STEP_NET, ENOENT,
		 "starting slirp4netns: executing \"slirp4netns\": No such file or directory",
		 "the program is /usr/sbin/slirp4netns, and /usr/sbin is not in PATH",
		 "PATH=$PATH:/usr/sbin", .reason = REASON_EXEC, .about = "slirp4netns",
		 .files = {{"/usr/sbin/slirp4netns", "ELF", 0755}}},
		{STEP_MOUNT, ENOENT, "opening /a b to copy it up: No such file or directory",
		 "there is no /a b", "omit --copy-up='/a b'\nsudo mkdir -p '/a b'",
		 .reason = REASON_COPY_UP, .about = "/a b", .files = {{0}}},
		{STEP_NET, ENOENT,
		 "starting slirp4netns: executing \"slirp4netns\": No such file or directory",
		 "slirp4netns is not installed, or neither --slirp4netns-binary nor PATH leads to "
		 "it",
		 "sudo apk add slirp4netns", .reason = REASON_EXEC, .about = "slirp4netns",
		 .files = {{"/etc/os-release", "ID=alpine\n", 0}}},
		{STEP_NET, ENOENT,
		 "starting slirp4netns: executing \"slirp4netns\": No such file or directory",
		 "slirp4netns is not installed, or neither --slirp4netns-binary nor PATH leads to "
		 "it",
		 "install the package that contains slirp4netns", .reason = REASON_EXEC,
		 .about = "slirp4netns", .files = {{"/etc/os-release", "ID=unheard-of\n", 0}}},
		{STEP_NET, EOPNOTSUPP, "slirp4netns is version 0.3.0: 0.4.0 or newer is needed",
		 "the slirp4netns that PATH or --slirp4netns-binary leads to is too old",
		 "sudo apk add slirp4netns\nuse a newer one: --slirp4netns-binary=FILE",
		 .reason = REASON_TOO_OLD, .about = "slirp4netns",
		 .files = {{"/etc/os-release", NULL, 0},
			   {"/usr/lib/os-release", "ID=alpine\n", 0}}},
		/* slirp4netns runs outside of the namespaces, so the AppArmor profile is not the
		   cause. */
		{STEP_NET, EACCES,
		 "starting slirp4netns: executing \"slirp4netns\": Permission denied",
		 "--slirp4netns-binary or PATH leads to a file that this machine cannot execute",
		 "use another file: --slirp4netns-binary=FILE\nsudo apt-get install slirp4netns",
		 .reason = REASON_EXEC, .about = "slirp4netns",
		 .files = {{"/proc/self/attr/current", "docker-default (enforce)\n", 0}}},
		{STEP_NET, EACCES,
		 "starting slirp4netns: executing \"slirp4netns\": Permission denied",
		 "--slirp4netns-binary or PATH leads to a file that this machine cannot execute",
		 "use another file: --slirp4netns-binary=FILE\nsudo apt-get install slirp4netns",
		 .reason = REASON_EXEC, .about = "slirp4netns", .files = {{0}}},
		{STEP_NET, EPROTO, "cat --version printed no version: \"cat\"",
		 "--slirp4netns-binary or PATH leads to a program other than slirp4netns",
		 "use another file: --slirp4netns-binary=FILE\nsudo apt-get install slirp4netns",
		 .reason = REASON_OTHER_PROGRAM, .about = "slirp4netns", .files = {{0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

/* Its libraries do not fit, or it dies. */
static void helpers_that_start(void **state)
{
	static const struct failure cases[] = {
		{STEP_NET, ELIBACC, "slirp4netns cannot be loaded: libslirp.so.0: file too short",
		 "LD_LIBRARY_PATH is /opt/other lib, and slirp4netns does not run with the "
		 "libraries there",
		 "env -u LD_LIBRARY_PATH fauxroot …\nenv -u LD_LIBRARY_PATH fauxroot … env "
		 "LD_LIBRARY_PATH='/opt/other lib' … # only for the command",
		 .reason = REASON_LOADER, .about = "slirp4netns", .files = {{0}},
		 .ask = ask_library_path},
		{STEP_NET, ELIBACC, "slirp4netns cannot be loaded: libslirp.so.0: file too short",
		 "a library that slirp4netns needs is missing or has the wrong version",
		 "ldd $(command -v slirp4netns) # lists the libraries", .reason = REASON_LOADER,
		 .about = "slirp4netns", .files = {{0}}, .ask = ask_no_library_path},
		{STEP_NET, ECHILD, "slirp4netns died before it was ready: exit status 1",
		 "--slirp4netns-sandbox=true --slirp4netns-seccomp=true is requested, and "
		 "slirp4netns does not start with it on this machine",
		 "use --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto # continues without it",
		 .reason = REASON_DIED, .about = "slirp4netns", .files = {{0}}, .ask = ask_shields},
		{STEP_NET, ECHILD, "slirp4netns died before it was ready: exit status 1", NULL,
		 NULL, .reason = REASON_DIED, .about = "slirp4netns", .files = {{0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void ask_pasta(struct config *config)
{
	config->net = NET_PASTA;
}

static void ask_no_loopback(struct config *config)
{
	config->net = NET_PASTA;
	config->disable_host_loopback = true;
}

static void ask_no_loopback6(struct config *config)
{
	ask_no_loopback(config);
	config->ipv6 = true;
}

static void ask_implicit(struct config *config)
{
	config->net = NET_PASTA;
	config->port_driver = PORT_IMPLICIT;
}

static void ask_auto(struct config *config)
{
	config->net = NET_AUTO;
}

static void pastas(void **state)
{
	static const struct failure cases[] = {
		{STEP_NET, ENOENT, "executing \"pasta\"",
		 "pasta is not installed, or neither --pasta-binary nor PATH leads to it",
		 "sudo apt-get install passt # contains pasta\nuse --net=auto # uses slirp4netns "
		 "if "
		 "that is installed",
		 .reason = REASON_EXEC, .about = "pasta", .files = {{0}}, .ask = ask_pasta},
		{STEP_NET, ENOENT, "executing \"pasta\"",
		 "the program is /usr/sbin/pasta, and /usr/sbin is not in PATH",
		 "PATH=$PATH:/usr/sbin", .reason = REASON_EXEC, .about = "pasta",
		 .files = {{"/usr/sbin/pasta", "ELF", 0755}}, .ask = ask_pasta},
		{STEP_NET, EACCES, "executing \"pasta\"",
		 "--pasta-binary or PATH leads to a file that this machine cannot execute",
		 "use another file: --pasta-binary=FILE\nsudo apt-get install passt",
		 .reason = REASON_EXEC, .about = "pasta", .files = {{0}}, .ask = ask_pasta},
		{STEP_NET, EPROTO, "cat --version printed no version",
		 "--pasta-binary or PATH leads to a program other than pasta",
		 "use another file: --pasta-binary=FILE\nsudo apt-get install passt",
		 .reason = REASON_OTHER_PROGRAM, .about = "pasta", .files = {{0}},
		 .ask = ask_pasta},
		{STEP_NET, EOPNOTSUPP, "pasta cannot enforce --disable-host-loopback",
		 "with --ipv6 the command can reach the host's loopback through all "
		 "known versions of pasta: it writes a datagram to ::ffff:127.0.0.1 to "
		 "its network device",
		 "use --net=slirp4netns\nsudo apt-get install slirp4netns # if it is "
		 "missing\nomit --ipv6",
		 .reason = REASON_TOO_OLD, .about = "pasta", .files = {{0}},
		 .ask = ask_no_loopback6},
		{STEP_NET, EOPNOTSUPP, "pasta is too old for --disable-host-loopback",
		 "this pasta is too old for --disable-host-loopback: frames that the command "
		 "writes to its network device reach the host's loopback",
		 "use --net=slirp4netns\nsudo apt-get install slirp4netns # if it is missing\nuse "
		 "a "
		 "pasta of 2024-09 or later, as in Debian 13: --pasta-binary=FILE",
		 .reason = REASON_TOO_OLD, .about = "pasta", .files = {{0}},
		 .ask = ask_no_loopback},
		{STEP_NET, EOPNOTSUPP, "pasta is too old for --port-driver=implicit",
		 "this pasta is too old for --port-driver=implicit: it forwards ports only if the "
		 "command may reach the host's loopback, too",
		 "use --port-driver=builtin\nuse a pasta of 2024-12 or later, as in Debian 13: "
		 "--pasta-binary=FILE",
		 .reason = REASON_TOO_OLD, .about = "pasta", .files = {{0}}, .ask = ask_implicit},
		{STEP_NET, ECHILD, "pasta died before it was ready: exit status 1",
		 "this machine has no default route, and pasta before 2024 does not start without "
		 "one",
		 "use --net=slirp4netns\nsudo apt-get install slirp4netns # if it is "
		 "missing\nconnect this machine to a network\nuse a pasta of 2024 or later: "
		 "--pasta-binary=FILE",
		 .reason = REASON_NO_ROUTE, .about = "pasta", .files = {{0}}, .ask = ask_pasta},
		{STEP_NET, ECHILD, "pasta died before it was ready: exit status 1",
		 "AppArmor does not let pasta enter user namespaces, and the package passt of this "
		 "release has no profile for it",
		 "use --net=slirp4netns\nsudo apt-get install slirp4netns # if it is missing\nsudo "
		 "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
		 .reason = REASON_CONFINED, .about = "pasta",
		 .files = {{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0}},
		 .ask = ask_pasta},
		{STEP_NET, ECHILD, "pasta died before it was ready: exit status 1",
		 "pasta is not permitted to enter the command's namespaces: a security module or a "
		 "container forbids it",
		 "use --net=slirp4netns\nsudo dmesg | grep -e apparmor -e avc # shows what was "
		 "refused",
		 .reason = REASON_CONFINED, .about = "pasta", .files = {{0}}, .ask = ask_pasta},
		{STEP_NET, ECHILD, "pasta died before it was ready: exit status 1", NULL, NULL,
		 .reason = REASON_DIED, .about = "pasta", .files = {{0}}, .ask = ask_pasta},
		{STEP_NET, ENOENT, "--net=auto: no network helper is installed",
		 "neither slirp4netns nor pasta is installed, or PATH does not lead to them",
		 "sudo apt-get install slirp4netns\nsudo apt-get install passt # contains pasta",
		 .reason = REASON_EXEC, .about = "slirp4netns", .files = {{0}}, .ask = ask_auto},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}
