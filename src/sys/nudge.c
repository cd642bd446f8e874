/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/nudge.h"

#include <errno.h>

#include "fauxroot/base/fd.h"

#ifdef SIGSTKFLT
#define NUDGE_SIGNAL SIGSTKFLT
#else
#define NUDGE_SIGNAL SIGPWR
#endif

/* A wait may begin after the signal has arrived, and one call may have many waits. */
#define EVERY_MS 10

static void on_signal(int sig)
{
	(void)sig;
}

void nudge_again(const struct nudge *nudge, unsigned ms)
{
	const struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(ms / 1000),
			     .tv_nsec = (long)(ms % 1000) * 1000000L},
		.it_interval = {.tv_nsec = EVERY_MS * 1000000L},
	};

	if (nudge->made)
		(void)timer_settime(nudge->timer, 0, &when, NULL);
}

void nudge_begin(struct nudge *nudge, unsigned ms)
{
	/* Without SA_RESTART. */
	const struct sigaction action = {.sa_handler = on_signal};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = NUDGE_SIGNAL};
	sigset_t set, before;

	*nudge = NUDGE_NONE;
	if (timer_create(CLOCK_MONOTONIC, &event, &nudge->timer) < 0)
		return;
	nudge->made = true;
	(void)sigaction(NUDGE_SIGNAL, &action, &nudge->before);
	sigemptyset(&set);
	sigaddset(&set, NUDGE_SIGNAL);
	(void)sigprocmask(SIG_UNBLOCK, &set, &before);
	nudge->was_blocked = sigismember(&before, NUDGE_SIGNAL) == 1;
	nudge_again(nudge, ms);
}

void nudge_end(struct nudge *nudge)
{
	int saved = errno;
	sigset_t set;

	if (!nudge->made)
		return;
	(void)timer_delete(nudge->timer);
	sigemptyset(&set);
	sigaddset(&set, NUDGE_SIGNAL);
	if (nudge->was_blocked)
		(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)sigaction(NUDGE_SIGNAL, &nudge->before, NULL);
	*nudge = NUDGE_NONE;
	errno = saved;
}

int nudge_close(int fd)
{
	struct nudge nudge;

	if (fd < 0)
		return -1;
	nudge_begin(&nudge, EVERY_MS);
	fd = fd_close(fd);
	nudge_end(&nudge);
	return fd;
}
