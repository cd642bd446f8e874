/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "slirp4netns.h"

static int take_version(struct cursor *c, uint32_t *major, uint32_t *minor, uint32_t *patch)
{
	uint32_t numbers[3];

	for (int i = 0; i < 3; i++)
		if ((i > 0 && !cursor_char(c, '.')) || cursor_u32(c, UINT32_MAX, &numbers[i]) < 0)
			return -EINVAL;
	*major = numbers[0];
	*minor = numbers[1];
	*patch = numbers[2];
	return 0;
}

int slirp_version_parse(const char *text, struct slirp_version *ret)
{
	struct cursor c = cursor_of(text);
	struct slirp_version version = {0};
	const char *rest;
	size_t n;

	if (!cursor_word(&c, "slirp4netns version ") ||
	    take_version(&c, &version.major, &version.minor, &version.patch) < 0)
		return -EINVAL;
	/* Search word by word: the lines of a helper's output are joined. */
	while (!cursor_at_end(&c)) {
		if (cursor_word(&c, "libslirp: "))
			(void)take_version(&c, &version.libslirp_major, &version.libslirp_minor,
					   &version.libslirp_patch);
		cursor_until(&c, " \n", &rest, &n);
		while (cursor_char(&c, ' ') || cursor_char(&c, '\n'))
			;
	}
	*ret = version;
	return 0;
}

bool slirp_version_sufficient(const struct slirp_version *version)
{
	/* 0.4.0 added --enable-sandbox and --enable-seccomp, and writes to ready-fd only when
	 * everything is set up. The other options are older. */
	return version->major > 0 || version->minor >= 4;
}

const char *const slirp_chatter[] = {
	"* ",
	"WARNING: Support for ",
	"WARNING: 127.0.0.1:* on the host is accessible",
	"Starting slirp",
	"sent tapfd=",
	"received tapfd=",
	"seccomp: The following syscalls are blocked",
	"do_slirp is exiting",
	"do_slirp failed",
	"parent failed",
	NULL,
};
