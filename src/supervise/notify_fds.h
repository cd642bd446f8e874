/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that the target sends to the service manager: which of them we can receive. */
#pragma once

/*
 * notify_fds_check() - is it safe to receive the descriptors of the next message in @sock?
 *
 * Returns 0 if it is, or if there are none; -EAGAIN without a message; -EPERM if closing one of
 * them could block until the target acts; -ETIMEDOUT if even the check blocks; or -errno.
 */
int notify_fds_check(int sock);
