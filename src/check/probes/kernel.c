/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel and the confinement of this process. Only trials show the effect of confinement. */
#include "probe.h"

#include <stdio.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

static void probe_kernel(const struct preflight *p, struct finding *f)
{
	static const char path[] = "/proc/sys/kernel/osrelease";
	char release[128];

	if (!machine_first_line(p->machine, path, release, sizeof(release))) {
		see_unknown(f, "%s cannot be read", path);
		return;
	}
	see(f, "Linux %s", release);
	obstacle(p, f, "kernel-old");
}

/* An option of the kernel, and the trial that proves it. */
struct feature {
	const char *option;
	const char *file; /* exists only if the kernel has the option; NULL: none */
	bool needed;
	enum trial proof;
};

/* The configuration of the running kernel, from a text file of the distribution or from the kernel
 * itself. */
static char *read_kernel_config(const struct preflight *p, char *path, size_t size)
{
	static const char *const places[][2] = {{"/boot/config-", ""},
						{"/lib/modules/", "/config"},
						{"/usr/lib/modules/", "/config"}};
	char release[128], *text = NULL;

	if (!machine_first_line(p->machine, "/proc/sys/kernel/osrelease", release,
				sizeof(release)) ||
	    strchr(release, '/'))
		(void)str_print(release, sizeof(release), "?");
	for (size_t i = 0; i < ARRAY_SIZE(places) && !text; i++) {
		(void)str_print(path, size, "%s%s%s", places[i][0], release, places[i][1]);
		text = machine_read(p->machine, path);
	}
	if (text || !p->outcomes->kernel_config)
		return text;
	(void)str_print(path, size, "/proc/config.gz");
	return str_format("%s", p->outcomes->kernel_config);
}

static void probe_features(const struct preflight *p, struct finding *f)
{
	const struct config *config = p->config;
	const struct feature features[] = {
		{"CONFIG_USER_NS", "/proc/self/ns/user", true, TRIAL_CLONE},
		{"CONFIG_NET_NS", "/proc/self/ns/net", config->net != NET_HOST, TRIAL_CLONE},
		{"CONFIG_PID_NS", "/proc/self/ns/pid", config->pidns, TRIAL_CLONE},
		{"CONFIG_UTS_NS", "/proc/self/ns/uts", config->utsns, TRIAL_CLONE},
		{"CONFIG_IPC_NS", "/proc/self/ns/ipc", config->ipcns, TRIAL_CLONE},
		{"CONFIG_CGROUPS", "/proc/self/ns/cgroup", config->cgroupns, TRIAL_CLONE},
		{"CONFIG_TUN", NULL, config_has_helper(config), TRIAL_TUN},
	};
	char path[300] = "";
	_cleanup_free_ char *text = read_kernel_config(p, path, sizeof(path));

	if (!machine_exists(p->machine, "/proc/self/ns")) {
		see_unknown(f, "/proc/self/ns cannot be read");
		return;
	}
	see(f, "all options of the kernel are present%s%s", text ? ", by /proc/self/ns and " : "",
	    text ? path : ", by /proc/self/ns");
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *feature = &features[i];
		bool absent = feature->file && !machine_exists(p->machine, feature->file);

		if (!feature->needed || outcome_works(&p->outcomes->of[feature->proof]) ||
		    !(absent || (text && kernel_config_lacks(text, feature->option))))
			continue;
		see(f, "no %s", feature->option);
		(void)fact(p->facts, "option", "%s", feature->option);
		if (absent)
			(void)fact(p->facts, "file", "there is no %s", feature->file);
		else
			(void)fact(p->facts, "file", "%s: # %s is not set", path, feature->option);
		obstacle(p, f, "kernel-lacks");
		return;
	}
}

static void probe_container(const struct preflight *p, struct finding *f)
{
	struct container container;

	if (machine_container(p->machine, &container))
		see(f, "%s (%s)", container.name, container.mark);
	else
		see(f, "none");
}

static void probe_outer_userns(const struct preflight *p, struct finding *f)
{
	_cleanup_free_ char *map = machine_read(p->machine, "/proc/self/uid_map");
	struct cursor c = cursor_of(map ? map : "");
	struct id_extent e;
	uint64_t ids = 0;

	while (idmap_next(&c, &e))
		ids += e.count;
	if (ids == 0)
		see_unknown(f, "/proc/self/uid_map cannot be read");
	else if (ids == UINT32_MAX)
		see(f, "none: /proc/self/uid_map is the map of the host");
	else
		see(f, "yes, with %llu ids (/proc/self/uid_map)", (unsigned long long)ids);
}

static void see_status(const struct preflight *p, struct finding *f, const char *field,
		       const char *const *words, size_t n)
{
	char text[32];
	uint32_t value;

	if (!machine_status(p->machine, field, text, sizeof(text)) ||
	    parse_u32(text, (uint32_t)n - 1, &value) < 0)
		see_unknown(f, "/proc/self/status has no %s", field);
	else
		see(f, "%s", words[value]);
}

static void probe_no_new_privs(const struct preflight *p, struct finding *f)
{
	see_status(p, f, "NoNewPrivs", (const char *[]){"not set", "set"}, 2);
}

static void probe_seccomp(const struct preflight *p, struct finding *f)
{
	see_status(p, f, "Seccomp", (const char *[]){"no filter", "strict", "a filter"}, 3);
}

static void probe_apparmor(const struct preflight *p, struct finding *f)
{
	char label[256], restricted[16];

	if (!machine_first_line(p->machine, "/proc/self/attr/apparmor/current", label,
				sizeof(label)) &&
	    (!machine_exists(p->machine, "/sys/kernel/security/apparmor") ||
	     !machine_first_line(p->machine, "/proc/self/attr/current", label, sizeof(label)))) {
		see(f, "not enabled");
		return;
	}
	if (machine_first_line(p->machine, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
			       restricted, sizeof(restricted)) &&
	    streq(restricted, "1"))
		see(f, "%s; user namespaces are restricted", label);
	else
		see(f, "%s", label);
}

static void probe_selinux(const struct preflight *p, struct finding *f)
{
	char enforcing[16], label[256];

	if (!machine_first_line(p->machine, "/sys/fs/selinux/enforce", enforcing,
				sizeof(enforcing))) {
		see(f, "not enabled");
		return;
	}
	if (!machine_first_line(p->machine, "/proc/self/attr/current", label, sizeof(label)))
		(void)str_print(label, sizeof(label), "no label");
	see(f, "%s, %s", streq(enforcing, "1") ? "enforcing" : "permissive", label);
}

static void probe_namespaces(const struct preflight *p, struct finding *f)
{
	const struct config *config = p->config;

	see(f, "user, mount%s%s%s%s%s: made", config->net != NET_HOST ? ", network" : "",
	    config->pidns ? ", PID" : "", config->cgroupns ? ", cgroup" : "",
	    config->utsns ? ", UTS" : "", config->ipcns ? ", IPC" : "");
}

const struct probe probes_of_the_kernel[] = {
	{"kernel", .look = probe_kernel},
	{"kernel features", .look = probe_features},
	{"container", .look = probe_container},
	{"outer user namespace", .look = probe_outer_userns},
	{"no_new_privs", .look = probe_no_new_privs},
	{"seccomp", .look = probe_seccomp},
	{"AppArmor", .look = probe_apparmor},
	{"SELinux", .look = probe_selinux},
	{"namespaces", .trial = TRIAL_CLONE, .look = probe_namespaces},
	{.name = NULL},
};
