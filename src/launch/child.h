/* SPDX-License-Identifier: Apache-2.0 */
/* The child's part of the launch: from the clone to the target's execve(2). */
#pragma once

#include "fauxroot/base/macro.h"

struct error;
struct launch;

/*
 * child_main() - run the child's stages in the new namespaces, up to the target's execve(2)
 * @l: the child's own copy, in the launcher's state at the clone of the middle process
 *
 * A failure is sent to the launcher as HANDSHAKE_FAILED.
 */
_noreturn_ void child_main(struct launch *l);

/* The child's stages: launch/stages.h describes each. Each function has the form of struct
 * stage.run. */
int child_make_netns(struct launch *l, struct error *err);
int child_become_root(struct launch *l, struct error *err);
int child_open_self(struct launch *l, struct error *err);
int child_set_propagation(struct launch *l, struct error *err);
int child_mount_proc(struct launch *l, struct error *err);
int child_mount_sys(struct launch *l, struct error *err);
int child_mount_cgroupfs(struct launch *l, struct error *err);
int child_bind_netns(struct launch *l, struct error *err);
int child_open_etc(struct launch *l, struct error *err);
int child_copy_up(struct launch *l, struct error *err);
int child_bind_etc(struct launch *l, struct error *err);
int child_send_etc(struct launch *l, struct error *err);
int child_enter_workdir(struct launch *l, struct error *err);
int child_report_mounted(struct launch *l, struct error *err);

/* child_copy_up_for() - child_copy_up() with another state directory, for a rehearsal */
int child_copy_up_for(struct launch *l, const char *state_dir, struct error *err);

/* Waits for "go" first. */
int child_set_environment(struct launch *l, struct error *err);

/* Returns only after a failure. */
int child_execute(struct launch *l, struct error *err);
