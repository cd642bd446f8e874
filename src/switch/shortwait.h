/* SPDX-License-Identifier: Apache-2.0 */
/*
 * End system calls that wait on a file of the command.
 *
 * The command shares the file: it can make a call wait that usually returns at once. Between
 * short_wait_begin() and short_wait_end() a signal interrupts such a call after SHORT_WAIT_MS, and
 * again and again: so also a call that begins after the first signal. connect(2) then fails with
 * EINTR; close(2) closes the descriptor and succeeds (man 7 signal, "Interruption of system
 * calls"). Calls that only SIGKILL ends (FUSE) wait on: see accel.c.
 *
 * sys/nudge.h does the same without preparation, for processes that may install handlers at any
 * time. Here that is forbidden, and each connection of the command passes.
 */
#pragma once

#define SHORT_WAIT_MS 10

/*
 * short_wait_prepare() - install a handler of SIGALRM and unblock it, once in a process
 *
 * Call it before the process is confined, which forbids sigaction(2). Returns 0 or -errno.
 */
int short_wait_prepare(void);

/*
 * short_wait_begin() - let SIGALRM interrupt calls from now on (man 2 setitimer)
 * short_wait_end() - no more
 *
 * Other calls than those named above may fail with EINTR meanwhile, without effect or with one:
 * make none. errno is kept.
 */
void short_wait_begin(void);
void short_wait_end(void);

/* short_wait_close() - close the copies of files of the command at @fds, as far as they are >= 0,
 * and set them to -1; the last close(2) of a socket with SO_LINGER would wait (man 7 socket) */
void short_wait_close(int *const fds[], unsigned n);
