/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One run of a helper, the first as well as any later one:
 *
 * 1. A helper wants the PID of a process in the namespaces that it shall join. The target's own may
 *    have moved on to others, or may be closed to us; and its user namespace is not for helpers. So
 *    a holder in the middle user namespace joins the pinned network for the time of the start. The
 *    first one is the middle process of the launch.
 * 2. The holder makes a persistent TAP device and gives it the addresses and routes. It finds the
 *    device of the run before there, with all that the target may have done to it since, and leaves
 *    it alone; so connections survive, and no helper is asked to configure the device.
 * 3. The helper reports over a pipe that all is set up, and the holder has served. Joining a user
 *    namespace can undo the signal at the parent's death (man 2 prctl), so a helper has to notice
 *    the launcher's end in another way: by a second pipe whose other end we hold as long as we
 *    live, or by the end of the holder, which then stays as long as the helper runs.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/net/link.h"

/* For steps that are ours alone and take a millisecond each: in the event loop nothing else goes on
 * meanwhile, so what a target may do to a runner must not hold the launcher for long. */
#define STEP_MS 2000

/* In the child's network namespace. */
static int set_up_link_in_ns(void *arg, struct error *err)
{
	const struct net_plan *plan = arg;
	_cleanup_close_ int tap = -1;
	bool created;
	int rc = tap_open(plan->ifname, &tap, &created, err);

	if (rc < 0 || !created)
		return rc;
	rc = link_up_loopback(err);
	if (rc == 0)
		rc = link_configure(plan, err);
	if (rc < 0)
		tap_discard(tap);
	return rc;
}

const struct ns_job net_helper_set_up = {.name = "fauxroot: hold", .run = set_up_link_in_ns};

static void clear_command(struct net_helper_command *command)
{
	strv_clear(&command->argv);
	strv_clear(&command->env);
}

static int open_pipe(const struct net_helper *h, int *ret_read, int *ret_write, struct error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, errno, "creating a pipe for %s", h->ops->name);
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

/* The driver's words, and its environment. */
static int compose(struct net_helper *h, struct net_helper_command *command, struct error *err)
{
	int rc = strv_add(&command->argv, h->ops->binary(h->net->config));

	if (rc == 0)
		rc = h->ops->arguments(h, command);
	return rc < 0 ? err_set(err, ENOMEM, "gathering the arguments of %s", h->ops->name) : 0;
}

/* Execute it on the holder. */
static int execute(struct net_helper *h, struct error *err)
{
	_cleanup_close_ int ready = -1, ready_peer = -1, exit_fd = -1, exit_peer = -1;
	_cleanup_(clear_command) struct net_helper_command command = {.keep = -1};
	struct helper_spec spec = {.role = h->ops->name};
	int keep[3], rc;

	rc = open_pipe(h, &ready, &ready_peer, err);
	if (rc == 0)
		rc = open_pipe(h, &exit_peer, &exit_fd, err);
	if (rc < 0)
		return rc;
	if (fcntl(ready, F_SETFL, O_NONBLOCK) < 0)
		return err_set(err, errno, "creating a pipe for %s", h->ops->name);
	command.ready = h->ops->ready_on_stdout ? STDOUT_FILENO : ready_peer;
	command.exit = exit_peer;
	rc = compose(h, &command, err);
	if (rc < 0)
		return rc;
	keep[0] = ready_peer;
	keep[1] = exit_peer;
	keep[2] = command.keep;
	spec.argv = (const char *const *)command.argv.items;
	spec.env = (const char *const *)command.env.items;
	spec.keep = keep;
	spec.n_keep = ARRAY_SIZE(keep);
	spec.stdout_to = h->ops->ready_on_stdout ? ready_peer : 0;
	rc = helper_start(&h->program, &spec, err);
	if (rc < 0)
		return rc;
	h->ready = TAKE_FD(ready);
	h->exit = TAKE_FD(exit_fd);
	return 0;
}

static void end_holder(const struct net_helper *h)
{
	if (h->net->holder.process.pid > 0)
		kill(h->net->holder.process.pid, SIGKILL);
}

int net_helper_run(struct net_helper *h, struct error *err)
{
	struct deadline deadline = deadline_in(STEP_MS);
	int rc = net_work(h->net, &deadline, err);

	if (rc < 0)
		return rc;
	rc = execute(h, err);
	if (rc < 0) {
		net_helper_is_down(h);
		return err_wrap(err, rc, "starting %s", h->ops->name);
	}
	h->state = NET_HELPER_STARTING;
	return 0;
}

int net_helper_take_ready(struct net_helper *h)
{
	for (;;) {
		char byte;
		ssize_t n = read(h->ready, &byte, 1);
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		rc = n == 0 ? -EPIPE : h->ops->take_ready(h, byte);
		if (rc != NET_HELPER_NOT_YET)
			return rc == NET_HELPER_READY;
	}
}

void net_helper_is_up(struct net_helper *h)
{
	/* The holder is not waited for: the launch goes on, and the loop reaps it. */
	if (!h->ops->holder_stays)
		end_holder(h);
	h->ready = fd_close(h->ready);
	if (h->ops->up)
		h->ops->up(h);
	/* What it said while starting is not what it dies of. */
	helper_drain(&h->program);
	h->program.text_size = 0;
	h->program.text[0] = '\0';
	h->state = NET_HELPER_UP;
}

void net_helper_is_down(struct net_helper *h)
{
	end_holder(h);
	h->ready = fd_close(h->ready);
	h->program.output = fd_close(h->program.output);
	h->exit = fd_close(h->exit);
	h->state = NET_HELPER_DOWN;
}

void net_helper_death_reason(struct net_helper *h, int status, char *ret, size_t size)
{
	char status_text[64], complaint[256];

	if (h->reason[0] != '\0') {
		snprintf(ret, size, "%s", h->reason);
		h->reason[0] = '\0';
		return;
	}
	helper_drain(&h->program);
	net_helper_complaint(h->ops, h->program.text, complaint, sizeof(complaint));
	process_status_text(status, status_text, sizeof(status_text));
	if (WIFSIGNALED(status) || complaint[0] == '\0')
		snprintf(ret, size, "%s", status_text);
	else
		snprintf(ret, size, "%s: %s", status_text, complaint);
}
