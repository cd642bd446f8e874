/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd_notify(3) across the namespaces. The target's NOTIFY_SOCKET is a socket of the launcher. The
 * launcher, the unit's main process, forwards each message to the service manager in its own name.
 */
#pragma once

#include <stddef.h>

#include "fauxroot/base/macro.h"

struct error;
struct event_base;
struct notify;

/*
 * notify_open() - bind the socket "notify" in the directory @dir, if NOTIFY_SOCKET is set
 * @dir: absolute; the target reaches it under the same path
 * @ret: NULL if NOTIFY_SOCKET is unset, or if messages to it cannot be forwarded (an AF_VSOCK
 *	address); the latter is logged as a warning
 *
 * If the manager cannot be reached now, the function logs a warning, and each message tries again.
 * Returns 0 or -errno.
 */
int notify_open(const char *dir, struct notify **ret, struct error *err);

/* notify_path() - the value for the target's NOTIFY_SOCKET; NULL for NULL: leave it unchanged */
const char *notify_path(const struct notify *notify);

/* notify_serve() - forward messages from the event loop @base from now on; 0 or -errno */
int notify_serve(struct notify *notify, struct event_base *base, struct error *err);

/*
 * notify_close() - forward the messages that are left in the socket, and free @notify
 *
 * Waits at most a second for a manager that does not read. Call it before freeing the event base.
 * Accepts NULL.
 */
void notify_close(struct notify *notify);
