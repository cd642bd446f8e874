/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of processes and descriptors, and of PATH. */
#include "../cause.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/cgroup.h"

/* The steps that run other programs. */
#define PROGRAMS (STEP_BIT(STEP_NET) | STEP_BIT(STEP_IDMAP))

/* The proposed limit, if the hard limit allows it. */
#define ENOUGH_DESCRIPTORS 65536

/* A limit of /proc/self/limits; "unlimited" is UINT64_MAX. */
static bool read_rlimit(const struct facts *facts, const char *name, uint64_t *ret_soft,
			uint64_t *ret_hard)
{
	_cleanup_free_ char *text = machine_read(facts->machine, "/proc/self/limits");
	struct cursor c = cursor_of(text ? text : ""), line;

	while (cursor_line(&c, &line)) {
		uint64_t *const values[] = {ret_soft, ret_hard};

		if (!cursor_word(&line, name))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			cursor_blanks(&line);
			*values[i] = UINT64_MAX;
			if (!cursor_word(&line, "unlimited") &&
			    cursor_u64(&line, UINT64_MAX, values[i]) < 0)
				return false;
		}
		return true;
	}
	return false;
}

static bool process_limit_is_low(struct facts *facts)
{
	uint64_t soft, hard;

	return read_rlimit(facts, "Max processes", &soft, &hard) && soft != UINT64_MAX &&
	       fact(facts, "limit", "%llu", (unsigned long long)soft);
}

static bool soft_limit_is_low(struct facts *facts)
{
	uint64_t soft, hard;

	if (!read_rlimit(facts, "Max open files", &soft, &hard) || soft >= hard)
		return false;
	if (soft < ENOUGH_DESCRIPTORS)
		hard = MIN(hard, ENOUGH_DESCRIPTORS);
	return fact(facts, "limit", "%llu", (unsigned long long)soft) &&
	       fact(facts, "possible", "%llu", (unsigned long long)hard);
}

static bool hard_limit_is_low(struct facts *facts)
{
	uint64_t soft, hard;

	return read_rlimit(facts, "Max open files", &soft, &hard) && soft >= hard &&
	       fact(facts, "limit", "%llu", (unsigned long long)soft);
}

static bool file_limit_is_low(struct facts *facts)
{
	uint64_t soft, hard;

	return read_rlimit(facts, "Max file size", &soft, &hard) && soft != UINT64_MAX &&
	       fact(facts, "limit", "%llu", (unsigned long long)soft);
}

/* Has the cgroup @dir refused a process? */
static bool has_no_pids_left(struct facts *facts, const char *dir)
{
	char path[PATH_MAX], events[64];
	struct cursor c;
	uint32_t refused;

	(void)str_print(path, sizeof(path), "%s/pids.events", dir);
	if (!machine_first_line(facts->machine, path, events, sizeof(events)))
		return false;
	c = cursor_of(events);
	(void)str_print(path, sizeof(path), "%s/pids.max", dir);
	return cursor_word(&c, "max ") && cursor_u32(&c, UINT32_MAX, &refused) == 0 &&
	       refused > 0 && fact_file(facts, "limit", path) &&
	       !streq(fact_text(facts, "limit"), "max") && fact(facts, "file", "%s", path);
}

/* Check our cgroup and its ancestors. The root has no pids.max (cgroup-v2.rst). */
static bool cgroup_has_no_pids_left(struct facts *facts)
{
	_cleanup_free_ char *dir = NULL;

	if (machine_cgroup2(facts->machine, NULL, &dir) < 0)
		return false;
	for (char *end; (end = strrchr(dir, '/')); *end = '\0')
		if (has_no_pids_left(facts, dir))
			return true;
	return false;
}

/* Is the program not in PATH, but in another directory that distributions use? */
static bool program_is_elsewhere(struct facts *facts)
{
	const char *name = facts->err->about;
	char path[PATH_MAX], dir[PATH_MAX];

	return *name && !is_about_getsubids(facts) &&
	       !machine_find(facts->machine, name, path, sizeof(path)) &&
	       machine_find_elsewhere(facts->machine, name, 0111, dir, sizeof(dir)) &&
	       fact(facts, "dir", "%s", dir) && fact(facts, "program", "%s/%s", dir, name);
}

/* Is a variable set that makes the dynamic loader load other libraries? The loader ignores it for
 * programs with privileges, such as newuidmap. Sets {variable}, {value}. */
static bool loader_variable_is_set(struct facts *facts)
{
	static const char *const variables[] = {"LD_LIBRARY_PATH", "LD_PRELOAD"};

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *value = getenv(variables[i]);

		if (value && *value)
			return fact(facts, "program", "%s", facts->err->about) &&
			       fact(facts, "variable", "%s", variables[i]) &&
			       fact(facts, "value", "%s", value);
	}
	return false;
}

static bool loader_failed(struct facts *facts)
{
	return fact(facts, "program", "%s", facts->err->about);
}

const struct cause causes_of_limits[] = {
	{/* Daemons need iptables and runc, which only root's PATH may contain. */
	 FAILURE("program-not-in-path", ANY_STEP, REASON_EXEC, ENOENT),
	 .test = program_is_elsewhere,
	 .cause = "the program is {program}, and {dir} is not in PATH",
	 .remedy = "PATH=$PATH:{dir}"},
	{FAILURE("loader-variable", PROGRAMS, REASON_LOADER, ELIBACC),
	 .test = loader_variable_is_set,
	 .cause = "{variable} is {value}, and {program} does not run with the libraries there",
	 .remedy = "env -u {variable} fauxroot …\n"
		   "env -u {variable} fauxroot … env {variable}={value} … # only for the command"},
	{FAILURE("loader-libraries", PROGRAMS, REASON_LOADER, ELIBACC), .test = loader_failed,
	 .cause = "a library that {program} needs is missing or has the wrong version",
	 .remedy = "ldd $(command -v {program}) # lists the libraries"},
	{FAILURE("cgroup-pids-max", ANY_STEP, ANY_REASON, EAGAIN), .test = cgroup_has_no_pids_left,
	 .cause = "the cgroup has reached its limit of processes, {limit} ({file})",
	 .docker = "--pids-limit=-1", .kubernetes = "raise podPidsLimit of the kubelet",
	 .remedy = "in a systemd unit, set TasksMax=infinity"},
	{FAILURE("process-limit", ANY_STEP, ANY_REASON, EAGAIN), .test = process_limit_is_low,
	 .cause =
		 "{user} may have {limit} processes and threads (/proc/self/limits, Max processes)",
	 .remedy = SET_LIMIT("nproc") "\nin a systemd unit, set LimitNPROC=65536"},
	{/* ETOOMANYREFS: descriptors in flight count, too (man 7 unix). */
	 FAILURE("descriptor-limit-soft", ANY_STEP, ANY_REASON, EMFILE, ETOOMANYREFS),
	 .test = soft_limit_is_low,
	 .cause = "a process may have {limit} descriptors open (/proc/self/limits, Max open "
		  "files); it may raise this limit to {possible}; a launch needs up to 64",
	 .remedy = "ulimit -n {possible}"},
	{FAILURE("descriptor-limit-hard", ANY_STEP, ANY_REASON, EMFILE, ETOOMANYREFS),
	 .test = hard_limit_is_low,
	 .cause = "a process may have {limit} descriptors open (/proc/self/limits, Max open "
		  "files); a launch needs up to 64",
	 .docker = "--ulimit nofile=65536",
	 .remedy = SET_LIMIT("nofile") "\nin a systemd unit, set LimitNOFILE=65536"},
	{FAILURE("file-size-limit", STEP_BIT(STEP_STATEDIR), REASON_FILE, EFBIG),
	 .test = file_limit_is_low,
	 .cause = "a process may write files of {limit} bytes (/proc/self/limits, Max file size)",
	 .remedy = "ulimit -f unlimited # in a new login session, if the hard limit is low, too\n"
		   "in a systemd unit, set LimitFSIZE=infinity"},
	{.cause = NULL},
};
