/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an sd_notify(3) message: assignments, a line each. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* systemd takes no more (NOTIFY_BUFFER_MAX, one byte of which it keeps for itself). */
#define NOTIFY_TEXT_MAX 4095

/*
 * notify_rewrite() - what of the target's message goes to the service manager
 * @launcher: the PID that every MAINPID becomes
 * @ret: room for NOTIFY_TEXT_MAX bytes; not terminated
 * @ret_size: 0 where nothing is left
 *
 * Lines may end with \n or \r, as systemd reads them, and are written with \n. Of several MAINPIDs
 * one is left. MAINPIDFDID and MAINPIDFD, which name a process that is not the unit's main process,
 * are left out; what is unknown is passed on. One NUL at the end is allowed, and goes.
 *
 * Returns 0; -EBADMSG where there is a NUL inside; -EMSGSIZE where the result does not fit.
 */
int notify_rewrite(const char *text, size_t size, pid_t launcher, char *ret, size_t *ret_size);
