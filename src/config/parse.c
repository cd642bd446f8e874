/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parse argv with the option table. The syntax is that of Go's flag package, because existing
 * scripts for RootlessKit use it: one dash or two, "--x=v" or "--x v"; a boolean never takes the
 * next argument as its value; options end at the first argument that is not an option. A list is
 * split at commas, so a path in a list cannot contain a comma.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/similar.h"
#include "fauxroot/config/cidr.h"
#include "fauxroot/config/portspec.h"

static int unknown_option(const char *word, const char *name, size_t n, struct error *err)
{
	struct similar similar = similar_to(name, n);
	int given = (int)(name - word + (ptrdiff_t)n);

	for (const struct option_row *row = options_next(NULL); row; row = options_next(row))
		if (row->available)
			similar_offer(&similar, row->name);
	if (similar.best)
		return err_say(err, EINVAL, "unknown option %.*s; did you mean --%s?", given, word,
			       similar.best);
	return err_say(err, EINVAL, "unknown option %.*s; --help lists all options", given, word);
}

static const struct option_row *find_row(const char *name, size_t n)
{
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row))
		if ((strlen(row->name) == n && memcmp(row->name, name, n) == 0) ||
		    (n == 1 && row->short_name == *name))
			return row;
	return NULL;
}

static int wrong_value(const struct option_row *row, const char *value, struct error *err)
{
	char takes[OPTION_TAKES_MAX];

	return err_say(err, EINVAL, "--%s takes %s, not \"%s\"", row->name,
		       option_takes(row, takes, sizeof(takes)), value);
}

static int set_choice(const struct option_row *row, unsigned *field, const char *value)
{
	for (unsigned i = 0; row->words[i].name; i++)
		if (streq(row->words[i].name, value)) {
			*field = i;
			return 0;
		}
	return -EINVAL;
}

/* Ignore empty items: "/etc,,/run", or an unset variable of a script. */
static int add_items(const struct option_row *row, struct strv *list, const char *value,
		     struct error *err)
{
	struct cursor c = cursor_of(value);

	while (!cursor_at_end(&c)) {
		const char *item;
		size_t n;

		cursor_until(&c, ",", &item, &n);
		cursor_char(&c, ',');
		if (n == 0)
			continue;
		if (strv_add_n(list, item, n) < 0)
			return err_set(err, ENOMEM, "reading --%s", row->name);
		if (row->valid && !row->valid(list->items[list->n - 1]))
			return wrong_value(row, list->items[list->n - 1], err);
	}
	return 0;
}

static int set_value(const struct option_row *row, struct config *config, const char *value,
		     struct error *err)
{
	void *field = (char *)config + row->offset;
	int rc = 0;

	if (row->kind == OPTION_LIST)
		return add_items(row, field, value, err);
	if (*value == '\0') {
		option_set_default(row, config);
		return 0;
	}
	if (row->valid && !row->valid(value))
		return wrong_value(row, value, err);
	switch (row->kind) {
	case OPTION_BOOL:
		rc = parse_bool(value, field);
		break;
	case OPTION_STRING:
		*(const char **)field = value;
		break;
	case OPTION_CHOICE:
		rc = set_choice(row, field, value);
		break;
	case OPTION_UINT:
		rc = parse_u32(value, UINT32_MAX, field);
		break;
	case OPTION_CIDR:
		rc = cidr_parse(value, field);
		break;
	case OPTION_LIST:
		break;
	}
	return rc < 0 ? wrong_value(row, value, err) : 0;
}

/* Parse the option at *at, and its value if that is the next argument; *at moves past both. */
static int take_option(struct config *config, char ***at, struct error *err)
{
	const char *word = **at, *name = word + (word[1] == '-' ? 2 : 1), *value;
	size_t n = strcspn(name, "=");
	const struct option_row *row = find_row(name, n);
	char takes[OPTION_TAKES_MAX];

	if (!row)
		return unknown_option(word, name, n, err);
	(*at)++;
	if (name[n] == '=')
		value = name + n + 1;
	else if (row->kind == OPTION_BOOL)
		value = "true";
	else if (row->bare)
		value = row->bare;
	else if (**at)
		value = *(*at)++;
	else
		return err_say(err, EINVAL, "--%s needs a value: %s", row->name,
			       option_takes(row, takes, sizeof(takes)));
	return set_value(row, config, value, err);
}

int options_read(struct config *config, int argc, char **argv, struct error *err)
{
	char **at = argc > 0 ? argv + 1 : argv;

	/* A lone "-" is not an option, as in Go. */
	while (*at && (*at)[0] == '-' && (*at)[1] != '\0') {
		int rc;

		if (streq(*at, "--")) {
			at++;
			break;
		}
		rc = take_option(config, &at, err);
		if (rc < 0)
			return rc;
	}
	config->command = at;
	if (config->help)
		config->action = ACTION_HELP;
	else if (config->version)
		config->action = ACTION_VERSION;
	else if (config->semver != SEMVER_NONE)
		config->action = ACTION_PRINT_SEMVER;
	else if (config->check != CHECK_NONE)
		config->action = ACTION_CHECK;
	return 0;
}

int options_preset(struct config *config, const char *text, struct error *err)
{
	/* options_read() skips the first item, as it skips the program's name in argv. */
	int rc = strv_add(&config->preset, "FAUXROOT_OPTIONS");

	rc = rc < 0 ? err_set(err, ENOMEM, "splitting words")
		    : words_split(text, &config->preset, err);
	if (rc == 0)
		rc = options_read(config, (int)config->preset.n, config->preset.items, err);
	if (rc == 0 && *config->command)
		rc = err_say(err, EINVAL, "\"%s\" is not an option", *config->command);
	config->command = NULL;
	if (rc < 0)
		(void)err_wrap(err, rc, "FAUXROOT_OPTIONS");
	return err_step(err, rc, STEP_OPTIONS);
}

/* As fauxroot, a spec of --publish without a protocol is for TCP. */
static int complete_specs(struct config *config, struct error *err)
{
	if (config->persona != PERSONA_FAUXROOT)
		return 0;
	for (size_t i = 0; i < config->publish.n; i++) {
		char *spec = portspec_complete(config->publish.items[i]);

		if (!spec)
			return err_set(err, ENOMEM, "reading --publish");
		free(config->publish.items[i]);
		config->publish.items[i] = spec;
	}
	return 0;
}

/* Remove the mode from the end of @item, DIR:MODE; a colon before anything else is part of DIR. */
static enum copy_up_mode take_mode(char *item, enum copy_up_mode otherwise)
{
	char *colon = strrchr(item, ':');
	unsigned mode;

	for (mode = 0; colon && mode < COPY_UP_COUNT_; mode++)
		if (streq(colon + 1, copy_up_mode_words[mode].name)) {
			*colon = '\0';
			return mode;
		}
	return otherwise;
}

/* As fauxroot, a directory of --copy-up can have a mode of its own. */
static int take_modes(struct config *config, struct error *err)
{
	size_t n = config->copy_up.n;

	if (config->persona != PERSONA_FAUXROOT || n == 0)
		return 0;
	free(config->copy_up_modes);
	config->copy_up_modes = calloc(n, sizeof(*config->copy_up_modes));
	if (!config->copy_up_modes)
		return err_set(err, ENOMEM, "reading --copy-up");
	for (size_t i = 0; i < n; i++) {
		char *dir = config->copy_up.items[i];

		config->copy_up_modes[i] = take_mode(dir, config->copy_up_mode);
		if (!valid_copy_up(dir))
			return wrong_value(find_row("copy-up", strlen("copy-up")), dir, err);
	}
	return 0;
}

/* As fauxroot, run the user's shell if no command is given. */
static int need_command(struct config *config, struct error *err)
{
	if (*config->command || config->action != ACTION_RUN)
		return 0;
	if (config->persona != PERSONA_FAUXROOT || !config->shell[0])
		return err_say(err, EINVAL,
			       "no command to run: %s [options] [--] command [argument…]",
			       persona_program(config->persona));
	config->command = config->shell;
	return 0;
}

int options_parse(struct config *config, int argc, char **argv, struct error *err)
{
	int rc;

	config->persona = persona_of(argc > 0 ? argv[0] : NULL);
	rc = options_read(config, argc, argv, err);
	if (rc == 0)
		rc = complete_specs(config, err);
	if (rc == 0)
		rc = take_modes(config, err);
	if (rc == 0 && (config->action == ACTION_RUN || config->action == ACTION_CHECK)) {
		rc = options_refuse_unavailable(config, err);
		if (rc == 0)
			rc = options_refuse_conflicts(config, err);
		if (rc == 0)
			rc = need_command(config, err);
	}
	return err_step(err, rc, STEP_OPTIONS);
}
