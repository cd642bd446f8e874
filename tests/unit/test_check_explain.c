/* SPDX-License-Identifier: Apache-2.0 */
/* Causes and remedies of failures on machines made of a few files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "check/cause.h"
#include "fauxroot/check/explain.h"
#include "fake_machine.h"
#include "test_check_failure.h"
#include "test_check_failures_ids.h"
#include "test_check_failures_namespaces.h"
#include "test_check_failures_networks.h"
#include "test_check_failures_statedir.h"

static void cgroups(void **state)
{
	static const char line[] = "4:memory:/x\n0::/user.slice/session-1.scope\n";
	static const struct failure cases[] = {
		{STEP_CGROUP, EACCES, "the cgroup: Permission denied",
		 "our cgroup, /user.slice/session-1.scope in /proc/self/cgroup, is not delegated "
		 "to this user",
		 "systemd-run --user --scope -p Delegate=yes fauxroot …\nin a systemd unit, set "
		 "Delegate=yes",
		 .files = {{"/proc/self/cgroup", line, 0}}},
		{STEP_CGROUP, EPERM, "the cgroup is the root",
		 "our cgroup, /sys/fs/cgroup, is the root of the hierarchy, which cannot be "
		 "evacuated",
		 "systemd-run --user --scope -p Delegate=yes fauxroot …\nomit --evacuate-cgroup2",
		 .files = {{"/proc/self/cgroup", "0::/\n", 0},
			   {"/sys/fs/cgroup/cgroup.procs", "", 0}}},
		{STEP_CGROUP, ENODEV, "finding our cgroup", "no cgroup v2 is mounted here",
		 "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&systemd.unified_cgroup_hierarchy=1 /' "
		 "/etc/default/grub && sudo update-grub && sudo reboot",
		 .files = {{0}}},
		{STEP_CGROUP, ENODEV, "finding our cgroup", "no cgroup v2 is mounted here",
		 "docker run --cgroupns=private …\nuse a host that has only cgroup v2",
		 .files = {{"/.dockerenv", "", 0}}},
		{STEP_CGROUP, EBUSY, "moving process 1", NULL, NULL, .files = {{0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void network_acceleration(void **state)
{
	static const char filtered[] = "Seccomp:\t2\n";
	static const struct failure cases[] = {
		{STEP_NET, EPERM, "--net-accel=switch: pidfd_getfd: Operation not permitted",
		 "/proc/sys/kernel/yama/ptrace_scope is 3: no process may trace another one until "
		 "the next boot",
		 "use --net-accel=none", .reason = REASON_ACCEL, .about = "pidfd_getfd",
		 .files = {{"/proc/sys/kernel/yama/ptrace_scope", "3\n", 0},
			   {"/proc/self/status", filtered, 0}}},
		{STEP_NET, EPERM, "--net-accel=switch: pidfd_getfd: Operation not permitted",
		 "a seccomp filter (/proc/self/status: Seccomp: 2) does not allow pidfd_getfd, "
		 "which --net-accel=switch needs",
		 "use --net-accel=none\ndocker run --cap-add SYS_PTRACE …\nin Kubernetes, add "
		 "SYS_PTRACE to the container's capabilities",
		 .reason = REASON_ACCEL, .about = "pidfd_getfd",
		 .files = {{"/proc/sys/kernel/yama/ptrace_scope", "1\n", 0},
			   {"/proc/self/status", filtered, 0}}},
		/* An unknown policy. */
		{STEP_NET, EPERM, "--net-accel=switch: kcmp: Operation not permitted", NULL, NULL,
		 .reason = REASON_ACCEL, .about = "kcmp", .files = {{0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

static void targets(void **state)
{
	static const struct failure cases[] = {
		{STEP_EXEC, ENOENT, "executing \"nosuch\"",
		 "nosuch is not in PATH (/usr/local/bin:/usr/bin)",
		 "use the absolute path of the command\nadd the directory of the command to PATH",
		 .reason = REASON_EXEC, .about = "nosuch", .files = {{0}}, .command = "nosuch"},
		{STEP_EXEC, ENOENT, "executing \"iptables\"",
		 "the program is /usr/sbin/iptables, and /usr/sbin is not in PATH",
		 "PATH=$PATH:/usr/sbin", .reason = REASON_EXEC, .about = "iptables",
		 .files = {{"/usr/sbin/iptables", "ELF", 0755}}, .command = "iptables"},
		{STEP_EXEC, ENOENT, "executing \"/opt/x\"", "there is no /opt/x",
		 "use the path of an executable file # with --copy-up, it must exist when fauxroot "
		 "starts",
		 .reason = REASON_EXEC, .about = "/opt/x", .files = {{0}}, .command = "/opt/x"},
		{STEP_EXEC, ENOENT, "executing \"script\"",
		 "/usr/bin/script exists, but /opt/python, the interpreter in its first line, does "
		 "not",
		 "install /opt/python\nchange the first line to an interpreter that exists",
		 .reason = REASON_EXEC, .about = "script",
		 .files = {{"/usr/bin/script", "#! /opt/python -u\nprint(1)\n", 0755}},
		 .command = "script"},
		{STEP_EXEC, EACCES, "executing \"/opt/x\"",
		 "/opt/x is not executable: its mode is 0644",
		 "chmod +x /opt/x # if it is a program", .reason = REASON_EXEC, .about = "/opt/x",
		 .files = {{"/opt/x", "ELF", 0644}}, .command = "/opt/x"},
		/* An empty element of PATH is the working directory. */
		{STEP_EXEC, EACCES, "executing \"foo\"",
		 "./foo is not executable: its mode is 0644", "chmod +x ./foo # if it is a program",
		 .reason = REASON_EXEC, .about = "foo", .files = {{"/foo", "ELF", 0644}},
		 .command = "foo", .path = ":/usr/bin"},
		{STEP_EXEC, EACCES, "executing \"/opt/y/x\"", NULL, NULL, .reason = REASON_EXEC,
		 .about = "/opt/y/x", .files = {{"/opt/y/x", "ELF", 0755}}, .command = "/opt/y/x"},
		{STEP_EXEC, EACCES, "executing \"/opt/x\"", "/opt/x is a directory",
		 "use the path of an executable file", .reason = REASON_EXEC, .about = "/opt/x",
		 .files = {{"/opt/x/", "", 0}}, .command = "/opt/x"},
		{STEP_EXEC, EACCES, "executing \"/home/x\"",
		 "/home/x is on /home, which is mounted noexec",
		 "copy it to another file system\nsudo mount -o remount,exec /home",
		 .reason = REASON_EXEC, .about = "/home/x",
		 .files =
			 {{"/home/x", "ELF", 0755},
			  {"/proc/self/mountinfo",
			   "22 1 8:1 / / rw - ext4 x rw\n23 22 8:2 / /home rw,noexec - ext4 y rw\n",
			   0}},
		 .command = "/home/x"},
		{STEP_EXEC, ENOEXEC, "executing \"tool\"",
		 "/usr/bin/tool is neither an executable of this machine nor a script whose first "
		 "line is #! and an interpreter",
		 "sh /usr/bin/tool # if it is a shell script", .reason = REASON_EXEC,
		 .about = "tool", .files = {{0}}, .command = "tool"},
		/* The text of the step decides nothing without the step. */
		{STEP_OPTIONS, ENOENT, "executing \"newuidmap\"", NULL, NULL, .files = {{0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

/* Files of this test belong to its user, who is neither uid 4242 nor in group 4242. */
static void closed_targets(void **state)
{
	static const char stranger[] = "Uid:\t4242\t4242\t4242\t4242\n"
				       "Gid:\t4242\t4242\t4242\t4242\n";
	struct failure f = {.step = STEP_EXEC,
			    .code = EACCES,
			    .text = "executing \"/opt/x\": Permission denied",
			    .files = {{"/opt/x", "ELF", 0750}, {"/proc/self/status", stranger, 0}},
			    .command = "/opt/x"};
	char cause[256];

	(void)state;
	f.remedy = "sudo chmod o+rx /opt/x";
	snprintf(cause, sizeof(cause),
		 "/opt/x belongs to uid %u and gid %u, mode 0750: fake root has the same rights on "
		 "it as 4242",
		 geteuid(), getegid());
	f.cause = cause;
	check_failure(&f);
}

static void closed_directories(void **state)
{
	static const char stranger[] = "Uid:\t4242\t4242\t4242\t4242\n"
				       "Gid:\t4242\t4242\t4242\t4242\n";
	struct failure f = {.step = STEP_EXEC,
			    .code = EACCES,
			    .text = "executing \"/opt/sub/x\": Permission denied",
			    .files = {{"/opt/sub/x", "ELF", 0755},
				      {"/proc/self/status", stranger, 0}},
			    .command = "/opt/sub/x",
			    .closed_dir = "/opt/sub"};
	char cause[256];

	(void)state;
	f.remedy = "sudo chmod o+x /opt/sub\ncopy the program to another directory";
	snprintf(cause, sizeof(cause),
		 "/opt/sub belongs to uid %u and gid %u, mode 0700: fake root has the same rights "
		 "there as 4242",
		 geteuid(), getegid());
	f.cause = cause;
	check_failure(&f);
}

static void closed_copies(void **state)
{
	struct failure f = {
		.step = STEP_MOUNT,
		.code = EACCES,
		.text = "reading /srv/x to copy it up: Permission denied",
		.reason = REASON_COPY_UP,
		.about = "/srv/x",
		.files = {{"/srv/x/", "", 0},
			  {"/proc/self/status",
			   "Uid:\t4242\t4242\t4242\t4242\nGid:\t4242\t4242\t4242\t4242\n", 0}},
		.remedy = "omit --copy-up=/srv/x\nsudo chmod o+rx /srv/x",
		.closed_dir = "/srv/x"};
	char cause[256];

	(void)state;
	snprintf(cause, sizeof(cause),
		 "/srv/x belongs to uid %u and gid %u, mode 0700: fake root has the same rights "
		 "there as 4242, and cannot list what to copy",
		 geteuid(), getegid());
	f.cause = cause;
	check_failure(&f);
}

static void ask_two_ports(struct config *config)
{
	static char first[] = "127.0.0.1:443:443/tcp", second[] = "81:80/tcp";
	static char *specs[] = {first, second, NULL};

	config->publish = (struct strv){specs, 2};
}

static void ask_ports_of_slirp(struct config *config)
{
	ask_two_ports(config);
	config->port_driver = PORT_SLIRP4NETNS;
}

static void ports(void **state)
{
	static const struct failure cases[] = {
		{STEP_PORT, EACCES,
		 "publishing :80:80/tcp: listening on 0.0.0.0:80/tcp: Permission denied: ports …",
		 "/proc/sys/net/ipv4/ip_unprivileged_port_start is 1024: lower ports need "
		 "CAP_NET_BIND_SERVICE",
		 "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80\nsudo setcap "
		 "cap_net_bind_service=ep /opt/fauxroot/bin/fauxroot\nuse a parent port from 1024 "
		 "up",
		 .reason = REASON_LISTEN, .about = "0.0.0.0:80/tcp",
		 .files = {{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n", 0}}},
		{STEP_PORT, EACCES, "listening on [fd00::1]:1023/udp: Permission denied",
		 "/proc/sys/net/ipv4/ip_unprivileged_port_start is 1024: lower ports need "
		 "CAP_NET_BIND_SERVICE",
		 "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=1023\nsudo setcap "
		 "cap_net_bind_service=ep /opt/fauxroot/bin/fauxroot\nuse a parent port from 1024 "
		 "up",
		 .reason = REASON_LISTEN, .about = "[fd00::1]:1023/udp",
		 .files = {{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n", 0}}},
		/* One setting for all. */
		{STEP_PORT, EACCES, "listening on 127.0.0.1:443/tcp: Permission denied",
		 "/proc/sys/net/ipv4/ip_unprivileged_port_start is 1024: lower ports need "
		 "CAP_NET_BIND_SERVICE",
		 "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=81\nsudo setcap "
		 "cap_net_bind_service=ep /opt/fauxroot/bin/fauxroot\nuse a parent port from 1024 "
		 "up",
		 .reason = REASON_LISTEN, .about = "127.0.0.1:443/tcp",
		 .files = {{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n", 0}},
		 .ask = ask_two_ports},
		{STEP_PORT, EACCES, "listening on 127.0.0.1:443/tcp: Permission denied",
		 "/proc/sys/net/ipv4/ip_unprivileged_port_start is 1024: lower ports need "
		 "CAP_NET_BIND_SERVICE, which slirp4netns does not have",
		 "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=81\nsudo setcap "
		 "cap_net_bind_service=ep /opt/fauxroot/bin/fauxroot # then use "
		 "--port-driver=builtin\nuse a parent port from 1024 up",
		 .reason = REASON_LISTEN, .about = "127.0.0.1:443/tcp",
		 .files = {{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n", 0}},
		 .ask = ask_ports_of_slirp},
		/* The kernel setting is not the cause. */
		{STEP_PORT, EACCES, "listening on 0.0.0.0:1024/tcp: Permission denied", NULL, NULL,
		 .reason = REASON_LISTEN, .about = "0.0.0.0:1024/tcp",
		 .files = {{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n", 0}}},
		{STEP_PORT, EACCES, "listening on 0.0.0.0:80/tcp: Permission denied", NULL, NULL,
		 .reason = REASON_LISTEN, .about = "0.0.0.0:80/tcp", .files = {{0}}},
		{STEP_PORT, EACCES, "listening on :/tcp: Permission denied", NULL, NULL,
		 .reason = REASON_LISTEN, .about = ":/tcp",
		 .files = {{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n", 0}}},
		{STEP_PORT, EACCES, "the port forwarder refused", NULL, NULL,
		 .files = {{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n", 0}}},
		{STEP_PORT, EADDRINUSE,
		 "listening on 0.0.0.0:80/tcp: Address already in use by process 1234 (nginx)",
		 "process 1234 already uses this address and port",
		 "use another parent port\nkill 1234", .reason = REASON_PORT_OF_PROCESS,
		 .about = "1234", .files = {{0}}},
		{STEP_PORT, EADDRINUSE,
		 "listening on 0.0.0.0:80/tcp: Address already in use by a socket of uid 33",
		 "uid 33 already uses this address and port",
		 "use another parent port\nsudo ss -Hnlptu # lists the processes",
		 .reason = REASON_PORT_OF_USER, .about = "33", .files = {{0}}},
		{STEP_PORT, EADDRINUSE, "listening on 0.0.0.0:80/tcp: Address already in use", NULL,
		 NULL, .reason = REASON_LISTEN, .about = "0.0.0.0:80/tcp", .files = {{0}}},
		{STEP_PORT, EADDRINUSE, "publishing 80:80/tcp: it conflicts with port 1",
		 "another --publish uses this address, port and protocol",
		 "remove one of the two\nuse another parent port", .reason = REASON_PORT_TWICE,
		 .about = "1", .files = {{0}}},
		{STEP_PORT, EAFNOSUPPORT, "listening on [::]:80/tcp: Address family not supported",
		 "this kernel has no IPv6, or it was booted with ipv6.disable=1: there is no "
		 "/proc/net/if_inet6",
		 "use an IPv4 address\nboot without ipv6.disable=1", .reason = REASON_LISTEN,
		 .about = "[::]:80/tcp", .files = {{0}}},
		{STEP_PORT, EAFNOSUPPORT, "listening on [::]:80/tcp: Address family not supported",
		 "a seccomp filter refuses IPv6 sockets (/proc/self/status: Seccomp: 2)",
		 "in a systemd unit, add AF_INET6 to RestrictAddressFamilies\nuse an IPv4 address",
		 .reason = REASON_LISTEN, .about = "[::]:80/tcp",
		 .files = {{"/proc/net/if_inet6", "", 0},
			   {"/proc/self/status", "Seccomp:\t2\n", 0}}},
		{STEP_PORT, EADDRNOTAVAIL, "listening on [::1]:80/tcp: Cannot assign",
		 "/proc/sys/net/ipv6/conf/lo/disable_ipv6 is 1: IPv6 is off",
		 "sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0\nuse an IPv4 address",
		 .reason = REASON_LISTEN, .about = "[::1]:80/tcp",
		 .files = {{"/proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n", 0},
			   {"/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1\n", 0}}},
		{STEP_PORT, EADDRNOTAVAIL, "listening on [fd00::1]:80/tcp: Cannot assign",
		 "/proc/sys/net/ipv6/conf/all/disable_ipv6 is 1: IPv6 is off",
		 "sudo sysctl -w net.ipv6.conf.all.disable_ipv6=0\nuse an IPv4 address",
		 .reason = REASON_LISTEN, .about = "[fd00::1]:80/tcp",
		 .files = {{"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n", 0}}},
		{STEP_PORT, EADDRNOTAVAIL,
		 "publishing [2001:db8::1]:80:80/tcp: listening on [2001:db8::1]:80/tcp: Cannot "
		 "assign requested address",
		 "no interface of this network has the address [2001:db8::1]",
		 "ip -brief address # lists the addresses to use\nomit the address to listen on "
		 "all addresses",
		 .reason = REASON_LISTEN, .about = "[2001:db8::1]:80/tcp", .files = {{0}}},
	};

	(void)state;
	check_failures(cases, ARRAY_SIZE(cases));
}

/* Set long values for each name in @text that facts.c does not know. */
static void fill_facts(struct facts *facts, const char *text, char (*names)[32])
{
	char value[101], known[512];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (const char *at = text; (at = strchr(at, '{')); at++) {
		char *name = names[facts->n];

		if (at[1] == '{') {
			at++;
			continue;
		}
		(void)snprintf(name, sizeof(names[0]), "%.*s", (int)strcspn(at, "}") + 1, at);
		if (facts_expand(name, facts, known, sizeof(known)))
			continue;
		name[strlen(name) - 1] = '\0';
		assert_true(fact(facts, name + 1, "%s", value));
	}
}

/* Is it one remedy a line? Comments, from "#" on, are free. */
static void check_lines(const struct cause *cause, const char *remedy)
{
	static const char *const words[] = {", or ", "; or ", " or use ", " or set ", " or omit "};
	struct cursor c = cursor_of(remedy), line;

	while (cursor_line(&c, &line)) {
		char text[600];

		snprintf(text, sizeof(text), "%.*s", (int)cursor_left(&line), line.at);
		text[strcspn(text, "#")] = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (strstr(text, words[i]))
				fail_msg("%s: two remedies in one line: %s", cause->id, text);
		if (strstr(text, "dockerd ") && strstr(text, "buildkitd "))
			fail_msg("%s: two commands in one line: %s", cause->id, text);
	}
}

static void every_text_fits(void **state)
{
	static const struct file none[MAX_FILES] = {{0}};
	struct error err = {.code = 0};
	const struct cause *cause;
	struct cause_walk walk = {0};
	struct config config;
	struct fake fake;

	(void)state;
	make_fake(&fake, none);
	config_init(&config);
	while ((cause = cause_next(&walk))) {
		struct facts facts = {.machine = &fake.machine, .config = &config, .err = &err};
		char remedy[sizeof((struct explanation){0}.remedy)], names[12][32];
		struct explanation why;

		cause_remedy(cause, NULL, true, remedy, sizeof(remedy));
		check_lines(cause, remedy);
		fill_facts(&facts, cause->cause, names);
		fill_facts(&facts, remedy, names);
		if (!facts_expand(cause->cause, &facts, why.cause, sizeof(why.cause)) ||
		    !facts_expand(remedy, &facts, why.remedy, sizeof(why.remedy)) ||
		    !facts_expand(cause->cause, NULL, why.cause, sizeof(why.cause)) ||
		    strchr(why.cause, '{'))
			fail_msg("%s / %s", cause->cause, remedy);
		assert_true(*why.remedy != '\0');
	}
	clear_fake(&fake);
}

static void texts_name_facts(void **state)
{
	static const struct file none[MAX_FILES] = {{0}};
	struct error err = {.code = 0, .about = "4711"};
	struct fake fake;
	struct facts facts = {.machine = &fake.machine, .err = &err};
	char text[64], huge[500];

	(void)state;
	make_fake(&fake, none);
	assert_false(facts_expand("{nosuch}", &facts, text, sizeof(text)));
	assert_false(facts_expand("{uid", &facts, text, sizeof(text)));
	assert_false(facts_expand("{uids}", &facts, text, sizeof(text)));
	assert_false(
		facts_expand("{user} is a text longer than the room for it", &facts, text, 20));
	assert_true(facts_expand("{{{uid}}", &facts, text, sizeof(text)));
	assert_string_equal(text, "{1000}");
	assert_true(facts_expand("kill {pid}", &facts, text, sizeof(text)));
	assert_string_equal(text, "kill 4711");
	/* Set, replaced by means of itself, appended to. An empty text is a fact, too. */
	assert_true(fact(&facts, "limit", "%d", 7));
	assert_true(fact(&facts, "limit", "%s0", fact_text(&facts, "limit")));
	assert_true(fact_add(&facts, "dirs", ", ", "%s", "/a"));
	assert_true(fact_add(&facts, "dirs", ", ", "%s", "/b"));
	assert_true(fact(&facts, "none", "%s", ""));
	assert_true(facts_expand("{limit}: {dirs}{none}", &facts, text, sizeof(text)));
	assert_string_equal(text, "70: /a, /b");
	assert_string_equal(fact_text(&facts, "nosuch"), "");
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_false(fact(&facts, "limit", "%s", huge));
	assert_false(fact_add(&facts, "dirs", ", ", "%s", huge));
	/* Remedies quote values for the shell, and leave out empty lines. */
	assert_true(fact(&facts, "instead", "%s", ""));
	assert_true(fact(&facts, "path", "%s", "/a b/it's"));
	assert_true(facts_expand_remedy("df {path}\n{instead}\nkill {pid}", &facts, text,
					sizeof(text)));
	assert_string_equal(text, "df '/a b/it'\\''s'\nkill 4711");
	assert_true(fact(&facts, "missing", "/a /b"));
	assert_true(facts_expand_remedy("touch {missing}", &facts, text, sizeof(text)));
	assert_string_equal(text, "touch /a /b");
	/* For documents. */
	assert_true(facts_expand("{dir name} {self} {free line} {{", NULL, text, sizeof(text)));
	assert_string_equal(text, "DIR NAME /usr/bin/fauxroot FIRST:COUNT {");
	assert_true(facts_expand("{install newuidmap}", NULL, text, sizeof(text)));
	assert_string_equal(text, "install the package that contains newuidmap");
	assert_true(facts_expand("{place of newuidmap}", NULL, text, sizeof(text)));
	assert_string_equal(text, "/usr/bin/newuidmap");
	clear_fake(&fake);
}

/* Last: a row that no test above provokes is untested. */
static void every_row_explains_a_failure(void **state)
{
	struct cause_walk walk = {0};
	const struct cause *cause;
	unsigned missing = 0;

	(void)state;
	for (size_t i = 0; (cause = cause_next(&walk)); i++)
		if (!reported[i] && cause->steps != 0) {
			print_error("no failure here is explained by %s\n", cause->id);
			missing++;
		}
	assert_int_equal(missing, 0);
}

static void every_id_is_unique(void **state)
{
	struct cause_walk walk = {0};
	const struct cause *cause, *other;

	(void)state;
	while ((cause = cause_next(&walk))) {
		struct cause_walk rest = walk;

		assert_int_equal(strspn(cause->id, "abcdefghijklmnopqrstuvwxyz0123456789-"),
				 strlen(cause->id));
		while ((other = cause_next(&rest)))
			assert_string_not_equal(cause->id, other->id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces),
		cmocka_unit_test(remedies_of_runtimes),
		cmocka_unit_test(without_proc),
		cmocka_unit_test(cgroups),
		cmocka_unit_test(mappers),
		cmocka_unit_test(ranges),
		cmocka_unit_test(state_directories),
		cmocka_unit_test(left_behind),
		cmocka_unit_test(foreign_runtime_directory),
		cmocka_unit_test(network_acceleration),
		cmocka_unit_test(devices_and_helpers),
		cmocka_unit_test(helpers_that_start),
		cmocka_unit_test(closed_copies),
		cmocka_unit_test(ports),
		cmocka_unit_test(pastas),
		cmocka_unit_test(targets),
		cmocka_unit_test(closed_state_directory),
		cmocka_unit_test(closed_targets),
		cmocka_unit_test(closed_directories),
		cmocka_unit_test(limits),
		cmocka_unit_test(confinement),
		cmocka_unit_test(every_text_fits),
		cmocka_unit_test(texts_name_facts),
		cmocka_unit_test(every_id_is_unique),
		cmocka_unit_test(every_row_explains_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
