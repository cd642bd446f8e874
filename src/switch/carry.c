/* SPDX-License-Identifier: Apache-2.0 */
#include "carry.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

/* SO_BUF_LOCK, Linux 5.15: the process has set the size, so the kernel does not adapt it. */
#define SEND_BUFFER_IS_SET    1
#define RECEIVE_BUFFER_IS_SET 2

#ifndef SO_TIMESTAMP_OLD
#define SO_TIMESTAMP_OLD    29
#define SO_TIMESTAMPNS_OLD  35
#define SO_TIMESTAMPING_OLD 37
#define SO_TIMESTAMP_NEW    63
#define SO_TIMESTAMPNS_NEW  64
#define SO_TIMESTAMPING_NEW 65
#endif
#ifndef TCP_TX_DELAY
#define TCP_TX_DELAY 37
#endif
#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#define SO_BUSY_POLL_BUDGET 70
#endif
#ifndef SO_RESERVE_MEM
#define SO_RESERVE_MEM 73
#endif
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif
#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS	  44
#define TCP_RTO_MIN_US	  45
#define TCP_DELACK_MAX_US 46
#endif

struct option {
	int level, name;
};

/*
 * Options with an effect on an outgoing connection. tests/lib/fixtures/sockopts.py tries all
 * numbers, and lists the options without such an effect.
 */
static const struct option options[] = {
	{SOL_SOCKET, SO_KEEPALIVE},
	{SOL_SOCKET, SO_OOBINLINE},
	{SOL_SOCKET, SO_RCVLOWAT},
	{SOL_SOCKET, SO_TIMESTAMP_OLD},
	{SOL_SOCKET, SO_TIMESTAMPNS_OLD},
	{SOL_SOCKET, SO_TIMESTAMPING_OLD},
	{SOL_SOCKET, SO_TIMESTAMP_NEW},
	{SOL_SOCKET, SO_TIMESTAMPNS_NEW},
	{SOL_SOCKET, SO_TIMESTAMPING_NEW},
	{SOL_SOCKET, SO_ZEROCOPY},
	{SOL_SOCKET, SO_MAX_PACING_RATE},
	{SOL_SOCKET, SO_PEEK_OFF},
	{SOL_SOCKET, SO_SELECT_ERR_QUEUE},
	{SOL_SOCKET, SO_BUSY_POLL},
	{SOL_SOCKET, SO_PREFER_BUSY_POLL},
	{SOL_SOCKET, SO_BUSY_POLL_BUDGET},
	{SOL_SOCKET, SO_RESERVE_MEM},
	{SOL_SOCKET, SO_TXREHASH},
	{IPPROTO_TCP, TCP_NODELAY},
	{IPPROTO_TCP, TCP_CORK},
	{IPPROTO_TCP, TCP_QUICKACK},
	{IPPROTO_TCP, TCP_KEEPIDLE},
	{IPPROTO_TCP, TCP_KEEPINTVL},
	{IPPROTO_TCP, TCP_KEEPCNT},
	{IPPROTO_TCP, TCP_SYNCNT},
	{IPPROTO_TCP, TCP_LINGER2},
	{IPPROTO_TCP, TCP_WINDOW_CLAMP},
	{IPPROTO_TCP, TCP_USER_TIMEOUT},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT},
	{IPPROTO_TCP, TCP_INQ},
	{IPPROTO_TCP, TCP_MAXSEG},
	{IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT},
	{IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE},
	{IPPROTO_TCP, TCP_TX_DELAY},
	{IPPROTO_TCP, TCP_RTO_MAX_MS},
	{IPPROTO_TCP, TCP_RTO_MIN_US},
	{IPPROTO_TCP, TCP_DELACK_MAX_US},
	/* IP_TOS sets the priority, too (man 7 ip): the priority comes after it. */
	{IPPROTO_IP, IP_TOS},
	{SOL_SOCKET, SO_PRIORITY},
	{IPPROTO_IP, IP_TTL},
	{IPPROTO_IP, IP_MTU_DISCOVER},
	{IPPROTO_IP, IP_RECVERR},
	{IPPROTO_IP, IP_MINTTL},
	{IPPROTO_IPV6, IPV6_V6ONLY},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER},
	{IPPROTO_IPV6, IPV6_MINHOPCOUNT},
	{IPPROTO_IPV6, IPV6_ADDR_PREFERENCES},
	{IPPROTO_IPV6, IPV6_AUTOFLOWLABEL},
	{IPPROTO_IPV6, IPV6_FLOWINFO_SEND},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS},
	{IPPROTO_IPV6, IPV6_TCLASS},
	{IPPROTO_IPV6, IPV6_RECVERR},
};
_Static_assert(ARRAY_SIZE(options) <= CARRY_OPTIONS, "struct defaults has room for all options");

/*
 * If one of these options has a value other than 0, the socket is not replaced. Marks, devices,
 * transparent addresses and filters of the command's network have no meaning in the host's.
 * SO_REUSEPORT is for listeners, TCP_REPAIR for restored connections. With TCP_FASTOPEN_CONNECT
 * connect(2) does nothing yet.
 */
static const struct option obstacles[] = {
	{SOL_SOCKET, SO_MARK},
	{SOL_SOCKET, SO_BINDTOIFINDEX},
	{SOL_SOCKET, SO_DONTROUTE},
	{SOL_SOCKET, SO_REUSEPORT},
	{IPPROTO_TCP, TCP_FASTOPEN_CONNECT},
	{IPPROTO_TCP, TCP_REPAIR},
	{IPPROTO_IP, IP_TRANSPARENT},
	{IPPROTO_IP, IP_UNICAST_IF},
	{IPPROTO_IP, IP_LOCAL_PORT_RANGE},
};

int get_int(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, name, &value, &size) < 0 ? -1 : value;
}

/* How many bytes does the option have? 0: it is not set. */
static socklen_t size_of(int fd, int level, int name)
{
	unsigned char value[64];
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, name, value, &size) < 0 ? 0 : size;
}

/* SO_GET_FILTER returns the number of instructions instead of a size, and EACCES for an eBPF
 * filter. */
static bool has_filter(int fd)
{
	socklen_t n = 0;

	/* cppcheck-suppress nullPointer */
	return getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n) < 0 || n > 0;
}

/* A process gets signals of the socket as soon as it has O_ASYNC (man 2 fcntl, F_SETOWN). */
static bool has_owner(int fd)
{
	struct f_owner_ex owner = {.pid = 0};

	return fcntl(fd, F_GETOWN_EX, &owner) < 0 || owner.pid != 0;
}

/* When the timeout has passed, connect(2) fails with EINPROGRESS. On the host's socket it is the
 * second connect(2), and would fail with EALREADY. */
static bool has_timeout(int fd)
{
	struct timeval time;
	socklen_t size = sizeof(time);

	return getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, &size) == 0 &&
	       (time.tv_sec != 0 || time.tv_usec != 0);
}

/* Headers that the process adds to each packet. */
static bool has_headers(int fd, int family)
{
	if (size_of(fd, IPPROTO_IP, IP_OPTIONS) > 0)
		return true;
	return family == AF_INET6 && (size_of(fd, IPPROTO_IPV6, IPV6_RTHDR) > 0 ||
				      size_of(fd, IPPROTO_IPV6, IPV6_HOPOPTS) > 0 ||
				      size_of(fd, IPPROTO_IPV6, IPV6_DSTOPTS) > 0);
}

bool carry_possible(int fd, int family)
{
	for (size_t i = 0; i < ARRAY_SIZE(obstacles); i++)
		if (get_int(fd, obstacles[i].level, obstacles[i].name) > 0)
			return false;
	return !has_timeout(fd) && !has_filter(fd) && !has_owner(fd) && !has_headers(fd, family);
}

static bool carry_int(int to, int level, int name, int value)
{
	return setsockopt(to, level, name, &value, sizeof(value)) == 0;
}

static bool read_option(int fd, int family, const struct option *option, int *ret)
{
	socklen_t size = sizeof(*ret);

	if (option->level == IPPROTO_IPV6 && family != AF_INET6)
		return false;
	return getsockopt(fd, option->level, option->name, ret, &size) == 0;
}

void carry_learn(struct defaults *ret)
{
	static const int families[] = {AF_INET, AF_INET6};

	memset(ret, 0, sizeof(*ret));
	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		_cleanup_close_ int fd = socket(families[f], SOCK_STREAM | SOCK_CLOEXEC, 0);

		for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(options); i++)
			ret->known[f][i] =
				read_option(fd, families[f], &options[i], &ret->values[f][i]);
	}
}

/* Sizes that were set are fixed. The kernel doubles the value that is set (man 7 socket). */
static void carry_buffers(int from, int to)
{
	int set = get_int(from, SOL_SOCKET, SO_BUF_LOCK);

	if (set > 0 && (set & SEND_BUFFER_IS_SET))
		(void)carry_int(to, SOL_SOCKET, SO_SNDBUF,
				get_int(from, SOL_SOCKET, SO_SNDBUF) / 2);
	if (set > 0 && (set & RECEIVE_BUFFER_IS_SET))
		(void)carry_int(to, SOL_SOCKET, SO_RCVBUF,
				get_int(from, SOL_SOCKET, SO_RCVBUF) / 2);
}

static void carry_structs(int from, int to)
{
	struct linger linger;
	struct timeval time;
	socklen_t size = sizeof(linger);

	if (getsockopt(from, SOL_SOCKET, SO_LINGER, &linger, &size) == 0 && linger.l_onoff)
		(void)setsockopt(to, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	size = sizeof(time);
	if (getsockopt(from, SOL_SOCKET, SO_RCVTIMEO, &time, &size) == 0 &&
	    (time.tv_sec != 0 || time.tv_usec != 0))
		(void)setsockopt(to, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
}

/* The congestion control that the command's network has, or that the command has set. */
static void carry_congestion(int from, int to)
{
	char wanted[16] = "", have[16] = "";
	socklen_t wanted_size = sizeof(wanted), have_size = sizeof(have);

	if (getsockopt(from, IPPROTO_TCP, TCP_CONGESTION, wanted, &wanted_size) < 0 ||
	    getsockopt(to, IPPROTO_TCP, TCP_CONGESTION, have, &have_size) < 0 ||
	    strncmp(wanted, have, sizeof(wanted)) == 0)
		return;
	(void)setsockopt(to, IPPROTO_TCP, TCP_CONGESTION, wanted,
			 (socklen_t)strnlen(wanted, sizeof(wanted)));
}

bool carry_over(const struct defaults *defaults, int from, int to, int family)
{
	size_t f = family == AF_INET6 ? 1 : 0;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		int value;

		if (!defaults->known[f][i] || !read_option(from, family, &options[i], &value) ||
		    value == defaults->values[f][i])
			continue;
		if (!carry_int(to, options[i].level, options[i].name, value))
			return false;
	}
	carry_buffers(from, to);
	carry_structs(from, to);
	carry_congestion(from, to);
	return true;
}
