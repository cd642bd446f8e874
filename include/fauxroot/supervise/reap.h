/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher is a subreaper, so orphans of the target become its children. */
#pragma once

struct error;

/* become_subreaper() - PR_SET_CHILD_SUBREAPER (man 2 prctl); 0 or -errno */
int become_subreaper(struct error *err);
