/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * One rtnetlink socket a call, one request at a time, each asking for an acknowledgement. The
 * kernel works a request off within sendmsg(2), so its answer is there when that returns; the wait
 * below has a deadline all the same. NETLINK_EXT_ACK makes the kernel say in words what it did not
 * like, and NETLINK_CAP_ACK keeps it from sending the request back along with them.
 */
#include "fauxroot/net/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/net/net.h"

#define ANSWER_MS 5000

struct session {
	struct mnl_socket *socket;
	unsigned seq;
	char buffer[4096];
};

static void session_close(struct session *s)
{
	if (s->socket)
		mnl_socket_close(s->socket);
}

#define _cleanup_session_ _cleanup_(session_close)

static int session_open(struct session *s, struct error *err)
{
	int on = 1;

	s->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!s->socket || mnl_socket_bind(s->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return err_set(err, errno, "opening an rtnetlink socket");
	/* Both only make the answer better; Linux before 4.12 lacks the first. */
	(void)mnl_socket_setsockopt(s->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(s->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

/* Begin a request in the session's buffer; the caller puts the family's header and attributes. */
static struct nlmsghdr *request(struct session *s, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(s->buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	message->nlmsg_seq = ++s->seq;
	return message;
}

static int find_words(const struct nlattr *attribute, void *arg)
{
	const char **words = arg;

	if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		*words = mnl_attr_get_str(attribute);
	return MNL_CB_OK;
}

/* What the kernel says in words about a refused request, or NULL. */
static const char *refusal_words(const struct nlmsghdr *answer)
{
	const char *words = NULL;

	/* Uncapped, the request itself would stand between the error and its attributes. */
	if ((answer->nlmsg_flags & NLM_F_ACK_TLVS) && (answer->nlmsg_flags & NLM_F_CAPPED))
		mnl_attr_parse(answer, sizeof(struct nlmsgerr), find_words, &words);
	return words;
}

/* Take the answer to request @s->seq: 0, or -errno with @what in front of the reason. */
static int take_answer(struct session *s, const char *what, struct error *err)
{
	const struct nlmsghdr *answer = (const struct nlmsghdr *)(const void *)s->buffer;
	struct deadline deadline = deadline_in(ANSWER_MS);
	const struct nlmsgerr *verdict;
	const char *words;
	ssize_t n;
	int rc;

	do {
		rc = fd_wait(mnl_socket_get_fd(s->socket), POLLIN, &deadline, -1);
		if (rc < 0)
			return err_set(err, -rc, "%s: waiting for the kernel's answer", what);
		n = mnl_socket_recvfrom(s->socket, s->buffer, sizeof(s->buffer));
		if (n < 0)
			return err_set(err, errno, "%s: reading the kernel's answer", what);
		if (!mnl_nlmsg_ok(answer, (int)n))
			return err_say(err, EPROTO, "%s: a malformed answer", what);
	} while (answer->nlmsg_seq != s->seq);

	verdict = mnl_nlmsg_get_payload(answer);
	if (answer->nlmsg_type != NLMSG_ERROR ||
	    mnl_nlmsg_get_payload_len(answer) < sizeof(*verdict))
		return err_say(err, EPROTO, "%s: an unexpected answer", what);
	if (verdict->error == 0)
		return 0;
	words = refusal_words(answer);
	if (words)
		return err_set(err, -verdict->error, "%s: %s", what, words);
	return err_set(err, -verdict->error, "%s", what);
}

static int transact(struct session *s, const struct nlmsghdr *message, const char *what,
		    struct error *err)
{
	if (mnl_socket_sendto(s->socket, message, message->nlmsg_len) < 0)
		return err_set(err, errno, "%s: sending to the kernel", what);
	return take_answer(s, what, err);
}

/* Bring a link up; @mtu 0 leaves its MTU alone. */
static int set_up(struct session *s, const char *ifname, unsigned mtu, struct error *err)
{
	struct nlmsghdr *message = request(s, RTM_NEWLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifi_flags = info->ifi_change = IFF_UP;
	mnl_attr_put_strz(message, IFLA_IFNAME, ifname);
	if (mtu > 0)
		mnl_attr_put_u32(message, IFLA_MTU, mtu);
	return transact(s, message, "bringing the link up", err);
}

/* An address with its network's prefix; the kernel makes the route to that network itself. */
struct address {
	unsigned char family;
	unsigned char prefix;
	const void *local;
	size_t size;
	const struct in_addr *broadcast; /* NULL with IPv6 */
};

static int add_address(struct session *s, unsigned index, const struct address *address,
		       struct error *err)
{
	struct nlmsghdr *message = request(s, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifa_family = address->family;
	info->ifa_prefixlen = address->prefix;
	info->ifa_scope = RT_SCOPE_UNIVERSE;
	info->ifa_index = index;
	/* Nobody else is on this link: without duplicate address detection the address is usable
	 * at once, not after a second (RFC 4862, section 5.4). */
	if (address->family == AF_INET6)
		info->ifa_flags = IFA_F_NODAD;
	mnl_attr_put(message, IFA_LOCAL, address->size, address->local);
	mnl_attr_put(message, IFA_ADDRESS, address->size, address->local);
	if (address->broadcast)
		mnl_attr_put(message, IFA_BROADCAST, sizeof(*address->broadcast),
			     address->broadcast);
	return transact(s, message, "setting the address", err);
}

static int add_default_route(struct session *s, unsigned index, unsigned char family,
			     const void *gateway, size_t size, struct error *err)
{
	struct nlmsghdr *message = request(s, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->rtm_family = family;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	mnl_attr_put(message, RTA_GATEWAY, size, gateway);
	mnl_attr_put_u32(message, RTA_OIF, index);
	return transact(s, message, "setting the default route", err);
}

int link_up_loopback(struct error *err)
{
	_cleanup_session_ struct session s = {0};
	int rc = session_open(&s, err);

	if (rc == 0)
		rc = set_up(&s, "lo", 0, err);
	if (rc < 0)
		return err_step(err, err_wrap(err, rc, "configuring lo"), STEP_NET);
	return 0;
}

static int configure_ipv4(struct session *s, unsigned index, const struct net_plan *plan,
			  struct error *err)
{
	struct in_addr mask = {htonl(~0U << (32 - plan->prefix))};
	struct in_addr broadcast = {plan->address.s_addr | ~mask.s_addr};
	const struct address address = {
		.family = AF_INET,
		.prefix = (unsigned char)plan->prefix,
		.local = &plan->address,
		.size = sizeof(plan->address),
		.broadcast = &broadcast,
	};
	int rc = add_address(s, index, &address, err);

	if (rc < 0)
		return rc;
	return add_default_route(s, index, AF_INET, &plan->gateway, sizeof(plan->gateway), err);
}

static int configure_ipv6(struct session *s, unsigned index, const struct net_plan *plan,
			  struct error *err)
{
	const struct address address = {
		.family = AF_INET6,
		.prefix = 64,
		.local = &plan->address6,
		.size = sizeof(plan->address6),
	};
	int rc = add_address(s, index, &address, err);

	if (rc == 0)
		rc = add_default_route(s, index, AF_INET6, &plan->gateway6, sizeof(plan->gateway6),
				       err);
	return rc < 0 ? err_wrap(err, rc, "IPv6") : 0;
}

int link_configure(const struct net_plan *plan, struct error *err)
{
	_cleanup_session_ struct session s = {0};
	unsigned index = if_nametoindex(plan->ifname);
	int rc;

	if (index == 0)
		return err_step(err, err_set(err, errno, "configuring %s", plan->ifname), STEP_NET);
	rc = session_open(&s, err);
	if (rc == 0)
		rc = set_up(&s, plan->ifname, plan->mtu, err);
	if (rc == 0)
		rc = configure_ipv4(&s, index, plan, err);
	if (rc == 0 && plan->ipv6)
		rc = configure_ipv6(&s, index, plan, err);
	if (rc < 0)
		return err_step(err, err_wrap(err, rc, "configuring %s", plan->ifname), STEP_NET);
	return 0;
}
