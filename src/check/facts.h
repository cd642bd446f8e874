/* SPDX-License-Identifier: Apache-2.0 */
/* What is known while one failure is explained, and how texts name it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/base/macro.h"

struct config;
struct error;
struct machine;

/*
 * struct facts - filled by the test of one cause, or by a probe
 * @err: what is explained, never NULL
 * @of: by fact(); those past @n are unset
 */
struct facts {
	const struct machine *machine;
	const struct config *config;
	const struct error *err;
	size_t n;
	struct {
		const char *name;
		char text[400];
	} of[10];
};

/*
 * fact() - set the fact @name, or set it anew; texts have it as {name}
 * @name: lives as long as @facts
 *
 * Returns true; false where the text does not fit, which then is cut.
 */
bool fact(struct facts *facts, const char *name, const char *fmt, ...) _printf_(3, 4);

/* fact_add() - append to the fact @name, after @separator where it has a text already */
bool fact_add(struct facts *facts, const char *name, const char *separator, const char *fmt, ...)
	_printf_(4, 5);

/* fact_text() - the text of the fact @name; "" where it is not set */
const char *fact_text(const struct facts *facts, const char *name);

/*
 * facts_expand() - @text with its {names} replaced; "{{" is a brace
 * @facts: NULL: each name becomes what documents have in its place, in capitals
 *
 * Beside what fact() has set there are names for what is read from the machine when a text needs
 * it: facts.c lists them. Returns false where a name is unknown or the text does not fit.
 */
bool facts_expand(const char *text, const struct facts *facts, char *buf, size_t size);
