/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink: composing and parsing messages; sessions with the real kernel, with a peer that is not
 * the kernel, and with a peer that never answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/netlink.h"
#include "netns_fixture.h"

#define TIMEOUT_MS 30000

static void composed_messages_can_be_parsed(void **state)
{
	static struct netlink_request r;
	const struct ifinfomsg info = {.ifi_index = 7};
	struct netlink_attribute attribute;
	struct netlink_span messages, rest;
	const struct nlmsghdr *message;
	size_t outer, inner;

	(void)state;
	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWLINK, NLM_F_CREATE, &info, sizeof(info));
	netlink_put_string(&r, 1, "abcd"); /* five bytes: padded to eight */
	outer = netlink_nest(&r, 2);
	inner = netlink_nest(&r, 3);
	netlink_put_be32(&r, 4, 0x01020304);
	netlink_nest_end(&r, inner);
	netlink_nest_end(&r, outer);
	netlink_begin(&r, RTM_GETLINK, 0, &info, sizeof(info));
	netlink_put_u32(&r, 5, 6);
	assert_false(r.full);

	messages = (struct netlink_span){r.bytes, r.bytes + r.size};
	message = netlink_next_message(&messages);
	assert_non_null(message);
	assert_int_equal(message->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(message->nlmsg_flags, NLM_F_CREATE | NLM_F_REQUEST);
	rest = netlink_attributes(message, sizeof(info));
	assert_true(netlink_next_attribute(&rest, &attribute));
	assert_int_equal(attribute.type, 1);
	assert_int_equal(attribute.size, 5);
	assert_string_equal(attribute.payload, "abcd");
	assert_true(netlink_next_attribute(&rest, &attribute));
	assert_int_equal(attribute.type, 2);
	assert_false(netlink_next_attribute(&rest, &(struct netlink_attribute){0}));
	rest = (struct netlink_span){attribute.payload,
				     (const unsigned char *)attribute.payload + attribute.size};
	assert_true(netlink_next_attribute(&rest, &attribute));
	assert_int_equal(attribute.type, 3);
	rest = (struct netlink_span){attribute.payload,
				     (const unsigned char *)attribute.payload + attribute.size};
	assert_true(netlink_next_attribute(&rest, &attribute));
	assert_int_equal(attribute.type, 4);
	assert_memory_equal(attribute.payload, "\x01\x02\x03\x04", 4);

	message = netlink_next_message(&messages);
	assert_non_null(message);
	assert_int_equal(message->nlmsg_type, RTM_GETLINK);
	assert_null(netlink_next_message(&messages));
}

/* A request that does not fit is refused as a whole, and the buffer does not overflow. */
static void requests_that_do_not_fit_are_refused(void **state)
{
	static struct {
		struct netlink_request r;
		unsigned char guard[64];
	} s;
	static const char block[1000];
	struct netlink nl;
	struct error err = {0};
	size_t nest;

	(void)state;
	memset(s.guard, 0x5a, sizeof(s.guard));
	assert_int_equal(netlink_open(NETLINK_ROUTE, TIMEOUT_MS, &nl, &err), 0);
	for (int how = 0; how < 3; how++) {
		netlink_clear(&s.r);
		netlink_begin(&s.r, RTM_GETLINK, 0, block, sizeof(struct ifinfomsg));
		nest = netlink_nest(&s.r, 1);
		if (how == 0)
			netlink_put(&s.r, 2, block, SIZE_MAX - 8);
		if (how == 1)
			netlink_put(&s.r, 2, block, UINT16_MAX);
		for (int i = 0; i < 20 && how == 2; i++)
			netlink_put(&s.r, 2, block, sizeof(block));
		netlink_nest_end(&s.r, nest);
		/* A smaller attribute that fits does not make the request valid again. */
		netlink_put_u32(&s.r, 3, 4);
		netlink_begin(&s.r, RTM_GETLINK, 0, block, 4);
		assert_true(s.r.full);
		assert_int_equal(netlink_transact(&nl, &s.r, "overflowing", &err), -EMSGSIZE);
	}
	for (size_t i = 0; i < sizeof(s.guard); i++)
		assert_int_equal(s.guard[i], 0x5a);
	netlink_clear(&s.r);
	assert_int_equal(netlink_transact(&nl, &s.r, "sending nothing", &err), -EMSGSIZE);
	netlink_close(&nl);
	assert_int_equal(nl.fd, -1);
	netlink_close(&nl);
}

static int take_name(const struct nlmsghdr *message, void *arg)
{
	struct netlink_span rest = netlink_attributes(message, sizeof(struct ifinfomsg));
	struct netlink_attribute attribute;

	if (message->nlmsg_type != RTM_NEWLINK)
		return -EPROTO;
	while (netlink_next_attribute(&rest, &attribute))
		if (attribute.type == IFLA_IFNAME)
			(void)str_print(arg, IF_NAMESIZE, "%s", (const char *)attribute.payload);
	return 0;
}

static int count(const struct nlmsghdr *message, void *arg)
{
	(void)message;
	++*(int *)arg;
	return 0;
}

static int refuse(const struct nlmsghdr *message, void *arg)
{
	(void)message;
	(void)arg;
	return -EXDEV;
}

static void get_link(struct netlink_request *r, uint16_t flags, const char *name)
{
	const struct ifinfomsg any = {0};

	netlink_clear(r);
	netlink_begin(r, RTM_GETLINK, flags, &any, sizeof(any));
	if (name)
		netlink_put_string(r, IFLA_IFNAME, name);
}

static void queries_return_messages(void **state)
{
	static struct netlink_request r;
	char name[IF_NAMESIZE] = "";
	struct error err = {0};
	struct netlink nl;
	int n = 0;

	(void)state;
	assert_int_equal(netlink_open(NETLINK_ROUTE, TIMEOUT_MS, &nl, &err), 0);
	assert_true(fcntl(nl.fd, F_GETFD) & FD_CLOEXEC);
	get_link(&r, 0, "lo");
	assert_int_equal(netlink_query(&nl, &r, take_name, name, "looking", &err), 0);
	assert_string_equal(name, "lo");
	get_link(&r, NLM_F_DUMP, NULL);
	assert_int_equal(netlink_query(&nl, &r, count, &n, "listing", &err), 0);
	assert_true(n >= 1);
	/* Refused by the kernel, and by the callback; in both cases the session stays usable. */
	get_link(&r, 0, "there-is-none");
	assert_int_equal(netlink_query(&nl, &r, take_name, name, "looking", &err), -ENODEV);
	assert_int_equal(err.code, ENODEV);
	assert_string_equal(err.text, "looking: No such device");
	get_link(&r, NLM_F_DUMP, NULL);
	assert_int_equal(netlink_query(&nl, &r, refuse, NULL, "listing", &err), -EXDEV);
	get_link(&r, 0, "lo");
	assert_int_equal(netlink_query(&nl, &r, take_name, name, "looking", NULL), 0);
	netlink_close(&nl);
}

/* In a network namespace of our own: several messages in one request, and the kernel's error
 * message. */
static int transact_inside(void *arg, struct error *err)
{
	static struct netlink_request r;
	const struct ifinfomsg up = {.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_type = RTN_LOCAL};
	struct netlink nl;
	int rc = netlink_open(NETLINK_ROUTE, TIMEOUT_MS, &nl, err);

	(void)arg;
	if (rc < 0)
		return rc;
	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWLINK, 0, &up, sizeof(up));
	netlink_begin(&r, RTM_NEWLINK, 0, &up, sizeof(up));
	rc = netlink_transact(&nl, &r, "bringing lo up", err);
	if (rc < 0)
		return rc;
	/* The first message is wrong; the last, with the acknowledgement, is right. */
	netlink_clear(&r);
	route.rtm_scope = 100;
	netlink_begin(&r, RTM_NEWROUTE, NLM_F_CREATE, &route, sizeof(route));
	netlink_begin(&r, RTM_NEWLINK, 0, &up, sizeof(up));
	if (netlink_transact(&nl, &r, "adding a route", err) != -EINVAL)
		return err_say(err, EBADE, "a refused message was passed over");
	rc = netlink_transact(&nl, &r, "adding a route", err);
	netlink_close(&nl);
	return rc;
}

static void transactions_report_the_kernels_errors(void **state)
{
	const struct fixture *f = *state;
	const struct ns_job job = {.name = "test", .which = NS_JOIN_NET, .run = transact_inside};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};

	assert_int_equal(ns_run(&f->ns, &job, &deadline, -1, &err), -EINVAL);
	assert_string_equal(err.text, "adding a route: Invalid scope: Invalid argument");
}

static void verdicts_are_parsed(void **state)
{
	static const char words[] = "the words";
	struct {
		struct nlmsghdr header;
		int32_t code;
		struct nlmsghdr request;
		struct nlattr attribute;
		char words[12];
	} m = {0};
	const char *found;

	(void)state;
	m.header.nlmsg_type = NLMSG_ERROR;
	m.header.nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS;
	m.header.nlmsg_len = offsetof(__typeof__(m), words) + sizeof(words);
	m.code = -ENOENT;
	m.attribute.nla_type = NLMSGERR_ATTR_MSG;
	m.attribute.nla_len = sizeof(m.attribute) + sizeof(words);
	memcpy(m.words, words, sizeof(words));
	assert_int_equal(netlink_verdict(&m.header, &found), -ENOENT);
	assert_string_equal(found, words);
	/* Not terminated, truncated, uncapped: no error message. */
	m.words[sizeof(words) - 1] = 'x';
	assert_int_equal(netlink_verdict(&m.header, &found), -ENOENT);
	assert_null(found);
	m.words[sizeof(words) - 1] = '\0';
	m.header.nlmsg_len--;
	assert_int_equal(netlink_verdict(&m.header, &found), -ENOENT);
	assert_null(found);
	m.header.nlmsg_len++;
	m.header.nlmsg_flags = NLM_F_ACK_TLVS;
	assert_int_equal(netlink_verdict(&m.header, &found), -ENOENT);
	assert_null(found);
	/* Not verdicts. */
	m.code = 1;
	assert_int_equal(netlink_verdict(&m.header, &found), -EPROTO);
	m.code = INT32_MIN;
	assert_int_equal(netlink_verdict(&m.header, &found), -EPROTO);
	m.code = 0;
	assert_int_equal(netlink_verdict(&m.header, &found), 0);
	m.header.nlmsg_type = RTM_NEWLINK;
	assert_int_equal(netlink_verdict(&m.header, &found), -EPROTO);
	m.header.nlmsg_type = NLMSG_DONE;
	m.header.nlmsg_len = sizeof(m.header) + 3;
	assert_int_equal(netlink_verdict(&m.header, &found), -EPROTO);
}

/* A socket whose "kernel" is the other end of a pair. */
static void pair(struct netlink *nl, int *ret_peer, int timeout_ms)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
	*nl = netlink_of(fds[0], timeout_ms);
	*ret_peer = fds[1];
}

static void a_missing_answer_times_out(void **state)
{
	_Alignas(NLMSG_ALIGNTO) static unsigned char buffer[NETLINK_BUFFER_SIZE + 1];
	struct netlink nl;
	int peer;

	(void)state;
	pair(&nl, &peer, 50);
	assert_int_equal(netlink_receive(&nl, buffer), -EAGAIN);
	/* Longer than any message of the kernel. */
	assert_true(send(peer, buffer, sizeof(buffer), 0) > 0);
	assert_int_equal(netlink_receive(&nl, buffer), -EMSGSIZE);
	close(peer);
	netlink_close(&nl);
}

/* Messages from another process in the namespace are ignored: only port 0 is the kernel. */
static int stranger_inside(void *arg, struct error *err)
{
	_Alignas(NLMSG_ALIGNTO) static unsigned char buffer[NETLINK_BUFFER_SIZE];
	static struct netlink_request r;
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	socklen_t size = sizeof(to);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr verdict;
	} forged = {.header = {.nlmsg_len = sizeof(forged), .nlmsg_type = NLMSG_ERROR}};
	struct netlink nl, other = NETLINK_NONE;
	char name[IF_NAMESIZE] = "";
	int rc = netlink_open(NETLINK_ROUTE, TIMEOUT_MS, &nl, err);

	(void)arg;
	if (rc == 0)
		rc = netlink_open(NETLINK_ROUTE, TIMEOUT_MS, &other, err);
	get_link(&r, 0, "lo");
	if (rc == 0)
		rc = netlink_query(&nl, &r, take_name, name, "looking", err);
	if (rc < 0)
		return rc;
	if (getsockname(nl.fd, (struct sockaddr *)&to, &size) < 0)
		return err_set(err, errno, "getsockname");
	/* A forged answer to the next request, before we send the request. */
	forged.header.nlmsg_seq = nl.seq + 1;
	forged.verdict.error = -EXDEV;
	for (int i = 0; i < 2; i++)
		if (sendto(other.fd, &forged, sizeof(forged), 0, (struct sockaddr *)&to, size) < 0)
			return err_set(err, errno, "forging an answer");
	rc = netlink_receive(&nl, buffer);
	if (rc != 0)
		return err_say(err, EBADE, "a stranger's datagram was taken: %d", rc);
	return netlink_query(&nl, &r, take_name, name, "looking", err);
}

static void messages_from_other_senders_are_ignored(void **state)
{
	const struct fixture *f = *state;
	const struct ns_job job = {.name = "test", .which = NS_JOIN_NET, .run = stranger_inside};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};

	if (ns_run(&f->ns, &job, &deadline, -1, &err) < 0)
		fail_msg("%s", err.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(composed_messages_can_be_parsed),
		cmocka_unit_test(requests_that_do_not_fit_are_refused),
		cmocka_unit_test(queries_return_messages),
		cmocka_unit_test(verdicts_are_parsed),
		cmocka_unit_test(a_missing_answer_times_out),
		cmocka_unit_test_setup_teardown(transactions_report_the_kernels_errors, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(messages_from_other_senders_are_ignored, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
