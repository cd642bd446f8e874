/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's stages from the first clone to the child's pinned namespaces. Each function has
 * the form of struct stage.run, .undo or .wanted. */
#pragma once

#include <stdbool.h>

struct error;
struct launch;

/* Does the child make its own network namespace? */
bool namespaces_own_net(const struct launch *l);

/* Is the network namespace detached: the child stays out of it? */
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

/* Undo the clones, except for the processes. */
void namespaces_undo(struct launch *l);

/* Kill an unfinished newuidmap or newgidmap. */
void namespaces_undo_mappers(struct launch *l);

/* Kill the processes; the first step of undoing a launch. */
void namespaces_end_processes(struct launch *l);
