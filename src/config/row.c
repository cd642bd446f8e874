/* SPDX-License-Identifier: Apache-2.0 */
/* Functions for one row of the option table: its field, its default, its values. */
#include <assert.h>

#include "private.h"

/* Seconds; the same as docker stop. */
#define KILL_TIMEOUT 10

/* The row without a name at the end of @table. */
static const struct option_row *end_of(const struct option_row *table)
{
	while (table->name)
		table++;
	return table;
}

/* Table number @i in the order of --help: the tables of drivers are between the two others. NULL
 * after the last one. */
static const struct option_row *table_at(size_t i)
{
	size_t n = 0;

	while (driver_tables[n])
		n++;
	if (i == 0)
		return network_rows;
	if (i <= n)
		return driver_tables[i - 1];
	return i == n + 1 ? other_rows : NULL;
}

const struct option_row *options_next(const struct option_row *row)
{
	size_t i = 0;

	if (!row)
		return table_at(0);
	row++;
	if (row->name)
		return row;
	while (end_of(table_at(i)) != row)
		i++;
	return table_at(i + 1);
}

void config_init(struct config *config)
{
	*config = (struct config){
		.source_ip_transparent = true,
		.kill_timeout = KILL_TIMEOUT,
	};
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row))
		if (row->preset)
			memcpy((char *)config + row->offset, &row->preset, sizeof(row->preset));
}

bool option_bool(const struct option_row *row, const struct config *config)
{
	return *(const bool *)((const char *)config + row->offset);
}

const struct option_word *option_word(const struct option_row *row, const struct config *config)
{
	unsigned value;

	static_assert(sizeof(enum net_mode) == sizeof(value), "enums have the size of unsigned");
	memcpy(&value, (const char *)config + row->offset, sizeof(value));
	return &row->words[value];
}

static size_t field_size(enum option_kind kind)
{
	switch (kind) {
	case OPTION_BOOL:
		return sizeof(bool);
	case OPTION_STRING:
		return sizeof(char *);
	case OPTION_CHOICE:
	case OPTION_UINT:
		return sizeof(unsigned);
	case OPTION_CIDR:
		return sizeof(struct cidr);
	case OPTION_LIST:
		return sizeof(struct strv);
	}
	return 0;
}

bool option_is_default(const struct option_row *row, const struct config *config)
{
	const char *field = (const char *)config + row->offset;
	struct config defaults;
	const char *of_default = (const char *)&defaults + row->offset;

	config_init(&defaults);
	if (row->kind == OPTION_STRING) {
		const char *a = *(const char *const *)field, *b = *(const char *const *)of_default;

		return a == b || (a && b && streq(a, b));
	}
	if (row->kind == OPTION_LIST)
		return ((const struct strv *)field)->n == 0;
	return memcmp(field, of_default, field_size(row->kind)) == 0;
}

void option_set_default(const struct option_row *row, struct config *config)
{
	char *field = (char *)config + row->offset;
	struct config defaults;

	if (row->kind == OPTION_LIST) {
		strv_clear((struct strv *)field);
		return;
	}
	config_init(&defaults);
	memcpy(field, (const char *)&defaults + row->offset, field_size(row->kind));
}

/* "subid, single or auto": the words that are available in this build */
static const char *list_words(const struct option_word *words, char *buf, size_t size)
{
	const struct option_word *last = NULL;
	size_t used = 0;

	for (const struct option_word *w = words; w->name; w++)
		if (w->available && *w->name)
			last = w;
	*buf = '\0';
	for (const struct option_word *w = words; w->name && used < size; w++) {
		if (!w->available || !*w->name)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s",
					 used == 0   ? ""
					 : w == last ? " or "
						     : ", ",
					 w->name);
	}
	return buf;
}

const char *option_takes(const struct option_row *row, char *buf, size_t size)
{
	if (row->takes)
		return row->takes;
	switch (row->kind) {
	case OPTION_BOOL:
		return "true or false";
	case OPTION_CHOICE:
		return list_words(row->words, buf, size);
	case OPTION_UINT:
		return "a number";
	case OPTION_CIDR:
		return "the address of an IPv4 network, /25 or wider, such as 10.0.2.0/24";
	case OPTION_STRING:
	case OPTION_LIST:
		return "a value";
	}
	return "a value";
}
