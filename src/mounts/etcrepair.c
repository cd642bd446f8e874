/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/sys/mount.h"
#include "private.h"

static int repair_one(int file, int etc, const char *name)
{
	_cleanup_close_ int entry = place_open_at(etc, name);
	int rc;

	if (entry == -ENOENT)
		return 0;
	if (entry < 0)
		return entry;
	if (place_is_mount(entry))
		return 0;
	rc = etcfile_bind(file, etc, name);
	return rc == -ENOENT ? 0 : rc;
}

int etcfiles_repair(const struct etcfiles *files, struct error *err)
{
	for (int i = 0; i < ETCFILE_COUNT_; i++) {
		int rc = files->fd[i] < 0 ? 0
					  : repair_one(files->fd[i], files->etc, etcfile_names[i]);

		if (rc < 0)
			return err_set(err, -rc, "binding our file on /etc/%s again",
				       etcfile_names[i]);
	}
	return 0;
}
