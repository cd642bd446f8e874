/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Resolvers take the first line that has a name. The host's own line for its name may be that of a
 * network card, which the child doesn't have, so what counts is the first one of each family, and
 * our lines go before the host's.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

#include "fauxroot/base/parse.h"
#include "etctext.h"

/* White space as isspace(3) in the C locale: a carriage return, too. */
static const char blanks[] = " \t\r\v\f";

/* Take one line, up to a NUL where it has one: no resolver sees beyond that, and our text ends
 * there. */
static bool next_line(struct cursor *text, struct cursor *ret)
{
	if (!cursor_line(text, ret))
		return false;
	ret->end = ret->at + strnlen(ret->at, cursor_left(ret));
	return true;
}

/* Take the next word of a line; false at its end, or where a comment begins. */
static bool next_word(struct cursor *line, struct cursor *ret)
{
	const char *start;
	size_t n;

	while (!cursor_at_end(line) && strchr(blanks, *line->at))
		line->at++;
	cursor_until(line, " \t\r\v\f#", &start, &n);
	*ret = cursor_of_n(start, n);
	return n > 0;
}

static bool line_has_name(struct cursor line, const char *name)
{
	size_t n = strlen(name);
	struct cursor word;

	while (next_word(&line, &word))
		if (cursor_left(&word) == n && strncasecmp(word.at, name, n) == 0)
			return true;
	return false;
}

/* The family of the address @word, AF_UNSPEC where it is none; is it one of the loopback? */
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

/* Is @name, looked up in @family, found on loopback? */
static bool on_loopback(struct cursor host, const char *name, int family)
{
	struct cursor line, address;
	bool loopback = false;

	while (next_line(&host, &line))
		if (next_word(&line, &address) && address_family(&address, &loopback) == family &&
		    line_has_name(line, name))
			return loopback;
	return false;
}

/* Could a line of hosts have @name? gethostname(2) gives what sethostname(2) was given. */
static bool is_name(const char *name)
{
	const char *at = name;

	while ((unsigned char)*at > ' ' && *at != '#' && *at != 0x7f)
		at++;
	return at > name && *at == '\0';
}

char *hosts_compose(const char *host, size_t size, const char *hostname)
{
	_cleanup_free_ char *text = NULL;
	struct cursor rest = cursor_of_n(host, size), line;
	size_t text_size;
	FILE *out = open_memstream(&text, &text_size);

	if (!out)
		return NULL;
	if (is_name(hostname) && !on_loopback(rest, hostname, AF_INET))
		fprintf(out, "127.0.0.1\t%s\n", hostname);
	if (is_name(hostname) && !on_loopback(rest, hostname, AF_INET6))
		fprintf(out, "::1\t%s\n", hostname);
	while (next_line(&rest, &line))
		fprintf(out, "%.*s\n", (int)cursor_left(&line), line.at);
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}
