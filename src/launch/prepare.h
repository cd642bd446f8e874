/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's stages before the first clone: everything that needs no child. launch/stages.h
 * describes each. Each function has the form of struct stage.run or .undo. */
#pragma once

struct error;
struct launch;

int prepare_ranges(struct launch *l, struct error *err);
int prepare_helper(struct launch *l, struct error *err);
int prepare_port_options(struct launch *l, struct error *err);
int prepare_statedir(struct launch *l, struct error *err);
int prepare_name(struct launch *l, struct error *err);
int prepare_rehearse_name(struct launch *l, struct error *err);

/* prepare_statedir_at() - prepare_statedir() with @wanted instead of --state-dir */
int prepare_statedir_at(struct launch *l, const char *wanted, struct error *err);

int prepare_cgroup(struct launch *l, struct error *err);
int prepare_notify(struct launch *l, struct error *err);

/* Write resolv.conf and hosts for the child, and the file on which a detached network namespace is
 * bound. */
int prepare_etc_files(struct launch *l, struct error *err);

void prepare_undo_statedir(struct launch *l);
void prepare_undo_cgroup(struct launch *l);
