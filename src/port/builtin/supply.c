/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Each thread keeps a stock of unconnected sockets of the child's network namespace, and requests
 * more from the agent before the stock runs dry. The desired size grows when the stock runs dry. It
 * shrinks when a part was not needed for a second. So an idle port has only a few descriptors.
 *
 * If few descriptors are left, a thread requests at most two sockets at a time, so that unused
 * sockets do not take descriptors from connections. At RLIMIT_NOFILE the kernel delivers only a
 * part of a batch, or nothing (man 7 unix, MSG_CTRUNC). Then the next batches are small, and are
 * requested after connections have ended.
 */
#include "supply.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/list.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/message.h"

#define WANT_MIN 4
#define RETRY_MS 50
#define WANT_UDP 16 /* each datagram of a batch may come from a new client */

static uint8_t want_min(enum socket_kind kind)
{
	return kind == KIND_UDP4 || kind == KIND_UDP6 ? WANT_UDP : WANT_MIN;
}

static void request_more(struct supply *supply, enum socket_kind kind)
{
	struct stock *stock = &supply->stocks[kind];
	struct supply_request request = {.kind = kind};

	if (stock->asked > 0 || stock->n > stock->want / 2 || supply->watch.fd < 0 ||
	    supply->loop->now_ms < supply->retry_ms)
		return;
	request.count = (uint32_t)(stock->want - stock->n);
	if (supply->scarce)
		request.count = 1;
	else if (shares_are_tight(supply->shares, supply->threads * MAX_BATCH))
		request.count = MIN(request.count, 2U);
	if (message_send(supply->watch.fd, &request, sizeof(request), NULL, 0) < 0)
		return;
	stock->asked = (uint8_t)request.count;
	supply->queue[supply->n_queue++] = (uint8_t)kind;
}

/* Returns the kind that the next answer must have: the agent answers requests in order. */
static enum socket_kind next_answer(struct supply *supply)
{
	enum socket_kind kind = supply->queue[0];

	memmove(supply->queue, supply->queue + 1, --supply->n_queue);
	supply->stocks[kind].asked = 0;
	return kind;
}

void supply_need(struct supply *supply, enum socket_kind kind)
{
	struct stock *stock = &supply->stocks[kind];

	stock->want = MAX(stock->want, want_min(kind));
	request_more(supply, kind);
}

int supply_take(struct supply *supply, enum socket_kind kind)
{
	struct stock *stock = &supply->stocks[kind];
	int fd = -1;

	if (stock->n > 0)
		fd = stock->fds[--stock->n];
	stock->low = MIN(stock->low, stock->n);
	if (fd < 0)
		stock->want = (uint8_t)MIN(MAX(stock->want, want_min(kind)) * 2, MAX_BATCH);
	request_more(supply, kind);
	return fd;
}

void supply_put_back(struct supply *supply, enum socket_kind kind, int fd)
{
	struct stock *stock = &supply->stocks[kind];

	if (stock->n < ARRAY_SIZE(stock->fds))
		stock->fds[stock->n++] = fd;
	else
		fd_close(fd);
}

unsigned supply_stock(const struct supply *supply, enum socket_kind kind)
{
	return supply->stocks[kind].n;
}

static void disconnect(struct supply *supply)
{
	watch_remove(supply->loop, &supply->watch);
	supply->watch.fd = fd_close(supply->watch.fd);
	while (supply->n_queue > 0)
		next_answer(supply);
}

/* Add the descriptors of a checked answer to the stock. Returns 0 or -EPROTO. */
static int stock_up(struct supply *supply, enum socket_kind kind, const int *fds, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = supply_check_socket(fds[i], kind, supply->netns_cookie);
		if (rc == 0)
			supply_put_back(supply, kind, fds[i]);
		else
			fd_close(fds[i]);
	}
	return rc;
}

static int refuse(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fd_close(fds[i]);
	return -EPROTO;
}

/* Descriptors ran out, ours or the agent's: pause. */
static void pause_requests(struct supply *supply)
{
	supply->scarce = true;
	supply->retry_ms = supply->loop->now_ms + RETRY_MS;
	supply->loop->fds_short = true;
}

/* Receive one answer. Returns 1; 0 if there is none; -errno if the agent is dead or breaks the
 * protocol. */
static int take_answer(struct supply *supply)
{
	struct supply_answer answer;
	int fds[MAX_BATCH], asked;
	size_t n_fds = ARRAY_SIZE(fds);
	enum socket_kind kind;
	ssize_t n = message_recv(supply->watch.fd, &answer, sizeof(answer), fds, &n_fds);

	if (n == -EAGAIN)
		return 0;
	if (n == 0 || (n < 0 && !message_lacks_fds(n)))
		return n < 0 ? (int)n : -EPIPE;
	if (supply->n_queue == 0)
		return refuse(fds, n < 0 ? 0 : n_fds);
	asked = supply->stocks[supply->queue[0]].asked;
	kind = next_answer(supply);
	if (n < 0) {
		/* message_recv() has closed the descriptors that were delivered. */
		pause_requests(supply);
		return 1;
	}
	if (supply_check_answer(&answer, (size_t)n, n_fds) < 0 || answer.kind != kind ||
	    answer.count > (unsigned)asked)
		return refuse(fds, n_fds);
	if (answer.error < 0)
		pause_requests(supply);
	return stock_up(supply, kind, fds, n_fds) < 0 ? -EPROTO : 1;
}

/* watch.ready */
static void on_agent(struct watch *watch, uint32_t events)
{
	struct supply *supply = CONTAINER(watch, struct supply, watch);
	int rc;

	(void)events;
	/* An earlier event of the batch has disconnected the agent. */
	if (watch->fd < 0)
		return;
	do {
		rc = take_answer(supply);
	} while (rc > 0);
	if (rc < 0) {
		if (rc == -EPROTO)
			log_error("protocol error from the port agent");
		disconnect(supply);
	}
	if (supply->loop->now_ms >= supply->retry_ms)
		supply->loop->room_made = true;
}

void supply_init(struct supply *supply, struct loop *loop, struct shares *shares, unsigned threads)
{
	memset(supply, 0, sizeof(*supply));
	supply->watch.ready = on_agent;
	supply->watch.fd = -1;
	supply->loop = loop;
	supply->shares = shares;
	supply->threads = threads;
}

void supply_connect(struct supply *supply, int fd, uint64_t netns_cookie)
{
	if (supply->watch.fd >= 0)
		disconnect(supply);
	supply->watch.fd = fd;
	supply->netns_cookie = netns_cookie;
	if (watch_add(supply->loop, &supply->watch, EPOLLIN) < 0) {
		supply->watch.fd = fd_close(fd);
		return;
	}
	for (int kind = 0; kind < KIND_COUNT_; kind++)
		if (supply->stocks[kind].want > 0)
			request_more(supply, (enum socket_kind)kind);
}

void supply_retry(struct supply *supply)
{
	supply->retry_ms = 0;
}

void supply_release(struct supply *supply)
{
	for (int kind = 0; kind < KIND_COUNT_; kind++) {
		struct stock *stock = &supply->stocks[kind];

		while (stock->n > 1)
			fd_close(stock->fds[--stock->n]);
		stock->want = MIN(stock->want, 2);
	}
}

void supply_tick(struct supply *supply)
{
	supply->scarce = false;
	for (int kind = 0; kind < KIND_COUNT_; kind++) {
		struct stock *stock = &supply->stocks[kind];
		unsigned give = stock->low / 2;

		if (stock->want == 0)
			continue;
		if (stock->want > want_min((enum socket_kind)kind))
			stock->want =
				(uint8_t)MAX(stock->want - give, want_min((enum socket_kind)kind));
		for (; stock->n > stock->want; stock->n--)
			fd_close(stock->fds[stock->n - 1]);
		stock->low = stock->n;
		request_more(supply, (enum socket_kind)kind);
	}
}

bool supply_idle(const struct supply *supply)
{
	if (supply->scarce)
		return false;
	for (int kind = 0; kind < KIND_COUNT_; kind++) {
		const struct stock *stock = &supply->stocks[kind];

		if (stock->want > want_min((enum socket_kind)kind) || stock->n < stock->want / 2)
			return false;
	}
	return true;
}
