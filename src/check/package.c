/* SPDX-License-Identifier: Apache-2.0 */
/* What to install: by the ID of /etc/os-release, then by the words of ID_LIKE (man 5 os-release).
 */
#include <stdio.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "machine.h"

struct distribution {
	const char *ids; /* separated by blanks */
	const char *install;
	const char *newuidmap; /* also newgidmap */
	const char *getsubids;
	const char *slirp4netns;
};

static const struct distribution distributions[] = {
	{"debian ubuntu", "apt-get install", "uidmap", "uidmap", "slirp4netns"},
	{"fedora rhel centos rocky almalinux ol amzn", "dnf install", "shadow-utils",
	 "shadow-utils-subid", "slirp4netns"},
	{"alpine", "apk add", "shadow-uidmap", "shadow-uidmap", "slirp4netns"},
	{"arch", "pacman -S", "shadow", "shadow", "slirp4netns"},
	{"suse opensuse opensuse-leap opensuse-tumbleweed sles", "zypper install", "shadow",
	 "shadow", "slirp4netns"},
};

static bool list_has(const char *list, const char *word, size_t n)
{
	struct cursor c = cursor_of(list);

	while (!cursor_at_end(&c)) {
		const char *item;
		size_t m;

		cursor_until(&c, " ", &item, &m);
		cursor_char(&c, ' ');
		if (m == n && memcmp(item, word, n) == 0)
			return true;
	}
	return false;
}

/* The distribution that one of the words of the field @name of os-release is an id of. */
static const struct distribution *find_by_field(const char *text, const char *name)
{
	struct cursor c = cursor_of(text), line;

	while (cursor_line(&c, &line)) {
		if (!cursor_word(&line, name) || !cursor_char(&line, '='))
			continue;
		while (!cursor_at_end(&line)) {
			const char *word;
			size_t n;

			cursor_until(&line, "\"' ", &word, &n);
			if (!cursor_at_end(&line))
				line.at++;
			for (size_t i = 0; n > 0 && i < ARRAY_SIZE(distributions); i++)
				if (list_has(distributions[i].ids, word, n))
					return &distributions[i];
		}
	}
	return NULL;
}

const char *machine_package(const struct machine *machine, const char *program, char *buf,
			    size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/os-release");
	const struct distribution *d;

	if (!text)
		text = machine_read(machine, "/usr/lib/os-release");
	d = find_by_field(text ? text : "", "ID");
	if (!d)
		d = find_by_field(text ? text : "", "ID_LIKE");
	if (!d)
		(void)str_print(buf, size, "install the package that has %s", program);
	else
		(void)str_print(buf, size, "sudo %s %s", d->install,
				streq(program, "slirp4netns") ? d->slirp4netns
				: streq(program, "getsubids") ? d->getsubids
							      : d->newuidmap);
	return buf;
}
