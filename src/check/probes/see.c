/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in findings. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/str.h"
#include "fauxroot/check/explain.h"
#include "fauxroot/launch/stages.h"
#include "probe.h"

struct finding *preflight_add(const struct preflight *p, const char *name)
{
	struct findings *all = p->findings;

	if (all->n == all->room) {
		size_t room = all->room ? all->room * 2 : 32;
		struct finding *larger = realloc(all->items, room * sizeof(*larger));

		if (!larger)
			return NULL;
		all->items = larger;
		all->room = room;
	}
	memset(&all->items[all->n], 0, sizeof(*all->items));
	(void)str_print(all->items[all->n].name, sizeof(all->items[all->n].name), "%s", name);
	return &all->items[all->n++];
}

static _printf_(2, 0) void set_seen(struct finding *f, const char *fmt, va_list ap)
{
	char text[sizeof(f->seen)]; /* the previous text may be an argument */

	vsnprintf(text, sizeof(text), fmt, ap);
	str_printable(text);
	memcpy(f->seen, text, sizeof(text));
}

void see(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_seen(f, fmt, ap);
	va_end(ap);
}

void see_unknown(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	f->status = FINDING_UNKNOWN;
	va_start(ap, fmt);
	set_seen(f, fmt, ap);
	va_end(ap);
}

/* An earlier finding with the same cause: a repeated cause would look like two problems. */
static const struct finding *earlier(const struct preflight *p, const struct finding *f)
{
	for (size_t i = 0; i < p->findings->n; i++) {
		const struct finding *other = &p->findings->items[i];

		if (other != f && other->why.id && f->why.id && streq(other->why.id, f->why.id) &&
		    streq(other->why.cause, f->why.cause))
			return other;
	}
	return NULL;
}

bool see_outcome(const struct preflight *p, struct finding *f, const struct outcome *outcome)
{
	const struct finding *other;

	if (!outcome->tried) {
		see_unknown(
			f, "not tried%s%s", outcome->depends != STAGE_NONE ? ": depends on " : "",
			outcome->depends != STAGE_NONE ? launch_stage_name(outcome->depends) : "");
		return false;
	}
	if (outcome->rc == 0)
		return true;
	f->status = FINDING_OBSTACLE;
	see(f, "%s", outcome->err.text);
	(void)explain(&outcome->err, p->config, p->machine, &f->why);
	other = earlier(p, f);
	if (other) {
		(void)str_print(f->why.cause, sizeof(f->why.cause), "as for: %s", other->name);
		*f->why.remedy = '\0';
	}
	return false;
}

void advise(struct finding *f, enum finding_status status, const char *id, struct facts *facts)
{
	if (explain_as(id, facts, &f->why))
		f->status = status;
}

struct facts facts_of(const struct preflight *p)
{
	static const struct error no_error = {.code = 0};

	return (struct facts){.machine = p->machine, .config = p->config, .err = &no_error};
}
