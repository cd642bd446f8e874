/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarder from the launcher's side: orders to a process with real workers. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/config/portspec.h"
#include "fauxroot/sys/message.h"
#include "fauxroot/proc/destinations.h"
#include "port/builtin/counters.h"
#include "port/builtin/forwarder.h"
#include "port/builtin/protocol.h"

#define WORKERS	  3
#define ANSWER_MS 30000

/* Shared with the forwarder: the number of watches until one is refused; negative: no limit. */
static atomic_int *watches_left;

/* Replaces the C library's function for the forwarder in this program. */
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_ADD && atomic_load(watches_left) >= 0 &&
	    atomic_fetch_sub(watches_left, 1) == 0) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

struct fixture {
	struct process process;
	struct destinations destinations;
	struct counters counters;
	uint32_t slot; /* 127.0.0.1:80 */
	int control;
	uint32_t serial;
};

static int end(void **state)
{
	struct fixture *f = *state;

	process_kill(&f->process);
	fd_close(f->control);
	destinations_close(&f->destinations);
	counters_close(&f->counters);
	return munmap(watches_left, sizeof(*watches_left));
}

/* Send an order, and do not wait for its answer. */
static void send_order(struct fixture *f, struct control_message *m, const int *fds, size_t n)
{
	m->serial = ++f->serial;
	assert_int_equal(message_send(f->control, m, sizeof(*m), fds, n), 0);
}

/* Returns the result of the next answer, which must be for this port and serial. */
static int result(struct fixture *f, uint32_t id, uint32_t serial)
{
	struct deadline deadline = deadline_in(ANSWER_MS);
	struct control_message reply = {.type = 0};

	assert_int_equal(fd_wait(f->control, POLLIN, &deadline, -1), 0);
	assert_int_equal(message_recv(f->control, &reply, sizeof(reply), NULL, NULL),
			 sizeof(reply));
	if (reply.type == CONTROL_LOG)
		fail_msg("the forwarder logged: %s", reply.log.text);
	assert_int_equal(reply.type, CONTROL_DONE);
	assert_int_equal(reply.id, id);
	assert_int_equal(reply.serial, serial);
	return reply.result;
}

static int order(struct fixture *f, struct control_message *m, const int *fds, size_t n)
{
	send_order(f, m, fds, n);
	return result(f, m->id, m->serial);
}

static int add(struct fixture *f, uint32_t id, bool udp, const int *fds, size_t n)
{
	struct control_message m = {.type = CONTROL_ADD, .id = id};

	m.add.udp = udp;
	m.add.destination = f->slot;
	assert_int_equal(endpoint_of("127.0.0.1", 80, &m.add.child), 0);
	return order(f, &m, fds, n);
}

static int take_away(struct fixture *f, uint32_t id)
{
	struct control_message m = {.type = CONTROL_REMOVE, .id = id};

	return order(f, &m, NULL, 0);
}

static int start(void **state)
{
	static struct fixture f;
	union endpoint child;
	struct error err;

	watches_left = mmap(NULL, sizeof(*watches_left), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (watches_left == MAP_FAILED)
		return -1;
	atomic_store(watches_left, -1);
	f = (struct fixture){.process = PROCESS_NONE, .control = -1};
	*state = &f;
	assert_int_equal(endpoint_of("127.0.0.1", 80, &child), 0);
	if (destinations_open(&f.destinations, &err) < 0 ||
	    destinations_add(&f.destinations, &child, &f.slot, &err) < 0 ||
	    counters_open(&f.counters, WORKERS, &err) < 0 ||
	    forwarder_start("fauxroot: ports", &f.counters, false, f.destinations.fd, &f.process,
			    &f.control, &err) < 0)
		return -1;
	/* After the first answer its workers run. */
	assert_int_equal(take_away(&f, 99), -ENOENT);
	return 0;
}

static int listen_somewhere(bool udp, union endpoint *ret)
{
	int fd =
		socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(*ret);

	assert_true(fd >= 0);
	assert_int_equal(endpoint_of("127.0.0.1", 0, ret), 0);
	assert_int_equal(bind(fd, &ret->sa, endpoint_size(ret)), 0);
	if (!udp)
		assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, &ret->sa, &size), 0);
	return fd;
}

/* Is a socket open at @e? */
static bool is_taken(const union endpoint *e, bool udp)
{
	int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	int rc = bind(fd, &e->sa, endpoint_size(e));

	close(fd);
	return rc < 0 && errno == EADDRINUSE;
}

static void a_port_is_added_and_removed(void **state)
{
	union endpoint e[2];
	int fds[2] = {listen_somewhere(false, &e[0]), listen_somewhere(false, &e[1])};

	assert_int_equal(add(*state, 1, false, fds, 2), 0);
	assert_int_equal(take_away(*state, 2), -ENOENT);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		assert_true(is_taken(&e[i], false));
	}
	assert_int_equal(take_away(*state, 1), 0);
	for (int i = 0; i < 2; i++)
		assert_false(is_taken(&e[i], false));
	assert_int_equal(take_away(*state, 1), -ENOENT);
}

/* If any worker cannot watch a port, the launcher gets the reason, and no worker keeps the
 * listener. */
static void a_port_that_a_worker_cannot_watch_is_refused(void **state)
{
	for (int udp = 0; udp < 2; udp++)
		for (int served = 0; served < (udp ? 1 : WORKERS * 2); served++) {
			union endpoint e[2];
			int fds[2] = {listen_somewhere(udp, &e[0]), listen_somewhere(udp, &e[1])};

			atomic_store(watches_left, served);
			assert_int_equal(add(*state, 1, udp, fds, 2), -ENOSPC);
			atomic_store(watches_left, -1);
			assert_int_equal(take_away(*state, 1), -ENOENT);
			/* The next order succeeds. */
			assert_int_equal(add(*state, 2, udp, fds, 1), 0);
			for (int i = 0; i < 2; i++) {
				close(fds[i]);
				assert_int_equal(is_taken(&e[i], udp), i == 0);
			}
			assert_int_equal(take_away(*state, 2), 0);
			assert_false(is_taken(&e[0], udp));
		}
}

/* Orders that are sent before the previous answer are carried out one after the other. */
static void queued_orders_are_carried_out_in_order(void **state)
{
	struct fixture *f = *state;
	struct control_message adding = {.type = CONTROL_ADD}, removing = {.type = CONTROL_REMOVE};
	union endpoint e;

	adding.add.destination = f->slot;
	assert_int_equal(endpoint_of("127.0.0.1", 80, &adding.add.child), 0);
	for (uint32_t id = 1; id <= 50; id++) {
		int fd = listen_somewhere(false, &e);

		adding.id = removing.id = id;
		send_order(f, &adding, &fd, 1);
		send_order(f, &removing, NULL, 0);
		close(fd);
		send_order(f, &removing, NULL, 0);
		assert_int_equal(result(f, id, f->serial - 2), 0);
		assert_int_equal(result(f, id, f->serial - 1), 0);
		assert_int_equal(result(f, id, f->serial), -ENOENT);
		assert_false(is_taken(&e, false));
	}
}

static void invalid_orders_are_refused(void **state)
{
	struct control_message m = {.type = CONTROL_ADD, .id = 1};
	union endpoint e;
	int fd = listen_somewhere(false, &e);

	/* An order without the child's address: the forwarder closes its descriptors. */
	assert_int_equal(order(*state, &m, &fd, 1), -EPROTO);
	close(fd);
	assert_false(is_taken(&e, false));
	/* An address that differs from the slot's; then a slot that does not exist. */
	m.add.destination = ((struct fixture *)*state)->slot;
	assert_int_equal(endpoint_of("127.0.0.1", 81, &m.add.child), 0);
	assert_int_equal(order(*state, &m, NULL, 0), -EPROTO);
	m.add.destination = UINT32_MAX;
	assert_int_equal(order(*state, &m, NULL, 0), -EPROTO);
	m = (struct control_message){.type = 99};
	assert_int_equal(order(*state, &m, NULL, 0), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_port_is_added_and_removed, start, end),
		cmocka_unit_test_setup_teardown(a_port_that_a_worker_cannot_watch_is_refused, start,
						end),
		cmocka_unit_test_setup_teardown(queued_orders_are_carried_out_in_order, start, end),
		cmocka_unit_test_setup_teardown(invalid_orders_are_refused, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
