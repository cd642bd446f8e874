/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include <errno.h>
#include <stdlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/port/drivers.h"

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

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ports->n; i++) {
		struct port *port = &ports->items[i];

		if (port->id != id)
			continue;
		rc = ports->driver->remove(ports, port, err);
		if (rc == -EINPROGRESS)
			return work_begin(ports, PORTS_REMOVING, port, &port->spec);
		if (rc == 0)
			work_drop(ports, id);
		return err_step(err, rc, STEP_PORT);
	}
	return err_step(err, err_say(err, ENOENT, "there is no port with the id %u", id),
			STEP_PORT);
}

/* Remove ports whose caller has gone. If the driver is busy, work_announce() tries again. */
static void remove_unwanted(struct ports *ports)
{
	for (size_t i = ports->n; i-- > 0 && ports->work == PORTS_IDLE;) {
		uint32_t id = ports->items[i].id;
		struct error err;
		int rc;

		if (!ports->items[i].unwanted)
			continue;
		rc = work_remove(ports, id, &err);
		if (rc < 0 && rc != -EINPROGRESS)
			log_warning("removing port %u: %s", id, err.text);
	}
}

/* The caller of the port @id has gone, so nobody would know or remove it. */
static void set_unwanted(struct ports *ports, uint32_t id)
{
	for (size_t i = 0; i < ports->n; i++) {
		if (ports->items[i].id != id)
			continue;
		ports->items[i].unwanted = true;
		log_info("removing port %u: its client does not know it", id);
	}
}

void ports_adopt_late(struct ports *ports, const struct port *port)
{
	struct port late = *port;

	if (work_make_room(ports, NULL) < 0)
		return;
	late.id = ++ports->last_id;
	work_enter(ports, &late);
	set_unwanted(ports, late.id);
	remove_unwanted(ports);
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
		set_unwanted(ports, ports->unclaimed);
	ports->unclaimed = 0;
	remove_unwanted(ports);
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
	if (ports->work == PORTS_REMOVING && rc == 0)
		work_drop(ports, ports->current.id);
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
