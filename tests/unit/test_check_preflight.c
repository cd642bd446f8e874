/* SPDX-License-Identifier: Apache-2.0 */
/* The findings of --check on fabricated machines, with fabricated outcomes of the trials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "check/trial.h"
#include "test_check_look.h"
#include "test_check_look_ids.h"
#include "test_check_look_networks.h"
#include "test_check_look_storage.h"
#include "test_check_docker.h"

static void kernels(void **state)
{
	static const struct look looks[] = {
		{"kernel", FINDING_UNKNOWN, "/proc/sys/kernel/osrelease cannot be read", NULL,
		 .files = {{"/proc/sys/kernel/osrelease", NULL, 0}}, NO_TRIAL},
		{"kernel", FINDING_OK, "Linux 5.10.0-28-amd64", NULL,
		 .files = {{"/proc/sys/kernel/osrelease", "5.10.0-28-amd64\n", 0}}, NO_TRIAL},
		{"kernel", FINDING_OBSTACLE, "Linux 5.4.0-1-generic", "kernel-old",
		 .files = {{"/proc/sys/kernel/osrelease", "5.4.0-1-generic\n", 0}}, NO_TRIAL,
		 .cause = "Linux 5.10"},
		{"kernel", FINDING_OBSTACLE, "Linux 4.18", "kernel-old",
		 .files = {{"/proc/sys/kernel/osrelease", "4.18.0-553.el8\n", 0}}, NO_TRIAL},
		{"kernel", FINDING_OK, "Linux nonsense", NULL,
		 .files = {{"/proc/sys/kernel/osrelease", "nonsense\n", 0}}, NO_TRIAL},
		{"kernel features", FINDING_OBSTACLE, "no CONFIG_USER_NS", "kernel-lacks",
		 .files = {{"/proc/self/ns/user", NULL, 0}, {"/proc/self/ns/net", "", 0}},
		 .failed = TRIAL_CLONE, EINVAL, "clone: Invalid argument", STEP_CLONE,
		 .cause = "there is no /proc/self/ns/user", .remedy = "CONFIG_USER_NS=y"},
		{"kernel features", FINDING_OBSTACLE, "no CONFIG_TUN", "kernel-lacks",
		 .files = {{"/proc/sys/kernel/osrelease", "6.1.0\n", 0},
			   {"/proc/self/ns/net", "", 0},
			   {"/boot/config-6.1.0", "CONFIG_NET=y\n# CONFIG_TUN is not set\n", 0}},
		 .failed = TRIAL_TUN, ENODEV, "opening /dev/net/tun: No such device", STEP_NET,
		 REASON_DEVICE, "/dev/net/tun",
		 .cause = "/boot/config-6.1.0: # CONFIG_TUN is not set"},
		/* A trial that succeeds proves the option, whatever a file contains. */
		{"kernel features", FINDING_OK, "by /proc/self/ns and /lib/modules/6.1.0/config",
		 NULL,
		 .files = {{"/proc/sys/kernel/osrelease", "6.1.0\n", 0},
			   {"/proc/self/ns/net", "", 0},
			   {"/lib/modules/6.1.0/config", "# CONFIG_TUN is not set\n", 0}},
		 NO_TRIAL},
		{"namespaces", FINDING_OBSTACLE, "clone: Operation not permitted",
		 "userns-clone-off",
		 .files = {{"/proc/sys/kernel/unprivileged_userns_clone", "0\n", 0}},
		 .failed = TRIAL_CLONE, EPERM, "clone: Operation not permitted", STEP_CLONE,
		 .remedy = "kernel.unprivileged_userns_clone=1"},
	};

	(void)state;
	check_looks(looks, ARRAY_SIZE(looks));
}

/* A kernel that carries its configuration. */
static void configuration_of_the_kernel(void **state)
{
	static const struct file none[MAX_FILES] = {{0}};
	_cleanup_findings_ struct findings findings = {NULL, 0};
	struct outcomes *outcomes = calloc(1, sizeof(*outcomes));
	const struct look look = {.failed = TRIAL_TUN,
				  .code = ENODEV,
				  .error = "opening /dev/net/tun: No such device",
				  .step = STEP_NET,
				  .reason = REASON_DEVICE,
				  .about = "/dev/net/tun"};
	struct config config;
	struct fake fake;

	(void)state;
	assert_non_null(outcomes);
	make_fake(&fake, none);
	config_init(&config);
	config.net = NET_SLIRP4NETNS;
	fill_outcomes(&look, outcomes);
	outcomes->kernel_config = strdup("CONFIG_NET=y\n# CONFIG_TUN is not set\n");
	assert_int_equal(preflight_judge(&config, &fake.machine, outcomes, &findings), 0);
	clear_fake(&fake);
	outcomes_free(outcomes);
	assert_string_equal(find(&findings, "kernel features")->why.cause,
			    "this kernel is built without CONFIG_TUN (/proc/config.gz: # "
			    "CONFIG_TUN is not set)");
}

static void confinement(void **state)
{
	static const struct look looks[] = {
		{"AppArmor", FINDING_OK, "not enabled", NULL, .files = {{0}}, NO_TRIAL},
		{"AppArmor", FINDING_OK, "unconfined; user namespaces are restricted", NULL,
		 .files = {{"/proc/self/attr/apparmor/current", "unconfined\n", 0},
			   {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0}},
		 NO_TRIAL},
		/* Ubuntu 24.04: the clone passes, and the first mount does not. */
		{"mounts", FINDING_OBSTACLE, "setting the mount propagation to rprivate",
		 "apparmor-userns",
		 .files = {{"/proc/self/attr/apparmor/current", "unconfined\n", 0},
			   {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", 0}},
		 .failed = TRIAL_MOUNT, EACCES,
		 "setting the mount propagation to rprivate: Permission denied", STEP_MOUNT,
		 .remedy = "userns,\\n}\\n' /opt/fauxroot/bin/fauxroot |"},
		{"namespaces", FINDING_OBSTACLE, "clone", "apparmor-confined",
		 .files = {{"/proc/self/attr/apparmor/current", "docker-default (enforce)\n", 0}},
		 .failed = TRIAL_CLONE, EACCES, "clone: Permission denied", STEP_CLONE},
		{"SELinux", FINDING_OK, "enforcing, system_u:system_r:container_t:s0", NULL,
		 .files = {{"/sys/fs/selinux/enforce", "1", 0},
			   {"/proc/self/attr/current", "system_u:system_r:container_t:s0", 0}},
		 NO_TRIAL},
		{"SELinux", FINDING_OK, "permissive", NULL,
		 .files = {{"/sys/fs/selinux/enforce", "0", 0}}, NO_TRIAL},
		{"overlayfs", FINDING_WARNING, "SELinux will not label", "overlay-selinux",
		 .files = {{"/sys/fs/selinux/enforce", "1", 0},
			   {"/etc/os-release", "ID=fedora\n", 0},
			   {"/proc/sys/kernel/osrelease", "5.12.9-300.fc34\n", 0}},
		 NO_TRIAL, .cause = "Linux 5.12.9-300.fc34 is older than 5.13",
		 .remedy = "sudo dnf install fuse-overlayfs"},
		{"overlayfs", FINDING_OK, "overlay2", NULL,
		 .files = {{"/sys/fs/selinux/enforce", "1", 0},
			   {"/proc/sys/kernel/osrelease", "5.13.0\n", 0}},
		 NO_TRIAL},
		{"no_new_privs", FINDING_OK, "not set", NULL, .files = {{0}}, NO_TRIAL},
		{"seccomp", FINDING_OK, "a filter", NULL,
		 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\nSeccomp:\t2\n", 0}}, NO_TRIAL},
		{"seccomp", FINDING_UNKNOWN, "/proc/self/status has no Seccomp", NULL,
		 .files = {{"/proc/self/status", "Uid:\t0\t0\t0\t0\n", 0}}, NO_TRIAL},
		{"seccomp", FINDING_UNKNOWN, "has no Seccomp", NULL,
		 .files = {{"/proc/self/status", "Seccomp:\t9\n", 0}}, NO_TRIAL},
		{"newuidmap", FINDING_OBSTACLE, "/usr/bin/newuidmap, mode 4755", "no-new-privs",
		 .files = {{"/proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nNoNewPrivs:\t1\n",
			    0}},
		 NO_TRIAL},
	};

	(void)state;
	check_looks(looks, ARRAY_SIZE(looks));
}

static void containers(void **state)
{
	static const struct look looks[] = {
		{"container", FINDING_OK, "none", NULL, .files = {{0}}, NO_TRIAL},
		{"container", FINDING_OK, "Docker (/.dockerenv)", NULL,
		 .files = {{"/.dockerenv", "", 0}}, NO_TRIAL},
		{"container", FINDING_OK, "Podman", NULL, .files = {{"/run/.containerenv", "", 0}},
		 NO_TRIAL},
		{"container", FINDING_OK, "Kubernetes", NULL,
		 .files = {{"/.dockerenv", "", 0}, {"/run/secrets/kubernetes.io/", "", 0}},
		 NO_TRIAL},
		{"container", FINDING_OK, "lxc (/run/systemd/container)", NULL,
		 .files = {{"/run/systemd/container", "lxc\n", 0}}, NO_TRIAL},
		{"outer user namespace", FINDING_OK, "none", NULL, .files = {{0}}, NO_TRIAL},
		{"outer user namespace", FINDING_OK, "yes, with 65537 ids", NULL,
		 .files = {{"/proc/self/uid_map",
			    "         0       1000          1\n         1     100000      65536\n",
			    0}},
		 NO_TRIAL},
		{"outer user namespace", FINDING_UNKNOWN, "cannot be read", NULL,
		 .files = {{"/proc/self/uid_map", NULL, 0}}, NO_TRIAL},
		{"cgroup", FINDING_WARNING, "not delegated", "cgroup-not-delegated",
		 .files = {{"/.dockerenv", "", 0},
			   {"/proc/self/status", "Uid:\t4242\t4242\t4242\t4242\n", 0},
			   {"/proc/self/cgroup", "0::/\n", 0},
			   {"/sys/fs/cgroup/cgroup.controllers", "cpu memory\n", 0}},
		 NO_TRIAL, .remedy = "--cgroupns=private"},
		{"/dev/net/tun", FINDING_OBSTACLE, "No such file", "tun-missing",
		 .files = {{"/.dockerenv", "", 0}, {"/dev/net/tun", NULL, 0}}, .failed = TRIAL_TUN,
		 ENOENT, "opening /dev/net/tun: No such file or directory", STEP_NET, REASON_DEVICE,
		 "/dev/net/tun", .remedy = "--device /dev/net/tun"},
	};

	(void)state;
	check_looks(looks, ARRAY_SIZE(looks));
}

static void sessions(void **state)
{
	static const struct look looks[] = {
		{"cgroup", FINDING_WARNING, "no cgroup v2", "cgroup-v1",
		 .files = {{"/proc/self/cgroup", "3:cpu:/\n", 0}}, NO_TRIAL},
		{"cgroup", FINDING_WARNING, "no cgroup v2", "cgroup-v1",
		 .files = {{"/proc/self/cgroup", "0::/\n", 0},
			   {"/proc/self/mountinfo",
			    "22 1 8:1 / / rw - ext4 x rw\n"
			    "30 22 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
			    0}},
		 NO_TRIAL},
		{"cgroup", FINDING_WARNING, "no mount", "cgroup-mount-missing",
		 .files = {{"/proc/self/cgroup", "0::/\n", 0},
			   {"/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 x rw\n", 0}},
		 NO_TRIAL, .remedy = "sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup"},
		{"cgroup", FINDING_UNKNOWN, "removed", NULL,
		 .files = {{"/proc/self/cgroup", "0::/x (deleted)\n", 0}}, NO_TRIAL},
		{"cgroup", FINDING_UNKNOWN, ": stat fails", NULL,
		 .files = {{"/proc/self/cgroup", "0::/nosuch\n", 0}}, NO_TRIAL},
		{"cgroup", FINDING_WARNING, "/sys/fs/cgroup/session.scope, not delegated",
		 "cgroup-not-delegated",
		 .files = {{"/proc/self/status", "Uid:\t4242\t4242\t4242\t4242\n", 0},
			   {"/proc/self/cgroup", "0::/session.scope\n", 0},
			   {"/sys/fs/cgroup/session.scope/cgroup.controllers", "cpu memory\n", 0}},
		 NO_TRIAL, .remedy = "Delegate=yes"},
		{"evacuation", FINDING_OK, ", to its child evac", NULL, .files = {{0}}, NO_TRIAL},
		{"evacuation", FINDING_OBSTACLE, "the cgroup: Permission denied", "cgroup-not-ours",
		 .files = {{"/proc/self/cgroup", "0::/session.scope\n", 0}}, .failed = TRIAL_CGROUP,
		 EACCES, "the cgroup: Permission denied", STEP_CGROUP, .cause = "/session.scope",
		 .remedy = "Delegate=yes"},
		{"lingering", FINDING_OK, "on (/var/lib/systemd/linger/alice)", NULL,
		 .files = {{"/run/systemd/system/", "", 0},
			   {"/var/lib/systemd/linger/alice", "", 0}},
		 NO_TRIAL},
		{"lingering", FINDING_WARNING, "off", "no-linger",
		 .files = {{"/run/systemd/system/", "", 0},
			   {"/var/lib/systemd/linger/alicia", "", 0}},
		 NO_TRIAL, .remedy = "sudo loginctl enable-linger alice"},
		{"keyrings", FINDING_OK, "not shown", NULL, .files = {{0}}, NO_TRIAL},
		{"keyrings", FINDING_OK, "2 of 200", NULL,
		 .files = {{"/proc/key-users",
			    "    0:     9 8/8 199/200 1/2\n 1000:     2 2/2 2/200 28/20000\n", 0}},
		 NO_TRIAL},
		{"keyrings", FINDING_OK, "none in use", NULL,
		 .files = {{"/proc/key-users", "    0:     9 8/8 199/200 1/2\n1000:\n", 0}},
		 NO_TRIAL},
		{"keyrings", FINDING_WARNING, "180 of 200", "keyring-quota",
		 .files = {{"/proc/key-users", " 1000:   180 180/180 180/200 28/20000\n", 0}},
		 NO_TRIAL, .cause = "alice has 180 of 200 keys"},
		{"state directory", FINDING_OBSTACLE, "is in use by process 4711",
		 "statedir-in-use", .files = {{0}}, .failed = TRIAL_STATEDIR, EBUSY,
		 "state directory \"/run/x\": is in use by process 4711 (fauxroot)", STEP_STATEDIR,
		 REASON_IN_USE, "4711"},
	};

	(void)state;
	check_looks(looks, ARRAY_SIZE(looks));
}

/* Files of a test belong to its user. */
static void our_own_cgroup(void **state)
{
	char status[128];
	const struct look looks[] = {
		{"cgroup", FINDING_OK, "/sys/fs/cgroup/x, ours", NULL,
		 .files = {{"/proc/self/status", status, 0},
			   {"/proc/self/cgroup", "1:name=systemd:/y\n0::/x\n", 0},
			   {"/sys/fs/cgroup/x/cgroup.controllers", "cpuset cpu io memory pids\n",
			    0}},
		 NO_TRIAL},
		{"cgroup", FINDING_WARNING, "/sys/fs/cgroup/x, ours", "cgroup-controllers",
		 .files = {{"/proc/self/status", status, 0},
			   {"/proc/self/cgroup", "0::/x\n", 0},
			   {"/sys/fs/cgroup/x/cgroup.controllers", "cpuset memory pids\n", 0}},
		 NO_TRIAL, .cause = "/sys/fs/cgroup/x/cgroup.controllers lacks cpu io"},
	};

	(void)state;
	snprintf(status, sizeof(status), "Uid:\t%u\t%u\t%u\t%u\n", geteuid(), geteuid(), geteuid(),
		 geteuid());
	check_looks(looks, ARRAY_SIZE(looks));
}

/* Both checks look at the hierarchy that is mounted as version 2. */
static void a_hybrid_host_has_one_cgroup2_hierarchy(void **state)
{
#define HYBRID                                                                        \
	{                                                                             \
		{"/proc/self/cgroup", "3:cpu:/\n0::/\n", 0},                          \
			{"/proc/self/mountinfo",                                      \
			 "22 1 8:1 / / rw - ext4 x rw\n"                              \
			 "30 22 0:26 / /sys/fs/cgroup/unified rw - cgroup2 c rw\n"    \
			 "31 22 0:27 / /sys/fs/cgroup/cpu rw - cgroup c rw,cpu\n",    \
			 0},                                                          \
			{"/proc/self/status", "Uid:\t4000000\t4000000\n", 0},         \
			{"/sys/fs/cgroup/unified/cgroup.controllers", "memory\n", 0}, \
	}
	static const struct look looks[] = {
		{"cgroup", FINDING_WARNING, "/sys/fs/cgroup/unified, not delegated",
		 "cgroup-not-delegated", .files = HYBRID, NO_TRIAL},
		{"evacuation", FINDING_OBSTACLE, "is the root of the hierarchy", "cgroup-is-root",
		 .files = HYBRID, .failed = TRIAL_CGROUP, EPERM,
		 "the cgroup \"/sys/fs/cgroup/unified\" is the root of the hierarchy, which cannot "
		 "be evacuated",
		 STEP_CGROUP, .cause = "our cgroup, /sys/fs/cgroup/unified, is the root"},
	};

	(void)state;
	check_looks(looks, ARRAY_SIZE(looks));
}

/* mountinfo has it as "\040" (man 5 proc). */
static void a_blank_in_a_mount_point(void **state)
{
	static const struct look look = {
		"data directory",
		FINDING_WARNING,
		"nosuid and nodev",
		"data-nosuid",
		.files = {{"/proc/self/mountinfo",
			   "22 1 8:1 / / rw - ext4 x rw\n"
			   "23 22 8:2 / /media/USB\\040DISK rw,nosuid,nodev - ext4 y rw\n",
			   0}},
		NO_TRIAL,
		.cause = "/media/USB DISK/data is on /media/USB DISK",
		.remedy = "sudo mount -o remount,suid,dev '/media/USB DISK'",
	};

	(void)state;
	setenv("XDG_DATA_HOME", "/media/USB DISK/data", 1);
	check_look(&look, NET_SLIRP4NETNS, NULL);
	unsetenv("XDG_DATA_HOME");
}

/* Trials that succeeded and logged a message. */
static void notes_are_warnings(void **state)
{
	static const struct file none[MAX_FILES] = {{0}};
	_cleanup_findings_ struct findings findings = {NULL, 0};
	_cleanup_free_ struct outcomes *outcomes = calloc(1, sizeof(*outcomes));
	const struct look look = {NO_TRIAL};
	const struct rlimit few = {512, 512};
	struct config config;
	struct fake fake;

	(void)state;
	assert_non_null(outcomes);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	make_fake(&fake, none);
	config_init(&config);
	config.net = NET_SLIRP4NETNS;
	config.port_driver = PORT_BUILTIN;
	config.net_accel = NET_ACCEL_SWITCH;
	fill_outcomes(&look, outcomes);
	(void)str_print(outcomes->of[TRIAL_SYSFS].note, 64, "/sys shows the host's network");
	(void)str_print(outcomes->of[TRIAL_NET].note, 64, "it died; trying without its sandbox");
	(void)str_print(outcomes->of[TRIAL_NAMES].note, 64, "it takes port 53");
	(void)str_print(outcomes->of[TRIAL_PORT_DRIVER].note, 64, "addresses are not kept");
	(void)str_print(outcomes->of[TRIAL_ACCEL].note, 64, "there is no route");
	assert_int_equal(preflight_judge(&config, &fake.machine, outcomes, &findings), 0);
	remember(&findings);
	assert_null(find(&findings, "implicit ports"));
	assert_string_equal(find(&findings, "/sys")->why.id, "sys-masked");
	assert_string_equal(find(&findings, "network")->why.id, "network-degraded");
	assert_string_equal(find(&findings, "network")->why.cause,
			    "it died; trying without its sandbox");
	assert_string_equal(find(&findings, "names")->why.id, "port-53-taken");
	assert_string_equal(find(&findings, "names")->seen,
			    "relayed to 127.0.0.1:53; port 53 is taken from the command");
	assert_string_equal(find(&findings, "acceleration")->why.id, "accel-without-effect");
	assert_string_equal(find(&findings, "acceleration")->why.cause, "there is no route");
	assert_string_equal(find(&findings, "port driver")->why.id, "source-addresses");
	assert_string_equal(find(&findings, "port driver")->why.cause, "addresses are not kept");
	assert_int_equal(find(&findings, "port driver")->status, FINDING_WARNING);
	assert_string_equal(find(&findings, "open files")->why.id, "few-descriptors");
	assert_int_equal(find(&findings, "open files")->status, FINDING_WARNING);
	findings_clear(&findings);
	config.port_driver = PORT_IMPLICIT;
	assert_int_equal(preflight_judge(&config, &fake.machine, outcomes, &findings), 0);
	clear_fake(&fake);
	remember(&findings);
	assert_string_equal(find(&findings, "implicit ports")->why.id, "implicit-ports");
}

static void ports_that_some_clients_cannot_use(void **state)
{
	static const struct file files[MAX_FILES] = {
		{"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n", 0}};
	static const struct {
		const char *spec, *note, *id;
		enum port_mode driver;
	} cases[] = {
		{"80:[fd00::100]:80/tcp", "there is no IPv6", "port-needs-ipv6", PORT_BUILTIN},
		{"80:80/udp", "no answers", "port-udp-loopback", PORT_SLIRP4NETNS},
		{"80:80/tcp6", "", "port-ipv6-off", PORT_BUILTIN},
		{"80:80/tcp", "", NULL, PORT_BUILTIN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_findings_ struct findings findings = {NULL, 0};
		_cleanup_free_ struct outcomes *outcomes = calloc(1, sizeof(*outcomes));
		_cleanup_config_ struct config config;
		char name[64];
		struct fake fake;

		assert_non_null(outcomes);
		make_fake(&fake, files);
		config_init(&config);
		config.net = NET_SLIRP4NETNS;
		config.port_driver = cases[i].driver;
		assert_int_equal(strv_add(&config.publish, cases[i].spec), 0);
		outcomes->ports[0].tried = true;
		(void)str_print(outcomes->ports[0].note, 64, "%s", cases[i].note);
		assert_int_equal(preflight_judge(&config, &fake.machine, outcomes, &findings), 0);
		clear_fake(&fake);
		remember(&findings);
		(void)str_print(name, sizeof(name), "port %s", cases[i].spec);
		assert_int_equal(find(&findings, name)->status,
				 cases[i].id ? FINDING_WARNING : FINDING_OK);
		if (cases[i].id)
			assert_string_equal(find(&findings, name)->why.id, cases[i].id);
	}
}

static void a_cause_is_reported_once(void **state)
{
	_cleanup_findings_ struct findings findings = {NULL, 0};
	_cleanup_free_ struct outcomes *outcomes = calloc(1, sizeof(*outcomes));
	const struct look look = {.files = {{"/usr/bin/newuidmap", "ELF", 0755}},
				  .failed = TRIAL_IDMAP,
				  .code = EPERM,
				  .error = "newuidmap: write to uid_map failed: Operation not "
					   "permitted (exit status 1)",
				  .step = STEP_IDMAP,
				  .reason = REASON_MAP_WRITE,
				  .about = "newuidmap"};
	struct config config;
	struct fake fake;

	(void)state;
	assert_non_null(outcomes);
	make_fake(&fake, look.files);
	config_init(&config);
	fill_outcomes(&look, outcomes);
	assert_int_equal(preflight_judge(&config, &fake.machine, outcomes, &findings), 0);
	clear_fake(&fake);
	assert_string_equal(find(&findings, "newuidmap")->why.id, "setuid-lost");
	assert_int_equal(find(&findings, "id map")->status, FINDING_OBSTACLE);
	assert_string_equal(find(&findings, "id map")->why.cause, "as for: newuidmap");
	assert_string_equal(find(&findings, "id map")->why.remedy, "");
	assert_null(find(&findings, "network"));
	assert_null(find(&findings, "/dev/net/tun"));
}

static void untried_checks_are_unknown(void **state)
{
	_cleanup_findings_ struct findings findings = {NULL, 0};
	_cleanup_free_ struct outcomes *outcomes = calloc(1, sizeof(*outcomes));
	char *copy_up[] = {(char[]){"/etc"}, NULL}, *publish[] = {(char[]){"80:80/tcp"}, NULL};
	const struct machine nowhere = {.root = "/nonexistent"};
	struct config config;

	(void)state;
	assert_non_null(outcomes);
	config_init(&config);
	config.net = NET_SLIRP4NETNS;
	config.pidns = true;
	config.copy_up = (struct strv){copy_up, 1};
	config.publish = (struct strv){publish, 1};
	config.port_driver = PORT_BUILTIN;
	outcomes->mappers = true;
	assert_int_equal(preflight_judge(&config, &nowhere, outcomes, &findings), 0);
	assert_true(findings.n > 25);
	for (size_t i = 0; i < findings.n; i++) {
		const struct finding *f = &findings.items[i];

		/* On a machine without files, newuidmap and cgroup are missing; the rest is
		 * unknown. */
		assert_true(*f->seen != '\0');
		assert_true(f->status != FINDING_OBSTACLE || f->why.id);
	}
	assert_int_equal(find(&findings, "port 80:80/tcp")->status, FINDING_UNKNOWN);
	assert_int_equal(find(&findings, "id map")->status, FINDING_UNKNOWN);
	assert_int_equal(find(&findings, "kernel")->status, FINDING_UNKNOWN);
}

static void storage_checks_depend_on_the_command(void **state)
{
	static const struct {
		const char *command;
		bool storage;
	} cases[] = {{"dockerd", true},	  {"/usr/bin/buildkitd", true}, {"sh", true},
		     {"id", false},	  {"/opt/dockerd/id", false},	{"", false},
		     {"dockerd-x", false}};
	struct config config;

	(void)state;
	config_init(&config);
	assert_true(trial_wants_storage(&config));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *command[] = {(char *)(uintptr_t)cases[i].command, NULL};

		config.command = command;
		assert_int_equal(trial_wants_storage(&config), cases[i].storage);
	}
}

static void kernel_configurations(void **state)
{
	static const char config[] = "CONFIG_A=y\n# CONFIG_B is not set\n# CONFIG_BC is not set\n"
				     "#CONFIG_D is not set\n# CONFIG_E is not";

	(void)state;
	assert_true(kernel_config_lacks(config, "CONFIG_B"));
	assert_true(kernel_config_lacks(config, "CONFIG_BC"));
	assert_false(kernel_config_lacks(config, "CONFIG_A"));
	assert_false(kernel_config_lacks(config, "CONFIG_D"));
	assert_false(kernel_config_lacks(config, "CONFIG_E"));
	assert_false(kernel_config_lacks("", "CONFIG_A"));
}

/* Last: a row that no check above reports is untested. */
static void every_warning_was_reported(void **state)
{
	struct cause_walk walk = {0};
	const struct cause *cause;

	(void)state;
	for (size_t i = 0; (cause = cause_next(&walk)); i++)
		if (cause->steps == 0 && !reported[i])
			fail_msg("no check here has reported %s", cause->id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels),
		cmocka_unit_test(configuration_of_the_kernel),
		cmocka_unit_test(confinement),
		cmocka_unit_test(containers),
		cmocka_unit_test(ids),
		cmocka_unit_test(networks),
		cmocka_unit_test(sessions),
		cmocka_unit_test(our_own_cgroup),
		cmocka_unit_test(a_hybrid_host_has_one_cgroup2_hierarchy),
		cmocka_unit_test(a_blank_in_a_mount_point),
		cmocka_unit_test(accounts_of_the_name_service_have_ranges_too),
		cmocka_unit_test(storage),
		cmocka_unit_test(notes_are_warnings),
		cmocka_unit_test(ports_that_some_clients_cannot_use),
		cmocka_unit_test(a_cause_is_reported_once),
		cmocka_unit_test(untried_checks_are_unknown),
		cmocka_unit_test(storage_checks_depend_on_the_command),
		cmocka_unit_test(kernel_configurations),
		cmocka_unit_test(versions_of_docker),
		cmocka_unit_test(docker_daemons),
		cmocka_unit_test(every_warning_was_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
