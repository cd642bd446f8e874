/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/proc/children.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "fauxroot/base/err.h"
#include "fauxroot/proc/reap.h"

static struct child *find(const struct children *children, pid_t pid)
{
	for (size_t i = 0; i < children->n; i++)
		if (children->items[i].pid == pid)
			return &children->items[i];
	return NULL;
}

static void drop(struct children *children, struct child *child)
{
	*child = children->items[--children->n];
}

/* fork_observer.expect: make room for one more */
static int expect(void *arg)
{
	struct children *children = arg;
	size_t room = children->room ? children->room * 2 : 16;
	struct child *items;

	if (children->n < children->room)
		return 0;
	items = realloc(children->items, room * sizeof(*items));
	if (!items)
		return -ENOMEM;
	children->items = items;
	children->room = room;
	return 0;
}

/* fork_observer.born */
static void born(void *arg, pid_t pid)
{
	struct children *children = arg;

	children->items[children->n++] = (struct child){.pid = pid};
}

/* fork_observer.abandoned: the child stays in the table, without a callback */
static void abandoned(void *arg, pid_t pid)
{
	struct child *child = find(arg, pid);

	if (child)
		child->changed = NULL;
}

/* fork_observer.reaped */
static void reaped(void *arg, pid_t pid)
{
	struct child *child = find(arg, pid);

	if (child)
		drop(arg, child);
}

void children_open(struct children *ret)
{
	*ret = (struct children){.observer = {expect, born, abandoned, reaped, ret}};
	forks_observe(&ret->observer);
}

void children_close(struct children *children)
{
	if (children->observer.arg)
		forks_observe(NULL);
	free(children->items);
	*children = (struct children){0};
}

int children_watch(struct children *children, pid_t pid, child_changed *changed, void *arg)
{
	struct child *child = find(children, pid);

	if (!child) {
		if (expect(children) < 0)
			return -ENOMEM;
		born(children, pid);
		child = &children->items[children->n - 1];
	}
	child->changed = changed;
	child->arg = arg;
	return 0;
}

bool children_has(const struct children *children, pid_t pid)
{
	return find(children, pid) != NULL;
}

/* The callback may change the table, so nothing in it is used afterwards. */
static void dispatch(struct children *children, pid_t pid, int status)
{
	struct child *child = find(children, pid);
	struct child entry;

	if (!child)
		return;
	entry = *child;
	if (!WIFSTOPPED(status))
		drop(children, child);
	if (entry.changed)
		entry.changed(entry.arg, status);
}

bool children_reap(struct children *children)
{
	unsigned n = 0;
	pid_t pid;
	int status;

	while (n < CHILDREN_AT_ONCE && reap_next(-1, &pid, &status)) {
		dispatch(children, pid, status);
		n++;
	}
	return n == CHILDREN_AT_ONCE;
}
