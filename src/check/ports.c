/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests for what keeps a port from being published. Who has it is found as ss(8) does: the
 * listening socket's inode in /proc/net (man 5 proc), then the process that has it open, as far as
 * /proc shows us its descriptors.
 */
#include "cause.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "ports.h"

/* The port and the protocol of "listening on 127.0.0.1:80/tcp". */
static bool named_port(const struct facts *facts, uint32_t *ret_port, bool *ret_udp)
{
	static const char words[] = "listening on ";
	const char *at = strstr(facts->err->text, words), *colon = NULL;
	struct cursor c;

	if (!at)
		return false;
	/* The last colon in front of the protocol: IPv6 addresses have others. */
	for (at += strlen(words); *at && *at != '/'; at++)
		if (*at == ':')
			colon = at;
	if (!colon)
		return false;
	c = cursor_of(colon + 1);
	if (cursor_u32(&c, UINT16_MAX, ret_port) < 0)
		return false;
	*ret_udp = cursor_word(&c, "/udp");
	return *ret_udp || cursor_word(&c, "/tcp");
}

bool port_is_privileged(struct facts *facts, const char *arg)
{
	uint32_t port, start;
	bool udp;

	(void)arg;
	return named_port(facts, &port, &udp) &&
	       sysctl_is_there(facts, "net/ipv4/ip_unprivileged_port_start") &&
	       parse_u32(facts->value, UINT16_MAX + 1, &start) == 0 && port < start &&
	       str_print(facts->point, sizeof(facts->point), "%u", port) == 0;
}

static bool hex(struct cursor *c, uint32_t *ret)
{
	static const char digits[] = "0123456789ABCDEF";
	uint32_t value = 0;
	int n = 0;

	for (; n < 8 && !cursor_at_end(c) && *c->at && strchr(digits, *c->at); n++, c->at++)
		value = value * 16 + (uint32_t)(strchr(digits, *c->at) - digits);
	*ret = value;
	return n > 0;
}

static void skip_fields(struct cursor *c, int n)
{
	const char *skipped;
	size_t size;

	while (n-- > 0) {
		cursor_blanks(c);
		cursor_until(c, " ", &skipped, &size);
	}
	cursor_blanks(c);
}

/* "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 4711 …" */
static bool take_socket(struct cursor line, uint32_t state, struct listener *ret)
{
	const char *skipped;
	uint32_t port, found;
	size_t n;

	skip_fields(&line, 1);
	cursor_until(&line, ": ", &skipped, &n);
	if (!cursor_char(&line, ':') || !hex(&line, &port) || port > UINT16_MAX)
		return false;
	skip_fields(&line, 1);
	if (!hex(&line, &found) || found != state)
		return false;
	skip_fields(&line, 3);
	if (cursor_u32(&line, UINT32_MAX, &ret->uid) < 0)
		return false;
	skip_fields(&line, 1);
	ret->port = (uint16_t)port;
	return cursor_u64(&line, UINT64_MAX, &ret->inode) == 0;
}

bool listener_find(const char *text, uint16_t port, bool udp, struct listener *ret)
{
	struct cursor c = cursor_of(text), line;

	while (cursor_line(&c, &line)) {
		struct listener listener;

		/* TCP_LISTEN; a bound UDP socket is TCP_CLOSE (net/tcp_states.h). */
		if (take_socket(line, udp ? 0x07 : 0x0a, &listener) && listener.port == port) {
			*ret = listener;
			return true;
		}
	}
	return false;
}

/* The listener at the error's port, its file into facts->path, the port into facts->point. */
static bool find_listener(struct facts *facts, struct listener *ret)
{
	static const char *const files[2][2] = {{"/proc/net/tcp", "/proc/net/tcp6"},
						{"/proc/net/udp", "/proc/net/udp6"}};
	uint32_t port;
	bool udp;

	if (!named_port(facts, &port, &udp))
		return false;
	(void)str_print(facts->point, sizeof(facts->point), "%u", port);
	for (size_t i = 0; i < ARRAY_SIZE(files[0]); i++) {
		_cleanup_free_ char *text = machine_read(facts->machine, files[udp][i]);

		(void)str_print(facts->path, sizeof(facts->path), "%s", files[udp][i]);
		if (text && listener_find(text, (uint16_t)port, udp, ret))
			return true;
	}
	return false;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Has the process whose directory of descriptors is @path the socket @wanted open? */
static bool has_socket(const char *path, const char *wanted)
{
	_cleanup_(close_dir) DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char link[64];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (n < 0)
			continue;
		link[n] = '\0';
		if (streq(link, wanted))
			return true;
	}
	return false;
}

bool port_holder_is_known(struct facts *facts, const char *arg)
{
	char place[PATH_MAX], wanted[64], name[64], path[PATH_MAX];
	_cleanup_(close_dir) DIR *proc = NULL;
	const struct dirent *entry;
	struct listener listener;
	uint32_t pid;

	(void)arg;
	if (!find_listener(facts, &listener) ||
	    !machine_path(facts->machine, "/proc", place, sizeof(place)))
		return false;
	(void)str_print(wanted, sizeof(wanted), "socket:[%llu]",
			(unsigned long long)listener.inode);
	proc = opendir(place);
	while (proc && (entry = readdir(proc))) {
		if (parse_u32(entry->d_name, INT32_MAX, &pid) < 0 ||
		    str_print(path, sizeof(path), "%s/%u/fd", place, pid) < 0 ||
		    !has_socket(path, wanted))
			continue;
		(void)str_print(path, sizeof(path), "/proc/%u/comm", pid);
		if (!machine_word(facts->machine, path, name, sizeof(name)))
			(void)str_print(name, sizeof(name), "?");
		(void)str_print(facts->point, sizeof(facts->point), "%u", pid);
		return str_print(facts->value, sizeof(facts->value), "%u (%s)", pid, name) == 0;
	}
	return false;
}

bool port_holder_has_uid(struct facts *facts, const char *arg)
{
	struct listener listener;

	(void)arg;
	return find_listener(facts, &listener) &&
	       str_print(facts->value, sizeof(facts->value), "a process of uid %u", listener.uid) ==
		       0;
}
