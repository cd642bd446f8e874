/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl list-ports, add-ports, remove-ports, and the same for services of the host
 *
 * Each port of a range is one port of the API. add-ports publishes all ports or none: if one port
 * cannot be published, or a signal arrives, it removes the ports that it has published, and prints
 * no id. A launcher that does not answer in time may still have published the port. Ids ascend, so
 * a later list shows that the port is new since the first list.
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

/* Published ports, or services of the host. */
struct kind {
	const char *path; /* of the API */
	const char *columns[4];
	bool host;
};

static const struct kind published = {
	"/v1/ports", {"PARENTIP", "PARENTPORT", "CHILDIP", "CHILDPORT"}, false};
static const struct kind of_host = {
	"/v1/host-ports", {"CHILDIP", "CHILDPORT", "HOSTIP", "HOSTPORT"}, true};

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

/* The columns of the address to which clients are connected. */
static int add_target(struct columns *columns, const struct port_spec *spec)
{
	if (spec->host_path[0])
		return columns_add(columns, "unix:%s", spec->host_path) < 0
			       ? -ENOMEM
			       : columns_add(columns, "%s", "");
	return columns_add(columns, "%s", spec->child_ip) < 0
		       ? -ENOMEM
		       : columns_add(columns, "%u", spec->child_port);
}

static int add_row(struct columns *columns, const struct kind *kind, const struct api_port *port)
{
	struct port_spec spec = kind->host ? portspec_reversed(&port->spec) : port->spec;

	if (columns_add(columns, "%" PRIu32, port->id) < 0 ||
	    columns_add(columns, "%s", portspec_proto_name(spec.proto)) < 0 ||
	    columns_add(columns, "%s", spec.parent_ip) < 0 ||
	    columns_add(columns, "%u", spec.parent_port) < 0 || add_target(columns, &spec) < 0)
		return -ENOMEM;
	return 0;
}

static int print_table(const struct kind *kind, const struct api_ports *ports, struct error *err)
{
	_cleanup_columns_ struct columns columns = {.n = 2 + ARRAY_SIZE(kind->columns)};
	int rc = columns_add(&columns, "ID");

	if (rc == 0)
		rc = columns_add(&columns, "PROTO");
	for (size_t i = 0; i < ARRAY_SIZE(kind->columns) && rc == 0; i++)
		rc = columns_add(&columns, "%s", kind->columns[i]);
	for (size_t i = 0; i < ports->n && rc == 0; i++)
		rc = add_row(&columns, kind, &ports->items[i]);
	if (rc < 0)
		return err_set(err, ENOMEM, "printing the ports");
	columns_print(stdout, &columns);
	return 0;
}

static int get_ports(const struct ctl *ctl, const struct kind *kind, struct api_ports *ret,
		     struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	int rc = ctl_ask(ctl, "GET", kind->path, NULL, 200, &reply, err);

	return rc < 0 ? rc : api_ports_decode(reply.body, reply.size, ret, err);
}

static int list(const struct ctl *ctl, const struct kind *kind, struct error *err)
{
	_cleanup_api_ports_ struct api_ports ports = {NULL, 0};
	int rc = get_ports(ctl, kind, &ports, err);

	if (rc < 0)
		return rc;
	return ctl->json ? print_json(ctl, &ports, err) : print_table(kind, &ports, err);
}

/* Parse an argument that is a spec or a range; the default protocol is tcp. */
static int read_spec(const struct ctl *ctl, const struct kind *kind, const char *word,
		     struct port_spec *ret, unsigned *ret_count, struct error *err)
{
	_cleanup_free_ char *text = NULL;

	*ret_count = 1;
	if (kind->host)
		return portspec_parse_host(word, ret, err);
	text = ctl->compatible ? strdup(word) : portspec_complete(word);
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

static int remove_one(const struct ctl *ctl, const struct kind *kind, uint32_t id,
		      struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	char path[64];

	(void)str_print(path, sizeof(path), "%s/%" PRIu32, kind->path, id);
	return ctl_ask(ctl, "DELETE", path, NULL, 200, &reply, err);
}

/* The id of the port @spec in @ports; 0: the port is not published */
static uint32_t id_of(const struct api_ports *ports, const struct port_spec *spec)
{
	for (size_t i = 0; i < ports->n; i++)
		if (portspec_equal(&ports->items[i].spec, spec))
			return ports->items[i].id;
	return 0;
}

/* The port @spec was requested after the list @before was made, and there was no answer: remove the
 * port if it is published. If that is not known, add that to the message of @err. */
static void take_back(const struct ctl *ctl, const struct kind *kind, const struct port_spec *spec,
		      const struct api_ports *before, struct error *err)
{
	struct port_spec shown = kind->host ? portspec_reversed(spec) : *spec;
	_cleanup_api_ports_ struct api_ports now = {NULL, 0};
	char text[PORTSPEC_MAX];
	struct error why = {.code = 0};
	uint32_t last = before->n > 0 ? before->items[before->n - 1].id : 0, id = 0;
	int rc = get_ports(ctl, kind, &now, &why);

	if (rc == 0)
		id = id_of(&now, spec);
	if (id > last)
		rc = remove_one(ctl, kind, id, &why);
	if (rc == 0)
		return;
	portspec_format(&shown, text, sizeof(text));
	(void)err_wrap(err, 0, "it is not known whether %s is published (list-ports), and", text);
}

static int add_one(const struct ctl *ctl, const struct kind *kind, const struct port_spec *spec,
		   const struct api_ports *before, struct api_ports *added, struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	_cleanup_free_ char *body = api_spec_encode(spec, false);
	struct api_port port = {.id = 0};
	int rc;

	if (!body)
		return err_set(err, ENOMEM, "requesting a port");
	rc = ctl_ask(ctl, "POST", kind->path, body, 201, &reply, err);
	if (rc == -ETIMEDOUT)
		take_back(ctl, kind, spec, before, err);
	if (rc == 0)
		rc = api_port_decode(reply.body, reply.size, &port, err);
	if (rc < 0)
		return rc;
	if (api_ports_add(added, &port) == 0)
		return 0;
	(void)remove_one(ctl, kind, port.id, NULL);
	return err_set(err, ENOMEM, "requesting a port");
}

/* Publish the ports of one argument: a spec or a range. */
static int add_word(const struct ctl *ctl, const struct kind *kind, const char *word,
		    const struct api_ports *before, struct api_ports *added, struct error *err)
{
	struct port_spec first;
	unsigned count = 0;
	int rc = read_spec(ctl, kind, word, &first, &count, err);

	for (unsigned i = 0; i < count && rc == 0; i++) {
		struct port_spec spec = nth_spec(&first, i);

		rc = add_one(ctl, kind, &spec, before, added, err);
		if (rc == 0 && signals_pending_end() > 0)
			rc = err_say(err, EINTR, "interrupted");
	}
	return rc;
}

/* Remove the ports in @added. Ports that cannot be removed are added to the message of @err. */
static void roll_back(const struct ctl *ctl, const struct kind *kind, struct api_ports *added,
		      struct error *err)
{
	while (added->n > 0) {
		uint32_t id = added->items[--added->n].id;
		struct error why = {.code = 0};

		if (remove_one(ctl, kind, id, &why) < 0)
			(void)err_wrap(err, 0, "port %" PRIu32 " stays (%s), and", id, why.text);
	}
}

static int add(const struct ctl *ctl, const struct kind *kind, struct error *err)
{
	_cleanup_api_ports_ struct api_ports before = {NULL, 0}, added = {NULL, 0};
	struct signals signals;
	struct port_spec spec;
	unsigned count = 0;
	int rc = 0;

	/* Parse all arguments before the first request. */
	for (char **word = ctl->words; *word && rc == 0; word++)
		rc = read_spec(ctl, kind, *word, &spec, &count, err);
	if (rc == 0)
		rc = signals_block(&signals, err);
	if (rc < 0)
		return rc;
	rc = get_ports(ctl, kind, &before, err);
	for (char **word = ctl->words; *word && rc == 0; word++)
		rc = add_word(ctl, kind, *word, &before, &added, err);
	if (rc < 0)
		roll_back(ctl, kind, &added, err);
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

/* Append the id of a port to remove. */
static int add_id(struct api_ports *list, uint32_t id, struct error *err)
{
	const struct api_port port = {.id = id};

	return api_ports_add(list, &port) < 0 ? err_set(err, ENOMEM, "listing the ports") : 0;
}

static int unknown_spec(const struct kind *kind, const struct port_spec *spec, struct error *err)
{
	struct port_spec shown = kind->host ? portspec_reversed(spec) : *spec;
	char text[PORTSPEC_MAX];

	portspec_format(&shown, text, sizeof(text));
	if (!kind->host)
		return err_say(err, ENOENT, "no port %s is published", text);
	return err_say(err, ENOENT, "no service of the host is forwarded as %s",
		       text[0] == ':' ? text + 1 : text);
}

/* Append the ids of a spec or a range; the first spec fills @known with the published ports. */
static int find_specs(const struct ctl *ctl, const struct kind *kind, const char *word,
		      struct api_ports *known, struct api_ports *found, struct error *err)
{
	struct port_spec first;
	unsigned count = 0;
	int rc = read_spec(ctl, kind, word, &first, &count, err);

	if (rc == 0 && !known->items)
		rc = get_ports(ctl, kind, known, err);
	for (unsigned i = 0; i < count && rc == 0; i++) {
		struct port_spec spec = nth_spec(&first, i);
		uint32_t id = id_of(known, &spec);

		rc = id > 0 ? add_id(found, id, err) : unknown_spec(kind, &spec, err);
	}
	return rc;
}

static int discard(const struct ctl *ctl, const struct kind *kind, struct error *err)
{
	_cleanup_api_ports_ struct api_ports known = {NULL, 0}, found = {NULL, 0};
	int rc = 0;

	/* Parse all arguments before the first removal. */
	for (char **word = ctl->words; *word && rc == 0; word++) {
		uint32_t id;

		if (parse_u32(*word, UINT32_MAX, &id) == 0)
			rc = add_id(&found, id, err);
		else if (strchr(*word, ':'))
			rc = find_specs(ctl, kind, *word, &known, &found, err);
		else
			rc = err_say(err, EINVAL, "\"%s\" is neither the id of a port nor a spec",
				     *word);
	}
	for (size_t i = 0; i < found.n && rc == 0; i++) {
		rc = remove_one(ctl, kind, found.items[i].id, err);
		if (rc == 0)
			printf("%" PRIu32 "\n", found.items[i].id);
	}
	return rc;
}

int ctl_list_ports(struct ctl *ctl, struct error *err)
{
	return list(ctl, &published, err);
}

int ctl_add_ports(struct ctl *ctl, struct error *err)
{
	return add(ctl, &published, err);
}

int ctl_remove_ports(struct ctl *ctl, struct error *err)
{
	return discard(ctl, &published, err);
}

int ctl_list_host_ports(struct ctl *ctl, struct error *err)
{
	return list(ctl, &of_host, err);
}

int ctl_add_host_ports(struct ctl *ctl, struct error *err)
{
	return add(ctl, &of_host, err);
}

int ctl_remove_host_ports(struct ctl *ctl, struct error *err)
{
	return discard(ctl, &of_host, err);
}
