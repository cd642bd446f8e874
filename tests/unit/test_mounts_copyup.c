/* SPDX-License-Identifier: Apache-2.0 */
/* Copy-up of real directories, with the new system calls and without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <cmocka.h>

#include "fauxroot/mounts/mounts.h"
#include "scratch.h"
#include "worlds.h"

static void enter_world(const void *arg)
{
	static const char *const calls[] = {"openat2",	   "open_tree", "move_mount",
					    "close_range", "clone3",	NULL};

	world_refuse(arg, ENOSYS, calls);
}

static int apply(const struct strv *dirs, const char *state_dir, bool *ret_etc, struct error *err)
{
	struct config config = {.copy_up = *dirs};

	return copyup_apply_child(&(struct copyup){.config = &config, .state_dir = state_dir},
				  ret_etc, err);
}

/* Copy up @dirs, separated by spaces; relative to the working directory unless preceded by a
 * dot. */
static int copy_up(const char *dirs, struct error *err)
{
	_cleanup_strv_ struct strv list = {NULL, 0};
	_cleanup_free_ char *copy = strdup(dirs), *cwd = getcwd(NULL, 0);
	char *rest = copy, *word;
	bool etc_copied;

	check(copy && cwd);
	while ((word = strsep(&rest, " ")))
		check(strv_addf(&list, "%s%s", cwd, word) == 0);
	return apply(&list, "state", &etc_copied, err);
}

/* The name of the original in @dir: the only entry .roXXXXXX that is a directory. */
static const char *original_name(const char *dir)
{
	static char name[NAME_MAX + 1];
	DIR *stream = opendir(dir);
	struct dirent *entry;
	int n = 0;

	check(stream);
	while ((entry = readdir(stream)))
		if (entry->d_type == DT_DIR && str_after(entry->d_name, ".ro")) {
			snprintf(name, sizeof(name), "%s", entry->d_name);
			n++;
		}
	closedir(stream);
	check(n == 1 && strlen(name) == 9);
	return name;
}

/* Is @entry of @dir a link into the original, with the right text? */
static bool leads_inside(const char *dir, const char *entry)
{
	char path[PATH_MAX], text[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, entry);
	snprintf(text, sizeof(text), "%s/%s", original_name(dir), entry);
	return links_to(path, text) && access(path, F_OK) == 0;
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

static void set_up(void)
{
	check(mkdir("state", 0700) == 0 && mkdir("d", 0755) == 0);
	put("d/file", "host");
	check(mkdir("d/sub", 0755) == 0 && mkdir("d/sub/deep", 0755) == 0);
	put("d/sub/file", "sub");
}

/* Every kind of entry, and mounts below. */
static void copy_entries(const void *arg)
{
	struct error err = {0};
	struct stat st;

	set_up();
	check(symlink("file", "d/link") == 0 && symlink("../none", "d/dangling") == 0);
	check(symlink("/dev/null", "d/absolute") == 0);
	check(mkfifo("d/fifo", 0600) == 0 && unix_socket("d/socket", true) >= 0);
	check(mkdir("d/.ro", 0755) == 0);
	check(mount("tmpfs", "d/sub", "tmpfs", 0, NULL) == 0);
	check(chmod("d", 02751) == 0);
	enter_world(arg);
	check_ok(copy_up("/d", &err));

	check(is_tmpfs("d") && stat("d", &st) == 0);
	check((st.st_mode & 07777) == 02751 && st.st_uid == 0 && st.st_gid == 0);
	check(leads_inside("d", "file") && leads_inside("d", "sub") && leads_inside("d", "fifo"));
	check(leads_inside("d", ".ro") && leads_inside("d", "socket"));
	check(links_to("d/link", "file") && holds("d/link", "host"));
	check(links_to("d/dangling", "../none") && links_to("d/absolute", "/dev/null"));
	check(stat("d/fifo", &st) == 0 && S_ISFIFO(st.st_mode));
	check(unix_socket("d/socket", false) >= 0);
	/* The copy includes the tmpfs on d/sub, which covers the files below it. */
	check(access("d/sub/file", F_OK) < 0 && is_tmpfs("d/sub"));
}

/* Writes go to the copy; below a subdirectory they go to the original. */
static void copy_is_private(const void *arg)
{
	struct error err = {0};
	char original[PATH_MAX];

	set_up();
	enter_world(arg);
	check_ok(copy_up("/d", &err));
	snprintf(original, sizeof(original), "d/%s/file", original_name("d"));
	check(unlink("d/file") == 0);
	put("d/file", "ours");
	put("d/new", "ours");
	put("d/sub/new", "shared");
	check(holds(original, "host"));
	snprintf(original, sizeof(original), "d/%s/new", original_name("d"));
	check(access(original, F_OK) < 0);
	check(umount2("d", MNT_DETACH) == 0);
	check(holds("d/file", "host") && access("d/new", F_OK) < 0 && holds("d/sub/new", "shared"));
}

static size_t count_mounts(const char *type)
{
	_cleanup_free_ char *text = NULL;
	char needle[64];
	size_t n = 0;

	snprintf(needle, sizeof(needle), " - %s ", type);
	check(file_read_bounded(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &text, NULL) == 0);
	for (const char *at = text; (at = strstr(at, needle)); at++)
		n++;
	return n;
}

/* Duplicates are copied up once, however their paths are spelled. */
static void copy_doubles(const void *arg)
{
	struct error err = {0};
	size_t before;

	set_up();
	check(symlink("d", "link") == 0);
	enter_world(arg);
	before = count_mounts("tmpfs");
	check_ok(copy_up("/d /d/ //d /./d /d/sub/.. /link /link/", &err));
	check(count_mounts("tmpfs") == before + 1 && is_tmpfs("d"));
	check(leads_inside("d", "file"));
}

static void copy_nested(const void *arg)
{
	static const char *const orders[] = {"/d /d/sub /d/sub/deep", "/d/sub/deep /d /d/sub",
					     "/d/sub/deep /d/sub /d"};

	set_up();
	put("d/sub/deep/file", "deep");
	enter_world(arg);
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct error err = {0};

		check_ok(copy_up(orders[i], &err));
		check(leads_inside("d", "sub") && leads_inside("d/sub", "deep"));
		check(leads_inside("d/sub/deep", "file"));
		put("d/sub/new", "x");
		put("d/sub/deep/new", "x");
		check(unlink("d/sub/file") == 0 && unlink("d/sub/deep/file") == 0);
		check(umount2("d", MNT_DETACH) == 0 && umount2("d/sub", MNT_DETACH) == 0 &&
		      umount2("d/sub/deep", MNT_DETACH) == 0);
		check(holds("d/sub/file", "sub") && holds("d/sub/deep/file", "deep"));
		check(access("d/sub/new", F_OK) < 0 && access("d/sub/deep/new", F_OK) < 0);
	}
}

/* The launcher continues to write to its state directory, which is below a copied-up directory. */
static void copy_above_state(const void *arg)
{
	struct error err = {0};
	_cleanup_strv_ struct strv dirs = {NULL, 0};
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	bool etc_copied = true;
	int state;

	set_up();
	check(mkdir("d/state", 0700) == 0);
	state = open("d/state", O_PATH | O_DIRECTORY);
	enter_world(arg);
	check(strv_addf(&dirs, "%s/d", cwd) == 0);
	check_ok(apply(&dirs, "d/state", &etc_copied, &err));
	check(!etc_copied);
	fd_close(openat(state, "child_pid", O_WRONLY | O_CREAT, 0644));
	check(access("d/state/child_pid", F_OK) == 0);
	put("d/state/socket", "");
	check(faccessat(state, "socket", F_OK, 0) == 0);
}

/* Mount flags that another namespace has locked stay, and copy-up still works. */
static void copy_locked(const void *arg)
{
	struct error err = {0};
	struct statvfs fs;
	char path[PATH_MAX];

	check(mkdir("d", 0755) == 0 && mkdir("state", 0700) == 0);
	check(mount("tmpfs", "d", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755") == 0);
	put("d/file", "host");
	check(mkdir("d/mine", 0755) == 0);
	scratch_unshare(0);
	enter_world(arg);
	check_ok(copy_up("/d", &err));
	snprintf(path, sizeof(path), "d/%s", original_name("d"));
	check(statvfs(path, &fs) == 0);
	check((fs.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC)) ==
	      (ST_NOSUID | ST_NODEV | ST_NOEXEC));
	check(!(fs.f_flag & ST_RDONLY));
	check(leads_inside("d", "file"));
	put("d/mine/socket", "");
	put("d/new", "");
}

static void copy_cwd(const void *arg)
{
	struct error err = {0};
	_cleanup_free_ char *before = NULL, *after = NULL;

	set_up();
	enter_world(arg);
	check(chdir("d") == 0);
	before = getcwd(NULL, 0);
	check(chdir("..") == 0 && chdir("d") == 0);
	check_ok(apply(&(struct strv){&before, 1}, "../state", &(bool){false}, &err));
	after = getcwd(NULL, 0);
	check(streq(before, after) && is_tmpfs("."));
	put("new", "");
	check(unlink("file") == 0);
	/* Below the copy, the path still leads to the same directory. */
	check(chdir("sub") == 0 && holds("file", "sub"));
}

static void copies_behave_like_the_original(void **state)
{
	(void)state;
	run_in_worlds(copy_entries);
	run_in_worlds(copy_is_private);
	run_in_worlds(copy_doubles);
	run_in_worlds(copy_nested);
	run_in_worlds(copy_above_state);
	run_in_worlds(copy_locked);
	run_in_worlds(copy_cwd);
}

static void copy_etc(const void *arg)
{
	static char *names[] = {"/etc//", NULL};
	struct error err = {0};
	bool etc_copied = false;

	set_up();
	enter_world(arg);
	check_ok(apply(&(struct strv){names, 1}, "state", &etc_copied, &err));
	check(etc_copied && is_tmpfs("/etc") && access("/etc/passwd", F_OK) == 0);
	put("/etc/new", "");
}

/* If one directory is refused, nothing is changed, and the error names it. */
static void refuse_all(const void *arg)
{
	static const struct {
		const char *dir;
		int rc;
		const char *words;
	} table[] = {
		{"etc", -EINVAL, "\"etc\": the path is not absolute"},
		{"", -EINVAL, "the path is not absolute"},
		{"/none/such", -ENOENT, "/none/such"},
		{"/etc/passwd", -EINVAL, "cannot copy up /etc/passwd: it is not a directory"},
		{"/dev/null/x", -ENOTDIR, "/dev/null/x"},
		{"/", -EINVAL, "root directory"},
		{"/tmp", -EINVAL, "/tmp"},
		{"//tmp/.", -EINVAL, "/tmp"},
		{"/proc", -EINVAL, "/proc"},
		{"/proc/self", -EINVAL, "/proc/self"},
		{"/sys/kernel", -EINVAL, "/sys/kernel"},
		{"@link", -EINVAL, "/tmp"},
		{"@state", -EINVAL, "state directory"},
		{"@loop", -ELOOP, "loop"},
	};
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	size_t before;

	set_up();
	check(symlink("/tmp", "link") == 0 && symlink("loop", "loop") == 0);
	enter_world(arg);
	before = count_mounts("tmpfs");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_strv_ struct strv dirs = {NULL, 0};
		struct error err = {0};
		bool etc_copied = true;

		check(strv_addf(&dirs, "%s/d", cwd) == 0);
		if (table[i].dir[0] == '@')
			check(strv_addf(&dirs, "%s/%s", cwd, table[i].dir + 1) == 0);
		else
			check(strv_add(&dirs, table[i].dir) == 0);
		check(apply(&dirs, "state", &etc_copied, &err) == table[i].rc);
		check(strstr(err.text, table[i].words) && err.step == STEP_MOUNT && etc_copied);
		check(count_mounts("tmpfs") == before);
	}
}

static void etc_is_reported_as_copied(void **state)
{
	(void)state;
	run_in_worlds(copy_etc);
}

static void refused_directories_change_nothing(void **state)
{
	(void)state;
	run_in_worlds(refuse_all);
}

static size_t count_entries(const char *dir)
{
	DIR *stream = opendir(dir);
	size_t n = 0;

	check(stream);
	while (readdir(stream))
		n++;
	closedir(stream);
	return n - 2;
}

/* On the host's side, replace a by a link to victim and back, until we are killed. */
static void swap_link(void)
{
	for (;;) {
		check(rename("a", "b") == 0 && symlink("victim", "a") == 0);
		check(unlink("a") == 0 && rename("b", "a") == 0);
	}
}

/* The same with a directory, and without a moment when a is missing. */
static void swap_directory(void)
{
	for (;;)
		check(renameat2(AT_FDCWD, "a", AT_FDCWD, "victim", RENAME_EXCHANGE) == 0);
}

static int copy_while_swapped(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct error err = {0};
		char *dirs[] = {(char *)path, NULL};
		bool etc_copied;
		int rc;

		scratch_unshare(0);
		rc = apply(&(struct strv){dirs, 1}, "state", &etc_copied, &err);
		check(rc == 0 || strstr(err.text, path) || strstr(err.text, "victim"));
		_exit(rc == 0 ? 0 : 2);
	}
	return pid < 0 ? -1 : scratch_wait(pid);
}

/* If a directory is replaced during copy-up: all or nothing, and the host sees no new entry. */
static void copy_and_swap(void (*swap_for_ever)(void))
{
	char dir[] = "/tmp/fauxroot-unit.XXXXXX", path[64];
	pid_t swapper;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	snprintf(path, sizeof(path), "%s/a", dir);
	assert_int_equal(mkdir("a", 0755) | mkdir("victim", 0755) | mkdir("state", 0755), 0);
	put("a/file", "a");
	put("victim/file", "victim");
	swapper = fork();
	if (swapper == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* if an assertion fails first */
		swap_for_ever();
	}
	for (int i = 0; i < 300; i++) {
		int status = copy_while_swapped(path);

		assert_true(status == 0 || status == 2);
	}
	kill(swapper, SIGKILL);
	assert_int_equal(scratch_wait(swapper), 128 + SIGKILL);
	unlink("a"); /* if it is a link at the end */
	rename("b", "a");
	assert_int_equal(count_entries("a"), 1);
	assert_int_equal(count_entries("victim"), 1);
	assert_int_equal(unlink("a/file") | unlink("victim/file"), 0);
	assert_int_equal(rmdir("a") | rmdir("victim") | rmdir("state") | chdir("/") | rmdir(dir),
			 0);
}

static void a_replaced_directory_is_detected(void **state)
{
	(void)state;
	copy_and_swap(swap_link);
	copy_and_swap(swap_directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_behave_like_the_original),
		cmocka_unit_test(etc_is_reported_as_copied),
		cmocka_unit_test(refused_directories_change_nothing),
		cmocka_unit_test(a_replaced_directory_is_detected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
