/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port specs: [parentIP]:parentPort:[childIP:]childPort/proto
 *
 * A spec keeps its addresses as text, because the API returns them as they were given.
 * portspec_parent() and portspec_child() return the addresses to use.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct error;

enum port_proto {
	PROTO_TCP = 0, /* both families if the parent address is a wildcard */
	PROTO_TCP4,
	PROTO_TCP6,
	PROTO_UDP,
	PROTO_UDP4,
	PROTO_UDP6,
	PROTO_COUNT_
};

/* The longest path of a UNIX socket, with its NUL (man 7 unix: sun_path). */
#define PORTSPEC_PATH_SIZE 108

struct port_spec {
	enum port_proto proto;
	char parent_ip[INET6_ADDRSTRLEN]; /* "": not given */
	char child_ip[INET6_ADDRSTRLEN];
	uint16_t parent_port; /* 0: any free port; only the API can request it */
	uint16_t child_port;
	char host_path[PORTSPEC_PATH_SIZE]; /* a service of the host: its UNIX socket, instead of
					       the parent's address and port; "": none */
};

/* An IPv4 or IPv6 address with a port; sa.sa_family is AF_UNSPEC if there is no address. */
union endpoint {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* portspec_proto_name() - "tcp", "tcp4", … */
const char *portspec_proto_name(enum port_proto proto);

/* portspec_proto() - the protocol with this name; 0 or -EINVAL */
int portspec_proto(const char *name, enum port_proto *ret);

/* portspec_is_udp() - is it PROTO_UDP, PROTO_UDP4 or PROTO_UDP6? */
bool portspec_is_udp(enum port_proto proto);

/*
 * portspec_parse() - parse one spec of --publish
 *
 * Returns 0, or -EINVAL with @text and the reason in the message.
 */
int portspec_parse(const char *text, struct port_spec *ret, struct error *err);

/*
 * portspec_parse_range() - the same as portspec_parse(), but a port may be a range:
 * "8000-8010:8000-8010/tcp"
 * @ret: the spec of the first port
 * @ret_count: number of ports; spec number i has both ports higher by i
 *
 * Returns as portspec_parse().
 */
int portspec_parse_range(const char *text, struct port_spec *ret, unsigned *ret_count,
			 struct error *err);

/*
 * portspec_complete() - append "/tcp" to @text if it has no protocol
 *
 * For command lines of fauxroot and fauxrootctl: "8080:80". Returns a new string, or NULL when out
 * of memory.
 */
char *portspec_complete(const char *text);

/*
 * portspec_check() - check a spec that is not from portspec_parse()
 *
 * Both addresses must be valid and not link-local, the parent address must have the family of the
 * protocol, and the child port must not be 0. A parent port of 0 is valid. Returns 0 or -EINVAL.
 */
int portspec_check(const struct port_spec *spec, struct error *err);

/*
 * Services of the host that the command's network may reach, the reverse of published ports: the
 * child addresses listen, and connections lead to the parent address, which is on the host.
 *
 * portspec_parse_host() - parse [childIP:]childPort:[hostIP:]hostPort[/tcp|udp], or
 *	[childIP:]childPort:unix:/path
 * portspec_check_host() - check a spec that has passed portspec_check(): tcp or udp, and a host
 *	address that can be connected to; or tcp, and an absolute path in printable ASCII
 * portspec_host() - the host's address; 127.0.0.1 if the spec has none. Not for a UNIX socket
 * portspec_conflict_inside() - do both listen at the same address inside?
 * portspec_reversed() - the spec with parent and child exchanged: for portspec_format()
 *
 * The first two return 0, or -EINVAL with the reason.
 */
int portspec_parse_host(const char *text, struct port_spec *ret, struct error *err);
int portspec_check_host(const struct port_spec *spec, struct error *err);
union endpoint portspec_host(const struct port_spec *spec);
bool portspec_conflict_inside(const struct port_spec *a, const struct port_spec *b);
struct port_spec portspec_reversed(const struct port_spec *spec);

/* portspec_format() - format as text for portspec_parse(); @size at least PORTSPEC_MAX */
#define PORTSPEC_MAX (2 * (INET6_ADDRSTRLEN + 2) + 20 + PORTSPEC_PATH_SIZE)
const char *portspec_format(const struct port_spec *spec, char *buf, size_t size);

/*
 * portspec_parent() - the addresses to listen on
 * @ret: IPv4 first
 *
 * Returns the number of addresses: two if @spec is for both families, otherwise one.
 */
size_t portspec_parent(const struct port_spec *spec, union endpoint ret[2]);

/*
 * portspec_child() - the target's address, for a driver that can reach its loopback addresses
 *
 * Returns the child IP if it is given. Otherwise the parent IP if that is a loopback address, ::1
 * if the parent IP is another IPv6 address, and 127.0.0.1 in all other cases.
 */
union endpoint portspec_child(const struct port_spec *spec);

/* portspec_equal() - are all members equal? Addresses are compared as text. */
bool portspec_equal(const struct port_spec *a, const struct port_spec *b);

/* portspec_conflict() - do both need the same protocol, parent address and parent port? */
bool portspec_conflict(const struct port_spec *a, const struct port_spec *b);

/* endpoint_of_ipv4(), endpoint_of_ipv6() - the endpoint of an address in network byte order, with
 * port 0 */
union endpoint endpoint_of_ipv4(struct in_addr address);
union endpoint endpoint_of_ipv6(const struct in6_addr *address);

/* endpoint_of() - the endpoint of "127.0.0.1" or "::1" and a port; an IPv4-mapped address becomes
 * IPv4. 0 or -EINVAL */
int endpoint_of(const char *ip, uint16_t port, union endpoint *ret);

/* endpoint_size() - the size of the address for bind(2) and connect(2), in bytes */
socklen_t endpoint_size(const union endpoint *e);

/* endpoint_port(), endpoint_set_port() - the port, in host byte order */
uint16_t endpoint_port(const union endpoint *e);
void endpoint_set_port(union endpoint *e, uint16_t port);

/* endpoint_is_loopback() - is it in 127.0.0.0/8, or ::1? */
bool endpoint_is_loopback(const union endpoint *e);

/* endpoint_is_link_local() - is it an IPv6 link-local address (RFC 4291, section 2.5.6), which
 * needs a scope id? */
bool endpoint_is_link_local(const union endpoint *e);

/* endpoint_is_wildcard() - is it 0.0.0.0 or ::? */
bool endpoint_is_wildcard(const union endpoint *e);

/* endpoint_equal() - do both have the same family, address, port and scope id? */
bool endpoint_equal(const union endpoint *a, const union endpoint *b);

/* endpoint_format() - format as "127.0.0.1:80" or "[::1]:80"; @size at least ENDPOINT_MAX */
#define ENDPOINT_MAX (INET6_ADDRSTRLEN + 9)
const char *endpoint_format(const union endpoint *e, char *buf, size_t size);
