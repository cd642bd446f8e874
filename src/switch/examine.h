/* SPDX-License-Identifier: Apache-2.0 */
/* Can a socket of the command be replaced by one of the host? */
#pragma once

#include <stdbool.h>

#include "page.h"

struct attempt;
struct netns_ids;

/*
 * examine_address() - may the destination be outside of the command's network?
 *
 * Special addresses (man 7 ip: loopback, link-local, multicast) never are. Routes decide about all
 * others. Returns LEFT_NOT or LEFT_INSIDE.
 */
enum left examine_address(const struct attempt *a);

/*
 * examine_socket() - is @a->old a TCP socket that was not used yet, of the command's network?
 *
 * Fills @a->family, @a->inode, @a->uid, @a->again, and @a->result with the error of an earlier
 * connect(2) that the call has to return. Returns LEFT_NOT or the reason.
 */
enum left examine_socket(struct attempt *a, const struct netns_ids *ids);

/*
 * examine_earlier() - the error of an earlier connect(2) of the unused TCP socket @fd, or 0
 *
 * If an earlier connect(2) has failed without a waiting thread, the next call returns its error,
 * and does not connect. Ask the kernel for this error, by a call with an address that is too short:
 * without an error, that call fails with EINVAL. The error is lost then, so the caller must return
 * it.
 *
 * Another thread of the command can connect the socket meanwhile. Then this call waits with that
 * thread: -EISCONN if it is connected now, -EINTR after SHORT_WAIT_MS, or -EALREADY at once if the
 * socket is non-blocking.
 */
int examine_earlier(int fd, int family);

/* examine_is_listening() - is the TCP socket @fd a listener? */
bool examine_is_listening(int fd);
