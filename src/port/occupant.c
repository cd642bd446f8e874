/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * EADDRINUSE does not name the process that uses the address. The tables in /proc/net list the
 * sockets of our network namespace with address, owner and inode number. A process that has a
 * socket open has a link "socket:[INODE]" in /proc/PID/fd. We cannot read the links of other
 * users; then only the owner's uid is known.
 *
 * The tables of TCP list listening sockets first. On a busy server a hundred thousand connections
 * follow, and reading them takes longer than the limit. So the listening sockets of both families
 * are searched before any connection. If none matches, the address is blocked by a connection that
 * was bound without SO_REUSEADDR. That connection may be closed already: the kernel keeps its port
 * for a minute (TIME_WAIT, man 7 tcp), and no process owns it.
 */
#include "occupant.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"

/*
 * Limits for the search in the tables and /proc together. It takes a millisecond or two, unless
 * processes have tens of thousands of open descriptors. The event loop waits meanwhile. The first
 * limit is processor time, so the search succeeds on a busy machine, too; the second is real time.
 */
#define SEARCH_CPU_MS 100
#define SEARCH_MS     1000

#define STATE_LISTEN 0x0a /* TCP_LISTEN, include/net/tcp_states.h */

struct budget {
	int64_t cpu_until_ms; /* on the clock of cpu_ms() */
	struct deadline deadline;
};

static int64_t cpu_ms(void)
{
	struct timespec now;

	/* Cannot fail: Linux always has this clock. */
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool budget_left(const struct budget *budget)
{
	return cpu_ms() < budget->cpu_until_ms && deadline_left(&budget->deadline) > 0;
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Parse exactly @digits hexadecimal digits, at most eight. */
static int take_hex(struct cursor *c, unsigned digits, uint32_t *ret)
{
	struct cursor at = *c;
	uint32_t value = 0;

	for (unsigned i = 0; i < digits; i++, at.at++) {
		static const char all[] = "0123456789ABCDEFabcdef";
		const char *digit = cursor_at_end(&at) || !*at.at ? NULL : strchr(all, *at.at);

		if (!digit)
			return -EINVAL;
		value = value << 4 | (uint32_t)(digit - all - (digit - all >= 16 ? 6 : 0));
	}
	*c = at;
	*ret = value;
	return 0;
}

/* Parse ADDRESS:PORT. Each group of four bytes of the address is printed as a number in the byte
 * order of this machine. */
static int take_endpoint(struct cursor *c, bool ipv6, union endpoint *ret)
{
	uint32_t words[4], port;
	unsigned n = ipv6 ? 4 : 1;

	for (unsigned i = 0; i < n; i++)
		if (take_hex(c, 8, &words[i]) < 0)
			return -EINVAL;
	if (!cursor_char(c, ':') || take_hex(c, 4, &port) < 0)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->sa.sa_family = ipv6 ? AF_INET6 : AF_INET;
	if (ipv6)
		memcpy(&ret->in6.sin6_addr, words, sizeof(words));
	else
		memcpy(&ret->in.sin_addr, words, sizeof(words[0]));
	endpoint_set_port(ret, (uint16_t)port);
	return 0;
}

/* Skip blanks and the next @n words. */
static void skip_words(struct cursor *c, unsigned n)
{
	const char *start;
	size_t size;

	cursor_blanks(c);
	for (; n > 0; n--) {
		cursor_until(c, " ", &start, &size);
		cursor_blanks(c);
	}
}

int socket_row_parse(struct cursor line, bool ipv6, struct socket_row *ret)
{
	struct socket_row row;
	uint32_t state;

	/* "0: LOCAL REMOTE STATE QUEUES TIMER RETRANSMITS UID TIMEOUT INODE …" */
	skip_words(&line, 1);
	if (take_endpoint(&line, ipv6, &row.local) < 0)
		return -EINVAL;
	skip_words(&line, 1);
	if (take_hex(&line, 2, &state) < 0)
		return -EINVAL;
	skip_words(&line, 3);
	if (cursor_u32(&line, UINT32_MAX, &row.uid) < 0)
		return -EINVAL;
	skip_words(&line, 1);
	if (cursor_u64(&line, UINT64_MAX, &row.inode) < 0)
		return -EINVAL;
	row.listens = state == STATE_LISTEN;
	*ret = row;
	return 0;
}

bool socket_row_blocks(const struct socket_row *row, const union endpoint *e)
{
	union endpoint local = row->local;

	if (endpoint_port(&local) != endpoint_port(e))
		return false;
	if (local.sa.sa_family == AF_INET6 && e->sa.sa_family == AF_INET) {
		const struct in6_addr *ip = &local.in6.sin6_addr;

		return IN6_IS_ADDR_UNSPECIFIED(ip) ||
		       (IN6_IS_ADDR_V4MAPPED(ip) &&
			(endpoint_is_wildcard(e) ||
			 memcmp(&ip->s6_addr[12], &e->in.sin_addr, sizeof(e->in.sin_addr)) == 0));
	}
	if (local.sa.sa_family != e->sa.sa_family)
		return false;
	return endpoint_is_wildcard(&local) || endpoint_is_wildcard(e) || endpoint_equal(&local, e);
}

/*
 * Search one table for a socket that blocks @e. Returns true if it finds a listening socket.
 * Otherwise @ret is another matching socket, if there is one; a socket with an owner is preferred.
 * With @listeners the search ends at the first connection.
 */
static bool search_table(const char *path, bool ipv6, bool listeners, const union endpoint *e,
			 const struct budget *budget, struct socket_row *ret)
{
	_cleanup_(close_file) FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	struct socket_row row;
	size_t room = 0;
	ssize_t n;

	while (file && budget_left(budget) && (n = getline(&line, &room, file)) > 0) {
		if (socket_row_parse(cursor_of_n(line, (size_t)n), ipv6, &row) < 0)
			continue;
		if (listeners && !row.listens)
			break;
		if (!socket_row_blocks(&row, e))
			continue;
		if (row.listens || ret->inode == 0)
			*ret = row;
		if (row.listens)
			return true;
	}
	return false;
}

/* An IPv6 socket may block an IPv4 address: search both tables. */
static bool search_tables(bool udp, bool listeners, const union endpoint *e,
			  const struct budget *budget, struct socket_row *ret)
{
	if (e->sa.sa_family == AF_INET &&
	    search_table(udp ? "/proc/net/udp" : "/proc/net/tcp", false, listeners, e, budget, ret))
		return true;
	return search_table(udp ? "/proc/net/udp6" : "/proc/net/tcp6", true, listeners, e, budget,
			    ret);
}

static bool find_socket(const union endpoint *e, bool udp, const struct budget *budget,
			struct socket_row *ret)
{
	*ret = (struct socket_row){.local.sa.sa_family = AF_UNSPEC};
	if (!udp && search_tables(udp, true, e, budget, ret))
		return true;
	(void)search_tables(udp, false, e, budget, ret);
	return ret->local.sa.sa_family != AF_UNSPEC;
}

/* Is one of the descriptors in the directory @fds the socket @wanted? Closes @fds. */
static bool has_socket(int fds, const char *wanted, const struct budget *budget)
{
	_cleanup_(close_dir) DIR *dir = fdopendir(fds);
	const struct dirent *entry;
	char link[64];

	if (!dir) {
		fd_close(fds);
		return false;
	}
	while (budget_left(budget) && (entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		if (streq(link, wanted))
			return true;
	}
	return false;
}

/* Is one of the visible descriptors of the process @pid the socket @wanted? */
static bool process_has(int proc, uint32_t pid, const char *wanted, const struct budget *budget)
{
	char path[64];
	int fds;

	(void)str_print(path, sizeof(path), "%u/fd", pid);
	fds = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fds >= 0 && has_socket(fds, wanted, budget);
}

/* Returns the parent of @pid; 0: not known, or outside of our PID namespace. */
static uint32_t parent_of(int proc, uint32_t pid)
{
	_cleanup_free_ char *text = NULL;
	struct cursor c, line;
	uint32_t parent = 0;
	char path[64];

	(void)str_print(path, sizeof(path), "%u/status", pid);
	if (file_read_bounded(proc, path, 1 << 16, &text, NULL) < 0)
		return 0;
	c = cursor_of(text);
	while (cursor_line(&c, &line)) {
		if (!cursor_word(&line, "PPid:"))
			continue;
		(void)cursor_blanks(&line);
		return cursor_u32(&line, INT32_MAX, &parent) < 0 ? 0 : parent;
	}
	return 0;
}

/*
 * Find the process that has the socket @inode open, its name and its PID. Returns false if no
 * visible process has it. If parent and child both have it open, like a launcher and its forwarder,
 * report the parent: only the parent can release it for good.
 */
static bool find_owner(uint64_t inode, const struct budget *budget, uint32_t *ret_pid,
		       char **ret_name)
{
	_cleanup_(close_dir) DIR *proc = opendir("/proc");
	const struct dirent *entry;
	char wanted[64], path[64];
	uint32_t parent;

	(void)str_print(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)inode);
	while (proc && budget_left(budget) && (entry = readdir(proc)) != NULL) {
		if (parse_u32(entry->d_name, INT32_MAX, ret_pid) < 0 ||
		    !process_has(dirfd(proc), *ret_pid, wanted, budget))
			continue;
		while ((parent = parent_of(dirfd(proc), *ret_pid)) > 0 &&
		       process_has(dirfd(proc), parent, wanted, budget))
			*ret_pid = parent;
		(void)str_print(path, sizeof(path), "%u/comm", *ret_pid);
		return file_read_bounded(dirfd(proc), path, sizeof(path), ret_name, NULL) == 0;
	}
	return false;
}

bool occupant_find(const union endpoint *e, bool udp, struct occupant *ret)
{
	_cleanup_free_ char *name = NULL;
	const struct budget budget = {cpu_ms() + SEARCH_CPU_MS, deadline_in(SEARCH_MS)};
	struct occupant who = {.reason = REASON_NONE};
	struct socket_row row;

	if (!find_socket(e, udp, &budget, &row))
		return false;
	if (row.inode == 0) {
		(void)str_print(who.words, sizeof(who.words),
				"a connection that was closed recently");
	} else if (find_owner(row.inode, &budget, &who.id, &name)) {
		who.reason = REASON_PORT_OF_PROCESS;
		str_printable(name);
		(void)str_print(who.words, sizeof(who.words), "process %u (%s)", who.id, name);
	} else {
		who.reason = REASON_PORT_OF_USER;
		who.id = row.uid;
		(void)str_print(who.words, sizeof(who.words), "a socket of uid %u", who.id);
	}
	*ret = who;
	return true;
}
