/* SPDX-License-Identifier: Apache-2.0 */
/* Requirements of daemons that run containers: /proc, overlayfs or fuse-overlayfs, a data
 * directory. */
#include "probe.h"

#include <stdlib.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"
#include "../trial.h"

/* A launch works without it; the first container does not. */
static void probe_container_proc(const struct preflight *p, struct finding *f)
{
	const struct outcome *outcome = &p->outcomes->of[TRIAL_CONTAINER_PROC];

	if (!outcome->tried || outcome->rc == 0) {
		if (see_outcome(p, f, outcome))
			see(f, "can be mounted");
		return;
	}
	see(f, "%s", outcome->err.text);
	(void)fact(p->facts, "obstacle", "%s",
		   proc_is_masked(p->facts) ? fact_text(p->facts, "masks")
					    : strerror(outcome->err.code));
	warn(p, f, "containers-proc");
}

/* Predict the choice of buildkitd (auto) and of rootless dockerd, in their order. */
static void probe_overlay(const struct preflight *p, struct finding *f)
{
	const struct outcome *overlay = &p->outcomes->of[TRIAL_OVERLAY];
	const struct outcome *fuse = &p->outcomes->of[TRIAL_FUSE];
	char program[256];
	bool has_program = machine_find(p->machine, "fuse-overlayfs", program, sizeof(program));

	if (!overlay->tried) {
		see_unknown(f, "not tried because of an obstacle above");
		return;
	}
	if (outcome_works(overlay) && setting_is(p->facts, "/sys/fs/selinux/enforce", "1") &&
	    kernel_is_older(p->facts, 5, 13)) {
		see(f, "works, but SELinux will not label its files");
		warn(p, f, "overlay-selinux");
		return;
	}
	if (outcome_works(overlay)) {
		see(f, "works: buildkitd's snapshotter will be overlayfs, dockerd's storage driver "
		       "overlay2");
		return;
	}
	if (outcome_works(fuse) && has_program) {
		see(f,
		    "only as %s: buildkitd's snapshotter and dockerd's storage driver will be "
		    "fuse-overlayfs",
		    program);
		return;
	}
	see(f,
	    "buildkitd's snapshotter will be native, dockerd's storage driver vfs: each layer is a "
	    "full copy");
	(void)fact(p->facts, "overlay", "%s", overlay->err.text);
	(void)fact(p->facts, "fuse", "%s",
		   outcome_works(fuse) ? "the program is missing"
		   : fuse->tried       ? fuse->err.text
				       : "not tried");
	warn(p, f, "overlay-missing");
}

/* Did it fail to give a file in the data directory to another owner? */
static bool data_failed(const struct preflight *p, const char *dir, struct finding *f)
{
	const struct outcome *outcome = &p->outcomes->of[TRIAL_DATA];

	if (outcome->begun && !outcome->tried) {
		see_unknown(f, "%s does not answer", dir);
		return true;
	}
	if (!outcome->tried || outcome->rc == 0)
		return false;
	see(f, "%s", outcome->err.text);
	warn(p, f, outcome->err.reason == REASON_FOREIGN ? "data-owner" : "data-not-writable");
	return true;
}

static bool is_unfit(const struct mount *mount)
{
	static const char *const unfit[] = {"nfs",     "nfs4",	   "cifs", "smb3",
					    "overlay", "ecryptfs", "vfat", "exfat",
					    "ntfs",    "ntfs3",	   "9p",   "fuse",
					    "fuseblk", "lustre",   "gpfs", "beegfs"};

	for (size_t i = 0; i < ARRAY_SIZE(unfit); i++)
		if (streq(mount->type, unfit[i]))
			return true;
	return str_after(mount->type, "fuse.") != NULL;
}

static void probe_data_dir(const struct preflight *p, struct finding *f)
{
	struct mount mount;
	char dir[PATH_MAX];

	if (!trial_data_dir(p->config, dir, sizeof(dir))) {
		see_unknown(f, "neither XDG_DATA_HOME nor HOME is set");
		return;
	}
	if (!machine_mount(p->machine, dir, &mount)) {
		see_unknown(f, "%s: /proc/self/mountinfo cannot be read", dir);
		return;
	}
	(void)fact(p->facts, "dir", "%s", dir);
	(void)fact(p->facts, "mount", "%s", mount.point);
	(void)fact(p->facts, "type", "%s", mount.type);
	/* A user's FUSE mount always has nosuid and nodev, and cannot be remounted without them. */
	if (mount_has(&mount, "nosuid") && mount_has(&mount, "nodev") && !is_unfit(&mount)) {
		see(f, "%s, mounted nosuid and nodev", dir);
		warn(p, f, "data-nosuid");
		return;
	}
	if (data_failed(p, dir, f))
		return;
	see(f, "%s on %s", dir, mount.type);
	if (is_unfit(&mount))
		warn(p, f, "data-file-system");
}

const struct probe probes_of_storage[] = {
	{"containers' /proc", trial_wants_storage, .look = probe_container_proc},
	{"overlayfs", trial_wants_storage, .look = probe_overlay},
	{"data directory", trial_wants_storage, .look = probe_data_dir},
	{.name = NULL},
};
