/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <sys/mount.h>

#include "fauxroot/base/err.h"
#include "fauxroot/mounts/mounts.h"

int propagation_apply_child(enum propagation mode, struct error *err)
{
	static const struct {
		const char *name;
		unsigned long flags;
	} types[] = {
		[PROPAGATION_RPRIVATE] = {"rprivate", MS_PRIVATE | MS_REC},
		[PROPAGATION_PRIVATE] = {"private", MS_PRIVATE},
		[PROPAGATION_SLAVE] = {"slave", MS_SLAVE},
		[PROPAGATION_RSLAVE] = {"rslave", MS_SLAVE | MS_REC},
		[PROPAGATION_SHARED] = {"shared", MS_SHARED},
		[PROPAGATION_RSHARED] = {"rshared", MS_SHARED | MS_REC},
	};
	static_assert(ARRAY_SIZE(types) == PROPAGATION_COUNT_, "every mode has flags");

	if (mount(NULL, "/", NULL, types[mode].flags, NULL) < 0)
		return err_step(err,
				err_set(err, errno, "setting the mount propagation to %s",
					types[mode].name),
				STEP_MOUNT);
	return 0;
}
