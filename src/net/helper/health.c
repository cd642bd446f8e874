/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * waitpid(2) reports a helper that dies or stops, but not a helper that hangs. The counters of the
 * TAP device show whether the helper reads it: the kernel counts a frame as sent when the reader
 * gets it (tun_put_user() in drivers/net/tun.c). So each check sends a meaningless frame to the
 * device. Its EtherType is one for experiments, which user-mode network stacks ignore. If the next
 * check finds that no frame was read, the helper was asleep all the time; after a few such checks
 * it counts as hung. A busy helper reads frames, even if many are lost. A device that the target
 * has brought down gives no evidence, and does not count.
 *
 * A runner makes both sockets, for frames and for the counter, in the child's network namespace.
 * They are used from here: a socket stays in the namespace in which it was made. They are made at
 * the first check, so that a short command does not pay for them.
 */
#include "health.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/net/net.h"
#include "fauxroot/proc/kept.h"

#define OPEN_MS	   2000
#define COUNTER_MS 1000

/* IEEE Std 802: local experimental EtherType 1. */
#define ETHERTYPE_EXPERIMENT 0x88b5

bool net_health_note(struct net_health *health, bool probed, uint64_t taken)
{
	bool silent = health->probed && taken == health->taken;

	health->silent = silent ? health->silent + 1 : 0;
	health->probed = probed;
	health->taken = taken;
	return health->silent >= NET_HEALTH_SILENT_MAX;
}

/* In the order in which the runner returns them. */
enum { FD_FRAMES, FD_COUNTER, FD_COUNT };

struct opener {
	const char *ifname;
	int fds[FD_COUNT];
	struct {
		int ifindex;
	} out;
};

/* ns_job.run. After a failure the process exits, and its sockets with it. */
static int open_inside(void *arg, struct error *err)
{
	struct opener *opener = arg;
	struct netlink counter = NETLINK_NONE;
	int rc;

	opener->out.ifindex = (int)if_nametoindex(opener->ifname);
	if (opener->out.ifindex == 0)
		return err_set(err, errno, "watching %s", opener->ifname);
	/* With protocol 0 a packet socket receives nothing (man 7 packet). */
	opener->fds[FD_FRAMES] = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (opener->fds[FD_FRAMES] < 0)
		return err_set(err, errno, "watching %s", opener->ifname);
	/* A queueing discipline of the command, such as netem, must not hold up the probes (man 7
	 * packet). */
	if (setsockopt(opener->fds[FD_FRAMES], SOL_PACKET, PACKET_QDISC_BYPASS, &(int){1},
		       sizeof(int)) < 0)
		return err_set(err, errno, "bypassing the queueing discipline of %s",
			       opener->ifname);
	rc = netlink_open(NETLINK_ROUTE, COUNTER_MS, &counter, err);
	opener->fds[FD_COUNTER] = counter.fd;
	return rc;
}

static int open_sockets(struct net_health *health, const struct net *net, struct error *err)
{
	struct deadline deadline = deadline_in(OPEN_MS);
	struct opener opener = {.ifname = net->plan.ifname, .fds = {-1, -1}};
	const struct ns_job job = {
		.name = "fauxroot: net",
		.which = NS_JOIN_NET,
		.run = open_inside,
		.arg = &opener,
		.out = &opener.out,
		.out_size = sizeof(opener.out),
		.fds = opener.fds,
		.n_fds = FD_COUNT,
	};
	int rc = ns_run(net->ns, &job, &deadline, net->cancel_fd, err);

	if (rc < 0)
		return rc;
	health->frames = opener.fds[FD_FRAMES];
	health->counter = netlink_of(opener.fds[FD_COUNTER], COUNTER_MS);
	health->ifindex = opener.out.ifindex;
	return 0;
}

/* Returns 0 if a frame waits for the reader: sent now, or the queue is full. -errno: the device is
 * down or removed. */
static int send_probe(const struct net_health *health)
{
	static const char nothing[ETH_ZLEN - ETH_HLEN];
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_EXPERIMENT),
		.sll_ifindex = health->ifindex,
		.sll_halen = ETH_ALEN,
		.sll_addr = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	};

	if (sendto(health->frames, nothing, sizeof(nothing), 0, (struct sockaddr *)&to,
		   sizeof(to)) >= 0 ||
	    errno == ENOBUFS || errno == EAGAIN)
		return 0;
	return -errno;
}

/* Called with the answer to RTM_GETLINK. */
static int take_stats(const struct nlmsghdr *message, void *arg)
{
	struct netlink_span rest = netlink_attributes(message, sizeof(struct ifinfomsg));
	struct rtnl_link_stats64 stats = {0};
	struct netlink_attribute attribute;

	if (message->nlmsg_type != RTM_NEWLINK)
		return -EPROTO;
	while (netlink_next_attribute(&rest, &attribute))
		if (attribute.type == IFLA_STATS64)
			memcpy(&stats, attribute.payload,
			       MIN(sizeof(stats), (size_t)attribute.size));
	*(uint64_t *)arg = stats.tx_packets;
	return 0;
}

/* Get the number of frames that the reader has read. Returns 0 or -errno. */
static int read_counter(struct net_health *health, uint64_t *ret)
{
	const struct ifinfomsg link = {.ifi_index = health->ifindex};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, RTM_GETLINK, 0, &link, sizeof(link));
	return netlink_query(&health->counter, &r, take_stats, ret, "reading a link's counters",
			     NULL);
}

bool net_health_is_hung(struct net_health *health, const struct net *net)
{
	uint64_t taken = 0;
	struct error err;
	bool probed;

	if (health->given_up)
		return false;
	if (health->frames < 0) {
		int rc = open_sockets(health, net, &err);

		if (rc < 0) {
			log_debug("cannot detect whether %s hangs: %s", net->driver->name,
				  err.text);
			/* After a shortage or a timeout the next check tries again. */
			health->given_up = !kept_is_shortage(rc) && rc != -ETIMEDOUT;
			return false;
		}
	}
	/* Read the counter first: a frame read in between then counts at the next check. */
	probed = read_counter(health, &taken) == 0 && send_probe(health) == 0;
	return net_health_note(health, probed, taken);
}

void net_health_clear(struct net_health *health)
{
	fd_close(health->frames);
	netlink_close(&health->counter);
	*health = NET_HEALTH_NONE;
}
