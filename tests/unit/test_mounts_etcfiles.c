/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolv.conf and hosts: written, bound, watched and repaired, on the test's own /etc, which is
 * mounted over the machine's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/log.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/mounts/etclook.h"
#include "fauxroot/mounts/etcwatch.h"
#include "fauxroot/mounts/mounts.h"
#include "scratch.h"
#include "worlds.h"

static void enter_world(const void *arg)
{
	static const char *const calls[] = {"openat2", "open_tree", "move_mount", NULL};

	world_refuse(arg, EPERM, calls);
}

/* An /etc with the two as regular files, and a state directory with our files. */
static void set_up(void)
{
	check(mkdir("etc", 0755) == 0 && mkdir("run", 0755) == 0 && mkdir("state", 0700) == 0);
	put("etc/resolv.conf", "host resolv.conf");
	put("etc/hosts", "host hosts");
	put("run/stub", "host stub");
	put("state/resolv.conf", "our resolv.conf");
	put("state/hosts", "our hosts");
	check(mount("etc", "/etc", NULL, MS_BIND, NULL) == 0);
}

/* Warnings are counted, not shown. */
static void count_line(void *arg, enum log_level level, const char *message)
{
	check(level == LOG_LEVEL_WARNING && *message);
	++*(int *)arg;
}

/* Returns the files for a repair. */
static struct etcfiles bind_files(const char *state_dir, bool copy_up)
{
	struct etcfiles files = ETCFILES_NONE;
	struct error err = {0};
	bool etc_copied = false;

	check_ok(etcfiles_open_child(state_dir, true, &files, &err));
	if (copy_up) {
		static char *dirs[] = {"/etc", NULL};
		struct config config = {.copy_up = {dirs, 1}};

		check_ok(copyup_apply_child(&(struct copyup){.config = &config,
							     .state_dir = state_dir},
					    &etc_copied, &err));
		check(etc_copied);
	}
	check_ok(etcfiles_bind_child(&files, etc_copied, &err));
	/* A copied-up /etc needs none. */
	check((files.etc < 0) == copy_up);
	return files;
}

/* The forms of the host's /etc/resolv.conf: ours is visible instead, and the host's stays
 * unchanged. */
static void bind_over(const void *arg)
{
	static const char *const texts[] = {NULL, "../run/stub", "/none/such", "stub", "."};
	bool copy_up[] = {false, true};

	set_up();
	put("etc/stub", "host stub");
	enter_world(arg);
	for (size_t i = 0; i < ARRAY_SIZE(texts) * 2; i++) {
		const char *text = texts[i / 2];

		check(umount2("/etc", MNT_DETACH) == 0 && unlink("etc/resolv.conf") == 0);
		if (text)
			check(symlink(text, "etc/resolv.conf") == 0);
		else
			put("etc/resolv.conf", "host resolv.conf");
		check(mount("etc", "/etc", NULL, MS_BIND, NULL) == 0);
		(void)bind_files("state", copy_up[i % 2]);
		check(holds("/etc/resolv.conf", "our resolv.conf"));
		check(holds("/etc/hosts", "our hosts"));
		check(holds("etc/stub", "host stub") && holds("run/stub", "host stub"));
		if (copy_up[i % 2])
			check(is_tmpfs("/etc") && umount2("/etc", MNT_DETACH) == 0);
	}
}

/* systemd-resolved renames a file over the link's target: a mount on the link stays. */
static void survive_rename(const void *arg)
{
	set_up();
	check(unlink("etc/resolv.conf") == 0 && symlink("stub", "etc/resolv.conf") == 0);
	put("etc/stub", "host stub");
	enter_world(arg);
	(void)bind_files("state", false);
	put("etc/new", "host new");
	check(rename("/etc/new", "/etc/stub") == 0);
	check(holds("/etc/resolv.conf", "our resolv.conf"));
}

/* Without copy-up the missing files cannot be mounted on, which is no failure. With copy-up they
 * are created. */
static void bind_missing(const void *arg)
{
	int warnings = 0;

	log_redirect(count_line, &warnings);
	set_up();
	check(unlink("etc/resolv.conf") == 0 && unlink("etc/hosts") == 0);
	enter_world(arg);
	(void)bind_files("state", false);
	check(access("/etc/resolv.conf", F_OK) < 0 && warnings == 2);
	(void)bind_files("state", true);
	check(warnings == 2);
	check(holds("/etc/resolv.conf", "our resolv.conf") && holds("/etc/hosts", "our hosts"));
	check(access("etc/resolv.conf", F_OK) < 0);
}

/* The state directory is below /etc, which is copied up. */
static void bind_below(const void *arg)
{
	set_up();
	check(mkdir("etc/state", 0700) == 0);
	put("etc/state/resolv.conf", "below");
	put("etc/state/hosts", "below hosts");
	enter_world(arg);
	(void)bind_files("/etc/state", true);
	check(holds("/etc/resolv.conf", "below") && holds("/etc/hosts", "below hosts"));
	check(holds("/etc/state/hosts", "below hosts"));
}

static void etcfiles_are_bound(void **state)
{
	(void)state;
	run_in_worlds(bind_over);
	run_in_worlds(survive_rename);
	run_in_worlds(bind_missing);
	run_in_worlds(bind_below);
}

static void open_fails(const void *arg)
{
	struct etcfiles files = ETCFILES_NONE;
	struct error err = {0};

	(void)arg;
	set_up();
	check(etcfiles_open_child("none", true, &files, &err) == -ENOENT && err.step == STEP_MOUNT);
	check(unlink("state/hosts") == 0);
	check(etcfiles_open_child("state", true, &files, &err) == -ENOENT);
	check(strstr(err.text, "state/hosts") && files.fd[0] == -1 && files.fd[1] == -1);
}

static void etcfiles_open_before_copyup(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(open_fails, NULL, 0), 0);
}

static int open_watch(struct etcwatch *watch)
{
	int rc = etcwatch_open(watch);

	return rc < 0 ? rc : etcwatch_follow(watch);
}

/* As the launcher: after a change the links are followed again. */
static int read_watch(struct etcwatch *watch)
{
	int rc = etcwatch_read(watch, false);

	if (rc > 0)
		check(etcwatch_follow(watch) == 0);
	return rc;
}

static void watch_all(const void *arg)
{
	struct etcwatch watch = ETCWATCH_NONE;

	(void)arg;
	set_up();
	check(open_watch(&watch) == 0 && read_watch(&watch) == 0);
	put("etc/other", "");
	check(chmod("etc/hosts", 0600) == 0 && unlink("etc/other") == 0);
	check(mkdir("etc/dir", 0755) == 0);
	put("etc/dir/resolv.conf", "");
	check(read_watch(&watch) == 0);
	put("etc/resolv.conf", "written in place");
	check(read_watch(&watch) == ETCWATCH_CHANGED);
	put("etc/new", "");
	check(rename("etc/new", "etc/resolv.conf") == 0);
	check(read_watch(&watch) == (ETCWATCH_CHANGED | ETCWATCH_REPLACED));
	check(read_watch(&watch) == 0);
	check(unlink("etc/hosts") == 0 && read_watch(&watch) == ETCWATCH_CHANGED);
	check(symlink("x", "etc/hosts") == 0 && read_watch(&watch) & ETCWATCH_REPLACED);
	/* More events than fit into one read. */
	for (int i = 0; i < 2000; i++) {
		put("etc/resolv.conf.tmp", "");
		check(rename("etc/resolv.conf.tmp", "etc/resolv.conf") == 0);
	}
	check(read_watch(&watch) & ETCWATCH_REPLACED);
	check(read_watch(&watch) == 0);
	etcwatch_close(&watch);
	check(read_watch(&watch) == -EBADF);
}

/* What happens where the links lead is a change, but replaces no entry of /etc. */
static void watch_links(const void *arg)
{
	struct etcwatch watch = ETCWATCH_NONE;

	(void)arg;
	set_up();
	check(unlink("etc/resolv.conf") == 0 && symlink("a/conf", "etc/resolv.conf") == 0);
	check(open_watch(&watch) == 0);
	/* The directory appears, then the file, which is another link, then its target. */
	check(mkdir("etc/b", 0755) == 0 && read_watch(&watch) == 0);
	check(symlink("./../etc/b/", "etc/a") == 0 && read_watch(&watch) == ETCWATCH_CHANGED);
	check(symlink("/etc/c/d", "etc/b/conf") == 0 && read_watch(&watch) == ETCWATCH_CHANGED);
	check(mkdir("etc/c", 0755) == 0 && read_watch(&watch) == ETCWATCH_CHANGED);
	put("etc/c/d", "x");
	check(read_watch(&watch) == ETCWATCH_CHANGED);
	put("etc/c/d", "edited");
	check(read_watch(&watch) == ETCWATCH_CHANGED);
	put("etc/c/new", "");
	check(read_watch(&watch) == 0);
	check(rename("etc/c/new", "etc/c/d") == 0 && read_watch(&watch) == ETCWATCH_CHANGED);
	/* Another link: the old target does not matter any more. */
	check(unlink("etc/a") == 0 && symlink("e", "etc/a") == 0);
	check(read_watch(&watch) == ETCWATCH_CHANGED);
	put("etc/c/d", "other");
	check(read_watch(&watch) == 0);
	check(mkdir("etc/e", 0755) == 0 && read_watch(&watch) == ETCWATCH_CHANGED);
	/* A circle ends. */
	check(symlink("../a/conf", "etc/e/conf") == 0);
	check(read_watch(&watch) == ETCWATCH_CHANGED);
	check(read_watch(&watch) == 0);
	etcwatch_close(&watch);
}

static bool file_is(const char *path, const char *text)
{
	_cleanup_free_ char *seen = NULL;

	return file_read_bounded(AT_FDCWD, path, 4096, &seen, NULL) == 0 && streq(seen, text);
}

static void renew_copies(const void *arg)
{
	struct etccopy copy = ETCCOPY_NONE;
	struct stat before, after;
	int dir;

	(void)arg;
	set_up();
	put("etc/file", "first\n");
	dir = open("etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	check(etccopy_open(dir, "none", "", 0, &copy) == -ENOENT);
	check(etccopy_open(dir, "file", "first\n", 6, &copy) == 0);
	check(stat("etc/file", &before) == 0);
	check(etccopy_renew(&copy, "first\n", 6) == 0);
	check(etccopy_renew(&copy, "a longer one\n", 13) == 1 &&
	      file_is("etc/file", "a longer one\n"));
	check(etccopy_renew(&copy, "x\n", 2) == 1 && file_is("etc/file", "x\n"));
	/* It is the same file: a bind shows it. */
	check(stat("etc/file", &after) == 0 && before.st_ino == after.st_ino);
	/* The command writes to it: of the same size, longer, shorter. */
	put("etc/file", "y\n");
	check(etccopy_renew(&copy, "z\n", 2) == -ESTALE && file_is("etc/file", "y\n"));
	put("etc/file", "x\ny\n");
	check(etccopy_renew(&copy, "z\n", 2) == -ESTALE);
	put("etc/file", "");
	check(etccopy_renew(&copy, "z\n", 2) == -ESTALE);
	etccopy_close(&copy);
	fd_close(dir);
}

static void replacements_are_watched(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(watch_all, NULL, 0), 0);
	assert_int_equal(scratch_run(watch_links, NULL, 0), 0);
	assert_int_equal(scratch_run(renew_copies, NULL, 0), 0);
}

/* Wait for a message from the other side. */
static void turn(int sock, bool mine_first)
{
	char word = 'x';

	if (mine_first)
		check(write(sock, &word, 1) == 1);
	check(read(sock, &word, 1) == 1);
}

/* The host's side of a repair: it replaces files that are mounts only in the child. */
static void host_replaces(int sock)
{
	turn(sock, false);
	put("etc/new", "new");
	check(rename("etc/new", "etc/resolv.conf") == 0);
	turn(sock, true);
	check(unlink("etc/hosts") == 0);
	turn(sock, true);
	put("etc/hosts", "new");
	check(symlink("none", "etc/new") == 0 && rename("etc/new", "etc/resolv.conf") == 0);
	turn(sock, true);
	_exit(0);
}

static void expect_texts(const char *resolv_conf, const char *hosts)
{
	check(resolv_conf ? holds("/etc/resolv.conf", resolv_conf)
			  : access("/etc/resolv.conf", F_OK) < 0);
	check(hosts ? holds("/etc/hosts", hosts) : access("/etc/hosts", F_OK) < 0);
}

static void expect_repaired(const struct etcfiles *files, const char *resolv_conf,
			    const char *hosts)
{
	struct error err = {0};

	check_ok(etcfiles_repair(files, &err));
	expect_texts(resolv_conf, hosts);
}

static void repair(const void *arg)
{
	static const char *const ours[] = {"our resolv.conf", "our hosts"};
	struct etcfiles files;
	int pair[2];
	pid_t pid;

	set_up();
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	pid = fork();
	if (pid == 0) {
		fd_close(pair[1]);
		host_replaces(pair[0]);
	}
	fd_close(pair[0]);
	check(unshare(CLONE_NEWNS) == 0);
	enter_world(arg);
	files = bind_files("state", false);
	expect_repaired(&files, ours[0], ours[1]);

	turn(pair[1], true);
	expect_texts("new", ours[1]);
	expect_repaired(&files, ours[0], ours[1]);

	/* A missing entry is no error. */
	turn(pair[1], true);
	expect_texts(ours[0], NULL);
	expect_repaired(&files, ours[0], NULL);

	turn(pair[1], true);
	expect_texts(NULL, "new");
	expect_repaired(&files, ours[0], ours[1]);
	check(write(pair[1], "x", 1) == 1 && scratch_wait(pid) == 0);
	etcfiles_close(&files);
}

/* A mount of the target on an entry stays; its mounts elsewhere do not affect a repair. */
static void repair_little(const void *arg)
{
	struct etcfiles files;

	set_up();
	enter_world(arg);
	files = bind_files("state", false);
	check(umount2("/etc/resolv.conf", MNT_DETACH) == 0);
	put("target", "target's");
	check(mount("target", "/etc/hosts", NULL, MS_BIND, NULL) == 0);
	expect_repaired(&files, "our resolv.conf", "target's");

	/* The target has covered all of /etc: the repair happens below the cover. */
	check(umount2("/etc/resolv.conf", MNT_DETACH) == 0);
	check(mount("tmpfs", "/etc", "tmpfs", 0, NULL) == 0);
	check(mount("tmpfs", "state", "tmpfs", 0, NULL) == 0);
	put("/etc/resolv.conf", "in another /etc");
	put("/etc/hosts", "in another /etc");
	expect_repaired(&files, "in another /etc", "in another /etc");
	check(umount("/etc") == 0);
	expect_texts("our resolv.conf", "target's");
	etcfiles_close(&files);
}

/* If the host's /etc is a tmpfs, it is still not our copy. */
static void repair_on_tmpfs(const void *arg)
{
	struct etcfiles files;

	(void)arg;
	set_up();
	check(mount("tmpfs", "/etc", "tmpfs", 0, NULL) == 0);
	put("/etc/resolv.conf", "host resolv.conf");
	put("/etc/hosts", "host hosts");
	files = bind_files("state", false);
	check(umount2("/etc/resolv.conf", MNT_DETACH) == 0);
	expect_texts("host resolv.conf", "our hosts");
	expect_repaired(&files, "our resolv.conf", "our hosts");
	etcfiles_close(&files);
}

static void undone_binds_are_repaired(void **state)
{
	(void)state;
	run_in_worlds(repair);
	run_in_worlds(repair_little);
	run_in_worlds(repair_on_tmpfs);
}

struct written {
	char *text[ETCFILE_COUNT_];
	int n, fail_at;
};

static int keep(const void *arg, enum etcfile file, const char *text, size_t size,
		struct error *err)
{
	struct written *written = *(struct written *const *)arg;

	check(streq(etcfile_name(file), written->n == 0 ? "resolv.conf" : "hosts") &&
	      size == strlen(text));
	if (written->n == written->fail_at)
		return err_set(err, ENOSPC, "writing %s", etcfile_name(file));
	written->text[written->n++] = strdup(text);
	return 0;
}

/* Look at /etc, with @watch, and write what is there. */
static int write_parent(struct etcwatch *watch, const struct written *const *arg,
			const struct etc_content *content, struct error *err)
{
	_cleanup_etchost_ struct etchost host = ETCHOST_NONE;
	struct deadline deadline = deadline_in(30000);
	struct etclook look = ETCLOOK_NONE;
	int status = -1;

	check(etclook_start(watch, &look, err) == 0);
	check(process_wait(&look.process, &deadline, -1, &status) == 0 && status == 0);
	check(etclook_take(&look, watch, &host) == 0);
	etclook_close(&look);
	return etcfiles_write_parent(&host, keep, arg, content, err);
}

#define LOCAL "127.0.0.1\tlocalhost\n::1\tlocalhost\n"

static void write_files(const void *arg)
{
	static char *servers[] = {"10.0.2.3", NULL};
	const struct strv dns = {servers, 1};
	const struct etc_content content = {.dns = &dns};
	struct written all = {.fail_at = -1}, none = {.fail_at = -1};
	const struct written *all_arg = &all, *none_arg = &none;
	struct error err = {0};
	struct etcwatch watch = ETCWATCH_NONE;
	int warnings = 0;

	(void)arg;
	log_redirect(count_line, &warnings);
	set_up();
	check(sethostname("box", 3) == 0 && etcwatch_open(&watch) == 0);
	check(unlink("etc/resolv.conf") == 0);
	check(symlink("../etc/stub", "etc/resolv.conf") == 0);
	put("etc/stub", "nameserver 127.0.0.53\nsearch example\n");
	put("etc/hosts", "127.0.1.1 box");
	check_ok(write_parent(&watch, &all_arg, &content, &err));
	check(streq(all.text[0], "nameserver 10.0.2.3\nsearch example\n"));
	check(streq(all.text[1], LOCAL "::1\tbox\n127.0.1.1 box\n") && warnings == 0);

	check(unlink("etc/stub") == 0 && unlink("etc/hosts") == 0 && mkdir("etc/hosts", 0755) == 0);
	check_ok(write_parent(&watch, &none_arg, &content, &err));
	check(streq(none.text[0], "nameserver 10.0.2.3\n"));
	check(streq(none.text[1], LOCAL "127.0.0.1\tbox\n::1\tbox\n"));
	/* A missing file counts as empty; an unreadable one causes a warning. */
	check(warnings == 1);
	/* The process has watched for us: also what is missing. */
	check(etcwatch_read(&watch, false) & ETCWATCH_REPLACED);
	put("etc/stub", "");
	check(etcwatch_read(&watch, false) == ETCWATCH_CHANGED);
	/* During a look, what the watch does not know is a change; a name may be one of /etc. */
	put("etc/other", "");
	check(etcwatch_read(&watch, true) == ETCWATCH_CHANGED);
	check(etcwatch_read(&watch, true) == 0);
	etcwatch_close(&watch);
}

/* A file that is too large, and a failure to write. */
static void write_large_files(const void *arg)
{
	static char *servers[] = {"10.0.2.3", NULL};
	const struct strv dns = {servers, 1};
	const struct etc_content content = {.dns = &dns};
	struct written large = {.fail_at = -1}, fails = {.fail_at = 1};
	const struct written *large_arg = &large, *fails_arg = &fails;
	struct error err = {0};
	struct etcwatch watch = ETCWATCH_NONE;
	int warnings = 0;

	(void)arg;
	log_redirect(count_line, &warnings);
	set_up();
	check(sethostname("box", 3) == 0);
	/* The first lines of a file that is too large are kept. */
	put("etc/hosts", "127.0.0.1 localhost box.example box\n192.0.2.1 x");
	check(truncate("etc/hosts", (16 << 20) + 1) == 0);
	check_ok(write_parent(&watch, &large_arg, &content, &err));
	check(large.text[1] &&
	      streq(large.text[1], "::1\tbox.example box\n127.0.0.1 localhost box.example box\n"));
	check(warnings == 1);

	check(write_parent(&watch, &fails_arg, &content, &err) == -ENOSPC);
	check(streq(err.text, "writing hosts: No space left on device") && err.step == STEP_MOUNT);
}

static void etcfiles_are_written(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(write_files, NULL, CLONE_NEWUTS), 0);
	assert_int_equal(scratch_run(write_large_files, NULL, CLONE_NEWUTS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(etcfiles_are_bound),
		cmocka_unit_test(etcfiles_open_before_copyup),
		cmocka_unit_test(replacements_are_watched),
		cmocka_unit_test(undone_binds_are_repaired),
		cmocka_unit_test(etcfiles_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
