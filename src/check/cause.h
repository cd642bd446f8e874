/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes, and what its rows are made of. */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "fauxroot/base/err.h"
#include "fauxroot/config/config.h"
#include "machine.h"

/*
 * What is known while one failure is explained. A row's test leaves here what it has read, and the
 * row's texts name it: {value}, {path}, {point}.
 */
struct facts {
	const struct machine *machine;
	const struct config *config;
	const struct error *err;
	char value[400];
	char path[300];
	char point[300];
};

/*
 * One cause. It explains a failure at one of @steps with one of @codes (none: any), whose sentence
 * has @says in it (NULL: any; for failures of helper programs, which know no errno), if @test finds
 * it on the machine (NULL: the failure itself is the proof).
 *
 * Texts hold {names} of facts; explain.c lists them.
 */
struct cause {
	unsigned steps; /* STEP_BIT()s */
	int codes[4];	/* ends with 0 */
	const char *says;
	bool (*test)(struct facts *facts, const char *arg);
	const char *arg; /* for @test: the file to read, the option to look for */
	const char *cause;
	const char *remedy;
};

#define STEP_BIT(step) (1U << (step))

/* causes() - the table: the first row that holds is told; ends with a row whose cause is NULL */
const struct cause *causes(void);

/* cause_expand() - @text with its {names} replaced; false where one is unknown or it does not fit
 */
bool cause_expand(const char *text, const struct facts *facts, char *buf, size_t size);

/* Tests, by what they look at. A comment says what @arg is; the others take none. */

/* namespaces.c */
bool sysctl_is_zero(struct facts *facts, const char *arg);  /* below /proc/sys */
bool sysctl_is_there(struct facts *facts, const char *arg); /* below /proc/sys */
bool apparmor_restricts(struct facts *facts, const char *arg);
bool is_chroot(struct facts *facts, const char *arg);
bool is_unmapped(struct facts *facts, const char *arg);
bool has_seccomp_filter(struct facts *facts, const char *arg);
bool is_apparmor_confined(struct facts *facts, const char *arg);
bool is_missing(struct facts *facts, const char *arg); /* a file */
bool has_cgroup2(struct facts *facts, const char *arg);

/* ids.c */
bool mapper_is_missing(struct facts *facts, const char *arg);
bool mapper_has_no_new_privs(struct facts *facts, const char *arg);
bool mapper_is_on_nosuid(struct facts *facts, const char *arg);
bool mapper_lacks_setuid(struct facts *facts, const char *arg);
bool mapper_lacks_cap(struct facts *facts, const char *arg); /* "6", a capability's number */
bool root_lacks_cap(struct facts *facts, const char *arg);   /* as mapper_lacks_cap, for uid 0 */
bool ranges_are_not_ours(struct facts *facts, const char *arg);
bool ranges_come_from_elsewhere(struct facts *facts, const char *arg);
bool has_lines(struct facts *facts, const char *arg);
bool local_user_lacks_ranges(struct facts *facts, const char *arg); /* "u", "g" or "ug" */
bool other_user_lacks_ranges(struct facts *facts, const char *arg);
bool user_lacks_ranges(struct facts *facts, const char *arg);

/* programs.c */
bool is_in_container(struct facts *facts, const char *arg);
bool device_is_missing(struct facts *facts, const char *arg); /* "container" or "host" */
bool device_is_closed(struct facts *facts, const char *arg);
bool holder_is_known(struct facts *facts, const char *arg);
bool runtime_dir_is_unset(struct facts *facts, const char *arg); /* "there" or "missing" */
bool runtime_dir_is_not_ours(struct facts *facts, const char *arg);
bool target_has_no_interpreter(struct facts *facts, const char *arg);
bool target_is_in_sbin(struct facts *facts, const char *arg);
bool target_is_not_in_path(struct facts *facts, const char *arg);
bool target_is_absent(struct facts *facts, const char *arg);
bool target_is_directory(struct facts *facts, const char *arg);
bool target_has_no_x_bit(struct facts *facts, const char *arg);
bool target_is_on_noexec(struct facts *facts, const char *arg);
bool target_is_there(struct facts *facts, const char *arg);
