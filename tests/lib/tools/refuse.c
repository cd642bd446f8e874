/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse: run a command under a seccomp filter that answers some system calls with an error.
 *
 *	refuse [--errno NAME] [--user NAME] SYSCALL[:ARGUMENT…][,SYSCALL…] -- COMMAND [ARGS…]
 *
 * NAME is ENOSYS, EPERM, EACCES or EAFNOSUPPORT. With ARGUMENTs, numbers, a call is refused where
 * its arguments are those, in order, an empty one being any: "socket:10" leaves no IPv6,
 *"socket:16::12" no nf_tables.
 *
 * It shows what a program does in a container whose seccomp profile is older than a system call
 * (ENOSYS, the default) or forbids it (EPERM). A process may load a filter with no_new_privs set or
 * with CAP_SYS_ADMIN (man 2 seccomp). no_new_privs would disable setuid helpers such as newuidmap,
 * so root loads the filter without it and becomes NAME after that; anybody else gets both.
 * Status 125 where refuse itself fails.
 */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

#define STATUS_FAILED 125

struct request {
	int errnum;
	const char *user; /* NULL: stay who we are */
	const char *calls;
	char **command;
};

static int usage(void)
{
	fputs("usage: refuse [--errno ENOSYS|EPERM|EACCES|EAFNOSUPPORT] [--user NAME] "
	      "SYSCALL[:ARGUMENT…][,SYSCALL…] -- COMMAND [ARGS…]\n",
	      stderr);
	return -EINVAL;
}

static int parse_errno(const char *name, int *ret)
{
	static const struct {
		const char *name;
		int errnum;
	} known[] = {{"ENOSYS", ENOSYS},
		     {"EPERM", EPERM},
		     {"EACCES", EACCES},
		     {"EAFNOSUPPORT", EAFNOSUPPORT}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (streq(name, known[i].name)) {
			*ret = known[i].errnum;
			return 0;
		}
	return usage();
}

static int parse(int argc, char **argv, struct request *ret)
{
	static const struct option options[] = {
		{"errno", required_argument, NULL, 'e'},
		{"user", required_argument, NULL, 'u'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'e' && parse_errno(optarg, &ret->errnum) < 0)
			return -EINVAL;
		if (option == 'u')
			ret->user = optarg;
		if (option == '?')
			return usage();
	}
	if (argc - optind < 3 || !streq(argv[optind + 1], "--"))
		return usage();
	ret->calls = argv[optind];
	ret->command = argv + optind + 2;
	return 0;
}

/* "NAME", "NAME:FIRST", "NAME:FIRST::THIRD" */
static int add_rule(scmp_filter_ctx filter, uint32_t action, struct cursor c)
{
	struct scmp_arg_cmp is[6];
	char name[64];
	const char *start;
	unsigned n_is = 0;
	size_t n;
	int number;

	cursor_until(&c, ":", &start, &n);
	if (str_print(name, sizeof(name), "%.*s", (int)n, start) < 0)
		return -EINVAL;
	number = seccomp_syscall_resolve_name(name);
	if (number == __NR_SCMP_ERROR) {
		fprintf(stderr, "refuse: unknown system call \"%s\"\n", name);
		return -EINVAL;
	}
	for (unsigned arg = 0; arg < ARRAY_SIZE(is) && cursor_char(&c, ':'); arg++) {
		uint64_t value;

		if (cursor_at_end(&c) || *c.at == ':')
			continue;
		if (cursor_u64(&c, UINT64_MAX, &value) < 0)
			return -EINVAL;
		is[n_is++] = (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
	}
	if (!cursor_at_end(&c))
		return -EINVAL;
	return seccomp_rule_add_array(filter, action, number, n_is, is);
}

static int add_rules(scmp_filter_ctx filter, const struct request *request)
{
	uint32_t action = SCMP_ACT_ERRNO((uint32_t)request->errnum);
	struct cursor c = cursor_of(request->calls);
	int rc = 0;

	while (rc == 0 && !cursor_at_end(&c)) {
		const char *start;
		size_t n;

		cursor_until(&c, ",", &start, &n);
		cursor_char(&c, ',');
		rc = add_rule(filter, action, cursor_of_n(start, n));
	}
	return rc;
}

static int load_filter(const struct request *request)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0) : -ENOMEM;

	if (rc == 0)
		rc = add_rules(filter, request);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return rc;
}

static int become(const char *name)
{
	struct passwd user, *found;
	char buf[4096];
	int rc = getpwnam_r(name, &user, buf, sizeof(buf), &found);

	if (!found)
		return rc ? -rc : -ENOENT;
	if (initgroups(name, user.pw_gid) < 0 || setgid(user.pw_gid) < 0 || setuid(user.pw_uid) < 0)
		return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	struct request request = {.errnum = ENOSYS};
	int rc;

	if (parse(argc, argv, &request) < 0)
		return STATUS_FAILED;
	rc = load_filter(&request);
	if (rc < 0) {
		fprintf(stderr, "refuse: loading the filter: %s\n", strerror(-rc));
		return STATUS_FAILED;
	}
	rc = request.user ? become(request.user) : 0;
	if (rc < 0) {
		fprintf(stderr, "refuse: becoming %s: %s\n", request.user, strerror(-rc));
		return STATUS_FAILED;
	}
	execvp(request.command[0], request.command);
	fprintf(stderr, "refuse: executing \"%s\": %s\n", request.command[0], strerror(errno));
	return STATUS_FAILED;
}
