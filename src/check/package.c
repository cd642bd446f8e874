/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to install, and how the kernel gets an argument: by the ID of /etc/os-release, then by the
 * words of ID_LIKE (man 5 os-release).
 */
#include <stdio.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"
#include "package.h"

struct distribution {
	const char *ids;		   /* separated by blanks */
	const char *install;		   /* what comes before the package */
	const char *newuidmap, *getsubids; /* packages that are not named after the program */
	const char *boot, *boot_end; /* before and after the kernel's argument; NULL: not known */
};

#define GRUBBY "sudo grubby --update-kernel=ALL --args="
#define GRUB   "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&"

/* Of other distributions nothing here could be tested. */
static const struct distribution distributions[] = {
	{"debian ubuntu", "apt-get install ", "uidmap", "uidmap", GRUB,
	 " /' /etc/default/grub && sudo update-grub && sudo reboot"},
	{"fedora rhel centos rocky almalinux ol amzn", "dnf install ", "shadow-utils",
	 "shadow-utils-subid", GRUBBY, " && sudo reboot"},
	{"alpine", "apk add ", "shadow-uidmap", "shadow-subids", NULL, NULL},
};

/* The distribution that one of the words of the field @name of os-release is an id of. */
static const struct distribution *find_by_field(const char *text, const char *name)
{
	struct cursor c;
	char value[256];

	if (!osrelease_field(text, name, value, sizeof(value)))
		return NULL;
	for (c = cursor_of(value); !cursor_at_end(&c); cursor_blanks(&c)) {
		const char *word;
		size_t n;

		cursor_until(&c, " ", &word, &n);
		for (size_t i = 0; i < ARRAY_SIZE(distributions); i++)
			if (n > 0 && list_has(distributions[i].ids, " ", word, n))
				return &distributions[i];
	}
	return NULL;
}

static const struct distribution *distribution_of(const struct machine *machine)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/os-release");
	const struct distribution *d;

	if (!text)
		text = machine_read(machine, "/usr/lib/os-release");
	if (!text)
		return NULL;
	d = find_by_field(text, "ID");
	return d ? d : find_by_field(text, "ID_LIKE");
}

void package_install(const struct machine *machine, const char *program, char *buf, size_t size)
{
	const struct distribution *d = distribution_of(machine);

	if (!d)
		(void)str_print(buf, size, "install the package that has %s", program);
	else
		(void)str_print(buf, size, "sudo %s%s", d->install,
				streq(program, "newuidmap")   ? d->newuidmap
				: streq(program, "getsubids") ? d->getsubids
							      : program);
}

void package_boot(const struct machine *machine, const char *argument, char *buf, size_t size)
{
	const struct distribution *d = distribution_of(machine);

	if (d && d->boot)
		(void)str_print(buf, size, "%s%s%s", d->boot, argument, d->boot_end);
	else
		(void)str_print(buf, size, "%s on the kernel's command line, and a reboot",
				argument);
}
