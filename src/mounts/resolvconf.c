/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The host's file is parsed as the resolver does it (man 5 resolv.conf): a keyword starts the line,
 * white space follows. search and domain exclude each other, and the last line of either kind wins.
 * Options add up. The host's name servers are replaced: the helper's DNS forwards to them, and
 * 127.0.0.53 would be the child's own loopback. All options stay valid: the path to the DNS
 * forwarder is within this machine, so even trust-ad is as safe as on the host.
 *
 * The host's file may be malformed: white space and control characters, including carriage returns,
 * separate words, and only words are copied.
 */
#include <stdbool.h>
#include <stdio.h>

#include "fauxroot/base/parse.h"
#include "etctext.h"

static bool is_separator(char ch)
{
	return (unsigned char)ch <= ' ' || ch == 0x7f;
}

/* Consume the next word of a line; false at its end, or where a comment begins. */
static bool next_word(struct cursor *line, struct cursor *ret)
{
	const char *start;

	while (!cursor_at_end(line) && is_separator(*line->at))
		line->at++;
	if (cursor_at_end(line) || *line->at == '#' || *line->at == ';')
		return false;
	start = line->at;
	while (!cursor_at_end(line) && !is_separator(*line->at))
		line->at++;
	*ret = cursor_of_n(start, (size_t)(line->at - start));
	return true;
}

/* If @line starts with @keyword and a word follows, consume the keyword and return true. */
static bool take_keyword(struct cursor *line, const char *keyword)
{
	struct cursor c = *line, rest, word;

	if (!cursor_word(&c, keyword) || cursor_at_end(&c) || !is_separator(*c.at))
		return false;
	rest = c;
	if (!next_word(&c, &word))
		return false;
	*line = rest;
	return true;
}

static void print_words(FILE *out, struct cursor line)
{
	struct cursor word;

	while (next_word(&line, &word))
		fprintf(out, " %.*s", (int)cursor_left(&word), word.at);
}

static void print_search(FILE *out, struct cursor host)
{
	struct cursor line, words = {NULL, NULL};
	const char *keyword = NULL;

	while (cursor_line(&host, &line)) {
		if (take_keyword(&line, "search"))
			keyword = "search";
		else if (take_keyword(&line, "domain"))
			keyword = "domain";
		else
			continue;
		words = line;
	}
	if (!keyword)
		return;
	fputs(keyword, out);
	print_words(out, words);
	fputc('\n', out);
}

static void print_options(FILE *out, struct cursor host)
{
	struct cursor line;
	bool any = false;

	while (cursor_line(&host, &line)) {
		if (!take_keyword(&line, "options"))
			continue;
		if (!any)
			fputs("options", out);
		any = true;
		print_words(out, line);
	}
	if (any)
		fputc('\n', out);
}

char *resolvconf_compose(const char *host, size_t size, const struct strv *dns)
{
	_cleanup_free_ char *text = NULL;
	size_t text_size;
	FILE *out = open_memstream(&text, &text_size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < dns->n; i++)
		fprintf(out, "nameserver %s\n", dns->items[i]);
	print_search(out, cursor_of_n(host, size));
	print_options(out, cursor_of_n(host, size));
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}
