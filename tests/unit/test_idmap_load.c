/* SPDX-License-Identifier: Apache-2.0 */
/* The sources of ranges: the files and getsubids(1), selected by nsswitch.conf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"
#include "idmap/subid_load.h"

/* A uid without a name. */
#define NAMELESS 3999999999U

struct fixture {
	char dir[64];
	char nsswitch[96], passwd[96], subuid[96], subgid[96], program[96];
	struct machine machine;
};

static void put(const char *path, const char *text, mode_t mode)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)str_print(f->dir, sizeof(f->dir), "/tmp/test_idmap_load.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)str_print(f->program, sizeof(f->program), "%s/etc", f->dir);
	assert_int_equal(mkdir(f->program, 0755), 0);
	(void)str_print(f->nsswitch, sizeof(f->nsswitch), "%s/etc/nsswitch.conf", f->dir);
	(void)str_print(f->passwd, sizeof(f->passwd), "%s/etc/passwd", f->dir);
	(void)str_print(f->subuid, sizeof(f->subuid), "%s/etc/subuid", f->dir);
	(void)str_print(f->subgid, sizeof(f->subgid), "%s/etc/subgid", f->dir);
	(void)str_print(f->program, sizeof(f->program), "%s/getsubids", f->dir);
	f->machine = (struct machine){.root = f->dir, .services = true};
	put(f->nsswitch, "subid: files\n", 0644);
	put(f->passwd, "root:x:0:0::/:/bin/sh\nalice:x:4000:4000::/:/bin/sh\n", 0644);
	put(f->subuid, "alice:100000:65536\n4000:300000:10\n", 0644);
	put(f->subgid, "bob:1:2\nalice:200000:65536\n", 0644);
	/* Prints ranges for the given user, different ones for uids and for gids. */
	put(f->program,
	    "#!/bin/sh\n"
	    "case $1 in -g) echo \"0: $2 700000 7\";; *) echo \"0: $1 600000 6\";; esac\n",
	    0755);
	assert_int_equal(setenv("GETSUBIDS", f->program, 1), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->nsswitch);
	unlink(f->passwd);
	unlink(f->subuid);
	unlink(f->subgid);
	unlink(f->program);
	(void)str_print(f->program, sizeof(f->program), "%s/etc", f->dir);
	assert_int_equal(rmdir(f->program), 0);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int load(const struct fixture *f, enum subid_source source, uid_t uid,
		struct subid_ranges *ret, struct error *err)
{
	struct deadline deadline = deadline_in(60000);

	*err = (struct error){0};
	return subid_load_from(&f->machine, source, uid, &deadline, -1, ret, err);
}

static void clear(struct subid_ranges *ranges)
{
	for (int k = 0; k < SUBID_KINDS_; k++)
		subid_ranges_clear(&ranges[k]);
}

static void assert_first(const struct subid_ranges *ranges, size_t n, uint32_t start)
{
	assert_int_equal(ranges->n, n);
	assert_int_equal(ranges->items[0].start, start);
}

static void ranges_are_read_from_files(void **state)
{
	struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
	struct fixture *f = *state;
	struct error err;

	assert_int_equal(load(f, SUBID_AUTO, 4000, ranges, &err), 0);
	assert_first(&ranges[SUBID_UID], 2, 100000);
	assert_int_equal(ranges[SUBID_UID].items[1].start, 300000);
	assert_first(&ranges[SUBID_GID], 1, 200000);
	assert_int_equal(ranges[SUBID_GID].items[0].line, 2);
	clear(ranges);
	/* Without nsswitch.conf, getsubids is not used. */
	unlink(f->nsswitch);
	assert_int_equal(load(f, SUBID_AUTO, 4000, ranges, &err), 0);
	assert_first(&ranges[SUBID_UID], 2, 100000);
	clear(ranges);
}

static void a_uid_without_a_name_uses_its_number(void **state)
{
	struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
	struct fixture *f = *state;
	struct error err;

	assert_int_equal(load(f, SUBID_STATIC, NAMELESS, ranges, &err), -ENOENT);
	assert_non_null(strstr(err.text, "uid 3999999999 (no login name) has no subordinate user"));
	assert_non_null(strstr(err.text, "/etc/subuid"));
	put(f->subuid, "3999999999:100:5\n", 0644);
	put(f->subgid, "3999999999:200:5\n", 0644);
	assert_int_equal(load(f, SUBID_STATIC, NAMELESS, ranges, &err), 0);
	assert_first(&ranges[SUBID_UID], 1, 100);
	assert_first(&ranges[SUBID_GID], 1, 200);
	clear(ranges);
	/* Then getsubids gets the number. */
	assert_int_equal(load(f, SUBID_DYNAMIC, NAMELESS, ranges, &err), 0);
	assert_first(&ranges[SUBID_UID], 1, 600000);
	clear(ranges);
}

static void missing_ranges_are_errors(void **state)
{
	struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
	struct fixture *f = *state;
	struct error err;

	put(f->subgid, "bob:1:2\n", 0644);
	assert_int_equal(load(f, SUBID_AUTO, 4000, ranges, &err), -ENOENT);
	assert_non_null(strstr(err.text,
			       "user \"alice\" (uid 4000) has no subordinate group ids: no line"));
	assert_non_null(strstr(err.text, "/etc/subgid"));
	unlink(f->subuid);
	assert_int_equal(load(f, SUBID_AUTO, 4000, ranges, &err), -ENOENT);
	assert_non_null(strstr(err.text, "has no subordinate user ids: there is no /"));
	assert_null(ranges[SUBID_UID].items);
	/* With an invalid line in the second file, no ranges of the first are returned. */
	put(f->subuid, "alice:1:2\n", 0644);
	put(f->subgid, "alice:1:2\r\n", 0644);
	assert_int_equal(load(f, SUBID_AUTO, 4000, ranges, &err), -EINVAL);
	assert_null(ranges[SUBID_UID].items);
}

static void nsswitch_selects_the_source(void **state)
{
	static const struct {
		const char *nsswitch;
		enum subid_source source;
		bool asked;
	} cases[] = {
		{"subid: files\n", SUBID_AUTO, false},	 {"passwd: sss\n", SUBID_AUTO, false},
		{"subid: sss\n", SUBID_AUTO, true},	 {"subid: sss\n", SUBID_STATIC, false},
		{"subid: files\n", SUBID_DYNAMIC, true},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
		struct error err;

		put(f->nsswitch, cases[i].nsswitch, 0644);
		assert_int_equal(load(f, cases[i].source, 4000, ranges, &err), 0);
		assert_int_equal(ranges[SUBID_UID].items[0].start,
				 cases[i].asked ? 600000 : 100000);
		assert_int_equal(ranges[SUBID_GID].items[0].start,
				 cases[i].asked ? 700000 : 200000);
		clear(ranges);
	}
}

static void getsubids_failures_are_reported(void **state)
{
	static const struct {
		const char *script, *words;
		int rc;
	} cases[] = {
		{"#!/bin/sh\necho Error fetching ranges >&2\nexit 1\n",
		 "user \"alice\" (uid 4000) has no subordinate user ids: getsubids: Error fetching "
		 "ranges, exit status 1",
		 -ENOENT},
		{"#!/bin/sh\nexit 3\n", "getsubids: exit status 3", -ENOENT},
		{"#!/bin/sh\nkill -9 $$\n", "signal 9", -EIO},
		{"#!/bin/sh\n", "getsubids printed none", -ENOENT},
		{"#!/bin/sh\necho 0: alice 1 -2\n", "getsubids, line 1", -EINVAL},
		/* stderr is not parsed as ranges */
		{"#!/bin/sh\necho '0: alice 1 2' >&2\n", "getsubids printed none", -ENOENT},
		{"#!/bin/sh\nexec head -c 9000000 /dev/zero\n", "getsubids printed more than",
		 -EFBIG},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
		struct error err;

		put(f->program, cases[i].script, 0755);
		assert_int_equal(load(f, SUBID_DYNAMIC, 4000, ranges, &err), cases[i].rc);
		print_message("%s\n", err.text);
		assert_non_null(strstr(err.text, cases[i].words));
	}
}

/* Without getsubids, auto falls back to the files; an explicit request is an error. */
static void a_missing_getsubids_falls_back_to_files(void **state)
{
	struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
	struct fixture *f = *state;
	struct error err;

	assert_int_equal(setenv("GETSUBIDS", "no-such-getsubids", 1), 0);
	put(f->nsswitch, "subid: sss\n", 0644);
	assert_int_equal(load(f, SUBID_DYNAMIC, 4000, ranges, &err), -ENOENT);
	assert_string_equal(err.text, "executing \"no-such-getsubids\": No such file or directory");
	assert_int_equal(load(f, SUBID_AUTO, 4000, ranges, &err), 0);
	assert_first(&ranges[SUBID_UID], 2, 100000);
	clear(ranges);
}

/* More ranges than fit into a log line or a first read from the pipe. */
static void getsubids_may_print_many_ranges(void **state)
{
	struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
	struct fixture *f = *state;
	struct error err;

	put(f->program,
	    "#!/bin/sh\ni=0\n"
	    "while [ $i -lt 4000 ]; do echo \"$i: a rather long name $((i * 2)) 1\"; i=$((i + 1)); "
	    "done\n",
	    0755);
	assert_int_equal(load(f, SUBID_DYNAMIC, 4000, ranges, &err), 0);
	assert_int_equal(ranges[SUBID_UID].n, 4000);
	assert_int_equal(ranges[SUBID_GID].items[3999].start, 7998);
	clear(ranges);
}

/* A getsubids that hangs, with its pipe open or closed, is killed at the deadline. */
static void a_hanging_getsubids_is_killed(void **state)
{
	static const char *const scripts[] = {
		"#!/bin/sh\nexec sleep 100\n",
		"#!/bin/sh\nexec sleep 100 >&- 2>&-\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
		struct deadline deadline = deadline_in(100);
		struct error err = {0};

		put(f->program, scripts[i], 0755);
		assert_int_equal(subid_load_from(&f->machine, SUBID_DYNAMIC, 4000, &deadline, -1,
						 ranges, &err),
				 -ETIMEDOUT);
		assert_non_null(strstr(err.text, "getsubids did not"));
		assert_null(ranges[SUBID_UID].items);
	}
}

static void getsubids_can_be_cancelled(void **state)
{
	struct subid_ranges ranges[SUBID_KINDS_] = {{0}};
	_cleanup_close_ int cancel = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct deadline deadline = deadline_in(100000);
	struct fixture *f = *state;
	struct error err = {0};

	put(f->program, "#!/bin/sh\nexec sleep 100\n", 0755);
	assert_int_equal(subid_load_from(&f->machine, SUBID_DYNAMIC, 4000, &deadline, cancel,
					 ranges, &err),
			 -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ranges_are_read_from_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_uid_without_a_name_uses_its_number, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(missing_ranges_are_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nsswitch_selects_the_source, set_up, tear_down),
		cmocka_unit_test_setup_teardown(getsubids_failures_are_reported, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_missing_getsubids_falls_back_to_files, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(getsubids_may_print_many_ranges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_hanging_getsubids_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(getsubids_can_be_cancelled, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
