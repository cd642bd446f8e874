/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary records from a runner: each gives a return value. An accepted error has a valid errno
 * value, step and reason, and two terminated strings.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/sys/message.h"
#include "sys/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The members in sequence, truncated where the input ends, so nearly every byte matters. The first
 * byte selects whether the record is complete.
 */
static size_t compose(const uint8_t *data, size_t size, struct verdict *ret)
{
	size_t whole = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	if (size > 0 && data[0] % 8 == 0)
		whole -= (size_t)data[0] / 8 + 1;
	if (size > 1)
		memcpy(ret, data + 1, MIN(size - 1, sizeof(*ret)));
	return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verdict sent, got;
	struct error err = {0};
	int pair[2], rc;
	size_t whole = compose(data, size, &sent);

	if (message_pair(pair) < 0)
		return 0;
	if (message_send(pair[1], &sent, whole, NULL, 0) == 0) {
		rc = verdict_recv(pair[0], "fuzz", &got, NULL, 0, &err);
		assert(rc <= 0 && rc >= -4095);
		assert((rc == 0) == (whole == sizeof(sent) && sent.rc == 0));
		assert(rc == 0 || err.code == -rc);
		assert((unsigned)err.step < STEP_COUNT_ && (unsigned)err.reason < REASON_COUNT_);
		assert(strnlen(err.text, sizeof(err.text)) < sizeof(err.text));
		assert(strnlen(err.about, sizeof(err.about)) < sizeof(err.about));
		assert(err.reason != REASON_NONE || !*err.about);
		assert(rc < 0 || memcmp(got.out, sent.out, sizeof(got.out)) == 0);
	}
	fd_close(pair[0]);
	fd_close(pair[1]);
	return 0;
}
