/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One run of a helper, the first or a later one:
 *
 * 1. A helper takes the PID of a process in the namespaces that it joins. The target's PID is not
 *    usable: the target may have moved to other namespaces or may not be accessible to us, and
 *    helpers do not belong in its user namespace. So a holder in the middle user namespace joins
 *    the pinned network namespace while the helper starts. The first holder is the middle process
 *    of the launch.
 * 2. The holder makes a persistent TAP device and sets its addresses and routes. The holder of a
 *    later run finds the device of the run before, with all changes by the target, and does not
 *    change it: helpers do not configure the device. It ends the connections of the run before.
 * 3. The helper reports over a pipe that it is ready; then the holder is no longer needed. Joining
 *    a user namespace can clear the parent-death signal (man 2 prctl), so a helper detects the
 *    launcher's exit in another way: by end of file on a second pipe, whose other end the launcher
 *    keeps open. Some helpers cannot do this. Then the holder stays, and kills the helper when the
 *    launcher exits.
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
#include "fauxroot/base/log.h"
#include "fauxroot/net/connections.h"
#include "fauxroot/net/link.h"

/* For our own steps, which take a millisecond each. They block the event loop: a target that
 * disturbs a runner must not block the launcher for long. */
#define STEP_MS 2000

/* A failure only means that the command waits longer for dead connections. */
static void end_connections(const struct net_plan *plan)
{
	struct error err;
	int n = connections_end(plan, &err);

	if (n < 0)
		log_debug("connections through %s: %s", plan->ifname, err.text);
	if (n > 0)
		log_debug("connections through %s: %d ended", plan->ifname, n);
}

/* In the child's network namespace. */
static int set_up_link_in_ns(void *arg, struct error *err)
{
	const struct net_plan *plan = arg;
	_cleanup_close_ int tap = -1;
	bool created;
	int rc = tap_open(plan->ifname, &tap, &created, err);

	if (rc < 0)
		return rc;
	if (!created) {
		end_connections(plan);
		return 0;
	}
	rc = link_up_loopback(err);
	if (rc == 0)
		rc = link_configure(plan, err);
	link_choose_congestion_control();
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

/* The program, and the driver's arguments and environment. */
static int compose(struct net_helper *h, struct net_helper_command *command, struct error *err)
{
	int rc = strv_add(&command->argv, h->ops->binary(h->net->config));

	if (rc == 0)
		rc = h->ops->arguments(h, command);
	return rc < 0 ? err_set(err, ENOMEM, "composing the arguments of %s", h->ops->name) : 0;
}

/* Execute the program on the holder. */
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

static void kill_holder(const struct net_helper *h)
{
	if (h->net->holder.process.pid > 0)
		kill(h->net->holder.process.pid, SIGKILL);
}

int net_helper_run(struct net_helper *h, struct error *err)
{
	struct deadline deadline = deadline_in(STEP_MS);
	int rc = net_set_up(h->net, &deadline, err);

	if (rc < 0)
		return rc;
	rc = execute(h, err);
	if (rc == 0 && h->ops->holder_stays) {
		rc = ns_holder_guard(&h->net->holder, h->program.process.pidfd);
		if (rc < 0)
			(void)err_set(err, -rc, "passing %s to its holder", h->ops->name);
	}
	if (rc < 0) {
		helper_stop(&h->program);
		net_helper_enter_down(h);
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

void net_helper_enter_up(struct net_helper *h)
{
	/* Do not wait for the holder: the launch continues, and the event loop reaps it. */
	if (!h->ops->holder_stays)
		kill_holder(h);
	h->ready = fd_close(h->ready);
	if (h->ops->up)
		h->ops->up(h);
	/* Messages from the start do not explain a later death. */
	helper_drain(&h->program);
	h->program.text_size = 0;
	h->program.text[0] = h->program.first[0] = '\0';
	h->state = NET_HELPER_UP;
}

void net_helper_enter_down(struct net_helper *h)
{
	kill_holder(h);
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
