/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an sd_notify(3) message: one assignment per line. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* The longest message that systemd accepts: NOTIFY_BUFFER_MAX less the terminating byte. */
#define NOTIFY_TEXT_MAX 4095

/*
 * notify_rewrite() - rewrite the target's message for the service manager
 * @launcher: the PID that replaces every MAINPID
 * @ret: room for NOTIFY_TEXT_MAX bytes; not terminated
 * @ret_size: 0 if nothing is left
 *
 * Lines may end with \n or \r, as systemd reads them; they are written with \n. Only one of several
 * MAINPIDs stays. MAINPIDFDID and MAINPIDFD are removed, because they name a process that is not
 * the unit's main process. Unknown assignments stay. One NUL at the end is allowed and removed.
 *
 * Returns 0; -EBADMSG if the text contains another NUL; -EMSGSIZE if the result does not fit.
 */
int notify_rewrite(const char *text, size_t size, pid_t launcher, char *ret, size_t *ret_size);
