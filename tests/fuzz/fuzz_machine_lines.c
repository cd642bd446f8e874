/* SPDX-License-Identifier: Apache-2.0 */
/* Files with one fact in each line: passwd, subuid, uid_map, os-release. Every result is in the
 * text. */
#include <assert.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/accounts.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/process.h"
#include "fauxroot/machine/subid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const struct cursor *name)
{
	assert(cursor_left(name) > 0 && !memchr(name->at, '\n', cursor_left(name)));
	assert(!memchr(name->at, ':', cursor_left(name)) && name->end[0] == ':');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct cursor c = cursor_of(text);
	struct subid_line line;
	struct account account;
	struct id_extent e;
	char value[32];

	assert(text);
	while (account_next(&c, &account)) {
		check_name(&account.name);
		assert(!strchr("+-#", *account.name.at));
	}
	assert(cursor_at_end(&c));
	for (c = cursor_of(text); subid_next(&c, &line);) {
		check_name(&line.owner);
		/* The C library reads the same number. */
		assert(strtoumax(line.owner.end + 1, NULL, 0) == line.start);
	}
	for (c = cursor_of(text); idmap_next(&c, &e);)
		assert(strpbrk(text, " \t"));
	if (osrelease_field(text, "ID", value, sizeof(value)))
		assert(strstr(text, "ID=") && strstr(text, value) && !strchr(value, '\n'));
	return 0;
}
