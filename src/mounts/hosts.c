/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Resolvers use the first line that contains a name. The first name of this line is the canonical
 * one, which `hostname -f` prints. The host's line for its own name may have the address of a
 * network card, which the child lacks. So the first line of each family decides, and our lines
 * precede the host's, with all names of the host's line in their order.
 *
 * The host's file is read in one pass, because lists of blocked hosts have some hundred thousand
 * lines. An address is parsed only if its line contains a relevant name.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "fauxroot/base/parse.h"
#include "etctext.h"

/* White space as isspace(3) in the C locale, except newline. */
static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\v' || ch == '\f';
}

/* Consume one line. If it contains a NUL, @ret ends there: no resolver reads the rest, and our text
 * cannot contain a NUL. */
static bool next_line(struct cursor *text, struct cursor *ret)
{
	if (!cursor_line(text, ret))
		return false;
	ret->end = ret->at + strnlen(ret->at, cursor_left(ret));
	return true;
}

/* Consume the next word of a line; false at its end, or where a comment begins. */
static bool next_word(struct cursor *line, struct cursor *ret)
{
	const char *at = line->at, *start;

	while (at < line->end && is_blank(*at))
		at++;
	start = at;
	while (at < line->end && !is_blank(*at) && *at != '#')
		at++;
	line->at = at;
	*ret = cursor_of_n(start, (size_t)(at - start));
	return at > start;
}

/* The family of the address @word, AF_UNSPEC if it is no address; @ret_loopback: is it a loopback
 * address? */
static int address_family(const struct cursor *word, bool *ret_loopback)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip6;
	struct in_addr ip4;

	if (cursor_left(word) >= sizeof(text))
		return AF_UNSPEC;
	*(char *)mempcpy(text, word->at, cursor_left(word)) = '\0';
	if (inet_pton(AF_INET, text, &ip4) == 1) {
		*ret_loopback = ntohl(ip4.s_addr) >> 24 == IN_LOOPBACKNET;
		return AF_INET;
	}
	if (inet_pton(AF_INET6, text, &ip6) == 1) {
		*ret_loopback = IN6_IS_ADDR_LOOPBACK(&ip6);
		return AF_INET6;
	}
	return AF_UNSPEC;
}

/* Can a line of hosts contain @name? gethostname(2) returns any string that sethostname(2) got. */
static bool is_name(const char *name)
{
	const char *at = name;

	while ((unsigned char)*at > ' ' && *at != '#' && *at != 0x7f)
		at++;
	return at > name && *at == '\0';
}

enum { V4, V6, FAMILIES };

/* A name, and the first line of each family that contains it. */
struct lookup {
	const char *name;
	size_t size;
	struct {
		struct cursor names; /* at is NULL: no line */
		bool loopback;
	} found[FAMILIES];
};

static struct lookup lookup_of(const char *name)
{
	return (struct lookup){.name = name, .size = strlen(name)};
}

static bool is_same(const struct cursor *word, const struct lookup *l)
{
	return cursor_left(word) == l->size && strncasecmp(word->at, l->name, l->size) == 0;
}

/* Remember the line if it is the first of its family with the name. */
static void find(struct lookup *l, const struct cursor *address, const struct cursor *names)
{
	bool loopback = false;
	int family = address_family(address, &loopback), at = family == AF_INET6 ? V6 : V4;

	if (family == AF_UNSPEC || l->found[at].names.at)
		return;
	l->found[at].names = *names;
	l->found[at].loopback = loopback;
}

static void look_at_line(struct cursor line, struct lookup *lookups, size_t n)
{
	struct cursor address, names, word;

	if (!next_word(&line, &address))
		return;
	names = line;
	while (next_word(&line, &word))
		for (size_t i = 0; i < n; i++)
			if (is_same(&word, &lookups[i]))
				find(&lookups[i], &address, &names);
}

/*
 * Print our line of that family, with the names of the host's line, or of its line of the other
 * family. @local is left out: it keeps the addresses that the host's file has for it.
 */
static void print_line(FILE *out, int family, const struct lookup *l, const struct lookup *local)
{
	static const char *const addresses[] = {[V4] = "127.0.0.1", [V6] = "::1"};
	struct cursor names = l->found[family].names, word;
	char separator = '\t';

	if (!names.at)
		names = l->found[V4 + V6 - family].names;
	if (!names.at)
		names = cursor_of_n(l->name, l->size);
	fputs(addresses[family], out);
	while (next_word(&names, &word)) {
		if (l != local && is_same(&word, local))
			continue;
		fprintf(out, "%c%.*s", separator, (int)cursor_left(&word), word.at);
		separator = ' ';
	}
	fputc('\n', out);
}

static void print_lines(FILE *out, const struct lookup *l, const struct lookup *local)
{
	for (int family = 0; family < FAMILIES; family++)
		if (!l->found[family].names.at || !l->found[family].loopback)
			print_line(out, family, l, local);
}

/* Append the host's lines to @head, which is @n bytes long; NULL when out of memory */
static char *join(const char *head, size_t n, struct cursor host)
{
	char *text = malloc(n + cursor_left(&host) + 2), *at;
	struct cursor line;

	if (!text)
		return NULL;
	at = mempcpy(text, head, n);
	while (next_line(&host, &line)) {
		at = mempcpy(at, line.at, cursor_left(&line));
		*at++ = '\n';
	}
	*at = '\0';
	return text;
}

char *hosts_compose(const char *host, size_t size, const char *hostname)
{
	struct lookup lookups[] = {lookup_of("localhost"), lookup_of(hostname)};
	const struct lookup *local = &lookups[0], *own = &lookups[1];
	_cleanup_free_ char *head = NULL;
	struct cursor rest = cursor_of_n(host, size), line;
	size_t head_size;
	FILE *out = open_memstream(&head, &head_size);

	if (!out)
		return NULL;
	while (next_line(&rest, &line))
		look_at_line(line, lookups, ARRAY_SIZE(lookups));
	if (!local->found[V4].names.at && !local->found[V6].names.at)
		print_lines(out, local, local);
	if (is_name(hostname) && strcasecmp(hostname, local->name) != 0)
		print_lines(out, own, local);
	return fclose(out) == 0 ? join(head, head_size, cursor_of_n(host, size)) : NULL;
}
