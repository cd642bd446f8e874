/* SPDX-License-Identifier: Apache-2.0 */
#include "mail.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fauxroot/base/list.h"
#include "fauxroot/base/macro.h"

/* watch.ready */
static void on_wake(struct watch *watch, uint32_t events)
{
	(void)events;
	CONTAINER(watch, struct mailbox, watch)->woken = true;
}

int mail_init(struct mailbox *box, struct loop *loop)
{
	memset(box, 0, sizeof(*box));
	box->end = &box->first;
	pthread_mutex_init(&box->lock, NULL);
	box->watch.ready = on_wake;
	box->watch.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (box->watch.fd < 0)
		return -errno;
	return watch_add(loop, &box->watch, EPOLLIN);
}

void mail_wake(struct mailbox *box)
{
	uint64_t one = 1;

	/* EAGAIN: the counter has its maximum, 2^64 - 2; the thread wakes up anyway. */
	(void)!write(box->watch.fd, &one, sizeof(one));
}

void mail_post(struct mailbox *box, struct letter *letter, void (*read_it)(struct letter *letter))
{
	letter->next = NULL;
	letter->read = read_it;
	pthread_mutex_lock(&box->lock);
	*box->end = letter;
	box->end = &letter->next;
	pthread_mutex_unlock(&box->lock);
	mail_wake(box);
}

bool mail_read(struct mailbox *box)
{
	struct letter *letter, *next;
	uint64_t count;

	if (!box->woken)
		return false;
	box->woken = false;
	(void)!read(box->watch.fd, &count, sizeof(count));
	pthread_mutex_lock(&box->lock);
	letter = TAKE_PTR(box->first);
	box->end = &box->first;
	pthread_mutex_unlock(&box->lock);
	for (; letter; letter = next) {
		/* read() may free the letter or post it again. */
		next = letter->next;
		letter->read(letter);
	}
	return true;
}
