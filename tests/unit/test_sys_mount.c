/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by descriptor: with the new system calls, and with each way in which they may be
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <cmocka.h>

#include "fauxroot/sys/mount.h"
#include "scratch.h"

struct refusal {
	int errnum; /* 0: none */
	const char *const calls[5];
};

static const struct refusal refusals[] = {
	{0, {NULL}},
	{ENOSYS, {"openat2", "open_tree", "move_mount", NULL}},
	{EPERM, {"openat2", "open_tree", "move_mount", NULL}},
	{EACCES, {"move_mount", NULL}},
};

static void refuse(const struct refusal *refusal)
{
	if (refusal->errnum)
		scratch_refuse(refusal->errnum, refusal->calls);
}

static void run_refused(void (*job)(const void *arg))
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		assert_int_equal(scratch_run(job, &refusals[i], 0), 0);
}

static void open_places(const void *arg)
{
	static const struct {
		const char *path; /* below the working directory, or absolute with a '.' before */
		int rc;		  /* 0: it opens */
	} table[] = {
		{"/dir", 0},
		{"/dir/", 0},
		{"//dir//sub", 0},
		{"/dir/file", 0},
		{"/dir/file/x", -ENOTDIR},
		{"/dir/none", -ENOENT},
		{"/link", -ELOOP},
		{"/link/sub", -ELOOP},
		{"/dir/dangling", -ELOOP},
	};
	char *cwd = getcwd(NULL, 0), path[4096];
	struct stat a, b;

	check(cwd && mkdir("dir", 0755) == 0 && mkdir("dir/sub", 0755) == 0);
	put("dir/file", "");
	check(symlink("dir", "link") == 0 && symlink("none", "dir/dangling") == 0);
	refuse(arg);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s%s", cwd, table[i].path);
		fd = place_open(path);
		if (fd < 0) {
			check(fd == table[i].rc);
			continue;
		}
		check(table[i].rc == 0 && stat(path, &a) == 0 && fstat(fd, &b) == 0);
		check(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
		check((fcntl(fd, F_GETFL) & O_PATH) && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
		fd_close(fd);
	}
	check(place_open("dir") == -EINVAL);
	check(place_open("") == -EINVAL);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[300] = '\0';
	check(place_open(path) == -ENAMETOOLONG);
	check(place_open("/") >= 0);
	free(cwd);
}

static void place_open_refuses_links(void **state)
{
	(void)state;
	run_refused(open_places);
}

/* A bind includes the mounts below, with their flags. */
static void bind_tree(const void *arg)
{
	int from, to;

	check(mkdir("from", 0755) == 0 && mkdir("to", 0755) == 0);
	put("from/file", "from");
	check(mkdir("from/below", 0755) == 0);
	check(mount("tmpfs", "from/below", "tmpfs", MS_NOEXEC, NULL) == 0);
	put("from/below/file", "below");
	refuse(arg);
	from = open("from", O_PATH);
	to = open("to", O_PATH);
	check(!place_is_mount(to));
	check(mount_bind(from, to) == 0);
	to = open("to", O_PATH);
	check(place_is_mount(to) && place_is_mount(open("to/below", O_PATH)));
	check(holds("to/file", "from") && holds("to/below/file", "below"));
	put("to/below/new", "x");
	check(holds("from/below/new", "x"));
}

/* A link itself is mounted on, dangling or not; its target stays unchanged. */
static void bind_on_link(const void *arg)
{
	static const char *const texts[] = {"target", "none", "/"};
	int from, to;

	put("from", "from");
	put("target", "target");
	refuse(arg);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		check(symlink(texts[i], "link") == 0);
		from = open("from", O_PATH);
		to = place_open_at(AT_FDCWD, "link");
		check(to >= 0 && mount_bind(from, to) == 0);
		check(holds("link", "from") && holds("target", "target"));
		check(place_is_mount(place_open_at(AT_FDCWD, "link")));
		check(umount2("link", UMOUNT_NOFOLLOW | MNT_DETACH) == 0 &&
		      links_to("link", texts[i]));
		check(unlink("link") == 0);
	}
}

/* A removed place is ENOENT; a file cannot be bound on a directory. */
static void bind_fails(const void *arg)
{
	int from, to;

	put("from", "from");
	put("to", "to");
	check(mkdir("dir", 0755) == 0);
	refuse(arg);
	from = open("from", O_PATH);
	to = open("to", O_PATH);
	check(unlink("to") == 0);
	check(mount_bind(from, to) == -ENOENT);
	check(mount_bind(from, open("dir", O_PATH)) < 0);
}

static void mount_bind_is_recursive(void **state)
{
	(void)state;
	run_refused(bind_tree);
	run_refused(bind_on_link);
	run_refused(bind_fails);
}

/* A recursive bind leaves unbindable mounts out: copy-up depends on it. */
static void leave_out(const void *arg)
{
	int from, cover, place;

	check(mkdir("from", 0755) == 0);
	put("from/file", "from");
	refuse(arg);
	from = open("from", O_PATH);
	check(mount_fs("tmpfs", from, MS_NODEV) == 0);
	cover = open("from", O_PATH);
	check(place_is_mount(cover) && mkdirat(cover, "below", 0755) == 0);
	check(access("from/file", F_OK) < 0);
	place = place_open_at(cover, "below");
	check(mount_propagation(cover, MS_UNBINDABLE) == 0);
	check(mount_bind(cover, place) == -EINVAL);
	check(mount_bind(from, place) == 0);
	check(holds("from/below/file", "from"));
	check(mount_propagation(cover, MS_PRIVATE) == 0);
	check(mount_fs("nonsense", from, 0) == -ENODEV);
}

static void unbindable_mounts_are_left_out(void **state)
{
	(void)state;
	run_refused(leave_out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place_open_refuses_links),
		cmocka_unit_test(mount_bind_is_recursive),
		cmocka_unit_test(unbindable_mounts_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
