/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxroot-docker-proxy as a program, in the directory of $FAUXROOT or in build/: its requests to
 * the API, how it runs docker-proxy, what it writes to descriptor 3, and that it leaves nothing
 * behind. docker-proxy is a script of the test, first in PATH.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/api/client.h"
#include "fauxroot/api/info.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fake_ports.h"
#include "server_process.h"

enum { PATIENCE_MS = 60000 };

/* The port driver of the server. */
enum driver {
	BUILTIN = 0,
	NO_LOOPBACK,	 /* leads to the child's own address, IPv4 only */
	WITHOUT_ADDRESS, /* the same, and the network has no address */
	NONE,
	IMPLICIT,
};

struct fixture {
	struct fake_ports ports; /* the server's; first, for its api_ops */
	char *program;
	char dir[64], socket[96], script[96], words[96];
	enum driver driver;
	pid_t server;
	char *path, *searched; /* PATH, and what the tests make of it */
};

static int fill_info(void *arg, struct api_info *ret, struct error *err)
{
	static const char *const protos[] = {"tcp", "tcp4", "udp", "udp4", "tcp6", "udp6"};
	const struct fixture *f = arg;

	(void)err;
	ret->version = strdup("0.9.9");
	ret->state_dir = strdup(f->dir);
	ret->child_pid = 42;
	if (f->driver == NONE)
		return 0;
	ret->net_driver = strdup("slirp4netns");
	if (f->driver != WITHOUT_ADDRESS)
		ret->net_child_ip = strdup("10.0.2.100");
	ret->port_driver = strdup(f->driver == IMPLICIT ? "implicit" : "fake");
	for (size_t i = 0; i < (f->driver == BUILTIN ? 6 : 4); i++)
		strv_add(&ret->port_protos, protos[i]);
	ret->port_disallow_loopback_child_ip = f->driver != BUILTIN;
	return 0;
}

static const struct api_ops ops = {
	.info = fill_info,
	FAKE_PORT_OPS,
};

static void serve(void *arg, int ready)
{
	struct fixture *f = arg;
	struct event_base *base = event_base_new();
	struct api_server *server = NULL;
	struct error err = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (api_server_start(base, f->dir, &ops, f, &server, &err) < 0)
		_exit(1);
	fd_write_all(ready, "r", 1);
	event_base_dispatch(base);
	_exit(1);
}

static void start(struct fixture *f, enum driver driver)
{
	f->driver = driver;
	f->server = server_fork(serve, f);
}

static void stop_server(struct fixture *f)
{
	if (f->server > 0) {
		kill(f->server, SIGKILL);
		waitpid(f->server, NULL, 0);
	}
	f->server = 0;
	unlink(f->socket);
}

static int set_up(void **state)
{
	const char *launcher = getenv("FAUXROOT"), *path = getenv("PATH");
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	f->program = str_format("%sctl", launcher ? launcher : "build/fauxroot");
	snprintf(f->dir, sizeof(f->dir), "/tmp/test_api_proxy.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->socket, sizeof(f->socket), "%s/api.sock", f->dir);
	snprintf(f->script, sizeof(f->script), "%s/docker-proxy", f->dir);
	snprintf(f->words, sizeof(f->words), "%s/words", f->dir);
	f->path = strdup(path ? path : "/usr/bin:/bin");
	f->searched = str_format("%s:%s", f->dir, f->path);
	setenv("PATH", f->searched, 1);
	setenv("ROOTLESSKIT_STATE_DIR", f->dir, 1);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	stop_server(f);
	unlink(f->script);
	unlink(f->words);
	rmdir(f->dir);
	setenv("PATH", f->path, 1);
	free(f->path);
	free(f->searched);
	free(f->program);
	free(f);
	return 0;
}

/* docker-proxy: writes its arguments to a file, then executes @rest. */
static void write_script(const struct fixture *f, const char *rest)
{
	_cleanup_free_ char *text = str_format("#!/bin/sh\necho \"$@\" >%s\n%s\n", f->words, rest);
	int fd = open(f->script, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	fd_close(fd);
}

#define WORKS	  "printf '0\\n' >&3; exec 3>&-; exec sleep 60"
#define STUBBORN  "trap '' TERM INT; " WORKS
#define COMPLAINS "printf '1\\nno such network' >&3; exit 3"

/* A proxy at work, as dockerd sees it. */
struct proxy {
	struct process process;
	int pipe; /* what comes from descriptor 3 */
};

static void launch(const struct fixture *f, const char *const *argv, struct proxy *ret)
{
	const char *words[16] = {"/usr/bin/rootlesskit-docker-proxy"};
	int pipe_fds[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct error err = {0};
	int keep[1], rc;

	for (size_t i = 0; i < ARRAY_SIZE(words) - 2 && argv[i]; i++)
		words[i + 1] = argv[i];
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	keep[0] = pipe_fds[1];
	fflush(NULL);
	rc = fork_clean("proxy", keep, 1, &ret->process, &err);
	assert_true(rc >= 0);
	if (rc == 0) {
		if (pipe_fds[1] == 3)
			fd_set_cloexec(3, 0);
		else
			dup2(pipe_fds[1], 3);
		execv(f->program, (char *const *)(uintptr_t)words);
		_exit(126);
	}
	fd_close(null);
	fd_close(pipe_fds[1]);
	ret->pipe = pipe_fds[0];
}

/* All of descriptor 3, whose other end somebody must close. */
static char *hear(struct proxy *proxy)
{
	struct deadline patience = deadline_in(PATIENCE_MS);
	char *text = NULL;

	assert_int_equal(fd_wait(proxy->pipe, POLLIN, &patience, -1), 0);
	assert_int_equal(fd_read_bounded(proxy->pipe, 4096, &text, NULL), 0);
	proxy->pipe = fd_close(proxy->pipe);
	return text;
}

static int end_of(struct proxy *proxy)
{
	struct deadline patience = deadline_in(PATIENCE_MS);
	int status;

	assert_int_equal(process_wait(&proxy->process, &patience, -1, &status), 0);
	return status;
}

static char *ports_of(const struct fixture *f)
{
	struct api_reply reply = {0};
	struct error err = {0};

	if (api_call(f->socket, "GET", "/v1/ports", NULL, &reply, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(reply.status, 200);
	return reply.body;
}

static char *words_of(const struct fixture *f)
{
	char *text = NULL;

	assert_int_equal(file_read_bounded(AT_FDCWD, f->words, 4096, &text, NULL), 0);
	return text;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define DOCKER(proto, ip)                                                                          \
	ARGS("-proto", proto, "-host-ip", ip, "-host-port", "8080", "-container-ip", "172.17.0.2", \
	     "-container-port", "80")
#define PASSED(proto, ip)               \
	"-proto " proto " -host-ip " ip \
	" -host-port 8080 -container-ip 172.17.0.2 -container-port 80\n"
#define PORT(proto, parent, child)                                            \
	"[{\"id\":1,\"spec\":{\"proto\":\"" proto "\",\"parentIP\":\"" parent \
	"\",\"parentPort\":8080,\"childIP\":\"" child                         \
	"\",\"childPort\":8080},\"owner\":\"peer\"}]"

static const struct {
	enum driver driver;
	const char *const *argv;
	const char *ports, *words; /* while it works */
} works[] = {
	{BUILTIN, DOCKER("tcp", "0.0.0.0"), PORT("tcp4", "0.0.0.0", "127.0.0.1"),
	 PASSED("tcp", "127.0.0.1")},
	{BUILTIN, DOCKER("tcp", "::"), PORT("tcp6", "::", "::1"), PASSED("tcp", "::1")},
	{BUILTIN, DOCKER("udp", "127.0.0.1"), PORT("udp4", "127.0.0.1", "127.0.0.1"),
	 PASSED("udp", "127.0.0.1")},
	{BUILTIN, DOCKER("udp6", "::1"), PORT("udp6", "::1", "::1"), PASSED("udp6", "::1")},
	{NO_LOOPBACK, DOCKER("tcp", "0.0.0.0"), PORT("tcp4", "0.0.0.0", "10.0.2.100"),
	 PASSED("tcp", "10.0.2.100")},
	/* The other forms of Go's flags; unknown flags are passed on. */
	{BUILTIN, ARGS("--proto=tcp", "-x", "-host-ip=127.0.0.1", "--host-port=8080", "-y=z", "w"),
	 PORT("tcp4", "127.0.0.1", "127.0.0.1"),
	 "--proto=tcp -x -host-ip=127.0.0.1 --host-port=8080 -y=z w\n"},
	/* Without an address: all of IPv4. */
	{BUILTIN, ARGS("-host-port", "8080"),
	 "[{\"id\":1,\"spec\":{\"proto\":\"tcp4\",\"parentPort\":8080,\"childIP\":\"127.0.0.1\","
	 "\"childPort\":8080},\"owner\":\"peer\"}]",
	 "-host-port 8080 -host-ip=127.0.0.1\n"},
};

static void publishes(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		for (int sig = SIGINT; sig <= SIGTERM; sig += SIGTERM - SIGINT) {
			_cleanup_free_ char *said = NULL, *ports = NULL, *words = NULL,
					    *after = NULL;
			struct proxy proxy;

			start(f, works[i].driver);
			write_script(f, WORKS);
			launch(f, works[i].argv, &proxy);
			said = hear(&proxy);
			assert_string_equal(said, "0\n");
			ports = ports_of(f);
			assert_string_equal(ports, works[i].ports);
			words = words_of(f);
			assert_string_equal(words, works[i].words);
			kill(proxy.process.pid, sig);
			assert_int_equal(end_of(&proxy), 0);
			after = ports_of(f);
			assert_string_equal(after, "[]");
			stop_server(f);
		}
}

/* After SIGKILL the server removes the port, and the next proxy can publish it at once. */
static void port_is_removed_after_sigkill(void **state)
{
	struct fixture *f = *state;

	start(f, BUILTIN);
	write_script(f, WORKS);
	for (int i = 0; i < 3; i++) {
		_cleanup_free_ char *said = NULL, *before = NULL, *after = NULL;
		struct proxy proxy;

		launch(f, DOCKER("tcp", "0.0.0.0"), &proxy);
		said = hear(&proxy);
		assert_string_equal(said, "0\n");
		before = ports_of(f);
		assert_non_null(strstr(before, "8080"));
		kill(proxy.process.pid, SIGKILL);
		assert_int_equal(end_of(&proxy), SIGKILL);
		after = i > 0 ? strdup("[]") : ports_of(f);
		assert_string_equal(after, "[]");
	}
}

/* A docker-proxy that ignores SIGTERM; one that exits by itself; a launcher that has exited. */
static void exits_with_its_status_and_removes_the_port(void **state)
{
	static const struct {
		const char *script;
		const char *said;
		bool kill, server_gone;
		int status;
	} rows[] = {
		{STUBBORN, "0\n", true, false, 0},
		{WORKS, "0\n", true, true, 0},
		{COMPLAINS, "1\nno such network", false, false, W_EXITCODE(3, 0)},
		{"kill -9 $$", "", false, false, W_EXITCODE(137, 0)},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *said = NULL, *after = NULL;
		struct proxy proxy;

		start(f, BUILTIN);
		write_script(f, rows[i].script);
		launch(f, DOCKER("tcp", "0.0.0.0"), &proxy);
		said = hear(&proxy);
		assert_string_equal(said, rows[i].said);
		if (rows[i].server_gone)
			stop_server(f);
		if (rows[i].kill)
			kill(proxy.process.pid, SIGTERM);
		assert_int_equal(end_of(&proxy), rows[i].status);
		if (!rows[i].server_gone) {
			after = ports_of(f);
			assert_string_equal(after, "[]");
		}
		stop_server(f);
	}
}

/* Without a port driver docker-proxy is executed with unchanged arguments. */
static void executes_docker_proxy_without_a_port_driver(void **state)
{
	static const enum driver drivers[] = {NONE, IMPLICIT};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		_cleanup_free_ char *said = NULL, *words = NULL;
		struct proxy proxy;
		char pid[16];

		start(f, drivers[i]);
		write_script(f, "echo $$ >&3; exit 9");
		launch(f, DOCKER("tcp", "0.0.0.0"), &proxy);
		said = hear(&proxy);
		snprintf(pid, sizeof(pid), "%d\n", proxy.process.pid);
		assert_string_equal(said, pid);
		assert_int_equal(end_of(&proxy), W_EXITCODE(9, 0));
		words = words_of(f);
		assert_string_equal(words, PASSED("tcp", "0.0.0.0"));
		stop_server(f);
	}
}

/* A protocol that the port driver does not support does not prevent the container's start. */
static void skips_unsupported_protocols(void **state)
{
	static const char *const rows[][2] = {
		{"tcp", "::"}, {"udp6", "0.0.0.0"}, {"sctp", "0.0.0.0"}};
	struct fixture *f = *state;

	start(f, NO_LOOPBACK);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *said = NULL, *ports = NULL;
		struct proxy proxy;

		write_script(f, WORKS);
		launch(f, DOCKER(rows[i][0], rows[i][1]), &proxy);
		said = hear(&proxy);
		assert_string_equal(said, "0\n");
		assert_int_equal(end_of(&proxy), 0);
		ports = ports_of(f);
		assert_string_equal(ports, "[]");
		assert_int_not_equal(access(f->words, F_OK), 0);
	}
}

static const struct {
	enum driver driver;
	const char *const *argv;
	const char *script; /* NULL: there is no docker-proxy */
	const char *said;   /* a part */
} failures[] = {
	{BUILTIN, DOCKER("tcp", "0.0.0.0"), NULL,
	 "1\nexecuting \"docker-proxy\": No such file or directory"},
	{NONE, DOCKER("tcp", "0.0.0.0"), NULL,
	 "1\nexecuting \"docker-proxy\": No such file or directory"},
	{WITHOUT_ADDRESS, DOCKER("tcp", "0.0.0.0"), WORKS, "does not reach loopback addresses"},
	{BUILTIN, ARGS("-proto", "tcp", "-host-ip", "0.0.0.0"), WORKS, "1\n-host-port takes"},
	{BUILTIN, ARGS("-host-port", "0"), WORKS, "not \"0\""},
	{BUILTIN, ARGS("-host-port", "65536"), WORKS, "not \"65536\""},
	{BUILTIN, ARGS("-host-port"), WORKS, "1\n-host-port takes"},
	{BUILTIN, DOCKER("tcp", "localhost"), WORKS, "\"localhost\" is not an IP address"},
	{BUILTIN, DOCKER("tcp", "::ffff:1.2.3.4"), WORKS, "not an address for tcp6"},
	{BUILTIN, ARGS("-host-ip", "0.0.0.0", "-host-port", "60001"), WORKS,
	 "1\npublishing it: Permission denied (HTTP status 400)"},
};

static void reports_failures(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		_cleanup_free_ char *said = NULL;
		struct proxy proxy;

		start(f, failures[i].driver);
		unlink(f->script);
		if (failures[i].script)
			write_script(f, failures[i].script);
		else
			setenv("PATH", f->dir, 1);
		launch(f, failures[i].argv, &proxy);
		setenv("PATH", f->searched, 1);
		said = hear(&proxy);
		if (!strstr(said, failures[i].said))
			fail_msg("row %zu: %s", i, said);
		assert_int_equal(strncmp(said, "1\n", 2), 0);
		assert_int_equal(end_of(&proxy), W_EXITCODE(1, 0));
		if (failures[i].driver == BUILTIN) {
			_cleanup_free_ char *ports = ports_of(f);

			assert_string_equal(ports, "[]");
		}
		stop_server(f);
	}
}

static void needs_an_instance(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *unset = NULL, *gone = NULL;
	struct proxy proxy;

	launch(f, DOCKER("tcp", "0.0.0.0"), &proxy);
	gone = hear(&proxy);
	assert_non_null(str_after(gone, "1\nconnecting to "));
	assert_int_equal(end_of(&proxy), W_EXITCODE(1, 0));
	unsetenv("ROOTLESSKIT_STATE_DIR");
	launch(f, DOCKER("tcp", "0.0.0.0"), &proxy);
	unset = hear(&proxy);
	assert_string_equal(unset, "1\nROOTLESSKIT_STATE_DIR is not set");
	assert_int_equal(end_of(&proxy), W_EXITCODE(1, 0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(publishes),
		TEST(port_is_removed_after_sigkill),
		TEST(exits_with_its_status_and_removes_the_port),
		TEST(executes_docker_proxy_without_a_port_driver),
		TEST(skips_unsupported_protocols),
		TEST(reports_failures),
		TEST(needs_an_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
