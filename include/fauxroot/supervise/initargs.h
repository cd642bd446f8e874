/* SPDX-License-Identifier: Apache-2.0 */
/* The child's arguments for init, which it executes: one word of argv. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct init_args {
	int sock;	/* the handshake */
	int reports;	/* for reports while the command runs: reports.h */
	bool reap_all;	/* reap orphans, too */
	bool activated; /* LISTEN_FDS are for the command */
	pid_t launcher; /* in the caller's PID namespace, for LISTEN_PID */
	bool kill_orphans;
	unsigned kill_timeout; /* seconds */
	uint64_t caller_mask;  /* the command's signal mask, signal n at bit n - 1 */
};

/* initargs_format() - print the arguments into @buf; @size: at least INITARGS_MAX. Returns @buf. */
#define INITARGS_MAX 80
const char *initargs_format(const struct init_args *args, char *buf, size_t size);

/* initargs_parse() - parse @text; 0, or -EINVAL with @ret unchanged */
int initargs_parse(const char *text, struct init_args *ret);
