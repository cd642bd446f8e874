/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports that end with the process that has asked for them. A pidfd is all that is kept of
 * a process: one descriptor a port, and no connection.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/list.h"

struct event_base;

struct owners {
	struct event_base *base;
	void (*ended)(void *arg, uint32_t id);
	void *arg;
	struct list items;
};

/*
 * owners_init() - nobody yet
 * @ended: called once for a port, when its owner has ended; owners_has() is false by then
 */
void owners_init(struct owners *owners, struct event_base *base,
		 void (*ended)(void *arg, uint32_t id), void *arg);

/*
 * owners_watch() - the port @id ends with the process of @pidfd
 * @pidfd: taken over, also on failure
 *
 * Returns 0 or -ENOMEM.
 */
int owners_watch(struct owners *owners, uint32_t id, int pidfd);

/* owners_forget() - the port @id has gone, or never had an owner */
void owners_forget(struct owners *owners, uint32_t id);

/* owners_has() - does the port @id end with a process? */
bool owners_has(const struct owners *owners, uint32_t id);

/*
 * owners_look() - call @ended now for each owner that has ended, instead of in the event loop
 *
 * A service that was killed and is started again asks for its ports anew, and may do so before the
 * loop has seen its end.
 */
void owners_look(struct owners *owners);

/* owners_clear() - forget all; accepts what is all zero */
void owners_clear(struct owners *owners);
