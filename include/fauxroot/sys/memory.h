/* SPDX-License-Identifier: Apache-2.0 */
/* Release memory that a process of fauxroot does not need while it is idle. */
#pragma once

#include <poll.h>

/*
 * memory_release_code() - unmap the code and constants of this process until they are used again
 *
 * Covers the executable and its libraries, except pages that were written to. The pages stay in the
 * page cache: an access maps 64 KiB of them again, without a system call, in about a microsecond.
 * So call it in a process that has just become idle: the code that started it or served its last
 * client is not needed again soon.
 *
 * Breakpoints and uprobes are written to pages of code and would be lost, so it does nothing with
 * --debug. Cannot fail; any thread may call it. Needs madvise(2) with MADV_DONTNEED.
 */
void memory_release_code(void);

/*
 * memory_sleep() - memory_release_code(), then poll(2) without a time limit
 * @fds: as for poll(2), @n of them
 *
 * While it waits, only the 64 KiB around this function are mapped. After memory_release_code()
 * and a poll(2) of the caller it would be three times as much: that function, the caller, and the
 * linker's table of jumps are in different places. Returns as poll(2).
 */
int memory_sleep(struct pollfd *fds, nfds_t n);
