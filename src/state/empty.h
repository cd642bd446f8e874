/* SPDX-License-Identifier: Apache-2.0 */
/* Private to state/: emptying a directory. */
#pragma once

struct error;

/*
 * dir_empty() - remove everything in the state directory @dir except its entry @keep
 * @path: of the directory, for messages
 *
 * Follows no link, does not touch mounts and other file systems (-EBUSY, -EXDEV), and needs three
 * descriptors at any depth. Returns 0, or -errno. The reason is then REASON_LEFT_BEHIND with
 * the path of the entry that cannot be removed, or REASON_FILE.
 */
int dir_empty(int dir, const char *path, const char *keep, struct error *err);
