/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about one failure. The texts of the causes refer to them by name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "fauxroot/base/macro.h"

struct config;
struct error;
struct machine;

/*
 * struct facts - set by the test of one cause, or by a probe
 * @err: the failure to explain, never NULL
 * @of: set by fact(); only the first @n are set
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
 * fact() - set or replace the fact @name; texts contain it as {name}
 * @name: must live as long as @facts
 *
 * Returns true; false if the text does not fit and is truncated.
 */
bool fact(struct facts *facts, const char *name, const char *fmt, ...) _printf_(3, 4);

/* fact_add() - append to the fact @name, after @separator if it has a text already */
bool fact_add(struct facts *facts, const char *name, const char *separator, const char *fmt, ...)
	_printf_(4, 5);

/* fact_text() - the text of the fact @name; "" if it is not set */
const char *fact_text(const struct facts *facts, const char *name);

/* fact_is_writable() - can we create files in @dir? Not on a read-only file system, whatever the
 * mode is */
bool fact_is_writable(const struct machine *machine, const char *dir);

/*
 * fact_state_parent() - find a directory in which we can create a state directory: XDG_RUNTIME_DIR
 * if it belongs to us, or its usual path, or a directory that all users share
 *
 * Returns false if we can write to none; @buf is the runtime directory then.
 */
bool fact_state_parent(const struct machine *machine, char *buf, size_t size);

/*
 * facts_expand() - replace the {names} in @text; "{{" is a brace
 * @facts: NULL: each name becomes a placeholder in capitals, for documents
 *
 * Texts can name the facts that fact() has set, and the facts in the table of facts.c, which are
 * read from the machine. Returns false if a name is unknown or the text does not fit.
 */
bool facts_expand(const char *text, const struct facts *facts, char *buf, size_t size);

/*
 * facts_expand_remedy() - as facts_expand(), for the lines of a remedy
 *
 * Quotes values for the shell if necessary, so that a command works when a user pastes it: a path
 * may contain blanks. Drops lines that become empty.
 */
bool facts_expand_remedy(const char *text, const struct facts *facts, char *buf, size_t size);
