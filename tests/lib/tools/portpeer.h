/* SPDX-License-Identifier: Apache-2.0 */
/* For the checkers of ports: addresses, sockets, and an exit with a message. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"

#define TIMEOUT_S 60

/* The address that a checker connects to or serves, and its action. */
struct peer {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address;
	socklen_t size;
	uint64_t bytes;
	char mode;
};

_noreturn_ static inline void die(const char *fmt, ...) _printf_(1, 2);
_noreturn_ static inline void die(const char *fmt, ...)
{
	int errnum = errno;
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, " (%s)\n", strerror(errnum));
	va_end(ap);
	exit(1);
}

static inline uint64_t number(const char *text)
{
	struct cursor c = cursor_of(text);
	uint64_t value;

	if (cursor_u64(&c, UINT64_MAX / 2, &value) < 0 || !cursor_at_end(&c))
		die("\"%s\" is no number", text);
	return value;
}

static inline int open_socket(const struct peer *peer, int type)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	int fd = socket(peer->address.sa.sa_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("making a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return fd;
}

/* From the IPv4 address in PORTPEER_SOURCE, if it is set: on loopback, another client. */
static inline void bind_source(int fd)
{
	const char *text = getenv("PORTPEER_SOURCE");
	struct sockaddr_in source = {.sin_family = AF_INET};

	if (text && (inet_pton(AF_INET, text, &source.sin_addr) != 1 ||
		     bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0))
		die("binding to %s", text);
}

static inline int dial(const struct peer *peer)
{
	int fd = open_socket(peer, SOCK_STREAM);

	bind_source(fd);
	if (connect(fd, &peer->address.sa, peer->size) < 0)
		die("connecting");
	return fd;
}

/* False if the peer has closed; a server continues then. */
static inline bool try_send(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		n -= (size_t)sent;
	}
	return true;
}

static inline void send_all(int fd, const char *data, size_t n)
{
	if (!try_send(fd, data, n))
		die("sending");
}

static inline void parse_peer(struct peer *peer, const char *address, const char *port)
{
	uint16_t number_port = htons((uint16_t)number(port));

	if (inet_pton(AF_INET, address, &peer->address.in.sin_addr) == 1) {
		peer->address.in.sin_family = AF_INET;
		peer->address.in.sin_port = number_port;
		peer->size = sizeof(peer->address.in);
	} else if (inet_pton(AF_INET6, address, &peer->address.in6.sin6_addr) == 1) {
		peer->address.in6.sin6_family = AF_INET6;
		peer->address.in6.sin6_port = number_port;
		peer->size = sizeof(peer->address.in6);
	} else {
		die("\"%s\" is no address", address);
	}
}

/* The tests may have been started with a low soft limit. */
static inline void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("reading the limit of descriptors");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("raising the limit of descriptors");
}
