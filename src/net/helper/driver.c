/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The functions of struct net_driver, for all drivers that run a helper.
 *
 * A missing program is reported before the clone. The version is checked only if the program does
 * not become ready, before that failure is reported or retried: one more execution of the program
 * costs a tenth of a launch.
 *
 * The program's shields are on unless the user turns them off: the program parses untrusted packets
 * from the target. Some machines cannot provide a sandbox or a seccomp filter. There the program
 * dies before it is ready. If the user left the choice to us, it is started once more without its
 * shields.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "run.h"

#define VERSION_MS 5000
#define REAP_MS	   5000

int net_helper_check(struct net *net, struct error *err)
{
	const struct net_helper_ops *ops = net->driver->helper;
	const char *binary = ops->binary(net->config);
	_cleanup_free_ char *path = NULL;
	struct net_helper *h;
	int rc = path_find(binary, &path);

	if (rc < 0) {
		(void)err_set(err, -rc, "starting %s: executing \"%s\"", ops->name, binary);
		return err_about(err, rc, REASON_EXEC, "%s", binary);
	}
	rc = ops->check ? ops->check(net->config, err) : 0;
	if (rc < 0)
		return rc;
	h = calloc(1, sizeof(*h) + ops->own_size);
	if (!h)
		return err_set(err, ENOMEM, "starting %s", ops->name);
	h->net = net;
	h->ops = ops;
	h->own = h + 1;
	h->program = HELPER_NONE;
	h->health = NET_HEALTH_NONE;
	h->check_ms = NET_HEALTH_CHECK_MS;
	h->ready = h->exit = -1;
	if (ops->choose_shields)
		ops->choose_shields(net, &h->shields, &h->required_shields);
	if (ops->init)
		ops->init(h);
	net->state = h;
	return 0;
}

static int add_words(struct strv *argv, const char *const *words)
{
	int rc = 0;

	for (; rc == 0 && words && *words; words++)
		rc = strv_add(argv, *words);
	return rc;
}

/* Execute the program with @args, which may be NULL, and the arguments for its version. @program
 * has its output. */
static int ask_version(const struct net_helper *h, const char *const *args, struct helper *program,
		       int *ret_status, struct error *err)
{
	const struct net_helper_ops *ops = h->ops;
	_cleanup_strv_ struct strv argv = {0};
	struct deadline deadline = deadline_in(VERSION_MS);
	struct helper_spec spec = {0};
	char role[64];
	int rc = strv_add(&argv, ops->binary(h->net->config));

	if (rc == 0)
		rc = add_words(&argv, args);
	if (rc == 0)
		rc = add_words(&argv, ops->version_args);
	if (rc < 0)
		return err_set(err, ENOMEM, "checking the version of %s", ops->name);
	(void)str_print(role, sizeof(role), "%s --version", ops->name);
	spec.argv = (const char *const *)argv.items;
	spec.role = role;
	rc = helper_start(program, &spec, err);
	return rc < 0 ? rc
		      : helper_finish(program, 1, &deadline, h->net->cancel_fd, ret_status, err);
}

static int check_feature(const struct net_helper *h, const struct net_helper_feature *feature,
			 struct error *err)
{
	const char *path = h->ops->binary(h->net->config), *version = h->net->version;
	_cleanup_(helper_stop) struct helper program = HELPER_NONE;
	int status = 0, rc = ask_version(h, feature->args, &program, &status, err);

	if (rc < 0 || status == 0)
		return rc;
	rc = err_say(err, EOPNOTSUPP, "%s%s%s is too old for %s: it has no option %s", path,
		     *version ? " " : "", version, feature->option, feature->args[0]);
	return err_about(err, rc, REASON_TOO_OLD, "%s", path);
}

/* The program has failed: does the dynamic loader report why? */
static int check_loaded(const struct net_helper *h, const char *text, struct error *err)
{
	const char *path = h->ops->binary(h->net->config);
	int rc;

	if (!helper_not_loaded(text))
		return 0;
	rc = err_say(err, ELIBACC, "%s cannot be loaded: %.*s", path, (int)strcspn(text, "\n"),
		     text);
	return err_about(err, rc, REASON_LOADER, "%s", path);
}

/* Is it the right program, and new enough? Returns 0 or -errno. */
static int check_version(const struct net_helper *h, struct error *err)
{
	_cleanup_(helper_stop) struct helper program = HELPER_NONE;
	const struct net_helper_feature *feature = h->ops->features;
	int status = 0, rc = ask_version(h, NULL, &program, &status, err);

	if (rc == 0 && status != 0)
		rc = check_loaded(h, program.text, err);
	if (rc == 0)
		rc = h->ops->judge_version(h->net, status, program.text, err);
	for (; rc == 0 && feature && feature->option; feature++)
		if (feature->needed(h->net->config))
			rc = check_feature(h, feature, err);
	return rc;
}

int net_helper_verify(struct net *net, struct error *err)
{
	/* NULL: the driver has failed, and there is no other one (net_wait_ready()). */
	return net->state ? check_version(net->state, err) : 0;
}

int net_helper_prepare(struct net *net, struct error *err)
{
	struct net_helper *h = net->state;

	(void)err;
	if (h->ops->prepare)
		h->ops->prepare(h);
	return 0;
}

int net_helper_start(struct net *net, struct error *err)
{
	return net_helper_run(net->state, err);
}

/* The program has closed the ready descriptor without a report: it is dying. Reap it and report
 * the reason. */
static int reap_unready(struct net_helper *h, struct error *err)
{
	struct deadline deadline = deadline_in(REAP_MS);
	struct net_helper_meaning meaning = {REASON_DIED, ECHILD};
	int status, rc;
	char reason[512];

	rc = process_wait(&h->program.process, &deadline, h->net->cancel_fd, &status);
	if (rc < 0) {
		helper_stop(&h->program);
		net_helper_enter_down(h);
		return err_set(err, -rc, "%s closed its ready descriptor, but did not exit",
			       h->ops->name);
	}
	net_helper_death_reason(h, status, reason, sizeof(reason));
	if (h->ops->interpret)
		meaning = h->ops->interpret(h->program.text);
	net_helper_enter_down(h);
	/* RLIMIT_NPROC, pids.max: it is not the fault of its shields. */
	if (strstr(h->program.text, strerror(EAGAIN)))
		meaning.code = EAGAIN;
	rc = err_say(err, meaning.code, "%s died before it was ready: %s", h->ops->name, reason);
	return err_about(err, rc, meaning.reason, "%s", h->ops->binary(h->net->config));
}

/* Wait until the started run is ready. -ECHILD: the program has died. */
static int await_ready(struct net_helper *h, struct error *err)
{
	struct deadline deadline = deadline_in(NET_HELPER_READY_MS);
	int rc, ready = -EAGAIN;

	do {
		rc = fd_wait(h->ready, POLLIN, &deadline, h->net->cancel_fd);
		if (rc == 0)
			ready = net_helper_take_ready(h);
	} while (rc == 0 && ready == -EAGAIN);
	if (rc == -ETIMEDOUT)
		return err_say(err, ETIMEDOUT, "%s is not ready after %d s", h->ops->name,
			       NET_HELPER_READY_MS / 1000);
	if (rc < 0)
		return err_set(err, -rc, "waiting for %s", h->ops->name);
	if (ready <= 0)
		return reap_unready(h, err);
	net_helper_enter_up(h);
	return 0;
}

/* Print the names of the shields in @set: "sandbox and seccomp filter" */
static const char *name_shields(const struct net_helper_ops *ops, unsigned set, char *buf,
				size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned bit = 0; ops->shields[bit]; bit++) {
		if (!(set & 1U << bit))
			continue;
		if (str_print(buf + used, size - used, "%s%s", used > 0 ? " and " : "",
			      ops->shields[bit]) < 0)
			break;
		used += strlen(buf + used);
	}
	return buf;
}

/* The program has died with all its shields on. @err has the reason. */
static int retry_without_shields(struct net_helper *h, struct error *err)
{
	char names[128];
	int rc;

	log_warning("%s; trying without its %s", err->text,
		    name_shields(h->ops, h->shields & ~h->required_shields, names, sizeof(names)));
	h->shields = h->required_shields;
	rc = net_helper_run(h, err);
	return rc < 0 ? rc : await_ready(h, err);
}

/* The program has died, as @err says. Its version is the better reason, if that is wrong. A program
 * that does not tell its version, or not in time on a busy machine, leaves @err as it is. */
static int blame_version(struct net_helper *h, struct error *err)
{
	struct error version;
	int rc = check_version(h, &version);

	if (rc == 0)
		return -ECHILD;
	if (version.reason == REASON_NONE && rc != -ECANCELED) {
		log_debug("%s", version.text);
		return -ECHILD;
	}
	*err = version;
	return rc;
}

int net_helper_wait_ready(struct net *net, struct error *err)
{
	struct net_helper *h = net->state;
	int rc = await_ready(h, err);

	if (rc == -ECHILD && h->ops->adapt && h->ops->adapt(h, h->program.first)) {
		rc = net_helper_run(h, err);
		if (rc == 0)
			rc = await_ready(h, err);
	}
	if (rc == -ECHILD)
		rc = blame_version(h, err);
	if (rc == -ECHILD && h->shields != h->required_shields)
		rc = retry_without_shields(h, err);
	return rc;
}

void net_helper_stop(struct net *net)
{
	struct net_helper *h = net->state;

	if (!h)
		return;
	net_helper_kill(net);
	helper_stop(&h->program);
	net_helper_enter_down(h);
	net_health_clear(&h->health);
	if (h->ops->release)
		h->ops->release(h);
	free(h);
	net->state = NULL;
}
