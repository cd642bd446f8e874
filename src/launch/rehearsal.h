/* SPDX-License-Identifier: Apache-2.0 */
/* What a rehearsal does in the place of a launch. */
#pragma once

struct error;
struct launch;

/* rehearse() - in the throw-away process: all of the table, and the end of what it has made; 0 or
 * -ECANCELED */
int rehearse(struct launch *l);

/* rehearse_conclude() - note why what was not tried was not; @l: as the rehearsal had it at its
 * start */
void rehearse_conclude(const struct launch *l);

/* In the place of a stage: of the form of struct stage.rehearse */

/* Nothing: what it would do cannot fail, or shows outside */
int rehearse_nothing(struct launch *l, struct error *err);

/* Look at the state directory, without making or locking it */
int rehearse_statedir(struct launch *l, struct error *err);

/* A state directory of the rehearsal's own, where others keep theirs */
int rehearse_scratch(struct launch *l, struct error *err);

int rehearse_cgroup(struct launch *l, struct error *err);

/* Hold as many descriptors as the evacuation does */
int rehearse_evacuation(struct launch *l, struct error *err);

/* As asked for, then private: nothing spreads to the host */
int rehearse_propagation(struct launch *l, struct error *err);

/* Without what is refused because of the state directory's path: that is another one */
int rehearse_copy_up(struct launch *l, struct error *err);

int rehearse_port_driver(struct launch *l, struct error *err);

/* Listen for a moment on each */
int rehearse_ports(struct launch *l, struct error *err);

/* In the child: execute the command, and kill it before its first instruction */
int rehearse_command(struct launch *l, struct error *err);

/* Wait until the child has ended */
int rehearse_end(struct launch *l, struct error *err);
