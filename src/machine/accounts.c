/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/machine/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/process.h"

/* A name service on the network may be slow. */
#define GETENT_MS 10000

/* The longest list of accounts. */
#define LIST_SIZE (1U << 20)

static bool take_account(struct cursor line, struct account *ret)
{
	const char *name, *password;
	size_t n, m;

	cursor_until(&line, ":", &name, &n);
	if (n == 0 || strchr("+-#", *name) || !cursor_char(&line, ':'))
		return false;
	cursor_until(&line, ":", &password, &m);
	if (!cursor_char(&line, ':') || cursor_u32(&line, UINT32_MAX, &ret->id) < 0 ||
	    !cursor_char(&line, ':'))
		return false;
	ret->name = cursor_of_n(name, n);
	if (cursor_u32(&line, UINT32_MAX, &ret->gid) < 0)
		ret->gid = UINT32_MAX;
	ret->home = cursor_of("");
	if (cursor_char(&line, ':')) {
		cursor_until(&line, ":", &password, &m); /* the full name */
		if (cursor_char(&line, ':')) {
			cursor_until(&line, ":", &name, &n);
			ret->home = cursor_of_n(name, n);
		}
	}
	return true;
}

bool account_next(struct cursor *text, struct account *ret)
{
	struct cursor line;

	while (cursor_line(text, &line))
		if (take_account(line, ret))
			return true;
	return false;
}

static bool find_account(const char *text, uint32_t id, struct account *ret)
{
	struct cursor c = cursor_of(text ? text : "");

	while (account_next(&c, ret))
		if (ret->id == id)
			return true;
	return false;
}

static char *copy_field(const struct account *account, enum account_field field)
{
	const struct cursor *from = field == ACCOUNT_HOME ? &account->home : &account->name;

	return strndup(from->at, cursor_left(from));
}

char *account_by_getent(uint32_t uid, enum account_field field)
{
	char number[sizeof("4294967295")], text[4096];
	const char *argv[] = {"getent", "passwd", number, NULL};
	struct helper_spec spec = {.argv = argv, .role = "getent"};
	struct deadline deadline = deadline_in(GETENT_MS);
	_cleanup_(helper_stop) struct helper helper = HELPER_NONE;
	_cleanup_close_ int out = -1, in = -1;
	struct account account;
	int fds[2], status;
	struct error err;
	ssize_t n;

	(void)str_print(number, sizeof(number), "%u", uid);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return NULL;
	out = fds[0];
	spec.stdout_to = in = fds[1];
	/* One line fits in the pipe, so getent does not wait for us to read it. */
	if (helper_start(&helper, &spec, &err) < 0 ||
	    helper_finish(&helper, 1, &deadline, -1, &status, &err) < 0 || status != 0)
		return NULL;
	n = read(out, text, sizeof(text) - 1);
	text[MAX(n, 0)] = '\0';
	return find_account(text, uid, &account) ? copy_field(&account, field) : NULL;
}

/* Read until the end of file, the deadline, or @size bytes. Returns the number of bytes. */
static size_t read_until(int fd, char *buf, size_t size, const struct deadline *deadline)
{
	size_t n = 0;

	while (n < size && fd_wait(fd, POLLIN, deadline, -1) >= 0) {
		ssize_t got = read(fd, buf + n, size - n);

		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			break;
		n += (size_t)MAX(got, 0);
	}
	return n;
}

char *machine_list_accounts(const struct machine *machine, const char *database, unsigned ms)
{
	const char *argv[] = {"getent", database, NULL};
	struct helper_spec spec = {.argv = argv, .role = "getent"};
	struct deadline deadline = deadline_in(ms);
	_cleanup_(helper_stop) struct helper helper = HELPER_NONE;
	_cleanup_free_ char *text = machine->services ? malloc(LIST_SIZE) : NULL;
	_cleanup_close_ int out = -1, in = -1;
	struct error err;
	int fds[2];

	/* Not O_NONBLOCK: getent would lose lines when the pipe is full. */
	if (!text || pipe2(fds, O_CLOEXEC) < 0)
		return NULL;
	out = fds[0];
	spec.stdout_to = in = fds[1];
	if (helper_start(&helper, &spec, &err) < 0)
		return NULL;
	in = fd_close(in);
	text[read_until(out, text, LIST_SIZE - 1, &deadline)] = '\0';
	return TAKE_PTR(text);
}

/* musl has no plugins of name services, and a static program cannot load glibc's. */
#ifdef __GLIBC__
static char *ask_service(uint32_t uid, enum account_field field)
{
	struct passwd entry, *found = NULL;
	int rc = ERANGE;

	for (size_t size = 4096; size <= 1U << 20 && rc == ERANGE; size *= 4) {
		_cleanup_free_ char *buf = malloc(size);

		rc = buf ? getpwuid_r(uid, &entry, buf, size, &found) : ENOMEM;
		if (rc == 0 && found)
			return strdup(field == ACCOUNT_HOME ? found->pw_dir : found->pw_name);
	}
	return NULL;
}
#else
#define ask_service account_by_getent
#endif

/* Look in /etc/passwd first: this loads no name service. */
static char *look_up(const struct machine *machine, uint32_t uid, enum account_field field)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/passwd");
	struct account account;

	if (find_account(text, uid, &account))
		return copy_field(&account, field);
	return machine->services ? ask_service(uid, field) : NULL;
}

char *machine_name(const struct machine *machine, uint32_t uid)
{
	return look_up(machine, uid, ACCOUNT_NAME);
}

char *machine_home(const struct machine *machine, uint32_t uid)
{
	return look_up(machine, uid, ACCOUNT_HOME);
}

bool machine_user(const struct machine *machine, char *buf, size_t size)
{
	uint32_t uid = machine_uid(machine);
	_cleanup_free_ char *name = machine_name(machine, uid);

	if (name && str_print(buf, size, "%s", name) == 0)
		return true;
	(void)str_print(buf, size, "%u", uid);
	return false;
}

bool machine_account(const struct machine *machine, uint32_t *ret_gid)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/passwd");
	struct account account;

	if (!find_account(text, machine_uid(machine), &account))
		return false;
	*ret_gid = account.gid;
	return true;
}

void machine_group(const struct machine *machine, uint32_t gid, char *buf, size_t size)
{
	_cleanup_free_ char *text = machine_read(machine, "/etc/group");
	struct account group;

	if (find_account(text, gid, &group))
		(void)str_print(buf, size, "%.*s", (int)cursor_left(&group.name), group.name.at);
	else
		(void)str_print(buf, size, "%u", gid);
}
