/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * An attacker who cannot see our questions must guess id and source port. So a question gets a new
 * socket, whose port the kernel chooses at random. But socket(2), connect(2), epoll_ctl(2) and
 * close(2) take as long as all the rest of a question. If there are very many questions, sockets
 * are used again, under rules that make a guess no easier:
 *
 * - A socket carries one question at a time. The next question can get it only after the answer,
 *   and only if nothing else has arrived: after a guess that hits its port, a socket is closed.
 * - A question chooses at random among at least SOURCES_CHOICE idle sockets. Sockets are used for
 *   SOURCE_LIFE_MS, so there are that many only with more than 640 questions a second. Below that
 *   rate, each question has a port of its own.
 * - An attacker can know a port only for a short time, if at all: an attacker who finds open ports
 *   by their effect on ICMP errors can try 1,000 of them a second (net.ipv4.icmp_msgs_per_sec).
 *
 * An idle socket is watched. A datagram that arrives there answers no question, and the socket is
 * closed.
 */
#include "sources.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/proc/destinations.h"

void sources_init(struct sources *sources, struct loop *loop, unsigned max_idle)
{
	sources->loop = loop;
	sources->max_idle = MIN(max_idle, SOURCES_IDLE_MAX);
	sources->n_idle = sources->n_random = 0;
}

int sources_random(struct sources *sources, uint16_t *ret)
{
	const size_t size = sizeof(sources->random);

	if (sources->n_random == 0) {
		/* A signal never interrupts a call for up to 256 bytes. */
		if (getrandom(sources->random, size, GRND_NONBLOCK) != (ssize_t)size)
			return -EAGAIN;
		sources->n_random = SOURCES_RANDOM;
	}
	*ret = sources->random[--sources->n_random];
	/* A later leak of this memory does not show used numbers. */
	sources->random[sources->n_random] = 0;
	return 0;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	source->user = NULL;
	names_watch_close(source->sources->loop, &source->watch);
	names_loop_discard(source->sources->loop, &source->garbage, source);
}

/* Remove idle socket @i from the table, and return it. */
static struct source *remove_idle(struct sources *sources, unsigned i)
{
	struct source *source = sources->idle[i];

	sources->idle[i] = sources->idle[--sources->n_idle];
	return source;
}

static bool is_old(const struct source *source)
{
	return source->sources->loop->now_ms - source->born_ms >= SOURCE_LIFE_MS;
}

static void on_ready(struct watch *watch, uint32_t events)
{
	struct source *source = CONTAINER(watch, struct source, watch);
	struct sources *sources = source->sources;
	unsigned i = 0;

	(void)events;
	if (source->user) {
		source->ready(source->user);
		return;
	}
	while (i < sources->n_idle && sources->idle[i] != source)
		i++;
	if (i < sources->n_idle)
		source_close(remove_idle(sources, i));
}

/* Choose an idle socket at random; NULL: there are too few. */
static struct source *choose(struct sources *sources, uint32_t slot, unsigned generation)
{
	unsigned fit[SOURCES_IDLE_MAX], n = 0;
	uint16_t number;

	if (sources->n_idle < SOURCES_CHOICE)
		return NULL;
	for (unsigned i = 0; i < sources->n_idle; i++) {
		const struct source *source = sources->idle[i];

		if (source->slot == slot && source->generation == generation && !is_old(source))
			fit[n++] = i;
	}
	if (n < SOURCES_CHOICE || sources_random(sources, &number) < 0)
		return NULL;
	return remove_idle(sources, fit[number % n]);
}

/* The address family of the server in @slot, or -ESTALE. The launcher may remove the address at any
 * time, also between two reads of it. */
static int family_of(uint32_t slot)
{
	const union endpoint *server = destination_at(slot);
	sa_family_t family;

	if (!server)
		return -EINVAL;
	family = *(const volatile sa_family_t *)&server->sa.sa_family;
	return family == AF_INET || family == AF_INET6 ? family : -ESTALE;
}

int server_connect(uint32_t slot, int type)
{
	const union endpoint *server = destination_at(slot);
	int family = family_of(slot), fd, rc;

	/* The filter kills the process for socket(2) with another family. */
	if (family < 0)
		return family;
	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, &server->sa, endpoint_size(server)) < 0 ? -errno : 0;
	if (rc == 0 || rc == -EINPROGRESS)
		return fd;
	fd_close(fd);
	return family_of(slot) < 0 ? -ESTALE : rc;
}

/* Make a source with a new socket. */
static int make(struct sources *sources, uint32_t slot, struct source **ret)
{
	struct source *source = calloc(1, sizeof(*source));
	int rc;

	if (!source)
		return -ENOMEM;
	source->sources = sources;
	source->slot = slot;
	source->born_ms = sources->loop->now_ms;
	source->watch.ready = on_ready;
	source->watch.fd = server_connect(slot, SOCK_DGRAM);
	rc = MIN(source->watch.fd, 0);
	if (rc == 0)
		rc = names_watch_add(sources->loop, &source->watch, EPOLLIN);
	if (rc < 0) {
		names_watch_close(sources->loop, &source->watch);
		free(source);
		return rc;
	}
	*ret = source;
	return 0;
}

int sources_take(struct sources *sources, uint32_t slot, unsigned generation,
		 void (*ready)(void *user), void *user, struct source **ret)
{
	struct source *source = choose(sources, slot, generation);
	int rc = source ? 0 : make(sources, slot, &source);

	if (rc < 0)
		return rc;
	source->generation = generation;
	source->ready = ready;
	source->user = user;
	source->uses++;
	*ret = source;
	return 0;
}

void source_release(struct source *source)
{
	struct sources *sources = source->sources;

	if (sources->max_idle < SOURCES_CHOICE || sources->n_idle >= sources->max_idle ||
	    source->uses >= SOURCE_USES_MAX || is_old(source)) {
		source_close(source);
		return;
	}
	source->user = NULL;
	sources->idle[sources->n_idle++] = source;
}

void sources_tick(struct sources *sources)
{
	for (unsigned i = sources->n_idle; i-- > 0;)
		if (is_old(sources->idle[i]))
			source_close(remove_idle(sources, i));
}

void sources_clear(struct sources *sources)
{
	while (sources->n_idle > 0)
		source_close(remove_idle(sources, 0));
}
