/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of a driver that do not finish at once. The driver returns -EINPROGRESS, continues in
 * the event loop, and calls ports_finish() (drivers.h). There is one such operation at a time.
 */
#pragma once

#include "fauxroot/port/table.h"

/*
 * work_begin() - record that the driver continues with @port in the event loop
 * @asked: the spec as the caller passed it
 *
 * Returns -EINPROGRESS.
 */
int work_begin(struct ports *ports, enum ports_work work, const struct port *port,
	       const struct port_spec *asked);

/* work_make_room() - make room in the table for one more port; 0 or -ENOMEM */
int work_make_room(struct ports *ports, struct error *err);

/* work_remove() - begin to remove the port @id of the table: see ports_remove() */
int work_remove(struct ports *ports, uint32_t id, struct error *err);

/* work_enter() - append the published @port to the table, which has room, and report it */
void work_enter(struct ports *ports, const struct port *port);

/* work_drop() - report that the port @id is removed, and take it out of the table; accepts an
 * unknown id */
void work_drop(struct ports *ports, uint32_t id);

/*
 * work_remove_unwanted() - begin to remove ports that are not wanted any more
 *
 * Does nothing while another operation is pending; work_announce() begins with the next one.
 */
void work_remove_unwanted(struct ports *ports);

/* work_forget_unwanted() - take unwanted ports out of the table: the restarted network serves
 * none */
void work_forget_unwanted(struct ports *ports);

/* work_spec_text() - what is being done with @spec, for messages: "publishing :8080:80/tcp" */
#define WORK_TEXT_MAX (PORTSPEC_MAX + 32)
const char *work_spec_text(const struct ports *ports, const struct port_spec *spec,
			   char buf[WORK_TEXT_MAX]);

/* work_check_idle() - 0, or -EINPROGRESS while an operation is in progress */
int work_check_idle(const struct ports *ports, struct error *err);

/* work_take_outcome() - return the result in ports.outcome and clear it: 0 or -errno */
int work_take_outcome(struct ports *ports, struct error *err);

/*
 * work_announce() - the driver is idle: callers that got -EINPROGRESS repeat their calls
 *
 * If no repeated call takes the outcome, the client has gone: a port that was published for it is
 * removed again.
 */
void work_announce(struct ports *ports);

/* work_abandon() - end the pending operation: the driver's helper has died, and its ports with
 * it */
void work_abandon(struct ports *ports);
