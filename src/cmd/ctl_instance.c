/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl_instance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl_table.h"
#include "fauxroot/api/client.h"
#include "fauxroot/api/info.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/instances.h"
#include "fauxroot/state/statedir.h"
#include "fauxroot/sys/peer.h"

#define WHICH "which instance? Give --socket or set ROOTLESSKIT_STATE_DIR"

static int in_state_dir(const char *dir, char **ret, struct error *err)
{
	*ret = str_format("%s/api.sock", dir);
	return *ret ? 0 : err_set(err, ENOMEM, "finding the socket");
}

/* --socket: the socket itself, or its state directory */
static int given_socket(const char *path, char **ret, struct error *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return in_state_dir(path, ret, err);
	*ret = strdup(path);
	return *ret ? 0 : err_set(err, ENOMEM, "finding the socket");
}

/* "4711 (build), 4712" */
static char *describe(const struct instances *instances)
{
	_cleanup_strv_ struct strv words = {NULL, 0};
	int rc = 0;

	for (size_t i = 0; i < instances->n && rc == 0; i++) {
		const struct instance *instance = &instances->items[i];

		rc = instance->name ? strv_addf(&words, "%d (%s)", instance->pid, instance->name)
				    : strv_addf(&words, "%d", instance->pid);
	}
	return rc < 0 ? NULL : strv_join(&words, ", ");
}

static const struct instance *find(const struct instances *instances, const char *wanted,
				   bool *ret_by_pid)
{
	uint32_t pid = 0;
	bool by_pid = parse_u32(wanted, INT32_MAX, &pid) == 0;

	*ret_by_pid = by_pid;
	for (size_t i = 0; i < instances->n; i++) {
		const struct instance *instance = &instances->items[i];

		if (by_pid ? instance->pid == (pid_t)pid
			   : instance->name && streq(instance->name, wanted))
			return instance;
	}
	return NULL;
}

/* The time for an answer. */
#define NAME_MS 2000

/* Ask the launcher of @instance: is its name @name? Returns 1, 0 or -errno. */
static int has_name(const struct instance *instance, const char *name, struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	_cleanup_api_info_ struct api_info info = {.child_pid = 0};
	_cleanup_free_ char *socket = NULL;
	int rc = in_state_dir(instance->state_dir, &socket, err);

	if (rc == 0)
		rc = api_call_within(NAME_MS, socket, "GET", "/v1/info", NULL, &reply, err);
	if (rc == 0)
		rc = api_reply_expect(&reply, 200, err);
	if (rc == 0)
		rc = api_info_decode(reply.body, reply.size, &info, err);
	return rc < 0 ? rc : info.name && streq(info.name, name);
}

/*
 * The command can change the link of a name so that it leads to another instance of the user. So
 * the launcher itself must confirm the name. A stopped launcher cannot answer; it is assumed to
 * have the name if no other instance has it.
 */
static int confirm_name(const struct instances *running, const struct instance *instance,
			struct error *err)
{
	int rc = has_name(instance, instance->name, err);
	bool silent = rc == -ETIMEDOUT, elsewhere = false;

	for (size_t i = 0; i < running->n && silent && !elsewhere; i++)
		if (&running->items[i] != instance)
			elsewhere = has_name(&running->items[i], instance->name, NULL) == 1;
	if (rc == 1 || (silent && !elsewhere))
		return 0;
	if (rc < 0 && !silent)
		return err_wrap(err, rc, "confirming the name of instance %d; use --instance=%d",
				instance->pid, instance->pid);
	return err_say(
		err, EPERM,
		"instance %d does not have the name \"%s\": somebody has changed the link "
		"$XDG_RUNTIME_DIR/fauxroot/%s, or its version is too old to report its name; "
		"use --instance=%d",
		instance->pid, instance->name, instance->name, instance->pid);
}

/* --instance=NAME|PID */
static int named(const char *wanted, char **ret, struct error *err)
{
	_cleanup_instances_ struct instances running = {NULL, 0};
	_cleanup_free_ char *list = NULL;
	const struct instance *instance;
	int rc = instances_list(&running, err);
	bool by_pid;

	if (rc < 0)
		return rc;
	instance = find(&running, wanted, &by_pid);
	if (instance) {
		rc = by_pid ? 0 : confirm_name(&running, instance, err);
		return rc < 0 ? rc : in_state_dir(instance->state_dir, ret, err);
	}
	list = describe(&running);
	if (!list)
		return err_set(err, ENOMEM, "listing the instances");
	return err_say(err, EINVAL, "no instance \"%s\" is running%s%s", wanted,
		       running.n > 0 ? "; running instances: " : "", list);
}

static int the_only_one(char **ret, struct error *err)
{
	_cleanup_instances_ struct instances running = {NULL, 0};
	_cleanup_free_ char *list = NULL;
	int rc = instances_list(&running, err);

	if (rc < 0)
		return err_wrap(err, rc, WHICH);
	if (running.n == 1)
		return in_state_dir(running.items[0].state_dir, ret, err);
	if (running.n == 0)
		return err_say(err, EINVAL,
			       "no instance is running in $XDG_RUNTIME_DIR/fauxroot; "
			       "for another one, give its state directory with --socket");
	list = describe(&running);
	if (!list)
		return err_set(err, ENOMEM, "listing the instances");
	return err_say(err, EINVAL,
		       "%zu instances are running; choose one with --instance=PID or "
		       "--instance=NAME: %s",
		       running.n, list);
}

int ctl_socket(const struct ctl *ctl, char **ret, struct error *err)
{
	const char *state_dir = getenv("ROOTLESSKIT_STATE_DIR");

	if (ctl->socket && ctl->instance)
		return err_say(err, EINVAL, "--socket and --instance cannot be combined");
	if (ctl->socket)
		return given_socket(ctl->socket, ret, err);
	if (ctl->instance)
		return named(ctl->instance, ret, err);
	if (state_dir && *state_dir)
		return in_state_dir(state_dir, ret, err);
	if (ctl->compatible)
		return err_say(err, EINVAL, WHICH);
	return the_only_one(ret, err);
}

/*
 * The command can replace the socket by a link to the socket of any service. So the listening
 * process must also hold the lock of the state directory.
 */
static int confirm_launcher(const char *socket, const struct peer *peer, struct error *err)
{
	const char *slash = strrchr(socket, '/');
	_cleanup_free_ char *dir =
		slash ? str_format("%.*s/", (int)(slash - socket), socket) : strdup(".");

	if (!dir)
		return err_set(err, ENOMEM, "finding the state directory");
	/* Its PID is 0 if it is outside of our PID namespace: no signal reaches it then. */
	if (peer->process.pid == 0 || statedir_is_held_by(dir, peer->process.pid, peer->uid))
		return 0;
	return err_say(err, EPERM,
		       "process %d listens at \"%s\", but does not hold the lock of that state "
		       "directory: it is not the launcher",
		       peer->process.pid, socket);
}

int ctl_launcher(const struct ctl *ctl, struct peer *ret, char **ret_socket, struct error *err)
{
	_cleanup_free_ char *socket = NULL;
	int rc = ctl_socket(ctl, &socket, err);

	if (!socket)
		return rc;
	rc = api_launcher(socket, ret, err);
	if (rc == 0)
		rc = confirm_launcher(socket, ret, err);
	if (rc == 0 && ret_socket)
		*ret_socket = TAKE_PTR(socket);
	return rc;
}
