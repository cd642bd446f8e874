/* SPDX-License-Identifier: Apache-2.0 */
#include "owners.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <event2/event.h>

#include "fauxroot/base/fd.h"

struct owner {
	struct list link;
	struct owners *owners;
	uint32_t id;
	int pidfd; /* readable when the process has exited (man 2 pidfd_open) */
	struct event *end;
};

void owners_init(struct owners *owners, struct event_base *base,
		 void (*ended)(void *arg, uint32_t id), void *arg)
{
	*owners = (struct owners){.base = base, .ended = ended, .arg = arg};
	list_init(&owners->items);
}

static void owner_free(struct owner *owner)
{
	if (owner->end)
		event_free(owner->end);
	fd_close(owner->pidfd);
	free(owner);
}

static void owner_drop(struct owner *owner)
{
	list_remove(&owner->link);
	owner_free(owner);
}

static void owner_end(struct owner *owner)
{
	struct owners *owners = owner->owners;
	uint32_t id = owner->id;

	owner_drop(owner);
	owners->ended(owners->arg, id);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	owner_end(arg);
}

int owners_watch(struct owners *owners, uint32_t id, int pidfd)
{
	struct owner *owner = calloc(1, sizeof(*owner));

	if (!owner) {
		fd_close(pidfd);
		return -ENOMEM;
	}
	*owner = (struct owner){.owners = owners, .id = id, .pidfd = pidfd};
	owner->end = event_new(owners->base, pidfd, EV_READ, on_end, owner);
	if (!owner->end || event_add(owner->end, NULL) < 0) {
		owner_free(owner);
		return -ENOMEM;
	}
	list_append(&owners->items, &owner->link);
	return 0;
}

static struct owner *owner_of(const struct owners *owners, uint32_t id)
{
	struct owner *owner;

	LIST_EACH (owner, &owners->items, link)
		if (owner->id == id)
			return owner;
	return NULL;
}

void owners_forget(struct owners *owners, uint32_t id)
{
	struct owner *owner = owner_of(owners, id);

	if (owner)
		owner_drop(owner);
}

bool owners_has(const struct owners *owners, uint32_t id)
{
	return owner_of(owners, id) != NULL;
}

void owners_check(struct owners *owners)
{
	struct owner *owner, *next;

	LIST_EACH_SAFE (owner, next, &owners->items, link) {
		struct pollfd poll_fd = {.fd = owner->pidfd, .events = POLLIN};

		if (poll(&poll_fd, 1, 0) > 0)
			owner_end(owner);
	}
}

void owners_clear(struct owners *owners)
{
	struct owner *owner;

	if (!owners->base)
		return;
	while ((owner = LIST_FIRST(&owners->items, struct owner, link)))
		owner_drop(owner);
	owners->base = NULL;
}
