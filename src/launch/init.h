/* SPDX-License-Identifier: Apache-2.0 */
/* With --pidns: the child executes our own executable again and becomes the namespace's init. */
#pragma once

struct error;
struct launch;

/* init_open_self() - open our executable, while /proc is the host's and no mount hides it; 0 or
 * -errno */
int init_open_self(int *ret, struct error *err);

/* init_become() - in the child: execute in_child.self, which init_open_self() has opened, as init.
 * Returns -errno, or does not return. */
int init_become(const struct launch *l, struct error *err);
