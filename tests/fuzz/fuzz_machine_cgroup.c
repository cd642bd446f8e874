/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/self/cgroup and /proc/self/mountinfo: results are absolute paths below a mount. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	_cleanup_free_ char *cgroup = NULL, *root = NULL, *below = NULL;
	_cleanup_free_ char *copy = strndup(text, size);
	char lacks[64];

	assert(copy);
	cgroup_lacks(copy, "cpu io memory pids", lacks, sizeof(lacks));
	assert(strstr(lacks, "cpu") || strstr(copy, "cpu"));

	if (cgroup2_membership(text, size, &cgroup) == 0)
		assert(*cgroup == '/' && !streq(cgroup, "/..") && !strchr(cgroup, '\n'));
	else
		assert(!cgroup);

	/* In a mount of the whole hierarchy every cgroup has its own path. */
	if (cgroup2_directory(text, size, "/", &root) == 0) {
		_cleanup_free_ char *expected = str_format("%s/x", streq(root, "/") ? "" : root);

		assert(cgroup2_directory(text, size, "/x", &below) == 0);
		/* Unless another mount contains only that cgroup; its root may be escaped. */
		if (!memmem(text, size, "/x", 2) && !memchr(text, '\\', size))
			assert(streq(below, expected));
	} else {
		assert(!root);
	}
	return 0;
}
