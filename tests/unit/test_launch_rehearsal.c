/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rehearsal compared with a launch. Each stage is made to fail once: launch and rehearsal report
 * the same error. A rehearsal with everything enabled leaves the machine unchanged.
 *
 * For stages that are not in faults[], a second table has the reason. A stage that is in neither
 * table fails the test.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/launch/hooks.h"
#include "fauxroot/launch/launcher.h"
#include "fauxroot/launch/rehearse.h"
#include "fauxroot/supervise/signals.h"
#include "fauxroot/sys/caps.h"
#include "port/builtin/protocol.h"
#include "test_launch_faults.h"

static void refuse(const struct fault *fault)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct call calls[MAX_CALLS];
	int rc = filter ? 0 : -ENOMEM;

	memcpy(calls, fault->calls, sizeof(calls));
	if (fault->stage == STAGE_MAPPERS)
		calls[0] = map_of_middle;
	for (size_t i = 0; i < MAX_CALLS && calls[i].errnum != 0 && rc == 0; i++) {
		const struct call *call = &calls[i];

		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)call->errnum), call->number,
				      call->arg < 0 ? 0 : 1,
				      SCMP_CMP((unsigned)MAX(call->arg, 0), SCMP_CMP_MASKED_EQ,
					       call->mask, call->value));
	}
	if (rc == 0 && calls[0].errnum != 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc < 0) {
		fprintf(stderr, "the filter of stage %d: %s\n", fault->stage, strerror(-rc));
		_exit(1);
	}
}

static void no_ids(uint64_t uids, uint64_t gids)
{
	(void)uids;
	(void)gids;
}

/* Runs in a separate process, with the fault. */
_noreturn_ static void run_under(const struct fault *fault, bool rehearses, struct result *result)
{
	static const struct launch_hooks hooks = {.ids_planned = no_ids};
	static char word[] = "true", *command[] = {word, NULL};
	struct signals signals;
	struct config config;
	int status;

	config_init(&config);
	config.idmap = IDMAP_SINGLE;
	config.command = command;
	fault->arrange(&config);
	refuse(fault);
	if (signals_block(&signals, NULL) < 0)
		_exit(1);
	if (rehearses)
		(void)launcher_rehearse(&config, &signals, &result->rehearsal);
	else
		result->rc = launcher_run(&config, &signals, false, &hooks, &status, &result->err);
	_exit(0);
}

static void run_fault(const struct fault *fault, bool rehearses, struct result *result)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		run_under(fault, rehearses, result);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static enum launch_stage first_failure(const struct rehearsal *r)
{
	for (int i = STAGE_NONE + 1; i < STAGE_COUNT_; i++)
		if (r->of[i].tried && r->of[i].rc < 0)
			return (enum launch_stage)i;
	return STAGE_NONE;
}

/* Replace text that differs between runs: the name of a state directory, a PID in /proc. */
static void normalize(char *text)
{
	for (char *at = text; *at; at++) {
		if (str_after(at, "/fauxroot."))
			memset(at + strlen("/fauxroot."), 'X', strnlen(at, 16) == 16 ? 6 : 0);
		while (at > text + 5 && strncmp(at - 6, "/proc/", 6) == 0 && *at >= '0' &&
		       *at <= '9')
			memmove(at, at + 1, strlen(at));
	}
}

static bool is_same(struct error *a, struct error *b)
{
	normalize(a->about);
	normalize(b->about);
	normalize(a->text);
	normalize(b->text);
	return a->code == b->code && a->step == b->step && a->reason == b->reason &&
	       streq(a->about, b->about) && streq(a->text, b->text);
}

static struct result *new_result(void)
{
	struct result *result;

	/* cppcheck-suppress invalidFunctionArg */
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(result != MAP_FAILED);
	return result;
}

static void a_rehearsal_fails_as_the_launch_does(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		const struct fault *fault = &faults[i];
		const char *name = launch_stage_name(fault->stage);
		struct result *result;
		enum launch_stage stage;
		struct error *err;

		if (fault->unless_direct && caps_can_write_maps())
			continue;
		result = new_result();
		run_fault(fault, false, result);
		run_fault(fault, true, result);
		stage = first_failure(&result->rehearsal);
		err = &result->rehearsal.of[stage].err;
		if (result->rc >= 0 || stage != fault->stage) {
			bad++;
			print_error("%s: the launch: %d %s; the rehearsal fails at %s: %s\n", name,
				    result->rc, result->err.text,
				    stage ? launch_stage_name(stage) : "no stage", err->text);
			continue;
		}
		if (!is_same(err, &result->err)) {
			bad++;
			print_error("%s: the launch: %d, step %d, reason %d (%s): %s\n"
				    "the rehearsal: %d, step %d, reason %d (%s): %s\n",
				    name, result->err.code, result->err.step, result->err.reason,
				    result->err.about, result->err.text, err->code, err->step,
				    err->reason, err->about, err->text);
		}
		munmap(result, sizeof(*result));
	}
	assert_int_equal(bad, 0);
}

static void every_stage_has_a_fault_or_a_reason(void **state)
{
	(void)state;
	for (int i = STAGE_NONE + 1; i < STAGE_COUNT_; i++) {
		bool has = without_fault[i] != NULL;

		assert_non_null(launch_stage_name((enum launch_stage)i));
		for (size_t j = 0; j < ARRAY_SIZE(faults); j++)
			has = has || faults[j].stage == (enum launch_stage)i;
		if (!has)
			fail_msg("%s is not tested", launch_stage_name((enum launch_stage)i));
	}
}

/*
 * The port forwarder may exit before or after the launcher's first order.
 */

static enum first { ANY_FIRST, ORDER_FIRST, EXIT_FIRST } first;

/* The first order passes sockets; the forwarder's messages never do. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): libc's are reserved */
ssize_t sendmsg(int sock, const struct msghdr *msg, int flags)
{
	bool order = msg->msg_controllen > 0;
	struct deadline deadline = deadline_in(30000);

	if (msg->msg_iovlen == 1 && msg->msg_iov->iov_len == sizeof(struct control_message)) {
		if (first == EXIT_FIRST && order)
			(void)fd_wait(sock, POLLRDHUP, &deadline, -1);
		if (first == ORDER_FIRST && !order)
			(void)fd_wait(sock, POLLIN, &deadline, -1);
	}
	return (ssize_t)syscall(SYS_sendmsg, sock, msg, flags);
}

static void a_forwarder_that_cannot_start_is_reported_alike(void **state)
{
	static const enum first firsts[] = {ORDER_FIRST, EXIT_FIRST};
	const struct fault *fault = faults;
	struct error *errors[2 * ARRAY_SIZE(firsts)];

	(void)state;
	while (fault->stage != STAGE_PORT_DRIVER)
		fault++;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct result *result = new_result();
		bool rehearses = i % 2 == 1;

		first = firsts[i / 2];
		run_fault(fault, rehearses, result);
		first = ANY_FIRST;
		errors[i] = rehearses ? &result->rehearsal.of[STAGE_PORT_DRIVER].err : &result->err;
		print_message("%s\n", errors[i]->text);
		assert_int_equal(errors[i]->code, EPERM);
		assert_true(is_same(errors[i], errors[0]));
	}
}

/*
 * The traces of a rehearsal.
 */

/* The output of @command. */
static char *output_of(const char *command)
{
	char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)command, NULL};
	char *text = NULL;
	int pipe_fds[2];
	pid_t pid;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(pipe_fds[1], 1);
		execv("/bin/sh", argv);
		_exit(127);
	}
	fd_close(pipe_fds[1]);
	assert_int_equal(fd_read_bounded(pipe_fds[0], 16U << 20, &text, NULL), 0);
	fd_close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return text;
}

/* One text for each kind of trace, in the order of enum launch_trace. */
static const char *const looks[] = {
	"find $XDG_RUNTIME_DIR -type d -printf '%p %m\\n' -o -printf '%p %m %s %T@\\n' | sort",
	"cat /proc/self/mountinfo",
	"grep -h \" 0100007F:$PORT \" /proc/net/tcp /proc/net/udp; true",
	"cat /proc/self/cgroup; cat /proc/$PPID/cgroup",
	"ps -e -o pid=,ppid=,comm= | awk -v p=$PPID '$2 == p && $3 != \"sh\"'",
	"ls $XDG_RUNTIME_DIR/fauxroot 2>&1; true",
};
static_assert(TRACE_ALL == (1 << ARRAY_SIZE(looks)) - 1, "each kind of trace is looked for");

/* Print the stages that could leave traces of this kind; each kind has one. */
static void print_suspects(size_t kind)
{
	unsigned n = 0;

	for (int i = STAGE_NONE + 1; i < STAGE_COUNT_; i++)
		if (launch_stage_traces((enum launch_stage)i) & 1U << kind) {
			print_error("traces like those of the stage \"%s\"\n",
				    launch_stage_name((enum launch_stage)i));
			n++;
		}
	assert_true(n > 0);
}

static void with_everything(struct config *config)
{
	config->net = NET_SLIRP4NETNS;
	config->port_driver = PORT_BUILTIN;
	config->pidns = config->cgroupns = config->utsns = config->ipcns = true;
	config->evacuate_cgroup2 = "rehearsal";
	config->disable_host_loopback = true;
	config->net_accel = NET_ACCEL_SWITCH;
	config->name = "rehearsal";
	config->workdir = "/";
	config->state_dir = in_dir("state");
	config->propagation = PROPAGATION_RSLAVE;
	assert_int_equal(strv_add(&config->copy_up, "/etc"), 0);
	assert_int_equal(strv_add(&config->publish, getenv("SPEC")), 0);
	setenv("NOTIFY_SOCKET", "/nosuch/notify", 1);
}

static void with_everything_detached(struct config *config)
{
	with_everything(config);
	config->detach_netns = true;
	config->net_accel = NET_ACCEL_NONE;
	config->evacuate_cgroup2 = NULL;
}

static void a_rehearsal_leaves_the_machine_as_it_was(void **state)
{
	const struct fault all[] = {{STAGE_NONE, with_everything, NONE},
				    {STAGE_NONE, with_everything_detached, NONE}};
	struct result *results[ARRAY_SIZE(all)];
	char *before[ARRAY_SIZE(looks)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		before[i] = output_of(looks[i]);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		results[i] = new_result();
		run_fault(&all[i], true, results[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		_cleanup_free_ char *after = output_of(looks[i]);

		if (!streq(after, before[i]))
			print_suspects(i);
		assert_string_equal(after, before[i]);
		free(before[i]);
	}
	/* Each stage was tried in one of the rehearsals, and succeeded, unless our cgroup is not
	 * delegated. */
	for (int i = STAGE_NONE + 1; i < STAGE_COUNT_; i++) {
		enum launch_stage stage = (enum launch_stage)i;
		bool tried = false;

		for (size_t j = 0; j < ARRAY_SIZE(all); j++) {
			const struct outcome *outcome = &results[j]->rehearsal.of[i];

			tried = tried || outcome->tried || outcome->depends == STAGE_CGROUP ||
				outcome->depends == STAGE_CGROUPFS;
			if (outcome->tried && outcome->rc < 0 && stage != STAGE_CGROUP &&
			    stage != STAGE_CGROUPFS)
				fail_msg("%s: %s", launch_stage_name(stage), outcome->err.text);
		}
		if (!tried && stage != STAGE_MAPPERS)
			fail_msg("%s was not tried", launch_stage_name(stage));
	}
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		munmap(results[i], sizeof(*results[i]));
}

static int set_up(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char text[32];
	socklen_t size = sizeof(addr);
	int probe;

	(void)state;
	if (!mkdtemp(dir) || mkdir(in_dir("bin"), 0700) < 0 || mkdir(in_dir("state"), 0700) < 0)
		return -1;
	write_file("bin/getsubids", 0700, "#!/bin/sh\necho 0: x 500000000 1000\n");
	write_file("bin/newuidmap", 0700, "#!/bin/sh\nexit 1\n");
	write_file("bin/newgidmap", 0700, "#!/bin/sh\nexit 1\n");
	write_file("bin/dying", 0700,
		   "#!/bin/sh\ncase $1 in --version) exec slirp4netns --version ;; esac\n"
		   "echo no >&2\nexit 1\n");
	write_file("state/child_pid", 0600, "text");
	setenv("XDG_RUNTIME_DIR", dir, 1);
	setenv("STATE", in_dir("state"), 1);
	taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(taken, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(taken, 1) < 0 ||
	    getsockname(taken, (struct sockaddr *)&addr, &size) < 0)
		return -1;
	(void)str_print(taken_spec, sizeof(taken_spec), "127.0.0.1:%d:80/tcp",
			ntohs(addr.sin_port));
	addr.sin_port = 0;
	if (bind(probe, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    getsockname(probe, (struct sockaddr *)&addr, &size) < 0)
		return -1;
	fd_close(probe);
	(void)str_print(text, sizeof(text), "127.0.0.1:%d:80/tcp", ntohs(addr.sin_port));
	setenv("SPEC", text, 1);
	(void)str_print(text, sizeof(text), "%04X", ntohs(addr.sin_port));
	setenv("PORT", text, 1);
	(void)str_print(text, sizeof(text), "0 %u 1\n", geteuid());
	map_of_middle.value = strlen(text);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(output_of("rm -rf $XDG_RUNTIME_DIR"));
	while (n_paths > 0)
		free(paths[--n_paths]);
	fd_close(taken);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stage_has_a_fault_or_a_reason),
		cmocka_unit_test(a_rehearsal_fails_as_the_launch_does),
		cmocka_unit_test(a_forwarder_that_cannot_start_is_reported_alike),
		cmocka_unit_test(a_rehearsal_leaves_the_machine_as_it_was),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
