/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder's inside: workers (threads with an epoll set each) and what they watch.
 *
 * Whatever epoll reports begins with a struct watch. An object that a batch of events may still
 * name is not freed but buried: worker_run() frees the dead when the batch has been dealt with.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fauxroot/base/list.h"
#include "fauxroot/config/portspec.h"
#include "protocol.h"
#include "shares.h"

struct error;
struct worker;

enum watch_type {
	WATCH_CONTROL, /* the launcher's orders; the first worker's */
	WATCH_MAIL,    /* other workers' letters */
	WATCH_SUPPLY,  /* the agent */
	WATCH_LISTENER,
	WATCH_RELAY, /* one end of a TCP relay */
	WATCH_FLOW,  /* the child's end of a UDP flow */
};

struct watch {
	int fd;
	uint8_t type;
};

/* ---- pipes.c: borrowed by relays while bytes are in flight ---- */

#define PIPE_BYTES (1 << 20)
#define PIPES_FREE 4

/* Of the user's 64 MiB of pipe pages (pipe-user-pages-soft), all workers together take half; and of
 * the descriptors one in sixteen. */
#define PIPES_ALL  32U
#define PIPES_PART 32U

struct pipe {
	int in, out;
};

struct pipe_pool {
	struct pipe free[PIPES_FREE];
	unsigned n_free, n_lent, max;
	int64_t short_until_ms; /* the user's pipe pages are used up: do not even try before */
};

/* pipes_borrow() - false: there is none to be had, go on without */
bool pipes_borrow(struct pipe_pool *pool, int64_t now_ms, struct pipe *ret);

/* pipes_return() - @empty: as it was lent; else it is closed with what is in it */
void pipes_return(struct pipe_pool *pool, struct pipe pipe, bool empty);

/* pipes_trim() - close the free ones; returns how many there were */
unsigned pipes_trim(struct pipe_pool *pool);

/* ---- supply.c: sockets of the child's network namespace, ahead of need ---- */

struct stock {
	int fds[MAX_BATCH];
	uint8_t n;
	uint8_t want;  /* as many as should be here: grows when it runs dry */
	uint8_t low;   /* the fewest since the last tick: what was never needed is given back */
	uint8_t asked; /* of the agent, not yet answered */
};

struct supply {
	struct watch watch; /* towards the agent; fd -1: it is dead */
	uint64_t netns_cookie;
	struct stock stocks[KIND_COUNT_];
	uint8_t queue[KIND_COUNT_]; /* kinds asked for, in order: at most once each */
	uint8_t n_queue;
	bool scarce;	  /* descriptors ran out: small batches */
	int64_t retry_ms; /* and no asking before this */
};

void supply_init(struct supply *supply);

/* supply_connect() - take the socket towards a new agent */
void supply_connect(struct worker *w, int fd, uint64_t netns_cookie);
void supply_event(struct worker *w);

/* supply_need() - @kind will be needed; ask for it where the stock is low */
void supply_need(struct worker *w, enum socket_kind kind);

/* supply_take() - one socket, or -1; asks for more when few are left */
int supply_take(struct worker *w, enum socket_kind kind);

/* supply_put_back() - what supply_take() gave has not been used */
void supply_put_back(struct worker *w, enum socket_kind kind, int fd);
unsigned supply_stock(const struct worker *w, enum socket_kind kind);

/* supply_release() - give descriptors back under pressure; returns whether there were any */
bool supply_release(struct worker *w);
void supply_tick(struct worker *w);
bool supply_idle(const struct worker *w);

/* ---- listener.c: published ports ---- */

/*
 * One listening socket. All workers watch that of TCP; that of UDP has one owner, which keeps the
 * order of a client's datagrams.
 */
struct listener {
	struct watch watch;
	struct list link; /* the forwarder's */
	uint32_t id;
	bool udp, transparent, wildcard;
	bool segments; /* UDP_SEGMENT towards clients; the owner's */
	enum socket_kind kind;
	union endpoint child, proxy;
	const union endpoint *destination; /* the same as child, where connect(2) may read it */
	struct share *share;		   /* the port's, which its listeners have in common */
	atomic_uint users; /* workers, and letters, that may still look at it: the last frees it */
	atomic_bool removed; /* each worker has a letter to leave it, or will have */
	struct forwarder *forwarder;
};

/* A worker's view of a listener: is it watched just now? */
struct seat {
	struct list link;
	struct listener *listener;
	bool watched;
	int waiting; /* a client that has been accepted, and may have to go again; -1: none */
	union endpoint client;
};

int listener_adopt(struct worker *w, struct listener *l);

/* listener_leave() - forget @l, where it was taken up, and end its connections, then
 * listener_release() */
void listener_leave(struct worker *w, struct listener *l);

/* listener_release() - one user less: the last one closes and frees it, and says so to the launcher
 */
void listener_release(struct listener *l);
void listener_event(struct worker *w, struct listener *l);

/* listeners_resume() - watch again those that were left alone for want of sockets or descriptors */
void listeners_resume(struct worker *w);

/* listeners_retry() - ask again for the clients that wait, where w->retry says so */
void listeners_retry(struct worker *w);

enum source {
	SOURCE_REFUSED = -1, /* only a loopback address could be had, which servers trust */
	SOURCE_PLAIN,	     /* the client's own address, or whatever routing gives */
	SOURCE_PROXY,	     /* the address of the child's interface */
};

/* listener_source() - give @fd, a socket towards the child, the source that @client is seen as */
enum source listener_source(const struct listener *l, int fd, const union endpoint *client);

/* listener_rest() - do not watch @l until listeners_resume() */
void listener_rest(struct worker *w, const struct listener *l);

/* ---- relay.c, stream.c: TCP ---- */

#define BUFFER_BYTES (128 << 10)

/* What an end is watched for, and EPOLLOUT where it has refused to take more. */
#define END_EVENTS (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET)

struct end {
	struct watch watch;
	uint8_t index; /* 0: the client, 1: the target */
	bool readable; /* as far as we know: cleared by EAGAIN, set by epoll's edges */
	bool writable;
	bool hung;	/* the peer has closed or failed: read on until that shows */
	bool urgent;	/* the peer has sent urgent data, at which reading pauses */
	bool asked_out; /* EPOLLOUT is among the events asked for */
};

/* One direction. Bytes are in the pipe or in the leftover, never in both. */
struct stream {
	struct pipe pipe; /* borrowed; in == -1: none */
	char *leftover;	  /* what the receiver did not take of the thread's buffer */
	uint32_t n;	  /* bytes in the pipe, or of the leftover */
	uint32_t at;	  /* how many of the leftover are gone */
	bool bulk;	  /* the last read was a large one */
	bool eof, done;	  /* the sender has closed; and the receiver has been told */
};

struct relay {
	struct end ends[2];
	struct stream streams[2]; /* from the end of that index to the other */
	struct list link;
	struct list ready; /* in the worker's list of those with work left, or self-linked */
	struct share_slot slot;
	bool dead;
};

enum stream_state {
	STREAM_WAITS,  /* for an event */
	STREAM_YIELDS, /* more to do, but others' turn */
	STREAM_DONE,
	STREAM_BROKEN,
};

enum stream_state stream_move(struct worker *w, struct relay *r, unsigned direction);
void stream_clear(struct worker *w, struct stream *s);

/*
 * relay_open() - a client of @l has been accepted
 * @client: its address
 * @target_fd: a socket towards the child, not connected yet
 *
 * With SHARE_ENTERED both descriptors are the relay's, also where it has failed at once. Else they
 * stay the caller's.
 */
enum share_answer relay_open(struct worker *w, struct listener *l, int client_fd,
			     const union endpoint *client, int target_fd);

/* relay_arrive() - take a relay of @l that another worker has accepted, and release @l */
void relay_arrive(struct worker *w, struct relay *r, struct listener *l);
void relay_event(struct worker *w, struct end *end, uint32_t events);
void relay_turn(struct worker *w, struct relay *r);
void relays_close_port(struct worker *w, const struct share *share);

/* relays_displaced() - end those of @w whose place another client has taken */
void relays_displaced(struct worker *w);
void relays_bury(struct worker *w);

/* ---- udp.c ---- */

struct udp;

int udp_adopt(struct worker *w, struct listener *l);
void udp_leave(struct worker *w, struct listener *l);
void udp_event(struct worker *w, struct listener *l);
struct flow;
void flow_event(struct worker *w, struct flow *flow);
void udp_tick(struct worker *w, int64_t now_ms);
void udp_bury(struct worker *w);
bool udp_idle(const struct worker *w);
unsigned udp_flows(const struct worker *w);

/* ---- worker.c ---- */

enum letter_type {
	LETTER_LISTENER, /* adopt it */
	LETTER_LEAVE,	 /* a listener */
	LETTER_RELAY,	 /* it arrives */
	LETTER_SUPPLY,	 /* the socket towards a new agent */
};

struct letter {
	struct letter *next;
	enum letter_type type;
	union {
		struct listener *listener;
		struct {
			struct relay *relay;
			struct listener *listener; /* the letter is a user of it */
		} arrival;
		struct {
			int fd;
			uint64_t netns_cookie;
		} supply;
	};
};

struct worker {
	struct forwarder *forwarder;
	unsigned index;
	int epoll;
	pthread_t thread;
	int64_t now_ms; /* when the last events came */

	struct watch mail; /* an eventfd */
	pthread_mutex_t mail_lock;
	struct letter *letters, **letters_end;

	struct supply supply;
	struct pipe_pool pipes;
	char *buffer; /* BUFFER_BYTES, for all relays of the thread */

	struct list seats;
	bool resting; /* some seats are not watched */
	bool retry;   /* clients that wait may ask again */
	struct list relays, ready, dead;
	atomic_uint load; /* relays */
	unsigned peak;	  /* relays and flows, since memory was last given back */
	bool warm;	  /* there were events since code was last given back */

	struct udp *udp;
	int64_t tick_ms;

	/* pace.c */
	uint64_t spliced; /* bytes through pipes since pace_ms */
	int64_t pace_ms;
	bool yielding; /* the thread's policy is SCHED_BATCH */
};

/* The launcher's order in hand: it gives one at a time, and awaits DONE. */
struct order {
	uint32_t id, serial;
	struct listener *listeners[2]; /* to be taken up, or left */
	unsigned n;
	atomic_uint left; /* workers that have not taken up one yet, or listeners not yet closed */
	atomic_int error; /* 0, or why the port is not served */
};

struct forwarder {
	struct watch control;
	unsigned n_workers;
	struct worker workers[MAX_WORKERS];
	pthread_barrier_t started;
	struct list listeners; /* for the first worker alone */
	struct order order;
	unsigned descriptors; /* RLIMIT_NOFILE */
	struct shares shares;
	atomic_uint flows;		/* of UDP */
	unsigned flows_max;		/* more than that: the least recently used one makes room */
	_Atomic int64_t scarce_said_ms; /* when "out of descriptors" was last logged */
	bool may_yield;			/* pace_init() */
};

int worker_init(struct worker *w, struct forwarder *f, unsigned index, struct error *err);
void *worker_run(void *arg);

/*
 * pace_init() - may the threads change their scheduling policy? Not where somebody has given this
 * process one that is not the usual
 */
void pace_init(struct forwarder *f);

/* pace() - after a batch of events: fit the thread's scheduling policy to what it does */
void pace(struct worker *w);

/* worker_grown() - there is a new relay or flow, whose memory will be worth giving back */
void worker_grown(struct worker *w);

/* worker_post() - a letter for another worker, which takes what it carries; 0 or -ENOMEM */
int worker_post(struct worker *w, const struct letter *letter);

/* worker_wake() - from any thread: read your letters */
void worker_wake(struct worker *w);

int watch_add(struct worker *w, struct watch *watch, uint32_t events);
void watch_remove(struct worker *w, struct watch *watch);

/* worker_out_of_descriptors() - say it, at most once a minute, and give back what can be */
void worker_out_of_descriptors(struct worker *w);

/* worker_out_of_share() - say that @share is full, at most once a minute like the former */
void worker_out_of_share(struct worker *w, const struct share *share);

/* ---- forwarder.c ---- */

/* forwarder_order() - an order of the launcher's is waiting */
void forwarder_order(struct forwarder *f);

/*
 * forwarder_adopted() - a worker has taken up a listener of the order in hand
 * @rc: 0, or -errno: it could not
 *
 * From any thread. After the last one the launcher is told; where one could not, all leave again
 * first.
 */
void forwarder_adopted(struct forwarder *f, int rc);

/* forwarder_closed() - a listener is closed: when the last one is, tell the launcher; any thread */
void forwarder_closed(struct forwarder *f);
