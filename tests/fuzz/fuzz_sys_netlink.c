/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink messages: for any bytes, the parsers return only data within them and always advance.
 * Composing the parsed data gives the same message.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/sys/netlink.h"

/* Compose the attributes of @message, and parse them again. */
static void compose_again(const struct nlmsghdr *message, size_t header_size)
{
	static struct netlink_request r;
	struct netlink_span rest = netlink_attributes(message, header_size), back;
	struct netlink_attribute a, b;
	const struct nlmsghdr *made;

	netlink_clear(&r);
	netlink_begin(&r, message->nlmsg_type, message->nlmsg_flags, "0123456789abcdef",
		      header_size);
	while (netlink_next_attribute(&rest, &a))
		netlink_put(&r, a.type, a.payload, a.size);
	if (r.full)
		return;
	back = (struct netlink_span){r.bytes, r.bytes + r.size};
	made = netlink_next_message(&back);
	assert(made && back.at == back.end && made->nlmsg_type == message->nlmsg_type);
	rest = netlink_attributes(message, header_size);
	back = netlink_attributes(made, header_size);
	while (netlink_next_attribute(&rest, &a)) {
		assert(netlink_next_attribute(&back, &b));
		assert(a.type == b.type && a.size == b.size &&
		       memcmp(a.payload, b.payload, a.size) == 0);
	}
	assert(!netlink_next_attribute(&back, &b));
}

static void read_message(const struct nlmsghdr *message, size_t header_size)
{
	const unsigned char *end = (const unsigned char *)message + message->nlmsg_len;
	struct netlink_span rest = netlink_attributes(message, header_size);
	struct netlink_attribute attribute;
	const char *words;
	int rc = netlink_verdict(message, &words);

	assert(rc <= 0 && rc >= -4095);
	assert(rc == -EPROTO || message->nlmsg_type == NLMSG_ERROR ||
	       message->nlmsg_type == NLMSG_DONE);
	if (words)
		assert((const unsigned char *)words + strlen(words) < end);
	assert(rest.at <= rest.end && rest.end == end);
	for (const unsigned char *before = rest.at; netlink_next_attribute(&rest, &attribute);
	     before = rest.at) {
		assert(rest.at > before && rest.at <= end);
		assert((const unsigned char *)attribute.payload + attribute.size <= end);
	}
	compose_again(message, header_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The first byte is the size of the family's header. */
	size_t header_size = size > 0 ? data[0] % 17 : 0;
	_cleanup_free_ unsigned char *copy = NULL;
	struct netlink_span rest;
	const struct nlmsghdr *message;

	if (size < 2)
		return 0;
	copy = malloc(size - 1);
	assert(copy);
	memcpy(copy, data + 1, size - 1);
	rest = (struct netlink_span){copy, copy + size - 1};
	for (const unsigned char *before = rest.at; (message = netlink_next_message(&rest));
	     before = rest.at) {
		assert(rest.at > before && rest.at <= rest.end);
		read_message(message, header_size);
	}
	return 0;
}
