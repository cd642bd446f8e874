/* SPDX-License-Identifier: Apache-2.0 */
/* Facts from the files of a machine: free ranges, mounts, ids, accounts, programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_machine.h"
#include "fauxroot/machine/accounts.h"
#include "fauxroot/machine/mountinfo.h"
#include "fauxroot/machine/process.h"
#include "fauxroot/machine/routes.h"
#include "fauxroot/machine/subid.h"

static void free_ranges(void **state)
{
	static const struct {
		const char *subuid, *subgid, *passwd, *login_defs, *uid_map;
		uint32_t first; /* 0: none */
	} cases[] = {
		{"", "", "", NULL, NULL, 100000},
		{"a:100000:65536\n", "", "", NULL, NULL, 165536},
		{"", "a:100000:65536\n", "", NULL, NULL, 165536},
		/* A gap that is just wide enough, and one that is too small. */
		{"a:100000:10\nb:165546:10\n", "", "", NULL, NULL, 100010},
		{"a:100000:10\nb:165545:10\n", "", "", NULL, NULL, 165555},
		/* Unsorted, overlapping, one within another, adjacent. */
		{"c:300000:1\na:100000:100000\nb:110000:10\nd:200000:50000\n", "", "", NULL, NULL,
		 300001},
		{"", "", "x:x:120000:1::\n", NULL, NULL, 120001},
		{"", "", "", "# SUB_UID_MIN 1\nSUB_UID_MIN\t\t 500000\n", NULL, 500000},
		/* Malformed lines. */
		{"a\n:::\na:b:c\n\na:100000\na:-1:5\na:4294967296:1\n", "", "", NULL, NULL, 100000},
		/* Nothing free from SUB_UID_MIN on: a range below it. */
		{"a:100000:4294867295\n", "", "b:x:1002:1::\n", NULL, NULL, 1003},
		{"a:0:4294967295\n", "", "", NULL, NULL, 0},
		{"", "", "", NULL, "1000 1000 1\n", 0},
		{"", "", "", NULL, "0 0 65536\n65536 65536 100000\n", 100000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{"/etc/subuid", cases[i].subuid, 0},
			{"/etc/subgid", cases[i].subgid, 0},
			{"/etc/passwd", cases[i].passwd, 0},
			{"/proc/self/uid_map",
			 cases[i].uid_map ? cases[i].uid_map : "0 0 4294967295\n", 0},
			{cases[i].login_defs ? "/etc/login.defs" : NULL, cases[i].login_defs, 0},
		};
		uint32_t first = 0, count = 0;
		struct fake fake;

		make_fake(&fake, files);
		if (machine_free_range(&fake.machine, &first, &count) != (cases[i].first != 0) ||
		    first != cases[i].first || (first != 0 && count != USUAL_IDS))
			fail_msg("%s: %u:%u, not %u", cases[i].subuid, first, count,
				 cases[i].first);
		clear_fake(&fake);
	}
}

/* In a user namespace with fewer ids: the widest free range. */
static void small_ranges(void **state)
{
	static const struct {
		const char *passwd, *uid_map;
		uint32_t first, count;
	} cases[] = {
		{"", "0 0 65536\n", 1001, 64535},
		{"b:x:40000:1::\nc:x:65534:1::\n", "0 0 65537\n", 1, 39999},
		{"b:x:30000:1::\nc:x:65534:1::\n", "0 0 65537\n", 30001, 35533},
		{"", "0 0 10\n10 100000 20\n50 200000 5\n", 1, 29},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{"/etc/subuid", "", 0},
			{"/etc/subgid", "", 0},
			{"/etc/group", i == 0 ? "x:x:1000:\n" : "", 0},
			{"/etc/passwd", cases[i].passwd, 0},
			{"/proc/self/uid_map", cases[i].uid_map, 0},
		};
		uint32_t first = 0, count = 0;
		struct fake fake;

		make_fake(&fake, files);
		if (!machine_free_range(&fake.machine, &first, &count) || first != cases[i].first ||
		    count != cases[i].count)
			fail_msg("%s: %u:%u", cases[i].uid_map, first, count);
		clear_fake(&fake);
	}
}

static void the_mount_of_a_path_is_found(void **state)
{
	static const struct {
		const char *text, *path;
		const char *point, *type; /* NULL: no mount is found */
	} cases[] = {
		{"22 1 8:1 / / rw - ext4 x rw\n", "/home", "/", "ext4"},
		{"22 1 8:1 / / rw - ext4 x rw\n", "/", "/", "ext4"},
		{"22 1 8:1 / / rw - ext4 x rw\n", "home", NULL, NULL},
		{"22 1 8:1 / /ho rw - ext4 x rw\n", "/home", NULL, NULL},
		{"22 1 8:1 / /home rw - ext4 x rw\n", "/", NULL, NULL},
		/* The longest mount point, in any order; of equal ones the last. */
		{"23 22 8:2 / /home rw - xfs y rw\n22 1 8:1 / / rw - ext4 x rw\n", "/home/a",
		 "/home", "xfs"},
		{"23 22 8:2 / /home rw - xfs y rw\n24 23 8:3 / /home rw - btrfs z rw\n", "/home",
		 "/home", "btrfs"},
		/* Escapes, and a backslash that is no escape. */
		{"23 22 8:2 / /a\\040b\\134c\\012 rw - xfs y rw\n", "/a b\\c\n/d", "/a b\\c\n",
		 "xfs"},
		{"23 22 8:2 / /a\\04 rw - xfs y rw\n", "/a\\04", "/a\\04", "xfs"},
		{"23 22 8:2 / /a\\400 rw - xfs y rw\n", "/a\\400", "/a\\400", "xfs"},
		/* Optional fields, and a type with a dot. */
		{"23 22 0:9 / /n rw shared:7 master:1 - fuse.sshfs s:/ rw\n", "/n", "/n",
		 "fuse.sshfs"},
		/* Malformed lines. */
		{"23 22 8:2 / /n rw\n", "/n", NULL, NULL},
		{"23 22 8:2 / /n rw - \n", "/n", NULL, NULL},
		{"23 22 8 / /n rw - xfs y rw\n", "/n", NULL, NULL},
		{"23 22 8:2 / /\\000 rw - xfs y rw\n", "/", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {{"/proc/self/mountinfo", cases[i].text, 0}};
		struct mount mount;
		struct fake fake;
		bool found;

		make_fake(&fake, files);
		found = machine_mount(&fake.machine, cases[i].path, &mount);
		if (found != (cases[i].point != NULL) ||
		    (found &&
		     (!streq(mount.point, cases[i].point) || !streq(mount.type, cases[i].type))))
			fail_msg("%s: %s", cases[i].text, found ? mount.point : "none");
		clear_fake(&fake);
	}
}

static void options_of_a_mount(void **state)
{
	struct cursor c = cursor_of("23 22 259:12 /r /n rw,nosuid,nodev - xfs y rw,noexec\n");
	struct mount mount;

	(void)state;
	assert_true(mountinfo_next(&c, &mount));
	assert_int_equal(mount.major, 259);
	assert_int_equal(mount.minor, 12);
	assert_string_equal(mount.root, "/r");
	assert_true(mount_has(&mount, "rw"));
	assert_true(mount_has(&mount, "nosuid"));
	assert_true(mount_has(&mount, "nodev"));
	assert_false(mount_has(&mount, "node"));
	assert_false(mount_has(&mount, "suid"));
	/* An option of the file system is not an option of the mount. */
	assert_false(mount_has(&mount, "noexec"));
	assert_false(mountinfo_next(&c, &mount));
}

static void accounts_are_read(void **state)
{
	struct cursor c = cursor_of("root:x:0:0::/root:/bin/sh\n+nis:x:5:5::\n-nis:x:6:6::\n"
				    "#c:x:7:7::\n:x:8:8::\nno id:x::9:\nbob:x:4294967295\n"
				    "alice:x:1000:1001::/home/alice:\nsh:x:42:bob,alice\n");
	struct account account;

	(void)state;
	assert_true(account_next(&c, &account));
	assert_true(cursor_is(&account.name, "root"));
	assert_int_equal(account.id, 0);
	assert_true(account_next(&c, &account));
	assert_true(cursor_is(&account.name, "alice"));
	assert_int_equal(account.id, 1000);
	assert_int_equal(account.gid, 1001);
	/* A line of group(5). */
	assert_true(account_next(&c, &account));
	assert_true(cursor_is(&account.name, "sh"));
	assert_int_equal(account.id, 42);
	assert_int_equal(account.gid, UINT32_MAX);
	assert_false(account_next(&c, &account));
}

static void id_maps(void **state)
{
	static const struct file files[MAX_FILES] = {
		{"/proc/self/uid_map",
		 "         0     100000         10\n1 2\nx\n10 200000 5\n20 300000 1\n", 0},
	};
	struct fake fake;

	(void)state;
	make_fake(&fake, files);
	assert_true(machine_maps(&fake.machine, "uid_map", 0, 15));
	assert_false(machine_maps(&fake.machine, "uid_map", 0, 16));
	assert_false(machine_maps(&fake.machine, "uid_map", 15, 1));
	assert_true(machine_maps(&fake.machine, "uid_map", 20, 1));
	assert_int_equal(machine_maps_until(&fake.machine, "uid_map", 3), 15);
	/* Without the file all ids count as mapped. */
	assert_true(machine_maps(&fake.machine, "nosuch_map", 0, UINT32_MAX));
	clear_fake(&fake);
}

static void release_fields(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{"NAME=x\nID=debian\n", "debian"},
		{"ID=\"debian\"\n", "debian"},
		{"ID='a b'\n", "a b"},
		{"ID=\"a'b\" # c\n", "a'b"},
		{"ID=a b\n", "a"},
		{"ID=\n", ""},
		{"VARIANT_ID=x\n", NULL},
		{"ID x\n", NULL},
		{"", NULL},
		{"ID=longer-than-the-room\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char value[10] = "";
		bool found = osrelease_field(cases[i].text, "ID", value, sizeof(value));

		if (found != (cases[i].value != NULL) || (found && !streq(value, cases[i].value)))
			fail_msg("%s: %s", cases[i].text, value);
	}
}

/* As in path_find(): an empty element is the working directory. */
static void programs_are_found_in_path(void **state)
{
	static const struct {
		const char *path, *name, *found;
	} cases[] = {
		{"/usr/bin", "tool", "/usr/bin/tool"},
		{"/nosuch:/usr/bin", "tool", "/usr/bin/tool"},
		{":/usr/bin", "here", "./here"},
		{"/usr/bin:", "here", "./here"},
		{"/bin::/usr/bin", "here", "./here"},
		{"", "here", "./here"},
		{"/usr/bin", "here", NULL},
		{"/usr/bin", "nosuch", NULL},
		{"/usr", "bin", NULL},
		{"/nosuch", "/usr/bin/tool", "/usr/bin/tool"},
		{"/usr/bin", "", NULL},
		{NULL, "tool", "/usr/bin/tool"},
	};
	static const struct file files[MAX_FILES] = {{"/here", "", 0644}};
	struct fake fake;

	(void)state;
	make_fake(&fake, files);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[PATH_MAX];
		bool found;

		set_variable("PATH", cases[i].path);
		found = machine_find(&fake.machine, cases[i].name, path, sizeof(path));
		if (found != (cases[i].found != NULL) || (found && !streq(path, cases[i].found)))
			fail_msg("%s in %s: %s", cases[i].name, cases[i].path, found ? path : "-");
	}
	clear_fake(&fake);
}

static void the_real_machine_is_read_without_harm(void **state)
{
	const struct machine machine = this_machine;
	struct mount mount;
	char user[256];
	uint32_t first, count;

	(void)state;
	assert_int_equal(machine_uid(&machine), geteuid());
	(void)machine_user(&machine, user, sizeof(user));
	assert_true(*user);
	assert_true(machine_maps(&machine, "uid_map", geteuid(), 1));
	if (machine_free_range(&machine, &first, &count))
		assert_true(first >= 1000);
	assert_true(machine_mount(&machine, "/proc/self", &mount));
	assert_string_equal(mount.point, "/proc");
}

static void relative_paths_are_relative_to_here(void **state)
{
	static const struct file files[MAX_FILES] = {
		{"/work/script", "#!/nosuch/interpreter\n", 0755},
	};
	const struct machine here = this_machine;
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	char work[PATH_MAX];
	struct fake fake;

	(void)state;
	make_fake(&fake, files);
	assert_true(machine_path(&fake.machine, "/work", work, sizeof(work)));
	assert_true(machine_exists(&fake.machine, "work/script"));
	assert_int_equal(chdir(work), 0);
	assert_true(machine_exists(&here, "./script"));
	assert_true(machine_exists(&here, "script"));
	assert_false(machine_exists(&here, "/script"));
	assert_int_equal(chdir(cwd), 0);
	clear_fake(&fake);
}

/* A getent that PATH finds. */
struct getent {
	char dir[sizeof("/tmp/fauxroot-getent.XXXXXX")], path[64];
};

static void make_getent(struct getent *getent, const char *lines)
{
	FILE *file;

	*getent = (struct getent){.dir = "/tmp/fauxroot-getent.XXXXXX"};
	assert_non_null(mkdtemp(getent->dir));
	(void)snprintf(getent->path, sizeof(getent->path), "%s/getent", getent->dir);
	file = fopen(getent->path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", lines);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(getent->path, 0700), 0);
	assert_int_equal(setenv("PATH", getent->dir, 1), 0);
}

static void remove_getent(const struct getent *getent)
{
	unlink(getent->path);
	rmdir(getent->dir);
}

/* Run account_by_getent() with a program of these @lines as getent. */
static void ask_getent(const char *lines, bool found, const char *name, const char *home)
{
	const char *const expected[] = {[ACCOUNT_NAME] = name, [ACCOUNT_HOME] = home};
	struct getent getent;

	make_getent(&getent, lines);
	for (enum account_field field = ACCOUNT_NAME; field <= ACCOUNT_HOME; field++) {
		_cleanup_free_ char *text = account_by_getent(3210, field);

		assert_int_equal(text != NULL, found);
		if (found)
			assert_string_equal(text, expected[field]);
	}
	remove_getent(&getent);
}

static void getent_names_an_account(void **state)
{
	static const char line[] = "ldap:x:3210:3210:A. Name,:/home/ldap:/bin/sh";
	const char *search = getenv("PATH");
	_cleanup_free_ char *path = strdup(search ? search : "/usr/bin:/bin");
	char lines[256];

	(void)state;
	(void)snprintf(lines, sizeof(lines), "[ \"$*\" = 'passwd 3210' ] && echo '%s'", line);
	ask_getent(lines, true, "ldap", "/home/ldap");
	(void)snprintf(lines, sizeof(lines), "echo warning >&2; echo '%s'", line);
	ask_getent(lines, true, "ldap", "/home/ldap");
	(void)snprintf(lines, sizeof(lines), "echo '%s'; exit 2", line);
	ask_getent(lines, false, NULL, NULL);
	ask_getent("exit 2", false, NULL, NULL);
	ask_getent("echo other:x:1:1::/:/bin/sh", false, NULL, NULL);
	ask_getent("echo no account", false, NULL, NULL);
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	assert_null(account_by_getent(3210, ACCOUNT_NAME));
	assert_int_equal(setenv("PATH", path, 1), 0);
}

/* The list of accounts of a program of these @lines, to be freed. */
static char *list_accounts(const char *lines, unsigned ms)
{
	struct getent getent;
	char *text;

	make_getent(&getent, lines);
	text = machine_list_accounts(&this_machine, "group", ms);
	remove_getent(&getent);
	return text;
}

static void getent_lists_accounts_for_a_limited_time(void **state)
{
	static const struct machine other = {.root = "", .services = false};
	const char *search = getenv("PATH");
	_cleanup_free_ char *path = strdup(search ? search : "/usr/bin:/bin");
	_cleanup_free_ char *all =
		list_accounts("[ \"$*\" = group ] && echo one && echo two", 30000);
	_cleanup_free_ char *hanging = list_accounts("echo one; exec /bin/sleep 1000", 200);
	_cleanup_free_ char *endless = list_accounts("exec /usr/bin/yes one", 30000);

	(void)state;
	assert_string_equal(all, "one\ntwo\n");
	/* On a busy machine it may not have begun. */
	assert_true(streq(hanging, "one\n") || streq(hanging, ""));
	assert_int_equal(strlen(endless), (1 << 20) - 1);
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	assert_null(machine_list_accounts(&this_machine, "group", 30000));
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_null(machine_list_accounts(&other, "group", 30000));
}

/* fib_trie, with @leaves between the routes that every machine has. */
#define FIB(leaves)                                                                            \
	"Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n" leaves \
	"     |-- 127.0.0.0\n        /8 host LOCAL\n"

static void routes_are_found(void **state)
{
	static const struct {
		const char *fib, *route, *other; /* NULL: none */
	} cases[] = {
		{NULL, NULL, NULL},
		{"", NULL, "10.1.2.0"},
		{FIB(""), NULL, "10.1.2.0"},
		{FIB("     |-- 10.0.2.0\n        /24 link UNICAST\n"), "10.0.2.0/24", "10.1.2.0"},
		{FIB("     |-- 10.0.2.77\n        /32 host LOCAL\n"), "10.0.2.77/32", "10.1.2.0"},
		{FIB("     |-- 10.0.0.0\n        /16 universe UNICAST tos=16\n"), "10.0.0.0/16",
		 "10.1.2.0"},
		{FIB("     |-- 10.0.0.0\n        /9 universe UNICAST\n"), "10.0.0.0/9",
		 "10.128.2.0"},
		{FIB("     |-- 10.0.0.0\n        /8 universe UNICAST\n"), "10.0.0.0/8",
		 "192.168.1.0"},
		/* Two lengths of one address, and another table. */
		{"Id 52:\n |-- 10.0.0.0\n /32 link BROADCAST\n /22 universe UNICAST\n",
		 "10.0.0.0/22", "10.1.2.0"},
		/* They lead nowhere, are default routes, or are next to it. */
		{FIB("     |-- 10.0.2.255\n        /32 link BROADCAST\n"), NULL, "10.1.2.0"},
		{FIB("     |-- 10.0.0.0\n        /8 universe UNREACHABLE\n"), NULL, "10.1.2.0"},
		{FIB("     |-- 0.0.0.0\n        /1 universe UNICAST\n"), NULL, "10.1.2.0"},
		{FIB("     |-- 10.0.3.0\n        /24 link UNICAST\n"), NULL, "10.1.2.0"},
		{FIB("     |-- 10.1.0.0\n        /16 link UNICAST\n"), NULL, "10.2.2.0"},
		/* Malformed lines. */
		{"|-- 10.0.2\n/24 link UNICAST\n|--\n/33 link UNICAST\n/24\n/24 link\n", NULL,
		 "10.1.2.0"},
	};
	struct cidr ours = {.address.s_addr = htonl(0x0a000200), .prefix = 24}, other;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{cases[i].fib ? "/proc/self/net/fib_trie" : NULL, cases[i].fib, 0},
		};
		char route[32] = "";
		struct fake fake;
		bool overlaps, found;

		make_fake(&fake, files);
		overlaps = routes_overlap(&fake.machine, &ours, route, sizeof(route));
		found = routes_free(&fake.machine, &other);
		clear_fake(&fake);
		assert_int_equal(overlaps, cases[i].route != NULL);
		assert_string_equal(route, cases[i].route ? cases[i].route : "");
		assert_int_equal(found, cases[i].other != NULL);
		if (found)
			assert_string_equal(inet_ntoa(other.address), cases[i].other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_ranges),
		cmocka_unit_test(small_ranges),
		cmocka_unit_test(the_mount_of_a_path_is_found),
		cmocka_unit_test(options_of_a_mount),
		cmocka_unit_test(accounts_are_read),
		cmocka_unit_test(getent_names_an_account),
		cmocka_unit_test(getent_lists_accounts_for_a_limited_time),
		cmocka_unit_test(id_maps),
		cmocka_unit_test(release_fields),
		cmocka_unit_test(programs_are_found_in_path),
		cmocka_unit_test(relative_paths_are_relative_to_here),
		cmocka_unit_test(the_real_machine_is_read_without_harm),
		cmocka_unit_test(routes_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
