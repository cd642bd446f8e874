/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A slirp4netns that dies or is stopped is told by the reaper; one that hangs is not. Whether it
 * reads its TAP device is seen from the device: the kernel counts a frame as sent when the reader
 * takes it (tun_put_user() in drivers/net/tun.c). So now and then a frame of no meaning goes out on
 * the device, of an EtherType for experiments, which libslirp passes over. If by the next look not
 * a single frame has been taken, slirp4netns was asleep all that time; after a few such looks it is
 * hung. A busy one takes frames, however many are lost; a device that the target has taken down
 * says nothing, and is no reason.
 *
 * Both sockets, for frames and for the counter, are made in the child's network namespace by a
 * runner and used from here: a socket stays in the namespace that it was made in. They are made at
 * the first look, so a command that is over in a moment does not pay for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
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
#include "fauxroot/sys/message.h"
#include "slirp4netns.h"

#define OPEN_MS 2000

/* IEEE Std 802: local experimental EtherType 1. */
#define ETHERTYPE_EXPERIMENT 0x88b5

bool slirp_health_note(struct slirp_health *health, bool probed, uint64_t taken)
{
	bool silent = health->probed && taken == health->taken;

	health->silent = silent ? health->silent + 1 : 0;
	health->probed = probed;
	health->taken = taken;
	return health->silent >= SLIRP_SILENT_MAX;
}

/* What the runner sends out beside the two sockets. */
struct opened {
	int ifindex;
};

struct opener {
	const char *ifname;
	int sock;
};

/* ns_job.run */
static int open_inside(void *arg, struct error *err)
{
	const struct opener *opener = arg;
	struct opened opened = {.ifindex = (int)if_nametoindex(opener->ifname)};
	_cleanup_close_ int frames = -1, counter = -1;

	/* Of protocol 0, a packet socket receives nothing (man 7 packet). */
	frames = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	counter = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (opened.ifindex == 0 || frames < 0 || counter < 0)
		return err_set(err, errno, "watching %s", opener->ifname);
	return message_send(opener->sock, &opened, sizeof(opened), (int[]){frames, counter}, 2);
}

static int open_sockets(struct slirp *s, struct error *err)
{
	struct slirp_health *health = &s->health;
	struct deadline deadline = deadline_in(OPEN_MS);
	_cleanup_close_ int here = -1, there = -1;
	struct opener opener = {.ifname = s->net->plan.ifname};
	struct opened opened;
	int pair[2], fds[2], rc = message_pair(pair);
	size_t n = 2;

	if (rc < 0)
		return err_set(err, -rc, "making a socket pair");
	here = pair[0];
	there = opener.sock = pair[1];
	rc = ns_run(s->net->ns,
		    &(struct ns_job){
			    .name = "fauxroot: net",
			    .which = NS_JOIN_NET,
			    .run = open_inside,
			    .arg = &opener,
			    .keep = &there,
			    .n_keep = 1,
		    },
		    &deadline, s->net->cancel_fd, err);
	if (rc < 0)
		return rc;
	(void)fcntl(here, F_SETFL, O_NONBLOCK);
	if (message_recv(here, &opened, sizeof(opened), fds, &n) != sizeof(opened))
		return err_say(err, EPROTO, "the runner sent no sockets");
	if (n != 2) {
		for (size_t i = 0; i < n; i++)
			fd_close(fds[i]);
		return err_say(err, EPROTO, "the runner sent %zu sockets", n);
	}
	health->frames = fds[0];
	health->counter = fds[1];
	health->ifindex = opened.ifindex;
	return 0;
}

/* Did the frame go out, or was there no room for it? -errno: the device is down, or gone. */
static int send_probe(const struct slirp_health *health)
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

static int take_stats(const struct nlattr *attribute, void *arg)
{
	struct rtnl_link_stats64 *stats = arg;

	if (mnl_attr_get_type(attribute) == IFLA_STATS64)
		memcpy(stats, mnl_attr_get_payload(attribute),
		       MIN(sizeof(*stats), mnl_attr_get_payload_len(attribute)));
	return MNL_CB_OK;
}

/* How many frames the reader has taken; 0 or -errno. */
static int read_counter(const struct slirp_health *health, uint64_t *ret)
{
	struct rtnl_link_stats64 stats = {0};
	char buffer[16384];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;
	ssize_t n;

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST;
	link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
	link->ifi_index = health->ifindex;
	if (send(health->counter, message, message->nlmsg_len, 0) < 0)
		return -errno;
	/* The kernel has answered when send(2) returns. */
	n = recv(health->counter, buffer, sizeof(buffer), 0);
	if (n < 0)
		return -errno;
	if (!mnl_nlmsg_ok(message, (int)n) || message->nlmsg_type != RTM_NEWLINK)
		return -ENODEV;
	if (mnl_attr_parse(message, sizeof(*link), take_stats, &stats) < 0)
		return -EPROTO;
	*ret = stats.tx_packets;
	return 0;
}

bool slirp_is_hung(struct slirp *s)
{
	struct slirp_health *health = &s->health;
	uint64_t taken = 0;
	struct error err;
	bool probed;

	if (health->given_up)
		return false;
	if (health->frames < 0 && open_sockets(s, &err) < 0) {
		log_debug("slirp4netns is not watched for hanging: %s", err.text);
		health->given_up = true;
		return false;
	}
	/* First the counter: what is taken between the two shows the next time. */
	probed = read_counter(health, &taken) == 0 && send_probe(health) == 0;
	return slirp_health_note(health, probed, taken);
}

void slirp_health_clear(struct slirp_health *health)
{
	fd_close(health->frames);
	fd_close(health->counter);
	*health = SLIRP_HEALTH_NONE;
}
