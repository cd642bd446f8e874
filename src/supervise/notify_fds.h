/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that the target sends to the service manager: which of them we can receive. */
#pragma once

/*
 * notify_fds_check() - is it safe to receive the descriptors of the next message in @sock?
 *
 * The message must have descriptors: message_has_fds(). Returns 0 if it is; -EPERM if closing one
 * of them could block until the target acts; -ETIMEDOUT if even the check blocks; or the -errno of
 * the fork for the check.
 */
int notify_fds_check(int sock);
