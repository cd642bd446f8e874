/* SPDX-License-Identifier: Apache-2.0 */
/* One connect(2) of the command, while a switch process works on it. */
#pragma once

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fauxroot/config/portspec.h"

/* The maximum number of epoll sets that contain one socket. */
#define ATTEMPT_SETS 8

/* An epoll set of the command's process that contains the socket (man 2 epoll_ctl). */
struct membership {
	int set; /* the descriptor of the set in the command's process */
	uint32_t events;
	uint64_t data;
};

struct attempt {
	uint64_t id;	   /* of the notification */
	pid_t tid;	   /* the thread, in our PID namespace */
	int number;	   /* of the descriptor in the command's process */
	uint64_t pointer;  /* to the address, in the memory of the process */
	uint64_t size;	   /* of the address */
	union endpoint to; /* our copy of the address */
	socklen_t to_size;
	union endpoint plain; /* @to, but IPv4 if it is an IPv4-mapped address */
	int thread;	      /* a pidfd of the thread */
	int old;	      /* our copy of its socket */
	int fresh;	      /* the host's socket; -1: none yet */
	int family;	      /* of the socket: AF_INET or AF_INET6 */
	unsigned flags;	      /* of the descriptor: O_NONBLOCK, O_CLOEXEC, O_ASYNC */
	ino_t inode;	      /* of the socket */
	uid_t uid;	      /* of the socket, in our user namespace */
	bool again;	      /* the socket is one of the host's, made for an earlier connect(2) */
	int result;	      /* -errno that the call returns; 0: the kernel executes it */
	unsigned device;      /* the host's network interface that leads to the destination */
	struct membership sets[ATTEMPT_SETS];
	size_t n_sets;
};
