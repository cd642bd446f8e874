/* SPDX-License-Identifier: Apache-2.0 */
/* Private to state/: emptying a directory. */
#pragma once

struct error;

/*
 * dir_empty() - remove everything in the directory @dir except its entry @keep
 *
 * Follows no link, does not touch mounts and other file systems (-EBUSY, -EXDEV), and needs three
 * descriptors at any depth. Returns 0, or -errno with the entry's name in the message.
 */
int dir_empty(int dir, const char *keep, struct error *err);
