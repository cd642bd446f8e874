/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "counters.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/port/table.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static const struct {
	int family, type;
	bool marked;
} kinds[] = {
	[KIND_TCP4] = {AF_INET, SOCK_STREAM, false},
	[KIND_TCP6] = {AF_INET6, SOCK_STREAM, false},
	[KIND_UDP4] = {AF_INET, SOCK_DGRAM, false},
	[KIND_UDP6] = {AF_INET6, SOCK_DGRAM, false},
	[KIND_TCP4_MARKED] = {AF_INET, SOCK_STREAM, true},
	[KIND_TCP6_MARKED] = {AF_INET6, SOCK_STREAM, true},
	[KIND_UNIX] = {AF_UNIX, SOCK_STREAM, false},
};
static_assert(ARRAY_SIZE(kinds) == KIND_COUNT_, "every kind is described");

int kind_family(enum socket_kind kind)
{
	return kinds[kind].family;
}

int kind_type(enum socket_kind kind)
{
	return kinds[kind].type;
}

bool kind_marked(enum socket_kind kind)
{
	return kinds[kind].marked;
}

enum socket_kind kind_of(int family, bool udp, bool marked)
{
	if (family == AF_UNIX)
		return KIND_UNIX;
	if (udp)
		return family == AF_INET6 ? KIND_UDP6 : KIND_UDP4;
	if (marked)
		return family == AF_INET6 ? KIND_TCP6_MARKED : KIND_TCP4_MARKED;
	return family == AF_INET6 ? KIND_TCP6 : KIND_TCP4;
}

static bool is_endpoint(const union endpoint *e)
{
	return e->sa.sa_family == AF_INET || e->sa.sa_family == AF_INET6;
}

/* A UNIX socket's path is in the memory of the destinations. */
static int check_unix(const struct control_add *add)
{
	if (add->udp || add->marked || add->transparent || add->path_size < 1 ||
	    add->path_size > PORTSPEC_PATH_SIZE - 1 || add->proxy.sa.sa_family != AF_UNSPEC)
		return -EPROTO;
	return 0;
}

static int check_add(const struct control_add *add, size_t n_fds)
{
	if (n_fds < 1 || n_fds > PORT_LISTENERS_MAX || add->udp > 1 || add->marked > 1 ||
	    add->transparent > 1 || add->wildcard > 1 || add->counter >= COUNTERS_SLOTS)
		return -EPROTO;
	if (add->child.sa.sa_family == AF_UNIX)
		return check_unix(add);
	if (add->path_size != 0 || !is_endpoint(&add->child) || endpoint_port(&add->child) == 0 ||
	    endpoint_is_wildcard(&add->child))
		return -EPROTO;
	if (add->proxy.sa.sa_family != AF_UNSPEC &&
	    add->proxy.sa.sa_family != add->child.sa.sa_family)
		return -EPROTO;
	return 0;
}

int control_check_order(const struct control_message *m, size_t size, size_t n_fds)
{
	if (size != sizeof(*m) || m->result != 0)
		return -EPROTO;
	switch (m->type) {
	case CONTROL_ADD:
		return m->id == 0 ? -EPROTO : check_add(&m->add, n_fds);
	case CONTROL_REMOVE:
		return m->id == 0 || n_fds > 0 ? -EPROTO : 0;
	case CONTROL_SUPPLY:
		return m->id != 0 || n_fds < 1 || n_fds > MAX_WORKERS ? -EPROTO : 0;
	default:
		return -EPROTO;
	}
}

int control_check_reply(const struct control_message *m, size_t size, size_t n_fds)
{
	if (size != sizeof(*m) || n_fds > 0 || m->result > 0 || m->result < -4095)
		return -EPROTO;
	switch (m->type) {
	case CONTROL_DONE:
		return 0;
	case CONTROL_FAILED:
		return m->result < 0 ? 0 : -EPROTO;
	case CONTROL_LOG:
		if (m->log.level < LOG_LEVEL_ERROR || m->log.level > LOG_LEVEL_DEBUG ||
		    !memchr(m->log.text, '\0', sizeof(m->log.text)))
			return -EPROTO;
		return 0;
	default:
		return -EPROTO;
	}
}

int supply_check_request(const struct supply_request *m, size_t size)
{
	if (size != sizeof(*m) || m->kind >= KIND_COUNT_ || m->count < 1 || m->count > MAX_BATCH)
		return -EPROTO;
	return 0;
}

int supply_check_answer(const struct supply_answer *m, size_t size, size_t n_fds)
{
	if (size != sizeof(*m) || m->kind >= KIND_COUNT_ || m->count > MAX_BATCH ||
	    m->count != n_fds)
		return -EPROTO;
	if (m->error > 0 || m->error < -4095 || (m->count == 0) != (m->error != 0))
		return -EPROTO;
	return 0;
}

static bool option_is(int fd, int option, int expected)
{
	socklen_t size = sizeof(int);
	int value = -1;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == expected;
}

uint64_t socket_netns_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return 0;
	return cookie;
}

int supply_check_socket(int fd, enum socket_kind kind, uint64_t netns_cookie)
{
	if (!option_is(fd, SO_DOMAIN, kind_family(kind)) ||
	    !option_is(fd, SO_TYPE, kind_type(kind)))
		return -EPROTO;
	if (netns_cookie != 0 && socket_netns_cookie(fd) != netns_cookie)
		return -EPROTO;
	return 0;
}

void socket_stays_here(int fd)
{
	static const char reno[] = "reno";

	/* Ignore failures: every other algorithm works as well. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof(reno) - 1);
}
