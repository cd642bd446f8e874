/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel says about itself in text: its release and its configuration. */
#include "probe.h"

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

bool kernel_version(const char *release, unsigned *ret_major, unsigned *ret_minor)
{
	struct cursor c = cursor_of(release);
	uint32_t major, minor;

	if (cursor_u32(&c, 1000, &major) < 0 || !cursor_char(&c, '.') ||
	    cursor_u32(&c, 1000, &minor) < 0)
		return false;
	*ret_major = major;
	*ret_minor = minor;
	return true;
}

bool kernel_is_before(const struct machine *machine, unsigned major, unsigned minor)
{
	char release[128];
	unsigned a, b;

	return machine_word(machine, "/proc/sys/kernel/osrelease", release, sizeof(release)) &&
	       kernel_version(release, &a, &b) && (a < major || (a == major && b < minor));
}

bool kernel_config_lacks(const char *text, const char *option)
{
	struct cursor c = cursor_of(text), line;

	while (cursor_line(&c, &line))
		if (cursor_word(&line, "# ") && cursor_word(&line, option) &&
		    cursor_word(&line, " is not set"))
			return true;
	return false;
}
