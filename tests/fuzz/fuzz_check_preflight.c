/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check on a machine in whose files one text is: for every text, each check prints one printable
 * line and has a cause exactly when it has a remedy, and all of it is JSON. The results of the
 * parsers of single texts are part of the text.
 */
#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <jansson.h>

#include "check/probes/probe.h"
#include "fake_machine.h"
#include "fauxroot/check/report.h"

static const char *const paths[] = {
	"/proc/self/status",
	"/proc/self/mountinfo",
	"/proc/self/uid_map",
	"/proc/self/cgroup",
	"/proc/self/attr/current",
	"/proc/sys/kernel/osrelease",
	"/proc/sys/net/ipv4/ping_group_range",
	"/proc/key-users",
	"/sys/fs/selinux/enforce",
	"/sys/fs/cgroup/cgroup.controllers",
	"/run/systemd/container",
	"/etc/passwd",
	"/etc/group",
	"/etc/subuid",
	"/etc/subgid",
	"/etc/resolv.conf",
	"/etc/os-release",
};

static struct fake fake;
static int one_text = -1;
static struct outcomes outcomes;

static void clear(void)
{
	clear_fake(&fake);
}

static void check_finding(const struct finding *f)
{
	assert(*f->name && *f->seen && !strchr(f->seen, '\n'));
	assert((unsigned)f->status < FINDING_STATUS_COUNT_);
	if (!f->why.id)
		return;
	assert(*f->why.cause && !strchr(f->why.cause, '\n') && !strstr(f->why.remedy, "\n\n"));
	assert(*f->why.remedy || str_after(f->why.cause, "as for: "));
}

static void check_json(const struct findings *findings)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *report;

	assert(out && report_print_json(out, findings) == 0);
	fclose(out);
	report = json_loads(text, 0, NULL);
	assert(report && json_array_size(json_object_get(report, "checks")) == findings->n);
	json_decref(report);
	free(text);
}

static void check_texts(const char *text)
{
	assert(!kernel_config_lacks(text, "CONFIG_TUN") || strstr(text, "# CONFIG_TUN is not set"));
	assert(docker_major(text) == 0 || str_after(text, "Docker version "));
	assert(docker_major(text) <= UINT16_MAX);
}

static void begin(void)
{
	static const struct file none[MAX_FILES] = {{0}};

	make_fake(&fake, none);
	one_text = make_one_text(&fake, paths, ARRAY_SIZE(paths));
	(void)atexit(clear);
	setenv("HOME", "/home/alice", 1);
	/* A search takes this long. */
	setenv("PATH", "/usr/local/bin:/usr/bin", 1);
	for (size_t i = 0; i < ARRAY_SIZE(outcomes.of); i++)
		outcomes.of[i].tried = true;
	outcomes.of[TRIAL_OVERLAY].rc =
		err_set(&outcomes.of[TRIAL_OVERLAY].err, EPERM, "mounting an overlay");
	outcomes.of[TRIAL_IDMAP].rc =
		err_set(&outcomes.of[TRIAL_IDMAP].err, EPERM, "executing newuidmap");
	outcomes.of[TRIAL_IDMAP].err.step = STEP_IDMAP;
	(void)err_about(&outcomes.of[TRIAL_IDMAP].err, -EPERM, REASON_MAP_WRITE, "newuidmap");
	outcomes.mappers = true;
	(void)str_print(outcomes.of[TRIAL_STATEDIR].note, 16, "/run/x");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_findings_ struct findings findings = {NULL, 0};
	_cleanup_free_ char *text = strndup((const char *)data, size);
	char *dockerd[] = {"dockerd", NULL};
	struct config config;

	if (!*fake.root)
		begin();
	write_one_text(one_text, data, size);
	config_init(&config);
	config.net = size % 2 ? NET_SLIRP4NETNS : NET_NONE;
	/* Without a command all checks run except those of a command. */
	if (size % 4 > 1)
		config.command = dockerd;
	(void)str_print(outcomes.docker, sizeof(outcomes.docker), "%s", text ? text : "");
	assert(text && preflight_judge(&config, &fake.machine, &outcomes, &findings) == 0);
	for (size_t i = 0; i < findings.n; i++)
		check_finding(&findings.items[i]);
	check_json(&findings);
	check_texts(text);
	return 0;
}
