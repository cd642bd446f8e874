/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A runner in the child's network adds the service's addresses to lo, and makes the sockets. The
 * network's helper never sees a packet for these addresses: they are local. So the service works
 * with every helper in the same way, also while the helper is being restarted.
 *
 * The port is random, and above the range from which the kernel chooses ports (man 7 ip), so that
 * the command rarely needs the same port.
 */
#include "inside.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/proc/kept.h"
#include "fauxroot/sys/inside.h"
#include "fauxroot/sys/netlink.h"
#include "fauxroot/sys/ns.h"

#define OPEN_MS	  5000
#define ANSWER_MS 2000

#define PORT_FIRST 61000U
#define PORT_COUNT 4000U
#define PORT_TRIES 8

/* In the order in which the runner returns them: the sockets of the table are the last. */
enum { FD_UDP, FD_TCP, FD_UDP6, FD_TCP6, FD_COUNT };

struct job {
	const struct names_at *at;
	bool behind_table;
	int fds[FD_COUNT + KEPT_TABLE_FDS];
	struct {
		uint16_t port;
	} out;
};

/* The number of the service's sockets. */
static int count(const struct names_at *at)
{
	return at->ipv6 ? FD_COUNT : FD_UDP6;
}

static int add_address(struct netlink *nl, unsigned lo, unsigned char family, const void *address,
		       size_t size, struct error *err)
{
	const struct ifaddrmsg info = {
		.ifa_family = family,
		.ifa_prefixlen = (unsigned char)(size * 8),
		.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = lo,
	};
	struct netlink_request r;

	netlink_clear(&r);
	netlink_begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	netlink_put(&r, IFA_LOCAL, address, size);
	netlink_put(&r, IFA_ADDRESS, address, size);
	return netlink_transact(nl, &r, "adding the name service's address to lo", err);
}

static int add_addresses(const struct names_at *at, struct error *err)
{
	_cleanup_netlink_ struct netlink nl = NETLINK_NONE;
	unsigned lo = if_nametoindex("lo");
	int rc = lo == 0 ? err_set(err, errno, "finding lo")
			 : netlink_open(NETLINK_ROUTE, ANSWER_MS, &nl, err);

	if (rc == 0)
		rc = add_address(&nl, lo, AF_INET, &at->address, sizeof(at->address), err);
	if (rc == 0 && at->ipv6)
		rc = add_address(&nl, lo, AF_INET6, &at->address6, sizeof(at->address6), err);
	return rc;
}

static union endpoint endpoint_at(const struct names_at *at, bool ipv6, uint16_t port)
{
	union endpoint e = {.sa.sa_family = ipv6 ? AF_INET6 : AF_INET};

	if (ipv6)
		e.in6.sin6_addr = at->address6;
	else
		e.in.sin_addr = at->address;
	endpoint_set_port(&e, port);
	return e;
}

static void close_sockets(struct job *job, int n)
{
	for (int i = 0; i < n; i++)
		job->fds[i] = fd_close(job->fds[i]);
}

/* Bind all sockets at @port. */
static int bind_all(struct job *job, uint16_t port, struct error *err)
{
	int n = count(job->at), rc = 0;

	for (int i = 0; i < n && rc == 0; i++) {
		struct inside_socket wanted = {
			.address = endpoint_at(job->at, i >= FD_UDP6, port),
			.type = i == FD_UDP || i == FD_UDP6 ? SOCK_DGRAM : SOCK_STREAM,
		};

		rc = inside_bind(&wanted, &job->fds[i], err);
	}
	if (rc < 0)
		close_sockets(job, n);
	return rc;
}

static uint16_t random_port(void)
{
	uint16_t number = 0;

	(void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
	return (uint16_t)(PORT_FIRST + number % PORT_COUNT);
}

/* ns_job.run */
static int open_in_ns(void *arg, struct error *err)
{
	struct job *job = arg;
	int rc = add_addresses(job->at, err);

	job->out.port = NAMES_PORT;
	if (rc == 0 && job->behind_table)
		rc = kept_table_sockets(job->fds + count(job->at), err);
	else if (rc == 0)
		return bind_all(job, NAMES_PORT, err);
	if (rc < 0)
		return rc;
	rc = -EADDRINUSE;
	for (int i = 0; i < PORT_TRIES && rc == -EADDRINUSE; i++) {
		job->out.port = random_port();
		rc = bind_all(job, job->out.port, err);
	}
	return rc;
}

/* Make the sockets: at port 53, or at a high one with the table. */
static int open_sockets(const struct ns_set *ns, const struct names_at *at, bool behind_table,
			int cancel_fd, struct inside *ret, struct error *err)
{
	struct deadline deadline = deadline_in(OPEN_MS);
	struct job job = {.at = at, .behind_table = behind_table, .fds = {-1, -1, -1, -1}};
	const struct ns_job ns_job = {
		.name = "fauxroot: netns",
		.which = NS_JOIN_NET,
		.run = open_in_ns,
		.arg = &job,
		.out = &job.out,
		.out_size = sizeof(job.out),
		.fds = job.fds,
		.n_fds = (size_t)(count(at) + (behind_table ? KEPT_TABLE_FDS : 0)),
	};
	int rc = ns_run(ns, &ns_job, &deadline, cancel_fd, err);

	if (rc < 0)
		return rc;
	if (behind_table)
		rc = table_make(&ret->table, job.fds + count(at), at, job.out.port, err);
	if (rc < 0) {
		close_sockets(&job, count(at));
		return rc;
	}
	ret->sockets = (struct relay_sockets){
		.udp = {job.fds[FD_UDP], at->ipv6 ? job.fds[FD_UDP6] : -1},
		.tcp = {job.fds[FD_TCP], at->ipv6 ? job.fds[FD_TCP6] : -1},
	};
	return 0;
}

int inside_open(const struct ns_set *ns, const struct names_at *at, int cancel_fd,
		struct inside *ret, struct error *err)
{
	struct error why = {0};
	int rc;

	*ret = INSIDE_NONE;
	rc = open_sockets(ns, at, true, cancel_fd, ret, &why);
	if (rc == 0)
		return 0;
	if (rc == -ECANCELED || kept_is_shortage(rc)) {
		*err = why;
		return rc;
	}
	log_info("the name service takes port 53 in the command's network: %s", why.text);
	return open_sockets(ns, at, false, cancel_fd, ret, err);
}

void inside_close(struct inside *inside)
{
	for (int i = 0; i < NAMES_FAMILIES; i++) {
		fd_close(inside->sockets.udp[i]);
		fd_close(inside->sockets.tcp[i]);
	}
	kept_table_close(&inside->table.kept);
	*inside = INSIDE_NONE;
}
