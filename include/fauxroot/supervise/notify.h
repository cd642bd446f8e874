/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd_notify(3) across the namespaces: the target's NOTIFY_SOCKET is a socket of ours, and what
 * arrives there goes to the service manager's in the name of the launcher, the unit's main process.
 */
#pragma once

#include <stddef.h>

#include "fauxroot/base/macro.h"

struct error;
struct event_base;
struct notify;

/*
 * notify_open() - bind the socket "notify" in the directory @dir, if a manager listens for us
 * @dir: absolute; the target reaches it under the same path
 * @ret: NULL where NOTIFY_SOCKET is unset, or names what is not passed on (an AF_VSOCK address),
 *	which is warned of
 *
 * A manager that cannot be reached now is warned of, and tried again with each message. Returns 0
 * or -errno.
 */
int notify_open(const char *dir, struct notify **ret, struct error *err);

/* notify_path() - what the target's NOTIFY_SOCKET must be; NULL for NULL: leave it as it is */
const char *notify_path(const struct notify *notify);

/* notify_serve() - pass messages on from the loop of @base from now on; 0 or -errno */
int notify_serve(struct notify *notify, struct event_base *base, struct error *err);

/*
 * notify_close() - pass on what the target has left in the socket, and let go
 *
 * Waits at most a second where the manager does not read. Before the event base goes. Accepts NULL.
 */
void notify_close(struct notify *notify);
