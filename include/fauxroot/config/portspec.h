/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port specs: [parentIP]:parentPort:[childIP:]childPort/proto
 *
 * Addresses stay as they were given, because the API echoes them; portspec_parent() and
 * portspec_child() say what they mean.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct error;

enum port_proto {
	PROTO_TCP = 0, /* both families where the parent address is a wildcard */
	PROTO_TCP4,
	PROTO_TCP6,
	PROTO_UDP,
	PROTO_UDP4,
	PROTO_UDP6,
	PROTO_COUNT_
};

struct port_spec {
	enum port_proto proto;
	char parent_ip[INET6_ADDRSTRLEN]; /* "": not given */
	char child_ip[INET6_ADDRSTRLEN];
	uint16_t parent_port; /* 0: any free one, which only the API can ask for */
	uint16_t child_port;
};

/* An address with a port, of either family; sa.sa_family is AF_UNSPEC where there is none. */
union endpoint {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* portspec_proto_name() - "tcp", "tcp4", … */
const char *portspec_proto_name(enum port_proto proto);

/* portspec_proto() - the protocol of that name; 0 or -EINVAL */
int portspec_proto(const char *name, enum port_proto *ret);

bool portspec_is_udp(enum port_proto proto);

/*
 * portspec_parse() - one spec as --publish takes it
 *
 * Returns 0, or -EINVAL with a sentence that quotes @text and says what is wrong with it.
 */
int portspec_parse(const char *text, struct port_spec *ret, struct error *err);

/*
 * portspec_parse_range() - as portspec_parse(), but a port may be a range:
 * "8000-8010:8000-8010/tcp"
 * @ret: the spec of the first port
 * @ret_count: how many there are; spec number i has both ports higher by i
 */
int portspec_parse_range(const char *text, struct port_spec *ret, unsigned *ret_count,
			 struct error *err);

/*
 * portspec_complete() - @text, with "/tcp" behind it where it names no protocol
 *
 * For command lines under our own name: "8080:80". Returns a fresh string, NULL when out of memory.
 */
char *portspec_complete(const char *text);

/*
 * portspec_check() - is a spec that did not come from portspec_parse() sound?
 *
 * The addresses are addresses, of the family that the protocol says, and not link-local; the child
 * port is not 0. A parent port of 0 passes. Returns 0 or -EINVAL.
 */
int portspec_check(const struct port_spec *spec, struct error *err);

/* portspec_format() - as text that portspec_parse() reads; @size at least PORTSPEC_MAX */
#define PORTSPEC_MAX (2 * (INET6_ADDRSTRLEN + 2) + 20)
const char *portspec_format(const struct port_spec *spec, char *buf, size_t size);

/*
 * portspec_parent() - where to listen
 * @ret: IPv4 first
 *
 * Returns how many there are: two where @spec is for both families, else one.
 */
size_t portspec_parent(const struct port_spec *spec, union endpoint ret[2]);

/*
 * portspec_child() - where the target is reached when loopback addresses lead to it
 *
 * The child IP; without one the parent IP where that is a loopback address, else 127.0.0.1, or ::1
 * where the parent IP is an IPv6 address.
 */
union endpoint portspec_child(const struct port_spec *spec);

/* portspec_equal() - the same in all members, addresses compared as text */
bool portspec_equal(const struct port_spec *a, const struct port_spec *b);

/* portspec_conflict() - the same protocol, parent IP and parent port? */
bool portspec_conflict(const struct port_spec *a, const struct port_spec *b);

/* endpoint_of() - "127.0.0.1" or "::1" and a port; an IPv4-mapped address is IPv4. 0 or -EINVAL */
int endpoint_of(const char *ip, uint16_t port, union endpoint *ret);

socklen_t endpoint_size(const union endpoint *e);
uint16_t endpoint_port(const union endpoint *e);
void endpoint_set_port(union endpoint *e, uint16_t port);
bool endpoint_is_loopback(const union endpoint *e);

/* endpoint_is_link_local() - of IPv6 (RFC 4291, section 2.5.6): to be used with a scope id only */
bool endpoint_is_link_local(const union endpoint *e);
bool endpoint_is_wildcard(const union endpoint *e);
bool endpoint_equal(const union endpoint *a, const union endpoint *b);

/* endpoint_format() - "127.0.0.1:80", "[::1]:80"; @size at least ENDPOINT_MAX */
#define ENDPOINT_MAX (INET6_ADDRSTRLEN + 9)
const char *endpoint_format(const union endpoint *e, char *buf, size_t size);
