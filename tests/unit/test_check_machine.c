/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from a machine: free ranges, mounts, ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_machine.h"

static void free_ranges(void **state)
{
	static const struct {
		const char *subuid, *subgid, *passwd, *login_defs, *uid_map;
		uint32_t first; /* 0: there is none */
	} cases[] = {
		{"", "", "", NULL, NULL, 100000},
		{"a:100000:65536\n", "", "", NULL, NULL, 165536},
		{"", "a:100000:65536\n", "", NULL, NULL, 165536},
		/* A gap that is just wide enough, and one that is not. */
		{"a:100000:10\nb:165546:10\n", "", "", NULL, NULL, 100010},
		{"a:100000:10\nb:165545:10\n", "", "", NULL, NULL, 165555},
		/* Unsorted, overlapping, one within another, adjacent. */
		{"c:300000:1\na:100000:100000\nb:110000:10\nd:200000:50000\n", "", "", NULL, NULL,
		 300001},
		{"", "", "x:x:120000:1::\n", NULL, NULL, 120001},
		{"", "", "", "# SUB_UID_MIN 1\nSUB_UID_MIN\t\t 500000\n", NULL, 500000},
		/* Lines that are none. */
		{"a\n:::\na:b:c\n\na:100000\na:-1:5\na:4294967296:1\n", "", "", NULL, NULL, 100000},
		/* Nothing from SUB_UID_MIN on: what there is below. */
		{"a:100000:4294867295\n", "", "b:x:1002:1::\n", NULL, NULL, 1003},
		{"a:0:4294967295\n", "", "", NULL, NULL, 0},
		{"", "", "", NULL, "1000 1000 1\n", 0},
		{"", "", "", NULL, "0 0 65536\n65536 65536 100000\n", 100000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{"/etc/subuid", cases[i].subuid, 0},
			{"/etc/subgid", cases[i].subgid, 0},
			{"/etc/passwd", cases[i].passwd, 0},
			{"/proc/self/uid_map",
			 cases[i].uid_map ? cases[i].uid_map : "0 0 4294967295\n", 0},
			{cases[i].login_defs ? "/etc/login.defs" : NULL, cases[i].login_defs, 0},
		};
		uint32_t first = 0, count = 0;
		struct fake fake;

		make_fake(&fake, files);
		if (machine_free_range(&fake.machine, &first, &count) != (cases[i].first != 0) ||
		    first != cases[i].first || (first != 0 && count != USUAL_IDS))
			fail_msg("%s: %u:%u, not %u", cases[i].subuid, first, count,
				 cases[i].first);
		clear_fake(&fake);
	}
}

/* As many as there are, in a user namespace that has not so many. */
static void small_ranges(void **state)
{
	static const struct {
		const char *passwd, *uid_map;
		uint32_t first, count;
	} cases[] = {
		{"", "0 0 65536\n", 1001, 64535},
		{"b:x:40000:1::\nc:x:65534:1::\n", "0 0 65537\n", 1, 39999},
		{"b:x:30000:1::\nc:x:65534:1::\n", "0 0 65537\n", 30001, 35533},
		{"", "0 0 10\n10 100000 20\n50 200000 5\n", 1, 29},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{"/etc/subuid", "", 0},
			{"/etc/subgid", "", 0},
			{"/etc/group", i == 0 ? "x:x:1000:\n" : "", 0},
			{"/etc/passwd", cases[i].passwd, 0},
			{"/proc/self/uid_map", cases[i].uid_map, 0},
		};
		uint32_t first = 0, count = 0;
		struct fake fake;

		make_fake(&fake, files);
		if (!machine_free_range(&fake.machine, &first, &count) || first != cases[i].first ||
		    count != cases[i].count)
			fail_msg("%s: %u:%u", cases[i].uid_map, first, count);
		clear_fake(&fake);
	}
}

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
		if (explain_unit(&fake.machine, &why) != cases[i].warns)
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
	} cases[] = {
		{"ID=ubuntu\nID_LIKE=debian\n", "newuidmap", "sudo apt-get install uidmap"},
		{"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "getsubids",
		 "sudo apt-get install uidmap"},
		{"ID=fedora\n", "newuidmap", "sudo dnf install shadow-utils"},
		{"ID=fedora\n", "getsubids", "sudo dnf install shadow-utils-subid"},
		{"ID=\"almalinux\"\n", "slirp4netns", "sudo dnf install slirp4netns"},
		{"ID=alpine\n", "newuidmap", "sudo apk add shadow-uidmap"},
		{"ID=arch\n", "newuidmap", "sudo pacman -S shadow"},
		{"ID=manjaro\nID_LIKE=arch\n", "slirp4netns", "sudo pacman -S slirp4netns"},
		{"ID=opensuse-leap\n", "newuidmap", "sudo zypper install shadow"},
		{"ID=gentoo\n", "newuidmap", "sudo emerge sys-apps/shadow"},
		{"ID=\"void\"\n", "newuidmap", "sudo xbps-install -S shadow"},
		{"ID=mageia\n", "newuidmap", "sudo urpmi shadow-utils"},
		{"ID=photon\n", "slirp4netns", "sudo tdnf install slirp4netns"},
		{"ID=alpine\n", "getsubids", "sudo apk add shadow-subids"},
		{"ID=nixos\n", "slirp4netns", "sudo nix-env -iA nixos.slirp4netns"},
		{"ID=\"opensuse-microos\"\nID_LIKE=\"suse opensuse\"\n", "newuidmap",
		 "sudo transactional-update pkg install shadow && sudo systemctl reboot"},
		{"ID=unheard-of\nID_LIKE=\"none\"\n", "slirp4netns",
		 "install the package that has slirp4netns"},
		{"", "newuidmap", "install the package that has newuidmap"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{"/etc/os-release", cases[i].os_release, 0},
		};
		struct fake fake;
		char text[128];

		make_fake(&fake, files);
		assert_string_equal(machine_package(&fake.machine, cases[i].program, text,
						    sizeof(text)),
				    cases[i].command);
		clear_fake(&fake);
	}
}

static void ostree(void **state)
{
	static const struct file files[MAX_FILES] = {
		{"/etc/os-release", "ID=fedora\nVARIANT_ID=coreos\n", 0},
		{"/run/ostree-booted", "", 0},
	};
	struct fake fake;
	char text[128];

	(void)state;
	make_fake(&fake, files);
	assert_string_equal(machine_package(&fake.machine, "slirp4netns", text, sizeof(text)),
			    "sudo rpm-ostree install slirp4netns && sudo systemctl reboot");
	assert_string_equal(machine_boot(&fake.machine, "a=1", text, sizeof(text)),
			    "sudo rpm-ostree kargs --append=a=1 && sudo systemctl reboot");
	clear_fake(&fake);
}

static void the_kernel_gets_an_argument_as_the_distribution_does_it(void **state)
{
	static const struct {
		const char *os_release, *command;
	} cases[] = {
		{"ID=debian\n",
		 "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&a=1 /' /etc/default/grub && "
		 "sudo update-grub && sudo reboot"},
		{"ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
		 "sudo grubby --update-kernel=ALL --args=a=1 && sudo reboot"},
		{"ID=alpine\n", "a=1 on the kernel's command line, and a reboot"},
		{"", "a=1 on the kernel's command line, and a reboot"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct file files[MAX_FILES] = {
			{"/etc/os-release", cases[i].os_release, 0},
		};
		struct fake fake;
		char text[128];

		make_fake(&fake, files);
		assert_string_equal(machine_boot(&fake.machine, "a=1", text, sizeof(text)),
				    cases[i].command);
		clear_fake(&fake);
	}
}

static void the_real_machine_is_read_without_harm(void **state)
{
	const struct machine machine = {.root = ""};
	char user[256], point[256];
	uint32_t first, count;

	(void)state;
	assert_int_equal(machine_id(&machine, "Uid"), geteuid());
	(void)machine_user(&machine, user, sizeof(user));
	assert_true(*user);
	assert_true(machine_maps(&machine, "uid_map", geteuid(), 1));
	if (machine_free_range(&machine, &first, &count))
		assert_true(first >= 1000);
	(void)machine_mount_has(&machine, "/proc/self", "nosuid", point, sizeof(point));
	assert_string_equal(point, "/proc");
}

static void relative_paths_are_relative_to_here(void **state)
{
	static const struct file files[MAX_FILES] = {
		{"/work/script", "#!/nosuch/interpreter\n", 0755},
	};
	const struct machine here = {.root = ""};
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	char work[PATH_MAX];
	struct fake fake;

	(void)state;
	make_fake(&fake, files);
	assert_true(machine_path(&fake.machine, "/work", work, sizeof(work)));
	assert_true(machine_exists(&fake.machine, "work/script"));
	assert_int_equal(chdir(work), 0);
	assert_true(machine_exists(&here, "./script"));
	assert_true(machine_exists(&here, "script"));
	assert_false(machine_exists(&here, "/script"));
	assert_int_equal(chdir(cwd), 0);
	clear_fake(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_ranges),
		cmocka_unit_test(small_ranges),
		cmocka_unit_test(few_ids),
		cmocka_unit_test(units),
		cmocka_unit_test(packages),
		cmocka_unit_test(ostree),
		cmocka_unit_test(relative_paths_are_relative_to_here),
		cmocka_unit_test(the_kernel_gets_an_argument_as_the_distribution_does_it),
		cmocka_unit_test(the_real_machine_is_read_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
