/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --net=slirp4netns: a user-mode TCP/IP stack (libslirp) that turns the frames of a TAP device in
 * the child's network namespace into ordinary sockets of the host. net/helper/ starts it and keeps
 * it running; this file has the details of the program.
 *
 * slirp4netns writes to --ready-fd when everything is set up, sandbox and filter included. It exits
 * when the other end of --exit-fd is closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/sys/unix.h"
#include "../helper/helper.h"
#include "preload/preload.h"
#include "slirp4netns.h"

/* net_helper.own */
struct slirp {
	int preload;	/* the object that blocks the host's loopback; -1: none */
	bool preloaded; /* this run has called the object */
	bool has_dns;	/* this version has no option to disable its own DNS */
};

#define DISABLE_DNS "--disable-dns"

enum {
	SANDBOX = 1U << 0, /* --enable-sandbox: an empty root directory, no capabilities */
	SECCOMP = 1U << 1, /* --enable-seccomp */
};

static const char *const shields[] = {"sandbox", "seccomp filter", NULL};

static const char *binary(const struct config *config)
{
	return config->slirp4netns.binary;
}

/* As in RootlessKit: off with --detach-netns; =true is refused there. */
static bool shield_wanted(const struct net *net, enum tristate option)
{
	return option == TRI_TRUE || (option == TRI_AUTO && !net->plan.detached);
}

static void choose_shields(const struct net *net, unsigned *ret_wanted, unsigned *ret_required)
{
	enum tristate sandbox = net->config->slirp4netns.sandbox;
	enum tristate seccomp = net->config->slirp4netns.seccomp;

	*ret_wanted = (shield_wanted(net, sandbox) ? SANDBOX : 0U) |
		      (shield_wanted(net, seccomp) ? SECCOMP : 0U);
	*ret_required = (sandbox == TRI_TRUE ? SANDBOX : 0U) | (seccomp == TRI_TRUE ? SECCOMP : 0U);
}

static int judge_version(struct net *net, int status, const char *text, struct error *err)
{
	const char *program = net->config->slirp4netns.binary;
	struct slirp_version version;

	(void)status;
	if (slirp_version_parse(text, &version) < 0)
		return err_about(err,
				 err_say(err, EPROTO, "%s --version printed no version: \"%s\"",
					 program, text),
				 REASON_OTHER_PROGRAM, "%s", program);
	(void)str_print(net->version, sizeof(net->version), "%u.%u.%u", version.major,
			version.minor, version.patch);
	log_debug("slirp4netns %u.%u.%u with libslirp %u.%u.%u", version.major, version.minor,
		  version.patch, version.libslirp_major, version.libslirp_minor,
		  version.libslirp_patch);
	if (!slirp_version_sufficient(&version))
		return err_about(err,
				 err_say(err, EOPNOTSUPP,
					 "%s is version %u.%u.%u: 0.4.0 or newer is needed",
					 program, version.major, version.minor, version.patch),
				 REASON_TOO_OLD, "%s", program);
	return 0;
}

static void init(struct net_helper *h)
{
	struct slirp *s = h->own;

	s->preload = -1;
}

/* If this fails, is_up() warns. */
static void open_preload(struct net_helper *h)
{
	struct slirp *s = h->own;
	int rc = h->net->config->disable_host_loopback ? slirp_preload_open(&s->preload) : 0;

	if (rc < 0)
		log_debug("creating the preloaded object of slirp4netns: %s", strerror(-rc));
}

static void release(struct net_helper *h)
{
	struct slirp *s = h->own;

	s->preload = fd_close(s->preload);
}

static int add_network(const struct net_plan *plan, struct strv *argv)
{
	struct in_addr network = {plan->address.s_addr & htonl(~0U << (32 - plan->prefix))};
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &network, text, sizeof(text));
	return strv_addf(argv, "--cidr=%s/%u", text, plan->prefix);
}

static int arguments(struct net_helper *h, struct net_helper_command *command)
{
	const struct net *net = h->net;
	struct slirp *s = h->own;
	struct strv *argv = &command->argv;
	int rc = strv_addf(argv, "--ready-fd=%d", command->ready);

	if (rc == 0)
		rc = strv_addf(argv, "--exit-fd=%d", command->exit);
	if (rc == 0)
		rc = strv_addf(argv, "--mtu=%u", net->plan.mtu);
	if (rc == 0)
		rc = add_network(&net->plan, argv);
	if (rc == 0 && net->config->disable_host_loopback)
		rc = strv_add(argv, "--disable-host-loopback");
	/* DNS is relayed by our own name service (names/). */
	if (rc == 0 && !s->has_dns)
		rc = strv_add(argv, DISABLE_DNS);
	if (rc == 0 && net->plan.ipv6)
		rc = strv_add(argv, "--enable-ipv6");
	if (rc == 0 && net->endpoint)
		rc = strv_addf(argv, "--api-socket=%s", net->endpoint);
	if (rc == 0 && (h->shields & SANDBOX))
		rc = strv_add(argv, "--enable-sandbox");
	if (rc == 0 && (h->shields & SECCOMP))
		rc = strv_add(argv, "--enable-seccomp");
	if (rc == 0)
		rc = strv_add(argv, "--");
	if (rc == 0)
		rc = strv_addf(argv, "%d", net->holder.process.pid);
	if (rc == 0)
		rc = strv_add(argv, net->plan.ifname);
	command->keep = s->preload;
	s->preloaded = false;
	return rc < 0 ? rc : slirp_preload_env(s->preload, command->ready, &command->env);
}

/* The DNS of slirp4netns does no harm: the name service's addresses are on lo, so slirp4netns gets
 * no packet for them. */
static bool adapt(struct net_helper *h, const char *text)
{
	struct slirp *s = h->own;

	/* "unrecognized option '--disable-dns'"; the words depend on the C library. */
	if (s->has_dns || !strstr(text, "disable-dns"))
		return false;
	log_debug("this slirp4netns does not know %s", DISABLE_DNS);
	s->has_dns = true;
	return true;
}

/* The preloaded object writes to the same descriptor, before slirp4netns does. */
static int take_ready(struct net_helper *h, char byte)
{
	struct slirp *s = h->own;

	if (byte == PRELOAD_BYTE) {
		s->preloaded = true;
		return NET_HELPER_NOT_YET;
	}
	return byte == '1' ? NET_HELPER_READY : -EPROTO;
}

static void is_up(struct net_helper *h)
{
	const char *endpoint = h->net->endpoint;
	const struct slirp *s = h->own;
	/* slirp4netns made it with the caller's umask. Until now its directory protects it. */
	int rc = endpoint ? unix_chmod(endpoint, 0600) : 0;

	if (rc < 0)
		log_warning("%s: %s", endpoint, strerror(-rc));
	if (h->net->config->disable_host_loopback && !s->preloaded)
		log_warning("--disable-host-loopback: %s did not load the object that checks its "
			    "addresses (is it linked statically?): frames forged by the command "
			    "can reach the host's loopback",
			    h->net->config->slirp4netns.binary);
}

static const char *const version_args[] = {"--version", NULL};

const struct net_helper_ops slirp_ops = {
	.name = "slirp4netns",
	.binary = binary,
	.version_args = version_args,
	.judge_version = judge_version,
	.shields = shields,
	.choose_shields = choose_shields,
	.own_size = sizeof(struct slirp),
	.init = init,
	.prepare = open_preload,
	.release = release,
	.arguments = arguments,
	.adapt = adapt,
	.take_ready = take_ready,
	.chatter = slirp_chatter,
	.up = is_up,
};

const struct net_driver net_driver_slirp4netns = {
	.mode = NET_SLIRP4NETNS,
	.name = "slirp4netns",
	.helper = &slirp_ops,
	.endpoint = "s4n.sock",
	NET_HELPER_HOOKS,
};
