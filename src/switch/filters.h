/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filters of the command and of the switch processes. */
#pragma once

struct error;

/* filters_notify() - in the child: filter_notify() with the command's filter */
int filters_notify(int *ret, struct error *err);

/*
 * filters_confine() - drop all rights that the calling switch process does not need
 *
 * It keeps no capabilities, /dev/null as standard input, output and error, and a list of system
 * calls. Returns 0 or -errno.
 */
int filters_confine(struct error *err);
