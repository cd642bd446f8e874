/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings of a launch, and remedies that depend on the distribution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check/package.h"
#include "fake_machine.h"
#include "fauxroot/check/explain.h"

static void few_ids(void **state)
{
	static const struct file none[MAX_FILES] = {{0}};
	struct explanation why = {.id = NULL};
	struct fake fake;

	(void)state;
	make_fake(&fake, none);
	assert_false(explain_few_ids(65537, 65537, &fake.machine, &why));
	assert_false(explain_few_ids(65536, 65536, &fake.machine, &why));
	assert_string_equal(why.cause, "");
	assert_true(explain_few_ids(65536, 1001, &fake.machine, &why));
	assert_string_equal(why.cause,
			    "only 65536 user and 1001 group ids are mapped; container images use "
			    "ids up to 65535, and unpacking one fails with \"lchown …: invalid "
			    "argument\"");
	assert_string_equal(why.remedy, "sudo usermod --add-subuids 165536-231071 --add-subgids "
					"165536-231071 alice");
	clear_fake(&fake);
}

static void units(void **state)
{
	static const struct {
		const char *runtime_dir, *invocation;
		bool warns;
	} cases[] = {
		{NULL, NULL, false},
		{NULL, "", false},
		{NULL, "0123456789abcdef0123456789abcdef", true},
		{"", "0123456789abcdef0123456789abcdef", true},
		{"/run/user/1000", "0123456789abcdef0123456789abcdef", false},
	};
	static const struct file none[MAX_FILES] = {{0}};
	struct fake fake;

	(void)state;
	make_fake(&fake, none);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct explanation why = {.id = NULL};

		set_variable("XDG_RUNTIME_DIR", cases[i].runtime_dir);
		set_variable("INVOCATION_ID", cases[i].invocation);
		if (explain_warning(WARNING_UNIT, NULL, &fake.machine, &why) != cases[i].warns)
			fail_msg("case %zu", i);
		if (!cases[i].warns)
			assert_null(why.id);
		else
			assert_string_equal(why.id, "unit-without-runtime-dir");
	}
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("INVOCATION_ID");
	clear_fake(&fake);
}

static void packages(void **state)
{
	static const struct {
		const char *os_release, *program, *command;
		bool ostree;
	} cases[] = {
		{"ID=ubuntu\nID_LIKE=debian\n", "newuidmap", "sudo apt-get install uidmap", false},
		{"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "getsubids",
		 "sudo apt-get install uidmap", false},
		{"ID=fedora\n", "newuidmap", "sudo dnf install shadow-utils", false},
		{"ID=fedora\nVARIANT_ID=coreos\n", "newuidmap",
		 "sudo rpm-ostree install shadow-utils && sudo systemctl reboot", true},
		{"ID=bazzite\nID_LIKE=\"fedora\"\n", "slirp4netns",
		 "sudo rpm-ostree install slirp4netns && sudo systemctl reboot", true},
		{"ID=endless\nID_LIKE=debian\n", "newuidmap",
		 "install the package that contains newuidmap", true},
		{"ID=fedora\n", "getsubids", "sudo dnf install shadow-utils-subid", false},
		{"ID=\"almalinux\"\n", "slirp4netns", "sudo dnf install slirp4netns", false},
		{"ID=alpine\n", "newuidmap", "sudo apk add shadow-uidmap", false},
		{"ID=alpine\n", "getsubids", "sudo apk add shadow-subids", false},
		{"ID=arch\n", "newuidmap", "install the package that contains newuidmap", false},
		{"ID=unheard-of\nID_LIKE=\"none\"\n", "slirp4netns",
		 "install the package that contains slirp4netns", false},
		{"", "newuidmap", "install the package that contains newuidmap", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{"/etc/os-release", cases[i].os_release, 0},
			{cases[i].ostree ? "/run/ostree-booted" : NULL, "", 0},
		};
		struct fake fake;
		char text[128];

		make_fake(&fake, files);
		package_install(&fake.machine, cases[i].program, text, sizeof(text));
		assert_string_equal(text, cases[i].command);
		clear_fake(&fake);
	}
}

static void kernel_arguments(void **state)
{
	static const struct {
		const char *os_release, *command;
		bool ostree;
	} cases[] = {
		{"ID=debian\n",
		 "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&a=1 /' /etc/default/grub && "
		 "sudo update-grub && sudo reboot",
		 false},
		{"ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
		 "sudo grubby --update-kernel=ALL --args=a=1 && sudo reboot", false},
		{"ID=fedora\nVARIANT_ID=silverblue\n",
		 "sudo rpm-ostree kargs --append=a=1 && sudo systemctl reboot", true},
		{"ID=alpine\n", "add a=1 to the kernel command line and reboot", false},
		{"", "add a=1 to the kernel command line and reboot", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{"/etc/os-release", cases[i].os_release, 0},
			{cases[i].ostree ? "/run/ostree-booted" : NULL, "", 0},
		};
		struct fake fake;
		char text[128];

		make_fake(&fake, files);
		package_boot(&fake.machine, "a=1", text, sizeof(text));
		assert_string_equal(text, cases[i].command);
		clear_fake(&fake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_ids),
		cmocka_unit_test(units),
		cmocka_unit_test(packages),
		cmocka_unit_test(kernel_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
