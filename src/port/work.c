/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/port/drivers.h"
#include "fauxroot/port/port.h"

/* Seconds until a failed removal of an unwanted port is tried again. */
#define RETRY_S 10

const char *work_spec_text(const struct ports *ports, const struct port_spec *spec,
			   char buf[WORK_TEXT_MAX])
{
	bool reverse = ports->driver && ports->driver->reverse;
	struct port_spec shown = reverse ? portspec_reversed(spec) : *spec;
	char text[PORTSPEC_MAX];

	portspec_format(&shown, text, sizeof(text));
	if (!reverse)
		snprintf(buf, WORK_TEXT_MAX, "publishing %s", text);
	else /* without a child IP the text begins with a colon */
		snprintf(buf, WORK_TEXT_MAX, "forwarding %s to the host",
			 text[0] == ':' ? text + 1 : text);
	return buf;
}

static struct port *find(const struct ports *ports, uint32_t id)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->items[i].id == id)
			return &ports->items[i];
	return NULL;
}

int work_begin(struct ports *ports, enum ports_work work, const struct port *port,
	       const struct port_spec *asked)
{
	ports->work = work;
	ports->current = *port;
	ports->asked = *asked;
	ports->outcome.work = PORTS_IDLE;
	return -EINPROGRESS;
}

int work_check_idle(const struct ports *ports, struct error *err)
{
	return ports->work == PORTS_IDLE
		       ? 0
		       : err_set(err, EINPROGRESS, "another port is being added or removed");
}

int work_take_outcome(struct ports *ports, struct error *err)
{
	ports->outcome.work = PORTS_IDLE;
	ports->unclaimed = 0;
	if (ports->outcome.rc < 0 && err)
		*err = ports->outcome.err;
	return ports->outcome.rc;
}

int work_make_room(struct ports *ports, struct error *err)
{
	size_t room = ports->room ? ports->room * 2 : 8;
	struct port *items;

	if (ports->n < ports->room)
		return 0;
	items = realloc(ports->items, room * sizeof(*items));
	if (!items)
		return err_set(err, ENOMEM, "publishing a port");
	ports->items = items;
	ports->room = room;
	return 0;
}

void work_enter(struct ports *ports, const struct port *port)
{
	struct port *entry = &ports->items[ports->n++];

	*entry = *port;
	clock_gettime(CLOCK_REALTIME, &entry->since);
	if (ports->events && ports->events->published)
		ports->events->published(ports->events_arg, entry);
}

void work_drop(struct ports *ports, uint32_t id)
{
	size_t i = 0;

	while (i < ports->n && ports->items[i].id != id)
		i++;
	if (i == ports->n)
		return;
	if (ports->events && ports->events->removed)
		ports->events->removed(ports->events_arg, &ports->items[i]);
	memmove(&ports->items[i], &ports->items[i + 1],
		(ports->n - i - 1) * sizeof(ports->items[0]));
	ports->n--;
}

/* Returns 0 if the port is in the table now, or -errno. */
static int finish_adding(struct ports *ports, const struct port *port, int rc, struct error *err)
{
	char text[WORK_TEXT_MAX];

	if (rc == 0) {
		work_enter(ports, port);
		return 0;
	}
	/* The id was never shown: use it again. */
	ports->last_id--;
	return err_wrap(err, rc, "%s", work_spec_text(ports, &ports->asked, text));
}

int work_remove(struct ports *ports, uint32_t id, struct error *err)
{
	int rc = work_check_idle(ports, err);
	struct port *port;

	if (rc < 0)
		return rc;
	port = find(ports, id);
	if (!port)
		return err_step(err, err_say(err, ENOENT, "there is no port with the id %u", id),
				STEP_PORT);
	rc = ports->driver->remove(ports, port, err);
	if (rc == -EINPROGRESS)
		return work_begin(ports, PORTS_REMOVING, port, &port->spec);
	if (rc == 0)
		work_drop(ports, id);
	return err_step(err, rc, STEP_PORT);
}

/* The timer of ports->retry. */
static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct ports *ports = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < ports->n; i++)
		ports->items[i].retry_later = false;
	work_remove_unwanted(ports);
}

/* The unwanted @port could not be removed. */
static void retry_later(struct ports *ports, struct port *port, const struct error *why)
{
	static const struct timeval wait = {.tv_sec = RETRY_S};

	port->retry_later = true;
	log_warning("removing port %u: %s; trying again", port->id, why->text);
	if (!ports->retry)
		ports->retry = evtimer_new(ports->base, on_retry, ports);
	if (ports->retry && !evtimer_pending(ports->retry, NULL))
		(void)evtimer_add(ports->retry, &wait);
}

void work_remove_unwanted(struct ports *ports)
{
	for (size_t i = ports->n; i-- > 0 && ports->work == PORTS_IDLE;) {
		struct port *port = &ports->items[i];
		struct error err;
		int rc;

		if (!port->unwanted || port->retry_later)
			continue;
		rc = work_remove(ports, port->id, &err);
		if (rc < 0 && rc != -EINPROGRESS)
			retry_later(ports, port, &err);
	}
}

void work_forget_unwanted(struct ports *ports)
{
	for (size_t i = ports->n; i-- > 0;)
		if (ports->items[i].unwanted)
			work_drop(ports, ports->items[i].id);
}

void ports_abandon(struct ports *ports, uint32_t id)
{
	struct port *port = find(ports, id);

	if (!port)
		return;
	port->unwanted = true;
	work_remove_unwanted(ports);
}

/* The client that published the port @id has gone before the answer. */
static void abandon_unclaimed(struct ports *ports, uint32_t id)
{
	log_info("removing port %u: no client knows it", id);
	ports_abandon(ports, id);
}

void ports_adopt_late(struct ports *ports, const struct port *port)
{
	struct port late = *port;

	if (work_make_room(ports, NULL) < 0)
		return;
	late.id = ++ports->last_id;
	work_enter(ports, &late);
	abandon_unclaimed(ports, late.id);
}

void ports_removed_late(struct ports *ports, uint32_t id)
{
	work_drop(ports, id);
}

void work_announce(struct ports *ports)
{
	bool published = ports->outcome.work == PORTS_ADDING && ports->outcome.rc == 0;

	ports->work = PORTS_IDLE;
	ports->unclaimed = published ? ports->current.id : 0;
	if (ports->events && ports->events->ready)
		ports->events->ready(ports->events_arg);
	ports->outcome.work = PORTS_IDLE;
	if (ports->unclaimed > 0)
		abandon_unclaimed(ports, ports->unclaimed);
	ports->unclaimed = 0;
	work_remove_unwanted(ports);
}

static void finish_removing(struct ports *ports, const struct error *err)
{
	struct port *port = find(ports, ports->current.id);

	if (!err)
		work_drop(ports, ports->current.id);
	else if (port && port->unwanted)
		retry_later(ports, port, err);
}

static void set_outcome(struct ports *ports, enum ports_work work, int rc)
{
	ports->outcome.work = work;
	ports->outcome.rc = err_step(&ports->outcome.err, rc, STEP_PORT);
}

void ports_finish(struct ports *ports, const struct port *port, const struct error *err)
{
	int rc = err ? -err->code : 0;

	if (err)
		ports->outcome.err = *err;
	if (ports->work == PORTS_ADDING)
		rc = finish_adding(ports, port, rc, &ports->outcome.err);
	if (ports->work == PORTS_REMOVING)
		finish_removing(ports, err);
	if (ports->work != PORTS_RENEWING)
		set_outcome(ports, ports->work, rc);
	work_announce(ports);
}

void work_abandon(struct ports *ports)
{
	if (ports->work == PORTS_ADDING)
		ports->last_id--; /* the repeated call starts from the beginning */
	if (ports->work == PORTS_REMOVING) {
		work_drop(ports, ports->current.id);
		set_outcome(ports, PORTS_REMOVING, 0);
	}
	ports->work = PORTS_IDLE;
}
