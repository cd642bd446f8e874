/* SPDX-License-Identifier: Apache-2.0 */
/* Copy-up with real copies, and directories that copy-up creates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <glob.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <cmocka.h>

#include "fauxroot/base/log.h"
#include "fauxroot/mounts/mounts.h"
#include "scratch.h"
#include "worlds.h"

static void enter_world(const void *arg)
{
	static const char *const calls[] = {"openat2",	   "open_tree",	      "move_mount",
					    "close_range", "copy_file_range", NULL};

	world_refuse(arg, ENOSYS, calls);
}

/* Copy up @dirs, separated by spaces, below the working directory. "c:" before one: with a real
 * copy. */
static int copy_up_as(enum persona persona, const char *dirs, struct error *err)
{
	_cleanup_config_ struct config config = {.persona = persona};
	_cleanup_free_ char *copy = strdup(dirs), *cwd = getcwd(NULL, 0);
	_cleanup_free_ char *keep = str_format("%s/d/kept", cwd);
	const struct copyup request = {.config = &config, .state_dir = "state", .keep = {keep}};
	char *rest = copy, *word;
	bool etc_copied;

	config.copy_up_modes = calloc(16, sizeof(*config.copy_up_modes));
	check(copy && cwd && keep && config.copy_up_modes);
	while ((word = strsep(&rest, " "))) {
		const char *real = str_after(word, "c:");

		config.copy_up_modes[config.copy_up.n] =
			real ? COPY_UP_COPY : COPY_UP_TMPFS_SYMLINK;
		check(strv_addf(&config.copy_up, "%s%s", cwd, real ? real : word) == 0);
	}
	return copyup_apply_child(&request, &etc_copied, err);
}

static int copy_up(const char *dirs, struct error *err)
{
	return copy_up_as(PERSONA_FAUXROOT, dirs, err);
}

static void set_up(void)
{
	check(mkdir("state", 0700) == 0 && mkdir("d", 0755) == 0);
	check(mkdir("d/sub", 0755) == 0 && mkdir("d/sub/deep", 0755) == 0);
	put("d/file", "host");
	put("d/sub/file", "sub");
	put("d/sub/deep/file", "deep");
}

static bool has_original(const char *dir)
{
	_cleanup_free_ char *pattern = str_format("%s/.ro??????", dir);
	glob_t found;
	int rc = glob(pattern, 0, NULL, &found);

	globfree(&found);
	return rc == 0;
}

/* A file of @size bytes, each with the value of its position. */
static void put_bytes(const char *path, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	check(fd >= 0);
	for (size_t i = 0; i < size; i += 997) {
		char block[997];

		memset(block, (int)(i / 997 % 251), sizeof(block));
		check(fd_write_all(fd, block, MIN(sizeof(block), size - i)) == 0);
	}
	fd_close(fd);
}

static void copy_contents(const void *arg)
{
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 1 << 20};
	struct error err = {0};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *path = str_format("d/sub/%zu", sizes[i]);
		_cleanup_free_ char *again = str_format("state/%zu", sizes[i]);

		put_bytes(path, sizes[i]);
		put_bytes(again, sizes[i]);
	}
	enter_world(arg);
	check_ok(copy_up("c:/d", &err));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *path = str_format("d/sub/%zu", sizes[i]);
		_cleanup_free_ char *again = str_format("state/%zu", sizes[i]);
		_cleanup_free_ char *a = NULL, *b = NULL;
		size_t n_a = 0, n_b = 1;

		check(file_read_bounded(AT_FDCWD, path, 2 << 20, &a, &n_a) == 0);
		check(file_read_bounded(AT_FDCWD, again, 2 << 20, &b, &n_b) == 0);
		check(n_a == sizes[i] && n_a == n_b && memcmp(a, b, n_a) == 0);
	}
	/* Nothing needs the original. */
	check(!has_original("d") && is_tmpfs("d/sub/deep"));
}

/* Every change is in the copy, at every depth. */
static void copy_is_private(const void *arg)
{
	struct error err = {0};

	set_up();
	enter_world(arg);
	check_ok(copy_up("c:/d", &err));
	put("d/file", "ours");
	put("d/sub/deep/file", "ours");
	put("d/sub/deep/new", "ours");
	check(rename("d/sub/file", "d/sub/deep/moved") == 0 && mkdir("d/sub/new", 0755) == 0);
	check(holds("d/sub/deep/moved", "sub"));
	check(umount2("d", MNT_DETACH) == 0);
	check(holds("d/file", "host") && holds("d/sub/deep/file", "deep"));
	check(holds("d/sub/file", "sub") && access("d/sub/new", F_OK) < 0);
	check(access("d/sub/deep/new", F_OK) < 0 && access("d/sub/deep/moved", F_OK) < 0);
}

static bool has_mode(const char *path, mode_t mode)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & 07777) == mode && st.st_uid == 0 &&
	       st.st_gid == 0;
}

static void copy_attributes(const void *arg)
{
	static const struct timespec times[] = {{1000, 1}, {2000, 2}};
	static const char *const dated[] = {"d/file", "d/sub", "d/sub/deep/file", "d"};
	struct error err = {0};
	struct stat a, b;

	set_up();
	check(link("d/file", "d/sub/second") == 0 && link("d/file", "d/third") == 0);
	check(symlink("../file", "d/sub/link") == 0 && symlink("/nowhere", "d/dangling") == 0);
	check(chmod("d/file", 0444) == 0 && chmod("d/sub/file", 04711) == 0);
	check(chmod("d/sub/deep/file", 0) == 0 && chmod("d/sub/deep", 0555) == 0);
	check(chmod("d/sub", 03770) == 0 && chmod("d", 02751) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(dated); i++)
		check(utimensat(AT_FDCWD, dated[i], times, 0) == 0);
	enter_world(arg);
	check(umask(077) != 077);
	check_ok(copy_up("c:/d", &err));
	check(umask(022) == 077);

	check(has_mode("d", 02751) && has_mode("d/sub", 03770) && has_mode("d/sub/deep", 0555));
	/* The set-user-ID bit of a file that belongs to us. */
	check(has_mode("d/file", 0444) && has_mode("d/sub/file", 04711));
	check(has_mode("d/sub/deep/file", 0));
	check(links_to("d/sub/link", "../file") && links_to("d/dangling", "/nowhere"));
	check(holds("d/sub/link", "host"));
	for (size_t i = 0; i < ARRAY_SIZE(dated); i++)
		check(stat(dated[i], &a) == 0 && a.st_mtim.tv_sec == 2000 &&
		      a.st_mtim.tv_nsec == 2);
	check(stat("d/file", &a) == 0 && stat("d/sub/second", &b) == 0);
	check(a.st_nlink == 3 && a.st_ino == b.st_ino && a.st_dev == b.st_dev);
}

/* An access control list that gives the group of the file less than its mask. */
static const unsigned char list[] = {
	2,    0, 0, 0,			       /* version */
	1,    0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* user::rw- */
	2,    0, 6, 0, 0,    0,	   0,	 0,    /* user:0:rw- */
	4,    0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* group::--- */
	0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* mask::rw- */
	0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* other::--- */
};

/* Where the kernel's tmpfs supports extended attributes; ramfs has none. */
static void copy_xattrs(const void *arg)
{
	static const char name[] = "system.posix_acl_access";
	char value[64];
	struct error err = {0};
	bool lists, users;

	check(mkdir("state", 0700) == 0 && mkdir("d", 0755) == 0);
	check(mount("tmpfs", "d", "tmpfs", 0, "mode=755") == 0);
	put("d/file", "x");
	lists = setxattr("d/file", name, list, sizeof(list), 0) == 0;
	users = setxattr("d/file", "user.a", "b", 1, 0) == 0;
	enter_world(arg);
	check_ok(copy_up("c:/d", &err));
	if (lists) {
		check(getxattr("d/file", name, value, sizeof(value)) == (ssize_t)sizeof(list));
		check(memcmp(value, list, sizeof(list)) == 0 && has_mode("d/file", 0660));
	}
	if (users)
		check(getxattr("d/file", "user.a", value, sizeof(value)) == 1 && *value == 'b');
	check(listxattr("d/file", value, sizeof(value)) >= 0 || errno == ENOTSUP);
}

static int unix_socket(const char *path, bool listening)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	check(fd >= 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (listening)
		rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -1 : listen(fd, 1);
	else
		rc = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	return rc < 0 ? -1 : fd;
}

/* Sockets answer, and can be removed from the copy. */
static void copy_specials(const void *arg)
{
	struct error err = {0};
	struct stat st;

	set_up();
	check(unix_socket("d/sub/deep/socket", true) >= 0 && mkfifo("d/fifo", 0600) == 0);
	enter_world(arg);
	check_ok(copy_up("c:/d", &err));
	check(has_original("d") && stat("d/fifo", &st) == 0 && S_ISFIFO(st.st_mode));
	check(unix_socket("d/sub/deep/socket", false) >= 0);
	check(unlink("d/sub/deep/socket") == 0 && unix_socket("d/sub/deep/socket", true) >= 0);
	check(umount2("d", MNT_DETACH) == 0);
	check(unix_socket("d/sub/deep/socket", false) >= 0);
}

/* A mounted directory is bound, a mounted file is copied if it has contents of its own. */
static void copy_mounts(const void *arg)
{
	struct error err = {0};
	struct stat st, mounted;

	set_up();
	check(mount("tmpfs", "d/sub/deep", "tmpfs", 0, NULL) == 0);
	put("d/sub/deep/there", "mounted");
	check(mkdir("d/sub/deep/dir", 0755) == 0);
	check(mount("tmpfs", "d/sub/deep/dir", "tmpfs", 0, NULL) == 0);
	put("d/sub/deep/dir/x", "below");
	put("d/ns", "");
	check(mount("/proc/self/ns/uts", "d/ns", NULL, MS_BIND, NULL) == 0);
	check(stat("/proc/self/ns/uts", &st) == 0);
	put("state/text", "text");
	check(mount("state/text", "d/file", NULL, MS_BIND, NULL) == 0);
	enter_world(arg);
	check_ok(copy_up("c:/d", &err));
	check(holds("d/sub/deep/there", "mounted") && holds("d/sub/deep/dir/x", "below"));
	put("d/sub/deep/new", "shared");
	check(stat("d/ns", &mounted) == 0 && mounted.st_ino == st.st_ino);
	check(holds("d/file", "text") && unlink("d/file") == 0);
	check(umount2("d", MNT_DETACH) == 0);
	check(holds("d/sub/deep/new", "shared") && holds("d/file", "text"));
}

/* The runtime directory and the state directory stay the host's. */
static void copy_around_kept(const void *arg)
{
	struct error err = {0};
	int kept;

	set_up();
	check(mkdir("d/kept", 0700) == 0 && rmdir("state") == 0);
	check(mkdir("d/sub/state", 0700) == 0 && symlink("d/sub/state", "state") == 0);
	kept = open("d/kept", O_PATH | O_DIRECTORY | O_CLOEXEC);
	enter_world(arg);
	check_ok(copy_up("c:/d", &err));
	put("state/child_pid", "1");
	put("d/kept/socket", "2");
	check(faccessat(kept, "socket", F_OK, 0) == 0 && access("d/sub/deep/file", F_OK) == 0);
	check(umount2("d", MNT_DETACH) == 0 && holds("d/sub/state/child_pid", "1"));
}

static void copies_are_complete(void **state)
{
	(void)state;
	run_in_worlds(copy_contents);
	run_in_worlds(copy_attributes);
	run_in_worlds(copy_xattrs);
	run_in_worlds(copy_specials);
}

static void copies_are_private(void **state)
{
	(void)state;
	run_in_worlds(copy_is_private);
	run_in_worlds(copy_mounts);
	run_in_worlds(copy_around_kept);
}

static void last_line(void *arg, enum log_level level, const char *message)
{
	if (level == LOG_LEVEL_INFO)
		check(str_print(arg, 256, "%s", message) == 0);
}

/* On the machine's own /etc, of which we may not read all. */
static void copy_etc(const void *arg)
{
	static char *names[] = {"/etc", NULL};
	struct config config = {.copy_up = {names, 1}, .copy_up_mode = COPY_UP_COPY};
	struct error err = {0};
	char line[256] = "";
	bool etc_copied = false, readable, closed;

	check(mkdir("state", 0700) == 0);
	readable = access("/etc/shadow", R_OK) == 0;
	closed = !readable && errno == EACCES;
	enter_world(arg);
	log_redirect(last_line, line);
	check_ok(copyup_apply_child(&(struct copyup){.config = &config, .state_dir = "state"},
				    &etc_copied, &err));
	log_redirect(NULL, NULL);
	check(etc_copied && is_tmpfs("/etc") && has_mode("/etc/passwd", 0644));
	check(readable == (access("/etc/shadow", F_OK) == 0));
	check(!closed || str_after(line, "the copy of /etc lacks "));
	put("/etc/shadow", "ours");
	put("/etc/passwd", "ours");
}

static void what_cannot_be_read_is_left_out(void **state)
{
	(void)state;
	run_in_worlds(copy_etc);
}

static void copy_too_many(const void *arg)
{
	struct error err = {0};

	(void)arg;
	check(mkdir("state", 0700) == 0 && mkdir("d", 0755) == 0 && mkdir("d/sub", 0755) == 0);
	for (unsigned i = 1; i < 20000; i++) {
		char path[32];

		snprintf(path, sizeof(path), "d/sub/%u", i);
		check(mknod(path, S_IFREG | 0644, 0) == 0);
	}
	check_ok(copy_up("c:/d", &err));
	check(access("d/sub/19999", F_OK) == 0 && umount2("d", MNT_DETACH) == 0);
	put("d/z", "one more");
	put("d/sub/z", "two more");
	check(copy_up("c:/d", &err) == -EFBIG && err.reason == REASON_COPY_UP);
	check(strstr(err.text, "/d: it has 20002 entries and 1 MiB, and a copy at most 20000"));
	check(str_after(strrchr(err.about, '/'), "/d") && err.step == STEP_MOUNT);
}

static void copy_too_much(const void *arg)
{
	struct error err = {0};

	(void)arg;
	set_up();
	check(truncate("d/sub/file", (64 << 20) - 8) == 0);
	check_ok(copy_up("c:/d", &err));
	check(umount2("d", MNT_DETACH) == 0);
	put("d/file", "nine more");
	check(copy_up("c:/d", &err) == -EFBIG);
	check(strstr(err.text, "it has 5 entries and 65 MiB, and a copy at most 20000 entries "
			       "and 64 MiB"));
}

static void a_copy_has_limits(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(copy_too_many, NULL, 0), 0);
	assert_int_equal(scratch_run(copy_too_much, NULL, 0), 0);
}

static void copy_nested(const void *arg)
{
	static const char *const requests[] = {"c:/d c:/d/sub", "c:/d /d/sub", "/d c:/d/sub",
					       "c:/d/sub/deep c:/d/sub /d",
					       "/d c:/d /d/sub c:/d/sub"};

	set_up();
	enter_world(arg);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct error err = {0};

		check_ok(copy_up(requests[i], &err));
		check(is_tmpfs("d") && is_tmpfs("d/sub") && holds("d/sub/deep/file", "deep"));
		put("d/sub/new", "ours");
		put("d/new", "ours");
		check(umount2("d", MNT_DETACH) == 0 && umount2("d/sub", MNT_DETACH) == 0);
		(void)umount2("d/sub/deep", MNT_DETACH);
		check(access("d/new", F_OK) < 0 && access("d/sub/new", F_OK) < 0);
		check(access("d/sub", F_OK) == 0 && !is_tmpfs("d/sub") && !is_tmpfs("d/sub/deep"));
	}
}

/* The process follows its working directory into the copy. */
static void copy_cwd(const void *arg)
{
	_cleanup_free_ char *cwd = NULL;
	struct error err = {0};

	set_up();
	check(mkdir("d/sub/deep/state", 0700) == 0);
	enter_world(arg);
	check(chdir("d/sub/deep") == 0);
	cwd = getcwd(NULL, 0);
	check_ok(copy_up("c:/", &err));
	check(is_tmpfs(".") && streq(getcwd((char[PATH_MAX]){0}, PATH_MAX), cwd));
	check(chdir("../../..") == 0);
	check_ok(copy_up("c:/d", &err));
	check(chdir("d/sub") == 0 && is_tmpfs("."));
}

static void modes_can_be_combined(void **state)
{
	(void)state;
	run_in_worlds(copy_nested);
}

static void the_working_directory_is_in_the_copy(void **state)
{
	(void)state;
	run_in_worlds(copy_cwd);
}

/* Directories that do not exist appear in the copies, and nowhere else. */
static void make_missing(const void *arg)
{
	static const char *const good[] = {
		"/d /d/new",	   "/d/new/deep /d",	   "/d /d/new /d/new/deep /d/new//x/",
		"c:/d /d/new",	   "/d/sub /d /d/sub/new", "c:/d /d/sub/deep/new",
		"/d /d/sub/../new"};
	struct error err = {0};

	set_up();
	enter_world(arg);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		check_ok(copy_up(good[i], &err));
		check(has_mode("d/new", 0755) || has_mode("d/sub/new", 0755) ||
		      has_mode("d/sub/deep/new", 0755));
		check(umount2("d", MNT_DETACH) == 0);
		(void)umount2("d/sub", MNT_DETACH);
		check(access("d/new", F_OK) < 0 && access("d/sub/new", F_OK) < 0 &&
		      access("d/sub/deep/new", F_OK) < 0 && !is_tmpfs("d"));
	}
}

/* Only a directory of ours can get a new one; then nothing is mounted at all. */
static void refuse_missing(const void *arg)
{
	static const char *const bad[] = {"/d/new",	     "/d /other",     "/d /d/sub/new",
					  "/d /d/new/../x",  "/d /d/new/./x", "c:/d/sub /d/new",
					  "/d /d/dangling/x"};
	struct error err = {0};

	set_up();
	check(symlink("../nowhere", "d/dangling") == 0);
	enter_world(arg);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		check(copy_up(bad[i], &err) < 0 && err.reason == REASON_COPY_UP);
		check(!is_tmpfs("d"));
	}
	check(access("nowhere", F_OK) < 0);
	check(copy_up_as(PERSONA_ROOTLESSKIT, "/d /d/new", &err) == -ENOENT && !is_tmpfs("d"));
	/* A mount of the host in a copy is the host's. */
	check(mount("tmpfs", "d/sub", "tmpfs", 0, NULL) == 0);
	check(copy_up("c:/d /d/sub/new", &err) == -ENOENT && access("d/sub/new", F_OK) < 0);
}

static void missing_directories_are_made_in_copies(void **state)
{
	(void)state;
	run_in_worlds(make_missing);
	run_in_worlds(refuse_missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_complete),
		cmocka_unit_test(copies_are_private),
		cmocka_unit_test(what_cannot_be_read_is_left_out),
		cmocka_unit_test(a_copy_has_limits),
		cmocka_unit_test(modes_can_be_combined),
		cmocka_unit_test(the_working_directory_is_in_the_copy),
		cmocka_unit_test(missing_directories_are_made_in_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
