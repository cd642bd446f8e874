/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to install a package and how to give the kernel an argument. The distribution is the ID of
 * /etc/os-release, or else a word of ID_LIKE (man 5 os-release).
 */
#include <stdio.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"
#include "package.h"

struct distribution {
	const char *ids;		   /* separated by blanks */
	const char *install, *install_end; /* before and after the package; NULL: nothing */
	const char *newuidmap, *getsubids; /* packages whose names differ from the program's */
	const char *boot, *boot_end; /* before and after the kernel's argument; NULL: unknown */
};

#define GRUBBY "sudo grubby --update-kernel=ALL --args="
#define GRUB   "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&"

#define REBOOT " && sudo systemctl reboot"

/* Only distributions whose commands are tested. */
static const struct distribution distributions[] = {
	{"debian ubuntu", "apt-get install ", NULL, "uidmap", "uidmap", GRUB,
	 " /' /etc/default/grub && sudo update-grub && sudo reboot"},
	{"fedora rhel centos rocky almalinux ol amzn", "dnf install ", NULL, "shadow-utils",
	 "shadow-utils-subid", GRUBBY, " && sudo reboot"},
	{"alpine", "apk add ", NULL, "shadow-uidmap", "shadow-subids", NULL, NULL},
};

/* Fedora CoreOS and Silverblue: /usr is read-only, and rpm-ostree(1) changes the next boot. */
static const struct distribution rpm_ostree = {
	.install = "rpm-ostree install ",
	.install_end = REBOOT,
	.newuidmap = "shadow-utils",
	.getsubids = "shadow-utils-subid",
	.boot = "sudo rpm-ostree kargs --append=",
	.boot_end = REBOOT,
};

/* Find the distribution whose ids contain a word of the field @name of os-release. */
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
	if (!d)
		d = find_by_field(text, "ID_LIKE");
	/* ostree(1) creates the file on each boot. No package manager above can install there. */
	if (d && machine_exists(machine, "/run/ostree-booted"))
		return str_after(d->install, "dnf ") ? &rpm_ostree : NULL;
	return d;
}

void package_install(const struct machine *machine, const char *program, char *buf, size_t size)
{
	const struct distribution *d = distribution_of(machine);

	if (!d)
		(void)str_print(buf, size, "install the package that contains %s", program);
	else
		(void)str_print(buf, size, "sudo %s%s%s", d->install,
				streq(program, "newuidmap")   ? d->newuidmap
				: streq(program, "getsubids") ? d->getsubids
							      : program,
				d->install_end ? d->install_end : "");
}

void package_boot(const struct machine *machine, const char *argument, char *buf, size_t size)
{
	const struct distribution *d = distribution_of(machine);

	if (d && d->boot)
		(void)str_print(buf, size, "%s%s%s", d->boot, argument, d->boot_end);
	else
		(void)str_print(buf, size, "add %s to the kernel command line and reboot",
				argument);
}
