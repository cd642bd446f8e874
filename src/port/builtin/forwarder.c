/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The forwarder relays untrusted bytes, so it is a separate process with few rights: it has no
 * capability, no terminal and no file, and may only make the system calls that relaying needs. It
 * cannot make sockets. The launcher binds the listeners and passes them; it keeps them as well, so
 * a new forwarder continues with the same listeners and no client is refused meanwhile. The agent
 * passes the sockets towards the target. The forwarder can connect these to published addresses
 * only (proc/destinations.c).
 *
 * Its first thread is a worker like the others, and also receives the launcher's orders. There is
 * one current order at a time: the launcher's socket is watched for one message (EPOLLONESHOT), and
 * watched again after the answer. An order consists of parts, which letters bring to the workers.
 * The worker that finishes the last part sends the answer.
 */
#include "forwarder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "confine.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/list.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/port/table.h"
#include "fauxroot/proc/confine.h"
#include "fauxroot/proc/destinations.h"
#include "fauxroot/sys/message.h"
#include "listener.h"
#include "mail.h"
#include "paths.h"
#include "protocol.h"
#include "shares.h"
#include "supply.h"
#include "worker.h"

/* Wait for one order of the launcher. */
#define ORDER_EVENTS (EPOLLIN | EPOLLONESHOT)

/* More than any kernel allows for a process (sysctl fs.nr_open). */
#define DESCRIPTORS_MAX (1U << 30)
#define STACK_BYTES	(256 << 10)

/* The current order of the launcher. */
struct order {
	uint32_t id, serial;
	struct listener *listeners[PORT_LISTENERS_MAX]; /* to join or to leave */
	unsigned n;
	atomic_uint left; /* parts that are not finished yet */
	atomic_int error; /* 0, or the -errno of a part that failed */
};

/* Passes a socket towards a new agent to a worker. */
struct agent_letter {
	struct letter letter;
	struct forwarder *forwarder;
	struct supply *supply;
	int fd;
	uint64_t netns_cookie;
};

struct thread {
	pthread_barrier_t *started;
	struct worker *worker;
	struct paths *paths; /* NULL: a worker; else the thread is number @index of these */
	unsigned index;
};

struct forwarder {
	struct watch control;
	struct workers workers;
	struct list listeners; /* the first worker's */
	struct order order;
	struct agent_letter agents[MAX_WORKERS];
	struct thread threads[MAX_WORKERS + PATHS_THREADS];
	pthread_barrier_t started;
};

/* The sink of log_redirect(): the launcher logs the line. If its socket is full, the line is lost.
 */
static void log_to_launcher(void *arg, enum log_level level, const char *text)
{
	struct forwarder *f = arg;
	struct control_message m = {.type = CONTROL_LOG, .log.level = level};

	(void)str_print(m.log.text, sizeof(m.log.text), "%s", text);
	(void)message_send(f->control.fd, &m, sizeof(m), NULL, 0);
}

/* Answer the current order, and wait for the next one. */
static void answer_order(struct forwarder *f, int result)
{
	struct control_message m = {
		.type = CONTROL_DONE,
		.id = f->order.id,
		.serial = f->order.serial,
		.result = result,
	};

	/* The launcher waits for each answer, so the socket has room. A failure means that the
	 * launcher has exited. */
	if (message_send(f->control.fd, &m, sizeof(m), NULL, 0) < 0 ||
	    watch_change(&f->workers.items[0].loop, &f->control, ORDER_EVENTS) < 0)
		_exit(0);
}

/* Begin an order with @n parts. */
static void set_parts(struct forwarder *f, unsigned n)
{
	atomic_store(&f->order.left, n);
}

/* One part of the current order is finished; from any thread. Returns true for the last part. */
static bool part_done(struct forwarder *f)
{
	return atomic_fetch_sub(&f->order.left, 1) == 1;
}

/* Let all workers leave the listeners of the current order; then on_closed() answers it. */
static void withdraw(struct forwarder *f)
{
	struct order *order = &f->order;
	struct listener *listeners[PORT_LISTENERS_MAX];
	unsigned n = MIN(order->n, ARRAY_SIZE(listeners));

	/* The last worker may answer at once, and the next order overwrites this one. */
	memcpy(listeners, order->listeners, sizeof(listeners));
	set_parts(f, 1);
	share_remove(listeners[0]->share);
	for (unsigned i = 0; i < n; i++)
		listener_leave(listeners[i]);
}

/* shares.closed: withdraw() is finished. */
static void on_closed(void *arg)
{
	struct forwarder *f = arg;

	if (part_done(f))
		answer_order(f, atomic_load(&f->order.error));
}

/* listener.joined. If one worker failed, all workers leave before the answer. */
static void on_joined(void *arg, int rc)
{
	struct forwarder *f = arg;

	if (rc < 0)
		atomic_store(&f->order.error, rc);
	if (!part_done(f))
		return;
	if (atomic_load(&f->order.error) == 0)
		answer_order(f, 0);
	else
		withdraw(f);
}

/* Create the listeners of a port and its share. Returns false if memory is short. */
static bool make_port(struct forwarder *f, const struct control_message *m, const int *fds,
		      size_t n)
{
	struct order *order = &f->order;
	struct share *share = NULL;
	size_t made = 0;

	for (size_t i = 0; i < n; i++) {
		order->listeners[i] =
			listener_new(m->id, &m->add, fds[i], f->workers.n, on_joined, f);
		made += order->listeners[i] ? 1 : 0;
	}
	if (made == n)
		share = share_open(&f->workers.shares, m->id, (unsigned)n, m->add.udp);
	for (size_t i = 0; i < n; i++) {
		if (share) {
			share->counter = m->add.counter;
			order->listeners[i]->share = share;
			list_insert(&f->listeners, &order->listeners[i]->link);
		} else if (order->listeners[i]) {
			listener_drop(order->listeners[i]);
		} else {
			fd_close(fds[i]);
		}
	}
	return share;
}

/* on_joined() sends the answer. */
static void add_port(struct forwarder *f, const struct control_message *m, const int *fds, size_t n)
{
	struct order *order = &f->order;
	unsigned workers = f->workers.n;

	if (!make_port(f, m, fds, n)) {
		answer_order(f, -ENOMEM);
		return;
	}
	order->n = (unsigned)n;
	set_parts(f, order->n * workers);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < workers; k++)
			listener_join(order->listeners[i], &f->workers.items[k].listeners);
}

static void remove_port(struct forwarder *f, uint32_t id)
{
	struct order *order = &f->order;
	struct listener *l;

	order->n = 0;
	LIST_EACH (l, &f->listeners, link)
		if (l->id == id && order->n < ARRAY_SIZE(order->listeners))
			order->listeners[order->n++] = l;
	if (order->n == 0)
		answer_order(f, -ENOENT);
	else
		withdraw(f);
}

/* letter.read */
static void connect_supply(struct letter *letter)
{
	struct agent_letter *agent = CONTAINER(letter, struct agent_letter, letter);
	struct forwarder *f = agent->forwarder;

	supply_connect(agent->supply, agent->fd, agent->netns_cookie);
	if (part_done(f))
		answer_order(f, 0);
}

/* connect_supply() sends the answer. */
static void supply(struct forwarder *f, const struct control_message *m, const int *fds)
{
	unsigned n = f->workers.n;

	set_parts(f, n);
	for (unsigned i = 0; i < n; i++) {
		struct agent_letter *agent = &f->agents[i];

		agent->forwarder = f;
		agent->supply = &f->workers.items[i].supply;
		agent->fd = fds[i];
		agent->netns_cookie = m->supply.netns_cookie;
		mail_post(&f->workers.items[i].mail, &agent->letter, connect_supply);
	}
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

	if (there && add->child.sa.sa_family == AF_UNIX)
		return there->sa.sa_family == AF_UNIX;
	return there && endpoint_equal(there, &add->child);
}

/* watch.ready */
static void on_order(struct watch *watch, uint32_t events)
{
	struct forwarder *f = CONTAINER(watch, struct forwarder, control);
	struct control_message m = {.id = 0};
	int fds[MAX_WORKERS], rc;
	size_t n_fds = ARRAY_SIZE(fds);
	ssize_t n = message_recv(f->control.fd, &m, sizeof(m), fds, &n_fds);

	(void)events;
	if (n == -EAGAIN && watch_change(&f->workers.items[0].loop, watch, ORDER_EVENTS) == 0)
		return;
	/* End of file: the launcher has exited. */
	if (n == 0 || (n < 0 && !message_lacks_fds(n)))
		_exit(0);
	f->order.id = m.id;
	f->order.serial = m.serial;
	atomic_store(&f->order.error, 0);
	if (n < 0) {
		answer_order(f, -EMFILE);
		return;
	}
	rc = control_check_order(&m, (size_t)n, n_fds);
	if (rc == 0 && m.type == CONTROL_ADD && !is_destination(&m.add))
		rc = -EPROTO;
	if (rc == 0 && m.type == CONTROL_SUPPLY && n_fds != f->workers.n)
		rc = -EPROTO;
	if (rc == 0) {
		carry_out(f, &m, fds, n_fds);
		return;
	}
	for (size_t i = 0; i < n_fds; i++)
		fd_close(fds[i]);
	answer_order(f, rc);
}

static void *thread_main(void *arg)
{
	const struct thread *thread = arg;

	(void)pthread_barrier_wait(thread->started);
	if (thread->paths)
		paths_run(thread->paths, thread->index);
	worker_run(thread->worker);
}

static int start_thread(struct thread *thread, const pthread_attr_t *attr, struct error *err)
{
	pthread_t ignored;
	int rc = -pthread_create(thread->worker ? &thread->worker->thread : &ignored, attr,
				 thread_main, thread);

	return rc < 0 ? err_set(err, -rc, "starting a thread") : 0;
}

/* Start the other workers and, with @paths, the threads of paths.c. */
static int start_threads(struct forwarder *f, bool paths, struct error *err)
{
	unsigned n_workers = f->workers.n, n = n_workers + (paths ? PATHS_THREADS : 0);
	pthread_attr_t attr;
	int rc = 0;

	pthread_barrier_init(&f->started, NULL, n);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (unsigned i = 1; i < n && rc == 0; i++) {
		if (i < n_workers)
			f->threads[i] = (struct thread){&f->started, &f->workers.items[i], NULL, 0};
		else
			f->threads[i] = (struct thread){&f->started, NULL, &f->workers.paths,
							i - n_workers};
		rc = start_thread(&f->threads[i], &attr, err);
	}
	pthread_attr_destroy(&attr);
	/* Wait for the threads: a starting thread still makes calls that the filter forbids. */
	if (rc == 0)
		(void)pthread_barrier_wait(&f->started);
	return rc;
}

static int set_up(struct forwarder *f, int control, const struct counters *counters, bool paths,
		  int destinations, struct error *err)
{
	sigset_t all;
	int rc;

	f->control = (struct watch){.ready = on_order, .fd = control};
	list_init(&f->listeners);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	rc = workers_init(&f->workers, counters->threads,
			  (unsigned)MIN(fd_raise_limit(), DESCRIPTORS_MAX), counters, on_closed, f,
			  err);
	/* With several arenas malloc(3) reads files in /sys and /proc, which the filter forbids.
	 * Frequent allocations come from a thread's own cache anyway. */
	libc_heap_one_arena();
	if (rc == 0)
		rc = destinations_map(destinations, err);
	fd_close(destinations);
	if (rc == 0)
		rc = confine_stdio(err);
	if (rc == 0)
		rc = confine_caps(-1, err);
	if (rc == 0)
		rc = start_threads(f, paths, err);
	if (rc == 0)
		rc = confine_forwarder(err);
	if (rc < 0)
		return rc;
	rc = watch_add(&f->workers.items[0].loop, &f->control, ORDER_EVENTS);
	return rc < 0 ? err_set(err, -rc, "watching the launcher's orders") : 0;
}

/* The launcher reports @rc. If the message is lost, it reports that the forwarder has exited. */
_Noreturn static void fail(int control, int rc)
{
	const struct control_message m = {.type = CONTROL_FAILED, .result = rc};

	(void)message_send(control, &m, sizeof(m), NULL, 0);
	_exit(1);
}

_Noreturn static void forwarder_main(int control, const struct counters *counters, bool paths,
				     int destinations)
{
	struct forwarder *f = calloc(1, sizeof(*f));
	struct error err;

	if (!f)
		fail(control, -ENOMEM);
	f->control.fd = control;
	log_redirect(log_to_launcher, f);
	if (set_up(f, control, counters, paths, destinations, &err) < 0) {
		log_failure(&err);
		fail(control, -err.code);
	}
	worker_run(&f->workers.items[0]);
}

int forwarder_start(const char *title, const struct counters *counters, bool paths,
		    int destinations, struct process *ret, int *ret_control, struct error *err)
{
	int pair[2];
	int rc = message_pair(pair);

	if (rc < 0)
		return err_set(err, -rc, "making a socket pair for the port forwarder");
	(void)fcntl(pair[1], F_SETFL, O_NONBLOCK);
	rc = fork_clean(title, (int[]){pair[1], destinations}, 2, ret, err);
	if (rc == 0)
		forwarder_main(pair[1], counters, paths, destinations);
	fd_close(pair[1]);
	if (rc < 0) {
		fd_close(pair[0]);
		return rc;
	}
	*ret_control = pair[0];
	return 0;
}
