/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frames: attacks on the host's loopback by a target that is root of its network: with sockets, and
 * with frames past its own IP stack. Shows whether they arrive.
 *
 *	frames listen [PORT]  take this port, or a free one, for UDP and TCP, IPv4 and IPv6, on all
 *			      addresses of the host, and print it. Then print what arrives, one line
 *			      each: the text of a datagram; "tcp" and the address that a connection
 *			      was made to. A datagram "end" ends it.
 *	frames send INTERFACE PORT ADDRESS…
 *			      for each address a datagram "udp ADDRESS" and a TCP SYN, as frames
 *			      from 10.0.2.100 or fd00::100; with SOURCE>ADDRESS from another
 *			      source. After each address it waits until the network helper
 *			      answers an ARP request, so the helper has taken the frames, or was
 *			      started again.
 *	frames connect PORT ADDRESS…
 *			      for each address a datagram "socket ADDRESS" and a connection, with
 *			      sockets. Prints the addresses whose connection was accepted, by
 *			      whomever
 *	frames say PORT TEXT  one datagram to 127.0.0.1
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

#define ANSWER_MS  30000
#define REPEAT_MS  100
#define CONNECT_MS 1500

static const unsigned char our_mac[ETH_ALEN] = {0x02, 0, 0, 0, 0xfe, 0x01};
static const unsigned char gateway_mac[ETH_ALEN] = {0x52, 0x55, 10, 0, 2, 2};

static int fail(const char *what)
{
	fprintf(stderr, "frames: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Frames. */

struct frame {
	unsigned char data[256];
	size_t size;
};

static void add(struct frame *f, const void *data, size_t n)
{
	memcpy(f->data + f->size, data, n);
	f->size += n;
}

static void begin(struct frame *f, const unsigned char *to, uint16_t type)
{
	struct ether_header header = {.ether_type = htons(type)};

	memcpy(header.ether_dhost, to, ETH_ALEN);
	memcpy(header.ether_shost, our_mac, ETH_ALEN);
	f->size = 0;
	add(f, &header, sizeof(header));
}

static uint32_t sum(const void *data, size_t n, uint32_t so_far)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < n; i++)
		so_far += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	return so_far;
}

static uint16_t folded(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return htons((uint16_t)~value);
}

struct endpoints {
	int family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} from, to;
};

/* @text: "[SOURCE>]ADDRESS" */
static int endpoints_to(const char *text, struct endpoints *ret)
{
	const char *arrow = strchr(text, '>'), *address = arrow ? arrow + 1 : text;
	char source[INET6_ADDRSTRLEN];

	*ret = (struct endpoints){.family = strchr(address, ':') ? AF_INET6 : AF_INET};
	if (arrow)
		(void)str_print(source, sizeof(source), "%.*s", (int)(arrow - text), text);
	else
		(void)str_print(source, sizeof(source), "%s",
				ret->family == AF_INET ? "10.0.2.100" : "fd00::100");
	if (inet_pton(ret->family, source, &ret->from) != 1 ||
	    inet_pton(ret->family, address, &ret->to) != 1) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static void add_ip(struct frame *f, const struct endpoints *e, uint8_t protocol, size_t n)
{
	struct ip v4 = {
		.ip_v = 4,
		.ip_hl = 5,
		.ip_len = htons((uint16_t)(sizeof(v4) + n)),
		.ip_ttl = 64,
		.ip_p = protocol,
		.ip_src = e->from.v4,
		.ip_dst = e->to.v4,
	};
	struct ip6_hdr v6 = {.ip6_src = e->from.v6, .ip6_dst = e->to.v6};

	begin(f, gateway_mac, e->family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	if (e->family == AF_INET) {
		v4.ip_sum = folded(sum(&v4, sizeof(v4), 0));
		add(f, &v4, sizeof(v4));
		return;
	}
	v6.ip6_flow = htonl(6U << 28);
	v6.ip6_plen = htons((uint16_t)n);
	v6.ip6_nxt = protocol;
	v6.ip6_hlim = 64;
	add(f, &v6, sizeof(v6));
}

/* Of the pseudo header and the @n bytes at @data. */
static uint16_t checksum(const struct endpoints *e, uint8_t protocol, const void *data, size_t n)
{
	size_t width = e->family == AF_INET ? sizeof(e->to.v4) : sizeof(e->to.v6);
	uint32_t value = sum(&e->from, width, protocol + (uint32_t)n);

	return folded(sum(data, n, sum(&e->to, width, value)));
}

static void make_udp(struct frame *f, const struct endpoints *e, uint16_t port, const char *text)
{
	unsigned char data[128] = {0};
	size_t n = sizeof(struct udphdr) + strlen(text);
	struct udphdr header = {
		.source = htons(20000),
		.dest = htons(port),
		.len = htons((uint16_t)n),
	};

	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), text, strlen(text));
	header.check = checksum(e, IPPROTO_UDP, data, n);
	memcpy(data, &header, sizeof(header));
	add_ip(f, e, IPPROTO_UDP, n);
	add(f, data, n);
}

static void make_syn(struct frame *f, const struct endpoints *e, uint16_t port, uint16_t source)
{
	struct tcphdr header = {
		.source = htons(source),
		.dest = htons(port),
		.seq = htonl(1),
		.doff = sizeof(header) / 4,
		.syn = 1,
		.window = htons(64000),
	};

	header.check = checksum(e, IPPROTO_TCP, &header, sizeof(header));
	add_ip(f, e, IPPROTO_TCP, sizeof(header));
	add(f, &header, sizeof(header));
}

static void make_arp(struct frame *f)
{
	static const unsigned char everybody[ETH_ALEN] = {255, 255, 255, 255, 255, 255};
	struct ether_arp arp = {
		.ea_hdr = {htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), ETH_ALEN, 4,
			   htons(ARPOP_REQUEST)},
		.arp_spa = {10, 0, 2, 99},
		.arp_tpa = {10, 0, 2, 2},
	};

	memcpy(arp.arp_sha, our_mac, ETH_ALEN);
	begin(f, everybody, ETHERTYPE_ARP);
	add(f, &arp, sizeof(arp));
}

static int send_frame(int sock, const struct frame *f)
{
	return send(sock, f->data, f->size, 0) == (ssize_t)f->size ? 0 : -1;
}

/* Ask for the gateway's address until there is an answer. */
static int await_answer(int sock)
{
	struct deadline deadline = deadline_in(ANSWER_MS);
	unsigned char data[2048];
	struct frame f;

	make_arp(&f);
	while (deadline_left(&deadline) > 0) {
		struct deadline next = deadline_in(REPEAT_MS);

		/* ENETDOWN, ENOBUFS: while the helper is started again. */
		(void)send_frame(sock, &f);
		while (fd_wait(sock, POLLIN, &next, -1) == 0)
			if (recv(sock, data, sizeof(data), 0) >=
				    (ssize_t)sizeof(struct ether_header) &&
			    memcmp(data, our_mac, ETH_ALEN) == 0)
				return 0;
	}
	errno = ETIMEDOUT;
	return -1;
}

static int open_interface(const char *name)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (sock >= 0 && address.sll_ifindex > 0 &&
	    bind(sock, (struct sockaddr *)&address, sizeof(address)) == 0)
		return sock;
	fd_close(sock);
	return -1;
}

static int send_to(int sock, uint32_t port, const char *address, uint16_t source)
{
	char text[120];
	struct endpoints e;
	struct frame f;

	if (endpoints_to(address, &e) < 0 || str_print(text, sizeof(text), "udp %s", address) < 0)
		return fail(address);
	make_udp(&f, &e, (uint16_t)port, text);
	if (send_frame(sock, &f) < 0)
		return fail("sending a datagram");
	make_syn(&f, &e, (uint16_t)port, source);
	if (send_frame(sock, &f) < 0)
		return fail("sending a SYN");
	return await_answer(sock) < 0 ? fail("asking for the gateway") : 0;
}

static int send_all(const char *interface, uint32_t port, char *const *addresses)
{
	_cleanup_close_ int sock = open_interface(interface);
	uint16_t source = 20000;
	int rc = 0;

	if (sock < 0)
		return fail(interface);
	for (; rc == 0 && *addresses; addresses++)
		rc = send_to(sock, port, *addresses, ++source);
	return rc;
}

/* Sockets. */

static int address_of(const char *text, uint32_t port, struct sockaddr_storage *ret,
		      socklen_t *ret_size)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(ret, &v4, sizeof(v4));
		*ret_size = sizeof(v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
		return -1;
	memcpy(ret, &v6, sizeof(v6));
	*ret_size = sizeof(v6);
	return 0;
}

static bool is_accepted(int sock)
{
	struct deadline deadline = deadline_in(CONNECT_MS);
	socklen_t size = sizeof(int);
	int error = 0;

	return fd_wait(sock, POLLOUT, &deadline, -1) == 0 &&
	       getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

/* Errors are no failure: the network may refuse an address. */
static int connect_all(uint32_t port, char *const *addresses)
{
	for (; *addresses; addresses++) {
		struct sockaddr_storage to;
		socklen_t size;
		char text[120];
		int udp, tcp;

		if (address_of(*addresses, port, &to, &size) < 0 ||
		    str_print(text, sizeof(text), "socket %s", *addresses) < 0)
			return fail(*addresses);
		udp = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		tcp = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (udp < 0 || tcp < 0)
			return fail("making a socket");
		(void)!sendto(udp, text, strlen(text), 0, (struct sockaddr *)&to, size);
		if ((connect(tcp, (struct sockaddr *)&to, size) == 0 || errno == EINPROGRESS) &&
		    is_accepted(tcp))
			puts(*addresses);
		fd_close(udp);
		fd_close(tcp);
	}
	return 0;
}

/* The listener. */

static int open_listener(int type, uint16_t *port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(*port)};
	socklen_t size = sizeof(address);
	int sock = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int off = 0, on = 1;

	if (sock < 0)
		return -1;
	/* Connections of an earlier listener may still be in TIME_WAIT. */
	if (type == SOCK_STREAM)
		(void)setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    bind(sock, (struct sockaddr *)&address, size) < 0 ||
	    (type == SOCK_STREAM && listen(sock, 64) < 0) ||
	    getsockname(sock, (struct sockaddr *)&address, &size) < 0) {
		fd_close(sock);
		return -1;
	}
	*port = ntohs(address.sin6_port);
	return sock;
}

static void print_connections(int sock)
{
	int peer;

	while ((peer = accept4(sock, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct sockaddr_in6 address;
		socklen_t size = sizeof(address);
		char text[INET6_ADDRSTRLEN] = "?";

		if (getsockname(peer, (struct sockaddr *)&address, &size) == 0)
			inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof(text));
		printf("tcp %s\n", text);
		fd_close(peer);
	}
}

/* Returns false at the end. */
static bool print_datagrams(int sock)
{
	char text[128];
	ssize_t n;

	while ((n = recv(sock, text, sizeof(text) - 1, 0)) >= 0) {
		text[n] = '\0';
		puts(text);
		if (streq(text, "end"))
			return false;
	}
	return true;
}

/* Find one port number that is free for both, unless @wanted is not 0. */
static int open_listeners(int *ret_udp, int *ret_tcp, uint16_t wanted, uint16_t *ret_port)
{
	for (int i = 0; i < 100; i++) {
		*ret_port = wanted;
		*ret_udp = open_listener(SOCK_DGRAM, ret_port);
		if (*ret_udp < 0)
			return -1;
		*ret_tcp = open_listener(SOCK_STREAM, ret_port);
		if (*ret_tcp >= 0)
			return 0;
		fd_close(*ret_udp);
	}
	return -1;
}

static int serve(uint32_t wanted)
{
	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	bool more = true;
	uint16_t port;

	if (open_listeners(&fds[0].fd, &fds[1].fd, (uint16_t)wanted, &port) < 0)
		return fail("listening");
	printf("%u\n", port);
	while (more) {
		fflush(stdout);
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			return fail("waiting");
		more = print_datagrams(fds[0].fd);
		/* After the datagrams: a connection made before the "end" must be counted. */
		print_connections(fds[1].fd);
	}
	return fflush(stdout) ? 1 : 0;
}

static int say(uint32_t port, const char *text)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	_cleanup_close_ int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 ||
	    sendto(sock, text, strlen(text), 0, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail("saying");
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	uint32_t port = 0;

	if (streq(verb, "listen") && (argc == 2 || parse_u32(argv[2], UINT16_MAX, &port) == 0))
		return serve(port);
	if (streq(verb, "send") && argc > 4 && parse_u32(argv[3], UINT16_MAX, &port) == 0)
		return send_all(argv[2], port, argv + 4);
	if (streq(verb, "say") && argc == 4 && parse_u32(argv[2], UINT16_MAX, &port) == 0)
		return say(port, argv[3]);
	if (streq(verb, "connect") && argc > 3 && parse_u32(argv[2], UINT16_MAX, &port) == 0)
		return connect_all(port, argv + 3);
	fputs("usage: frames listen [PORT] | send INTERFACE PORT [SOURCE>]ADDRESS… | "
	      "connect PORT ADDRESS… | say PORT TEXT\n",
	      stderr);
	return 2;
}
