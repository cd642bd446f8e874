/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/config/portspec.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
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

/* Ports @first…@last; a single port is a range of length one. */
struct range {
	uint32_t first, last;
};

/* The fields between the colons of a spec: at most four. A fifth one is stored to detect it. */
#define FIELDS_MAX 4
struct fields {
	struct cursor items[FIELDS_MAX + 1];
	size_t n;
};

/* The parts of a spec; @parent_ip and @child_ip are empty if they are not given. */
struct parts {
	struct cursor parent_ip, parent_port, child_ip, child_port;
};

/* The words of the error messages about one kind of spec. */
struct spec_kind {
	const char *what, *first, *second, *expected;
};

static const struct spec_kind port_kind = {
	"port",
	"parent",
	"child",
	"[PARENT-IP]:PARENT-PORT:[CHILD-IP:]CHILD-PORT/PROTO, such as 127.0.0.1:8080:80/tcp",
};

static const struct spec_kind host_kind = {
	"service of the host",
	"child",
	"host",
	"[CHILD-IP:]CHILD-PORT:[HOST-IP:]HOST-PORT[/PROTO], such as 5432:127.0.0.1:5432, or "
	"[CHILD-IP:]CHILD-PORT:unix:/PATH",
};

/* It precedes the path of a UNIX socket. */
static const char unix_mark[] = ":unix:";

/* The text of a spec. */
struct source {
	const char *text;
	const struct spec_kind *kind;
};

struct port_spec portspec_reversed(const struct port_spec *spec)
{
	struct port_spec ret = *spec;

	memcpy(ret.parent_ip, spec->child_ip, sizeof(ret.parent_ip));
	memcpy(ret.child_ip, spec->parent_ip, sizeof(ret.child_ip));
	ret.parent_port = spec->child_port;
	ret.child_port = spec->parent_port;
	return ret;
}

static int bad(const struct source *text, struct error *err, const char *fmt, ...) _printf_(3, 4);
static int bad(const struct source *text, struct error *err, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	err_say(err, EINVAL, "invalid %s \"%s\": %s; expected %s", text->kind->what, text->text,
		why, text->kind->expected);
	return -EINVAL;
}

/* Split @c at the colons that are not in brackets. */
static int split(const struct source *text, struct cursor c, struct fields *ret, struct error *err)
{
	ret->n = 0;
	do {
		const char *start = c.at, *inner;
		size_t n;

		if (cursor_char(&c, '[')) {
			cursor_until(&c, "]", &inner, &n);
			if (!cursor_char(&c, ']'))
				return bad(text, err, "a \"[\" has no \"]\"");
			if (!cursor_at_end(&c) && *c.at != ':')
				return bad(text, err, "no colon follows the \"]\"");
		} else {
			cursor_until(&c, ":", &inner, &n);
		}
		ret->items[ret->n++] = cursor_of_n(start, (size_t)(c.at - start));
		if (ret->n > FIELDS_MAX)
			return bad(text, err,
				   "it has too many colons (an IPv6 address needs brackets)");
	} while (cursor_char(&c, ':'));
	return 0;
}

/* Is @c a port or a range of ports, and not an address? Only an address has these characters. */
static bool is_port(struct cursor c)
{
	const char *start;
	size_t n = cursor_left(&c), digits;

	cursor_until(&c, ".[abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%", &start,
		     &digits);
	return n > 0 && digits == n;
}

/* Assign the fields to the parts. Of three fields, the address is the first one or the second. */
static int assign(const struct source *text, const struct fields *f, struct parts *ret,
		  struct error *err)
{
	const struct cursor none = {text->text, text->text}, *item = f->items;

	switch (f->n) {
	case 2:
		if (is_port(item[0])) {
			*ret = (struct parts){none, item[0], none, item[1]};
			return 0;
		}
		return bad(text, err, "the %s port is missing", text->kind->second);
	case 3:
		if (!is_port(item[0]) || is_port(item[1])) {
			*ret = (struct parts){item[0], item[1], none, item[2]};
			return 0;
		}
		*ret = (struct parts){none, item[0], item[1], item[2]};
		break;
	case 4:
		*ret = (struct parts){item[0], item[1], item[2], item[3]};
		break;
	default:
		return bad(text, err, "the %s port is missing", text->kind->second);
	}
	return cursor_at_end(&ret->child_ip)
		       ? bad(text, err, "the %s IP is empty", text->kind->second)
		       : 0;
}

static bool read_range(struct cursor c, bool ranges, struct range *ret)
{
	if (cursor_u32(&c, UINT16_MAX, &ret->first) < 0 || ret->first == 0)
		return false;
	ret->last = ret->first;
	if (ranges && cursor_char(&c, '-') && cursor_u32(&c, UINT16_MAX, &ret->last) < 0)
		return false;
	return cursor_at_end(&c);
}

static int take_port(const struct source *text, const char *whose, struct cursor c, bool ranges,
		     struct range *ret, struct error *err)
{
	if (cursor_at_end(&c))
		return bad(text, err, "the %s port is missing", whose);
	if (!read_range(c, ranges, ret))
		return bad(text, err, "the %s port \"%.*s\" is not one of 1-65535", whose,
			   (int)MIN(cursor_left(&c), 40), c.at);
	if (ret->last < ret->first)
		return bad(text, err, "the %s ports end at %u, before their first, %u", whose,
			   ret->last, ret->first);
	return 0;
}

/* An address, with or without brackets, or nothing. */
static int take_address(const struct source *text, const char *whose, struct cursor c,
			char ret[INET6_ADDRSTRLEN], struct error *err)
{
	const struct cursor given = c;
	union endpoint e;

	ret[0] = '\0';
	if (cursor_at_end(&c))
		return 0;
	if (cursor_char(&c, '['))
		c.end--;
	if (cursor_left(&c) < INET6_ADDRSTRLEN) {
		memcpy(ret, c.at, cursor_left(&c));
		ret[cursor_left(&c)] = '\0';
		if (endpoint_of(ret, 0, &e) == 0)
			return 0;
	}
	return bad(text, err, "the %s IP \"%.*s\" is not an IP address", whose,
		   (int)MIN(cursor_left(&given), 60), given.at);
}

static int take_proto(const struct source *text, struct cursor c, enum port_proto *ret,
		      struct error *err)
{
	if (portspec_proto(c.at, ret) < 0)
		return bad(text, err,
			   "the protocol \"%.20s\" is not one of tcp, tcp4, tcp6, udp, udp4, udp6",
			   c.at);
	return 0;
}

static int parse(const struct source *text, bool ranges, struct port_spec *ret, unsigned *ret_count,
		 struct error *err)
{
	struct cursor c = cursor_of(text->text), addresses;
	struct port_spec spec = {.proto = PROTO_TCP};
	struct range parent = {0, 0}, child = {0, 0};
	struct fields fields = {.n = 0};
	struct parts parts = {.child_port = {NULL, NULL}};
	const char *start;
	size_t n;

	cursor_until(&c, "/", &start, &n);
	addresses = cursor_of_n(start, n);
	if (!cursor_char(&c, '/'))
		return bad(text, err, "it does not end with a protocol, as in 80/tcp");
	if (split(text, addresses, &fields, err) < 0 || assign(text, &fields, &parts, err) < 0 ||
	    take_address(text, text->kind->first, parts.parent_ip, spec.parent_ip, err) < 0 ||
	    take_port(text, text->kind->first, parts.parent_port, ranges, &parent, err) < 0 ||
	    take_address(text, text->kind->second, parts.child_ip, spec.child_ip, err) < 0 ||
	    take_port(text, text->kind->second, parts.child_port, ranges, &child, err) < 0 ||
	    take_proto(text, c, &spec.proto, err) < 0)
		return -EINVAL;
	if (parent.last - parent.first != child.last - child.first)
		return bad(text, err, "the two ranges differ in length");
	spec.parent_port = (uint16_t)parent.first;
	spec.child_port = (uint16_t)child.first;
	if (text->kind == &host_kind)
		spec = portspec_reversed(&spec);
	if (portspec_check(&spec, err) < 0)
		return err_wrap(err, -EINVAL, "invalid %s \"%s\"", text->kind->what, text->text);
	*ret = spec;
	*ret_count = parent.last - parent.first + 1;
	return 0;
}

int portspec_parse(const char *text, struct port_spec *ret, struct error *err)
{
	const struct source source = {text, &port_kind};
	unsigned count;

	return parse(&source, false, ret, &count, err);
}

int portspec_parse_range(const char *text, struct port_spec *ret, unsigned *ret_count,
			 struct error *err)
{
	const struct source source = {text, &port_kind};

	return parse(&source, true, ret, ret_count, err);
}

static bool is_plain(const char *path)
{
	for (const char *at = path; *at; at++)
		if (*at < ' ' || *at > '~')
			return false;
	return true;
}

static int check_path(const struct port_spec *spec, struct error *err)
{
	if (portspec_is_udp(spec->proto))
		return err_say(err, EINVAL, "a UNIX socket of the host is for tcp, not for %s",
			       portspec_proto_name(spec->proto));
	if (spec->proto != PROTO_TCP)
		return err_say(err, EINVAL,
			       "a service of the host has the protocol tcp or udp, not %s",
			       portspec_proto_name(spec->proto));
	if (spec->parent_ip[0] || spec->parent_port != 0)
		return err_say(err, EINVAL,
			       "a service of the host has either an address or a path");
	if (spec->host_path[0] != '/')
		return err_say(err, EINVAL, "the path of the UNIX socket is not absolute");
	if (!is_plain(spec->host_path))
		return err_say(err, EINVAL, "the path of the UNIX socket is not printable ASCII");
	return 0;
}

/* Parse a spec with the path of a UNIX socket. @at: where unix_mark begins in the text. */
static int parse_path(const struct source *text, const char *at, struct port_spec *ret,
		      struct error *err)
{
	const char *path = at + strlen(unix_mark), *last;
	struct port_spec spec = {.proto = PROTO_TCP};
	struct cursor port, ip = {text->text, text->text};
	struct range range = {0, 0};
	struct fields fields = {.n = 0};
	enum port_proto proto;

	if (split(text, cursor_of_n(text->text, (size_t)(at - text->text)), &fields, err) < 0)
		return -EINVAL;
	if (fields.n > 2)
		return bad(text, err, "it has too many colons (an IPv6 address needs brackets)");
	port = fields.items[fields.n - 1];
	if (fields.n == 2)
		ip = fields.items[0];
	if (take_address(text, "child", ip, spec.child_ip, err) < 0 ||
	    take_port(text, "child", port, false, &range, err) < 0)
		return -EINVAL;
	spec.child_port = (uint16_t)range.first;
	if (str_print(spec.host_path, sizeof(spec.host_path), "%s", path) < 0)
		return bad(text, err, "the path is longer than %zu bytes",
			   sizeof(spec.host_path) - 1);
	last = strrchr(path, '/');
	if (last && portspec_proto(last + 1, &proto) == 0)
		return bad(text, err, "a UNIX socket is for tcp, and takes no /%s", last + 1);
	if (portspec_check(&spec, err) < 0 || check_path(&spec, err) < 0)
		return err_wrap(err, -EINVAL, "invalid %s \"%s\"", text->kind->what, text->text);
	*ret = spec;
	return 0;
}

static int parse_address(const char *text, struct port_spec *ret, struct error *err)
{
	_cleanup_free_ char *whole = portspec_complete(text);
	const struct source source = {whole, &host_kind};
	struct port_spec spec = {.proto = PROTO_TCP};
	unsigned count;
	int rc = whole ? parse(&source, false, &spec, &count, err)
		       : err_set(err, ENOMEM, "reading \"%s\"", text);

	if (rc == 0)
		rc = portspec_check_host(&spec, err);
	if (rc == 0)
		*ret = spec;
	return rc;
}

int portspec_parse_host(const char *text, struct port_spec *ret, struct error *err)
{
	const char *at = strstr(text, unix_mark);

	if (at)
		return parse_path(&(struct source){text, &host_kind}, at, ret, err);
	return parse_address(text, ret, err);
}

int portspec_check_host(const struct port_spec *spec, struct error *err)
{
	union endpoint host;

	if (spec->host_path[0])
		return check_path(spec, err);
	if (spec->proto != PROTO_TCP && spec->proto != PROTO_UDP)
		return err_say(err, EINVAL,
			       "a service of the host has the protocol tcp or udp, not %s",
			       portspec_proto_name(spec->proto));
	if (spec->parent_port == 0)
		return err_say(err, EINVAL, "the host port is missing");
	if (spec->parent_ip[0] && endpoint_of(spec->parent_ip, 0, &host) == 0 &&
	    endpoint_is_wildcard(&host))
		return err_say(err, EINVAL, "the host IP \"%s\" is a wildcard address",
			       spec->parent_ip);
	return 0;
}

union endpoint portspec_host(const struct port_spec *spec)
{
	union endpoint host;

	if (!spec->parent_ip[0] || endpoint_of(spec->parent_ip, spec->parent_port, &host) < 0)
		(void)endpoint_of("127.0.0.1", spec->parent_port, &host);
	return host;
}

bool portspec_conflict_inside(const struct port_spec *a, const struct port_spec *b)
{
	/* A spec without an address conflicts with every other one for the same port. */
	return a->child_port == b->child_port &&
	       portspec_is_udp(a->proto) == portspec_is_udp(b->proto) &&
	       (!a->child_ip[0] || !b->child_ip[0] || streq(a->child_ip, b->child_ip));
}

/* Each interface can have the same link-local address, and a spec does not name an interface. */
static int link_local(const char *whose, const char *ip, struct error *err)
{
	return err_say(err, EINVAL, "the %s IP \"%s\" is link-local, which needs an interface",
		       whose, ip);
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
	if (spec->parent_ip[0] && endpoint_is_link_local(&e))
		return link_local("parent", spec->parent_ip, err);
	if (spec->parent_ip[0] && family != AF_UNSPEC && e.sa.sa_family != family)
		return err_say(err, EINVAL, "the parent IP \"%s\" is not an address for %s",
			       spec->parent_ip, portspec_proto_name(spec->proto));
	if (spec->child_ip[0] && endpoint_of(spec->child_ip, 0, &e) < 0)
		return err_say(err, EINVAL, "the child IP \"%s\" is not an IP address",
			       spec->child_ip);
	if (spec->child_ip[0] && endpoint_is_link_local(&e))
		return link_local("child", spec->child_ip, err);
	if (spec->child_ip[0] && endpoint_is_wildcard(&e))
		return err_say(err, EINVAL, "the child IP \"%s\" is a wildcard address",
			       spec->child_ip);
	return 0;
}

const char *portspec_format(const struct port_spec *spec, char *buf, size_t size)
{
	bool parent6 = strchr(spec->parent_ip, ':'), child6 = strchr(spec->child_ip, ':');

	/* A service of the host, reversed: the parent address listens. */
	if (spec->host_path[0]) {
		snprintf(buf, size, "%s%s%s:%u%s%s", parent6 ? "[" : "", spec->parent_ip,
			 parent6 ? "]" : "", spec->parent_port, unix_mark, spec->host_path);
		return buf;
	}
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

char *portspec_complete(const char *text)
{
	return str_format("%s%s", text, strchr(text, '/') ? "" : "/tcp");
}

bool portspec_equal(const struct port_spec *a, const struct port_spec *b)
{
	return a->proto == b->proto && a->parent_port == b->parent_port &&
	       a->child_port == b->child_port && streq(a->parent_ip, b->parent_ip) &&
	       streq(a->child_ip, b->child_ip) && streq(a->host_path, b->host_path);
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
