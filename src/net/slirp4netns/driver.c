/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * --net=slirp4netns: a user-mode TCP/IP stack (libslirp) that turns the frames of a TAP device in
 * the child's network namespace into ordinary sockets of the host.
 *
 * That the program is missing is known before the clone. Its version is asked for only where it
 * does not get ready, before anything is made of that: executing it twice is a tenth of a launch's
 * work.
 *
 * Sandbox and filter (--slirp4netns-sandbox, --slirp4netns-seccomp) are on unless refused: libslirp
 * parses whatever the target sends. Some machines can't give one or the other (a container's
 * profile, an /etc/resolv.conf that leads out of /etc and /run); then slirp4netns dies before it is
 * ready, and where the user left the choice to us, is started once more without.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/config/cidr.h"
#include "slirp4netns.h"

#define VERSION_MS 5000
#define REAP_MS	   1000

#define DEFAULT_MTU 65520
#define MIN_MTU	    68	 /* of a TAP device, and of IPv4: RFC 791 */
#define MIN_MTU6    1280 /* RFC 8200, section 5 */

/* slirp4netns has no options for these. */
#define ADDRESS6 "fd00::100"
#define GATEWAY6 "fd00::2"
#define DNS6	 "fd00::3"

static struct cidr network_of(const struct config *config)
{
	if (config->cidr.prefix > 0)
		return config->cidr;
	return (struct cidr){.address.s_addr = htonl(0x0a000200), .prefix = 24}; /* 10.0.2.0 */
}

static int slirp_plan(const struct config *config, struct net_plan *ret, struct error *err)
{
	struct cidr cidr = network_of(config);
	struct net_plan plan = {
		.own_netns = true,
		.configures_dns = true,
		.mtu = config->mtu > 0 ? config->mtu : DEFAULT_MTU,
		.prefix = cidr.prefix,
		.address = cidr_host(&cidr, 100),
		.gateway = cidr_host(&cidr, 2),
		.dns = cidr_host(&cidr, 3),
		.ipv6 = config->ipv6,
	};
	unsigned min_mtu = config->ipv6 ? MIN_MTU6 : MIN_MTU;

	if (plan.mtu < min_mtu)
		return err_say(err, EINVAL, "--mtu: %u is too small: at least %u%s", plan.mtu,
			       min_mtu, config->ipv6 ? " with --ipv6" : "");
	if (str_print(plan.ifname, sizeof(plan.ifname), "%s",
		      config->ifname ? config->ifname : "tap0") < 0)
		return err_say(err, EINVAL, "--ifname: %s is too long", config->ifname);
	if (plan.ipv6) {
		inet_pton(AF_INET6, ADDRESS6, &plan.address6);
		inet_pton(AF_INET6, GATEWAY6, &plan.gateway6);
		inet_pton(AF_INET6, DNS6, &plan.dns6);
	}
	*ret = plan;
	return 0;
}

/* In a detached namespace, as RootlessKit has it, they are off unless asked for, which is refused.
 */
static bool shield_wanted(const struct net *net, enum tristate option)
{
	return option == TRI_TRUE || (option == TRI_AUTO && !net->plan.detached);
}

static int slirp_check(struct net *net, struct error *err)
{
	const char *binary = net->config->slirp4netns_binary;
	_cleanup_free_ char *path = NULL;
	struct slirp *s;
	int rc = path_find(binary, &path);

	if (rc < 0)
		return err_step(err,
				err_set(err, -rc, "starting slirp4netns: executing \"%s\"", binary),
				STEP_SLIRP);
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(err, ENOMEM, "starting slirp4netns");
	s->net = net;
	s->cidr = network_of(net->config);
	s->helper = HELPER_NONE;
	s->health = SLIRP_HEALTH_NONE;
	s->ready = s->exit = s->preload = -1;
	s->shields.sandbox = shield_wanted(net, net->config->slirp4netns_sandbox);
	s->shields.seccomp = shield_wanted(net, net->config->slirp4netns_seccomp);
	net->state = s;
	return 0;
}

/* Is it slirp4netns at all, and not too old? 0 or -errno */
static int check_version(const struct slirp *s, struct error *err)
{
	const char *binary = s->net->config->slirp4netns_binary;
	const char *argv[] = {binary, "--version", NULL};
	const struct helper_spec spec = {.argv = argv, .role = "slirp4netns --version"};
	struct deadline deadline = deadline_in(VERSION_MS);
	_cleanup_(helper_stop) struct helper helper = HELPER_NONE;
	struct slirp_version version;
	int status, rc = helper_start(&helper, &spec, err);

	if (rc == 0)
		rc = helper_finish(&helper, 1, &deadline, s->net->cancel_fd, &status, err);
	if (rc < 0)
		return rc;
	if (slirp_version_parse(helper.text, &version) < 0)
		return err_say(err, EPROTO, "%s --version does not tell a version: \"%s\"", binary,
			       helper.text);
	(void)str_print(s->net->version, sizeof(s->net->version), "%u.%u.%u", version.major,
			version.minor, version.patch);
	log_debug("slirp4netns %u.%u.%u with libslirp %u.%u.%u", version.major, version.minor,
		  version.patch, version.libslirp_major, version.libslirp_minor,
		  version.libslirp_patch);
	if (!slirp_version_sufficient(&version))
		return err_say(err, EOPNOTSUPP, "%s is version %u.%u.%u: 0.4.0 or newer is needed",
			       binary, version.major, version.minor, version.patch);
	return 0;
}

static int slirp_settle(struct net *net, struct error *err)
{
	int rc = check_version(net->state, err);

	return rc < 0 ? err_step(err, rc, STEP_SLIRP) : 0;
}

/* Where that fails, slirp_is_up() tells. */
static void shut_loopback(struct slirp *s)
{
	int rc = s->net->config->disable_host_loopback ? slirp_preload_open(s) : 0;

	if (rc < 0)
		log_debug("making the object that slirp4netns loads: %s", strerror(-rc));
}

static int slirp_prepare(struct net *net, struct error *err)
{
	(void)err;
	shut_loopback(net->state);
	return 0;
}

static int slirp_start(struct net *net, struct error *err)
{
	return err_step(err, slirp_run(net->state, err), STEP_SLIRP);
}

/* It has closed ready-fd without a word: it is dying. Reap it and say why. */
static int reap_unready(struct slirp *s, struct error *err)
{
	struct deadline deadline = deadline_in(REAP_MS);
	char reason[512];
	int status, rc;

	rc = process_wait(&s->helper.process, &deadline, s->net->cancel_fd, &status);
	if (rc < 0) {
		helper_stop(&s->helper);
		slirp_is_down(s);
		return err_set(err, -rc, "slirp4netns has given up and does not end");
	}
	slirp_death_reason(s, status, reason, sizeof(reason));
	slirp_is_down(s);
	return err_say(err, ECHILD, "slirp4netns died before it was ready: %s", reason);
}

/* Wait for the run that has been started. -ECHILD: it has died. */
static int await_ready(struct slirp *s, struct error *err)
{
	struct deadline deadline = deadline_in(SLIRP_READY_MS);
	int rc, ready = -EAGAIN;

	do {
		rc = fd_wait(s->ready, POLLIN, &deadline, s->net->cancel_fd);
		if (rc == 0)
			ready = slirp_take_ready(s);
	} while (rc == 0 && ready == -EAGAIN);
	if (rc == -ETIMEDOUT)
		return err_say(err, ETIMEDOUT, "slirp4netns is not ready after %d s",
			       SLIRP_READY_MS / 1000);
	if (rc < 0)
		return err_set(err, -rc, "waiting for slirp4netns");
	if (ready <= 0)
		return reap_unready(s, err);
	slirp_is_up(s);
	return 0;
}

static int slirp_wait_ready(struct net *net, struct error *err)
{
	struct slirp *s = net->state;
	const struct slirp_shields required = {
		.sandbox = net->config->slirp4netns_sandbox == TRI_TRUE,
		.seccomp = net->config->slirp4netns_seccomp == TRI_TRUE,
	};
	struct error too_old;
	int rc = await_ready(s, err);

	if (rc == -ECHILD && check_version(s, &too_old) < 0) {
		*err = too_old;
		rc = -err->code;
	}
	if (rc == -ECHILD &&
	    (s->shields.sandbox != required.sandbox || s->shields.seccomp != required.seccomp)) {
		bool sandbox = s->shields.sandbox && !required.sandbox;
		bool seccomp = s->shields.seccomp && !required.seccomp;

		log_warning("%s; trying without its %s", err->text,
			    sandbox && seccomp ? "sandbox and seccomp filter"
			    : sandbox	       ? "sandbox"
					       : "seccomp filter");
		s->shields = required;
		rc = slirp_run(s, err);
		if (rc == 0)
			rc = await_ready(s, err);
	}
	return rc < 0 ? err_step(err, rc, STEP_SLIRP) : 0;
}

static bool slirp_owns(const struct net *net, pid_t pid)
{
	const struct slirp *s = net->state;

	return s && pid == s->helper.process.pid;
}

static void slirp_stop(struct net *net)
{
	struct slirp *s = net->state;

	if (!s)
		return;
	slirp_kill(net);
	helper_stop(&s->helper);
	slirp_is_down(s);
	slirp_health_clear(&s->health);
	fd_close(s->preload);
	free(s);
	net->state = NULL;
}

const struct net_driver net_driver_slirp4netns = {
	.mode = NET_SLIRP4NETNS,
	.name = "slirp4netns",
	.plan = slirp_plan,
	.check = slirp_check,
	.settle = slirp_settle,
	.set_up = &slirp_set_up,
	.prepare = slirp_prepare,
	.start = slirp_start,
	.wait_ready = slirp_wait_ready,
	.supervise = slirp_supervise,
	.owns = slirp_owns,
	.child_ended = slirp_child_ended,
	.kill = slirp_kill,
	.stop = slirp_stop,
};
