/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the generator of the seccomp filters (filters.c) and their loader (../load.c). */
#pragma once

/* Placeholder for the process's own PID, which the loader fills in. It is no valid PID (they end at
 * 1 << 22) and no system call number. */
#define FILTER_OWN_PID 0x7fffff0f
