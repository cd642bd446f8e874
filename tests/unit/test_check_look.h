/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_preflight.c: one check of a machine made of a few files, and its finding. */
#pragma once

#include "check/probes/probe.h"
#include "fake_machine.h"
#include "fauxroot/check/preflight.h"

struct look {
	const char *check;
	enum finding_status status;
	const char *seen; /* a part of it */
	const char *id;	  /* of the cause; NULL: none */
	struct file files[MAX_FILES];
	uint64_t uids;	   /* how many are mapped; 0: enough */
	enum trial failed; /* TRIAL_COUNT_: none */
	int code;
	const char *error;
	enum error_step step;
	enum error_reason reason;
	const char *about; /* NULL: nothing that is known */
	const char *cause; /* a part of it; NULL: any */
	const char *remedy;
};

#define NO_TRIAL .failed = TRIAL_COUNT_

/* All trials have succeeded, except the one that @look names. */
static void fill_outcomes(const struct look *look, struct outcomes *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(ret->of); i++)
		ret->of[i].tried = true;
	ret->uids = ret->gids = 65537;
	if (look->uids)
		ret->uids = look->uids;
	ret->mappers = true;
	(void)str_print(ret->helper, sizeof(ret->helper), "slirp4netns 1.2.0");
	if (look->failed == TRIAL_COUNT_)
		return;
	ret->of[look->failed].rc = -look->code;
	ret->of[look->failed].err =
		(struct error){.code = look->code, .step = look->step, .reason = look->reason};
	(void)str_print(ret->of[look->failed].err.about, sizeof(ret->of[look->failed].err.about),
			"%s", look->about ? look->about : "");
	(void)str_print(ret->of[look->failed].err.text, sizeof(ret->of[look->failed].err.text),
			"%s", look->error);
}

/* The rows of the table, by number, that a check here has reported. */
static bool reported[256];

static void remember(const struct findings *findings)
{
	struct cause_walk walk = {0};
	const struct cause *cause;

	for (size_t i = 0; (cause = cause_next(&walk)); i++)
		for (size_t j = 0; j < findings->n; j++)
			if (findings->items[j].why.id == cause->id)
				reported[i] = true;
}

/* Does the machine use the name service? */
static bool with_services;

static const struct finding *find(const struct findings *findings, const char *name)
{
	for (size_t i = 0; i < findings->n; i++)
		if (streq(findings->items[i].name, name))
			return &findings->items[i];
	return NULL;
}

static bool is_seen(const struct look *look, const struct finding *f)
{
	return f && f->status == look->status && strstr(f->seen, look->seen) &&
	       (look->id ? f->why.id && streq(f->why.id, look->id) : !f->why.id) &&
	       (!look->cause || strstr(f->why.cause, look->cause)) &&
	       (!look->remedy || strstr(f->why.remedy, look->remedy));
}

static void check_look(const struct look *look, enum net_mode net, char **command)
{
	_cleanup_findings_ struct findings findings = {NULL, 0};
	_cleanup_free_ struct outcomes *outcomes = calloc(1, sizeof(*outcomes));
	const struct finding *f;
	struct config config;
	struct fake fake;

	assert_non_null(outcomes);
	make_fake(&fake, look->files);
	fake.machine.services = with_services;
	config_init(&config);
	config.net = net;
	config.command = command;
	config.evacuate_cgroup2 = "evac";
	fill_outcomes(look, outcomes);
	assert_int_equal(preflight_judge(&config, &fake.machine, outcomes, &findings), 0);
	clear_fake(&fake);
	remember(&findings);
	f = find(&findings, look->check);
	if (!is_seen(look, f))
		fail_msg("%s: %d \"%s\" %s\ncause: %s\nremedy: %s\nexpected %d \"%s\" %s",
			 look->check, f ? (int)f->status : -1, f ? f->seen : "",
			 f && f->why.id ? f->why.id : "-", f ? f->why.cause : "",
			 f ? f->why.remedy : "", look->status, look->seen,
			 look->id ? look->id : "-");
}

/* Without a command and with a network of its own: all checks. */
static void check_looks(const struct look *looks, size_t n)
{
	setenv("PATH", "/usr/local/bin:/usr/bin", 1);
	setenv("HOME", "/home/alice", 1);
	unsetenv("XDG_DATA_HOME");
	setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
	for (size_t i = 0; i < n; i++)
		check_look(&looks[i], NET_SLIRP4NETNS, NULL);
}
