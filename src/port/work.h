/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver cannot do at once: it returns -EINPROGRESS, goes on in the event loop, and calls
 * ports_finish() (drivers.h). One thing at a time.
 */
#pragma once

#include "fauxroot/port/table.h"

/*
 * work_begin() - the driver goes on with @port
 * @asked: the port as the caller has asked for it
 *
 * Returns -EINPROGRESS.
 */
int work_begin(struct ports *ports, enum ports_work work, const struct port *port,
	       const struct port_spec *asked);

/* work_check_idle() - 0, or -EINPROGRESS while the driver is at something */
int work_check_idle(const struct ports *ports, struct error *err);

/* work_take_outcome() - how ports.outcome has ended, which is forgotten: 0 or -errno */
int work_take_outcome(struct ports *ports, struct error *err);

/*
 * work_announce() - the driver is at nothing: those that have got -EINPROGRESS ask again
 *
 * An outcome that nobody asks for then belongs to somebody who has gone.
 */
void work_announce(struct ports *ports);

/* work_abandon() - the driver's helper is gone, and with it all ports that it had */
void work_abandon(struct ports *ports);
