/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A map is written once, with one write(2), in one of three ways (man 7 user_namespaces, "Defining
 * user and group ID mappings"):
 *
 * - By newuidmap(1) and newgidmap(1), which are privileged and check that the ranges are the
 *   caller's. The two files are independent, so the two programs run in parallel.
 * - By ourselves, with CAP_SETUID, CAP_SETGID and CAP_SETFCAP over our own user namespace: as root,
 *   in a container that lacks newuidmap or does not let it gain privileges.
 * - By ourselves without any capability, for a map of only the caller's id. The kernel allows such
 *   a group map only after "deny" in setgroups: a process that can drop its supplementary groups
 *   can access files that deny access to one of them (CVE-2014-8989).
 *
 * The child is ours and not reaped yet, so its PID cannot have been reused.
 */
#include "fauxroot/idmap/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "complaint.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/idmap/fit.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/sys/caps.h"

/*
 * Load the ranges for --idmap=fit. Root of a container often has no line in /etc/subuid, and needs
 * none: it writes the maps itself.
 */
static int load_fitting(const struct config *config, const struct deadline *deadline, int cancel_fd,
			struct subid_ranges *ret, struct error *err)
{
	struct fit fit = {&this_machine, {geteuid(), getegid()}, caps_can_write_maps()};
	struct error missing = {0};
	int rc = subid_load(config->subid_source, fit.own[SUBID_UID], deadline, cancel_fd, ret,
			    &missing);

	if (rc == 0 || (rc == -ENOENT && fit_is_free(&fit)))
		return fit_ranges(&fit, ret, err);
	if (err)
		*err = missing;
	return rc;
}

int idmap_prepare(const struct config *config, const struct deadline *deadline, int cancel_fd,
		  struct idmap *ret, struct error *err)
{
	struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
	struct idmap map = {.single = config->idmap == IDMAP_SINGLE};
	int rc = 0;

	if (config->idmap == IDMAP_FIT)
		rc = load_fitting(config, deadline, cancel_fd, ranges, err);
	else if (!map.single)
		rc = subid_load(config->subid_source, geteuid(), deadline, cancel_fd, ranges, err);
	if (rc == 0)
		rc = idmap_plan(SUBID_UID, geteuid(), &ranges[SUBID_UID], &map.uid, err);
	if (rc == 0)
		rc = idmap_plan(SUBID_GID, getegid(), &ranges[SUBID_GID], &map.gid, err);
	if (rc == 0)
		*ret = map;
	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++)
		subid_ranges_clear(&ranges[k]);
	return err_step(err, rc, STEP_IDMAP);
}

/* The kernel accepts a map only as a single write(2), which is never partial. */
static int write_once(pid_t child, const char *file, const char *text, size_t size,
		      struct error *err)
{
	_cleanup_close_ int fd = -1;
	char path[64];

	(void)str_print(path, sizeof(path), "/proc/%d/%s", (int)child, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_file(err, errno, path, "opening %s", path);
	if (write(fd, text, size) != (ssize_t)size)
		return err_file(err, errno, path, "writing %s", path);
	return 0;
}

static int write_map(pid_t child, const char *file, const struct idmap_plan *plan,
		     struct error *err)
{
	char text[IDMAP_TEXT_MAX + 1];

	return write_once(child, file, text, idmap_text(plan, text), err);
}

static int apply_directly(const struct idmap *map, pid_t child, struct error *err)
{
	int rc = 0;

	if (map->single)
		rc = write_once(child, "setgroups", "deny", strlen("deny"), err);
	if (rc == 0)
		rc = write_map(child, "uid_map", &map->uid, err);
	if (rc == 0)
		rc = write_map(child, "gid_map", &map->gid, err);
	return rc;
}

int idmap_repeat(const struct idmap *map, pid_t child, struct error *err)
{
	struct idmap same = *map;

	/* A child namespace inherits "deny" from its parent. */
	same.single = false;
	for (size_t i = 0; i < same.uid.n; i++)
		same.uid.extents[i].outside = same.uid.extents[i].inside;
	for (size_t i = 0; i < same.gid.n; i++)
		same.gid.extents[i].outside = same.gid.extents[i].inside;
	return err_step(err, apply_directly(&same, child, err), STEP_IDMAP);
}

static int start_mapper(struct helper *ret, const char *program, const struct idmap_plan *plan,
			pid_t child, struct error *err)
{
	_cleanup_strv_ struct strv argv = {NULL, 0};
	/* In English, because complaint_reason() parses the output. */
	static const char *const env[] = {"LC_ALL=C", NULL};
	struct helper_spec spec = {.role = program, .env = env};
	int rc = strv_add(&argv, program);

	if (rc == 0)
		rc = strv_addf(&argv, "%d", (int)child);
	for (size_t i = 0; i < plan->n && rc == 0; i++) {
		const struct idmap_extent *e = &plan->extents[i];

		rc = strv_addf(&argv, "%u", e->inside);
		if (rc == 0)
			rc = strv_addf(&argv, "%u", e->outside);
		if (rc == 0)
			rc = strv_addf(&argv, "%u", e->count);
	}
	if (rc < 0)
		return err_set(err, -rc, "running %s", program);
	spec.argv = (const char *const *)argv.items;
	return helper_start(ret, &spec, err);
}

/* Make an error of a failed mapper's output. Most of its messages already begin with its name. */
static int mapper_failure(const struct helper *h, int status, struct error *err)
{
	const char *after = str_after(h->text, h->role);
	char how[64];
	int rc;

	process_status_text(status, how, sizeof(how));
	if (!*h->text)
		rc = err_say(err, EPERM, "%s failed without a message: %s", h->role, how);
	else if (after && *after == ':')
		rc = err_say(err, EPERM, "%s (%s)", h->text, how);
	else
		rc = err_say(err, EPERM, "%s: %s (%s)", h->role, h->text, how);
	return err_about(err, rc, complaint_reason(h->text), "%s", h->role);
}

void idmap_abandon(struct idmap_writers *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->mappers); i++)
		helper_stop(&w->mappers[i]);
}

int idmap_begin(const struct idmap *map, pid_t child, struct idmap_writers *ret, struct error *err)
{
	struct idmap_writers w = {.mappers = {HELPER_NONE, HELPER_NONE}};
	int rc;

	w.helped = !map->single && !caps_can_write_maps();
	if (!w.helped) {
		log_debug("writing the id maps directly");
		rc = apply_directly(map, child, err);
	} else {
		rc = start_mapper(&w.mappers[0], "newuidmap", &map->uid, child, err);
		if (rc == 0)
			rc = start_mapper(&w.mappers[1], "newgidmap", &map->gid, child, err);
	}
	if (rc < 0) {
		idmap_abandon(&w);
		return err_step(err, rc, STEP_IDMAP);
	}
	*ret = w;
	return 0;
}

int idmap_finish(struct idmap_writers *w, const struct deadline *deadline, int cancel_fd,
		 struct error *err)
{
	int statuses[ARRAY_SIZE(w->mappers)], rc;

	if (!w->helped)
		return 0;
	rc = helper_finish(w->mappers, ARRAY_SIZE(w->mappers), deadline, cancel_fd, statuses, err);
	for (size_t i = 0; i < ARRAY_SIZE(w->mappers) && rc == 0; i++)
		if (statuses[i] != 0)
			rc = mapper_failure(&w->mappers[i], statuses[i], err);
	idmap_abandon(w);
	return err_step(err, rc, STEP_IDMAP);
}
