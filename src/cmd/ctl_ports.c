/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl list-ports, add-ports, remove-ports
 *
 * Each port of a range is one port of the API. add-ports publishes all ports or none: if one port
 * cannot be published, or a signal arrives, it removes the ports before and prints no id.
 */
#include <errno.h>
#include <inttypes.h>

#include "columns.h"
#include "ctl_ask.h"
#include "ctl_table.h"
#include "fauxroot/api/client.h"
#include "fauxroot/api/ports.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/supervise/signals.h"

/* Print one array; as rootlessctl, one object in each line, and only the members that rootlessctl
 * has. */
static int print_json(const struct ctl *ctl, const struct api_ports *ports, struct error *err)
{
	for (size_t i = 0; i < ports->n && ctl->compatible; i++) {
		struct api_port plain = {.id = ports->items[i].id, .spec = ports->items[i].spec};
		_cleanup_free_ char *line = api_port_encode(&plain);

		if (!line)
			return err_set(err, ENOMEM, "printing the ports");
		puts(line);
	}
	if (!ctl->compatible) {
		_cleanup_free_ char *text = api_ports_encode(ports);

		if (!text)
			return err_set(err, ENOMEM, "printing the ports");
		puts(text);
	}
	return 0;
}

static int print_table(const struct api_ports *ports, struct error *err)
{
	static const char *const heads[] = {"ID",	  "PROTO",   "PARENTIP",
					    "PARENTPORT", "CHILDIP", "CHILDPORT"};
	_cleanup_columns_ struct columns columns = {.n = ARRAY_SIZE(heads)};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(heads) && rc == 0; i++)
		rc = columns_add(&columns, "%s", heads[i]);
	for (size_t i = 0; i < ports->n && rc == 0; i++) {
		const struct port_spec *spec = &ports->items[i].spec;

		if (columns_add(&columns, "%" PRIu32, ports->items[i].id) < 0 ||
		    columns_add(&columns, "%s", portspec_proto_name(spec->proto)) < 0 ||
		    columns_add(&columns, "%s", spec->parent_ip) < 0 ||
		    columns_add(&columns, "%u", spec->parent_port) < 0 ||
		    columns_add(&columns, "%s", spec->child_ip) < 0 ||
		    columns_add(&columns, "%u", spec->child_port) < 0)
			rc = -ENOMEM;
	}
	if (rc < 0)
		return err_set(err, ENOMEM, "printing the ports");
	columns_print(stdout, &columns);
	return 0;
}

static int get_ports(const struct ctl *ctl, struct api_ports *ret, struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	int rc = ctl_ask(ctl, "GET", "/v1/ports", NULL, 200, &reply, err);

	return rc < 0 ? rc : api_ports_decode(reply.body, reply.size, ret, err);
}

int ctl_list_ports(struct ctl *ctl, struct error *err)
{
	_cleanup_api_ports_ struct api_ports ports = {NULL, 0};
	int rc = get_ports(ctl, &ports, err);

	if (rc < 0)
		return rc;
	return ctl->json ? print_json(ctl, &ports, err) : print_table(&ports, err);
}

/* Parse an argument that is a spec or a range; the default protocol is tcp. */
static int read_spec(const struct ctl *ctl, const char *word, struct port_spec *ret,
		     unsigned *ret_count, struct error *err)
{
	_cleanup_free_ char *text = ctl->compatible ? strdup(word) : portspec_complete(word);

	if (!text)
		return err_set(err, ENOMEM, "reading \"%s\"", word);
	return portspec_parse_range(text, ret, ret_count, err);
}

/* Number @i of the range that begins with @first. */
static struct port_spec nth_spec(const struct port_spec *first, unsigned i)
{
	struct port_spec spec = *first;

	spec.parent_port = (uint16_t)(first->parent_port + i);
	spec.child_port = (uint16_t)(first->child_port + i);
	return spec;
}

static int remove_one(const struct ctl *ctl, uint32_t id, struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	char path[64];

	(void)str_print(path, sizeof(path), "/v1/ports/%" PRIu32, id);
	return ctl_ask(ctl, "DELETE", path, NULL, 200, &reply, err);
}

static int add_one(const struct ctl *ctl, const struct port_spec *spec, struct api_ports *added,
		   struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	_cleanup_free_ char *body = api_spec_encode(spec, false);
	struct api_port port = {.id = 0};
	int rc;

	if (!body)
		return err_set(err, ENOMEM, "requesting a port");
	rc = ctl_ask(ctl, "POST", "/v1/ports", body, 201, &reply, err);
	if (rc == 0)
		rc = api_port_decode(reply.body, reply.size, &port, err);
	if (rc < 0)
		return rc;
	if (api_ports_add(added, &port) == 0)
		return 0;
	(void)remove_one(ctl, port.id, NULL);
	return err_set(err, ENOMEM, "requesting a port");
}

/* Publish the ports of one argument: a spec or a range. */
static int add_word(const struct ctl *ctl, const char *word, struct api_ports *added,
		    struct error *err)
{
	struct port_spec first;
	unsigned count = 0;
	int rc = read_spec(ctl, word, &first, &count, err);

	for (unsigned i = 0; i < count && rc == 0; i++) {
		struct port_spec spec = nth_spec(&first, i);

		rc = add_one(ctl, &spec, added, err);
		if (rc == 0 && signals_pending_end() > 0)
			rc = err_say(err, EINTR, "interrupted");
	}
	return rc;
}

/* Remove the ports in @added. Ports that cannot be removed are added to the message of @err. */
static void roll_back(const struct ctl *ctl, struct api_ports *added, struct error *err)
{
	while (added->n > 0) {
		uint32_t id = added->items[--added->n].id;
		struct error why = {.code = 0};

		if (remove_one(ctl, id, &why) < 0)
			(void)err_wrap(err, 0, "port %" PRIu32 " stays (%s), and", id, why.text);
	}
}

int ctl_add_ports(struct ctl *ctl, struct error *err)
{
	_cleanup_api_ports_ struct api_ports added = {NULL, 0};
	struct signals signals;
	struct port_spec spec;
	unsigned count = 0;
	int rc = 0;

	/* Parse all arguments before the first request. */
	for (char **word = ctl->words; *word && rc == 0; word++)
		rc = read_spec(ctl, *word, &spec, &count, err);
	if (rc == 0)
		rc = signals_block(&signals, err);
	if (rc < 0)
		return rc;
	for (char **word = ctl->words; *word && rc == 0; word++)
		rc = add_word(ctl, *word, &added, err);
	if (rc < 0)
		roll_back(ctl, &added, err);
	/* A pending signal terminates the process here. */
	signals_restore(&signals);
	signals_close(&signals);
	if (rc < 0)
		return rc;
	if (ctl->json)
		return print_json(ctl, &added, err);
	for (size_t i = 0; i < added.n; i++)
		printf("%" PRIu32 "\n", added.items[i].id);
	return 0;
}

/* The id of the port @spec in @ports; 0: the port is not published */
static uint32_t id_of(const struct api_ports *ports, const struct port_spec *spec)
{
	for (size_t i = 0; i < ports->n; i++)
		if (portspec_equal(&ports->items[i].spec, spec))
			return ports->items[i].id;
	return 0;
}

/* Append the id of a port to remove. */
static int add_id(struct api_ports *list, uint32_t id, struct error *err)
{
	const struct api_port port = {.id = id};

	return api_ports_add(list, &port) < 0 ? err_set(err, ENOMEM, "listing the ports") : 0;
}

/* Append the ids of a spec or a range; the first spec fills @known with the published ports. */
static int find_specs(const struct ctl *ctl, const char *word, struct api_ports *known,
		      struct api_ports *found, struct error *err)
{
	struct port_spec first;
	unsigned count = 0;
	int rc = read_spec(ctl, word, &first, &count, err);

	if (rc == 0 && !known->items)
		rc = get_ports(ctl, known, err);
	for (unsigned i = 0; i < count && rc == 0; i++) {
		struct port_spec spec = nth_spec(&first, i);
		uint32_t id = id_of(known, &spec);
		char text[PORTSPEC_MAX];

		rc = id > 0 ? add_id(found, id, err)
			    : err_say(err, ENOENT, "no port %s is published",
				      portspec_format(&spec, text, sizeof(text)));
	}
	return rc;
}

int ctl_remove_ports(struct ctl *ctl, struct error *err)
{
	_cleanup_api_ports_ struct api_ports known = {NULL, 0}, found = {NULL, 0};
	int rc = 0;

	/* Parse all arguments before the first removal. */
	for (char **word = ctl->words; *word && rc == 0; word++) {
		uint32_t id;

		if (parse_u32(*word, UINT32_MAX, &id) == 0)
			rc = add_id(&found, id, err);
		else if (strchr(*word, ':'))
			rc = find_specs(ctl, *word, &known, &found, err);
		else
			rc = err_say(err, EINVAL, "\"%s\" is neither the id of a port nor a spec",
				     *word);
	}
	for (size_t i = 0; i < found.n && rc == 0; i++) {
		rc = remove_one(ctl, found.items[i].id, err);
		if (rc == 0)
			printf("%" PRIu32 "\n", found.items[i].id);
	}
	return rc;
}
