/* SPDX-License-Identifier: Apache-2.0 */
/* What the maker of the seccomp filters (filters.c) and who loads them (../load.c) agree upon. */
#pragma once

/* What stands for the process's own PID, which who loads a filter puts in: no PID (they end at 1 <<
 * 22) and no system call. */
#define FILTER_OWN_PID 0x7fffff0f
