/* SPDX-License-Identifier: Apache-2.0 */
/* What the child tells the init that it executes itself as: one word of its argv. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct init_args {
	int sock;    /* the handshake */
	int reports; /* what init tells while the command runs: reports.h */
	bool reap_all;
	bool activated; /* LISTEN_FDS are for the command */
	pid_t launcher; /* as the caller's variables name it */
	bool kill_orphans;
	unsigned kill_timeout; /* seconds */
	uint64_t caller_mask;  /* the command's signal mask, signal n at bit n - 1 */
};

/* initargs_format() - as text into @buf, of at least INITARGS_MAX; returns @buf */
#define INITARGS_MAX 80
const char *initargs_format(const struct init_args *args, char *buf, size_t size);

/* initargs_parse() - the whole of @text; 0, or -EINVAL with @ret untouched */
int initargs_parse(const char *text, struct init_args *ret);
