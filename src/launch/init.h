/* SPDX-License-Identifier: Apache-2.0 */
/* With --pidns: the child becomes the namespace's init, by executing our own executable again. */
#pragma once

struct error;
struct launch;

/* init_open_self() - hold our executable, while /proc is the host's and nothing covers what leads
 * there; 0 or -errno */
int init_open_self(int *ret, struct error *err);

/* init_become() - in the child: execute in_child.self, which init_open_self() gave, as init.
 * Returns -errno. */
int init_become(const struct launch *l, struct error *err);
