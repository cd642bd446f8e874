/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Each worker keeps a stock of unconnected sockets of the child's network namespace, and asks the
 * agent for more before it runs out. The stock grows when it runs dry and shrinks when part of it
 * was not needed for a second, so that an idle port holds a handful of descriptors.
 *
 * Where few descriptors are left, sockets are made ahead by the two, so that those that no port
 * needs are not missing elsewhere. At RLIMIT_NOFILE the kernel delivers only a part of a batch, or
 * nothing (man 7 unix, MSG_CTRUNC): the next ones are small then, and come when connections have
 * ended.
 */
#include "worker.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/message.h"

#define WANT_MIN 4
#define RETRY_MS 50
#define WANT_UDP 16 /* a batch of datagrams can be that many new clients */

static uint8_t want_min(enum socket_kind kind)
{
	return kind == KIND_UDP4 || kind == KIND_UDP6 ? WANT_UDP : WANT_MIN;
}

void supply_init(struct supply *supply)
{
	memset(supply, 0, sizeof(*supply));
	supply->watch.fd = -1;
	supply->watch.type = WATCH_SUPPLY;
}

static void ask(struct worker *w, enum socket_kind kind)
{
	struct supply *supply = &w->supply;
	struct stock *stock = &supply->stocks[kind];
	struct supply_request request = {.kind = kind};

	if (stock->asked > 0 || stock->n > stock->want / 2 || supply->watch.fd < 0 ||
	    w->now_ms < supply->retry_ms)
		return;
	request.count = (uint32_t)(stock->want - stock->n);
	if (supply->scarce)
		request.count = 1;
	else if (shares_are_tight(&w->forwarder->shares, w->forwarder->n_workers * MAX_BATCH))
		request.count = MIN(request.count, 2U);
	if (message_send(supply->watch.fd, &request, sizeof(request), NULL, 0) < 0)
		return;
	stock->asked = (uint8_t)request.count;
	supply->queue[supply->n_queue++] = (uint8_t)kind;
}

/* The agent answers in order: the kind that this answer must be of. */
static enum socket_kind next_answer(struct supply *supply)
{
	enum socket_kind kind = supply->queue[0];

	memmove(supply->queue, supply->queue + 1, --supply->n_queue);
	supply->stocks[kind].asked = 0;
	return kind;
}

void supply_need(struct worker *w, enum socket_kind kind)
{
	struct stock *stock = &w->supply.stocks[kind];

	stock->want = MAX(stock->want, want_min(kind));
	ask(w, kind);
}

int supply_take(struct worker *w, enum socket_kind kind)
{
	struct stock *stock = &w->supply.stocks[kind];
	int fd = -1;

	if (stock->n > 0)
		fd = stock->fds[--stock->n];
	stock->low = MIN(stock->low, stock->n);
	if (fd < 0)
		stock->want = (uint8_t)MIN(MAX(stock->want, want_min(kind)) * 2, MAX_BATCH);
	ask(w, kind);
	return fd;
}

void supply_put_back(struct worker *w, enum socket_kind kind, int fd)
{
	struct stock *stock = &w->supply.stocks[kind];

	if (stock->n < ARRAY_SIZE(stock->fds))
		stock->fds[stock->n++] = fd;
	else
		fd_close(fd);
}

unsigned supply_stock(const struct worker *w, enum socket_kind kind)
{
	return w->supply.stocks[kind].n;
}

static void disconnect(struct worker *w)
{
	watch_remove(w, &w->supply.watch);
	w->supply.watch.fd = fd_close(w->supply.watch.fd);
	while (w->supply.n_queue > 0)
		next_answer(&w->supply);
}

void supply_connect(struct worker *w, int fd, uint64_t netns_cookie)
{
	if (w->supply.watch.fd >= 0)
		disconnect(w);
	w->supply.watch.fd = fd;
	w->supply.netns_cookie = netns_cookie;
	if (watch_add(w, &w->supply.watch, EPOLLIN) < 0) {
		w->supply.watch.fd = fd_close(fd);
		return;
	}
	for (int kind = 0; kind < KIND_COUNT_; kind++)
		if (w->supply.stocks[kind].want > 0)
			ask(w, (enum socket_kind)kind);
}

/* Descriptors of an answer that has passed supply_check_answer(). Returns 0 or -EPROTO. */
static int stock_up(struct worker *w, enum socket_kind kind, const int *fds, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = supply_check_socket(fds[i], kind, w->supply.netns_cookie);
		if (rc == 0)
			supply_put_back(w, kind, fds[i]);
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

/* One answer. Returns 1, 0 when there is none, -errno when the agent is dead or a stranger. */
static int take_answer(struct worker *w)
{
	struct supply *supply = &w->supply;
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
		/* Out of descriptors; those that came are closed again. */
		supply->scarce = true;
		supply->retry_ms = w->now_ms + RETRY_MS;
		worker_out_of_descriptors(w);
		return 1;
	}
	if (supply_check_answer(&answer, (size_t)n, n_fds) < 0 || answer.kind != kind ||
	    answer.count > (unsigned)asked)
		return refuse(fds, n_fds);
	return stock_up(w, kind, fds, n_fds) < 0 ? -EPROTO : 1;
}

void supply_event(struct worker *w)
{
	int rc;

	do {
		rc = take_answer(w);
	} while (rc > 0);
	if (rc < 0) {
		if (rc == -EPROTO)
			log_error("the port agent sent what it must not");
		disconnect(w);
	}
	if (w->now_ms >= w->supply.retry_ms)
		listeners_resume(w);
}

bool supply_release(struct worker *w)
{
	bool any = false;

	for (int kind = 0; kind < KIND_COUNT_; kind++) {
		struct stock *stock = &w->supply.stocks[kind];

		for (; stock->n > 1; any = true)
			fd_close(stock->fds[--stock->n]);
		stock->want = MIN(stock->want, 2);
	}
	return any;
}

void supply_tick(struct worker *w)
{
	w->supply.scarce = false;
	for (int kind = 0; kind < KIND_COUNT_; kind++) {
		struct stock *stock = &w->supply.stocks[kind];
		unsigned give = stock->low / 2;

		if (stock->want == 0)
			continue;
		if (stock->want > want_min((enum socket_kind)kind))
			stock->want =
				(uint8_t)MAX(stock->want - give, want_min((enum socket_kind)kind));
		for (; stock->n > stock->want; stock->n--)
			fd_close(stock->fds[stock->n - 1]);
		stock->low = stock->n;
		ask(w, (enum socket_kind)kind);
	}
}

bool supply_idle(const struct worker *w)
{
	if (w->supply.scarce)
		return false;
	for (int kind = 0; kind < KIND_COUNT_; kind++) {
		const struct stock *stock = &w->supply.stocks[kind];

		if (stock->want > want_min((enum socket_kind)kind) || stock->n < stock->want / 2)
			return false;
	}
	return true;
}
