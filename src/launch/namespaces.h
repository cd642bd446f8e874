/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's stages from the first clone to the child's pinned namespaces. Each is of the form
 * of struct stage.run, .undo or .wanted. */
#pragma once

#include <stdbool.h>

struct error;
struct launch;

/* Is the child itself in the network that it gets? */
bool namespaces_own_net(const struct launch *l);

/* Is there such a network without the child in it? */
bool namespaces_detached(const struct launch *l);

int namespaces_clone_middle(struct launch *l, struct error *err);
int namespaces_start_mappers(struct launch *l, struct error *err);
int namespaces_await_map(struct launch *l, struct error *err);
int namespaces_take_child(struct launch *l, struct error *err);
int namespaces_evacuate(struct launch *l, struct error *err);
int namespaces_pin(struct launch *l, struct error *err);
int namespaces_detach_net(struct launch *l, struct error *err);
int namespaces_await_child_map(struct launch *l, struct error *err);
int namespaces_let_mount(struct launch *l, struct error *err);

/* What the clones have made but the processes */
void namespaces_undo(struct launch *l);

/* An unfinished newuidmap or newgidmap */
void namespaces_undo_mappers(struct launch *l);

/* The processes; before all else is undone */
void namespaces_end_processes(struct launch *l);
