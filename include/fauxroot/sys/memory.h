/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a process of ours does not need while it is idle. */
#pragma once

/*
 * memory_release_code() - unmap the pages of code and constants of this process, until they are
 * needed again
 *
 * The executable and its libraries, without what was written to. The pages stay in the page cache:
 * an access maps them again, 64 KiB at a time, without a system call, and costs about a
 * microsecond. So it is for a process that has just become idle: what started it, and what served
 * its last client, is not needed again soon.
 *
 * Breakpoints and uprobes are written to pages of code, and would be lost: does nothing where
 * debug lines are written (--debug). Cannot fail; may be called by any thread.
 * Needs madvise(2) with MADV_DONTNEED.
 */
void memory_release_code(void);
