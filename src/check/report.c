/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/check/report.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fauxroot/api/json.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

static const struct {
	const char *name, *symbol, *colour;
} statuses[] = {
	[FINDING_OK] = {"ok", "✓", "\033[32m"},
	[FINDING_UNKNOWN] = {"unknown", "?", "\033[2m"},
	[FINDING_WARNING] = {"warning", "!", "\033[33m"},
	[FINDING_OBSTACLE] = {"obstacle", "✗", "\033[31m"},
};
static_assert(ARRAY_SIZE(statuses) == FINDING_STATUS_COUNT_, "every status has a name");

static size_t count(const struct findings *findings, enum finding_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += findings->items[i].status == status;
	return n;
}

/* The widest name except those of ports, which are as long as their specs. */
static int name_width(const struct findings *findings)
{
	size_t widest = 0;

	for (size_t i = 0; i < findings->n; i++)
		if (!str_after(findings->items[i].name, "port "))
			widest = MAX(widest, strlen(findings->items[i].name));
	return (int)widest;
}

static void print_counts(FILE *out, const struct findings *findings)
{
	size_t obstacles = count(findings, FINDING_OBSTACLE);
	size_t warnings = count(findings, FINDING_WARNING);

	if (obstacles > 0)
		fprintf(out, "%zu obstacle%s", obstacles, obstacles == 1 ? "" : "s");
	else
		fputs("ready", out);
	if (warnings > 0)
		fprintf(out, ", %zu warning%s", warnings, warnings == 1 ? "" : "s");
	fputc('\n', out);
}

static void print_why(FILE *out, const struct explanation *why)
{
	struct cursor c = cursor_of(why->remedy), line;

	fprintf(out, "          cause:  %s\n", why->cause);
	while (cursor_line(&c, &line))
		fprintf(out, "          remedy: %.*s\n", (int)cursor_left(&line), line.at);
}

void report_print(FILE *out, const struct findings *findings, bool terminal)
{
	int width = name_width(findings);

	for (size_t i = 0; i < findings->n; i++) {
		const struct finding *f = &findings->items[i];
		const char *colour = terminal ? statuses[f->status].colour : "";
		const char *plain = terminal ? "\033[0m" : "";

		fprintf(out, "%s%s%s%-8s%s  %-*s  %s\n", colour,
			terminal ? statuses[f->status].symbol : "", terminal ? " " : "",
			statuses[f->status].name, plain, width, f->name, f->seen);
		if (f->why.id && f->status != FINDING_OK)
			print_why(out, &f->why);
	}
	print_counts(out, findings);
}

static json_t *finding_json(const struct finding *f)
{
	json_t *object = json_pack("{s:o, s:s, s:o}", "check", api_json_string(f->name), "status",
				   statuses[f->status].name, "seen", api_json_string(f->seen));

	if (!object || !f->why.id || f->status == FINDING_OK)
		return object;
	if (json_object_set_new(object, "id", api_json_string(f->why.id)) < 0 ||
	    json_object_set_new(object, "cause", api_json_string(f->why.cause)) < 0 ||
	    (*f->why.remedy &&
	     json_object_set_new(object, "remedy", api_json_string(f->why.remedy)) < 0)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

int report_print_json(FILE *out, const struct findings *findings)
{
	json_t *list = json_array(), *report;
	int rc = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < findings->n && rc == 0; i++)
		if (json_array_append_new(list, finding_json(&findings->items[i])) < 0)
			rc = -ENOMEM;
	report = rc == 0 ? json_pack("{s:b, s:i, s:i, s:O}", "ready",
				     count(findings, FINDING_OBSTACLE) == 0, "obstacles",
				     (int)count(findings, FINDING_OBSTACLE), "warnings",
				     (int)count(findings, FINDING_WARNING), "checks", list)
			 : NULL;
	json_decref(list);
	if (!report || json_dumpf(report, out, JSON_INDENT(2)) < 0)
		rc = -ENOMEM;
	json_decref(report);
	fputc('\n', out);
	return rc;
}

int report_status(const struct findings *findings, bool strict)
{
	if (count(findings, FINDING_OBSTACLE) > 0)
		return 1;
	return strict && count(findings, FINDING_WARNING) > 0 ? 2 : 0;
}
