/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One run of slirp4netns, the first as well as any later one:
 *
 * 1. slirp4netns wants the PID of a process in the namespaces that it shall join. The target's own
 *    may have moved on to others, or may be closed to us; and its user namespace is not for
 * helpers. So a holder in the middle user namespace joins the pinned network for the time of the
 * start. The first one is the middle process of the launch.
 * 2. The holder makes a persistent TAP device and gives it the addresses and routes. It finds the
 *    device of the run before there, with all that the target may have done to it since, and leaves
 *    it alone; so connections survive, and --configure is not ours to pass.
 * 3. slirp4netns writes to ready-fd when all is set up, sandbox and filter included; the holder has
 *    served. exit-fd is a pipe of which we hold the other end as long as we live: joining the user
 *    namespace for the sandbox can undo the signal at the parent's death (man 2 prctl).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/net/link.h"
#include "fauxroot/sys/unix.h"
#include "preload/preload.h"
#include "slirp4netns.h"

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

const struct ns_job slirp_set_up = {.name = "fauxroot: hold", .run = set_up_link_in_ns};

static int add_arguments(const struct slirp *s, int ready, int exit_fd, struct strv *argv)
{
	const struct config *config = s->net->config;
	char network[INET_ADDRSTRLEN];
	int rc = strv_add(argv, config->slirp4netns_binary);

	inet_ntop(AF_INET, &s->cidr.address, network, sizeof(network));
	if (rc == 0)
		rc = strv_addf(argv, "--ready-fd=%d", ready);
	if (rc == 0)
		rc = strv_addf(argv, "--exit-fd=%d", exit_fd);
	if (rc == 0)
		rc = strv_addf(argv, "--mtu=%u", s->net->plan.mtu);
	if (rc == 0)
		rc = strv_addf(argv, "--cidr=%s/%u", network, s->cidr.prefix);
	if (rc == 0 && config->disable_host_loopback)
		rc = strv_add(argv, "--disable-host-loopback");
	if (rc == 0 && s->net->plan.ipv6)
		rc = strv_add(argv, "--enable-ipv6");
	if (rc == 0 && s->net->port_socket)
		rc = strv_addf(argv, "--api-socket=%s", s->net->port_socket);
	if (rc == 0 && s->shields.sandbox)
		rc = strv_add(argv, "--enable-sandbox");
	if (rc == 0 && s->shields.seccomp)
		rc = strv_add(argv, "--enable-seccomp");
	if (rc == 0)
		rc = strv_add(argv, "--");
	if (rc == 0)
		rc = strv_addf(argv, "%d", s->net->holder.process.pid);
	return rc == 0 ? strv_add(argv, s->net->plan.ifname) : rc;
}

static int open_pipe(int *ret_read, int *ret_write, struct error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, errno, "making a pipe for slirp4netns");
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

/* Execute it on the holder. */
static int execute(struct slirp *s, struct error *err)
{
	_cleanup_close_ int ready = -1, ready_peer = -1, exit_fd = -1, exit_peer = -1;
	_cleanup_strv_ struct strv argv = {0}, env = {0};
	struct helper_spec spec = {.role = "slirp4netns"};
	int keep[3], rc;

	rc = open_pipe(&ready, &ready_peer, err);
	if (rc == 0)
		rc = open_pipe(&exit_peer, &exit_fd, err);
	if (rc < 0)
		return rc;
	if (fcntl(ready, F_SETFL, O_NONBLOCK) < 0)
		return err_set(err, errno, "making a pipe for slirp4netns");
	if (add_arguments(s, ready_peer, exit_peer, &argv) < 0 ||
	    slirp_preload_env(s, ready_peer, &env) < 0)
		return err_set(err, ENOMEM, "gathering the arguments of slirp4netns");
	keep[0] = ready_peer;
	keep[1] = exit_peer;
	keep[2] = s->preload;
	spec.argv = (const char *const *)argv.items;
	spec.env = (const char *const *)env.items;
	spec.keep = keep;
	spec.n_keep = ARRAY_SIZE(keep);
	rc = helper_start(&s->helper, &spec, err);
	if (rc < 0)
		return rc;
	s->preloaded = false;
	s->ready = TAKE_FD(ready);
	s->exit = TAKE_FD(exit_fd);
	return 0;
}

/* What only serves the start. The holder is not waited for: the launch goes on, and the loop reaps
 * it. */
static void end_start(struct slirp *s)
{
	if (s->net->holder.process.pid > 0)
		kill(s->net->holder.process.pid, SIGKILL);
	s->ready = fd_close(s->ready);
}

int slirp_run(struct slirp *s, struct error *err)
{
	struct deadline deadline = deadline_in(STEP_MS);
	int rc = net_work(s->net, &deadline, err);

	if (rc < 0)
		return rc;
	rc = execute(s, err);
	if (rc < 0) {
		slirp_is_down(s);
		return err_step(err, err_wrap(err, rc, "starting slirp4netns"), STEP_SLIRP);
	}
	s->state = SLIRP_STARTING;
	return 0;
}

int slirp_take_ready(struct slirp *s)
{
	char word;
	ssize_t n;

	do {
		n = read(s->ready, &word, 1);
		if (n == 1 && word == PRELOAD_WORD)
			s->preloaded = true;
	} while ((n < 0 && errno == EINTR) || (n == 1 && word == PRELOAD_WORD));
	if (n < 0)
		return -errno;
	return n == 1 && word == '1';
}

void slirp_is_up(struct slirp *s)
{
	int rc;

	end_start(s);
	/* Made with the caller's umask; nobody else can enter its directory meanwhile. */
	rc = s->net->port_socket ? unix_chmod(s->net->port_socket, 0600) : 0;
	if (rc < 0)
		log_warning("%s: %s", s->net->port_socket, strerror(-rc));
	if (s->net->config->disable_host_loopback && !s->preloaded)
		log_warning("--disable-host-loopback: %s does not load what checks its addresses "
			    "(is it linked statically?): frames of the command's own making can "
			    "reach the host's loopback",
			    s->net->config->slirp4netns_binary);
	/* What it said while starting is not what it dies of. */
	helper_drain(&s->helper);
	s->helper.text_size = 0;
	s->helper.text[0] = '\0';
	s->state = SLIRP_UP;
}

void slirp_is_down(struct slirp *s)
{
	end_start(s);
	s->helper.output = fd_close(s->helper.output);
	s->exit = fd_close(s->exit);
	s->state = SLIRP_DOWN;
}

void slirp_death_reason(struct slirp *s, int status, char *ret, size_t size)
{
	char status_text[64], complaint[256];

	if (s->reason[0] != '\0') {
		snprintf(ret, size, "%s", s->reason);
		s->reason[0] = '\0';
		return;
	}
	helper_drain(&s->helper);
	slirp_complaint(s->helper.text, complaint, sizeof(complaint));
	process_status_text(status, status_text, sizeof(status_text));
	if (WIFSIGNALED(status) || complaint[0] == '\0')
		snprintf(ret, size, "%s", status_text);
	else
		snprintf(ret, size, "%s: %s", status_text, complaint);
}
