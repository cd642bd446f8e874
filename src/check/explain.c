/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * An errno value alone is not enough: clone(2) returns EPERM for six reasons. So a row of the table
 * does not guess from the error. Its test reads the fact that would be the reason, and only facts
 * that were found are reported. Specific rows come before general rows; the first match is the
 * answer.
 *
 * The facts are read after the failure, so a successful launch costs nothing.
 */
#include "fauxroot/check/explain.h"

#include <string.h>

#include "cause.h"
#include "fauxroot/base/str.h"

static const struct error no_error = {.code = 0};

static bool has_code(const struct cause *cause, int code)
{
	if (cause->codes[0] == ANY_CODE)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(cause->codes) && cause->codes[i]; i++)
		if (cause->codes[i] == code)
			return true;
	return false;
}

static bool matches(const struct cause *cause, struct facts *facts)
{
	const struct error *err = facts->err;

	return (cause->steps & STEP_BIT(err->step)) && has_code(cause, err->code) &&
	       (cause->reason == ANY_REASON || cause->reason == err->reason) &&
	       (!cause->test || cause->test(facts));
}

static void add_remedy(char *buf, size_t size, const char *before, const char *text,
		       const char *after)
{
	size_t used = strlen(buf);

	if (text)
		(void)str_print(buf + used, size - used, "%s%s%s%s", used > 0 ? "\n" : "", before,
				text, after);
}

void cause_remedy(const struct cause *cause, const struct container *container, bool all, char *buf,
		  size_t size)
{
	const struct {
		const char *runtime, *before, *text, *after;
		bool otherwise; /* also for an unknown runtime */
	} ways[] = {
		{"Docker", "docker run ", cause->docker, " …", true},
		{"Podman", "podman run ", cause->podman ? cause->podman : cause->docker, " …",
		 cause->podman != NULL},
		{"Kubernetes", "in Kubernetes, ", cause->kubernetes, "", true},
		{"LXD", "lxc ", cause->lxd, "", true},
		{"Incus", "incus ", cause->lxd, "", false},
	};
	const char *outside = container ? NULL : cause->outside;

	*buf = '\0';
	for (size_t i = 0; container && i < ARRAY_SIZE(ways); i++)
		if (streq(ways[i].runtime, container->name))
			add_remedy(buf, size, ways[i].before, ways[i].text, ways[i].after);
	if (all || !outside)
		add_remedy(buf, size, "", cause->remedy, "");
	add_remedy(buf, size, all ? "outside of a container: " : "", outside, "");
	/* An unknown container, or a runtime for which the row has no remedy. */
	if (all || (!container && !outside) || *buf == '\0')
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
			if (ways[i].otherwise)
				add_remedy(buf, size, ways[i].before, ways[i].text, ways[i].after);
}

/* Root does not need sudo(8), and containers do not have it. Only a whole word is removed, because
 * a path may end in "sudo". */
static void drop_sudo(char *text)
{
	static const char word[] = "sudo ";

	for (char *at = text; (at = strstr(at, word));) {
		if (at == text || strchr(" \n", at[-1]))
			memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
		else
			at++;
	}
}

/* Fill in the texts of a matching row; false, with @ret untouched, if they do not fit. */
static bool fill_in(const struct cause *cause, struct facts *facts, struct explanation *ret)
{
	struct explanation found = {.id = cause->id};
	char remedy[sizeof(found.remedy)];
	struct container container;
	bool contained = machine_container(facts->machine, &container);

	cause_remedy(cause, contained ? &container : NULL, false, remedy, sizeof(remedy));
	if (!facts_expand(cause->cause, facts, found.cause, sizeof(found.cause)) ||
	    !facts_expand_remedy(remedy, facts, found.remedy, sizeof(found.remedy)))
		return false;
	if (machine_uid(facts->machine) == 0)
		drop_sudo(found.remedy);
	*ret = found;
	return true;
}

bool explain(const struct error *err, const struct config *config, const struct machine *machine,
	     struct explanation *ret)
{
	struct cause_walk walk = {0};
	const struct cause *cause;

	while ((cause = cause_next(&walk))) {
		struct facts facts = {.machine = machine, .config = config, .err = err};

		if (matches(cause, &facts) && fill_in(cause, &facts, ret))
			return true;
	}
	return false;
}

bool explain_as(const char *id, struct facts *facts, struct explanation *ret)
{
	struct cause_walk walk = {0};
	const struct cause *cause;

	while ((cause = cause_next(&walk)))
		if (streq(cause->id, id) && (!cause->test || cause->test(facts)) &&
		    fill_in(cause, facts, ret))
			return true;
	return false;
}

bool explain_warning(const char *id, const struct config *config, const struct machine *machine,
		     struct explanation *ret)
{
	struct facts facts = {.machine = machine, .config = config, .err = &no_error};

	return explain_as(id, &facts, ret);
}

bool explain_few_ids(uint64_t uids, uint64_t gids, const struct machine *machine,
		     struct explanation *ret)
{
	struct facts facts = {.machine = machine, .err = &no_error};

	if (uids >= USUAL_IDS && gids >= USUAL_IDS)
		return false;
	(void)fact(&facts, "ids", "%llu user and %llu group ids", (unsigned long long)uids,
		   (unsigned long long)gids);
	return explain_as("few-ids-no-range", &facts, ret) || explain_as("few-ids", &facts, ret) ||
	       explain_as("few-ids-no-account", &facts, ret);
}
