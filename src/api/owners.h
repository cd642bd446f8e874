/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports that are removed when the process that requested them exits. For each port one
 * pidfd of its owner is open; the connection of the request is not needed.
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
 * owners_init() - start without owners
 * @ended: called once for a port when its owner has exited; owners_has() is false by then
 */
void owners_init(struct owners *owners, struct event_base *base,
		 void (*ended)(void *arg, uint32_t id), void *arg);

/*
 * owners_watch() - the process of @pidfd owns the port @id
 * @pidfd: the function takes ownership, also on failure
 *
 * Returns 0 or -ENOMEM.
 */
int owners_watch(struct owners *owners, uint32_t id, int pidfd);

/* owners_forget() - the port @id was removed; accepts a port without an owner */
void owners_forget(struct owners *owners, uint32_t id);

/* owners_has() - does the port @id have an owner? */
bool owners_has(const struct owners *owners, uint32_t id);

/*
 * owners_check() - call @ended now for each owner that has exited, instead of in the event loop
 *
 * A service that was killed and restarted requests its ports again. It may do so before the loop
 * has seen the exit of the old process.
 */
void owners_check(struct owners *owners);

/* owners_clear() - forget all owners; accepts a struct that is all zero */
void owners_clear(struct owners *owners);
