/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that the target sends to the service manager, and that we may have in our hands. */
#pragma once

/*
 * notify_fds_check() - may the descriptors of the next message in @sock be received?
 *
 * Returns 0 where they may, or where there are none; -EAGAIN without a message; -EPERM where
 * closing one could wait for the target; -ETIMEDOUT where even the look at them does; -errno.
 */
int notify_fds_check(int sock);
