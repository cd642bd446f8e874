/* SPDX-License-Identifier: Apache-2.0 */
/* Propagation, and a /sys for the child's own network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <cmocka.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/sys/mount.h"
#include "scratch.h"

/* The propagation of the topmost mount on @path, from /proc/self/mountinfo (man 5 proc). */
struct peers {
	bool shared, slave;
};

static struct peers peers_of(const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct peers peers = {false, false};
	struct cursor c, line;
	bool found = false;
	size_t size;

	check(file_read_bounded(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &text, &size) == 0);
	c = cursor_of_n(text, size);
	while (cursor_line(&c, &line)) {
		const char *word;
		size_t n;

		/* Mount ID, parent ID, device, root, mount point. */
		for (int i = 0; i < 4; i++) {
			cursor_until(&line, " ", &word, &n);
			cursor_char(&line, ' ');
		}
		cursor_until(&line, " ", &word, &n);
		if (n != strlen(path) || memcmp(word, path, n) != 0)
			continue;
		found = true;
		peers = (struct peers){false, false};
		while (cursor_char(&line, ' ')) {
			cursor_until(&line, " ", &word, &n);
			if (n == 1 && *word == '-')
				break;
			peers.shared |= n > 7 && memcmp(word, "shared:", 7) == 0;
			peers.slave |= n > 7 && memcmp(word, "master:", 7) == 0;
		}
	}
	check(found);
	return peers;
}

/* Start with shared mounts in a copied mount namespace, so that each has a peer in the other. */
static void propagate(const void *arg)
{
	static const struct {
		enum propagation mode;
		struct peers root, below; /* peers after the call */
	} table[] = {
		{PROPAGATION_RPRIVATE, {false, false}, {false, false}},
		{PROPAGATION_PRIVATE, {false, false}, {true, false}},
		{PROPAGATION_SLAVE, {false, true}, {true, false}},
		{PROPAGATION_RSLAVE, {false, true}, {false, true}},
		{PROPAGATION_SHARED, {true, false}, {true, false}},
		{PROPAGATION_RSHARED, {true, false}, {true, false}},
	};
	char *cwd = getcwd(NULL, 0);

	(void)arg;
	check(cwd && mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		pid_t pid = fork();
		struct error err = {0};
		struct peers root, below;

		if (pid > 0) {
			check(scratch_wait(pid) == 0);
			continue;
		}
		/* The copied namespace. */
		check(unshare(CLONE_NEWNS) == 0);
		check_ok(propagation_apply_child(table[i].mode, &err));
		root = peers_of("/");
		below = peers_of(cwd);
		check(root.shared == table[i].root.shared && root.slave == table[i].root.slave);
		check(below.shared == table[i].below.shared && below.slave == table[i].below.slave);
		_exit(0);
	}
	free(cwd);
}

static void propagation_is_set(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(propagate, NULL, 0), 0);
}

static size_t count_links(void)
{
	DIR *dir = opendir("/sys/class/net");
	struct dirent *entry;
	size_t n = 0;

	check(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void count_line(void *arg, enum log_level level, const char *message)
{
	check(level == LOG_LEVEL_WARNING && strstr(message, "/sys"));
	++*(int *)arg;
}

static void own_sysfs(const void *refused)
{
	static const char *const calls[] = {"openat2", "open_tree", "move_mount", NULL};
	struct stat before, after;
	struct error err = {0};
	int warnings = 0;
	bool mounted = place_is_mount(place_open("/sys/fs/cgroup"));

	log_redirect(count_line, &warnings);
	check(stat("/sys/fs/cgroup", &before) == 0);
	if (refused)
		scratch_refuse(ENOSYS, calls);
	check_ok(sysfs_mount_child(&err));
	check(warnings == 0 && count_links() == 1 && access("/sys/class/net/lo", F_OK) == 0);
	check(stat("/sys/fs/cgroup", &after) == 0);
	/* Exactly the same cgroup tree as before, if there was one. */
	check(place_is_mount(place_open("/sys/fs/cgroup")) == mounted);
	check(!mounted || (before.st_dev == after.st_dev && before.st_ino == after.st_ino));
}

/* Without a network of its own (or if a container masks /sys) the kernel refuses: a warning. */
static void others_sysfs(const void *arg)
{
	struct stat before, after;
	struct error err = {0};
	int warnings = 0;

	(void)arg;
	log_redirect(count_line, &warnings);
	check(stat("/sys", &before) == 0);
	check_ok(sysfs_mount_child(&err));
	check(warnings == 1 && stat("/sys", &after) == 0 && before.st_dev == after.st_dev);
}

static void sysfs_shows_the_childs_network(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(own_sysfs, NULL, CLONE_NEWNET), 0);
	assert_int_equal(scratch_run(own_sysfs, "", CLONE_NEWNET), 0);
	assert_int_equal(scratch_run(others_sysfs, NULL, 0), 0);
}

/* If a container has /sys read-only, so is ours. */
static void read_only_sysfs(const void *arg)
{
	struct error err = {0};
	struct statfs fs;

	(void)arg;
	/* systemd mounts it with the other flags, and the user namespace locks them. */
	check(mount(NULL, "/sys", NULL,
		    MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    NULL) == 0);
	scratch_unshare(CLONE_NEWNET);
	check_ok(sysfs_mount_child(&err));
	check(count_links() == 1 && statfs("/sys", &fs) == 0 && (fs.f_flags & 1 /* ST_RDONLY */));
}

static void sysfs_is_read_only_in_containers(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(read_only_sysfs, NULL, 0), 0);
}

/* @arg: NULL, or system calls to refuse. The namespace @net itself is bound, with or without
 * processes in it. */
static void bind_netns(const void *arg)
{
	struct error err = {0};
	struct stat wanted, got;
	int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	char *cwd = getcwd(NULL, 0);

	check(net >= 0 && fstat(net, &wanted) == 0 && cwd);
	/* No other process is in it when it is bound. */
	check(unshare(CLONE_NEWNET) == 0);
	if (arg)
		scratch_refuse(ENOSYS, (const char *const[]){"open_tree", "move_mount", NULL});
	check(netns_bind_child(net, cwd, &err) == -ENOENT);
	check(strstr(err.text, cwd) && err.step == STEP_MOUNT);
	put(NETNS_FILE, "");
	check_ok(netns_bind_child(net, cwd, &err));
	fd_close(net);
	check(stat(NETNS_FILE, &got) == 0);
	check(got.st_ino == wanted.st_ino && got.st_dev == wanted.st_dev);
	net = open(NETNS_FILE, O_RDONLY | O_CLOEXEC);
	check(net >= 0 && setns(net, CLONE_NEWNET) == 0);
	fd_close(net);
	free(cwd);
}

static void the_network_namespace_is_bound(void **state)
{
	(void)state;
	assert_int_equal(scratch_run(bind_netns, NULL, CLONE_NEWNET), 0);
	assert_int_equal(scratch_run(bind_netns, "", CLONE_NEWNET), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(propagation_is_set),
		cmocka_unit_test(sysfs_shows_the_childs_network),
		cmocka_unit_test(sysfs_is_read_only_in_containers),
		cmocka_unit_test(the_network_namespace_is_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
