/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's event loop and its mailbox. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/list.h"
#include "fauxroot/base/macro.h"
#include "port/builtin/loop.h"
#include "port/builtin/mail.h"

#define WAIT_MS 30000
#define SENDERS 4
#define LETTERS 5000U

static struct loop loop;
static struct mailbox box;

static int start(void **state)
{
	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(mail_init(&box, &loop), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fd_close(box.watch.fd);
	fd_close(loop.epoll);
	return 0;
}

struct note {
	struct letter letter;
	unsigned sender, number, times;
};

static unsigned n_read, next_of[SENDERS];

static void take_note(struct letter *letter)
{
	struct note *note = CONTAINER(letter, struct note, letter);

	/* Letters of one sender arrive in order. */
	assert_int_equal(note->number, next_of[note->sender]++);
	n_read++;
}

static struct note notes[SENDERS][LETTERS];

static void *send_notes(void *arg)
{
	unsigned sender = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < LETTERS; i++) {
		notes[sender][i].sender = sender;
		notes[sender][i].number = i;
		mail_post(&box, &notes[sender][i].letter, take_note);
	}
	return NULL;
}

static void letters_of_many_threads(void **state)
{
	pthread_t ids[SENDERS];

	(void)state;
	for (uintptr_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, send_notes, (void *)i), 0);
	while (n_read < SENDERS * LETTERS) {
		loop_turn(&loop, WAIT_MS);
		assert_true(mail_read(&box));
	}
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(ids[i], NULL);
	/* A sender wakes the thread after it has posted; its letter may have been read already. */
	loop_turn(&loop, 0);
	(void)mail_read(&box);
	assert_int_equal(n_read, SENDERS * LETTERS);
	/* No wake-up is left. */
	loop_turn(&loop, 0);
	assert_false(mail_read(&box));
}

/* letter.read: posts itself again until it was read three times. */
static void post_again(struct letter *letter)
{
	struct note *note = CONTAINER(letter, struct note, letter);

	if (++note->times < 3)
		mail_post(&box, letter, post_again);
}

/* read() may post its own letter again; it is read in a later turn. */
static void a_letter_posts_itself_again(void **state)
{
	struct note first = {.times = 0}, second = {.times = 0};

	(void)state;
	mail_post(&box, &first.letter, post_again);
	mail_post(&box, &second.letter, post_again);
	for (unsigned turn = 1; turn <= 3; turn++) {
		loop_turn(&loop, WAIT_MS);
		assert_true(mail_read(&box));
		assert_int_equal(first.times, turn);
		assert_int_equal(second.times, turn);
	}
	loop_turn(&loop, 0);
	assert_false(mail_read(&box));
}

static void woken_without_letters(void **state)
{
	(void)state;
	assert_false(mail_read(&box));
	mail_wake(&box);
	loop_turn(&loop, WAIT_MS);
	assert_true(mail_read(&box));
	assert_false(mail_read(&box));
}

struct counter {
	struct watch watch;
	unsigned calls;
	uint32_t events;
};

static void count(struct watch *watch, uint32_t events)
{
	struct counter *counter = CONTAINER(watch, struct counter, watch);

	counter->calls++;
	counter->events = events;
}

static void a_watch_for_one_event(void **state)
{
	struct counter counter = {.watch = {.ready = count, .fd = eventfd(1, EFD_CLOEXEC)}};

	(void)state;
	assert_int_equal(watch_add(&loop, &counter.watch, EPOLLIN | EPOLLONESHOT), 0);
	assert_int_equal(watch_add(&loop, &counter.watch, EPOLLIN), -EEXIST);
	loop_turn(&loop, WAIT_MS);
	loop_turn(&loop, 0);
	assert_int_equal(counter.calls, 1);
	assert_int_equal(counter.events, EPOLLIN);
	/* An event that is pending already is reported again. */
	assert_int_equal(watch_change(&loop, &counter.watch, EPOLLOUT | EPOLLONESHOT), 0);
	loop_turn(&loop, WAIT_MS);
	assert_int_equal(counter.calls, 2);
	assert_int_equal(counter.events, EPOLLOUT);
	watch_remove(&loop, &counter.watch);
	assert_int_equal(watch_change(&loop, &counter.watch, EPOLLIN), -ENOENT);
	fd_close(counter.watch.fd);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(letters_of_many_threads),
		ROW(a_letter_posts_itself_again),
		ROW(woken_without_letters),
		ROW(a_watch_for_one_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
