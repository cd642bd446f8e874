/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_preflight.c: what --check reports about subordinate ids. */
#pragma once

#include "test_check_look.h"

static void ids(void **state)
{
	static const struct look looks[] = {
		{"newuidmap", FINDING_OK, "/usr/bin/newuidmap, mode 4755 (set-user-ID)", NULL,
		 .files = {{0}}, NO_TRIAL},
		{"newgidmap", FINDING_OBSTACLE, "not found", "newuidmap-missing",
		 .files = {{"/usr/bin/newgidmap", NULL, 0}}, NO_TRIAL,
		 .remedy = "apt-get install uidmap"},
		{"newgidmap", FINDING_OBSTACLE, "mode 0755", "setuid-lost",
		 .files = {{"/usr/bin/newgidmap", "ELF", 0755}}, NO_TRIAL,
		 .remedy = "sudo chmod u+s /usr/bin/newgidmap"},
		/* Only a trial shows whether the bit is enough. */
		{"newgidmap", FINDING_OBSTACLE, "mode 4755", "setuid-needs-sys-admin",
		 .files = {{"/proc/self/status",
			    "Uid:\t1000\t1000\t1000\t1000\nCapBnd:\t00000000a80425fb\n", 0}},
		 .failed = TRIAL_IDMAP, EPERM,
		 "newuidmap: write to uid_map failed: Operation not permitted (exit status 1)",
		 STEP_IDMAP, REASON_MAP_WRITE, "newuidmap",
		 .remedy = "sudo setcap cap_setgid=ep /usr/bin/newgidmap"},
		{"newgidmap", FINDING_OK, "mode 4755", NULL,
		 .files = {{"/proc/self/status",
			    "Uid:\t1000\t1000\t1000\t1000\nCapBnd:\t00000000a80425fb\n", 0}},
		 NO_TRIAL},
		{"newuidmap", FINDING_OBSTACLE, "/usr/bin/newuidmap", "nosuid",
		 .files = {{"/proc/self/mountinfo",
			    "22 1 8:1 / / rw - ext4 x rw\n23 22 8:2 / /usr rw,nosuid - ext4 y rw\n",
			    0}},
		 NO_TRIAL},
		{"subordinate ids", FINDING_OBSTACLE, "has no subordinate user ids", "no-ranges",
		 .files = {{"/etc/subuid", "bob:100000:65536\n", 0}, {"/etc/subgid", "", 0}},
		 .failed = TRIAL_RANGES, ENOENT,
		 "user \"alice\" (uid 1000) has no subordinate user ids: no line in /etc/subuid",
		 STEP_IDMAP, REASON_NO_RANGES, "/etc/subuid",
		 .remedy = "usermod --add-subuids 165536-231071"},
		{"subordinate ids", FINDING_OK, "65537 user and 65537 group ids", NULL,
		 .files = {{0}}, NO_TRIAL},
		{"subordinate ids", FINDING_WARNING, "1001 user and 65537 group ids", "few-ids",
		 .files = {{0}}, .uids = 1001, NO_TRIAL, .cause = "lchown",
		 .remedy = "usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice"},
		{"subordinate ids", FINDING_WARNING, "1001 user", "few-ids-no-account",
		 .files = {{"/etc/passwd", "root:x:0:0::/root:/bin/sh\n", 0}}, .uids = 1001,
		 NO_TRIAL, .remedy = "echo 1000:165536:65536"},
		{"subordinate ids", FINDING_WARNING, "1001 user", "few-ids-no-range",
		 .files = {{"/proc/self/uid_map", "0 0 60000\n", 0}}, .uids = 1001, NO_TRIAL,
		 .remedy = "security.idmap.size"},
		{"shared ids", FINDING_OK, "none", NULL, .files = {{0}}, NO_TRIAL},
		/* One line for the name and one for the uid, both ours. */
		{"shared ids", FINDING_OK, "none", NULL,
		 .files = {{"/etc/subuid", "alice:100000:65536\n1000:100000:65536\n", 0}},
		 NO_TRIAL},
		{"shared ids", FINDING_OK, "none", NULL,
		 .files = {{"/etc/subuid", "bob:34464:65536\nalice:100000:65536\ncarol:165536:1\n",
			    0}},
		 NO_TRIAL},
		{"shared ids", FINDING_WARNING, "another user also has", "subids-shared",
		 .files = {{"/etc/subuid", "bob:34464:65537\nalice:100000:65536\n", 0}}, NO_TRIAL,
		 .cause = "\"bob\" of /etc/subuid has ids 34464 to 100000",
		 .remedy = "set alice:165536:65536 in /etc/subuid"},
		{"shared ids", FINDING_WARNING, "another user also has", "subids-shared",
		 .files = {{"/etc/subgid", "alice:100000:65536\nalicex:165535:5\n", 0}}, NO_TRIAL,
		 .cause = "\"alicex\" of /etc/subgid"},
		{"shared ids", FINDING_WARNING, "another user also has", "subids-shared",
		 .files = {{"/etc/passwd",
			    "alice:x:1000:1000::/:/bin/sh\nldap:x:100123:1::/:/bin/sh\n", 0}},
		 NO_TRIAL, .cause = "\"ldap\" of /etc/passwd has ids 100123 to 100123"},
		{"shared ids", FINDING_WARNING, "another user also has", "subids-shared",
		 .files = {{"/etc/group", "staff:x:100000:\n", 0}}, NO_TRIAL,
		 .cause = "\"staff\" of /etc/group"},
		/* Another check reports invalid lines. */
		{"shared ids", FINDING_OK, "none", NULL,
		 .files = {{"/etc/subuid", "bob:x:1\nbob\n:::\nbob:5:\nalice:100000:65536\n", 0}},
		 NO_TRIAL},
	};

	(void)state;
	check_looks(looks, ARRAY_SIZE(looks));
}

/* An account of a directory service: /etc/subuid contains its name, no file contains its uid. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's are reserved */
int getpwuid_r(uid_t uid, struct passwd *entry, char *buf, size_t size, struct passwd **ret)
{
	(void)buf;
	(void)size;
	memset(entry, 0, sizeof(*entry));
	entry->pw_uid = uid;
	entry->pw_name = (char *)(uintptr_t) "dora";
	*ret = uid == 80001 ? entry : NULL;
	return 0;
}

static void accounts_of_the_name_service_have_ranges_too(void **state)
{
#define OF_DORA(ranges)                                                                       \
	{                                                                                     \
		{"/proc/self/status", "Uid:\t80001\t80001\n", 0}, {"/etc/subuid", ranges, 0}, \
			{"/etc/subgid", ranges, 0},                                           \
	}
	static const struct look looks[] = {
		{"shared ids", FINDING_WARNING, "another user also has", "subids-shared",
		 .files = OF_DORA("dora:600000:65536\nalice:650000:65536\n"), NO_TRIAL,
		 .cause = "\"alice\" of /etc/subuid has ids 650000", .remedy = "dora:"},
		/* Of one account, by its name and by its number. */
		{"shared ids", FINDING_OK, "none", NULL,
		 .files = OF_DORA("dora:600000:65536\n80001:600000:65536\n"), NO_TRIAL},
	};

	(void)state;
	with_services = true;
	check_looks(looks, ARRAY_SIZE(looks));
	with_services = false;
}
