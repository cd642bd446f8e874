/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The threads share one listening TCP socket; EPOLLEXCLUSIVE (man 2 epoll_ctl) wakes one of them
 * for a connection. A thread accepts a connection only if it has a socket towards the target, so an
 * accepted client never waits for one. If there is none (the agent is being restarted, or
 * descriptors have run out), clients wait in the kernel's backlog. Meanwhile the thread does not
 * watch the listener: its seat is paused.
 *
 * Connections reach the target in the order in which their clients have connected: only one thread
 * at a time accepts a client of a listener and connects to the target. Some programs rely on that
 * when they open several connections (iperf3 --bidir). With a UNIX socket as the target, or with a
 * full port, the order can change.
 *
 * A full port (shares.c) may still accept one more client, because it may be a client with few
 * connections. share_enter() decides: the client is relayed, waits in the thread's seat, or is
 * reset.
 *
 * For a client of a UNIX socket, another thread connects to that socket (paths.c), because
 * connect(2) may never return. The client is relayed when the connection is made. A seat has
 * ARRIVALS_MAX such clients at most; others wait in the backlog.
 *
 * The path of a new connection: on_client() accepts it and takes a socket from supply.c. relay.c
 * chooses a thread, enters the connection in the port's share (shares.c), binds the source address
 * and connects to the target (target.c). After that, relay.c and stream.c move its bytes.
 */
#include "listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "fauxroot/proc/destinations.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"

/* The maximum number of clients to accept before accepted connections get their turn. */
#define ACCEPT_ROUNDS 8

/* The maximum number of clients of a seat whose connections to a UNIX socket are being made. */
#define ARRIVALS_MAX 16U

static int seat_watch(struct seat *seat)
{
	uint32_t events = seat->listener->udp ? EPOLLIN : EPOLLIN | EPOLLEXCLUSIVE;
	int rc = watch_add(seat->here->loop, &seat->watch, events);

	seat->watched = rc == 0;
	return rc;
}

/* Stop watching the listener until listeners_resume(). */
static void seat_pause(struct seat *seat)
{
	if (seat->watched)
		watch_remove(seat->here->loop, &seat->watch);
	seat->watched = false;
	seat->here->paused = true;
}

/* ---- clients of UNIX sockets ---- */

/* An accepted client whose connection to a UNIX socket is being made. */
struct arrival {
	struct paths_job job;
	struct list link;	   /* in listeners.connecting */
	struct listener *listener; /* NULL: given up */
	struct listeners *here;
	int client_fd;
	union endpoint client;
	int64_t since_ms;
};

/* The client is relayed or reset: take the arrival out of its seat. */
static void detach(struct arrival *a)
{
	struct share *share = a->listener->share;

	list_remove(&a->link);
	a->listener->seats[a->here->index].connecting--;
	a->listener = NULL;
	share_unref(share);
}

/* Reset the client; paths.c still has the job. */
static void give_up(struct arrival *a)
{
	fd_close(a->client_fd);
	detach(a);
	paths_cancel(a->here->paths, &a->job);
}

/* The socket towards the target is connected. Returns true if the relay has both sockets now. */
static bool relay_arrival(const struct arrival *a)
{
	struct listener *l = a->listener;
	struct seat *seat = &l->seats[a->here->index];
	enum share_answer answer = relay_open(a->here->relays, l->share, &l->port.target,
					      &a->client, a->client_fd, a->job.fd);

	if (answer == SHARE_ENTERED)
		return true;
	log_port_full(a->here->shortages, l->id, a->here->loop->now_ms);
	if (answer == SHARE_REFUSED || seat->waiting >= 0) {
		fd_close(a->client_fd);
		return false;
	}
	/* retry() connects again when there is room. */
	seat->waiting = a->client_fd;
	seat->client = a->client;
	seat_pause(seat);
	return false;
}

/* paths_job.done */
static void on_connected(struct paths_job *job)
{
	struct arrival *a = CONTAINER(job, struct arrival, job);
	bool relayed = false;

	if (a->listener && job->rc == 0) {
		relayed = relay_arrival(a);
	} else if (a->listener) {
		target_complain(&a->listener->port.target, job->rc, a->here->loop->now_ms);
		fd_close(a->client_fd);
	}
	if (a->listener)
		detach(a);
	if (!relayed)
		fd_close(job->fd);
	free(a);
}

/* Let a thread of paths.c connect to the target for the client at @fd. Returns false to stop
 * accepting. */
static bool connect_path(struct seat *seat, int fd, const union endpoint *client, int target)
{
	struct listeners *here = seat->here;
	struct listener *l = seat->listener;
	bool hangs = paths_hang(here->paths, l->id);
	struct arrival *a = hangs ? NULL : calloc(1, sizeof(*a));

	if (!a) {
		target_complain(&l->port.target, hangs ? -ETIMEDOUT : -ENOMEM, here->loop->now_ms);
		supply_put_back(here->supply, l->port.kind, target);
		fd_close(fd);
		return true;
	}
	a->listener = l;
	a->here = here;
	a->client_fd = fd;
	a->client = *client;
	a->since_ms = here->loop->now_ms;
	share_ref(l->share);
	list_append(&here->connecting, &a->link);
	seat->connecting++;
	paths_connect(here->paths, &a->job, l->id, &l->port.target, target, here->mail,
		      on_connected);
	if (seat->connecting < ARRIVALS_MAX)
		return true;
	seat_pause(seat);
	return false;
}

void listeners_tick(struct listeners *ls)
{
	struct arrival *a, *next;

	LIST_EACH_SAFE (a, next, &ls->connecting, link) {
		if (ls->loop->now_ms - a->since_ms < PATHS_WAIT_MS)
			continue;
		target_complain(&a->listener->port.target, -ETIMEDOUT, ls->loop->now_ms);
		give_up(a);
	}
}

/* ---- accepting ---- */

/* Relay the client at @fd, if the share of its port allows it. Returns false to stop accepting. */
static bool admit(struct seat *seat, int fd, const union endpoint *client, int target)
{
	struct listeners *here = seat->here;
	struct listener *l = seat->listener;
	enum share_answer answer;

	if (l->port.kind == KIND_UNIX)
		return connect_path(seat, fd, client, target);
	answer = relay_open(here->relays, l->share, &l->port.target, client, fd, target);
	if (answer == SHARE_ENTERED)
		return true;
	supply_put_back(here->supply, l->port.kind, target);
	log_port_full(here->shortages, l->id, here->loop->now_ms);
	if (answer == SHARE_REFUSED) {
		fd_close(fd);
		return true;
	}
	seat->waiting = fd;
	seat->client = *client;
	seat_pause(seat);
	return false;
}

/* accept4(2) has failed. Returns false to stop accepting. */
static bool accept_again(struct seat *seat, int errnum)
{
	switch (errnum) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		seat->here->loop->fds_short = true;
		seat_pause(seat);
		return false;
	case ECONNABORTED:
	case EINTR:
		return true;
	default:
		/* EAGAIN, or a network error of a client that has gone (man 2 accept). */
		return false;
	}
}

/* Accept one connection. Returns false if there is none, or none can be accepted now. */
static bool accept_one(struct seat *seat)
{
	struct listeners *here = seat->here;
	struct listener *l = seat->listener;
	union endpoint client;
	socklen_t size = sizeof(client);
	int fd, target, errnum;
	bool more = false;

	if (share_is_shut(l->share)) {
		log_port_full(here->shortages, l->id, here->loop->now_ms);
		seat_pause(seat);
		return false;
	}
	target = supply_take(here->supply, l->port.kind);
	if (target < 0) {
		seat_pause(seat);
		return false;
	}
	pthread_mutex_lock(&l->order);
	fd = accept4(l->port.fd, &client.sa, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	errnum = errno;
	if (fd >= 0)
		more = admit(seat, fd, &client, target);
	pthread_mutex_unlock(&l->order);
	if (fd >= 0)
		return more;
	supply_put_back(here->supply, l->port.kind, target);
	return accept_again(seat, errnum);
}

/* watch.ready of TCP */
static void on_client(struct watch *watch, uint32_t events)
{
	struct seat *seat = CONTAINER(watch, struct seat, watch);

	(void)events;
	for (int i = 0; i < ACCEPT_ROUNDS; i++)
		if (!accept_one(seat))
			return;
}

/* watch.ready of UDP */
static void on_datagrams(struct watch *watch, uint32_t events)
{
	struct seat *seat = CONTAINER(watch, struct seat, watch);

	(void)events;
	if (!udp_receive(seat->here->udp, &seat->listener->port))
		seat_pause(seat);
}

/* ---- resuming ---- */

/* May the thread accept clients at this seat again? */
static bool may_watch(const struct seat *seat)
{
	return seat->listener->udp || (seat->waiting < 0 && seat->connecting < ARRIVALS_MAX &&
				       share_recheck(seat->listener->share));
}

/* Try again to relay the waiting client. */
static void retry(struct seat *seat)
{
	int fd = seat->waiting, target;

	target = supply_take(seat->here->supply, seat->listener->port.kind);
	if (target < 0)
		return;
	seat->waiting = -1;
	/* The client waits for its connection now, not for the share. */
	if (seat->listener->port.kind == KIND_UNIX)
		share_give_up(seat->listener->share, seat->here->index);
	(void)admit(seat, fd, &seat->client, target);
}

void listeners_resume(struct listeners *ls)
{
	struct seat *seat;

	if (!ls->paused)
		return;
	ls->paused = false;
	LIST_EACH (seat, &ls->seats, link) {
		if (seat->waiting >= 0)
			retry(seat);
		if (!seat->watched && (!may_watch(seat) || seat_watch(seat) < 0))
			ls->paused = true;
	}
}

/* ---- joining and leaving ---- */

static bool is_member(const struct seat *seat)
{
	const struct listener *l = seat->listener;

	return !l->udp || l->id % seat->here->threads == seat->here->index;
}

static int seat_take(struct seat *seat)
{
	int rc = 0;

	if (!is_member(seat))
		return 0;
	if (seat->listener->udp)
		rc = udp_prepare(seat->here->udp);
	if (rc == 0)
		rc = seat_watch(seat);
	if (rc < 0)
		return rc;
	list_insert(&seat->here->seats, &seat->link);
	supply_need(seat->here->supply, seat->listener->port.kind);
	return 0;
}

/* letter.read */
static void join(struct letter *letter)
{
	struct seat *seat = CONTAINER(letter, struct seat, letter);

	seat->listener->joined(seat->listener->arg, seat_take(seat));
}

void listener_join(struct listener *l, struct listeners *ls)
{
	struct seat *seat = &l->seats[ls->index];

	seat->here = ls;
	mail_post(ls->mail, &seat->letter, join);
}

/* All threads have left, or no thread has joined. */
static void listener_free(struct listener *l)
{
	pthread_mutex_destroy(&l->order);
	fd_close(l->port.fd);
	free(l);
}

static void listener_release(struct listener *l)
{
	struct share *share = l->share;

	if (atomic_fetch_sub(&l->users, 1) != 1)
		return;
	listener_free(l);
	share_close(share);
}

/* letter.read */
static void leave(struct letter *letter)
{
	struct seat *seat = CONTAINER(letter, struct seat, letter);
	struct listener *l = seat->listener;
	struct listeners *here = seat->here;
	struct arrival *a, *following;

	if (here->index == 0)
		list_remove(&l->link);
	if (seat->watched)
		watch_remove(here->loop, &seat->watch);
	if (seat->waiting >= 0) {
		fd_close(seat->waiting);
		share_give_up(l->share, here->index);
	}
	list_remove(&seat->link);
	LIST_EACH_SAFE (a, following, &here->connecting, link)
		if (a->listener == l)
			give_up(a);
	if (l->udp)
		udp_close_port(here->udp, &l->port);
	else
		relays_close_port(here->relays, l->share);
	listener_release(l);
}

void listener_leave(struct listener *l)
{
	unsigned threads = l->seats[0].here->threads;

	for (unsigned i = 0; i < threads; i++)
		mail_post(l->seats[i].here->mail, &l->seats[i].letter, leave);
}

/* ---- creating ---- */

static void seat_init(struct seat *seat, struct listener *l)
{
	seat->watch.ready = l->udp ? on_datagrams : on_client;
	seat->watch.fd = l->port.fd;
	seat->listener = l;
	seat->waiting = -1;
	list_init(&seat->link);
}

struct listener *listener_new(uint32_t id, const struct control_add *add, int fd, unsigned threads,
			      void (*joined)(void *arg, int rc), void *arg)
{
	struct listener *l = calloc(1, sizeof(*l) + threads * sizeof(l->seats[0]));

	if (!l)
		return NULL;
	list_init(&l->link);
	l->id = id;
	l->udp = add->udp;
	l->port = (struct udp_port){
		.fd = fd,
		.kind = kind_of(add->child.sa.sa_family, add->udp, add->marked),
		.counter = add->counter,
		.wildcard = add->wildcard,
		.segments = true,
	};
	l->port.target = (struct target){
		.child = add->child,
		.destination = destination_at(add->destination),
		.proxy = add->proxy,
		.transparent = add->transparent,
		.path_size = add->path_size,
		.complaints = &l->complaints,
	};
	log_limit_init(&l->complaints);
	pthread_mutex_init(&l->order, NULL);
	atomic_init(&l->users, threads);
	l->joined = joined;
	l->arg = arg;
	for (unsigned i = 0; i < threads; i++)
		seat_init(&l->seats[i], l);
	return l;
}

void listener_drop(struct listener *l)
{
	if (l)
		listener_free(l);
}
