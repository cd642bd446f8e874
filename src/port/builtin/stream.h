/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of one direction of a TCP relay: see stream.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "pipes.h"

#define BUFFER_BYTES (128 << 10)

/* The events of an end. EPOLLOUT is added when a send was refused. */
#define END_EVENTS (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET)

/* A socket of a relay, and its state. */
struct end {
	struct watch watch;
	uint8_t index;	/* 0: the client, 1: the target */
	bool readable;	/* set by epoll's edges, cleared by EAGAIN; may be outdated */
	bool writable;	/* the same, for sending */
	bool hung;	/* the peer has closed or failed: read until the socket reports it */
	bool urgent;	/* the peer has sent urgent data; reading pauses at its mark */
	bool partial;	/* a short read may leave bytes in the socket: a UNIX socket */
	bool asked_out; /* EPOLLOUT is among the watched events */
};

/* The place of bytes that a stream has read and not sent yet. */
enum holds {
	HOLDS_NOTHING,
	HOLDS_PIPE,	/* in a borrowed pipe, which may be empty */
	HOLDS_LEFTOVER, /* in memory: the part of the thread's buffer that was not sent */
};

struct stream {
	union {
		struct pipe pipe;
		char *leftover;
	};
	uint32_t n;    /* bytes in the pipe, or of the leftover */
	uint32_t at;   /* bytes of the leftover that were sent since */
	uint8_t holds; /* enum holds */
	bool bulk;     /* the last read was a large one */
	bool eof;      /* the sender has closed its side */
	bool done;     /* eof was passed on to the receiver */
};

/* Buffers that all streams of a thread share. */
struct mover {
	struct loop *loop;
	struct pipe_pool pipes;
	char *buffer;	  /* BUFFER_BYTES */
	uint64_t spliced; /* bytes through pipes; policy_adapt() resets it to 0 */
	uint64_t moved;	  /* bytes that receivers took; the caller of stream_move() resets it */
};

enum stream_state {
	STREAM_WAITS,  /* for an event */
	STREAM_YIELDS, /* more to do, but it is the turn of other relays */
	STREAM_DONE,
	STREAM_BROKEN,
};

/* mover_init() - make the buffers of the thread that runs @loop, with at most @max_pipes pipes; 0
 * or -errno (man 2 mmap) */
int mover_init(struct mover *m, struct loop *loop, unsigned max_pipes);

/* mover_trim() - give the kernel back memory that idle relays do not need */
void mover_trim(struct mover *m);

/*
 * stream_move() - move bytes until none is left, the receiver is full, or the turn is used up
 * @from, @to: the sender's and the receiver's end; their flags are updated
 */
enum stream_state stream_move(struct mover *m, struct stream *s, struct end *from, struct end *to);

/* stream_clear() - drop unsent bytes, and return the pipe */
void stream_clear(struct mover *m, struct stream *s);
