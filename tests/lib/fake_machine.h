/* SPDX-License-Identifier: Apache-2.0 */
/* For tests with cmocka: a machine made of a few files below a temporary directory. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/machine.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

#define MAX_FILES 10

struct file {
	const char *path;
	const char *text; /* "->" and a target: a symbolic link; ending in "/": a directory */
	mode_t mode;	  /* 0: 0644 */
};

struct fake {
	char root[PATH_MAX];
	struct machine machine;
};

static inline void make_parents(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*at = '/';
	}
}

static inline void make_file(const struct fake *fake, const struct file *file)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	assert_true(machine_path(&fake->machine, file->path, path, sizeof(path)));
	make_parents(path);
	if (path[strlen(path) - 1] == '/')
		return;
	(void)unlink(path);
	if (str_after(file->text, "->")) {
		assert_int_equal(symlink(file->text + 2, path), 0);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, file->text, strlen(file->text)), 0);
	assert_int_equal(fchmod(fd, file->mode ? file->mode : 0644), 0);
}

#define STATUS                                                                          \
	"Name:\tfauxroot\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\n" \
	"CapBnd:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n"

/* man 5 proc, /proc/pid/limits */
#define LIMITS(files, files_hard, processes)                                                       \
	"Limit                     Soft Limit           Hard Limit           Units     \n"         \
	"Max cpu time              unlimited            unlimited            seconds   \n"         \
	"Max processes             " processes "                " processes "                proc" \
	"esses \n"                                                                                 \
	"Max open files            " files "                 " files_hard                          \
	"              files     \n"

/* An ordinary machine on which nothing is wrong. */
static const struct file ordinary[] = {
	{"/proc/self/status", STATUS, 0},
	{"/proc/self/uid_map", "         0          0 4294967295\n", 0},
	{"/proc/self/gid_map", "         0          0 4294967295\n", 0},
	{"/proc/self/mountinfo",
	 "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
	 "23 22 8:2 / /home rw,nosuid,nodev - ext4 /dev/sda2 rw\n",
	 0},
	{"/proc/self/exe", "->/opt/fauxroot/bin/fauxroot", 0},
	{"/proc/self/ns/user", "", 0},
	{"/proc/self/attr/current", "unconfined\n", 0},
	{"/proc/self/limits", LIMITS("1024", "1048576", "63000"), 0},
	{"/proc/self/cgroup", "0::/user.slice/session-1.scope\n", 0},
	{"/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n", 0},
	{"/proc/sys/user/max_user_namespaces", "63000\n", 0},
	{"/proc/sys/kernel/unprivileged_userns_clone", "1\n", 0},
	{"/etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n", 0},
	{"/etc/group", "root:x:0:\nalice:x:1000:\n", 0},
	{"/etc/subuid", "alice:100000:65536\n", 0},
	{"/etc/subgid", "alice:100000:65536\n", 0},
	{"/etc/os-release", "NAME=Debian\nID=debian\n", 0},
	{"/usr/bin/newuidmap", "ELF", 04755},
	{"/usr/bin/newgidmap", "ELF", 04755},
	{"/usr/bin/tool", "ELF", 0755},
	{"/dev/net/tun", "->/dev/null", 0}, /* a character device, open to all */
	{"/tmp/", "", 0},
};

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void clear_fake(struct fake *fake)
{
	nftw(fake->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* An ordinary machine, changed by @files; a NULL text removes the file. */
static inline void make_fake(struct fake *fake, const struct file *files)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(fake->root, sizeof(fake->root), "%s/test-check.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(fake->root));
	assert_int_equal(chmod(fake->root, 0755), 0);
	fake->machine.root = fake->root;
	for (size_t i = 0; i < ARRAY_SIZE(ordinary); i++)
		make_file(fake, &ordinary[i]);
	for (size_t i = 0; i < MAX_FILES && files[i].path; i++) {
		char path[PATH_MAX];

		if (files[i].text) {
			make_file(fake, &files[i]);
			continue;
		}
		assert_true(machine_path(&fake->machine, files[i].path, path, sizeof(path)));
		assert_int_equal(remove(path), 0);
	}
}

/* The environment variable @name is @value, or not set where that is NULL. */
static inline void set_variable(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}
