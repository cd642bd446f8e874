/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: name servers with good and bad manners, and clients, for the tests of the name service.
 *
 *	dns serve ADDRESS MODE [IP]
 *		serve ADDRESS:53 over UDP and TCP; print "ready", then a line for each query:
 *		"udp|tcp NAME ID PORT"
 *	dns ask ADDRESS NAME [tcp] [txt] [edns=BYTES] [padding=BYTES] [port=N]
 *		print "RCODE SIZE [tc] [IP]", or "none"
 *	dns bench ADDRESS NAME COUNT PARALLEL
 *		ask COUNT times, PARALLEL at a time; print "ANSWERS RATE MICROSECONDS"
 *	dns flood ADDRESS MILLISECONDS
 *		send queries, and read no answer
 *
 * MODE: fixed (answers IP), big (answers IP bytes of text), truncated (over UDP: ask again over
 * TCP), silent, wrongid, otherquestion, otherport, forged (40 wrong answers before the right one),
 * othercase, servfail, refused, formerr (without a question), tcpclose, tcpsilent.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fauxroot/base/clock.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

enum { HEADER = 12, TYPE_A = 1, TYPE_TXT = 16, TYPE_OPT = 41, MESSAGE_MAX = 65535 };

static uint32_t number_of(const char *text)
{
	uint32_t n = 0;

	(void)parse_u32(text, UINT32_MAX, &n);
	return n;
}

static uint8_t message[MESSAGE_MAX + 2];

_noreturn_ static void die(const char *what)
{
	perror(what);
	exit(1);
}

static socklen_t address(const char *text, unsigned port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;
	char ip[64];

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return sizeof(*v4);
	}
	(void)str_print(ip, sizeof(ip), "%.*s", (int)strcspn(text, "%"), text);
	if (inet_pton(AF_INET6, ip, &v6->sin6_addr) != 1)
		die(text);
	if (strchr(text, '%'))
		v6->sin6_scope_id = if_nametoindex(strchr(text, '%') + 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	return sizeof(*v6);
}

static size_t put16(uint8_t *p, size_t at, size_t value)
{
	p[at] = (uint8_t)(value >> 8);
	p[at + 1] = (uint8_t)value;
	return at + 2;
}

static unsigned get16(const uint8_t *p, size_t at)
{
	return (unsigned)(p[at] << 8 | p[at + 1]);
}

/* ---- server ---- */

struct server {
	const char *mode, *ip;
	int udp, tcp;
};

/* The end of the question of a query that our client, or a resolver, has sent. */
static size_t question_end(const uint8_t *p)
{
	size_t at = HEADER;

	while (p[at] != 0)
		at += 1U + p[at];
	return at + 5;
}

static void report(const char *protocol, const uint8_t *p, unsigned port)
{
	char name[256];
	size_t n = 0;

	for (size_t at = HEADER; p[at] != 0; at += 1U + p[at]) {
		memcpy(name + n, p + at + 1, p[at]);
		n += p[at];
		name[n++] = '.';
	}
	name[n > 0 ? n - 1 : 0] = '\0';
	printf("%s %s %u %u\n", protocol, name, get16(p, 0), port);
	fflush(stdout);
}

/* Append a record of @size bytes of data, which the caller fills; returns their offset. */
static size_t begin_record(uint8_t *p, size_t at, unsigned type, size_t size)
{
	at = put16(p, at, 0xc00c);
	at = put16(p, at, type);
	at = put16(p, at, 1);
	at = put16(p, at, 0);
	at = put16(p, at, 60);
	put16(p, 6, 1);
	return put16(p, at, size);
}

/* Text in strings of up to 255 bytes. */
static size_t put_text(uint8_t *p, size_t at, size_t bytes)
{
	size_t size = bytes + (bytes + 254) / 255;

	at = begin_record(p, at, TYPE_TXT, size);
	while (bytes > 0) {
		size_t n = MIN(bytes, (size_t)255);

		p[at++] = (uint8_t)n;
		memset(p + at, 'x', n);
		at += n;
		bytes -= n;
	}
	return at;
}

/* Turn the query @p into an answer; returns its size. */
static size_t answer(const struct server *s, uint8_t *p, bool tcp)
{
	size_t at = question_end(p);
	unsigned type = get16(p, at - 4), rcode = 0;

	p[2] = (uint8_t)((p[2] & 1) | 0x80);
	memset(p + 6, 0, 6);
	if (streq(s->mode, "servfail"))
		rcode = 2;
	if (streq(s->mode, "refused"))
		rcode = 5;
	p[3] = (uint8_t)(0x80 | rcode);
	if (streq(s->mode, "formerr")) {
		p[3] = 0x81;
		p[5] = 0;
		return HEADER;
	}
	if (streq(s->mode, "truncated") && !tcp) {
		p[2] |= 2;
		return at;
	}
	if (streq(s->mode, "othercase"))
		for (size_t i = HEADER; i < at - 5; i++)
			p[i] = (uint8_t)(isalpha(p[i]) ? p[i] ^ 0x20 : p[i]);
	if (streq(s->mode, "big"))
		return put_text(p, at, number_of(s->ip));
	if (rcode == 0 && type == TYPE_A) {
		at = begin_record(p, at, TYPE_A, 4);
		inet_pton(AF_INET, s->ip, p + at);
		at += 4;
	}
	return at;
}

static void send_wrong(const struct server *s, int fd, uint8_t *p, size_t n,
		       const struct sockaddr_storage *to, socklen_t to_size)
{
	bool forged = streq(s->mode, "forged");
	uint8_t right = p[n - 1];

	for (int i = 0; i < (forged ? 40 : 1); i++) {
		p[1] ^= (uint8_t)(streq(s->mode, "wrongid") || forged ? i + 1 : 0);
		p[HEADER + 1] ^= streq(s->mode, "otherquestion") ? 1 : 0;
		p[n - 1] = forged ? 66 : right;
		sendto(fd, p, n, 0, (const void *)to, to_size);
		p[1] ^= (uint8_t)(streq(s->mode, "wrongid") || forged ? i + 1 : 0);
	}
	p[n - 1] = right;
	if (forged)
		sendto(fd, p, n, 0, (const void *)to, to_size);
}

/* IPv4 and IPv6 have it at the same place. */
static unsigned port_of(const struct sockaddr_storage *addr)
{
	struct sockaddr_in v4;

	memcpy(&v4, addr, sizeof(v4));
	return ntohs(v4.sin_port);
}

static void serve_udp(const struct server *s)
{
	struct sockaddr_storage from = {0};
	socklen_t size = sizeof(from);
	ssize_t n = recvfrom(s->udp, message, MESSAGE_MAX, 0, (void *)&from, &size);
	int fd = s->udp;

	if (n < HEADER)
		return;
	report("udp", message, port_of(&from));
	if (streq(s->mode, "silent"))
		return;
	n = (ssize_t)answer(s, message, false);
	if (streq(s->mode, "otherport"))
		fd = socket(from.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (streq(s->mode, "wrongid") || streq(s->mode, "otherquestion") ||
	    streq(s->mode, "forged"))
		send_wrong(s, fd, message, (size_t)n, &from, size);
	else
		sendto(fd, message, (size_t)n, 0, (void *)&from, size);
	if (fd != s->udp)
		close(fd);
}

static bool read_all(int fd, uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t got = recv(fd, p, n, 0);

		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static void serve_tcp(const struct server *s)
{
	static int kept = -1;
	int fd = accept4(s->tcp, NULL, NULL, SOCK_CLOEXEC);
	size_t n;

	if (fd < 0)
		return;
	if (streq(s->mode, "tcpsilent") || streq(s->mode, "silent")) {
		if (kept >= 0)
			close(kept);
		kept = fd;
		return;
	}
	while (!streq(s->mode, "tcpclose") && read_all(fd, message, 2)) {
		if (!read_all(fd, message + 2, get16(message, 0)))
			break;
		report("tcp", message + 2, 0);
		n = answer(s, message + 2, true);
		put16(message, 0, n);
		if (send(fd, message, n + 2, MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
}

_noreturn_ static void serve(const char *at, const char *mode, const char *ip)
{
	struct server s = {.mode = mode, .ip = ip};
	struct sockaddr_storage name;
	socklen_t size = address(at, 53, &name);
	int one = 1;

	s.udp = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	s.tcp = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s.tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s.udp, (void *)&name, size) < 0 || bind(s.tcp, (void *)&name, size) < 0 ||
	    listen(s.tcp, 16) < 0)
		die("binding port 53");
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd fds[] = {{.fd = s.udp, .events = POLLIN},
				       {.fd = s.tcp, .events = POLLIN}};

		poll(fds, 2, -1);
		if (fds[0].revents)
			serve_udp(&s);
		if (fds[1].revents)
			serve_tcp(&s);
	}
}

/* ---- clients ---- */

/* Append an option of EDNS with @bytes zeros (RFC 7830) to the query, whose last record is OPT. */
static size_t pad(uint8_t *p, size_t at, unsigned bytes)
{
	put16(p, at - 2, bytes + 4);
	at = put16(p, at, 12);
	at = put16(p, at, bytes);
	memset(p + at, 0, bytes);
	return at + bytes;
}

static size_t query(uint8_t *p, const char *name, unsigned id, unsigned type, unsigned edns)
{
	size_t at = HEADER;

	memset(p, 0, HEADER);
	put16(p, 0, id);
	p[2] = 1;
	p[5] = 1;
	while (*name) {
		size_t n = strcspn(name, ".");

		p[at++] = (uint8_t)n;
		memcpy(p + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	p[at++] = 0;
	at = put16(p, at, type);
	at = put16(p, at, 1);
	if (edns == 0)
		return at;
	p[11] = 1;
	p[at++] = 0;
	at = put16(p, at, TYPE_OPT);
	at = put16(p, at, edns);
	memset(p + at, 0, 6);
	return at + 6;
}

static int connect_to(const char *server, unsigned port, int type)
{
	struct sockaddr_storage name;
	socklen_t size = address(server, port, &name);
	int fd = socket(name.ss_family, type | SOCK_CLOEXEC, 0);

	if (connect(fd, (void *)&name, size) < 0)
		die("connect");
	return fd;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) > 0;
}

static int print_answer(const uint8_t *p, size_t n, unsigned id)
{
	char ip[INET_ADDRSTRLEN] = "";

	if (get16(p, 0) != id)
		return puts("wrong id") < 0;
	if (get16(p, 6) > 0 && get16(p, question_end(p) + 2) == TYPE_A)
		inet_ntop(AF_INET, p + n - 4, ip, sizeof(ip));
	printf("%d %zu%s%s%s\n", p[3] & 0xf, n, p[2] & 2 ? " tc" : "", *ip ? " " : "", ip);
	return 0;
}

/* A name server may take its time: the longest of all is that of one that does not answer. */
#define ANSWER_MS 15000

static int ask(char **argv)
{
	unsigned id = 0x4321, edns = 0, padding = 0, port = 53, type = TYPE_A;
	bool tcp = false;
	ssize_t n;
	int fd;

	for (char **word = argv + 2; *word; word++) {
		tcp |= streq(*word, "tcp");
		if (streq(*word, "txt"))
			type = TYPE_TXT;
		if (str_after(*word, "edns="))
			edns = number_of(str_after(*word, "edns="));
		if (str_after(*word, "padding="))
			padding = number_of(str_after(*word, "padding="));
		if (str_after(*word, "port="))
			port = number_of(str_after(*word, "port="));
	}
	n = (ssize_t)query(message + 2, argv[1], id, type, padding > 0 ? 4096 : edns);
	if (padding > 0)
		n = (ssize_t)pad(message + 2, (size_t)n, padding);
	put16(message, 0, (size_t)n);
	fd = connect_to(argv[0], port, tcp ? SOCK_STREAM : SOCK_DGRAM);
	if (send(fd, tcp ? message : message + 2, (size_t)n + (tcp ? 2 : 0), MSG_NOSIGNAL) < 0)
		die("send");
	if (!readable(fd, ANSWER_MS))
		return puts("none") < 0;
	if (!tcp) {
		n = recv(fd, message, MESSAGE_MAX, 0);
		if (n < 0)
			perror("recv");
		return n < HEADER ? puts("error") < 0 : print_answer(message, (size_t)n, id);
	}
	if (!read_all(fd, message, 2) || !read_all(fd, message + 2, get16(message, 0)))
		return puts("closed") < 0;
	return print_answer(message + 2, get16(message, 0), id);
}

enum { PARALLEL_MAX = 256, LOST_MS = 2000 };

/* Each of @parallel sockets has one query in flight; a query that is lost is not repeated. */
static int bench(const char *server, const char *name, unsigned count, unsigned parallel)
{
	struct pollfd fds[PARALLEL_MAX];
	int64_t sent_ms[PARALLEL_MAX], start = clock_us(), spent;
	unsigned sent = 0, done = 0, answers = 0;
	uint8_t q[512], reply[4096];
	size_t n = query(q, name, 0, TYPE_A, 0);

	for (unsigned i = 0; i < parallel; i++)
		fds[i] =
			(struct pollfd){.fd = connect_to(server, 53, SOCK_DGRAM), .events = POLLIN};
	memset(sent_ms, 0, sizeof(sent_ms));
	while (done < count) {
		for (unsigned i = 0; i < parallel; i++) {
			bool due = sent_ms[i] == 0;

			if (sent_ms[i] && (fds[i].revents & POLLIN) &&
			    recv(fds[i].fd, reply, sizeof(reply), MSG_DONTWAIT) > 0) {
				due = true;
				answers++;
				done++;
			} else if (sent_ms[i] && clock_ms() - sent_ms[i] > LOST_MS) {
				due = true;
				done++;
			}
			if (!due)
				continue;
			sent_ms[i] = 0;
			if (sent == count)
				continue;
			put16(q, 0, sent++ & 0xffff);
			sent_ms[i] = clock_ms();
			(void)!send(fds[i].fd, q, n, 0);
		}
		poll(fds, parallel, 100);
	}
	spent = MAX(clock_us() - start, 1);
	printf("%u %.0f %.1f\n", answers, answers * 1e6 / (double)spent,
	       (double)spent * parallel / count);
	return 0;
}

static int flood(const char *server, int ms)
{
	int fd = connect_to(server, 53, SOCK_DGRAM);
	int64_t end = clock_ms() + ms;
	unsigned n = 0;
	uint8_t q[512];

	while (clock_ms() < end)
		for (int i = 0; i < 100; i++) {
			size_t size = query(q, "flood.example", n & 0xffff, TYPE_A, 0);

			n += send(fd, q, size, 0) > 0;
		}
	printf("%u\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t a, b;

	if (argc >= 4 && streq(argv[1], "serve"))
		serve(argv[2], argv[3], argc > 4 ? argv[4] : "");
	if (argc >= 4 && streq(argv[1], "ask"))
		return ask(argv + 2);
	if (argc == 6 && streq(argv[1], "bench") && parse_u32(argv[4], UINT32_MAX, &a) == 0 &&
	    parse_u32(argv[5], PARALLEL_MAX, &b) == 0)
		return bench(argv[2], argv[3], a, b);
	if (argc == 4 && streq(argv[1], "flood") && parse_u32(argv[3], INT32_MAX, &a) == 0)
		return flood(argv[2], (int)a);
	fprintf(stderr, "usage: dns serve|ask|bench|flood …\n");
	return 2;
}
