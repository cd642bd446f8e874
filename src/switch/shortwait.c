/* SPDX-License-Identifier: Apache-2.0 */
#include "shortwait.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>

#include "fauxroot/base/fd.h"

static void on_alarm(int sig)
{
	(void)sig;
}

int short_wait_prepare(void)
{
	/* Without SA_RESTART. */
	const struct sigaction action = {.sa_handler = on_alarm};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	if (sigaction(SIGALRM, &action, NULL) < 0 || sigprocmask(SIG_UNBLOCK, &set, NULL) < 0)
		return -errno;
	return 0;
}

static void set_timer(long ms)
{
	const struct itimerval every = {
		.it_value.tv_usec = ms * 1000,
		.it_interval.tv_usec = ms * 1000,
	};
	int saved = errno;

	(void)setitimer(ITIMER_REAL, &every, NULL);
	errno = saved;
}

void short_wait_begin(void)
{
	set_timer(SHORT_WAIT_MS);
}

void short_wait_end(void)
{
	set_timer(0);
}

void short_wait_close(int *const fds[], unsigned n)
{
	bool any = false;

	for (unsigned i = 0; i < n; i++)
		any = any || *fds[i] >= 0;
	if (!any)
		return;
	short_wait_begin();
	for (unsigned i = 0; i < n; i++)
		*fds[i] = fd_close(*fds[i]);
	short_wait_end();
}
