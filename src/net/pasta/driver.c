/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --net=pasta: passt's program that turns the frames of a TAP device in the child's network
 * namespace into ordinary sockets of the host. net/helper/ starts it and keeps it running; this
 * file has the details of the program.
 *
 * All versions take the PID of a process in the namespaces; the ways to name the namespaces
 * themselves differ by version. pasta closes inherited descriptors, so it reports on its standard
 * output: with -P it writes its PID there when everything is set up. It ignores the launcher's
 * exit, and the versions until 2023 outlive the namespaces, too: the holder kills it.
 *
 * The device and its addresses are ours: without --config-net pasta changes nothing, and the device
 * stays when pasta dies. -T none and -U none are essential: by default pasta opens a port on the
 * child's loopback for each port that listens on the host's loopback. DNS is relayed by our own
 * name service (names/): without --dns-forward pasta forwards no DNS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "../helper/helper.h"
#include "pasta.h"

static const char *binary(const struct config *config)
{
	return config->pasta.binary;
}

static int judge_version(struct net *net, int status, const char *text, struct error *err)
{
	const char *program = net->config->pasta.binary;

	(void)status;
	if (pasta_version_parse(text, net->version, sizeof(net->version)) == 0)
		return 0;
	return err_about(
		err, err_say(err, EPROTO, "%s --version printed no version: \"%s\"", program, text),
		REASON_OTHER_PROGRAM, "%s", program);
}

/* pasta checks an IPv4-mapped address as one of IPv6, and converts it to IPv4 only when it opens
 * the socket. */
static int check(const struct config *config, struct error *err)
{
	const char *program = config->pasta.binary;
	int rc;

	if (!config->disable_host_loopback || !config->ipv6)
		return 0;
	rc = err_say(err, EOPNOTSUPP,
		     "%s cannot enforce --disable-host-loopback together with --ipv6: datagrams to "
		     "::ffff:127.0.0.1 reach the host's loopback",
		     program);
	return err_about(err, rc, REASON_TOO_OLD, "%s", program);
}

static bool forbids_loopback(const struct config *config)
{
	return config->disable_host_loopback;
}

static bool forwards_by_itself(const struct config *config)
{
	return config->port_driver == PORT_IMPLICIT;
}

/*
 * pasta of 2023 lets frames that the child writes to the device reach the host's loopback. Newer
 * versions drop frames with a loopback address. No option came with that change, so test for one of
 * 2024.
 */
static const char *const no_loopback[] = {"--map-host-loopback", "none", NULL};

/* Before this option, ports are forwarded only together with -T auto, which opens the loopback. */
static const char *const to_loopback[] = {"--host-lo-to-ns-lo", NULL};

static const struct net_helper_feature features[] = {
	{"--disable-host-loopback", forbids_loopback, no_loopback},
	{"--port-driver=implicit", forwards_by_itself, to_loopback},
	{.option = NULL},
};

static int add_words(struct strv *argv, const char *const *words)
{
	int rc = 0;

	for (; rc == 0 && *words; words++)
		rc = strv_add(argv, *words);
	return rc;
}

static int add_address(struct strv *argv, const char *option, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];
	int rc = strv_add(argv, option);

	return rc < 0 ? rc : strv_add(argv, inet_ntop(family, address, text, sizeof(text)));
}

static int add_network(const struct net_plan *plan, struct strv *argv)
{
	static const char *const no_services[] = {"--no-dhcp", "--no-dhcpv6", "--no-ra", NULL};
	int rc = strv_add(argv, "--ns-ifname");

	if (rc == 0)
		rc = strv_add(argv, plan->ifname);
	if (rc == 0)
		rc = strv_addf(argv, "--mtu=%u", plan->mtu);
	if (rc == 0)
		rc = add_address(argv, "--address", AF_INET, &plan->address);
	if (rc == 0)
		rc = strv_addf(argv, "--netmask=%u", plan->prefix);
	if (rc == 0)
		rc = add_address(argv, "--gateway", AF_INET, &plan->gateway);
	if (rc == 0 && !plan->ipv6)
		rc = strv_add(argv, "--ipv4-only");
	if (rc == 0 && plan->ipv6)
		rc = add_address(argv, "--address", AF_INET6, &plan->address6);
	if (rc == 0 && plan->ipv6)
		rc = add_address(argv, "--gateway", AF_INET6, &plan->gateway6);
	if (rc == 0)
		rc = add_words(argv, no_services);
	return rc;
}

static int add_ports(const struct config *config, struct strv *argv)
{
	static const char *const none[] = {"-t", "none", "-u", "none", NULL};
	static const char *const all[] = {"-t", "auto", "-u", "auto", NULL};
	static const char *const closed[] = {"-T", "none", "-U", "none", NULL};
	bool implicit = forwards_by_itself(config);
	int rc = add_words(argv, implicit ? all : none);

	if (rc == 0 && implicit)
		rc = add_words(argv, to_loopback);
	return rc < 0 ? rc : add_words(argv, closed);
}

static int arguments(struct net_helper *h, struct net_helper_command *command)
{
	static const char *const first[] = {"--foreground", "--quiet", "--pid", NULL};
	const struct config *config = h->net->config;
	struct strv *argv = &command->argv;
	int rc = add_words(argv, first);

	if (rc == 0)
		rc = strv_addf(argv, "/proc/self/fd/%d", command->ready);
	if (rc == 0)
		rc = add_network(&h->net->plan, argv);
	if (rc == 0 && config->disable_host_loopback)
		rc = strv_add(argv, "--no-map-gw");
	if (rc == 0 && config->disable_host_loopback)
		rc = add_words(argv, no_loopback);
	if (rc == 0)
		rc = add_ports(config, argv);
	return rc < 0 ? rc : strv_addf(argv, "%d", h->net->holder.process.pid);
}

/* "PID\n" */
static int take_ready(struct net_helper *h, char byte)
{
	(void)h;
	if (byte == '\n')
		return NET_HELPER_READY;
	return byte >= '0' && byte <= '9' ? NET_HELPER_NOT_YET : -EPROTO;
}

static const char *const version_args[] = {"--version", NULL};

static const struct net_helper_ops pasta_ops = {
	.name = "pasta",
	.binary = binary,
	.version_args = version_args,
	.judge_version = judge_version,
	.check = check,
	.features = features,
	.interpret = pasta_interpret,
	.arguments = arguments,
	.take_ready = take_ready,
	.ready_on_stdout = true,
	.holder_stays = true,
	.chatter = pasta_chatter,
};

const struct net_driver net_driver_pasta = {
	.mode = NET_PASTA,
	.name = "pasta",
	.helper = &pasta_ops,
	NET_HELPER_HOOKS,
};
