/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubly linked lists. The head of a list is a struct list of its own. An item has a struct list as
 * a member. Head and items form a circle, so the ends need no special case. The user of a list owns
 * the items.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* list_init() - initialize an empty list, or an item that is in no list */
static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

/* list_insert() - insert @item at the front; @item is in no list */
static inline void list_insert(struct list *head, struct list *item)
{
	item->next = head->next;
	item->prev = head;
	head->next->prev = item;
	head->next = item;
}

/* list_append() - insert @item at the end; @item is in no list */
static inline void list_append(struct list *head, struct list *item)
{
	list_insert(head->prev, item);
}

/* list_remove() - remove @item from its list, if it is in one */
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

/* CONTAINER() - the object of @type whose @member is at @p */
#define CONTAINER(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

/* LIST_FIRST(), LIST_LAST() - the object with the first or the last item of @head; NULL: the list
 * is empty */
#define LIST_FIRST(head, type, member) \
	(list_empty(head) ? NULL : CONTAINER((head)->next, type, member))
#define LIST_LAST(head, type, member) \
	(list_empty(head) ? NULL : CONTAINER((head)->prev, type, member))

/* LIST_EACH() - for each object @at of the list; the loop must not remove an object */
#define LIST_EACH(at, head, member)                                                              \
	for ((at) = CONTAINER((head)->next, __typeof__(*(at)), member); &(at)->member != (head); \
	     (at) = CONTAINER((at)->member.next, __typeof__(*(at)), member))

/* LIST_EACH_SAFE() - as LIST_EACH(), but the loop may remove and free @at; @following is another
 * object pointer */
#define LIST_EACH_SAFE(at, following, head, member)                                \
	for ((at) = CONTAINER((head)->next, __typeof__(*(at)), member),            \
	    (following) = CONTAINER((at)->member.next, __typeof__(*(at)), member); \
	     &(at)->member != (head); (at) = (following),                          \
	    (following) = CONTAINER((at)->member.next, __typeof__(*(at)), member))
