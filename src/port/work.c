/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include <errno.h>
#include <stdbool.h>

#include "fauxroot/base/err.h"
#include "fauxroot/port/drivers.h"

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
	if (ports->outcome.rc < 0 && err)
		*err = ports->outcome.err;
	return ports->outcome.rc;
}

/* Returns 0 if the port is in the table now, or -errno. */
static int finish_adding(struct ports *ports, const struct port *port, int rc, struct error *err)
{
	char text[PORTSPEC_MAX];

	if (rc == 0) {
		ports->items[ports->n++] = *port;
		return 0;
	}
	/* The id was never shown: use it again. */
	ports->last_id--;
	return err_wrap(err, rc, "publishing %s",
			portspec_format(&ports->asked, text, sizeof(text)));
}

void work_announce(struct ports *ports)
{
	ports->work = PORTS_IDLE;
	if (ports->events && ports->events->ready)
		ports->events->ready(ports->events_arg);
	ports->outcome.work = PORTS_IDLE;
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
	if (ports->work != PORTS_RENEWING)
		set_outcome(ports, ports->work, rc);
	work_announce(ports);
}

void work_abandon(struct ports *ports)
{
	if (ports->work == PORTS_ADDING)
		ports->last_id--; /* the repeated call starts from the beginning */
	else if (ports->work == PORTS_REMOVING)
		set_outcome(ports, PORTS_REMOVING, 0);
	ports->work = PORTS_IDLE;
}
