/* SPDX-License-Identifier: Apache-2.0 */
/* For spawn.c: process_is_abandoned()'s list. */
#pragma once

#include "fauxroot/base/spawn.h"

/* More than these are not remembered. */
#define ABANDONED_MAX 16

/* abandoned_add() - remember @p, which has been sent SIGKILL, until it has ended; @p is
 * PROCESS_NONE afterwards, its pidfd taken over or closed */
void abandoned_add(struct process *p);
