/* SPDX-License-Identifier: Apache-2.0 */
/* For all messages of a broken child the launcher's wait ends with success or with a valid error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/proc/handshake.h"

#define RECORD_MAX \
	(4 * sizeof(uint32_t) + ERROR_ABOUT_MAX + sizeof(((struct error *)NULL)->text) + 2)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	size_t at = 0;
	int pair[2], rc;

	log_setup("fauxroot", "parent", (enum log_level)0, LOG_FORMAT_TEXT);
	if (message_pair(pair) < 0)
		return 0;
	/* Records that do not fit into the socket's buffer are not sent: the reader starts later.
	 */
	if (fcntl(pair[1], F_SETFL, O_NONBLOCK) < 0)
		return 0;
	/* Records, each after its length in two bytes, then end of file. The longest is one byte
	 * longer than a record can be. */
	while (at + 2 < size) {
		size_t n = data[at] | (size_t)data[at + 1] << 8;

		at += 2;
		n = MIN(n % RECORD_MAX, size - at);
		if (message_send(pair[1], data + at, n, NULL, 0) < 0)
			break;
		at += n;
	}
	fd_close(pair[1]);
	rc = handshake_expect(pair[0], HANDSHAKE_MOUNTED, "mounting", -1, &err);
	if (rc < 0 && (err.code != -rc || strnlen(err.text, sizeof(err.text)) == sizeof(err.text)))
		__builtin_trap();
	if (rc < 0 && ((unsigned)err.step >= STEP_COUNT_ || (unsigned)err.reason >= REASON_COUNT_))
		__builtin_trap();
	if (strnlen(err.about, sizeof(err.about)) == sizeof(err.about) ||
	    (err.reason == REASON_NONE && *err.about))
		__builtin_trap();
	fd_close(pair[0]);
	return 0;
}
