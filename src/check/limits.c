/* SPDX-License-Identifier: Apache-2.0 */
/* Tests for what there is only so much of: the kernel's age, namespaces, processes, descriptors. */
#include "cause.h"

#include <stdint.h>
#include <string.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* What is proposed, where the hard limit allows it. */
#define ENOUGH_DESCRIPTORS 65536

static bool parse_release(const char *text, uint32_t *ret_major, uint32_t *ret_minor)
{
	struct cursor c = cursor_of(text);

	return cursor_u32(&c, UINT32_MAX, ret_major) == 0 && cursor_char(&c, '.') &&
	       cursor_u32(&c, UINT32_MAX, ret_minor) == 0;
}

bool kernel_is_older(struct facts *facts, const char *arg)
{
	uint32_t major, minor, wanted_major, wanted_minor;

	(void)str_print(facts->path, sizeof(facts->path), "/proc/sys/kernel/osrelease");
	return parse_release(arg, &wanted_major, &wanted_minor) &&
	       machine_word(facts->machine, facts->path, facts->value, sizeof(facts->value)) &&
	       parse_release(facts->value, &major, &minor) &&
	       (major < wanted_major || (major == wanted_major && minor < wanted_minor));
}

/* The namespaces that a launch can make, as /proc/sys/user/max_…_namespaces calls them. */
static const char *const kinds[] = {"user", "mnt", "net", "pid", "cgroup", "uts", "ipc"};

static bool is_made(const struct config *config, const char *kind)
{
	if (streq(kind, "net"))
		return config->net != NET_HOST;
	if (streq(kind, "pid"))
		return config->pidns;
	if (streq(kind, "cgroup"))
		return config->cgroupns;
	if (streq(kind, "uts"))
		return config->utsns;
	if (streq(kind, "ipc"))
		return config->ipcns;
	return true; /* user, mnt */
}

static bool read_limit(struct facts *facts, const char *kind, char *buf, size_t size)
{
	return str_print(facts->path, sizeof(facts->path), "/proc/sys/user/max_%s_namespaces",
			 kind) == 0 &&
	       machine_word(facts->machine, facts->path, buf, size);
}

/* The first of the kinds in @arg that is asked for and has the limit @limit. */
static bool limit_is(struct facts *facts, const char *arg, const char *limit)
{
	struct cursor c = cursor_of(arg);

	while (!cursor_at_end(&c)) {
		const char *word;
		size_t n;

		cursor_until(&c, " ", &word, &n);
		cursor_char(&c, ' ');
		if (str_print(facts->point, sizeof(facts->point), "%.*s", (int)n, word) == 0 &&
		    is_made(facts->config, facts->point) &&
		    read_limit(facts, facts->point, facts->value, sizeof(facts->value)) &&
		    streq(facts->value, limit))
			return true;
	}
	return false;
}

bool limit_is_zero(struct facts *facts, const char *arg)
{
	return limit_is(facts, arg, "0");
}

bool limit_is_one(struct facts *facts, const char *arg)
{
	return limit_is(facts, arg, "1");
}

/* "max_user_namespaces 63000, max_mnt_namespaces 63000" */
bool limits_are_there(struct facts *facts, const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t used = strlen(facts->value);
		char limit[32];

		if (is_made(facts->config, kinds[i]) &&
		    read_limit(facts, kinds[i], limit, sizeof(limit)))
			(void)str_print(facts->value + used, sizeof(facts->value) - used,
					"%smax_%s_namespaces %s", used > 0 ? ", " : "", kinds[i],
					limit);
	}
	return *facts->value != '\0';
}

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

static void say_limit(struct facts *facts, uint64_t soft, uint64_t wanted)
{
	(void)str_print(facts->value, sizeof(facts->value), "%llu", (unsigned long long)soft);
	(void)str_print(facts->point, sizeof(facts->point), "%llu", (unsigned long long)wanted);
}

bool process_limit_is_low(struct facts *facts, const char *arg)
{
	uint64_t soft, hard;

	(void)arg;
	if (!read_rlimit(facts, "Max processes", &soft, &hard) || soft == UINT64_MAX)
		return false;
	say_limit(facts, soft, hard);
	return true;
}

bool descriptor_limit_is_low(struct facts *facts, const char *arg)
{
	uint64_t soft, hard;

	if (!read_rlimit(facts, "Max open files", &soft, &hard) ||
	    (soft < hard) != streq(arg, "soft"))
		return false;
	say_limit(facts, soft, soft < ENOUGH_DESCRIPTORS ? MIN(hard, ENOUGH_DESCRIPTORS) : hard);
	return true;
}

/* Our cgroup and those above it, up to the root, which has no pids.max (cgroup-v2.rst). */
bool cgroup_has_no_pids_left(struct facts *facts, const char *arg)
{
	_cleanup_free_ char *text = machine_read(facts->machine, "/proc/self/cgroup");
	struct cursor c = cursor_of(text ? text : ""), line;
	char path[PATH_MAX] = "", *end;

	(void)arg;
	while (cursor_line(&c, &line))
		if (cursor_word(&line, "0::"))
			(void)str_print(path, sizeof(path), "/sys/fs/cgroup%.*s",
					(int)cursor_left(&line), line.at);
	while (str_after(path, "/sys/fs/cgroup/")) {
		char events[64];
		uint32_t refused;

		(void)str_print(facts->path, sizeof(facts->path), "%s/pids.events", path);
		if (machine_word(facts->machine, facts->path, events, sizeof(events))) {
			struct cursor count = cursor_of(events);

			(void)str_print(facts->path, sizeof(facts->path), "%s/pids.max", path);
			if (cursor_word(&count, "max ") &&
			    cursor_u32(&count, UINT32_MAX, &refused) == 0 && refused > 0 &&
			    machine_word(facts->machine, facts->path, facts->value,
					 sizeof(facts->value)) &&
			    !streq(facts->value, "max"))
				return true;
		}
		end = strrchr(path, '/');
		*end = '\0';
	}
	return false;
}
