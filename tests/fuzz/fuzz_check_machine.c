/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read from files of a machine: one text stands in all of them. A range that is proposed as
 * free must be nobody's afterwards, either.
 */
#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "check/cause.h"
#include "fake_machine.h"

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

static void clear(void)
{
	clear_fake(&fake);
}

static void write_all(const char *data, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char path[PATH_MAX];
		int fd;

		assert(machine_path(&fake.machine, paths[i], path, sizeof(path)));
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert(fd >= 0 && fd_write_all(fd, data, size) == 0);
		close(fd);
	}
}

/* Whoever gets the proposed range has it to himself: with his line, another one is proposed. */
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
	write_all(text, strlen(text));
	if (machine_free_range(&fake.machine, &next, &more))
		assert((uint64_t)next >= (uint64_t)first + count ||
		       (uint64_t)first >= (uint64_t)next + more);
}

/* An error of the step and with the code that @choice names. */
static void explain_one(const struct config *config, unsigned choice, const char *text)
{
	static const int codes[] = {EPERM,  EACCES, ENOENT, EINVAL,	ENOSPC,	      EAGAIN,
				    EMFILE, EBUSY,  EROFS,  EADDRINUSE, EADDRNOTAVAIL};
	struct error err = {
		.code = codes[choice / STEP_COUNT_ % ARRAY_SIZE(codes)],
		.step = (enum error_step)(choice % STEP_COUNT_),
	};
	struct explanation why;

	(void)str_print(err.text, sizeof(err.text), "%s", text);
	if (explain(&err, config, &fake.machine, &why))
		assert(*why.cause && *why.remedy && !strchr(why.cause, '\n') &&
		       !strchr(why.remedy, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct file none[MAX_FILES] = {{0}};
	char text[256];
	struct config config;

	if (!*fake.root) {
		make_fake(&fake, none);
		write_all("", 0);
		(void)atexit(clear);
	}
	write_all((const char *)data, size);
	config_init(&config);
	for (unsigned i = 0; i < 8; i++)
		explain_one(&config, (size > 0 ? data[0] : 0) + i * 29,
			    "newuidmap has no subordinate not allowed");
	/* What errors say is read, too: paths, addresses, process IDs. */
	(void)str_print(text, sizeof(text), "%.*s", (int)MIN(size, sizeof(text) - 1),
			(const char *)data);
	for (unsigned i = 0; i < 8; i++)
		explain_one(&config, (size > 0 ? data[size - 1] : 0) + i * 29, text);
	(void)machine_user(&fake.machine, text, sizeof(text));
	assert(*text || size > 0);
	(void)machine_lacks_cap(&fake.machine, size % 64);
	check_free_range((const char *)data, size);
	return 0;
}
