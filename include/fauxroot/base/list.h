/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubly linked lists. A list is a struct list that is no item itself, its head; an item has a
 * struct list as a member. Head and items form a circle, so that nothing here has a special case
 * for an end. Who uses a list owns the items.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* list_init() - an empty list; or an item that is in no list */
static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

/* list_insert() - put @item, which is in no list, first */
static inline void list_insert(struct list *head, struct list *item)
{
	item->next = head->next;
	item->prev = head;
	head->next->prev = item;
	head->next = item;
}

/* list_append() - put @item, which is in no list, last */
static inline void list_append(struct list *head, struct list *item)
{
	list_insert(head->prev, item);
}

/* list_remove() - take @item out of its list, if it is in one */
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

/* LIST_FIRST(), LIST_LAST() - the object with the first, the last item of @head; NULL: none */
#define LIST_FIRST(head, type, member) \
	(list_empty(head) ? NULL : CONTAINER((head)->next, type, member))
#define LIST_LAST(head, type, member) \
	(list_empty(head) ? NULL : CONTAINER((head)->prev, type, member))

/* LIST_EACH() - for each object @at of the list; none is removed meanwhile */
#define LIST_EACH(at, head, member)                                                              \
	for ((at) = CONTAINER((head)->next, __typeof__(*(at)), member); &(at)->member != (head); \
	     (at) = CONTAINER((at)->member.next, __typeof__(*(at)), member))

/* LIST_EACH_SAFE() - likewise; @at may be removed and freed, @following is an object pointer, too
 */
#define LIST_EACH_SAFE(at, following, head, member)                                \
	for ((at) = CONTAINER((head)->next, __typeof__(*(at)), member),            \
	    (following) = CONTAINER((at)->member.next, __typeof__(*(at)), member); \
	     &(at)->member != (head); (at) = (following),                          \
	    (following) = CONTAINER((at)->member.next, __typeof__(*(at)), member))
