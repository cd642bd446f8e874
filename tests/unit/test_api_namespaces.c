/* SPDX-License-Identifier: Apache-2.0 */
/* ns.sock: the sent namespaces, the accepted clients, and a client's checks of the records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/api/namespaces.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/message.h"
#include "no_peerpidfd.h"
#include "server_process.h"

enum { PATIENCE_MS = 60000 };

struct fixture {
	char dir[64], path[96];
	pid_t server;
	bool with_all;
	rlim_t spare_fds;
};

static int open_ns(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Every kind, by name and by where it belongs. */
static const struct {
	const char *name;
	size_t offset;
} kinds[] = {
	{"user", offsetof(struct ns_set, user)},     {"mnt", offsetof(struct ns_set, mnt)},
	{"net", offsetof(struct ns_set, net)},	     {"pid", offsetof(struct ns_set, pid)},
	{"cgroup", offsetof(struct ns_set, cgroup)}, {"uts", offsetof(struct ns_set, uts)},
	{"ipc", offsetof(struct ns_set, ipc)},
};

static int *member(struct ns_set *ns, size_t kind)
{
	return (int *)((char *)ns + kinds[kind].offset);
}

/* All, or those that every launch has: user and mount namespace. */
static struct ns_set own_namespaces(bool all)
{
	struct ns_set ns = NS_SET_NONE;

	for (size_t i = 0; i < (all ? ARRAY_SIZE(kinds) : 2); i++)
		*member(&ns, i) = open_ns(kinds[i].name);
	return ns;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/test_api_ns.XXXXXX");
	*state = f;
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/ns.sock", f->dir);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int status = 0;

	if (f->server > 0) {
		kill(f->server, SIGTERM);
		waitpid(f->server, &status, 0);
	}
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return status;
}

/* exit(), not _exit(), for the leak checker. */
static void serve(void *arg, int ready)
{
	const struct fixture *f = arg;
	struct ns_set ns = own_namespaces(f->with_all);
	struct event_base *base = event_base_new();
	struct event *term = evsignal_new(base, SIGTERM, server_on_term, base);
	struct ns_server *server = NULL;
	struct error err = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	event_add(term, NULL);
	umask(0);
	if (ns_server_start(base, f->dir, &ns, &server, &err) < 0)
		exit(1);
	if (f->spare_fds > 0)
		server_limit_fds(f->spare_fds - 1);
	fd_write_all(ready, "r", 1);
	event_base_dispatch(base);
	ns_server_stop(server);
	ns_set_close(&ns);
	event_free(term);
	event_base_free(base);
	exit(0);
}

static void start(struct fixture *f)
{
	f->server = server_fork(serve, f);
}

static void assert_is(int fd, const char *name)
{
	_cleanup_close_ int own = open_ns(name);
	struct stat a, b;

	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(fstat(own, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void sends_its_namespaces(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	for (int i = 0; i < 2; i++) {
		_cleanup_ns_answer_ struct ns_answer answer = NS_ANSWER_NONE;
		struct error err = {0};

		f->with_all = i == 1;
		start(f);
		if (ns_ask(f->path, &answer, &err) < 0)
			fail_msg("%s", err.text);
		for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++)
			if (f->with_all || kind < 2)
				assert_is(*member(&answer.ns, kind), kinds[kind].name);
			else
				assert_int_equal(*member(&answer.ns, kind), -1);
		assert_string_equal(answer.state_dir, f->dir);
		assert_int_equal(answer.version, NS_RECORDS_VERSION);
		assert_int_equal(answer.uid, geteuid());
		assert_int_equal(answer.gid, getegid());
		assert_int_equal(lstat(f->path, &st), 0);
		assert_int_equal(st.st_mode, S_IFSOCK | 0600);
		kill(f->server, SIGTERM);
		waitpid(f->server, NULL, 0);
		f->server = 0;
		unlink(f->path);
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : fd;
}

/* Clients that do not read, that send data, or that disconnect: other clients are served. */
static void survives_clients(void **state)
{
	enum { MANY = 300 };
	struct fixture *f = *state;
	int fds[MANY];

	start(f);
	for (int i = 0; i < MANY; i++) {
		fds[i] = connect_to(f->path);
		assert_true(fds[i] >= 0);
		if (i % 3 == 0)
			(void)send(fds[i], f, sizeof(*f), MSG_NOSIGNAL);
		if (i % 3 == 1)
			fds[i] = fd_close(fds[i]);
	}
	for (int i = 0; i < 3; i++) {
		_cleanup_ns_answer_ struct ns_answer answer = NS_ANSWER_NONE;
		struct error err = {0};

		if (ns_ask(f->path, &answer, &err) < 0)
			fail_msg("%s", err.text);
	}
	for (int i = 0; i < MANY; i++)
		fd_close(fds[i]);
}

/* Without a descriptor for accept(2) clients wait; the server does not spin and continues later. */
static void waits_for_descriptors(void **state)
{
	struct fixture *f = *state;
	_cleanup_ns_answer_ struct ns_answer answer = NS_ANSWER_NONE;
	struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
	_cleanup_close_ int fd = -1;
	struct error err = {0};
	struct pollfd poll_fd;

	f->spare_fds = 1;
	start(f);
	fd = connect_to(f->path);
	assert_true(fd >= 0);
	poll_fd = (struct pollfd){.fd = fd, .events = POLLIN};
	assert_int_equal(poll(&poll_fd, 1, 200), 0);
	assert_int_equal(prlimit(f->server, RLIMIT_NOFILE, &limit, NULL), 0);
	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
	if (ns_ask(f->path, &answer, &err) < 0)
		fail_msg("%s", err.text);
}

/* The program "knock PATH", run as another user: returns 0 if no data was received. */
static int knock(const char *path)
{
	struct ns_answer answer = NS_ANSWER_NONE;
	struct error err = {0};
	char byte;
	int fd;

	/* ns_ask() refuses the server by itself; a client without that check gets nothing. */
	if (ns_ask(path, &answer, &err) != -EPERM)
		return 2;
	fd = connect_to(path);
	return fd >= 0 && recv(fd, &byte, 1, 0) == 0 ? 0 : 3;
}

/* A process of another user: as root change the uid, otherwise use one of our subordinate ids. */
static void refuses_strangers(void **state)
{
	struct fixture *f = *state;
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	pid_t pid;

	assert_true(n > 0);
	self[n] = '\0';
	start(f);
	/* Open the permissions of the directory and the socket, which would refuse the client. */
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(chmod(f->path, 0666), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0)
			_exit(setgid(65534) < 0 || setuid(65534) < 0 ? 4 : knock(f->path));
		execlp("unshare", "unshare", "--user", "--map-auto", "--setuid", "5", "--setgid",
		       "5", self, "knock", f->path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Records of servers that a client must not trust. */
struct lie {
	const char *text;
	const char *names[4]; /* of namespaces; "/": a descriptor that is not a namespace */
	const char *kinds;    /* the second record; NULL: there is none, as from older launchers */
	int rc;
	const char *words;
};

static const struct lie lies[] = {
	{"/run/x", {"user", "mnt", "net"}, "user net mnt", 0, ""},
	{"/run/x", {"mnt", "user"}, "user mnt", 0, ""},
	{"/run/x", {"user", "mnt"}, NULL, 0, ""},
	{"/run/x", {"user", "mnt", "pid"}, NULL, 0, ""},
	{"", {NULL}, NULL, -EPROTO, "sent no answer"},
	{"/run/x", {NULL}, NULL, -EPROTO, "lacks the user namespace"},
	{"/run/x", {"mnt", "net"}, NULL, -EPROTO, "lacks the user namespace"},
	{"/run/x", {"user"}, NULL, -EPROTO, "lacks the mount namespace"},
	{"/run/x", {"user", "net", "pid"}, NULL, -EPROTO, "lacks the mount namespace"},
	{"/run/x", {"user"}, "user", -EPROTO, "lacks the mount namespace"},
	{"/run/x",
	 {"user", "mnt"},
	 "user net mnt",
	 -EPROTO,
	 "it names the namespaces \"user net mnt\" but sent \"user mnt\""},
	{"/run/x", {"user", "mnt", "net"}, "user mnt", -EPROTO, "it names the namespaces"},
	{"/run/x", {"user", "mnt"}, "user mnt time", -EPROTO, "it names the namespaces"},
	{"/run/x", {"user", "mnt"}, "mnt user", -EPROTO, "it names the namespaces"},
	{"run/x", {"user", "mnt"}, NULL, -EPROTO, "lacks the path"},
	{"/run/x", {"user", "user"}, NULL, -EPROTO, "two namespaces of the same type"},
	{"/run/x", {"user", "/"}, NULL, -EPROTO, "not a namespace of a known type"},
	{"/run/x", {"user", "time"}, NULL, -EPROTO, "not a namespace of a known type"},
};

/* @version: the third record; NULL: there is none, as from older launchers */
static void lie_to_one(int listener, const struct lie *lie, const char *version)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC), fds[4];
	size_t n = 0;

	for (; n < 4 && lie->names[n]; n++)
		fds[n] = streq(lie->names[n], "/") ? open("/", O_PATH) : open_ns(lie->names[n]);
	if (*lie->text)
		(void)message_send(client, lie->text, strlen(lie->text), fds, n);
	if (lie->kinds)
		(void)message_send(client, lie->kinds, strlen(lie->kinds), NULL, 0);
	if (version)
		(void)message_send(client, version, strlen(version), NULL, 0);
	fd_close(client);
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 1) < 0))
		return fd_close(fd);
	return fd;
}

/* Ask a server that answers one client. */
static int ask_liar(const char *path, int listener, const struct lie *lie, const char *version,
		    struct ns_answer *answer, struct error *err)
{
	pid_t pid;
	int rc;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		lie_to_one(listener, lie, version);
		pause();
	}
	rc = ns_ask(path, answer, err);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return rc;
}

static void refuses_invalid_records(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int listener = listen_at(f->path);

	assert_true(listener >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		_cleanup_ns_answer_ struct ns_answer answer = NS_ANSWER_NONE;
		struct error err = {0};
		int rc = ask_liar(f->path, listener, &lies[i], NULL, &answer, &err);

		if (rc != lies[i].rc || (rc < 0 && !strstr(err.text, lies[i].words)))
			fail_msg("row %zu: %d %s", i, rc, err.text);
		assert_true(rc == 0 || (!answer.state_dir && answer.ns.user == -1));
	}
}

static void understands_other_versions(void **state)
{
	static const struct lie whole = {"/run/x", {"user", "mnt"}, "user mnt", 0, ""};
	static const struct {
		const char *record;
		int rc;
		uint32_t version;
		const char *words;
	} cases[] = {
		{NULL, 0, 0, ""},
		{"1", 0, 1, ""},
		{"1 0.1.0", 0, 1, ""},
		{"1 9.0.0 and words that nobody knows yet", 0, 1, ""},
		{"2 9.0.0", -EPROTONOSUPPORT, 0, "version 2, and this program knows version 1"},
		{"0 1", -EPROTO, 0, "no version"},
		{"new", -EPROTO, 0, "no version"},
	};
	struct fixture *f = *state;
	_cleanup_close_ int listener = listen_at(f->path);

	assert_true(listener >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_ns_answer_ struct ns_answer answer = NS_ANSWER_NONE;
		struct error err = {0};
		int rc = ask_liar(f->path, listener, &whole, cases[i].record, &answer, &err);

		if (rc != cases[i].rc || (rc < 0 && !strstr(err.text, cases[i].words)))
			fail_msg("row %zu: %d %s", i, rc, err.text);
		assert_int_equal(answer.version, cases[i].version);
	}
}

/* A server in a descendant user namespace, like an instance's command; visible or hidden. */
_noreturn_ static void serve_from_below(const struct fixture *f, bool hidden, int ready)
{
	static const struct lie whole = {"/run/x", {"user", "mnt"}, "user mnt", 0, ""};
	int listener;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWUSER) < 0)
		_exit(1);
	if (hidden)
		prctl(PR_SET_DUMPABLE, 0);
	listener = listen_at(f->path);
	(void)fd_write_all(ready, "r", 1);
	lie_to_one(listener, &whole, NULL);
	pause();
	_exit(1);
}

static void refuses_servers_in_descendant_namespaces(void **state)
{
	struct fixture *f = *state;

	for (int hidden = 0; hidden < 2; hidden++) {
		_cleanup_ns_answer_ struct ns_answer answer = NS_ANSWER_NONE;
		struct error err = {0};
		int ready[2];
		pid_t pid;
		char byte;

		assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
		fflush(NULL);
		pid = fork();
		if (pid == 0)
			serve_from_below(f, hidden, ready[1]);
		fd_close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		fd_close(ready[0]);
		/* Root sees what is hidden. */
		if (ns_ask(f->path, &answer, &err) != -EPERM)
			fail_msg("hidden %d: \"%s\"", hidden, err.text);
		if (!strstr(err.text, hidden && geteuid() != 0 ? "cannot be seen"
							       : "a user namespace below ours"))
			fail_msg("hidden %d: \"%s\"", hidden, err.text);
		assert_int_equal(answer.ns.user, -1);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		unlink(f->path);
	}
}

static void works_without_so_peerpidfd(void **state)
{
	(void)state;
	lose_so_peerpidfd();
}

static void names_the_unreachable_socket(void **state)
{
	struct fixture *f = *state;
	struct ns_answer answer = NS_ANSWER_NONE;
	struct error err = {0};
	char deep[200], expected[256];

	assert_int_equal(ns_ask(f->path, &answer, &err), -ENOENT);
	snprintf(expected, sizeof(expected), "connecting to \"%s\": No such file or directory",
		 f->path);
	assert_string_equal(err.text, expected);
	memset(deep, 'd', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(ns_ask(deep, &answer, &err), -ENAMETOOLONG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(sends_its_namespaces),
		TEST(survives_clients),
		TEST(waits_for_descriptors),
		TEST(refuses_strangers),
		TEST(refuses_invalid_records),
		TEST(refuses_servers_in_descendant_namespaces),
		TEST(understands_other_versions),
		TEST(names_the_unreachable_socket),
		TEST(works_without_so_peerpidfd),
		TEST(sends_its_namespaces),
		TEST(refuses_servers_in_descendant_namespaces),
	};

	if (argc == 3 && streq(argv[1], "knock"))
		return knock(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
