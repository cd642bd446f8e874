/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The forwarder relays what strangers send, so it is a process of its own with nothing to lose: no
 * capability, no terminal, no file, and system calls for relaying only. It cannot make a socket:
 * the launcher binds and hands in the listeners (and keeps them, so that a new forwarder goes on
 * with the same ones and no client is refused meanwhile), the agent sends those towards the target.
 * It can connect them to what is published only (destinations.c).
 *
 * Its first thread is a worker like the others, which also takes the launcher's orders.
 */
#include "forwarder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "confine.h"
#include "destinations.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/message.h"
#include "worker.h"

#define FLOWS_MAX 65536U
/* More than any kernel allows a process (sysctl fs.nr_open). */
#define DESCRIPTORS_MAX (1U << 30)
#define STACK_BYTES	(256 << 10)

/* log_redirect()'s sink: the launcher writes the line. One that does not listen misses it. */
static void log_to_launcher(void *arg, enum log_level level, const char *text)
{
	struct forwarder *f = arg;
	struct control_message m = {.type = CONTROL_LOG, .log.level = level};

	(void)str_print(m.log.text, sizeof(m.log.text), "%s", text);
	(void)message_send(f->control.fd, &m, sizeof(m), NULL, 0);
}

/* The answer to the order in hand. */
static void done(struct forwarder *f, int result)
{
	struct control_message m = {
		.type = CONTROL_DONE,
		.id = f->order.id,
		.serial = f->order.serial,
		.result = result,
	};

	/* The launcher awaits each answer, so the socket has room for it; else it has gone. */
	if (message_send(f->control.fd, &m, sizeof(m), NULL, 0) < 0)
		_exit(0);
}

static void post_all(struct forwarder *f, const struct letter *letter)
{
	/* Not to be carried out by half: the launcher starts a forwarder anew that has ended. */
	for (unsigned i = 0; i < f->n_workers; i++)
		if (worker_post(&f->workers[i], letter) < 0)
			_exit(1);
}

static struct listener *make_listener(struct forwarder *f, const struct control_message *m,
				      struct share *share, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		_exit(1);
	l->watch.fd = fd;
	l->watch.type = WATCH_LISTENER;
	l->id = m->id;
	l->udp = m->add.udp;
	l->transparent = m->add.transparent;
	l->wildcard = m->add.wildcard;
	l->segments = true;
	l->child = m->add.child;
	l->destination = destination_at(m->add.destination);
	l->proxy = m->add.proxy;
	l->kind = kind_of(l->child.sa.sa_family, l->udp, m->add.marked);
	l->share = share;
	l->forwarder = f;
	atomic_init(&l->users, f->n_workers);
	list_insert(&f->listeners, &l->link);
	return l;
}

/* DONE comes from forwarder_adopted(). */
static void add_port(struct forwarder *f, const struct control_message *m, const int *fds, size_t n)
{
	struct share *share = share_open(&f->shares, m->id, (unsigned)n, m->add.udp);
	struct order *order = &f->order;

	if (!share)
		_exit(1);
	for (size_t i = 0; i < n; i++)
		order->listeners[i] = make_listener(f, m, share, fds[i]);
	order->n = (unsigned)n;
	atomic_store(&order->left, order->n * f->n_workers);
	for (size_t i = 0; i < n; i++)
		post_all(f, &(struct letter){.type = LETTER_LISTENER,
					     .listener = order->listeners[i]});
}

/* Have all workers leave the listeners of the order in hand. DONE comes from forwarder_closed(). */
static void withdraw(struct forwarder *f)
{
	struct order *order = &f->order;
	struct listener *const listeners[2] = {order->listeners[0], order->listeners[1]};
	unsigned n = order->n;

	atomic_store(&order->left, n);
	for (unsigned i = 0; i < n; i++)
		atomic_store(&listeners[i]->removed, true);
	for (unsigned i = 0; i < n; i++)
		post_all(f, &(struct letter){.type = LETTER_LEAVE, .listener = listeners[i]});
}

void forwarder_adopted(struct forwarder *f, int rc)
{
	if (rc < 0)
		atomic_store(&f->order.error, rc);
	if (atomic_fetch_sub(&f->order.left, 1) > 1)
		return;
	if (atomic_load(&f->order.error) == 0)
		done(f, 0);
	else
		withdraw(f);
}

void forwarder_closed(struct forwarder *f)
{
	if (atomic_fetch_sub(&f->order.left, 1) == 1)
		done(f, atomic_load(&f->order.error));
}

static void remove_port(struct forwarder *f, uint32_t id)
{
	struct order *order = &f->order;

	order->n = 0;
	for (struct list *at = f->listeners.next; at != &f->listeners && order->n < 2;
	     at = at->next) {
		struct listener *l = CONTAINER(at, struct listener, link);

		if (l->id == id)
			order->listeners[order->n++] = l;
	}
	if (order->n == 0)
		done(f, -ENOENT);
	else
		withdraw(f);
}

static void supply(struct forwarder *f, const struct control_message *m, const int *fds)
{
	for (unsigned i = 0; i < f->n_workers; i++) {
		struct letter letter = {.type = LETTER_SUPPLY};

		letter.supply.fd = fds[i];
		letter.supply.netns_cookie = m->supply.netns_cookie;
		if (worker_post(&f->workers[i], &letter) < 0)
			_exit(1);
	}
	done(f, 0);
}

/* @m has passed control_check_order(). */
static void carry_out(struct forwarder *f, const struct control_message *m, const int *fds,
		      size_t n)
{
	switch (m->type) {
	case CONTROL_ADD:
		add_port(f, m, fds, n);
		break;
	case CONTROL_REMOVE:
		remove_port(f, m->id);
		break;
	case CONTROL_SUPPLY:
		supply(f, m, fds);
		break;
	}
}

static bool is_destination(const struct control_add *add)
{
	const union endpoint *there = destination_at(add->destination);

	return there && endpoint_equal(there, &add->child);
}

void forwarder_order(struct forwarder *f)
{
	struct control_message m = {.id = 0};
	int fds[MAX_WORKERS], rc;
	size_t n_fds = ARRAY_SIZE(fds);
	ssize_t n = message_recv(f->control.fd, &m, sizeof(m), fds, &n_fds);

	if (n == -EAGAIN)
		return;
	/* End of file: the launcher has gone. */
	if (n == 0 || (n < 0 && !message_lacks_fds(n)))
		_exit(0);
	f->order.id = m.id;
	f->order.serial = m.serial;
	atomic_store(&f->order.error, 0);
	if (n < 0) {
		done(f, -EMFILE);
		return;
	}
	rc = control_check_order(&m, (size_t)n, n_fds);
	if (rc == 0 && m.type == CONTROL_ADD && !is_destination(&m.add))
		rc = -EPROTO;
	if (rc == 0 && m.type == CONTROL_SUPPLY && n_fds != f->n_workers)
		rc = -EPROTO;
	if (rc == 0) {
		carry_out(f, &m, fds, n_fds);
		return;
	}
	for (size_t i = 0; i < n_fds; i++)
		fd_close(fds[i]);
	done(f, rc);
}

static void *thread_main(void *arg)
{
	struct worker *w = arg;

	(void)pthread_barrier_wait(&w->forwarder->started);
	return worker_run(w);
}

static int start_threads(struct forwarder *f, struct error *err)
{
	pthread_attr_t attr;
	int rc = 0;

	pthread_barrier_init(&f->started, NULL, f->n_workers);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (unsigned i = 0; i < f->n_workers && rc == 0; i++)
		rc = worker_init(&f->workers[i], f, i, err);
	for (unsigned i = 1; i < f->n_workers && rc == 0; i++) {
		rc = -pthread_create(&f->workers[i].thread, &attr, thread_main, &f->workers[i]);
		if (rc < 0)
			err_set(err, -rc, "starting a thread");
	}
	pthread_attr_destroy(&attr);
	/* A thread that has not begun yet still makes calls that the filter will not allow. */
	if (rc == 0)
		(void)pthread_barrier_wait(&f->started);
	return rc;
}

/* Descriptors for ports and what goes through them: without what the forwarder itself needs, pipes,
 * and sockets that are made ahead. */
static unsigned for_ports(unsigned limit, unsigned n_workers)
{
	unsigned own = 8 + 3 * n_workers, pipes = 2 * MIN(PIPES_ALL, limit / PIPES_PART);
	unsigned stock = MIN(8 * n_workers, limit / 16), taken = own + pipes + stock;

	return MAX(limit / 4, limit > taken ? limit - taken : 0);
}

static int set_up(struct forwarder *f, int control, unsigned n_workers, int destinations,
		  struct error *err)
{
	sigset_t all;
	int rc;

	f->n_workers = n_workers;
	f->control.fd = control;
	f->control.type = WATCH_CONTROL;
	f->scarce_said_ms = INT64_MIN / 2;
	list_init(&f->listeners);
	pace_init(f);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	f->descriptors = (unsigned)MIN(fd_raise_limit(), DESCRIPTORS_MAX);
	shares_init(&f->shares, for_ports(f->descriptors, n_workers), &f->flows);
	/* Half of the descriptors stay for connections: anybody can make up clients of UDP. */
	f->flows_max = MIN(FLOWS_MAX, f->descriptors / 2);
	/* Further arenas of malloc(3) look at /sys and /proc as they grow and shrink, which the
	 * filter forbids; what a thread allocates often comes from its own cache anyway. */
	libc_heap_one_arena();
	rc = destinations_map(destinations, err);
	fd_close(destinations);
	if (rc == 0)
		rc = confine_stdio(err);
	if (rc == 0)
		rc = confine_caps(-1, err);
	if (rc == 0)
		rc = start_threads(f, err);
	if (rc == 0)
		rc = confine_forwarder(err);
	if (rc == 0 && watch_add(&f->workers[0], &f->control, EPOLLIN) < 0)
		rc = err_set(err, errno, "watching the launcher's orders");
	return rc;
}

_Noreturn static void forwarder_main(int control, unsigned n_workers, int destinations)
{
	struct forwarder *f = calloc(1, sizeof(*f));
	struct error err;

	if (!f)
		_exit(1);
	f->control.fd = control;
	log_redirect(log_to_launcher, f);
	if (set_up(f, control, n_workers, destinations, &err) < 0) {
		log_failure(&err);
		_exit(1);
	}
	worker_run(&f->workers[0]);
	_exit(1);
}

int forwarder_start(unsigned n_workers, int destinations, struct process *ret, int *ret_control,
		    struct error *err)
{
	int pair[2];
	int rc = message_pair(pair);

	if (rc < 0)
		return err_set(err, -rc, "making a socket pair for the port forwarder");
	(void)fcntl(pair[1], F_SETFL, O_NONBLOCK);
	rc = fork_clean("fauxroot: ports", (int[]){pair[1], destinations}, 2, ret, err);
	if (rc == 0)
		forwarder_main(pair[1], n_workers, destinations);
	fd_close(pair[1]);
	if (rc < 0) {
		fd_close(pair[0]);
		return rc;
	}
	*ret_control = pair[0];
	return 0;
}
