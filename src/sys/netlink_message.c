/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink messages: compose requests, and parse the kernel's answers. No system calls. */
#include "netlink_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/sys/netlink.h"

void netlink_clear(struct netlink_request *r)
{
	r->size = r->last = 0;
	r->full = false;
}

/* The values of NLA_HDRLEN and NLA_TYPE_MASK, which have type int in the kernel's header. */
#define ATTRIBUTE_HEADER sizeof(struct nlattr)
#define ATTRIBUTE_TYPE	 ((uint16_t)NLA_TYPE_MASK)

/* Reserve @size bytes, zeroed up to the next aligned offset; NULL if there is no room. */
static void *append(struct netlink_request *r, size_t size)
{
	size_t aligned = NLMSG_ALIGN(size);
	unsigned char *place = r->bytes + r->size;

	if (r->full || size > sizeof(r->bytes) || aligned > sizeof(r->bytes) - r->size) {
		r->full = true;
		return NULL;
	}
	memset(place, 0, aligned);
	r->size += aligned;
	return place;
}

struct nlmsghdr *netlink_current(struct netlink_request *r)
{
	return (struct nlmsghdr *)(void *)(r->bytes + r->last);
}

void netlink_begin(struct netlink_request *r, uint16_t type, uint16_t flags, const void *header,
		   size_t header_size)
{
	size_t start = r->size;
	struct nlmsghdr *message = append(r, sizeof(*message) + header_size);

	if (!message)
		return;
	r->last = start;
	message->nlmsg_len = (uint32_t)(r->size - start);
	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	memcpy(NLMSG_DATA(message), header, header_size);
}

/* Append an attribute with a payload of @size bytes; NULL if there is no room. */
static struct nlattr *append_attribute(struct netlink_request *r, uint16_t type, size_t size)
{
	struct nlattr *attribute;

	if (size > UINT16_MAX - ATTRIBUTE_HEADER)
		r->full = true;
	attribute = append(r, ATTRIBUTE_HEADER + size);
	if (!attribute)
		return NULL;
	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(ATTRIBUTE_HEADER + size);
	netlink_current(r)->nlmsg_len = (uint32_t)(r->size - r->last);
	return attribute;
}

void netlink_put(struct netlink_request *r, uint16_t type, const void *data, size_t size)
{
	struct nlattr *attribute = append_attribute(r, type, size);

	if (attribute && size > 0)
		memcpy((unsigned char *)attribute + ATTRIBUTE_HEADER, data, size);
}

void netlink_put_u32(struct netlink_request *r, uint16_t type, uint32_t value)
{
	netlink_put(r, type, &value, sizeof(value));
}

void netlink_put_be32(struct netlink_request *r, uint16_t type, uint32_t value)
{
	netlink_put_u32(r, type, htonl(value));
}

void netlink_put_string(struct netlink_request *r, uint16_t type, const char *value)
{
	netlink_put(r, type, value, strlen(value) + 1);
}

size_t netlink_nest(struct netlink_request *r, uint16_t type)
{
	size_t start = r->size;

	(void)append_attribute(r, type | NLA_F_NESTED, 0);
	return start;
}

void netlink_nest_end(struct netlink_request *r, size_t nest)
{
	struct nlattr *attribute = (struct nlattr *)(void *)(r->bytes + nest);

	if (r->full || r->size - nest > UINT16_MAX) {
		r->full = true;
		return;
	}
	attribute->nla_len = (uint16_t)(r->size - nest);
}

const struct nlmsghdr *netlink_next_message(struct netlink_span *rest)
{
	size_t left = (size_t)(rest->end - rest->at);
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)rest->at;

	if (left < sizeof(*message) || message->nlmsg_len < sizeof(*message) ||
	    message->nlmsg_len > left)
		return NULL;
	rest->at += MIN(left, NLMSG_ALIGN((size_t)message->nlmsg_len));
	return message;
}

struct netlink_span netlink_attributes(const struct nlmsghdr *message, size_t header_size)
{
	const unsigned char *start = (const unsigned char *)message;
	size_t before = NLMSG_HDRLEN + NLMSG_ALIGN(header_size);

	return (struct netlink_span){
		start + MIN(before, (size_t)message->nlmsg_len),
		start + message->nlmsg_len,
	};
}

bool netlink_next_attribute(struct netlink_span *rest, struct netlink_attribute *ret)
{
	size_t left = (size_t)(rest->end - rest->at);
	struct nlattr header;

	if (left < sizeof(header))
		return false;
	memcpy(&header, rest->at, sizeof(header));
	if (header.nla_len < sizeof(header) || header.nla_len > left)
		return false;
	ret->type = header.nla_type & ATTRIBUTE_TYPE;
	ret->size = (uint16_t)(header.nla_len - sizeof(header));
	ret->payload = rest->at + sizeof(header);
	rest->at += MIN(left, NLMSG_ALIGN((size_t)header.nla_len));
	return true;
}

/* Find the error message after the error code. In an uncapped answer the request is in between:
 * then there is none. */
static const char *find_words(const struct nlmsghdr *message)
{
	struct netlink_span rest = netlink_attributes(message, sizeof(struct nlmsgerr));
	struct netlink_attribute attribute;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) || !(message->nlmsg_flags & NLM_F_CAPPED))
		return NULL;
	while (netlink_next_attribute(&rest, &attribute)) {
		const char *words = attribute.payload;

		if (attribute.type == NLMSGERR_ATTR_MSG && attribute.size > 0 &&
		    words[attribute.size - 1] == '\0')
			return words;
	}
	return NULL;
}

int netlink_verdict(const struct nlmsghdr *message, const char **ret_words)
{
	int32_t code;

	*ret_words = NULL;
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(code)))
		return -EPROTO;
	/* Both types begin with the code; NLMSG_DONE lacks the rest of struct nlmsgerr. */
	memcpy(&code, NLMSG_DATA(message), sizeof(code));
	if (code > 0 || code < -4095)
		return -EPROTO;
	if (message->nlmsg_type == NLMSG_ERROR)
		*ret_words = find_words(message);
	else if (message->nlmsg_type != NLMSG_DONE)
		return -EPROTO;
	return code;
}
