/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of one direction of a TCP relay: see stream.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "pipes.h"

#define BUFFER_BYTES (128 << 10)

/* What an end is watched for, and EPOLLOUT where it has refused to take more. */
#define END_EVENTS (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET)

/* A socket of a relay, and what is known of it. */
struct end {
	struct watch watch;
	uint8_t index; /* 0: the client, 1: the target */
	bool readable; /* as far as we know: cleared by EAGAIN, set by epoll's edges */
	bool writable;
	bool hung;	/* the peer has closed or failed: read on until that shows */
	bool urgent;	/* the peer has sent urgent data, at which reading pauses */
	bool asked_out; /* EPOLLOUT is among the events asked for */
};

/* Where the bytes are that have been read and not yet sent. */
enum holds {
	HOLDS_NOTHING,
	HOLDS_PIPE,	/* in a pipe that is borrowed; it may be empty */
	HOLDS_LEFTOVER, /* in memory: what the receiver did not take of the thread's buffer */
};

struct stream {
	union {
		struct pipe pipe;
		char *leftover;
	};
	uint32_t n;    /* bytes in the pipe, or of the leftover */
	uint32_t at;   /* how many of the leftover are gone */
	uint8_t holds; /* enum holds */
	bool bulk;     /* the last read was a large one */
	bool eof;      /* the sender has closed */
	bool done;     /* and the receiver has been told */
};

/* What all streams of a thread use. */
struct mover {
	struct loop *loop;
	struct pipe_pool pipes;
	char *buffer;	  /* BUFFER_BYTES */
	uint64_t spliced; /* bytes through pipes; who counts them sets it back to 0 */
};

enum stream_state {
	STREAM_WAITS,  /* for an event */
	STREAM_YIELDS, /* more to do, but others' turn */
	STREAM_DONE,
	STREAM_BROKEN,
};

/* mover_init() - with at most @max_pipes pipes; 0 or -errno (man 2 mmap) */
int mover_init(struct mover *m, struct loop *loop, unsigned max_pipes);

/* mover_trim() - give memory back that idle relays do not need */
void mover_trim(struct mover *m);

/*
 * stream_move() - move what can be moved now, up to a limit that leaves others their turn
 * @from, @to: the sender's end and the receiver's; their flags are brought up to date
 */
enum stream_state stream_move(struct mover *m, struct stream *s, struct end *from, struct end *to);

/* stream_clear() - drop what is held, and return the pipe */
void stream_clear(struct mover *m, struct stream *s);
