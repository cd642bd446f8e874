/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of single options: the words of choices (those of --net and --port-driver are in
 * networks.c), and the rules for strings and numbers. check.c checks several options together.
 */
#include <assert.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/config/range.h"
#include "private.h"

const struct option_word api_inside_words[] = {
	[API_INSIDE_FULL] = {"full", true},
	[API_INSIDE_UNPRIVILEGED] = {"unprivileged", true},
	[API_INSIDE_READ_ONLY] = {"read-only", true},
	[API_INSIDE_NONE] = {"none", true},
	{NULL, false},
};
static_assert(ARRAY_SIZE(api_inside_words) == API_INSIDE_COUNT_ + 1, "every policy has a word");

const struct option_word net_accel_words[] = {
	[NET_ACCEL_NONE] = {"none", true},
	[NET_ACCEL_SWITCH] = {"switch", true},
	{NULL, false},
};
static_assert(ARRAY_SIZE(net_accel_words) == NET_ACCEL_COUNT_ + 1, "every acceleration has a word");

const struct option_word propagation_words[] = {
	[PROPAGATION_RPRIVATE] = {"rprivate", true},
	[PROPAGATION_PRIVATE] = {"private", true},
	[PROPAGATION_SLAVE] = {"slave", true},
	[PROPAGATION_RSLAVE] = {"rslave", true},
	[PROPAGATION_SHARED] = {"shared", true},
	[PROPAGATION_RSHARED] = {"rshared", true},
	{NULL, false},
};
static_assert(ARRAY_SIZE(propagation_words) == PROPAGATION_COUNT_ + 1, "every mode has a word");

const struct option_word tristate_words[] = {
	[TRI_AUTO] = {"auto", true},
	[TRI_TRUE] = {"true", true},
	[TRI_FALSE] = {"false", true},
	{NULL, false},
};

const struct option_word reaper_words[] = {
	[TRI_AUTO] = {"auto", true},
	[TRI_TRUE] = {"true", true},
	[TRI_FALSE] = {"false", true},
	{NULL, false},
};

const struct option_word copy_up_mode_words[] = {
	[COPY_UP_TMPFS_SYMLINK] = {"tmpfs+symlink", true},
	[COPY_UP_COPY] = {"copy", true},
	{NULL, false},
};
static_assert(ARRAY_SIZE(copy_up_mode_words) == COPY_UP_COUNT_ + 1, "every mode has a word");

const struct option_word idmap_words[] = {
	[IDMAP_AUTO] = {"auto", true},
	[IDMAP_SUBID] = {"subid", true},
	[IDMAP_SINGLE] = {"single", true},
	[IDMAP_FIT] = {"fit", true},
	{NULL, false},
};

const struct option_word subid_source_words[] = {
	[SUBID_AUTO] = {"auto", true},
	[SUBID_DYNAMIC] = {"dynamic", true},
	[SUBID_STATIC] = {"static", true},
	{NULL, false},
};

const struct option_word log_format_words[] = {
	[LOG_FORMAT_TEXT] = {"text", true},
	[LOG_FORMAT_JSON] = {"json", true},
	{NULL, false},
};

/* A user cannot select SEMVER_NONE by a word: an empty value selects the default. */
const struct option_word semver_words[] = {
	[SEMVER_NONE] = {"", true},
	[SEMVER_MAJOR] = {"major", true},
	[SEMVER_MINOR] = {"minor", true},
	[SEMVER_PATCH] = {"patch", true},
	{NULL, false},
};

const struct option_word check_words[] = {
	[CHECK_NONE] = {"false", true},
	[CHECK_PLAIN] = {"true", true},
	[CHECK_STRICT] = {"strict", true},
	{NULL, false},
};

/*
 * 0, or a value from the minimum of IPv4 (RFC 791: 68) to the maximum of the helpers. check.c
 * checks the minimum of IPv6.
 */
bool valid_mtu(const char *value)
{
	uint32_t mtu;

	return parse_u32(value, 65521, &mtu) == 0 && (mtu == 0 || mtu >= 68);
}

/*
 * The names that dev_valid_name() of the kernel accepts, but without '%': the tun driver takes
 * "tap%d" as a template and gives the device another name. "lo" is taken; the other two are names
 * of directories with sysctls of all devices.
 */
bool valid_ifname(const char *value)
{
	return strlen(value) < IFNAMSIZ && !streq(value, ".") && !streq(value, "..") &&
	       !streq(value, "lo") && !streq(value, "all") && !streq(value, "default") &&
	       !strpbrk(value, "/:% \t\n\v\f\r");
}

/* Without the interface of a link-local address: the network has its own. */
bool valid_dns(const char *value)
{
	union endpoint e;

	return streq(value, "none") || endpoint_of(value, 0, &e) == 0;
}

/* Up to a day. */
bool valid_seconds(const char *value)
{
	uint32_t seconds;

	return parse_u32(value, 86400, &seconds) == 0;
}

/* One component, so that the path cannot lead out of our cgroup. */
bool valid_cgroup(const char *value)
{
	return strlen(value) <= NAME_MAX && !strchr(value, '/') && !streq(value, ".") &&
	       !streq(value, "..");
}

bool config_name_is_valid(const char *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
			  digits[] = "0123456789", others[] = "_.-";
	struct cursor c = cursor_of(value);
	bool has_letter = false;

	if (strlen(value) > CONFIG_NAME_MAX || strchr(others, value[0]))
		return false;
	for (; !cursor_at_end(&c); c.at++) {
		if (strchr(letters, *c.at))
			has_letter = true;
		else if (!strchr(digits, *c.at) && !strchr(others, *c.at))
			return false;
	}
	return has_letter;
}

/*
 * An absolute path whose text does not lead to /tmp or to the root directory. The launch checks
 * whether the path exists. In /tmp daemons have sockets for their clients, which would be missing
 * in a copy.
 */
bool valid_copy_up(const char *value)
{
	char name[8] = ""; /* the only component so far, truncated */
	unsigned depth = 0;
	struct cursor c = cursor_of(value);

	if (*value != '/')
		return false;
	while (!cursor_at_end(&c)) {
		const char *part;
		size_t n;

		cursor_char(&c, '/');
		cursor_until(&c, "/", &part, &n);
		if (n == 0 || (n == 1 && part[0] == '.'))
			continue;
		if (n == 2 && part[0] == '.' && part[1] == '.') {
			depth -= depth > 0;
			continue;
		}
		if (depth++ == 0)
			snprintf(name, sizeof(name), "%.*s", (int)MIN(n, sizeof(name)), part);
	}
	return depth > 1 || (depth == 1 && !streq(name, "tmp"));
}

bool valid_range(const char *value)
{
	struct address_range range;

	return range_parse(value, &range) == 0;
}
