/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_explain.c: failures of the state directory. */
#pragma once

#include "test_check_failure.h"

static const struct failure statedir_cases[] = {
	{STEP_STATEDIR, EBUSY,
	 "state directory \"/run/x\": is in use by process 4711 (fauxroot sleep 9)",
	 "only one instance can use a state directory, and process 4711 uses this one",
	 "use another --state-dir\nkill 4711", .reason = REASON_IN_USE, .about = "4711",
	 .files = {{0}}},
	{STEP_STATEDIR, EBUSY, "state directory \"/run/x\": is in use by another process",
	 "only one instance can use a state directory, and another process uses this one",
	 "use another --state-dir\nterminate that instance", .reason = REASON_IN_USE,
	 .files = {{0}}},
	{STEP_STATEDIR, ENAMETOOLONG, "too long",
	 "the path of a UNIX socket has at most 107 bytes (man 7 unix)",
	 "use a shorter --state-dir", .files = {{0}}},
	{STEP_STATEDIR, EACCES, "making a state directory",
	 "XDG_RUNTIME_DIR is not set, although /run/user/1000 exists",
	 "export XDG_RUNTIME_DIR=/run/user/1000", .files = {{"/run/user/1000/", "", 0}}},
	{STEP_STATEDIR, EACCES, "making a state directory",
	 "XDG_RUNTIME_DIR is not set and /run/user/1000 is missing: alice has no login "
	 "session",
	 "sudo loginctl enable-linger alice && export XDG_RUNTIME_DIR=/run/user/1000\nuse "
	 "--state-dir",
	 .files = {{"/run/systemd/system/", "", 0}}},
	{STEP_STATEDIR, EACCES, "making a state directory",
	 "XDG_RUNTIME_DIR is not set and /run/user/1000 is missing: alice has no login "
	 "session",
	 "sudo install -d -m 0700 -o 1000 /run/user/1000 && export "
	 "XDG_RUNTIME_DIR=/run/user/1000\nuse --state-dir",
	 .files = {{0}}},
	{STEP_STATEDIR, EACCES, "making the directory \"/run/user/7\": Permission denied",
	 "XDG_RUNTIME_DIR is /run/user/7, which does not exist, as after the last session "
	 "of alice",
	 "export XDG_RUNTIME_DIR=/run/user/1000\nuse --state-dir", .reason = REASON_FILE,
	 .about = "/run/user/7", .files = {{"/run/user/1000/", "", 0}},
	 .xdg_runtime_dir = "/run/user/7", .state_dir = "/run/user/7/x"},
	{STEP_STATEDIR, EPERM,
	 "state directory \"/home/alice\": would be emptied, and is or holds the home "
	 "directory",
	 "fauxroot empties its state directory at start and removes it at the end",
	 "use --state-dir=/tmp/NAME", .reason = REASON_PRECIOUS, .about = "/home/alice",
	 .files = {{0}}, .state_dir = "/home/alice"},
	{STEP_STATEDIR, EACCES, "making a state directory", NULL, NULL, .files = {{0}},
	 .state_dir = "/else/where"},
	/* $XDG_RUNTIME_DIR/elsewhere */
	{STEP_STATEDIR, EACCES, "making the state directory \"/elsewhere\"",
	 "XDG_RUNTIME_DIR is not set, although /run/user/1000 exists",
	 "export XDG_RUNTIME_DIR=/run/user/1000", .reason = REASON_FILE, .about = "/elsewhere",
	 .files = {{"/run/user/1000/", "", 0}}, .state_dir = "/elsewhere"},
	{STEP_STATEDIR, EACCES, "making the state directory \"/elsewhere\"",
	 "this systemd unit has no XDG_RUNTIME_DIR; without it daemons such as buildkitd "
	 "and dockerd use directories that belong to root",
	 "set RuntimeDirectory=fauxroot and Environment=XDG_RUNTIME_DIR=%t/fauxroot in the "
	 "[Service] section",
	 .reason = REASON_FILE, .about = "/elsewhere", .files = {{"/run/user/1000/", "", 0}},
	 .state_dir = "/elsewhere", .invocation_id = "0123456789abcdef0123456789abcdef"},
	{STEP_STATEDIR, EPERM, "state directory \"/srv/x\": belongs to uid 7, and we are uid 1000",
	 "/srv/x belongs to another user; a state directory must belong to the user who "
	 "starts fauxroot",
	 "use --state-dir=/tmp/NAME", .reason = REASON_FOREIGN, .about = "/srv/x", .files = {{0}},
	 .state_dir = "/srv/x"},
	{STEP_STATEDIR, EPERM,
	 "\"/srv/x\": belongs to uid 7, who could replace the state directory \"/srv/x/y\"",
	 "/srv/x belongs to another user, who could replace the state directory",
	 "use --state-dir=/tmp/NAME", .reason = REASON_FOREIGN_PARENT, .about = "/srv/x",
	 .files = {{0}}, .state_dir = "/srv/x/y"},
	{STEP_STATEDIR, ELOOP, "state directory \"/srv/x\": is a symbolic link",
	 "/srv/x is a symbolic link, whose target somebody could change", "use --state-dir=/srv/y",
	 .reason = REASON_SYMLINK, .about = "/srv/x",
	 .files = {{"/srv/x", "->y", 0}, {"/srv/y/", "", 0}}, .state_dir = "/srv/x"},
	{STEP_STATEDIR, ENOTDIR, "state directory \"/srv/x\": is not a directory",
	 "/srv/x is a file", "use --state-dir=/tmp/NAME", .reason = REASON_NOT_DIRECTORY,
	 .about = "/srv/x", .files = {{0}}, .state_dir = "/srv/x"},
	{STEP_STATEDIR, ENOSPC, "writing \"/tmp/x/child_pid\": No space left on device",
	 "the file system of /tmp has no space, inodes or quota left for us",
	 "df /tmp && df -i /tmp # then free some space\nuse --state-dir on another file "
	 "system",
	 .reason = REASON_FILE, .about = "/tmp/x/child_pid", .files = {{0}}},
	{STEP_API, EDQUOT, "binding \"/tmp/x/api.sock\": Disk quota exceeded",
	 "the file system of /tmp has no space, inodes or quota left for us",
	 "df /tmp && df -i /tmp # then free some space\nuse --state-dir on another file "
	 "system",
	 .reason = REASON_FILE, .about = "/tmp/x/api.sock", .files = {{0}}},
	{STEP_STATEDIR, EROFS, "making the state directory \"/srv/x/y\": Read-only file system",
	 "/srv is on a file system that is mounted read-only",
	 "use --state-dir=/run/user/1001/NAME\nsudo mount -t tmpfs -o mode=1777 none /tmp",
	 .reason = REASON_FILE, .about = "/srv/x/y",
	 .files = {{"/srv/", "", 0},
		   {"/run/user/1001/", "", 0},
		   {"/proc/self/status", "Uid:\t1001\t1001\t1001\t1001\n", 0}},
	 .state_dir = "/srv/x/y"},
	{STEP_STATEDIR, ENOENT, "state directory \"x/y\": No such file or directory",
	 "--state-dir=x/y is relative to the working directory, /srv/gone, which has been deleted",
	 "cd /\nuse --state-dir with an absolute path",
	 .files = {{"/proc/self/cwd", "->/srv/gone (deleted)", 0}}, .state_dir = "x/y"},
	/* No place is writable: name none. */
	{STEP_STATEDIR, EROFS, "making the state directory \"/srv/x/y\": Read-only file system",
	 "/srv is on a file system that is mounted read-only",
	 "sudo mount -t tmpfs -o mode=1777 none /tmp", .reason = REASON_FILE, .about = "/srv/x/y",
	 .files = {{"/srv/", "", 0}, {"/tmp/", NULL, 0}}, .state_dir = "/srv/x/y"},
	{STEP_STATEDIR, EROFS, "making the state directory \"/srv/x/y\": Read-only file system",
	 "/srv is on a file system that is mounted read-only",
	 "docker run --tmpfs /tmp …\nuse --state-dir=/tmp/NAME", .reason = REASON_FILE,
	 .about = "/srv/x/y", .files = {{"/srv/", "", 0}, {"/.dockerenv", "", 0}},
	 .state_dir = "/srv/x/y"},
	{STEP_MOUNT, ENOENT, "opening /srv/a/b to copy it up: No such file or directory",
	 "there is no /srv/a/b",
	 "omit --copy-up=/srv/a/b\nsudo mkdir -p /srv/a/b\nadd --copy-up=/srv # then "
	 "/srv/a/b is created in that copy",
	 .reason = REASON_COPY_UP, .about = "/srv/a/b", .files = {{"/srv/", "", 0}}},
	{STEP_MOUNT, ENOENT, "opening /srv:cpy to copy it up: No such file or directory",
	 "there is no /srv:cpy, and \"cpy\" is not a mode of --copy-up",
	 "use --copy-up=/srv:copy\nuse --copy-up=/srv:tmpfs+symlink", .reason = REASON_COPY_UP,
	 .about = "/srv:cpy", .files = {{"/srv/", "", 0}}},
	{STEP_MOUNT, EFBIG, "cannot copy up /srv: it has 30000 entries",
	 "each start copies all files of the directory to memory",
	 "use --copy-up=/srv:tmpfs+symlink\nuse --copy-up=/srv/NAME:copy for each directory "
	 "below /srv that the command writes to",
	 .reason = REASON_COPY_UP, .about = "/srv", .files = {{0}}},
	{STEP_MOUNT, ENOSPC, "copying up /srv/x: No space left on device",
	 "there is not enough memory for the copies",
	 "use --copy-up=/srv:tmpfs+symlink\nfree # then stop other programs",
	 .reason = REASON_COPY_UP, .about = "/srv", .files = {{0}}},
	/* Files of this test belong to its user, who is not uid 4242. */
	{STEP_STATEDIR, EACCES, "state directory", NULL, NULL,
	 .files = {{"/run/user/7/", "", 0},
		   {"/proc/self/status", "Uid:\t4242\t4242\t4242\t4242\n", 0}},
	 .xdg_runtime_dir = "/run/user/7", .state_dir = "/elsewhere"},
};

static void state_directories(void **state)
{
	(void)state;
	check_failures(statedir_cases, ARRAY_SIZE(statedir_cases));
}

static void closed_state_directory(void **state)
{
	struct failure f = {.step = STEP_STATEDIR,
			    .code = EACCES,
			    .text = "making the directory \"/srv/x\": Permission denied",
			    .reason = REASON_FILE,
			    .about = "/srv/x",
			    .files = {{"/srv/", "", 0}},
			    .remedy = "use --state-dir=/tmp/NAME",
			    .state_dir = "/srv/x/y"};
	char cause[256];

	(void)state;
	snprintf(cause, sizeof(cause),
		 "/srv belongs to uid %u with mode 0755, and alice may not create files there",
		 geteuid());
	f.cause = cause;
	check_failure(&f);
	/* A path that contains a quotation mark. */
	f = (struct failure){.step = STEP_STATEDIR,
			     .code = EACCES,
			     .text = "making the directory \"/srv/q\"x/s\": Permission denied",
			     .reason = REASON_FILE,
			     .about = "/srv/q\"x/s",
			     .files = {{"/srv/q\"x/", "", 0}},
			     .cause = cause,
			     .remedy = "use --state-dir=/tmp/NAME",
			     .state_dir = "/srv/q\"x/s"};
	snprintf(cause, sizeof(cause),
		 "/srv/q\"x belongs to uid %u with mode 0755, and alice may not create files there",
		 geteuid());
	check_failure(&f);
}

static void left_behind(void **state)
{
	struct failure f = {.step = STEP_STATEDIR,
			    .code = EACCES,
			    .text = "emptying the state directory \"/srv/x\": removing \"a/b\"",
			    .reason = REASON_LEFT_BEHIND,
			    .about = "/srv/x/a/b",
			    /* The file belongs to the uid that runs this test. */
			    .files = {{"/srv/x/a/b", "", 0},
				      {"/proc/self/status", "Uid:\t4242\t4242\t4242\t4242\n", 0}},
			    .state_dir = "/srv/x"};
	char cause[256], remedy[256];

	(void)state;
	snprintf(cause, sizeof(cause),
		 "/srv/x/a/b, which the command of an earlier instance has left behind, belongs "
		 "to uid %u",
		 geteuid());
	snprintf(remedy, sizeof(remedy),
		 "fauxroot rm -rf /srv/x/a/b # if %u is a subordinate id of 4242\n"
		 "sudo rm -rf /srv/x/a/b\nuse --state-dir=/tmp/NAME",
		 geteuid());
	f.cause = cause;
	f.remedy = remedy;
	check_failure(&f);
}

static void foreign_runtime_directory(void **state)
{
	struct failure f = {
		.step = STEP_STATEDIR,
		.code = EACCES,
		.text = "making a state directory",
		.files = {{"/run/user/7/", "", 0},
			  {"/proc/self/status", "Uid:\t4242\t4242\t4242\t4242\n", 0}},
		.remedy = "machinectl shell 4242@\nssh 4242@localhost\nsudo install -d -m 0700 -o "
			  "4242 /run/user/4242 && export XDG_RUNTIME_DIR=/run/user/4242",
		.xdg_runtime_dir = "/run/user/7",
		.state_dir = "/run/user/7/fauxroot"};
	char cause[256];

	(void)state;
	snprintf(
		cause, sizeof(cause),
		"XDG_RUNTIME_DIR is /run/user/7, which belongs to uid %u, as after su or sudo from "
		"that user's session",
		geteuid());
	f.cause = cause;
	check_failure(&f);
}
