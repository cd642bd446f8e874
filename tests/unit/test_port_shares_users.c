/* SPDX-License-Identifier: Apache-2.0 */
/* The users of a share: it is freed with the last of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fauxroot/base/list.h"
#include "port/builtin/shares.h"

#define NOW_MS 1000000

static atomic_uint flows;
static struct shares shares;
static unsigned closed; /* number of shares that were freed */

static void on_closed(void *arg)
{
	assert_ptr_equal(arg, &closed);
	closed++;
}

/* The last user may be a connection that is being passed between threads. */
static void a_share_lives_until_its_last_user(void **state)
{
	struct share *share;
	union endpoint e;
	struct share_slot slots[2];
	int wake;

	(void)state;
	shares_init(&shares, 800, &flows, on_closed, &closed);
	share = share_open(&shares, 1, 2, false);
	assert_int_equal(endpoint_of("192.0.2.1", 5000, &e), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(share_enter(share, &e, &slots[i], 0, 1, NOW_MS, &wake),
				 SHARE_ENTERED);
		share_ref(share);
	}
	assert_true(share_arrive(&slots[0], 1));
	share_unref(share);
	(void)share_leave(&slots[0]);
	/* The second connection arrives after the port's listeners were closed. */
	share_remove(share);
	share_close(share);
	share_close(share);
	assert_int_equal(closed, 0);
	assert_false(share_arrive(&slots[1], 1));
	(void)share_leave(&slots[1]);
	share_unref(share);
	assert_int_equal(closed, 1);
	assert_int_equal(shares.n_tcp, 0);
	assert_int_equal(shares.used, 0);
	assert_true(list_empty(&shares.ports));
	shares_clear(&shares);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_lives_until_its_last_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
