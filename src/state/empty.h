/* SPDX-License-Identifier: Apache-2.0 */
/* Private to state/: removing what stands in a directory. */
#pragma once

struct error;

/*
 * dir_empty() - remove everything in the directory @dir but its entry @keep
 *
 * Follows no link, leaves mounts and other file systems alone (-EBUSY, -EXDEV), and needs three
 * descriptors however deep the tree is. Returns 0 or -errno with the entry's name.
 */
int dir_empty(int dir, const char *keep, struct error *err);
