/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The arguments of the command line are adjacent in memory, each with its NUL. prctl(PR_SET_MM)
 * could move them, but needs CAP_SYS_RESOURCE. So they are overwritten. In a fork this writes to
 * pages that are private copies.
 *
 * The kernel shows all bytes up to the end of the last argument. If the last byte is no NUL, it
 * shows the bytes before the first NUL instead (get_mm_proctitle() in fs/proc/base.c). So a title
 * that is shorter than the command line gets a NUL, and the last byte is set. Otherwise readers
 * would get a row of empty arguments.
 *
 * A longer title would overwrite the environment. The kernel allows that, but we do not: a search
 * for processes with a certain variable must find this one.
 */
#include "fauxroot/base/title.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* Global, because a process has only one command line. */
static struct {
	char *words;
	size_t size; /* with the last NUL; 0: unknown */
	char **copy;
} command_line;

/* The size of the arguments in bytes, up to the first that is not adjacent to the one before. */
static size_t measure(int argc, char **argv)
{
	char *end = argv[0];

	for (int i = 0; i < argc && argv[i] == end; i++)
		end += strlen(argv[i]) + 1;
	return (size_t)(end - argv[0]);
}

static char **copy_words(int argc, char **argv)
{
	size_t size = 0;
	char **copy, *at;

	for (int i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	copy = malloc(((size_t)argc + 1) * sizeof(*copy) + size);
	if (!copy)
		return NULL;
	at = (char *)(copy + argc + 1);
	for (int i = 0; i < argc; i++) {
		size = strlen(argv[i]) + 1;
		copy[i] = memcpy(at, argv[i], size);
		at += size;
	}
	copy[argc] = NULL;
	return copy;
}

char **title_init(int argc, char **argv)
{
	char **copy = argc > 0 ? copy_words(argc, argv) : NULL;

	if (!copy)
		return argv;
	command_line.words = argv[0];
	command_line.size = measure(argc, argv);
	command_line.copy = copy;
	return copy;
}

/* The part of @title that fits. */
static const char *fitting_part(const char *title)
{
	const char *separator = strrchr(title, ':');

	if (strlen(title) >= command_line.size && separator && separator[1] == ' ')
		return separator + 2;
	return title;
}

void title_set(const char *title)
{
	size_t size = command_line.size, n;

	(void)prctl(PR_SET_NAME, title);
	if (size < 2)
		return;
	n = strnlen(fitting_part(title), size - 1);
	memcpy(command_line.words, fitting_part(title), n);
	memset(command_line.words + n, '\0', size - n);
	if (n + 1 < size)
		command_line.words[size - 1] = '.';
}

void title_drop_argument(size_t n)
{
	char *at = command_line.words, *end = at + command_line.size, *next;

	for (; at < end && n > 0; n--)
		at += strlen(at) + 1;
	if (at >= end)
		return;
	next = at + strlen(at) + 1;
	memmove(at, next, (size_t)(end - next));
	memset(at + (end - next), '\0', (size_t)(next - at));
}
