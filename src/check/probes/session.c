/* SPDX-License-Identifier: Apache-2.0 */
/* The login session: directories, limits, cgroup, lingering. */
#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/cgroup.h"
#include "fauxroot/machine/mountinfo.h"
#include "../trial.h"

static void probe_runtime_dir(const struct preflight *p, struct finding *f)
{
	static const char *const reasons[] = {"runtime-dir-foreign", "runtime-dir-gone",
					      "runtime-dir-unset", "no-runtime-dir"};
	const char *given = getenv("XDG_RUNTIME_DIR");

	see(f, "%s", given && *given ? given : "XDG_RUNTIME_DIR is not set");
	if (explain_warning(WARNING_UNIT, NULL, p->machine, &f->why))
		f->status = FINDING_WARNING;
	for (size_t i = 0; i < ARRAY_SIZE(reasons) && f->status == FINDING_OK; i++)
		warn(p, f, reasons[i]);
	if (f->status == FINDING_OK && !(given && *given) && is_known_daemon(p->config)) {
		(void)fact(p->facts, "command", "%s", p->config->command[0]);
		warn(p, f, "daemon-runtime-dir");
	}
}

/* The builtin port driver needs many descriptors; it raises the soft limit itself. */
static void probe_descriptors(const struct preflight *p, struct finding *f)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		see_unknown(f, "the limit is unknown");
		return;
	}
	if (config_has_forwarder(p->config))
		limit.rlim_cur = limit.rlim_max;
	see(f, "up to %llu", (unsigned long long)limit.rlim_cur);
	if (limit.rlim_cur >= 1024 || !config_has_forwarder(p->config))
		return;
	(void)fact(p->facts, "limit", "%llu", (unsigned long long)limit.rlim_cur);
	warn(p, f, "few-descriptors");
}

/* Container runtimes look for a mount of cgroup v1 or v2, wherever it is. */
static bool has_cgroup_mount(const struct machine *machine)
{
	_cleanup_free_ char *text = machine_read(machine, "/proc/self/mountinfo");
	struct cursor c = cursor_of(text ? text : "");
	struct mount mount;

	while (mountinfo_next(&c, &mount))
		if (streq(mount.type, "cgroup") || streq(mount.type, "cgroup2"))
			return true;
	return !text;
}

/* There is no cgroup v2. */
static void look_for_cgroup(const struct preflight *p, struct finding *f)
{
	if (has_cgroup_mount(p->machine)) {
		see(f, "no cgroup v2");
		warn(p, f, "cgroup-v1");
	} else {
		see(f, "no mount");
		(void)fact(p->facts, "command", "%s",
			   config_has_command(p->config) ? p->config->command[0] : "COMMAND");
		warn(p, f, "cgroup-mount-missing");
	}
}

/*
 * A delegated cgroup belongs to our user (man 5 systemd.resource-control, Delegate=). A unit with
 * Delegate=yes gets such a cgroup; this check looks at the cgroup of a direct start.
 */
static void probe_cgroup(const struct preflight *p, struct finding *f)
{
	_cleanup_free_ char *controllers = NULL, *dir = NULL;
	char file[PATH_MAX], lacks[64];
	int rc = machine_cgroup2(p->machine, NULL, &dir);
	struct stat st;

	if (rc == -ESTALE) {
		see_unknown(f, "our cgroup is removed, or outside of our cgroup namespace");
		return;
	}
	if (rc < 0) {
		look_for_cgroup(p, f);
		return;
	}
	(void)fact(p->facts, "dir", "%s", dir);
	if (!machine_stat(p->machine, dir, &st)) {
		see_unknown(f, "%s: stat fails", dir);
		return;
	}
	if (st.st_uid != machine_uid(p->machine)) {
		see(f, "%s, not delegated", dir);
		(void)fact(p->facts, "cgroup owner", "%u", (unsigned)st.st_uid);
		warn(p, f, "cgroup-not-delegated");
		return;
	}
	see(f, "%s, ours", dir);
	(void)str_print(file, sizeof(file), "%s/cgroup.controllers", dir);
	controllers = machine_read(p->machine, file);
	cgroup_lacks(controllers ? controllers : "", "cpu io memory pids", lacks, sizeof(lacks));
	(void)fact(p->facts, "file", "%s", file);
	(void)fact(p->facts, "controllers", "%s", lacks);
	if (*lacks)
		warn(p, f, "cgroup-controllers");
}

static void probe_linger(const struct preflight *p, struct finding *f)
{
	char path[300];

	(void)facts_expand("/var/lib/systemd/linger/{user}", p->facts, path, sizeof(path));
	see(f, "on (%s)", path);
	if (machine_exists(p->machine, path))
		return;
	see(f, "off");
	warn(p, f, "no-linger");
}

/* man 5 proc, /proc/key-users: "1001:     2 2/2 2/200 28/20000" */
static bool find_keys(const char *text, uint32_t uid, uint32_t *ret_used, uint32_t *ret_max)
{
	struct cursor c = cursor_of(text), line;

	while (cursor_line(&c, &line)) {
		uint32_t owner;
		const char *skipped;
		size_t n;

		cursor_blanks(&line);
		if (cursor_u32(&line, UINT32_MAX, &owner) < 0 || owner != uid ||
		    !cursor_char(&line, ':'))
			continue;
		for (int field = 0; field < 2; field++) {
			cursor_blanks(&line);
			cursor_until(&line, " ", &skipped, &n);
		}
		cursor_blanks(&line);
		return cursor_u32(&line, UINT32_MAX, ret_used) == 0 && cursor_char(&line, '/') &&
		       cursor_u32(&line, UINT32_MAX, ret_max) == 0;
	}
	return false;
}

static void probe_keyrings(const struct preflight *p, struct finding *f)
{
	_cleanup_free_ char *text = machine_read(p->machine, "/proc/key-users");
	uint32_t used, max;

	if (!text || !find_keys(text, machine_uid(p->machine), &used, &max)) {
		see(f, text ? "none in use" : "not shown by this kernel");
		return;
	}
	see(f, "%u of %u keys in use", used, max);
	if (used < max - max / 4)
		return;
	(void)fact(p->facts, "keys", "%u", used);
	(void)fact(p->facts, "limit", "%u", max);
	warn(p, f, "keyring-quota");
}

static bool has_session(const struct preflight *p)
{
	return machine_uid(p->machine) != 0 && machine_exists(p->machine, "/run/systemd/system");
}

const struct probe probes_of_the_session[] = {
	{"runtime directory", .look = probe_runtime_dir},
	{"state directory", .trial = TRIAL_STATEDIR, .seen = "{note}"},
	{"open files", .trial = TRIAL_FDS, .look = probe_descriptors},
	{"cgroup", trial_wants_storage, .look = probe_cgroup},
	{"lingering", trial_wants_storage, .wanted = has_session, .look = probe_linger},
	{"keyrings", trial_wants_storage, .look = probe_keyrings},
	{.name = NULL},
};
