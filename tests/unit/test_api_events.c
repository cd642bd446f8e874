/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of events: its clients, its limits, and its lines. */
#include "test_api_fixture.h"

#include <event2/event.h>

#include "api/events.h"
#include "fauxroot/api/json.h"
#include "fauxroot/base/str.h"

#define GET_EVENTS "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n"

#define BURST 200U

/* Start a server that reports @burst events at SIGUSR2. */
static void start_events(struct fixture *f, unsigned burst)
{
	f->burst = burst;
	f->has_ports = true;
	start_limited(f, &(struct api_limits){PATIENCE_MS, 64, 0});
}

/* The same, and a client has @ms to take its last line. */
static void start_impatient(struct fixture *f, unsigned burst, unsigned ms)
{
	f->burst = burst;
	start_limited(f, &(struct api_limits){ms, 64, 0});
}

/*
 * Read one line, which is at most @size - 1 bytes long. Returns false at the end of the stream.
 *
 * It looks for the end of the line first, instead of reading byte by byte: a thousand lines must
 * take less than the time after which the server closes a client that it has dropped.
 */
static bool read_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	do {
		size_t waiting;
		char *end;

		assert_true(n < size - 1);
		waiting = receive(fd, line + n, size - 1 - n, MSG_PEEK);
		if (waiting == 0) {
			assert_int_equal(n, 0);
			return false;
		}
		end = memchr(line + n, '\n', waiting);
		n += hear(fd, line + n, end ? (size_t)(end + 1 - line) - n : waiting);
	} while (line[n - 1] != '\n');
	line[n] = '\0';
	return true;
}

/* Read one line, and copy the name of its event to @name. */
static bool read_event(int fd, char name[32])
{
	_cleanup_json_ json_t *event = NULL;
	char line[4096];
	const char *word;

	if (!read_line(fd, line, sizeof(line)))
		return false;
	event = json_loads(line, 0, NULL);
	word = json_string_value(json_object_get(event, "event"));
	assert_non_null(word);
	assert_non_null(json_string_value(json_object_get(event, "time")));
	assert_int_equal(str_print(name, 32, "%s", word), 0);
	return true;
}

static void assert_event(int fd, const char *wanted)
{
	char name[32];

	assert_true(read_event(fd, name));
	assert_string_equal(name, wanted);
}

/* Connect a client, and read the head of the answer. Returns the descriptor. */
static int follow(struct fixture *f, int status)
{
	int fd = client(f);
	char line[256];

	say(fd, GET_EVENTS);
	assert_true(read_line(fd, line, sizeof(line)));
	assert_int_equal(status_of(line), status);
	do {
		assert_true(read_line(fd, line, sizeof(line)));
	} while (!streq(line, "\r\n"));
	return fd;
}

static int subscribe(struct fixture *f)
{
	int fd = follow(f, 200);

	assert_event(fd, "snapshot");
	return fd;
}

static void all_clients_get_all_events(void **state)
{
	struct fixture *f = *state;
	int fds[3], status;

	start_events(f, 2);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = subscribe(f);
	/* What a client sends is discarded. It may close its own side and still read. */
	say(fds[1], "GET /v1/info HTTP/1.1\r\n\r\n");
	assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
	ask(client(f));
	kill(f->server, SIGUSR2);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_event(fds[i], "helper-died");
		assert_event(fds[i], "helper-died");
	}
	kill(f->server, SIGTERM);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		assert_true(is_closed(fds[i]));
	/* A second SIGTERM could kill it. */
	assert_int_equal(waitpid(f->server, &status, 0), f->server);
	assert_int_equal(status, 0);
	f->server = 0;
}

static void the_first_line_is_the_state(void **state)
{
	static const char port[] = "POST /v1/ports HTTP/1.1\r\nContent-Length: 45\r\n\r\n"
				   "{\"proto\":\"tcp\",\"parentPort\":1,\"childPort\":80}";
	struct fixture *f = *state;
	_cleanup_json_ json_t *event = NULL;
	char line[4096], answer[4096];
	int fd;

	start_events(f, 1);
	fd = client(f);
	say(fd, port);
	hear_one(fd, answer, sizeof(answer));
	assert_int_equal(status_of(answer), 201);
	assert_true(read_line(follow(f, 200), line, sizeof(line)));
	event = json_loads(line, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "snapshot");
	assert_true(json_is_true(json_object_get(event, "networkUp")));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(event, "info"), "childPID")),
		42);
	assert_int_equal(json_array_size(json_object_get(event, "ports")), 1);
}

/* A client that does not read is told so, and the others get their events. */
static void drops_a_client_that_does_not_read(void **state)
{
	struct fixture *f = *state;
	unsigned bursts = 0, n = 0;
	char name[32] = "";
	int slow, quick;

	start_events(f, BURST);
	slow = subscribe(f);
	quick = subscribe(f);
	/* A socket takes up to 200 KiB, and the server the backlog. */
	for (; bursts < 5; bursts++) {
		kill(f->server, SIGUSR2);
		for (unsigned i = 0; i < BURST; i++)
			assert_event(quick, "helper-died");
	}
	while (read_event(slow, name))
		n++;
	assert_string_equal(name, "dropped");
	assert_true(n > EVENTS_BACKLOG / 1024 && n < bursts * BURST);
	kill(f->server, SIGUSR2);
	assert_event(quick, "helper-died");
}

/* A client that does not take its last line either is disconnected. */
static void disconnects_a_client_that_never_reads(void **state)
{
	struct deadline patience = deadline_in(PATIENCE_MS);
	struct fixture *f = *state;
	int fd, rc;

	start_impatient(f, 5 * BURST, REQUEST_MS);
	fd = subscribe(f);
	kill(f->server, SIGUSR2);
	/* No events are requested: the wait ends when the server has closed its side. */
	rc = fd_wait(fd, 0, &patience, -1);
	assert_int_equal(rc, 0);
}

static void the_number_of_clients_is_limited(void **state)
{
	struct fixture *f = *state;
	int fds[EVENTS_CLIENTS], late;

	start_events(f, 1);
	for (unsigned i = 0; i < EVENTS_CLIENTS; i++)
		fds[i] = subscribe(f);
	(void)follow(f, 503);
	/* Other requests are answered. */
	ask(client(f));
	/* A client that has closed its side and goes away later makes room as well. */
	assert_int_equal(shutdown(fds[3], SHUT_WR), 0);
	ask(client(f));
	close(fds[3]);
	for (unsigned i = 0; i < f->n_clients; i++)
		if (f->clients[i] == fds[3])
			f->clients[i] = -1;
	late = subscribe(f);
	kill(f->server, SIGUSR2);
	assert_event(late, "helper-died");
	assert_event(fds[0], "helper-died");
}

static void other_methods_are_refused(void **state)
{
	static const char *const methods[] = {"HEAD", "POST", "DELETE"};
	struct fixture *f = *state;

	start_events(f, 1);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		int fd = client(f);
		char text[128], line[256];

		assert_int_equal(str_print(text, sizeof(text), "%s /v1/events" CLOSE, methods[i]),
				 0);
		say(fd, text);
		assert_true(read_line(fd, line, sizeof(line)));
		assert_int_equal(status_of(line), 405);
	}
}

/* Is the next allocation of libevent to fail? */
static bool libevent_lacks_memory;

/* Only the first time: later requests are answered. */
static void take_memory(void)
{
	static bool taken;

	libevent_lacks_memory = !taken;
	taken = true;
}

/* event_set_mem_functions() */
static void *allocate(size_t size)
{
	if (!libevent_lacks_memory)
		return malloc(size);
	libevent_lacks_memory = false;
	return NULL;
}

static void without_memory_a_client_gets_an_error(void **state)
{
	struct fixture *f = *state;

	/* The snapshot is complete; then there is no memory for the client. */
	f->on_info = take_memory;
	start_events(f, 1);
	(void)follow(f, 500);
	ask(client(f));
}

static void every_event_is_a_line(void **state)
{
	char server[] = "::1", *servers[] = {server};
	const struct strv dns = {servers, 1};
	const struct {
		struct api_event event;
		const char *rest; /* after the time */
	} cases[] = {
		{{.type = API_EVENT_NETWORK_DOWN}, "\"event\":\"network-down\"}\n"},
		{{.type = API_EVENT_NETWORK_UP}, "\"event\":\"network-up\"}\n"},
		{{.type = API_EVENT_HELPER_RESTARTED, .helper = "port agent"},
		 "\"event\":\"helper-restarted\",\"helper\":\"port agent\"}\n"},
		{{.type = API_EVENT_HELPER_DIED, .helper = "a", .reason = "b\n\377"},
		 "\"event\":\"helper-died\",\"helper\":\"a\",\"reason\":\"b\\n?\"}\n"},
		{{.type = API_EVENT_NAMES_CHANGED}, "\"event\":\"names-changed\",\"dns\":[]}\n"},
		{{.type = API_EVENT_NAMES_CHANGED, .dns = &dns},
		 "\"event\":\"names-changed\",\"dns\":[\"::1\"]}\n"},
		{{.type = API_EVENT_EXIT, .status = 137}, "\"event\":\"exit\",\"status\":137}\n"},
		{{.type = API_EVENT_EXIT, .status = 125, .reason = "lost"},
		 "\"event\":\"exit\",\"status\":125,\"reason\":\"lost\"}\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *line = api_event_encode(&cases[i].event);
		const char *rest = str_after(line, "{\"time\":\"20");

		assert_non_null(rest);
		rest = strstr(rest, "Z\",");
		assert_non_null(rest);
		assert_string_equal(rest + 3, cases[i].rest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_clients_get_all_events),
		TEST(the_first_line_is_the_state),
		TEST(drops_a_client_that_does_not_read),
		TEST(disconnects_a_client_that_never_reads),
		TEST(the_number_of_clients_is_limited),
		TEST(other_methods_are_refused),
		TEST(without_memory_a_client_gets_an_error),
		cmocka_unit_test(every_event_is_a_line),
	};

	event_set_mem_functions(allocate, realloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
