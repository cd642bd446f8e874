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
	struct finding *f = &p->findings->items[p->findings->n++];

	(void)str_print(f->name, sizeof(f->name), "%s", name);
	return f;
}

void see(struct finding *f, const char *fmt, ...)
{
	char text[sizeof(f->seen)]; /* the previous text may be an argument */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_printable(text);
	memcpy(f->seen, text, sizeof(text));
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

void warn(const struct preflight *p, struct finding *f, const char *id)
{
	if (explain_as(id, p->facts, &f->why))
		f->status = FINDING_WARNING;
}

void obstacle(const struct preflight *p, struct finding *f, const char *id)
{
	if (explain_as(id, p->facts, &f->why))
		f->status = FINDING_OBSTACLE;
}
