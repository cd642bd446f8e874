/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * newuidmap(1) and newgidmap(1) exit with status 1 after every failure; only the message shows the
 * reason. It is parsed here and nowhere else. The messages are those of shadow, src/newuidmap.c and
 * libmisc/idmapping.c, unchanged since version 4.2. start_mapper() sets the language to English.
 */
#include "complaint.h"

#include <stddef.h>
#include <string.h>

#include "fauxroot/base/macro.h"

/* Parts of the message, in this order. */
static const struct {
	const char *words[2];
	enum error_reason reason;
} complaints[] = {
	/* Only a seccomp filter makes the opening of the map fail in this way; missing privileges
	 * do not. */
	{{"open of ", "_map failed: Operation not permitted"}, REASON_MAP_OPEN},
	{{"open of ", "_map failed: Function not implemented"}, REASON_MAP_OPEN},
	{{"", "_map failed"}, REASON_MAP_WRITE},
	{{"range [", "not allowed"}, REASON_NOT_GRANTED},
	{{"", "Cannot determine your user name"}, REASON_NO_ACCOUNT},
	{{"", "owned by a different user"}, REASON_NOT_OWNER},
};

enum error_reason complaint_reason(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
		const char *at = strstr(text, complaints[i].words[0]);

		if (at && strstr(at, complaints[i].words[1]))
			return complaints[i].reason;
	}
	return REASON_DIED;
}
