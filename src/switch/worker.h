/* SPDX-License-Identifier: Apache-2.0 */
/* The process "fauxroot: switch": receives the command's system calls and answers them. */
#pragma once

#include <stdint.h>

#include "fauxroot/base/macro.h"

struct worker;

/*
 * worker_main() - serve the command's calls until the process is killed
 * @w: notify, command_net, device, except, page and slot are set
 */
_noreturn_ void worker_main(struct worker *w);

/*
 * worker_continue() - let the kernel execute the system call @id of the command
 * worker_return() - end the system call @id: it returns @result, or fails with @result as -errno
 *
 * Both never block, and do nothing if the call has ended already.
 */
void worker_continue(int notify, uint64_t id);
void worker_return(int notify, uint64_t id, int result);
