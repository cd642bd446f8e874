/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/self/mountinfo: printing a mount with escapes gives a line that parses to the same mount.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_field(FILE *out, const char *text)
{
	for (; *text; text++)
		if (strchr(" \t\n\\", *text))
			fprintf(out, "\\%03o", (unsigned)*text);
		else
			fputc(*text, out);
	fputc(' ', out);
}

static char *print_mount(const struct mount *mount)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert(out);
	fprintf(out, "1 2 %u:%u ", mount->major, mount->minor);
	print_field(out, mount->root);
	print_field(out, mount->point);
	print_field(out, mount->options);
	fputs("shared:1 - ", out);
	print_field(out, mount->type);
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of_n((const char *)data, size);
	struct mount mount, again;

	while (mountinfo_next(&c, &mount)) {
		_cleanup_free_ char *text = print_mount(&mount);
		struct cursor line = cursor_of(text);

		assert(*mount.root && *mount.point && *mount.options && *mount.type);
		assert(mountinfo_next(&line, &again));
		assert(mount.major == again.major && mount.minor == again.minor);
		assert(streq(mount.root, again.root) && streq(mount.point, again.point));
		assert(streq(mount.options, again.options) && streq(mount.type, again.type));
		assert(!mount_has(&mount, "nosuid") || strstr(mount.options, "nosuid"));
	}
	assert(cursor_at_end(&c));
	return 0;
}
