/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Doubly linked, circular, with a head that is no member. An item in no list is linked to itself.
 */
struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

/* list_insert() - as the first one */
static inline void list_insert(struct list *head, struct list *item)
{
	item->next = head->next;
	item->prev = head;
	head->next->prev = item;
	head->next = item;
}

/* list_remove() - may be called again, then without effect */
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

#define CONTAINER(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))
