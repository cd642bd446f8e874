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
 * worker_answer() - end the wait of the system call @id of the command
 * @how: 0: the kernel executes the call; a negative errno value: the call fails with it;
 * ANSWER_DONE: the call returns 0, and the kernel does not execute it
 *
 * Never blocks. Does nothing if the call has ended already.
 */
#define ANSWER_DONE 1
void worker_answer(int notify, uint64_t id, int how);
