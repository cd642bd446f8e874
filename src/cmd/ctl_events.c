/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl events, and the exit status for fauxrootctl wait
 *
 * The lines of the server are printed as they are. The last one is "exit"; a stream that ends
 * without it is an error, because the launcher was killed, or has dropped this client.
 */
#include "ctl_events.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_instance.h"
#include "ctl_table.h"
#include "fauxroot/api/client.h"
#include "fauxroot/api/json.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/str.h"

/* The time for the first line. */
#define FIRST_LINE_MS 10000

/* A line is short, even with thousands of ports in a snapshot. */
#define LINE_MAX_BYTES (8 << 20)

struct stream {
	FILE *out;  /* for the lines; NULL: print nothing */
	char *line; /* the last, maybe incomplete line */
	size_t n, room;
	bool ended;   /* the last line was the event "exit" */
	bool dropped; /* the last line was the event "dropped" */
	int status;   /* of the event "exit"; -1: it has no valid status */
};

static void stream_clear(struct stream *stream)
{
	free(stream->line);
}

/* The member "status" of the event "exit": an exit status, from 0 to 255. */
static int status_of(const json_t *event)
{
	const json_t *status = json_object_get(event, "status");
	json_int_t value = json_integer_value(status);

	return json_is_integer(status) && value >= 0 && value <= UINT8_MAX ? (int)value : -1;
}

/* Print a complete line. It is JSON, in which control characters are escaped. */
static int take_line(struct stream *stream, struct error *err)
{
	_cleanup_json_ json_t *event = json_loadb(stream->line, stream->n, 0, NULL);
	const char *name = json_string_value(json_object_get(event, "event"));

	if (!name)
		return err_say(err, EPROTO, "the server sent a line that is not an event");
	stream->ended = streq(name, "exit");
	stream->dropped = streq(name, "dropped");
	if (stream->ended)
		stream->status = status_of(event);
	if (stream->out)
		(void)fwrite(stream->line, 1, stream->n, stream->out);
	stream->n = 0;
	if (stream->out && fflush(stream->out) != 0)
		return err_set(err, errno, "writing to standard output");
	return 0;
}

static int append(struct stream *stream, const char *data, size_t n, struct error *err)
{
	size_t room = stream->room ? stream->room : 4096;
	char *larger;

	while (room < stream->n + n)
		room *= 2;
	if (room > LINE_MAX_BYTES)
		return err_say(err, EPROTO, "the server sent a line that is too long");
	if (room > stream->room) {
		larger = realloc(stream->line, room);
		if (!larger)
			return err_set(err, ENOMEM, "reading an event");
		stream->line = larger;
		stream->room = room;
	}
	memcpy(stream->line + stream->n, data, n);
	stream->n += n;
	return 0;
}

/* api_sink */
static int on_data(void *arg, const char *data, size_t n, struct error *err)
{
	struct stream *stream = arg;
	int rc = 0;

	while (n > 0 && rc == 0) {
		const char *end = memchr(data, '\n', n);
		size_t part = end ? (size_t)(end - data) + 1 : n;

		rc = append(stream, data, part, err);
		if (rc == 0 && end)
			rc = take_line(stream, err);
		data += part;
		n -= part;
	}
	return rc;
}

/* Follow the events of the instance until it ends. */
static int follow(unsigned ms, const char *socket, struct stream *stream, struct error *err)
{
	int fd = stream->out ? fileno(stream->out) : -1;
	int rc = api_follow(ms, socket, "/v1/events", fd, on_data, stream, err);

	if (rc < 0 || stream->ended)
		return rc;
	if (stream->dropped)
		return err_say(err, EPIPE, "the events came faster than they were read");
	return err_say(err, EPIPE,
		       "the stream ended without the event \"exit\": the launcher was killed");
}

/* Has the reader of the pipe or socket @fd closed it? */
static bool has_no_reader(int fd)
{
	struct pollfd pollfd = {.fd = fd};

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & POLLERR);
}

int ctl_events(struct ctl *ctl, struct error *err)
{
	_cleanup_(stream_clear) struct stream stream = {.out = stdout};
	_cleanup_free_ char *socket = NULL;
	int rc = ctl_socket(ctl, &socket, err);

	if (rc == 0)
		rc = follow(FIRST_LINE_MS, socket, &stream, err);
	/* "events | head" ends as it would at the next write. */
	if (rc < 0 && has_no_reader(STDOUT_FILENO))
		(void)raise(SIGPIPE);
	return rc;
}

int ctl_exit_status(const char *socket, struct error *err)
{
	_cleanup_(stream_clear) struct stream stream = {.out = NULL};
	/* A stopped launcher answers when it continues. */
	int rc = follow(INT_MAX, socket, &stream, err);

	if (rc == 0 && stream.status < 0)
		return err_say(err, EPROTO, "the event \"exit\" has no exit status");
	return rc < 0 ? rc : stream.status;
}
