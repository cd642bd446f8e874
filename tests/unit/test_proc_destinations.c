/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/sys/seccomp.h"
#include "fauxroot/proc/destinations.h"

static int start(void **state)
{
	static struct destinations d;

	*state = &d;
	return destinations_open(&d, NULL);
}

static int end(void **state)
{
	destinations_close(*state);
	return 0;
}

static union endpoint at(unsigned port)
{
	union endpoint e;

	assert_int_equal(endpoint_of(port % 2 ? "10.0.2.100" : "fd00::100", (uint16_t)port, &e), 0);
	return e;
}

/* Returns the contents of a slot, as a reader of the memory sees them. */
static union endpoint there(const struct destinations *d, uint32_t slot)
{
	union endpoint e;

	assert_int_equal(pread(d->fd, &e, sizeof(e), (off_t)slot * DESTINATION_BYTES), sizeof(e));
	return e;
}

static void slots_are_shared_and_reused(void **state)
{
	struct destinations *d = *state;
	union endpoint one = at(80), other = at(81), seen;
	uint32_t a, b, c;

	assert_int_equal(destinations_add(d, &one, &a, NULL), 0);
	assert_int_equal(destinations_add(d, &other, &b, NULL), 0);
	assert_int_not_equal(a, b);
	/* Two ports to one address share a slot until both are removed. */
	assert_int_equal(destinations_add(d, &one, &c, NULL), 0);
	assert_int_equal(a, c);
	destinations_drop(d, a);
	seen = there(d, a);
	assert_true(endpoint_equal(&seen, &one));
	destinations_drop(d, a);
	seen = there(d, a);
	assert_int_equal(seen.sa.sa_family, 0xffff);
	seen = there(d, b);
	assert_true(endpoint_equal(&seen, &other));
	/* A free slot is reused. */
	assert_int_equal(destinations_add(d, &one, &c, NULL), 0);
	assert_int_equal(a, c);
}

/* No pointer to a slot of a path leads to another address. */
static void paths_take_slots_without_a_family(void **state)
{
	struct destinations *d = *state;
	char longest[108];
	union endpoint one = at(80), seen;
	uint32_t a, b, c, again;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[107] = '\0';
	assert_int_equal(destinations_add(d, &one, &a, NULL), 0);
	for (size_t n = 1; n <= 107; n++) {
		const char *path = longest + 107 - n;

		assert_int_equal(destinations_add_path(d, path, &b, NULL), 0);
		assert_int_equal(destinations_add_path(d, path, &again, NULL), 0);
		assert_int_equal(b, again);
		assert_int_not_equal(a, b);
		assert_int_equal(there(d, b).sa.sa_family, AF_UNIX);
		for (uint32_t i = 1; i < 4; i++) {
			seen = there(d, b + i);
			assert_true(seen.sa.sa_family > 255);
		}
		/* Another address gets none of its slots, nor when one of two users has gone. */
		destinations_drop(d, b);
		assert_int_equal(destinations_add(d, &(union endpoint){.in = at(81).in}, &c, NULL),
				 0);
		assert_true(c < b || c > b + 3);
		destinations_drop(d, c);
		destinations_drop(d, b);
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(there(d, b + i).sa.sa_family, 0xffff);
	}
	/* A path fills a gap of four, and the last slots. */
	assert_int_equal(destinations_add_path(d, "/x", &b, NULL), 0);
	for (unsigned i = 0; i < DESTINATIONS_BYTES / DESTINATION_BYTES - 5; i++) {
		union endpoint e = at(1000 + i);

		assert_int_equal(destinations_add(d, &e, &c, NULL), 0);
	}
	assert_int_equal(destinations_add_path(d, "/y", &c, NULL), -ENOSPC);
	destinations_drop(d, b);
	assert_int_equal(destinations_add_path(d, "/y", &c, NULL), 0);
	assert_int_equal(b, c);
}

/* A free slot is not AF_UNSPEC, and all DESTINATIONS_BYTES can be used. */
static void a_thousand_destinations_keep_their_slots(void **state)
{
	struct destinations *d = *state;
	union endpoint e;
	struct stat st;
	uint32_t slot;

	for (unsigned i = 0; i < 1000; i++) {
		e = at(i + 1);
		assert_int_equal(destinations_add(d, &e, &slot, NULL), 0);
		assert_int_equal(slot, i);
	}
	assert_int_equal(fstat(d->fd, &st), 0);
	for (uint32_t i = 0; i < st.st_size / DESTINATION_BYTES; i++) {
		union endpoint seen = there(d, i);

		e = at(i + 1);
		if (i < 1000)
			assert_true(endpoint_equal(&seen, &e));
		else
			assert_int_equal(seen.sa.sa_family, 0xffff);
	}
	for (unsigned i = 1000; i < DESTINATIONS_BYTES / DESTINATION_BYTES; i++) {
		e = at(i + 1);
		assert_int_equal(destinations_add(d, &e, &slot, NULL), 0);
	}
	e = at(65000);
	assert_int_equal(destinations_add(d, &e, &slot, NULL), -ENOSPC);
	assert_null(destination_at(DESTINATIONS_BYTES / DESTINATION_BYTES));
}

/* The file ends where a page ends, also with larger pages than this machine's: the rest of a page
 * would be zeros, which mean AF_UNSPEC. */
static void the_file_consists_of_whole_pages(void **state)
{
	const uint32_t pages[] = {4096, 16384, 65536};
	struct destinations *d = *state;
	union endpoint e = at(1);
	uint32_t slot;
	struct stat st;

	assert_int_equal(d->page_slots * DESTINATION_BYTES, sysconf(_SC_PAGESIZE));
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		destinations_close(d);
		assert_int_equal(destinations_open(d, NULL), 0);
		d->page_slots = pages[i] / DESTINATION_BYTES;
		assert_int_equal(destinations_add(d, &e, &slot, NULL), 0);
		assert_int_equal(fstat(d->fd, &st), 0);
		assert_int_equal(st.st_size, pages[i]);
		for (uint32_t n = 1; n < d->page_slots; n++)
			assert_int_equal(there(d, n).sa.sa_family, 0xffff);
	}
}

/* A reader in another process sees later writes. */
static void a_process_maps_them_once(void **state)
{
	struct destinations *d = *state;
	union endpoint one = at(80), later = at(79);
	uint32_t a, b;
	int status;
	pid_t pid;

	assert_int_equal(destinations_add(d, &one, &a, NULL), 0);
	pid = fork();
	if (pid == 0) {
		if (destinations_map(d->fd, NULL) < 0 || destinations_map(d->fd, NULL) != -EEXIST)
			_exit(1);
		if (!endpoint_equal(destination_at(a), &one))
			_exit(2);
		if (destinations_add(d, &later, &b, NULL) < 0 ||
		    !endpoint_equal(destination_at(b), &later))
			_exit(3);
		_exit(42);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 42 << 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(slots_are_shared_and_reused, start, end),
		cmocka_unit_test_setup_teardown(paths_take_slots_without_a_family, start, end),
		cmocka_unit_test_setup_teardown(a_thousand_destinations_keep_their_slots, start,
						end),
		cmocka_unit_test_setup_teardown(the_file_consists_of_whole_pages, start, end),
		cmocka_unit_test_setup_teardown(a_process_maps_them_once, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
