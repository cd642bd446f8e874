/* SPDX-License-Identifier: Apache-2.0 */
#include "ports.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/config/portspec.h"

#define SETTINGS     "/proc/sys/net/ipv4/"
#define SETTINGS_MAX 65536

/* Ports to try: with three quarters of them in use, the last one fails once in a hundred times. */
#define TRIES 16

static bool is_reserved(const struct ports_range *range, unsigned port)
{
	return range->reserved[port / 8] & 1U << port % 8;
}

int ports_reserve(struct ports_range *range, const char *text)
{
	struct cursor c = cursor_of(text);
	uint32_t first, last;

	while (!cursor_at_end(&c) && *c.at != '\n') {
		if (cursor_u32(&c, 65535, &first) < 0)
			return -EINVAL;
		last = first;
		if (cursor_char(&c, '-') && (cursor_u32(&c, 65535, &last) < 0 || last < first))
			return -EINVAL;
		for (uint32_t port = first; port <= last; port++)
			range->reserved[port / 8] |= (unsigned char)(1U << port % 8);
		if (!cursor_char(&c, ',') && !cursor_at_end(&c) && *c.at != '\n')
			return -EINVAL;
	}
	return 0;
}

static void read_range(struct ports_range *ret)
{
	_cleanup_free_ char *text = NULL;
	struct cursor c;
	uint32_t first, last;

	if (file_read_bounded(AT_FDCWD, SETTINGS "ip_local_port_range", SETTINGS_MAX, &text, NULL) <
	    0)
		return;
	c = cursor_of(text);
	if (cursor_u32(&c, 65535, &first) < 0 || cursor_blanks(&c) == 0 ||
	    cursor_u32(&c, 65535, &last) < 0 || first == 0 || last < first)
		return;
	ret->first = (uint16_t)first;
	ret->last = (uint16_t)last;
}

void ports_learn(struct ports_range *ret)
{
	_cleanup_free_ char *text = NULL;

	memset(ret, 0, sizeof(*ret));
	ret->first = 32768;
	ret->last = 60999;
	read_range(ret);
	if (file_read_bounded(AT_FDCWD, SETTINGS "ip_local_reserved_ports", SETTINGS_MAX, &text,
			      NULL) == 0)
		(void)ports_reserve(ret, text);
}

/* A random port that is not reserved; 0: there is none. */
static uint16_t ports_random(const struct ports_range *range)
{
	unsigned n = (unsigned)(range->last - range->first) + 1, random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		unsigned port = range->first + (random % n + i) % n;

		if (!is_reserved(range, port))
			return (uint16_t)port;
	}
	return 0;
}

int ports_bind(const struct ports_range *range, int fd, int family)
{
	union endpoint any;
	int on = 1, rc = -EADDRINUSE;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	for (int i = 0; i < TRIES && rc == -EADDRINUSE; i++) {
		uint16_t port = ports_random(range);

		if (port == 0)
			break;
		(void)endpoint_of(family == AF_INET6 ? "::" : "0.0.0.0", port, &any);
		rc = bind(fd, &any.sa, endpoint_size(&any)) < 0 ? -errno : 0;
	}
	return rc;
}
