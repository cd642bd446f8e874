/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/proc/handshake.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/proc/progress.h"
#include "fauxroot/sys/message.h"

/* The time limit for one step of the child. A file system that works needs less, even on a machine
 * under load. */
#define STALL_MS 30000
#define CHECK_MS 1000

/* One record. The unused end of .text is not sent. */
struct record {
	uint32_t type;
	int32_t code;	 /* HANDSHAKE_FAILED: errno; HANDSHAKE_LOG: the level */
	uint32_t step;	 /* HANDSHAKE_FAILED */
	uint32_t reason; /* HANDSHAKE_FAILED */
	char about[sizeof(((struct error *)NULL)->about)]; /* HANDSHAKE_FAILED */
	char text[sizeof(((struct error *)NULL)->text)];
};

/* The size of a message without content. */
#define HEAD offsetof(struct record, about)

static int send_record(int sock, struct record *record, const char *text)
{
	size_t n = strnlen(text, sizeof(record->text));

	memcpy(record->text, text, n);
	return message_send(sock, record, offsetof(struct record, text) + n, NULL, 0);
}

int handshake_send(int sock, enum handshake_type type)
{
	return handshake_send_fd(sock, type, -1);
}

int handshake_send_fd(int sock, enum handshake_type type, int fd)
{
	struct record record = {.type = type};

	return message_send(sock, &record, HEAD, &fd, fd >= 0 ? 1 : 0);
}

void handshake_fail(int sock, const struct error *err)
{
	struct record record = {
		.type = HANDSHAKE_FAILED,
		.code = err->code,
		.step = err->step,
		.reason = err->reason,
	};

	memcpy(record.about, err->about, sizeof(record.about));
	/* If this fails, the launcher has exited. */
	(void)send_record(sock, &record, err->text);
}

void handshake_log(void *arg, enum log_level level, const char *message)
{
	const int *sock = arg;
	struct record record = {.type = HANDSHAKE_LOG, .code = (int32_t)level};

	(void)send_record(*sock, &record, message);
}

/* Receive one record, and terminate its text. @fd: its descriptor, -1: none; or NULL. Returns the
 * record's size, 0 at end of file, or -errno. */
static ssize_t recv_record(int sock, struct record *record, int *fd)
{
	_cleanup_close_ int received = -1;
	size_t n_fds = fd ? 1 : 0;
	ssize_t n;

	memset(record, 0, sizeof(*record));
	n = message_recv(sock, record, sizeof(*record), fd ? &received : NULL, &n_fds);
	if (n == 0 || n == -ECONNRESET)
		return 0;
	if (n < 0)
		return n;
	if ((size_t)n < HEAD)
		return -EPROTO;
	if (fd)
		*fd = TAKE_FD(received);
	record->text[sizeof(record->text) - 1] = '\0';
	return n;
}

static int take_failure(const struct record *record, struct error *err)
{
	struct error received = {
		.code = record->code,
		.step = (enum error_step)record->step,
		.reason = (enum error_reason)record->reason,
	};
	int rc;

	memcpy(received.about, record->about, sizeof(received.about));
	memcpy(received.text, record->text, sizeof(received.text));
	rc = err_check_received(&received);
	if (err)
		*err = received;
	return rc;
}

/* Wait for the message @type. @deadline: as in fd_wait(). @ret_fd: as in handshake_receive_fd(), or
 * NULL. */
static int await(int sock, enum handshake_type type, const char *step_words,
		 const struct deadline *deadline, int cancel_fd, int *ret_fd, struct error *err)
{
	for (;;) {
		_cleanup_close_ int fd = -1;
		struct record record;
		int rc = fd_wait(sock, POLLIN, deadline, cancel_fd);
		ssize_t n;

		if (rc < 0)
			return err_set(err, -rc, "%s", step_words);
		n = recv_record(sock, &record, ret_fd ? &fd : NULL);
		if (n < 0)
			return err_set(err, (int)-n, "%s: reading the other side's message",
				       step_words);
		if (n == 0 && type == 0)
			return 0;
		if (n == 0)
			return err_say(err, ECONNRESET, "%s: the other process has exited",
				       step_words);
		if (record.type == HANDSHAKE_LOG) {
			log_as("child", (enum log_level)record.code, record.text);
			continue;
		}
		if (record.type == HANDSHAKE_FAILED)
			return take_failure(&record, err);
		if (record.type != type)
			return err_say(err, EPROTO, "%s: received message %u instead of %u",
				       step_words, record.type, type);
		if (ret_fd)
			*ret_fd = TAKE_FD(fd);
		return 0;
	}
}

int handshake_expect(int sock, enum handshake_type type, const char *step_words, int cancel_fd,
		     struct error *err)
{
	return await(sock, type, step_words, NULL, cancel_fd, NULL, err);
}

int handshake_poll(int sock, enum handshake_type type, const char *step_words, struct error *err)
{
	const struct deadline now = deadline_in(0);
	int rc = await(sock, type, step_words, &now, -1, NULL, err);

	return rc == -ETIMEDOUT ? -EAGAIN : rc;
}

int handshake_receive_fd(int sock, enum handshake_type type, const char *step_words, int cancel_fd,
			 int *ret_fd, struct error *err)
{
	return await(sock, type, step_words, NULL, cancel_fd, ret_fd, err);
}

/* Wait until a message comes, or until @progress has not changed for STALL_MS. */
static int wait_for_message(int sock, const char *step_words, const struct progress *progress,
			    int cancel_fd, struct error *err)
{
	unsigned seen = atomic_load(&progress->steps), now;
	int64_t since = clock_ms();
	char at[PROGRESS_TEXT];

	while (clock_ms() - since < STALL_MS) {
		struct deadline check = deadline_in(CHECK_MS);
		int rc = fd_wait(sock, POLLIN, &check, cancel_fd);

		if (rc != -ETIMEDOUT)
			return rc < 0 ? err_set(err, -rc, "%s", step_words) : 0;
		now = atomic_load(&progress->steps);
		if (now != seen)
			since = clock_ms();
		seen = now;
	}
	(void)progress_text(progress, at);
	return err_say(err, ETIMEDOUT, "%s: no progress in %d s%s%s", step_words, STALL_MS / 1000,
		       *at ? " at " : "", at);
}

int handshake_follow(int sock, enum handshake_type type, const char *step_words,
		     const struct progress *progress, int cancel_fd, int *ret_fd, struct error *err)
{
	for (;;) {
		const struct deadline now = deadline_in(0);
		int rc = wait_for_message(sock, step_words, progress, cancel_fd, err);

		if (rc == 0)
			rc = await(sock, type, step_words, &now, -1, ret_fd, err);
		else
			return rc;
		/* -ETIMEDOUT: the message was a line of the log. */
		if (rc != -ETIMEDOUT)
			return rc;
	}
}

void handshake_await_end(int sock)
{
	struct record record;

	while (recv_record(sock, &record, NULL) > 0)
		;
}

bool handshake_peer_lives(int sock)
{
	struct pollfd fd = {.fd = sock, .events = POLLRDHUP};

	return poll(&fd, 1, 0) == 0;
}
