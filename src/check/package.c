/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to install, and how the kernel gets an argument: by the ID of /etc/os-release, then by the
 * words of ID_LIKE (man 5 os-release).
 */
#include <stdio.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "machine.h"

struct distribution {
	const char *ids;		   /* separated by blanks */
	const char *install, *install_end; /* what comes before and after the package */
	const char *newuidmap, *getsubids; /* packages that are not named after the program */
	const char *boot, *boot_end; /* before and after the kernel's argument; NULL: not known */
};

#define GRUBBY "sudo grubby --update-kernel=ALL --args="
#define GRUB   "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&"
#define REBOOT " && sudo systemctl reboot"

static const struct distribution distributions[] = {
	{"debian ubuntu", "apt-get install ", "", "uidmap", "uidmap", GRUB,
	 " /' /etc/default/grub && sudo update-grub && sudo reboot"},
	{"fedora rhel centos rocky almalinux ol amzn", "dnf install ", "", "shadow-utils",
	 "shadow-utils-subid", GRUBBY, " && sudo reboot"},
	{"alpine", "apk add ", "", "shadow-uidmap", "shadow-subids", NULL, NULL},
	{"arch", "pacman -S ", "", "shadow", "shadow", NULL, NULL},
	{"opensuse-microos opensuse-aeon opensuse-kalpa sle-micro sl-micro",
	 "transactional-update pkg install ", REBOOT, "shadow", "shadow", NULL, NULL},
	{"suse opensuse opensuse-leap opensuse-tumbleweed sles", "zypper install ", "", "shadow",
	 "shadow", NULL, NULL},
	{"gentoo", "emerge ", "", "sys-apps/shadow", "sys-apps/shadow", NULL, NULL},
	{"nixos", "nix-env -iA nixos.", "", "shadow", "shadow", NULL, NULL},
	{"void", "xbps-install -S ", "", "shadow", "shadow", NULL, NULL},
	{"mageia", "urpmi ", "", "shadow-utils", "shadow-utils", NULL, NULL},
	{"photon", "tdnf install ", "", "shadow", "shadow", NULL, NULL},
};

/* Fedora CoreOS and its like, whose ID is that of what they are made of. */
static const struct distribution ostree = {
	"",
	"rpm-ostree install ",
	REBOOT,
	"shadow-utils",
	"shadow-utils-subid",
	"sudo rpm-ostree kargs --append=",
	REBOOT,
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

static const struct distribution *distribution_of(const struct machine *machine)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/os-release");
	const struct distribution *d;

	if (!text)
		text = machine_read(machine, "/usr/lib/os-release");
	if (machine_exists(machine, "/run/ostree-booted"))
		return &ostree;
	d = find_by_field(text ? text : "", "ID");
	return d ? d : find_by_field(text ? text : "", "ID_LIKE");
}

const char *machine_package(const struct machine *machine, const char *program, char *buf,
			    size_t size)
{
	const struct distribution *d = distribution_of(machine);

	if (!d)
		(void)str_print(buf, size, "install the package that has %s", program);
	else
		(void)str_print(buf, size, "sudo %s%s%s", d->install,
				streq(program, "newuidmap")   ? d->newuidmap
				: streq(program, "getsubids") ? d->getsubids
							      : program,
				d->install_end);
	return buf;
}

const char *machine_boot(const struct machine *machine, const char *argument, char *buf,
			 size_t size)
{
	const struct distribution *d = distribution_of(machine);

	if (d && d->boot)
		(void)str_print(buf, size, "%s%s%s", d->boot, argument, d->boot_end);
	else
		(void)str_print(buf, size, "%s on the kernel's command line, and a reboot",
				argument);
	return buf;
}
