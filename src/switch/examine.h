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

/* examine_is_listening() - is the TCP socket @fd a listener? */
bool examine_is_listening(int fd);
