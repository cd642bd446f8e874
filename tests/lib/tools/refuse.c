/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse: run a command under a seccomp filter that fails some system calls with an error.
 *
 *	refuse [--errno NAME] [--user NAME] [--report FILE] SYSCALL[:ARGUMENT…][,SYSCALL…] \
 *		-- COMMAND [ARGS…]
 *
 * NAME is ENOSYS, EPERM, EACCES, EINVAL or EAFNOSUPPORT. ARGUMENTs are numbers: a call is refused
 *if its arguments are equal to them, in order; an empty one matches any value. "socket:10" disables
 *IPv6, "socket:16::12" disables nf_tables.
 *
 * It simulates a container whose seccomp profile is older than a system call (ENOSYS, the default)
 * or forbids it (EPERM). A process may load a filter with no_new_privs set or with CAP_SYS_ADMIN
 * (man 2 seccomp). no_new_privs would disable setuid helpers such as newuidmap, so root loads the
 * filter without it and then becomes NAME; other users get both. Status 125 if refuse itself fails.
 *
 * With --report the command is a child, and refuse writes the refused calls to FILE at the end:
 * lines "SYSCALL COUNT PROGRAM". The filter then notifies refuse of each call (man 2
 * seccomp_unotify), which answers with the error; after refuse has exited it is ENOSYS. The status
 * is the command's, or 128 plus the signal that killed it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/message.h"

#define STATUS_FAILED 125
/* The maximum number of pairs of system call and program in a report. */
#define MAX_REFUSED 64

struct request {
	int errnum;
	const char *user;   /* NULL: stay who we are */
	const char *report; /* NULL: none */
	const char *calls;
	char **command;
};

/* Calls that have been refused to the processes of one program. */
struct refused {
	int number;	  /* of the system call */
	char program[16]; /* /proc/PID/comm */
	unsigned count;
};

static int usage(void)
{
	fputs("usage: refuse [--errno ENOSYS|EPERM|EACCES|EINVAL|EAFNOSUPPORT] [--user NAME] "
	      "[--report FILE] SYSCALL[:ARGUMENT…][,SYSCALL…] -- COMMAND [ARGS…]\n",
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
		     {"EINVAL", EINVAL},
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
		{"report", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'e' && parse_errno(optarg, &ret->errnum) < 0)
			return -EINVAL;
		if (option == 'u')
			ret->user = optarg;
		if (option == 'r')
			ret->report = optarg;
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
	uint32_t action =
		request->report ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO((uint32_t)request->errnum);
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

/* Returns the descriptor for the kernel's notifications with a report, else 0; or -errno. */
static int load_filter(const struct request *request)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0) : -ENOMEM;

	if (rc == 0)
		rc = add_rules(filter, request);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc == 0 && request->report)
		rc = seccomp_notify_fd(filter);
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

/* Load the filter, send it to @asker with a report (else -1), and execute the command; returns on
 * failure only. */
static int execute(const struct request *request, int asker)
{
	int rc = load_filter(request);

	if (rc >= 0 && asker >= 0) {
		rc = message_send(asker, "", 1, &rc, 1);
		close(asker);
	}
	if (rc < 0) {
		fprintf(stderr, "refuse: loading the filter: %s\n", strerror(-rc));
		return STATUS_FAILED;
	}
	rc = request->user ? become(request->user) : 0;
	if (rc < 0) {
		fprintf(stderr, "refuse: becoming %s: %s\n", request->user, strerror(-rc));
		return STATUS_FAILED;
	}
	execvp(request->command[0], request->command);
	fprintf(stderr, "refuse: executing \"%s\": %s\n", request->command[0], strerror(errno));
	return STATUS_FAILED;
}

/* Count a call of process @pid; not counted without room, or if the process has exited. */
static void count(struct refused *all, int number, pid_t pid)
{
	_cleanup_free_ char *program = NULL;
	char path[64];

	(void)str_print(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (file_read_bounded(AT_FDCWD, path, 64, &program, NULL) < 0)
		return;
	program[strcspn(program, "\n")] = '\0';
	for (size_t i = 0; i < MAX_REFUSED; i++) {
		if (all[i].count == 0) {
			all[i].number = number;
			(void)str_print(all[i].program, sizeof(all[i].program), "%s", program);
		}
		if (all[i].number == number && streq(all[i].program, program)) {
			all[i].count++;
			return;
		}
	}
}

/* One call: count it and answer. The process may have been killed meanwhile. */
static int answer(int listener, int errnum, struct refused *all)
{
	struct seccomp_notif *asked = NULL;
	struct seccomp_notif_resp *answer = NULL;
	int rc = seccomp_notify_alloc(&asked, &answer);

	if (rc == 0 && seccomp_notify_receive(listener, asked) == 0) {
		count(all, asked->data.nr, (pid_t)asked->pid);
		*answer = (struct seccomp_notif_resp){.id = asked->id, .error = -errnum};
		(void)seccomp_notify_respond(listener, answer);
	}
	seccomp_notify_free(asked, answer);
	return rc;
}

static int print_report(const char *path, const struct refused *all)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	for (size_t i = 0; i < MAX_REFUSED && all[i].count > 0; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, all[i].number);

		fprintf(file, "%s %u %s\n", name ? name : "?", all[i].count, all[i].program);
		free(name);
	}
	return fclose(file) == 0 ? 0 : -errno;
}

/* Answer until the command has exited. */
static int answer_all(const struct request *request, int listener, int ended, struct refused *all)
{
	struct pollfd fds[] = {{ended, POLLIN, 0}, {listener, POLLIN, 0}};
	int rc = 0;

	while (rc == 0 && !fds[0].revents) {
		if (poll(fds, ARRAY_SIZE(fds), -1) > 0)
			rc = fds[1].revents & POLLIN ? answer(listener, request->errnum, all) : 0;
		else if (errno != EINTR)
			rc = -errno;
	}
	return rc;
}

/* Returns the status of the command, process @pid, which sends its filter on @asker. */
static int watch(const struct request *request, pid_t pid, int asker)
{
	struct refused all[MAX_REFUSED] = {{0}};
	_cleanup_close_ int listener = -1, ended = (int)syscall(SYS_pidfd_open, pid, 0);
	size_t n = 1;
	char byte;
	int status = 0, rc = ended < 0 ? -errno : 0;

	/* End of file: the child could not load the filter, and prints that itself. */
	if (rc == 0 && message_recv(asker, &byte, 1, &listener, &n) == 1)
		rc = answer_all(request, listener, ended, all);
	if (rc == 0 && waitpid(pid, &status, 0) < 0)
		rc = -errno;
	if (rc == 0)
		rc = print_report(request->report, all);
	if (rc < 0) {
		fprintf(stderr, "refuse: the report: %s\n", strerror(-rc));
		return STATUS_FAILED;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct request request = {.errnum = ENOSYS};
	int pair[2];
	pid_t pid;

	if (parse(argc, argv, &request) < 0)
		return STATUS_FAILED;
	if (!request.report)
		return execute(&request, -1);
	if (message_pair(pair) < 0 || (pid = fork()) < 0) {
		perror("refuse");
		return STATUS_FAILED;
	}
	if (pid == 0) {
		close(pair[0]);
		return execute(&request, pair[1]);
	}
	close(pair[1]);
	return watch(&request, pid, pair[0]);
}
