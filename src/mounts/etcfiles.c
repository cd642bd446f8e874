/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The child opens the state directory's files before copy-up, and binds them after it by
 * descriptor. Their path may be covered by then, but the files themselves are still in its mount
 * namespace.
 *
 * They are bound on the entries of /etc themselves. On a distribution with systemd-resolved,
 * /etc/resolv.conf is a link. A bind on its target would disappear whenever a file is renamed over
 * the target; a mount on the link stays. Only a replacement of /etc/resolv.conf itself removes the
 * mount, in every mount namespace: see etcwatch.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/sys/mount.h"
#include "etctext.h"
#include "private.h"

const char *const etcfile_names[ETCFILE_COUNT_] = {
	[ETCFILE_RESOLV_CONF] = "resolv.conf",
	[ETCFILE_HOSTS] = "hosts",
};

/* Warn about a file that is not complete. */
static void report(const struct etchost *host, enum etcfile file)
{
	const char *name = etcfile_names[file];
	int rc = host->files[file].rc;

	if (rc > 0)
		log_warning(
			"the child's %s contains only the first %u MiB of the host's: /etc/%s is "
			"larger",
			name, ETCFILE_MAX >> 20, name);
	else if (rc < 0 && rc != -ENOENT)
		log_warning("the child's %s contains nothing of the host's: reading /etc/%s: %s",
			    name, name, strerror(-rc));
}

void etchost_clear(struct etchost *host)
{
	for (int i = 0; i < ETCFILE_COUNT_; i++)
		free(host->files[i].text);
	*host = ETCHOST_NONE;
}

const char *etcfile_name(enum etcfile file)
{
	return etcfile_names[file];
}

static char *compose(enum etcfile file, const char *host, size_t size,
		     const struct etc_content *content)
{
	char hostname[HOST_NAME_MAX + 1] = "";
	_cleanup_free_ char *hosts = NULL;

	if (file == ETCFILE_RESOLV_CONF)
		return resolvconf_compose(host, size, content->dns);
	gethostname(hostname, sizeof(hostname));
	hosts = hosts_compose(host, size, hostname);
	return hosts ? str_format("%s%s", content->names ? content->names : "", hosts) : NULL;
}

int etcfiles_write_parent(const struct etchost *host, etcfile_write *write, const void *write_arg,
			  const struct etc_content *content, struct error *err)
{
	int rc = 0;

	for (int i = 0; i < ETCFILE_COUNT_ && rc == 0; i++) {
		_cleanup_free_ char *text = NULL;
		const char *of_host = host->files[i].text;

		if (i == ETCFILE_RESOLV_CONF && !content->dns)
			continue;
		report(host, (enum etcfile)i);
		text = compose((enum etcfile)i, of_host ? of_host : "",
			       of_host ? host->files[i].size : 0, content);
		if (!text)
			rc = err_set(err, ENOMEM, "composing %s", etcfile_names[i]);
		else
			rc = write(write_arg, (enum etcfile)i, text, strlen(text), err);
	}
	return rc < 0 ? err_step(err, rc, STEP_MOUNT) : 0;
}

int etcfiles_open_child(const char *state_dir, bool with_resolv_conf, struct etcfiles *ret,
			struct error *err)
{
	_cleanup_etcfiles_ struct etcfiles files = ETCFILES_NONE;
	_cleanup_close_ int dir = place_open_dir(state_dir);

	if (dir < 0)
		return err_step(err, err_set(err, -dir, "opening %s", state_dir), STEP_MOUNT);
	for (int i = 0; i < ETCFILE_COUNT_; i++) {
		if (i == ETCFILE_RESOLV_CONF && !with_resolv_conf)
			continue;
		files.fd[i] = place_open_at(dir, etcfile_names[i]);
		if (files.fd[i] < 0)
			return err_step(err,
					err_set(err, -files.fd[i], "opening %s/%s", state_dir,
						etcfile_names[i]),
					STEP_MOUNT);
	}
	*ret = files;
	files = ETCFILES_NONE;
	return 0;
}

void etcfiles_close(struct etcfiles *files)
{
	for (int i = 0; i < ETCFILE_COUNT_; i++)
		files->fd[i] = fd_close(files->fd[i]);
	files->etc = fd_close(files->etc);
}

/* Replace the entry @name of our tmpfs @etc by an empty file, as a mount point. */
static int make_mount_point(int etc, const char *name)
{
	if (unlinkat(etc, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return mknodat(etc, name, S_IFREG | 0644, 0) < 0 ? -errno : 0;
}

int etcfile_bind(int file, int etc, const char *name)
{
	int rc = -ENOENT;

	/* Another file may be renamed over the entry between open and mount: then the mount fails
	 * with ENOENT. */
	for (int tries = 0; tries < 10 && rc == -ENOENT; tries++) {
		_cleanup_close_ int place = place_open_at(etc, name);

		rc = place < 0 ? place : mount_bind(file, place);
	}
	return rc;
}

int etcfiles_bind_child(struct etcfiles *files, bool etc_copied, struct error *err)
{
	_cleanup_close_ int etc = place_open_dir("/etc");
	int rc = MIN(etc, 0);

	for (int i = 0; i < ETCFILE_COUNT_ && rc == 0; i++) {
		const char *name = etcfile_names[i];

		if (files->fd[i] < 0)
			continue;
		if (etc_copied)
			rc = make_mount_point(etc, name);
		if (rc == 0)
			rc = etcfile_bind(files->fd[i], etc, name);
		if (rc == -ENOENT && !etc_copied) {
			log_warning("/etc/%s does not exist, so the child's file cannot be mounted "
				    "on it; "
				    "--copy-up=/etc creates it",
				    name);
			rc = 0;
		}
		if (rc < 0)
			return err_step(err, err_set(err, -rc, "binding our file on /etc/%s", name),
					STEP_MOUNT);
	}
	if (rc < 0)
		return err_step(err, err_set(err, -rc, "opening /etc"), STEP_MOUNT);
	if (!etc_copied)
		files->etc = TAKE_FD(etc);
	return 0;
}
