/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base of helper-based networks, with a second driver for tests/lib/tools/taphelper.c. That
 * program reports on its standard output and exits with its holder. The network works if the
 * gateway answers a ping; the program answers it itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/net/net.h"
#include "fauxroot/proc/children.h"
#include "net/helper/helper.h"
#include "netns_fixture.h"

#define DEADLINE_MS INT64_C(30000)

/*
 * The driver.
 */

static char program[PATH_MAX]; /* taphelper */

/* The tests' settings for the next start. */
static struct {
	const char *jail;
	bool jail_wanted, jail_required;
	bool idle, deaf;
	char needed_version; /* the major version */
} asked;

static const char *binary(const struct config *config)
{
	(void)config;
	return program;
}

static int judge_version(struct net *net, int status, const char *text, struct error *err)
{
	const char *number = str_after(text, "taphelper ");
	int rc;

	if (!number || status != 0) {
		rc = err_say(err, EPROTO, "%s is no taphelper: \"%s\"", program, text);
		return err_about(err, rc, REASON_OTHER_PROGRAM, "%s", program);
	}
	(void)str_print(net->version, sizeof(net->version), "%s", number);
	if (*number >= asked.needed_version)
		return 0;
	rc = err_say(err, EOPNOTSUPP, "%s is too old: %s", program, number);
	return err_about(err, rc, REASON_TOO_OLD, "%s", program);
}

static void choose_shields(const struct net *net, unsigned *ret_wanted, unsigned *ret_required)
{
	(void)net;
	*ret_wanted = asked.jail_wanted;
	*ret_required = asked.jail_required;
}

static int arguments(struct net_helper *h, struct net_helper_command *command)
{
	char gateway[INET_ADDRSTRLEN];
	int rc = 0;

	inet_ntop(AF_INET, &h->net->plan.gateway, gateway, sizeof(gateway));
	if (h->shields)
		rc = strv_addf(&command->argv, "--jail=%s", asked.jail);
	if (rc == 0 && asked.idle)
		rc = strv_add(&command->argv, "--idle");
	if (rc == 0 && asked.deaf)
		rc = strv_add(&command->argv, "--deaf");
	if (rc == 0)
		rc = strv_addf(&command->argv, "%d", h->net->holder.process.pid);
	if (rc == 0)
		rc = strv_add(&command->argv, h->net->plan.ifname);
	return rc == 0 ? strv_add(&command->argv, gateway) : rc;
}

/* "PID\n" */
static int take_ready(struct net_helper *h, char byte)
{
	(void)h;
	if (byte == '\n')
		return NET_HELPER_READY;
	return byte >= '0' && byte <= '9' ? NET_HELPER_NOT_YET : -EPROTO;
}

static const char *const version_args[] = {"--version", NULL};
static const char *const shields[] = {"jail", NULL};
static const char *const chatter[] = {"taphelper: attached to ", NULL};

static const struct net_helper_ops ops = {
	.name = "taphelper",
	.binary = binary,
	.version_args = version_args,
	.judge_version = judge_version,
	.shields = shields,
	.choose_shields = choose_shields,
	.arguments = arguments,
	.take_ready = take_ready,
	.ready_on_stdout = true,
	.holder_stays = true,
	.chatter = chatter,
};

static const struct net_driver driver = {
	.mode = NET_PASTA,
	.name = "taphelper",
	.helper = &ops,
	NET_HELPER_HOOKS,
};

/*
 * The launcher's part.
 */

static struct run {
	struct config config;
	struct net net;
	struct net_helper *helper;
	struct children children;
	struct event_base *base;
	unsigned restarts, losses;
	char log[4096];
} run;

static void take_line(void *arg, enum log_level level, const char *message)
{
	size_t used = strlen(run.log);

	(void)arg;
	(void)level;
	(void)str_print(run.log + used, sizeof(run.log) - used, "%s\n", message);
}

static void on_lost(void *arg, const struct error *err)
{
	(void)arg;
	(void)err;
	run.losses++;
}

static void on_restarted(void *arg)
{
	(void)arg;
	run.restarts++;
}

static const struct net_events events = {.lost = on_lost, .restarted = on_restarted};

static int open_driver(struct error *err)
{
	int rc;

	run = (struct run){.config = {.net = NET_PASTA}};
	children_open(&run.children);
	log_redirect(take_line, NULL);
	run.net = (struct net){.driver = &driver,
			       .config = &run.config,
			       .cancel_fd = -1,
			       .holder = NS_HOLDER_NONE};
	rc = driver.plan(&run.config, &run.net.plan, err);
	if (rc == 0)
		rc = driver.check(&run.net, err);
	run.helper = run.net.state;
	return rc;
}

/* Start the network, and wait until the program is ready. */
static int start(struct fixture *f, struct error *err)
{
	int rc = open_driver(err);

	if (rc == 0)
		rc = net_prepare(&run.net, err);
	if (rc == 0)
		rc = net_start(&run.net, &f->ns, NS_HOLDER_NONE, err);
	return rc < 0 ? rc : net_wait_ready(&run.net, err);
}

static void reap(struct fixture *f)
{
	children_reap(&run.children);
	assert_int_equal(kill(f->child.pid, 0), 0);
}

static void supervise(void)
{
	run.base = event_base_new();
	assert_non_null(run.base);
	net_supervise(&run.net, run.base, &run.children, &events, NULL);
}

/* Run the event loop until @done. */
static void live_until(struct fixture *f, bool (*done)(void))
{
	struct deadline deadline = deadline_in(DEADLINE_MS);
	const struct timeval tick = {.tv_usec = 10000};

	while (!done()) {
		if (deadline_left(&deadline) == 0)
			fail_msg("nothing has happened: %s", run.log);
		event_base_loopexit(run.base, &tick);
		event_base_dispatch(run.base);
		reap(f);
	}
}

static bool restarted(void)
{
	return run.restarts > 0;
}

static bool slowed(void)
{
	return strstr(run.log, "taphelper died 5 times in a row; ") != NULL;
}

static bool continued(void)
{
	return strstr(run.log, "taphelper was stopped; continuing it\n") != NULL;
}

static void stop_helper(void)
{
	net_kill(&run.net);
	net_stop(&run.net);
	children_close(&run.children);
	if (run.base)
		event_base_free(run.base);
	log_redirect(NULL, NULL);
	asked = (typeof(asked)){0};
}

/* ns_job.run: does the gateway @arg answer a ping? */
static int ping(void *arg, struct error *err)
{
	struct deadline deadline = deadline_in(DEADLINE_MS);
	const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = *(struct in_addr *)arg};
	struct icmphdr question = {.type = ICMP_ECHO, .checksum = (uint16_t)~ICMP_ECHO};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		return err_set(err, errno, "making an ICMP socket");
	/* A packet is lost while no program is attached to the device. */
	while (deadline_left(&deadline) > 0) {
		struct deadline next = deadline_in(100);
		unsigned char answer[128];

		(void)!sendto(fd, &question, sizeof(question), 0, (const struct sockaddr *)&to,
			      sizeof(to));
		while (fd_wait(fd, POLLIN, &next, -1) == 0)
			if (recv(fd, answer, sizeof(answer), 0) >=
				    (ssize_t)(sizeof(struct iphdr) + sizeof(question)) &&
			    answer[sizeof(struct iphdr)] == ICMP_ECHOREPLY)
				return 0;
	}
	return err_set(err, ETIMEDOUT, "waiting for the answer to a ping");
}

static void assert_network(const struct fixture *f)
{
	const struct ns_job job = {
		.name = "ping", .which = NS_JOIN_NET, .run = ping, .arg = &run.net.plan.gateway};
	struct deadline deadline = deadline_in(2 * DEADLINE_MS);
	struct error err;

	if (ns_run(&f->ns, &job, &deadline, -1, &err) < 0)
		fail_msg("%s; log: %s", err.text, run.log);
}

static void start_well(struct fixture *f)
{
	struct error err = {0};

	if (start(f, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(run.helper->state, NET_HELPER_UP);
	assert_network(f);
	supervise();
}

/*
 * The tests.
 */

static void starts_and_stops(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	start_well(f);
	pid = run.helper->program.process.pid;
	assert_true(children_has(&run.children, pid) &&
		    children_has(&run.children, run.net.holder.process.pid));
	assert_int_equal(kill(run.net.holder.process.pid, 0), 0);
	stop_helper();
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
}

static void a_killed_helper_is_started_again(void **state)
{
	struct fixture *f = *state;

	start_well(f);
	kill(run.helper->program.process.pid, SIGKILL);
	live_until(f, restarted);
	assert_non_null(strstr(run.log, "taphelper died: signal 9 (Killed)\n"));
	assert_non_null(strstr(run.log, "taphelper started again"));
	assert_network(f);
	stop_helper();
}

/* Some programs do that by themselves; the others are killed: nothing would stop them when the
 * launcher is killed. */
static void a_helper_is_started_again_if_its_holder_dies(void **state)
{
	struct fixture *f = *state;

	for (int deaf = 0; deaf < 2; deaf++) {
		asked.deaf = deaf;
		start_well(f);
		kill(run.net.holder.process.pid, SIGKILL);
		live_until(f, restarted);
		assert_non_null(strstr(run.log, deaf ? "taphelper died: its holder was killed\n"
						     : "taphelper died: "));
		assert_network(f);
		stop_helper();
	}
}

/* The launcher's exit closes its end of the socket. */
static void a_helper_is_killed_when_the_launcher_exits(void **state)
{
	struct fixture *f = *state;

	asked.deaf = true;
	start_well(f);
	run.net.holder.guard = fd_close(run.net.holder.guard);
	live_until(f, restarted);
	assert_non_null(strstr(run.log, "taphelper died: "));
	assert_network(f);
	stop_helper();
}

static void a_stopped_helper_is_continued(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	start_well(f);
	pid = run.helper->program.process.pid;
	kill(pid, SIGSTOP);
	live_until(f, continued);
	assert_network(f);
	assert_int_equal(run.helper->program.process.pid, pid);
	stop_helper();
}

static void a_hanging_helper_is_killed_and_started_again(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};

	asked.idle = true;
	if (start(f, &err) < 0)
		fail_msg("%s", err.text);
	asked.idle = false;
	run.helper->check_ms = 100;
	supervise();
	live_until(f, restarted);
	assert_non_null(strstr(run.log, "taphelper died: it hung and read no more packets\n"));
	assert_network(f);
	stop_helper();
}

static void the_error_of_a_helper_that_dies_at_once_is_reported(void **state)
{
	struct error err = {0};

	asked.jail = "/nonexistent";
	asked.jail_wanted = asked.jail_required = true;
	assert_int_equal(start(*state, &err), -ECHILD);
	assert_int_equal(err.step, STEP_NET);
	assert_int_equal(err.reason, REASON_DIED);
	assert_string_equal(err.about, program);
	/* The error has its message, but not its harmless output. */
	assert_string_equal(err.text, "taphelper died before it was ready: exit status 1: "
				      "/nonexistent: No such file or directory");
	stop_helper();
}

static void a_shield_that_is_not_required_is_dropped(void **state)
{
	struct fixture *f = *state;

	asked.jail = "/nonexistent";
	asked.jail_wanted = true;
	start_well(f);
	assert_int_equal(run.helper->shields, 0);
	assert_non_null(strstr(run.log, "No such file or directory; trying without its jail\n"));
	stop_helper();
	asked.jail = "/";
	asked.jail_wanted = true;
	start_well(f);
	assert_int_equal(run.helper->shields, 1);
	assert_string_equal(run.log, "");
	stop_helper();
}

/* The version is checked when the program has died, and by --check. */
static void a_helper_that_is_too_old_is_refused(void **state)
{
	struct error err = {0};

	asked.jail = "/nonexistent";
	asked.jail_wanted = true;
	asked.needed_version = '3';
	assert_int_equal(start(*state, &err), -EOPNOTSUPP);
	assert_int_equal(err.reason, REASON_TOO_OLD);
	assert_string_equal(run.net.version, "2.1");
	assert_int_equal(net_verify(&run.net, &err), -EOPNOTSUPP);
	asked.needed_version = '2';
	assert_int_equal(net_verify(&run.net, &err), 0);
	stop_helper();
}

static void another_program_is_refused(void **state)
{
	_cleanup_free_ char *right = strdup(program);
	struct error err = {0};

	(void)str_print(program, sizeof(program), "/bin/echo");
	assert_int_equal(start(*state, &err), -EPROTO);
	assert_int_equal(err.reason, REASON_OTHER_PROGRAM);
	assert_string_equal(err.about, "/bin/echo");
	stop_helper();
	(void)str_print(program, sizeof(program), "/nonexistent/taphelper");
	assert_int_equal(open_driver(&err), -ENOENT);
	assert_int_equal(err.reason, REASON_EXEC);
	stop_helper();
	(void)str_print(program, sizeof(program), "%s", right);
}

static void a_helper_that_dies_too_often_is_restarted_later(void **state)
{
	struct fixture *f = *state;

	start_well(f);
	/* Later runs fail. */
	asked.jail = "/nonexistent";
	run.helper->shields = 1;
	kill(run.helper->program.process.pid, SIGKILL);
	live_until(f, slowed);
	assert_non_null(strstr(run.log, "taphelper died: exit status 1: /nonexistent: No such file "
					"or directory\n"));
	assert_int_equal(run.restarts, 0);
	/* Until one works. */
	run.helper->shields = 0;
	live_until(f, restarted);
	assert_int_equal(run.restarts, 1);
	assert_int_equal(run.losses, 0);
	stop_helper();
}

/* The tools are in the build directory of the unit tests. */
static int find_program(void **state)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	if (n < 0)
		return -1;
	self[n] = '\0';
	for (int i = 0; i < 2; i++)
		*strrchr(self, '/') = '\0';
	return str_print(program, sizeof(program), "%s/tests/lib/taphelper", self);
}

int main(void)
{
#define IN_NETNS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_NETNS(starts_and_stops),
		IN_NETNS(a_killed_helper_is_started_again),
		IN_NETNS(a_helper_is_started_again_if_its_holder_dies),
		IN_NETNS(a_helper_is_killed_when_the_launcher_exits),
		IN_NETNS(a_stopped_helper_is_continued),
		IN_NETNS(a_hanging_helper_is_killed_and_started_again),
		IN_NETNS(the_error_of_a_helper_that_dies_at_once_is_reported),
		IN_NETNS(a_shield_that_is_not_required_is_dropped),
		IN_NETNS(a_helper_that_is_too_old_is_refused),
		IN_NETNS(another_program_is_refused),
		IN_NETNS(a_helper_that_dies_too_often_is_restarted_later),
	};

	return cmocka_run_group_tests(tests, find_program, NULL);
}
