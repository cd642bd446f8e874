/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST server for tests: a real one in a process of its own, and raw bytes of clients from this
 * one. Its bounds in time are short here; every wait of ours ends after five seconds.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "api/limits.h"
#include "fauxroot/api/events.h"
#include "fauxroot/api/info.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/sys/nudge.h"
#include "fake_ports.h"
#include "server_process.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

enum {
	PATIENCE_MS = 60000,
	REQUEST_MS = 1000, /* of a test of it: enough for a whole one on a busy machine */
	CONNECTIONS = 8,
	BIG_SIZE = 3 << 20, /* more than a socket's buffer takes */
	MAX_CLIENTS = 512,
};

struct fixture {
	struct fake_ports ports; /* the server's; first, for its api_ops */
	char dir[64];
	pid_t server;
	int clients[MAX_CLIENTS];
	unsigned n_clients;
	bool big;	       /* the answer to GET /v1/info */
	void (*on_info)(void); /* called when the server collects its information; or NULL */
	rlim_t spare_fds;
	bool has_ports;			 /* a port driver; else there is none */
	enum api_inside inside;		 /* what clients inside may do */
	const struct api_limits *limits; /* the server's */
	unsigned burst;			 /* number of events at SIGUSR2 */
	struct api_server *running;	 /* in the server's process */
	bool takes_fds;			 /* clients can send descriptors, as before Linux 6.16 */
};

/*
 * The server's process.
 */

static inline int fill_info(void *arg, struct api_info *ret, struct error *err)
{
	const struct fixture *f = arg;

	(void)err;
	if (f->on_info)
		f->on_info();
	ret->version = strdup("0.1.0");
	ret->state_dir = strdup(f->dir);
	ret->child_pid = 42;
	if (f->big) {
		free(ret->version);
		ret->version = malloc(BIG_SIZE + 1);
		memset(ret->version, 'x', BIG_SIZE);
		ret->version[BIG_SIZE] = '\0';
	}
	return 0;
}

static inline enum api_inside inside(void *arg)
{
	const struct fixture *f = arg;

	return f->inside;
}

static const struct api_ops server_ops[] = {
	{.info = fill_info, .inside = inside},
	{.info = fill_info, .inside = inside, FAKE_PORT_OPS},
};

/* SIGUSR1: what was slow is done, and what comes from now on is slow again. */
static inline void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;

	(void)fd;
	(void)what;
	f->ports.slow = false;
	api_server_resume(f->running);
	f->ports.slow = true;
}

/* SIGUSR2: report some events, each with a line of more than 500 bytes. */
static inline void on_burst(evutil_socket_t fd, short what, void *arg)
{
	const struct fixture *f = arg;
	char reason[501];

	(void)fd;
	(void)what;
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	for (unsigned i = 0; i < f->burst; i++)
		api_server_emit(f->running, &(struct api_event){.type = API_EVENT_HELPER_DIED,
								.helper = "test",
								.reason = reason});
}

/* Let clients send descriptors to the listening socket. */
static inline void take_fds(void)
{
	const int on = 1;

	for (int fd = 3; fd < 64; fd++) {
		int listens = 0;
		socklen_t size = sizeof(listens);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens)
			(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &on, sizeof(on));
	}
}

/* exit(), not _exit(): the leak checker of sanitizer builds runs then, and its status is ours. */
static inline void serve(void *arg, int ready)
{
	struct fixture *f = arg;
	struct event_base *base = event_base_new();
	struct event *term = evsignal_new(base, SIGTERM, server_on_term, base);
	struct event *resume = evsignal_new(base, SIGUSR1, on_resume, f);
	struct event *burst = evsignal_new(base, SIGUSR2, on_burst, f);
	struct api_server *server = NULL;
	struct error err = {0};
	struct nudge nudge;

	event_add(term, NULL);
	event_add(resume, NULL);
	event_add(burst, NULL);
	umask(0777);
	if (api_server_start_limited(base, f->dir, f->limits, &server_ops[f->has_ports], f, &server,
				     &err) < 0) {
		print_error("%s\n", err.text);
		exit(1);
	}
	f->running = server;
	if (f->takes_fds)
		take_fds();
	if (f->spare_fds > 0)
		server_limit_fds(f->spare_fds);
	fd_write_all(ready, "r", 1);
	event_base_dispatch(base);
	api_server_stop(server);
	api_ports_clear(&f->ports.ports);
	event_free(term);
	event_free(resume);
	event_free(burst);
	/* It closes the last connections, as in launch/serve.c. */
	nudge_begin(&nudge, 10);
	event_base_free(base);
	nudge_end(&nudge);
	exit(0);
}

static inline void start_limited(struct fixture *f, const struct api_limits *limits)
{
	f->limits = limits;
	f->server = server_fork(serve, f);
}

static inline void start(struct fixture *f)
{
	start_limited(f, &(struct api_limits){REQUEST_MS, CONNECTIONS, 0});
}

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/test_api.XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

/* Whatever the clients have done: the server has lived until now, ends when asked, without a leak.
 */
static inline int tear_down(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int status = 0;

	if (f->server > 0) {
		/* A test that stopped it may have failed. Before SIGTERM: at the exit the leak
		 * checker traces the process, and a signal then would stop both. */
		kill(f->server, SIGCONT);
		kill(f->server, SIGTERM);
		waitpid(f->server, &status, 0);
	}
	for (unsigned i = 0; i < f->n_clients; i++)
		fd_close(f->clients[i]);
	snprintf(path, sizeof(path), "%s/api.sock", f->dir);
	unlink(path);
	rmdir(f->dir);
	free(f);
	if (status != 0)
		print_error("the server's wait status is %d\n", status);
	return status;
}

/*
 * Clients.
 */

static inline int client(struct fixture *f)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/api.sock", f->dir);
	assert_true(fd >= 0 && f->n_clients < MAX_CLIENTS);
	f->clients[f->n_clients++] = fd;
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static inline void say_n(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		/* The server may refuse before it has read all. */
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return;
		assert_true(n > 0);
		data += n;
		size -= (size_t)n;
	}
}

static inline void say(int fd, const char *text)
{
	say_n(fd, text, strlen(text));
}

static inline bool readable_within(int fd, int ms)
{
	struct deadline deadline = deadline_in(ms);

	return fd_wait(fd, POLLIN, &deadline, -1) == 0;
}

/* One recv(2) with @flags; 0 at the end of file, which a reset is, too. */
static inline size_t receive(int fd, char *buf, size_t size, int flags)
{
	ssize_t n;

	if (!readable_within(fd, PATIENCE_MS))
		fail_msg("nothing from the server for %d ms", PATIENCE_MS);
	n = recv(fd, buf, size, flags);
	if (n < 0 && errno == ECONNRESET)
		return 0;
	assert_true(n >= 0);
	return (size_t)n;
}

static inline size_t hear(int fd, char *buf, size_t size)
{
	return receive(fd, buf, size, 0);
}

static inline bool is_closed(int fd)
{
	char byte;

	return hear(fd, &byte, 1) == 0;
}

/* All until the end of file. Returns its size; @buf is terminated. */
static inline size_t hear_all(int fd, char *buf, size_t size)
{
	size_t have = 0, n;

	while ((n = hear(fd, buf + have, size - 1 - have)) > 0) {
		have += n;
		assert_true(have < size - 1);
	}
	buf[have] = '\0';
	return have;
}

static inline const char *header(const char *answer, const char *name, char *buf, size_t size)
{
	const char *at, *end = strstr(answer, "\r\n\r\n");

	snprintf(buf, size, "\r\n%s: ", name);
	at = strstr(answer, buf);
	if (!at || at > end)
		return "";
	at += strlen(buf);
	snprintf(buf, size, "%.*s", (int)strcspn(at, "\r"), at);
	return buf;
}

/* One whole answer on a connection that stays open; its body begins at the returned place. */
static inline const char *hear_one(int fd, char *buf, size_t size)
{
	size_t have = 0;
	const char *body;
	char length[32];
	uint32_t want;

	buf[0] = '\0';
	do {
		size_t n = hear(fd, buf + have, 1);

		assert_int_equal(n, 1);
		have += n;
		buf[have] = '\0';
		assert_true(have < size - 1);
	} while (!strstr(buf, "\r\n\r\n"));
	body = buf + have;
	assert_int_equal(parse_u32(header(buf, "Content-Length", length, sizeof(length)), 1 << 20,
				   &want),
			 0);
	for (; want > 0; want--) {
		have += hear(fd, buf + have, 1);
		buf[have] = '\0';
		assert_true(have < size - 1);
	}
	return body;
}

static inline int status_of(const char *answer)
{
	const char *after = str_after(answer, "HTTP/1.");
	struct cursor c;
	uint32_t status;

	if (!after || *after == '\0')
		return -1;
	c = cursor_of(after + 1);
	return cursor_char(&c, ' ') && cursor_u32(&c, 999, &status) == 0 ? (int)status : -1;
}

#define CLOSE	 " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define GET_INFO "GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n"

static inline void ask(int fd)
{
	char answer[4096];

	say(fd, GET_INFO);
	hear_one(fd, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
