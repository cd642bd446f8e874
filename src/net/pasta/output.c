/* SPDX-License-Identifier: Apache-2.0 */
#include "pasta.h"

#include <errno.h>
#include <string.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

/* Parse "20250503" or "2025_05_03" at the cursor. */
static bool take_day(struct cursor c, char *ret, size_t size)
{
	char digits[8];

	for (size_t i = 0; i < sizeof(digits); i++) {
		if (i == 4 || i == 6)
			(void)cursor_char(&c, '_');
		if (cursor_at_end(&c) || *c.at < '0' || *c.at > '9')
			return false;
		digits[i] = *c.at;
		(void)cursor_char(&c, digits[i]);
	}
	return digits[0] == '2' &&
	       str_print(ret, size, "%.4s-%.2s-%.2s", digits, digits + 4, digits + 6) == 0;
}

int pasta_version_parse(const char *text, char *ret, size_t size)
{
	const char *at = strstr(text, "pasta ");
	bool complained = str_after(text, "Can't run AVX2 build") != NULL;
	struct cursor c;
	char day[16] = "";

	if (!at && (complained || *text == '\0'))
		return str_print(ret, size, "%s", "") < 0 ? -EINVAL : 0;
	if (!at || (at != text && !complained))
		return -EINVAL;
	c = cursor_of(at + strlen("pasta "));
	if (cursor_at_end(&c))
		return -EINVAL;
	while (!cursor_at_end(&c) && *c.at != ' ' && *c.at != '\n' &&
	       !take_day(c, day, sizeof(day)))
		(void)cursor_char(&c, *c.at);
	return str_print(ret, size, "%s", day) < 0 ? -EINVAL : 0;
}

/* Messages at the beginning of a line, and what they mean. */
static const struct {
	const char *start;
	struct net_helper_meaning meaning;
} meanings[] = {
	/* Until 2023: no interface has a default route. */
	{"External interface not usable", {REASON_NO_ROUTE, ECHILD}},
	{"No external routable interface", {REASON_NO_ROUTE, ECHILD}},
	{"Couldn't open user namespace", {REASON_CONFINED, ECHILD}},
	{"Couldn't enter user namespace", {REASON_CONFINED, ECHILD}},
	{"Couldn't create user namespace", {REASON_CONFINED, ECHILD}},
	{"Couldn't switch to pasta namespaces", {REASON_CONFINED, ECHILD}},
	/* pasta opens sockets and the device in a process that it clones, and does not report that
	 * clone(2) fails. /dev/net/tun itself is usable: the holder has opened it before. */
	{"Failed to get netlink socket", {REASON_DIED, EAGAIN}},
	{"Failed to open tun socket in namespace", {REASON_DIED, EAGAIN}},
	{"Failed to clone process", {REASON_DIED, EAGAIN}},
};

struct net_helper_meaning pasta_interpret(const char *text)
{
	struct cursor c = cursor_of(text), line;

	while (cursor_line(&c, &line))
		for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
			struct cursor start = line;

			if (cursor_word(&start, meanings[i].start))
				return meanings[i].meaning;
		}
	return (struct net_helper_meaning){REASON_DIED, ECHILD};
}

const char *const pasta_chatter[] = {
	"Failed to send ",	"Can't run AVX2 build",
	"Outbound interface",	"No routable interface",
	"Template interface",	"Multiple default ",
	"Multiple interfaces ", NULL,
};
