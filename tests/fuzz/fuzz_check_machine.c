/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a machine: one text is the contents of all of them. A range that is proposed as free
 * must not be another user's, either.
 */
#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "check/cause.h"
#include "fake_machine.h"
#include "fauxroot/check/explain.h"

static const char *const paths[] = {
	"/proc/self/status",
	"/proc/self/mountinfo",
	"/proc/self/uid_map",
	"/etc/passwd",
	"/etc/subuid",
	"/etc/os-release",
	"/etc/nsswitch.conf",
	"/etc/login.defs",
	"/proc/self/limits",
	"/proc/self/cgroup",
	"/proc/sys/kernel/osrelease",
	"/proc/sys/user/max_user_namespaces",
};

static struct fake fake;
static int one_text = -1;

static void clear(void)
{
	clear_fake(&fake);
}

/* A proposed range is exclusive: with a line for it, another one is proposed. */
static void check_free_range(const char *data, size_t size)
{
	uint32_t first, count, next, more;
	_cleanup_free_ char *text = NULL;

	if (!machine_free_range(&fake.machine, &first, &count))
		return;
	assert(count > 0 && count <= USUAL_IDS);
	text = str_format("a:%u:%u\n%.*s", first, count, (int)size, data);
	if (!text)
		abort();
	write_one_text(one_text, text, strlen(text));
	if (machine_free_range(&fake.machine, &next, &more))
		assert((uint64_t)next >= (uint64_t)first + count ||
		       (uint64_t)first >= (uint64_t)next + more);
}

/* Create an error of the step and with the code that @choice selects, for @reason. */
static void explain_one(const struct config *config, unsigned choice, size_t reason,
			const char *about)
{
	static const int codes[] = {EPERM,  EACCES, ENOENT, EINVAL,	ENOSPC,	      EAGAIN,
				    EMFILE, EBUSY,  EROFS,  EADDRINUSE, EADDRNOTAVAIL};
	struct error err = {
		.code = codes[choice / STEP_COUNT_ % ARRAY_SIZE(codes)],
		.step = (enum error_step)(choice % STEP_COUNT_),
		.reason = (enum error_reason)(reason % REASON_COUNT_),
	};
	struct explanation why;

	(void)str_print(err.about, sizeof(err.about), "%s", about);
	if (explain(&err, config, &fake.machine, &why))
		assert(*why.cause && *why.remedy && !strchr(why.cause, '\n') &&
		       !strstr(why.remedy, "\n\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct file none[MAX_FILES] = {{0}};
	char text[256];
	struct config config;

	if (!*fake.root) {
		make_fake(&fake, none);
		one_text = make_one_text(&fake, paths, ARRAY_SIZE(paths));
		(void)atexit(clear);
	}
	write_one_text(one_text, data, size);
	config_init(&config);
	explain_one(&config, size > 0 ? data[0] : 0, size, "newuidmap");
	/* The subjects of errors are parsed, too: paths, addresses, process IDs. */
	(void)str_print(text, sizeof(text), "%.*s", (int)MIN(size, sizeof(text) - 1),
			(const char *)data);
	explain_one(&config, size > 0 ? data[size - 1] : 0, size / 2, text);
	(void)machine_user(&fake.machine, text, sizeof(text));
	assert(*text || size > 0);
	(void)machine_lacks_cap(&fake.machine, size % 64);
	check_free_range((const char *)data, size);
	return 0;
}
