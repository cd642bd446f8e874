/* SPDX-License-Identifier: Apache-2.0 */
/* --idmap=fit: lines of /etc/subuid, our own id map, and the text of the map that results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/idmap/fit.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/machine/machine.h"

#define ALL "0 0 4294967295\n"

/* A machine with only /proc/self. */
struct fixture {
	char dir[64];
	char proc[80], self[88], uid_map[104], gid_map[104];
	struct machine machine;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)str_print(f->dir, sizeof(f->dir), "/tmp/test_idmap_fit.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)str_print(f->proc, sizeof(f->proc), "%s/proc", f->dir);
	(void)str_print(f->self, sizeof(f->self), "%s/self", f->proc);
	(void)str_print(f->uid_map, sizeof(f->uid_map), "%s/uid_map", f->self);
	(void)str_print(f->gid_map, sizeof(f->gid_map), "%s/gid_map", f->self);
	assert_int_equal(mkdir(f->proc, 0755), 0);
	assert_int_equal(mkdir(f->self, 0755), 0);
	f->machine.root = f->dir;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->uid_map);
	unlink(f->gid_map);
	assert_int_equal(rmdir(f->self), 0);
	assert_int_equal(rmdir(f->proc), 0);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void put(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void parse(const char *lines, const char *path, struct subid_ranges *ret)
{
	struct error err = {0};

	*ret = (struct subid_ranges){0};
	assert_int_equal(subid_parse_file(lines, strlen(lines), path, "alice", 1000, ret, &err), 0);
}

/* The maps that @lines of both files give with @map as our uid_map and gid_map, or the refusal. */
static int fit(struct fixture *f, bool direct, uint32_t own, const char *map, const char *lines,
	       char *buf, struct error *err)
{
	const struct fit how = {&f->machine, {own, own}, direct};
	struct subid_ranges ranges[SUBID_KINDS_];
	struct idmap_plan plan;
	int rc;

	put(f->uid_map, map);
	put(f->gid_map, map);
	parse(lines, "/etc/subuid", &ranges[SUBID_UID]);
	parse(lines, "/etc/subgid", &ranges[SUBID_GID]);
	rc = fit_ranges(&how, ranges, err);
	if (rc == 0)
		rc = idmap_plan(SUBID_UID, own, &ranges[SUBID_UID], &plan, err);
	if (rc == 0)
		(void)idmap_text(&plan, buf);
	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++)
		subid_ranges_clear(&ranges[k]);
	return rc;
}

struct fit_case {
	bool direct;
	uint32_t own;
	const char *map, *lines;
	const char *want; /* the map; NULL: refused with -EPERM, "": with -ENOENT */
};

static const struct fit_case cases[] = {
	/* all ids of the machine: as subid */
	{false, 1000, ALL, "alice:100000:65536\n", "0 1000 1\n1 100000 65536\n"},
	{true, 0, ALL, "alice:100000:65536\n", "0 0 1\n1 100000 65536\n"},
	/* one container has more than enough ids, others have a part of them */
	{false, 1000, "0 500000 200000\n", "alice:100000:65536\n", "0 1000 1\n1 100000 65536\n"},
	{false, 1000, "0 500000 131072\n", "alice:100000:65536\n", "0 1000 1\n1 100000 31072\n"},
	{false, 1000, "0 500000 120000\n", "alice:119999:5\nalice:110000:3\nalice:200000:9\n",
	 "0 1000 1\n1 119999 1\n2 110000 3\n"},
	/* ranges are cut at the lines of our map: the kernel accepts nothing else */
	{false, 1000, "0 1000 1\n1 100000 2000\n2001 300000 1000\n", "alice:1001:1500\n",
	 "0 1000 1\n1 1001 1000\n1001 2001 500\n"},
	{false, 1000, "0 1000 1\n1 100000 5000\n", "alice:2000:10\nalice:2010:10\n",
	 "0 1000 1\n1 2000 10\n11 2010 10\n"},
	/* nothing exists */
	{false, 1000, "0 1000 1\n1 100000 65536\n", "alice:100000:65536\n", NULL},
	{false, 1000, "0 1000 1\n1 100000 65536\n", "", ""},
	/* a process that writes the maps itself takes all other ids of the container */
	{true, 0, "0 1000 1\n1 100000 65536\n", "alice:100000:65536\n", "0 0 1\n1 1 65536\n"},
	{true, 0, "0 1000 1\n1 100000 65536\n", "", "0 0 1\n1 1 65536\n"},
	{true, 0, "0 500000 65536\n", "", "0 0 1\n1 1 65535\n"},
	{true, 1000, "0 500000 65536\n", "", "0 1000 1\n1 0 1000\n1001 1001 64535\n"},
	/* but not all ids of the machine */
	{true, 0, ALL, "", ""},
	/* and subordinate ids come first */
	{true, 0, "0 500000 65536\n", "alice:5000:10\n", "0 0 1\n1 5000 10\n"},
	/* no other id exists */
	{true, 0, "0 1000 1\n", "", ""},
	{true, 0, "0 1000 1\n", "alice:5000:10\n", NULL},
	/* the last id is none */
	{true, 0, "0 0 10\n4294967290 20 6\n", "", "0 0 1\n1 1 9\n10 4294967290 5\n"},
};

static void ranges_are_cut(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct fit_case *c = &cases[i];
		char text[IDMAP_TEXT_MAX + 1];
		struct error err = {0};
		int rc = fit(*state, c->direct, c->own, c->map, c->lines, text, &err);

		if (c->want && rc == 0 && strcmp(text, c->want) == 0)
			continue;
		if (rc < 0 && rc == (!c->want ? -EPERM : *c->want ? 0 : -ENOENT))
			continue;
		fail_msg("case %zu: %d, \"%s\" %s", i, rc, rc == 0 ? text : "", err.text);
	}
}

static void the_refusal_names_both_files(void **state)
{
	char text[IDMAP_TEXT_MAX + 1];
	struct error err = {0};

	assert_int_equal(fit(*state, false, 1000, "0 1 65536\n", "alice:100000:9\n", text, &err),
			 -EPERM);
	assert_string_equal(err.text, "no id of our lines in /etc/subuid is in /proc/self/uid_map");
}

/* If one kind has ids and the other has none, both are taken from the container. */
static void both_kinds_come_from_one_source(void **state)
{
	struct fixture *f = *state;
	const struct fit how = {&f->machine, {0, 0}, true};
	struct subid_ranges ranges[SUBID_KINDS_];

	put(f->uid_map, "0 500000 65536\n");
	put(f->gid_map, "0 700000 1000\n");
	parse("alice:5000:10\n", "/etc/subuid", &ranges[SUBID_UID]);
	parse("alice:5000:10\n", "/etc/subgid", &ranges[SUBID_GID]);
	assert_int_equal(fit_ranges(&how, ranges, NULL), 0);
	assert_int_equal(ranges[SUBID_UID].items[0].count, 65535);
	assert_int_equal(ranges[SUBID_GID].items[0].count, 999);
	assert_string_equal(ranges[SUBID_GID].source, "/proc/self/gid_map");
	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++)
		subid_ranges_clear(&ranges[k]);
}

static void without_the_map_nothing_is_cut(void **state)
{
	struct fixture *f = *state;
	const struct fit how = {&f->machine, {0, 0}, true};
	struct subid_ranges ranges[SUBID_KINDS_];

	assert_false(fit_is_free(&how));
	parse("alice:5000:10\n", "/etc/subuid", &ranges[SUBID_UID]);
	parse("alice:6000:20\n", "/etc/subgid", &ranges[SUBID_GID]);
	assert_int_equal(fit_ranges(&how, ranges, NULL), 0);
	assert_int_equal(ranges[SUBID_UID].items[0].count, 10);
	assert_int_equal(ranges[SUBID_GID].items[0].start, 6000);
	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++)
		subid_ranges_clear(&ranges[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ranges_are_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_refusal_names_both_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(both_kinds_come_from_one_source, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_the_map_nothing_is_cut, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
