/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Put a socket of the host in the place of the command's. Before the command gets it, the kernel
 * confines it:
 *
 * - It is bound to the device that leads to the destination. Only CAP_NET_RAW over the host's
 *   network namespace can undo that (SO_BINDTOIFINDEX, man 7 socket). So whatever the command does
 *   with it, it never reaches a loopback address of the host.
 * - It is bound to a random port, and so can never be bound to another one (ports.h).
 */
#pragma once

#include "page.h"

struct attempt;
struct worker;

/*
 * replace_connect() - make the host's socket, and connect it without waiting: @a->fresh
 *
 * Returns LEFT_NOT if it is connecting; LEFT_OPTION if a socket option cannot be carried over; or
 * LEFT_FAILED.
 */
enum left replace_connect(const struct worker *w, struct attempt *a);

/*
 * replace_hand_over() - put @a->fresh in the place of @a->old
 *
 * May move descriptors of @w and @a to other numbers. Closes both sockets: a copy that we keep
 * would keep the old one in epoll sets. Returns LEFT_NOT; or, if nothing has changed,
 * LEFT_CLOSED if the number does not belong to @a->old any more, or LEFT_FAILED.
 */
enum left replace_hand_over(struct worker *w, struct attempt *a);
