/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output of slirp4netns: the parsed version is in the text in decimal. The error is one
 * printable line of parts of the text. The output of pasta: the parsed version is a day, or empty.
 */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"
#include "net/helper/helper.h"
#include "net/pasta/pasta.h"
#include "net/slirp4netns/slirp4netns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_version(const char *text)
{
	struct slirp_version v;
	char numbers[64];
	const char *rest;

	if (slirp_version_parse(text, &v) < 0)
		return;
	rest = str_after(text, "slirp4netns version ");
	assert(rest);
	snprintf(numbers, sizeof(numbers), "%u.%u.%u", v.major, v.minor, v.patch);
	/* The text can differ only by leading zeros. */
	if (!str_after(rest, numbers))
		assert(strchr(rest, '0'));
	assert(slirp_version_sufficient(&v) == (v.major > 0 || v.minor > 3));
	snprintf(numbers, sizeof(numbers), "%u", v.libslirp_major);
	assert(v.libslirp_major == 0 || strstr(rest, numbers));
}

static void check_complaint(const char *text, size_t size)
{
	char complaint[256];
	_cleanup_free_ char *small = malloc(size);

	assert(small);
	net_helper_complaint(&slirp_ops, text, complaint, sizeof(complaint));
	assert(strlen(complaint) < sizeof(complaint));
	for (const char *p = complaint; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
	/* No buffer size is exceeded. */
	net_helper_complaint(&slirp_ops, text, small, size);
	assert(strlen(small) < size);
}

static void check_pasta(const char *text)
{
	char version[32];

	(void)pasta_interpret(text);
	if (pasta_version_parse(text, version, sizeof(version)) < 0)
		return;
	assert(!*text || strstr(text, "pasta ") || str_after(text, "Can't run AVX2 build"));
	assert(!*version || (strlen(version) == 10 && version[4] == '-' && version[7] == '-'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512];

	if (size == 0)
		return 0;
	size = MIN(size, sizeof(text) - 1);
	memcpy(text, data, size);
	text[size] = '\0';
	check_version(text);
	check_complaint(text, (size_t)data[0] % 64 + 1);
	check_pasta(text);
	return 0;
}
