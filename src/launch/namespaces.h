/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's stages from the first clone to the child's pinned namespaces; launch/stages.h
 * describes each. Each function has the form of struct stage.run or .undo. */
#pragma once

struct error;
struct launch;

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
