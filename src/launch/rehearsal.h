/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a rehearsal that differ from a launch. */
#pragma once

struct error;
struct launch;

/* rehearse() - in the temporary process: walk the table of stages to its end, then undo it; 0 or
 * -ECANCELED */
int rehearse(struct launch *l);

/* rehearse_conclude() - validate the outcomes, and record why stages were not tried
 * @l: in its state at the start of the rehearsal */
void rehearse_conclude(const struct launch *l);

/* Replacements for stages. Each has the form of struct stage.rehearse. */

/* For a stage that cannot fail or is visible outside: do nothing. */
int rehearse_nothing(struct launch *l, struct error *err);

/* Check the state directory, without making or locking it. */
int rehearse_statedir(struct launch *l, struct error *err);

/* Make a temporary state directory beside the usual ones. */
int rehearse_scratch(struct launch *l, struct error *err);

int rehearse_cgroup(struct launch *l, struct error *err);

/* Open as many descriptors as the evacuation does. */
int rehearse_evacuation(struct launch *l, struct error *err);

/* Set the requested propagation, then private: no mount propagates to the host. */
int rehearse_propagation(struct launch *l, struct error *err);

/* Copy up with the launch's state directory for the path checks, not the temporary one. */
int rehearse_copy_up(struct launch *l, struct error *err);

int rehearse_port_driver(struct launch *l, struct error *err);

/* Listen on each port for a moment. */
int rehearse_ports(struct launch *l, struct error *err);

/* In the child: execute the command, and kill it before its first instruction. */
int rehearse_command(struct launch *l, struct error *err);

/* Wait until the child has exited. */
int rehearse_end(struct launch *l, struct error *err);
