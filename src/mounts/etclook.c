/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The process is a copy of the launcher with two descriptors: inotify's, which both share, and
 * memory for its result. The result is complete when the process exits, so the launcher only waits
 * for that and never for a file.
 *
 * The watches are added before the files are read. So no later change is missed.
 */
#include "fauxroot/mounts/etclook.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/proc/kept.h"
#include "private.h"

/* The result: this, then the texts. */
struct result {
	int watched; /* 0 or -errno */
	size_t n_items;
	struct {
		int wd;
		bool is_entry;
		char name[NAME_MAX + 1];
	} items[ETCWATCH_MAX];
	struct {
		int rc;
		size_t size;
	} files[ETCFILE_COUNT_];
};

static void note_watch(struct etcwatch *watch, struct result *result)
{
	result->watched = etcwatch_follow(watch);
	result->n_items = watch->n;
	for (size_t i = 0; i < watch->n; i++) {
		result->items[i].wd = watch->items[i].wd;
		result->items[i].is_entry = watch->items[i].is_entry;
		(void)str_print(result->items[i].name, sizeof(result->items[i].name), "%s",
				watch->items[i].name);
	}
}

/* In the process: write to the result, or exit with the errno value. */
static void put(int fd, const void *data, size_t size, off_t at)
{
	ssize_t n = pwrite(fd, data, size, at);

	if (n != (ssize_t)size)
		_exit(n < 0 ? errno : ENOSPC);
}

/* In the process. */
static void look(struct etcwatch *watch, int fd)
{
	static struct result result;
	off_t at = sizeof(result);

	if (watch->fd >= 0)
		note_watch(watch, &result);
	for (int i = 0; i < ETCFILE_COUNT_; i++) {
		char path[PATH_MAX], *text = NULL;
		size_t size = 0;

		(void)str_print(path, sizeof(path), "/etc/%s", etcfile_names[i]);
		result.files[i].rc = file_read_lines(AT_FDCWD, path, ETCFILE_MAX, &text, &size);
		if (result.files[i].rc < 0)
			continue;
		result.files[i].size = size;
		put(fd, text, size, at);
		at += (off_t)size;
	}
	put(fd, &result, sizeof(result), 0);
	_exit(0);
}

int etclook_start(const struct etcwatch *watch, struct etclook *ret, struct error *err)
{
	_cleanup_close_ int fd = fd_memory("etc");
	struct etclook started = ETCLOOK_NONE;
	struct etcwatch copy = *watch;
	int rc;

	if (fd < 0)
		return err_set(err, -fd, "creating memory for the host's /etc");
	rc = fork_clean("fauxroot: etc", (int[]){fd, watch->fd}, 2, &started.process, err);
	if (rc == 0)
		look(&copy, fd);
	if (rc < 0)
		return rc;
	started.result = TAKE_FD(fd);
	*ret = started;
	return 0;
}

/* Returns 0, -ENOMEM, or the -errno with which the process could not watch /etc. */
static int take_watch(struct etcwatch *watch, const struct result *result)
{
	for (size_t i = 0; i < watch->n; i++)
		free(watch->items[i].name);
	watch->n = 0;
	for (size_t i = 0; i < MIN(result->n_items, (size_t)ETCWATCH_MAX); i++) {
		char *name = strndup(result->items[i].name, NAME_MAX);

		if (!name)
			return -ENOMEM;
		watch->items[watch->n].wd = result->items[i].wd;
		watch->items[watch->n].is_entry = result->items[i].is_entry;
		watch->items[watch->n++].name = name;
	}
	return result->watched;
}

static int take_file(int fd, off_t at, size_t size, char **ret)
{
	_cleanup_free_ char *text = size <= ETCFILE_MAX ? malloc(size + 1) : NULL;

	if (!text)
		return -ENOMEM;
	if (pread(fd, text, size, at) != (ssize_t)size)
		return -EIO;
	text[size] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

int etclook_take(const struct etclook *look, struct etcwatch *watch, struct etchost *ret)
{
	_cleanup_free_ struct result *result = malloc(sizeof(*result));
	off_t at = sizeof(*result);
	int rc;

	*ret = ETCHOST_NONE;
	if (!result)
		return -ENOMEM;
	rc = pread(look->result, result, sizeof(*result), 0) == sizeof(*result) ? 0 : -EIO;
	for (int i = 0; i < ETCFILE_COUNT_ && rc == 0; i++) {
		ret->files[i].rc = result->files[i].rc;
		ret->files[i].size = result->files[i].size;
		rc = take_file(look->result, at, result->files[i].size, &ret->files[i].text);
		at += (off_t)result->files[i].size;
	}
	if (rc == 0 && watch->fd >= 0)
		rc = take_watch(watch, result);
	if (rc < 0)
		etchost_clear(ret);
	return rc;
}

void etclook_close(struct etclook *look)
{
	process_abandon(&look->process);
	fd_close(look->result);
	*look = ETCLOOK_NONE;
}

/* Is @rc a shortage of the machine or of our limits? A late look is no shortage. */
static bool is_shortage(int rc)
{
	return rc != -ETIMEDOUT && kept_is_shortage(rc);
}

/* Fail if the look could not read a file because of a shortage. For a file, EAGAIN is no shortage:
 * it means a FIFO or a lease. */
static int check_files(const struct etchost *host, struct error *err)
{
	for (int i = 0; i < ETCFILE_COUNT_; i++) {
		int rc = host->files[i].rc;

		if (rc != -EAGAIN && is_shortage(rc))
			return err_set(err, -rc, "reading /etc/%s", etcfile_name((enum etcfile)i));
	}
	return 0;
}

static int look_once(int cancel_fd, struct etchost *ret, struct error *err)
{
	struct deadline deadline = deadline_in(ETCLOOK_MS);
	struct etcwatch none = ETCWATCH_NONE;
	struct etclook look = ETCLOOK_NONE;
	int status = 0, rc = etclook_start(&none, &look, err);

	if (rc < 0)
		return rc;
	rc = process_wait(&look.process, &deadline, cancel_fd, &status);
	if (rc == 0)
		rc = process_result(status);
	if (rc == 0)
		rc = etclook_take(&look, &none, ret);
	etclook_close(&look);
	if (rc < 0)
		return err_set(err, -rc, "reading the host's resolv.conf and hosts");
	return check_files(ret, err);
}

int etclook_first(int cancel_fd, struct etchost *ret, struct error *err)
{
	int rc = look_once(cancel_fd, ret, err);

	if (rc == -ECANCELED || is_shortage(rc))
		return rc;
	if (rc < 0)
		log_warning("the command starts without the host's resolv.conf and hosts, and gets "
			    "them later: reading them: %s",
			    strerror(-rc));
	return 0;
}
