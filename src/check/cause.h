/* SPDX-License-Identifier: Apache-2.0 */
/* The table of causes, and what its rows are made of. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

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
	const char *id; /* its name, for good: in the log of --debug, in documents, in tests */
	unsigned steps; /* STEP_BIT()s */
	int codes[4];	/* ends with 0 */
	const char *says;
	bool (*test)(struct facts *facts, const char *arg);
	const char *arg; /* for @test: the file to read, the option to look for */
	const char *cause;
	/*
	 * What mends it, in a container and beside that. Of the containers' only that of the
	 * runtime at hand is told, where it is known.
	 */
	const char *docker;	/* options of docker run, and of podman run */
	const char *podman;	/* options of podman run, where they differ */
	const char *kubernetes; /* a member of the container's manifest */
	const char *lxd;	/* arguments of lxc, of incus */
	const char *remedy;	/* in all other cases, or in any: begins with "or" then */
};

#define STEP_BIT(step) (1U << (step))

/* cause_at() - the rows of the table by their number, from 0 on; NULL past the last. The first that
 * holds is told. */
const struct cause *cause_at(size_t i);

/* A part of the table, and what its chapter is called. */
struct cause_part {
	const char *title;
	const struct cause *rows;
};

/* cause_parts() - all of them, in their order; ends with a NULL title */
const struct cause_part *cause_parts(void);

/* The parts of the table; each ends with a row whose cause is NULL. */
extern const struct cause causes_of_namespaces[];  /* clone(2) */
extern const struct cause causes_of_ids[];	   /* newuidmap(1), subordinate ids */
extern const struct cause causes_of_confinement[]; /* AppArmor, masked mounts */
extern const struct cause causes_of_the_host[];	   /* state directory, devices, helpers */
extern const struct cause causes_of_ports[];
extern const struct cause causes_of_the_target[];
extern const struct cause causes_of_the_preflight[]; /* asked for by id; they match no error */

/* cause_remedy() - all of a row's remedies, or those for @runtime; @runtime may be NULL */
void cause_remedy(const struct cause *cause, const char *runtime, char *buf, size_t size);

/* cause_expand() - @text with its {names} replaced; false where one is unknown or it does not fit
 */
bool cause_expand(const char *text, const struct facts *facts, char *buf, size_t size);

/*
 * explain_as() - the cause with this id and its remedy, whatever the error, if its test finds it
 *
 * For a finding of --check. Returns false, with @ret untouched, where it does not hold.
 */
bool explain_as(const char *id, struct facts *facts, struct explanation *ret);

/* Tests, by what they look at. A comment says what @arg is; the others take none. */

/* namespaces.c */
bool sysctl_is_zero(struct facts *facts, const char *arg);  /* below /proc/sys */
bool sysctl_is_there(struct facts *facts, const char *arg); /* below /proc/sys */
bool apparmor_restricts(struct facts *facts, const char *arg);
bool is_chroot(struct facts *facts, const char *arg);
bool is_unmapped(struct facts *facts, const char *arg);
bool has_seccomp_filter(struct facts *facts, const char *arg);
bool filter_refuses_mapper(struct facts *facts, const char *arg);
bool is_apparmor_confined(struct facts *facts, const char *arg);
bool is_missing(struct facts *facts, const char *arg); /* a file */
bool is_there(struct facts *facts, const char *arg);   /* a file */
bool has_no_proc(struct facts *facts, const char *arg);
bool has_cgroup2(struct facts *facts, const char *arg);
bool proc_is_masked(struct facts *facts, const char *arg);
bool selinux_enforces(struct facts *facts, const char *arg);

/* limits.c */
bool kernel_is_older(struct facts *facts, const char *arg); /* than this version */
bool limit_is_zero(struct facts *facts, const char *arg);   /* "user", "pid uts" */
bool limit_is_one(struct facts *facts, const char *arg);
bool limits_are_there(struct facts *facts, const char *arg);
bool process_limit_is_low(struct facts *facts, const char *arg);
bool cgroup_has_no_pids_left(struct facts *facts, const char *arg);
bool descriptor_limit_is_low(struct facts *facts, const char *arg); /* "soft" or "hard" */

/* ids.c */
bool getsubids_is_missing(struct facts *facts, const char *arg);
bool mapper_is_elsewhere(struct facts *facts, const char *arg);
bool mapper_is_missing(struct facts *facts, const char *arg);
bool mapper_has_no_new_privs(struct facts *facts, const char *arg);
bool mapper_is_on_nosuid(struct facts *facts, const char *arg);
bool mapper_lacks_setuid(struct facts *facts, const char *arg);
bool setuid_mapper_is_elsewhere(struct facts *facts, const char *arg);
bool mapper_lacks_cap(struct facts *facts, const char *arg); /* "6", a capability's number */
bool root_lacks_cap(struct facts *facts, const char *arg);   /* as mapper_lacks_cap, for uid 0 */
bool mapper_needs_sys_admin(struct facts *facts, const char *arg); /* "container" or "host" */
bool mapper_lacks_filecaps(struct facts *facts, const char *arg);  /* "container" or "host" */
bool mapper_lacks_cap_and_filecaps(struct facts *facts, const char *arg);
bool ranges_are_not_ours(struct facts *facts, const char *arg);
bool ranges_come_from_elsewhere(struct facts *facts, const char *arg);
bool has_lines(struct facts *facts, const char *arg);
bool local_user_lacks_ranges(struct facts *facts, const char *arg); /* "u", "g" or "ug" */
bool other_user_lacks_ranges(struct facts *facts, const char *arg);
bool user_lacks_ranges(struct facts *facts, const char *arg);
bool no_range_is_free(struct facts *facts, const char *arg);
bool no_usual_range_is_free(struct facts *facts, const char *arg);
bool has_account(struct facts *facts, const char *arg);		  /* in /etc/passwd */
bool subid_file_is_missing(struct facts *facts, const char *arg); /* for a local user */

bool dynamic_source_was_asked_for(struct facts *facts, const char *arg);
bool static_source_would_do(struct facts *facts, const char *arg);
bool group_is_not_of_account(struct facts *facts, const char *arg);

/* mapper_failed_to_write() - was newuidmap or newgidmap there, and the kernel refused the map? No
 * seccomp filter is the reason then: the write itself is allowed everywhere. */
bool mapper_failed_to_write(const struct error *err);

/* is_closed_to_us() - does @st lack one of @bits for our ids? facts->value: whose it is */
bool is_closed_to_us(struct facts *facts, const struct stat *st, mode_t bits);

/* statedirs.c */
bool error_names_path(struct facts *facts, const char *arg);  /* "…" */
bool error_names_place(struct facts *facts, const char *arg); /* what there is of that path */
bool copy_up_is_missing(struct facts *facts, const char *arg);
bool copy_up_is_closed(struct facts *facts, const char *arg);
bool state_dir_is_link(struct facts *facts, const char *arg);

/* programs.c */
bool device_is_something_else(struct facts *facts, const char *arg);
bool device_is_on_nodev(struct facts *facts, const char *arg);
bool slirp_is_elsewhere(struct facts *facts, const char *arg);
bool shield_was_required(struct facts *facts, const char *arg);
bool is_in_container(struct facts *facts, const char *arg);
bool device_is_missing(struct facts *facts, const char *arg); /* "container" or "host" */
bool device_is_closed(struct facts *facts, const char *arg);
bool holder_is_known(struct facts *facts, const char *arg);
bool runtime_dir_is_unset(struct facts *facts, const char *arg); /* "there" or "missing" */
bool unit_has_no_runtime_dir(struct facts *facts, const char *arg);
bool runtime_dir_is_gone(struct facts *facts, const char *arg);
bool runtime_dir_is_not_ours(struct facts *facts, const char *arg);
bool target_has_no_interpreter(struct facts *facts, const char *arg);
bool is_elsewhere(struct facts *facts, const char *arg); /* the program; NULL: the target */
bool target_is_not_in_path(struct facts *facts, const char *arg);
bool target_is_absent(struct facts *facts, const char *arg);
bool target_is_out_of_reach(struct facts *facts, const char *arg);
bool target_is_not_for_us(struct facts *facts, const char *arg);
bool target_is_directory(struct facts *facts, const char *arg);
bool target_has_no_x_bit(struct facts *facts, const char *arg);
bool target_is_on_noexec(struct facts *facts, const char *arg);
bool target_is_there(struct facts *facts, const char *arg);

/* ports.c */
bool port_is_privileged(struct facts *facts, const char *arg); /* the sysctl, below /proc/sys */
bool port_of_slirp_is_privileged(struct facts *facts, const char *arg); /* the same */
bool error_names_address(struct facts *facts, const char *arg);
bool listener_is_known(struct facts *facts, const char *arg); /* the words before its number */
