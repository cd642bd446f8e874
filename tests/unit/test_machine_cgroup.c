/* SPDX-License-Identifier: Apache-2.0 */
/* Our cgroup and its directory, from two files of /proc. root/cgroup2.bats tests the evacuation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_machine.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/cgroup.h"

static void the_cgroup_of_a_process_is_read(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *cgroup;
	} cases[] = {
		{"0::/\n", 0, "/"},
		{"0::/user.slice/user-1000.slice\n", 0, "/user.slice/user-1000.slice"},
		{"0::/a b\\n:x", 0, "/a b\\n:x"},
		{"12:pids:/x\n1:name=systemd:/y\n0::/z\n", 0, "/z"},
		{"0::/..foo\n", 0, "/..foo"},
		{"0::/a (deleted)b\n", 0, "/a (deleted)b"},
		{"0::/a (deleted)\n", -ESTALE, NULL},
		{"0::/..\n", -ESTALE, NULL},
		{"0::/../sibling\n", -ESTALE, NULL},
		{"", -ENOENT, NULL},
		{"12:pids:/x\n", -ENOENT, NULL},
		{"0::\n", -ENOENT, NULL},
		{"0::relative\n", -ENOENT, NULL},
		{"10::/x\n", -ENOENT, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *cgroup = NULL;
		int rc = cgroup2_membership(cases[i].text, strlen(cases[i].text), &cgroup);

		if (rc != cases[i].rc)
			fail_msg("\"%s\": %d", cases[i].text, rc);
		if (rc == 0)
			assert_string_equal(cgroup, cases[i].cgroup);
		else
			assert_null(cgroup);
	}
}

#define PROC	"22 1 0:21 / /proc rw,nosuid - proc proc rw\n"
#define UNIFIED "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define HYBRID	"30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
#define V1	"31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"

static void the_directory_of_a_cgroup_is_found(void **state)
{
	static const struct {
		const char *mounts, *cgroup;
		int rc;
		const char *directory;
	} cases[] = {
		{PROC UNIFIED, "/", 0, "/sys/fs/cgroup"},
		{PROC UNIFIED, "/a.slice/b", 0, "/sys/fs/cgroup/a.slice/b"},
		{PROC V1 HYBRID, "/b", 0, "/sys/fs/cgroup/unified/b"},
		/* No optional fields, many optional fields. */
		{"1 2 3:4 / /c rw - cgroup2 none rw\n", "/b", 0, "/c/b"},
		{"1 2 3:4 / /c rw shared:1 master:2 propagate_from:3 - cgroup2 none rw\n", "/b", 0,
		 "/c/b"},
		{"1 2 3:4 / / rw - cgroup2 none rw\n", "/b", 0, "/b"},
		{"1 2 3:4 / / rw - cgroup2 none rw\n", "/", 0, "/"},
		{"1 2 3:4 / /with\\040space\\134 rw - cgroup2 none rw\n", "/b", 0,
		 "/with space\\/b"},
		/* A mount of a part of the hierarchy. */
		{"1 2 3:4 /b /c rw - cgroup2 none rw\n", "/b", 0, "/c"},
		{"1 2 3:4 /b /c rw - cgroup2 none rw\n", "/b/d", 0, "/c/d"},
		{"1 2 3:4 /b /c rw - cgroup2 none rw\n", "/bb", -ENXIO, NULL},
		{"1 2 3:4 /b /c rw - cgroup2 none rw\n", "/", -ENXIO, NULL},
		/* The last mount that contains the cgroup. */
		{UNIFIED "1 2 3:4 /b /c rw - cgroup2 none rw\n", "/b", 0, "/c"},
		{UNIFIED "1 2 3:4 /x /c rw - cgroup2 none rw\n", "/b", 0, "/sys/fs/cgroup/b"},
		{PROC V1, "/b", -ENODEV, NULL},
		{"", "/b", -ENODEV, NULL},
		{"1 2 3:4 / /c rw cgroup2 none rw\n", "/b", -ENODEV, NULL},
		{"1 2 3:4 / /c rw - \n", "/b", -ENODEV, NULL},
		{"1 2 3:4 / /c rw -\n", "/b", -ENODEV, NULL},
		{"1 2 3:4\n", "/b", -ENODEV, NULL},
		{"1 2 3:4 / /\\000 rw - cgroup2 none rw\n", "/b", -ENODEV, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *directory = NULL;
		int rc = cgroup2_directory(cases[i].mounts, strlen(cases[i].mounts),
					   cases[i].cgroup, &directory);

		if (rc != cases[i].rc)
			fail_msg("%s%s: %d", cases[i].mounts, cases[i].cgroup, rc);
		if (rc == 0)
			assert_string_equal(directory, cases[i].directory);
		else
			assert_null(directory);
	}
}

static void lacking_controllers(void **state)
{
	char text[64];

	(void)state;
	cgroup_lacks("cpuset cpu io memory hugetlb pids rdma\n", "cpu io memory pids", text,
		     sizeof(text));
	assert_string_equal(text, "");
	cgroup_lacks("cpuset memoryx\n", "cpu io memory pids", text, sizeof(text));
	assert_string_equal(text, "cpu io memory pids");
	cgroup_lacks("", "cpu", text, sizeof(text));
	assert_string_equal(text, "cpu");
}

static void both_files_of_a_machine(void **state)
{
	static const struct {
		const char *cgroup, *mounts;
		int rc;
		const char *path, *directory;
	} cases[] = {
		{"0::/b\n", HYBRID, 0, "/b", "/sys/fs/cgroup/unified/b"},
		{"0::/b\n", V1, -ENODEV, "/b", NULL},
		{"0::/b\n", "1 2 3:4 /c /c rw - cgroup2 none rw\n", -ENXIO, "/b", NULL},
		{"3:cpu:/\n", HYBRID, -ENOENT, NULL, NULL},
		{"0::/..\n", HYBRID, -ESTALE, NULL, NULL},
		{NULL, HYBRID, -ENOENT, NULL, NULL},
		{"0::/b\n", NULL, -ENOENT, "/b", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{"/proc/self/cgroup", cases[i].cgroup, 0},
			{"/proc/self/mountinfo", cases[i].mounts, 0},
		};
		_cleanup_free_ char *path = NULL, *directory = NULL;
		struct fake fake;

		make_fake(&fake, files);
		assert_int_equal(machine_cgroup2(&fake.machine, &path, &directory), cases[i].rc);
		assert_true(cases[i].path ? streq(path, cases[i].path) : !path);
		assert_true(cases[i].directory ? streq(directory, cases[i].directory) : !directory);
		clear_fake(&fake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cgroup_of_a_process_is_read),
		cmocka_unit_test(the_directory_of_a_cgroup_is_found),
		cmocka_unit_test(lacking_controllers),
		cmocka_unit_test(both_files_of_a_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
