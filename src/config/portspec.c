/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/config/portspec.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

static const char *const proto_names[] = {
	[PROTO_TCP] = "tcp", [PROTO_TCP4] = "tcp4", [PROTO_TCP6] = "tcp6",
	[PROTO_UDP] = "udp", [PROTO_UDP4] = "udp4", [PROTO_UDP6] = "udp6",
};
static_assert(ARRAY_SIZE(proto_names) == PROTO_COUNT_, "every protocol has a name");

const char *portspec_proto_name(enum port_proto proto)
{
	return proto_names[proto];
}

int portspec_proto(const char *name, enum port_proto *ret)
{
	for (size_t i = 0; i < PROTO_COUNT_; i++)
		if (streq(name, proto_names[i])) {
			*ret = (enum port_proto)i;
			return 0;
		}
	return -EINVAL;
}

bool portspec_is_udp(enum port_proto proto)
{
	return proto >= PROTO_UDP;
}

/* The only family of @proto, or AF_UNSPEC. */
static int proto_family(enum port_proto proto)
{
	switch (proto) {
	case PROTO_TCP4:
	case PROTO_UDP4:
		return AF_INET;
	case PROTO_TCP6:
	case PROTO_UDP6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

/* Ports @first…@last; one port where no range stands here. */
struct range {
	uint32_t first, last;
};

static int take_port(struct cursor *c, bool ranges, struct range *ret)
{
	struct range r;

	if (cursor_u32(c, UINT16_MAX, &r.first) < 0 || r.first == 0)
		return -EINVAL;
	r.last = r.first;
	if (ranges && cursor_char(c, '-') &&
	    (cursor_u32(c, UINT16_MAX, &r.last) < 0 || r.last < r.first))
		return -EINVAL;
	*ret = r;
	return 0;
}

/*
 * An address, bracketed or not, and the colon behind it. IPv6 needs the brackets: without them its
 * first colon ends the address, and what stands before it is none.
 */
static int take_address(struct cursor *c, char ret[INET6_ADDRSTRLEN])
{
	struct cursor at = *c;
	bool bracketed = cursor_char(&at, '[');
	union endpoint e;
	const char *start;
	size_t n;

	cursor_until(&at, bracketed ? "]" : ":", &start, &n);
	if (n >= INET6_ADDRSTRLEN)
		return -EINVAL;
	memcpy(ret, start, n);
	ret[n] = '\0';
	if (endpoint_of(ret, 0, &e) < 0 || (bracketed && !cursor_char(&at, ']')) ||
	    !cursor_char(&at, ':'))
		return -EINVAL;
	*c = at;
	return 0;
}

/* Does a number stand here that is no address, as in "80:" and "80/"? */
static bool at_port(const struct cursor *c)
{
	const char *start;
	struct cursor at = *c;
	size_t n;

	cursor_until(&at, ":/.[", &start, &n);
	return n > 0 && !cursor_at_end(&at) && (*at.at == ':' || *at.at == '/');
}

static int bad(const char *text, struct error *err, const char *why)
{
	return err_say(err, EINVAL,
		       "bad port \"%s\": %s; it takes "
		       "[PARENT-IP]:PARENT-PORT:[CHILD-IP:]CHILD-PORT/PROTO, "
		       "such as 127.0.0.1:8080:80/tcp",
		       text, why);
}

static int parse(const char *text, bool ranges, struct port_spec *ret, unsigned *ret_count,
		 struct error *err)
{
	struct cursor c = cursor_of(text);
	struct port_spec spec = {.proto = PROTO_TCP};
	struct range parent, child;

	/* ":80:80/tcp", "80:80/tcp": the wildcard. */
	if (!cursor_char(&c, ':') && !at_port(&c) && take_address(&c, spec.parent_ip) < 0)
		return bad(text, err, "it does not begin with an IP address or a colon");
	if (take_port(&c, ranges, &parent) < 0 || !cursor_char(&c, ':'))
		return bad(text, err, "the parent port is not one of 1-65535");
	if (!at_port(&c) && take_address(&c, spec.child_ip) < 0)
		return bad(text, err, "no child IP or child port follows the parent port");
	if (take_port(&c, ranges, &child) < 0)
		return bad(text, err, "the child port is not one of 1-65535");
	if (!cursor_char(&c, '/'))
		return bad(text, err, "no /PROTO follows the child port");
	if (portspec_proto(c.at, &spec.proto) < 0)
		return bad(text, err, "the protocol is none of tcp, tcp4, tcp6, udp, udp4, udp6");
	if (parent.last - parent.first != child.last - child.first)
		return bad(text, err, "the two ranges differ in length");
	spec.parent_port = (uint16_t)parent.first;
	spec.child_port = (uint16_t)child.first;
	if (portspec_check(&spec, err) < 0)
		return err_wrap(err, -EINVAL, "bad port \"%s\"", text);
	*ret = spec;
	*ret_count = parent.last - parent.first + 1;
	return 0;
}

int portspec_parse(const char *text, struct port_spec *ret, struct error *err)
{
	unsigned count;

	return parse(text, false, ret, &count, err);
}

int portspec_parse_range(const char *text, struct port_spec *ret, unsigned *ret_count,
			 struct error *err)
{
	return parse(text, true, ret, ret_count, err);
}

int portspec_check(const struct port_spec *spec, struct error *err)
{
	int family = proto_family(spec->proto);
	union endpoint e;

	if (spec->child_port == 0)
		return err_say(err, EINVAL, "the child port is missing");
	if (spec->parent_ip[0] && endpoint_of(spec->parent_ip, 0, &e) < 0)
		return err_say(err, EINVAL, "the parent IP \"%s\" is not an IP address",
			       spec->parent_ip);
	if (spec->parent_ip[0] && family != AF_UNSPEC && e.sa.sa_family != family)
		return err_say(err, EINVAL, "the parent IP \"%s\" is not one for %s",
			       spec->parent_ip, portspec_proto_name(spec->proto));
	if (spec->child_ip[0] && endpoint_of(spec->child_ip, 0, &e) < 0)
		return err_say(err, EINVAL, "the child IP \"%s\" is not an IP address",
			       spec->child_ip);
	if (spec->child_ip[0] && endpoint_is_wildcard(&e))
		return err_say(err, EINVAL, "the child IP \"%s\" is nobody's address",
			       spec->child_ip);
	return 0;
}

const char *portspec_format(const struct port_spec *spec, char *buf, size_t size)
{
	bool parent6 = strchr(spec->parent_ip, ':'), child6 = strchr(spec->child_ip, ':');

	snprintf(buf, size, "%s%s%s:%u:%s%s%s%s%u/%s", parent6 ? "[" : "", spec->parent_ip,
		 parent6 ? "]" : "", spec->parent_port, child6 ? "[" : "", spec->child_ip,
		 child6 ? "]" : "", spec->child_ip[0] ? ":" : "", spec->child_port,
		 portspec_proto_name(spec->proto));
	return buf;
}

size_t portspec_parent(const struct port_spec *spec, union endpoint ret[2])
{
	int family = proto_family(spec->proto);
	bool given =
		spec->parent_ip[0] && endpoint_of(spec->parent_ip, spec->parent_port, &ret[0]) == 0;

	if (given && (family != AF_UNSPEC || !endpoint_is_wildcard(&ret[0])))
		return 1;
	if (family != AF_UNSPEC) {
		(void)endpoint_of(family == AF_INET ? "0.0.0.0" : "::", spec->parent_port, &ret[0]);
		return 1;
	}
	(void)endpoint_of("0.0.0.0", spec->parent_port, &ret[0]);
	(void)endpoint_of("::", spec->parent_port, &ret[1]);
	return 2;
}

union endpoint portspec_child(const struct port_spec *spec)
{
	union endpoint parent, child;

	memset(&child, 0, sizeof(child));
	if (spec->child_ip[0] && endpoint_of(spec->child_ip, spec->child_port, &child) == 0)
		return child;
	if (spec->parent_ip[0] && endpoint_of(spec->parent_ip, spec->child_port, &parent) == 0) {
		if (endpoint_is_loopback(&parent))
			return parent;
		if (parent.sa.sa_family == AF_INET6) {
			(void)endpoint_of("::1", spec->child_port, &child);
			return child;
		}
	}
	(void)endpoint_of("127.0.0.1", spec->child_port, &child);
	return child;
}

bool portspec_conflict(const struct port_spec *a, const struct port_spec *b)
{
	union endpoint x[2], y[2];
	size_t n = portspec_parent(a, x), m = portspec_parent(b, y);

	if (a->parent_port == 0 || portspec_is_udp(a->proto) != portspec_is_udp(b->proto))
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m; j++)
			if (endpoint_equal(&x[i], &y[j]))
				return true;
	return false;
}
