/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl as a program, in the directory of $FAUXROOT or in build/: its command line, its
 * output and its exit status. The server is a real one in a child process of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/api/info.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fake_ports.h"
#include "server_process.h"

struct fixture {
	struct fake_ports ports; /* the server's; first, for its api_ops */
	char *program;
	char dir[64], socket[96];
	pid_t server;
};

static int fill_info(void *arg, struct api_info *ret, struct error *err)
{
	const struct fixture *f = arg;

	(void)err;
	ret->version = strdup("0.9.9");
	ret->state_dir = strdup(f->dir);
	ret->child_pid = 42;
	ret->net_driver = strdup("slirp4netns");
	strv_add(&ret->net_dns, "10.0.2.3");
	strv_add(&ret->net_dns, "fd00::3");
	ret->net_child_ip = strdup("10.0.2.100");
	ret->port_driver = strdup("built\033[31min");
	strv_add(&ret->port_protos, "tcp");
	strv_add(&ret->port_protos, "udp");
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

static int set_up(void **state)
{
	static struct fixture f;
	const char *launcher = getenv("FAUXROOT");

	/* "build/fauxroot" and "ctl" */
	f.program = str_format("%sctl", launcher ? launcher : "build/fauxroot");
	snprintf(f.dir, sizeof(f.dir), "/tmp/test_api_ctl.XXXXXX");
	if (!mkdtemp(f.dir))
		return -1;
	snprintf(f.socket, sizeof(f.socket), "%s/api.sock", f.dir);
	f.server = server_fork(serve, &f);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	kill(f->server, SIGKILL);
	waitpid(f->server, NULL, 0);
	unlink(f->socket);
	free(f->program);
	return rmdir(f->dir);
}

/* What a run has left behind. */
struct run {
	int status;
	char *out, *errors;
};

static void run_clear(struct run *run)
{
	free(run->out);
	free(run->errors);
}

static int temporary_file(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static char *content_of(int fd)
{
	char *text = NULL;

	assert_true(lseek(fd, 0, SEEK_SET) == 0);
	assert_int_equal(fd_read_bounded(fd, 1 << 20, &text, NULL), 0);
	fd_close(fd);
	return text;
}

/*
 * Run the program as @name with @argv. @inside: with ROOTLESSKIT_STATE_DIR. @out: its stdout; -1:
 * gathered; -2: closed.
 */
static void run(const struct fixture *f, const char *name, bool inside, int out,
		const char *const *argv, struct run *ret)
{
	int output = temporary_file(), errors = temporary_file(), status;
	const char *words[8] = {name};
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(words) - 2 && argv[i]; i++)
		words[i + 1] = argv[i];
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (inside)
			setenv("ROOTLESSKIT_STATE_DIR", f->dir, 1);
		else
			unsetenv("ROOTLESSKIT_STATE_DIR");
		/* No instance is listed there. */
		setenv("XDG_RUNTIME_DIR", f->dir, 1);
		dup2(errors, STDERR_FILENO);
		if (out == -2)
			close(STDOUT_FILENO);
		else
			dup2(out < 0 ? output : out, STDOUT_FILENO);
		execv(f->program, (char *const *)(uintptr_t)words);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	ret->out = content_of(output);
	ret->errors = content_of(errors);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_ARGS	  ((const char *const[]){NULL})

#define NO_INSTANCE                                                    \
	"error: no instance is running in $XDG_RUNTIME_DIR/fauxroot; " \
	"for another one, give its state directory with --socket\n"

static const struct {
	const char *name;
	const char *const *argv; /* "SOCKET" and "DIR" are replaced */
	const char *out;	 /* all of stdout, or its start where it ends in "…" */
	const char *errors;	 /* the whole of stderr */
} rows[] = {
	{"fauxrootctl", ARGS("--version"), "fauxrootctl version " FAUXROOT_VERSION "\n", ""},
	{"/x/y/fauxrootctl", ARGS("-v"), "fauxrootctl version " FAUXROOT_VERSION "\n", ""},
	{"rootlessctl", ARGS("--version"), "rootlessctl version 3.0.1\n", ""},
	{"/usr/bin/rootlessctl", ARGS("-version"), "rootlessctl version 3.0.1\n", ""},
	{"fauxrootctl", ARGS("info", "--version"), "fauxrootctl version " FAUXROOT_VERSION "\n",
	 ""},
	{"fauxrootctl", ARGS("--help"), "Usage: fauxrootctl [options] command [argument...]\n…",
	 ""},
	{"rootlessctl", ARGS("-h"), "Usage: rootlessctl [options] command [argument...]\n…", ""},
	{"fauxrootctl", ARGS("info", "-help"), "Usage: fauxrootctl…", ""},
	{"fauxrootctl", NO_ARGS, "", "error: no command; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("--"), "", "error: no command; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("help"), "Usage: fauxrootctl [options] command [argument...]\n…", ""},
	{"fauxrootctl", ARGS("lst-ports"), "",
	 "error: unknown command \"lst-ports\"; did you mean list-ports?\n"},
	{"fauxrootctl", ARGS("--sokcet=x", "info"), "",
	 "error: unknown option --sokcet; did you mean --socket?\n"},
	{"fauxrootctl", ARGS("info", "--jsn"), "",
	 "error: unknown option --jsn; did you mean --json?\n"},
	{"rootlessctl", ARGS("x"), "", "error: unknown command \"x\"; see rootlessctl --help\n"},
	{"fauxrootctl", ARGS("-"), "", "error: unknown command \"-\"; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS(""), "", "error: unknown command \"\"; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("--x=y", "info"), "",
	 "error: unknown option --x; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("-x"), "", "error: unknown option -x; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("-hv"), "", "error: unknown option -hv; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("--json", "info"), "",
	 "error: unknown option --json; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("info", "--json=maybe"), "",
	 "error: --json takes true or false, not \"maybe\"\n"},
	{"fauxrootctl", ARGS("--socket"), "", "error: --socket needs a value: PATH\n"},
	{"fauxrootctl", ARGS("info", "x\033[2J"), "", "error: info takes no argument \"x?[2J\"\n"},
	{"fauxrootctl", ARGS("info"), "", NO_INSTANCE},
	{"fauxrootctl", ARGS("--socket=", "info"), "", NO_INSTANCE},
	{"fauxrootctl", ARGS("--instance=", "info"), "", NO_INSTANCE},
	{"fauxrootctl", ARGS("stop"), "", NO_INSTANCE},
	{"fauxrootctl", ARGS("wait"), "", NO_INSTANCE},
	{"fauxrootctl", ARGS("kill"), "", NO_INSTANCE},
	{"fauxrootctl", ARGS("kill", "-s", "SIGRTMIN+1"), "", NO_INSTANCE},
	{"fauxrootctl", ARGS("shell"), "", NO_INSTANCE},
	{"rootlessctl", ARGS("info"), "",
	 "error: which instance? Give --socket or set ROOTLESSKIT_STATE_DIR\n"},
	{"fauxrootctl", ARGS("--instance=x", "info"), "", "error: no instance \"x\" is running\n"},
	{"fauxrootctl", ARGS("--instance", "1", "info"), "",
	 "error: no instance \"1\" is running\n"},
	{"fauxrootctl", ARGS("--instance=x", "info", "--socket=y"), "",
	 "error: --socket and --instance cannot be combined\n"},
	{"fauxrootctl", ARGS("kill", "--signal=NOPE"), "",
	 "error: --signal takes a name such as TERM, or a number from 1 to 64, not \"NOPE\"\n"},
	{"fauxrootctl", ARGS("kill", "-s", "65"), "",
	 "error: --signal takes a name such as TERM, or a number from 1 to 64, not \"65\"\n"},
	{"fauxrootctl", ARGS("kill", "-s", "0"), "",
	 "error: --signal takes a name such as TERM, or a number from 1 to 64, not \"0\"\n"},
	{"fauxrootctl", ARGS("stop", "-s", "TERM"), "",
	 "error: unknown option -s; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("stop", "x"), "", "error: stop takes no argument \"x\"\n"},
	{"fauxrootctl", ARGS("--socket", "/dev/null", "info"), "",
	 "error: connecting to \"/dev/null\": Connection refused\n"},
	{"fauxrootctl", ARGS("--socket=/nothing/api.sock", "info"), "",
	 "error: connecting to \"/nothing/api.sock\": No such file or directory\n"},
	{"fauxrootctl", ARGS("list-ports"), "", NO_INSTANCE},
	{"fauxrootctl", ARGS("list-ports", "1"), "", "error: list-ports takes no argument \"1\"\n"},
	{"rootlessctl", ARGS("add-ports"), "",
	 "error: add-ports needs at least one SPEC; see rootlessctl --help\n"},
	{"fauxrootctl", ARGS("add-ports", "80:80/tcp"), "", NO_INSTANCE},
	{"fauxrootctl", ARGS("remove-ports"), "",
	 "error: remove-ports needs at least one ID or SPEC; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("remove-ports", "--json", "1"), "",
	 "error: unknown option --json; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("exec"), "",
	 "error: exec needs at least one COMMAND; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("exec", "--json", "id"), "",
	 "error: unknown option --json; see fauxrootctl --help\n"},
	{"fauxrootctl", ARGS("ps", "x"), "", "error: ps takes no argument \"x\"\n"},
};

static void assert_output(const char *text, const char *wanted, size_t row)
{
	const char *more = strstr(wanted, "…");
	bool same =
		more ? strncmp(text, wanted, (size_t)(more - wanted)) == 0 : streq(text, wanted);

	if (!same)
		fail_msg("row %zu: \"%s\" instead of \"%s\"", row, text, wanted);
}

/* The status of a failure. exec, shell and wait have the command's statuses, so theirs differs from
 * the usual ones. */
static int failure_of(const char *verb)
{
	return verb && (streq(verb, "exec") || streq(verb, "shell") || streq(verb, "wait")) ? 125
											    : 1;
}

static void parses_its_command_line(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(run_clear) struct run result = {0};

		run(f, rows[i].name, false, -1, rows[i].argv, &result);
		assert_output(result.errors, rows[i].errors, i);
		assert_output(result.out, rows[i].out, i);
		assert_int_equal(result.status, *rows[i].errors ? failure_of(rows[i].argv[0]) : 0);
	}
}

static void help_lists_the_commands(void **state)
{
	static const char *const commands[] = {"list-ports [--json]",
					       "add-ports [--json] SPEC...",
					       "remove-ports ID|SPEC...",
					       "info [--json]",
					       "stop",
					       "kill [-s SIGNAL]",
					       "wait",
					       "shell",
					       "exec [--] COMMAND...",
					       "ps [--json]"};
	const struct fixture *f = *state;
	_cleanup_(run_clear) struct run result = {0};

	run(f, "fauxrootctl", false, -1, ARGS("--help"), &result);
	assert_non_null(strstr(result.out, "\n  --socket PATH "));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		_cleanup_free_ char *line = str_format("\n  %s ", commands[i]);

		assert_non_null(strstr(result.out, line));
	}
}

static void check_info(const struct fixture *f, bool inside, const char *const *argv)
{
	_cleanup_(run_clear) struct run result = {0};
	_cleanup_free_ char *wanted = str_format("- REST API version: 1.1.1\n"
						 "- Implementation version: 0.9.9\n"
						 "- State Directory: %s\n"
						 "- Child PID: 42\n"
						 "- Network Driver: slirp4netns\n"
						 "  - DNS: [10.0.2.3 fd00::3]\n"
						 "  - IP: 10.0.2.100\n"
						 "- Port Driver: built?[31min\n"
						 "  - Supported protocols: [tcp udp]\n",
						 f->dir);

	run(f, "fauxrootctl", inside, -1, argv, &result);
	assert_string_equal(result.errors, "");
	assert_string_equal(result.out, wanted);
	assert_int_equal(result.status, 0);
}

static void prints_info(void **state)
{
	const struct fixture *f = *state;

	check_info(f, true, ARGS("info"));
	check_info(f, true, ARGS("--debug=0", "--", "info", "--json=f"));
	check_info(f, false, ARGS("-socket", f->socket, "info"));
	check_info(f, false, ARGS("info", "--socket", f->socket));
	check_info(f, false, ARGS("info", "--socket", f->dir));
}

static void prints_json(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(run_clear) struct run result = {0};
	_cleanup_api_info_ struct api_info info = {0};
	struct error err = {0};

	run(f, "rootlessctl", true, -1, ARGS("info", "--json"), &result);
	assert_int_equal(result.status, 0);
	assert_non_null(str_after(result.out, "{\n    \"apiVersion\": \"1.1.1\",\n"));
	assert_int_equal(api_info_decode(result.out, strlen(result.out), &info, &err), 0);
	assert_string_equal(info.state_dir, f->dir);
}

/*
 * Ports, in one sequence: each row sees the changes of the rows before.
 */

#define HEADS "ID    PROTO    PARENTIP    PARENTPORT    CHILDIP    CHILDPORT\n"

static const struct {
	const char *const *argv;
	const char *out, *errors;
} port_rows[] = {
	{ARGS("list-ports"), HEADS, ""},
	{ARGS("list-ports", "--json"), "[]\n", ""},
	{ARGS("add-ports", "127.0.0.1:8080:80/tcp"), "1\n", ""},
	{ARGS("add-ports", ":53:10.0.2.100:5353/udp", "[::1]:9:9/tcp6"), "2\n3\n", ""},
	{ARGS("add-ports", "--json", "1.2.3.4:81:81/tcp4"),
	 "[{\"id\":4,\"spec\":{\"proto\":\"tcp4\",\"parentIP\":\"1.2.3.4\",\"parentPort\":81,"
	 "\"childPort\":81}}]\n",
	 ""},
	{ARGS("list-ports"),
	 "ID    PROTO    PARENTIP     PARENTPORT    CHILDIP       CHILDPORT\n"
	 "1     tcp      127.0.0.1    8080                        80\n"
	 "2     udp                   53            10.0.2.100    5353\n"
	 "3     tcp6     ::1          9                           9\n"
	 "4     tcp4     1.2.3.4      81                          81\n",
	 ""},
	{ARGS("remove-ports", "3", "1"), "3\n1\n", ""},
	{ARGS("list-ports", "--json"),
	 "[{\"id\":2,\"spec\":{\"proto\":\"udp\",\"parentPort\":53,\"childIP\":\"10.0.2.100\","
	 "\"childPort\":5353}},"
	 "{\"id\":4,\"spec\":{\"proto\":\"tcp4\",\"parentIP\":\"1.2.3.4\",\"parentPort\":81,"
	 "\"childPort\":81}}]\n",
	 ""},
	/* A port a number; the third is taken, so none stays, and the first word's neither. */
	{ARGS("add-ports", "127.0.0.1:8002:2/tcp"), "5\n", ""},
	{ARGS("add-ports", "127.0.0.1:7000:2/udp", "127.0.0.1:8000-8003:9000-9003/tcp"), "",
	 "error: publishing port 8002: Address already in use (HTTP status 409)\n"},
	{ARGS("remove-ports", "2", "4"), "2\n4\n", ""},
	{ARGS("list-ports"),
	 "ID    PROTO    PARENTIP     PARENTPORT    CHILDIP    CHILDPORT\n"
	 "5     tcp      127.0.0.1    8002                     2\n",
	 ""},
	{ARGS("add-ports", "127.0.0.1:8010-8012:9000-9002/tcp"), "9\n10\n11\n", ""},
	{ARGS("remove-ports", "9", "10", "11", "12"), "9\n10\n11\n",
	 "error: there is no port with the id 12 (HTTP status 400)\n"},
	/* All arguments are parsed before the first request. */
	{ARGS("remove-ports", "5", "x"), "",
	 "error: \"x\" is neither the id of a port nor a spec\n"},
	{ARGS("remove-ports", "5", "4294967296"), "",
	 "error: \"4294967296\" is neither the id of a port nor a spec\n"},
	{ARGS("add-ports", "127.0.0.1:6000:1/tcp", "0:1/tcp"), "",
	 "error: invalid port \"0:1/tcp\": the parent port \"0\" is not one of 1-65535; expected "
	 "[PARENT-IP]:PARENT-PORT:[CHILD-IP:]CHILD-PORT/PROTO, such as 127.0.0.1:8080:80/tcp\n"},
	{ARGS("add-ports", "127.0.0.1:1:60001/tcp"), "",
	 "error: publishing it: Permission denied (HTTP status 400)\n"},
	{ARGS("remove-ports", "5"), "5\n", ""},
	{ARGS("list-ports"), HEADS, ""},
	/* As fauxrootctl the default protocol is tcp. */
	{ARGS("add-ports", "8080:80", "127.0.0.1:8090-8091:90-91"), "12\n13\n14\n", ""},
	/* By its spec: the whole of it, and all or nothing. */
	{ARGS("remove-ports", "8080:80/udp"), "", "error: no port :8080:80/udp is published\n"},
	{ARGS("remove-ports", "12", "127.0.0.1:8080:80"), "",
	 "error: no port 127.0.0.1:8080:80/tcp is published\n"},
	{ARGS("remove-ports", "127.0.0.1:8090-8092:90-92/tcp"), "",
	 "error: no port 127.0.0.1:8092:92/tcp is published\n"},
	{ARGS("remove-ports", "127.0.0.1:8090-8091:90-91/tcp", ":8080:80"), "13\n14\n12\n", ""},
	{ARGS("list-ports"), HEADS, ""},
};

/* rootlessctl, whose output scripts read. */
static const struct {
	const char *const *argv;
	const char *out, *errors;
} compatible_rows[] = {
	{ARGS("list-ports", "--json"), "", ""},
	{ARGS("add-ports", "8080:80"), "",
	 "error: invalid port \"8080:80\": it does not end with a protocol, as in 80/tcp; expected "
	 "[PARENT-IP]:PARENT-PORT:[CHILD-IP:]CHILD-PORT/PROTO, such as 127.0.0.1:8080:80/tcp\n"},
	{ARGS("add-ports", "--json", "1.2.3.4:81:81/tcp4", "8080:80/tcp"),
	 "{\"id\":15,\"spec\":{\"proto\":\"tcp4\",\"parentIP\":\"1.2.3.4\",\"parentPort\":81,"
	 "\"childPort\":81}}\n{\"id\":16,\"spec\":{\"proto\":\"tcp\",\"parentPort\":8080,"
	 "\"childPort\":80}}\n",
	 ""},
	{ARGS("remove-ports", "15"), "15\n", ""},
	{ARGS("list-ports", "--json"),
	 "{\"id\":16,\"spec\":{\"proto\":\"tcp\",\"parentPort\":8080,\"childPort\":80}}\n", ""},
	{ARGS("remove-ports", "16"), "16\n", ""},
};

static void manages_ports(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(port_rows); i++) {
		_cleanup_(run_clear) struct run result = {0};

		run(f, "fauxrootctl", true, -1, port_rows[i].argv, &result);
		assert_output(result.errors, port_rows[i].errors, i);
		assert_output(result.out, port_rows[i].out, i);
		assert_int_equal(result.status, *port_rows[i].errors ? 1 : 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(compatible_rows); i++) {
		_cleanup_(run_clear) struct run result = {0};

		run(f, "rootlessctl", true, -1, compatible_rows[i].argv, &result);
		assert_output(result.errors, compatible_rows[i].errors, 1000 + i);
		assert_output(result.out, compatible_rows[i].out, 1000 + i);
		assert_int_equal(result.status, *compatible_rows[i].errors ? 1 : 0);
	}
}

/* No launcher listens there; the status differs from usual statuses of commands. */
static void reports_exec_failures(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(run_clear) struct run result = {0};
	_cleanup_free_ char *wanted = str_format(
		"error: connecting to \"%s/ns.sock\": No such file or directory\n", f->dir);

	run(f, "fauxrootctl", true, -1, ARGS("exec", "--", "true"), &result);
	assert_string_equal(result.errors, wanted);
	assert_int_equal(result.status, 125);
}

static void logs_when_asked(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(run_clear) struct run result = {0};

	run(f, "fauxrootctl", true, -1, ARGS("--debug", "info"), &result);
	assert_int_equal(result.status, 0);
	assert_non_null(str_after(result.errors, "[fauxrootctl:client] "));
	assert_non_null(strstr(result.errors, "GET /v1/info over "));
}

static void reports_write_errors(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(run_clear) struct run full = {0}, closed = {0};
	_cleanup_close_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	run(f, "fauxrootctl", true, fd, ARGS("info"), &full);
	assert_int_equal(full.status, 1);
	assert_string_equal(full.errors,
			    "error: writing to standard output: No space left on device\n");
	run(f, "fauxrootctl", true, -2, ARGS("info"), &closed);
	assert_int_equal(closed.status, 1);
	assert_string_equal(closed.errors,
			    "error: writing to standard output: Bad file descriptor\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_its_command_line),
		cmocka_unit_test(help_lists_the_commands),
		cmocka_unit_test(prints_info),
		cmocka_unit_test(prints_json),
		cmocka_unit_test(manages_ports),
		cmocka_unit_test(reports_exec_failures),
		cmocka_unit_test(logs_when_asked),
		cmocka_unit_test(reports_write_errors),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
