/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_explain.c: one failure on a machine made of a few files, and its explanation. */
#pragma once

#include "check/cause.h"
#include "fauxroot/check/explain.h"
#include "fake_machine.h"

struct failure {
	enum error_step step;
	int code;
	const char *text;  /* of the failure, only printed if the test fails */
	const char *cause; /* NULL: no cause is known */
	const char *remedy;
	enum error_reason reason;
	const char *about; /* NULL: unknown */
	struct file files[MAX_FILES];
	const char *command;	     /* NULL: "tool" */
	const char *path;	     /* PATH; NULL: "/usr/local/bin:/usr/bin" */
	const char *xdg_runtime_dir; /* NULL: not set */
	const char *invocation_id;   /* NULL: not set */
	const char *closed_dir;	     /* has the mode 0700; NULL: none */
	const char *state_dir;
	void (*ask)(struct config *config); /* options beside the command; NULL: none */
};

static void ask_network(struct config *config)
{
	config->net = NET_SLIRP4NETNS;
}

static void ask_namespaces(struct config *config)
{
	config->pidns = config->cgroupns = config->utsns = config->ipcns = true;
}

static void ask_getsubids(struct config *config)
{
	config->subid_source = SUBID_DYNAMIC;
}

static void ask_shields(struct config *config)
{
	config->slirp4netns.sandbox = config->slirp4netns.seccomp = TRI_TRUE;
}

/* The rows of the table, by number, that have explained a failure here. */
static bool reported[256];

static void remember(const char *id)
{
	struct cause_walk walk = {0};
	const struct cause *cause;

	for (size_t i = 0; (cause = cause_next(&walk)); i++)
		if (cause->id == id)
			reported[i] = true;
}

static void check_failure(const struct failure *f)
{
	char *command[] = {(char *)(uintptr_t)(f->command ? f->command : "tool"), NULL};
	struct error err = {.step = f->step, .code = f->code, .reason = f->reason};
	struct explanation why = {.id = NULL};
	struct config config;
	struct fake fake;
	bool known;

	make_fake(&fake, f->files);
	if (f->closed_dir) {
		char path[PATH_MAX];

		assert_true(machine_path(&fake.machine, f->closed_dir, path, sizeof(path)));
		assert_int_equal(chmod(path, 0700), 0);
	}
	config_init(&config);
	config.command = command;
	config.state_dir = f->state_dir;
	if (f->ask)
		f->ask(&config);
	setenv("PATH", f->path ? f->path : "/usr/local/bin:/usr/bin", 1);
	set_variable("XDG_RUNTIME_DIR", f->xdg_runtime_dir);
	set_variable("INVOCATION_ID", f->invocation_id);
	snprintf(err.about, sizeof(err.about), "%s", f->about ? f->about : "");
	known = explain(&err, &config, &fake.machine, &why);
	clear_fake(&fake);
	if (known != (f->cause != NULL) ||
	    (known && (!streq(why.cause, f->cause) || !streq(why.remedy, f->remedy))))
		fail_msg("%s, %s:\ncause: %s\nremedy: %s\nexpected: %s\nremedy: %s", f->text,
			 strerror(f->code), why.cause, why.remedy, f->cause, f->remedy);
	if (known)
		remember(why.id);
}

static void check_failures(const struct failure *failures, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_failure(&failures[i]);
}
