/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl ps
 *
 * Each instance is queried over its own api.sock. An instance that does not answer, for example
 * because it is stopped, stays in the list with the data that is known without an answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "columns.h"
#include "ctl_table.h"
#include "fauxroot/api/client.h"
#include "fauxroot/api/info.h"
#include "fauxroot/api/json.h"
#include "fauxroot/api/ports.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/state/instances.h"
#include "fauxroot/supervise/attend.h"

/* The time for an answer: an instance that is stuck must not delay the list for longer. */
#define ANSWER_MS 2000

#define COMMAND_MAX 4096

/* The answers of an instance. */
struct answers {
	bool info_known;
	struct api_info info;
	struct api_ports ports;
	struct strv command; /* from /proc; may be empty or cut */
};

static void answers_clear(struct answers *answers)
{
	api_info_clear(&answers->info);
	api_ports_clear(&answers->ports);
	strv_clear(&answers->command);
}

static int get(const struct instance *instance, const char *path, struct api_reply *ret,
	       struct error *err)
{
	_cleanup_free_ char *socket = str_format("%s/api.sock", instance->state_dir);
	int rc;

	if (!socket)
		return err_set(err, ENOMEM, "calling the API");
	rc = api_call_within(ANSWER_MS, socket, "GET", path, NULL, ret, err);
	return rc < 0 ? rc : api_reply_expect(ret, 200, err);
}

/* With a PID namespace the process is our init, and its name comes before the command. */
static void drop_init(struct strv *command)
{
	if (command->n < 2 || !streq(command->items[0], INIT_NAME))
		return;
	free(command->items[0]);
	command->n--;
	memmove(command->items, command->items + 1, (command->n + 1) * sizeof(*command->items));
}

/* Read /proc/PID/cmdline (man 5 proc): strings terminated by NUL. The file may be unreadable. */
static int read_command(pid_t pid, struct strv *ret)
{
	char path[64], data[COMMAND_MAX];
	_cleanup_close_ int fd = -1;
	ssize_t n = 0;
	int rc = 0;

	(void)str_print(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, data, sizeof(data) - 1);
	/* Our init has removed an argument from its command line, which leaves NULs at the end. */
	while (n > 1 && data[n - 1] == '\0' && data[n - 2] == '\0')
		n--;
	for (ssize_t at = 0; at < n && rc == 0; at += (ssize_t)strlen(data + at) + 1) {
		data[n] = '\0';
		rc = strv_add(ret, data + at);
	}
	drop_init(ret);
	return rc;
}

static int query(const struct instance *instance, struct answers *answers, struct error *err)
{
	_cleanup_api_reply_ struct api_reply info = {.status = 0}, ports = {.status = 0};
	int rc = get(instance, "/v1/info", &info, err);

	if (rc == 0)
		rc = api_info_decode(info.body, info.size, &answers->info, err);
	if (rc < 0)
		return rc;
	answers->info_known = true;
	if (read_command(answers->info.child_pid, &answers->command) < 0)
		return err_set(err, ENOMEM, "reading its command");
	if (!answers->info.port_driver)
		return 0;
	rc = get(instance, "/v1/ports", &ports, err);
	return rc < 0 ? rc : api_ports_decode(ports.body, ports.size, &answers->ports, err);
}

static const char *network_of(const struct answers *answers)
{
	if (!answers->info_known)
		return "?";
	return answers->info.net_driver ? answers->info.net_driver : "host";
}

/* The name that the launcher reports: the command can change the link of the name. */
static const char *name_of(const struct instance *instance, const struct answers *answers)
{
	return answers->info_known ? answers->info.name : instance->name;
}

static int add_row(struct columns *columns, const struct instance *instance,
		   const struct answers *answers)
{
	_cleanup_free_ char *command = NULL, *joined = NULL;
	_cleanup_strv_ struct strv ports = {NULL, 0};
	const char *name = name_of(instance, answers);
	char text[PORTSPEC_MAX];
	int rc = 0;

	for (size_t i = 0; i < answers->ports.n && rc == 0; i++)
		rc = strv_add(&ports,
			      portspec_format(&answers->ports.items[i].spec, text, sizeof(text)));
	command = strv_join(&answers->command, " ");
	joined = strv_join(&ports, ",");
	if (rc < 0 || !command || !joined)
		return -ENOMEM;
	if (columns_add(columns, "%d", instance->pid) < 0 ||
	    columns_add(columns, "%s", name ? name : "-") < 0 ||
	    columns_add(columns, "%.40s", *command ? command : "?") < 0 ||
	    columns_add(columns, "%s", network_of(answers)) < 0 ||
	    columns_add(columns, "%s", *joined ? joined : "-") < 0 ||
	    columns_add(columns, "%s", instance->state_dir) < 0)
		return -ENOMEM;
	return 0;
}

/*
 * When out of memory a json_t is NULL, and the functions of jansson fail for it. Call all of them
 * nevertheless: functions that take a reference release it even when they fail.
 */

static json_t *command_json(const struct answers *answers)
{
	_cleanup_json_ json_t *command = json_array();

	for (size_t i = 0; i < answers->command.n; i++)
		if (json_array_append_new(command, api_json_string(answers->command.items[i])) < 0)
			return NULL;
	return TAKE_PTR(command);
}

static json_t *ports_json(const struct answers *answers)
{
	_cleanup_free_ char *text = api_ports_encode(&answers->ports);

	return text ? json_loads(text, 0, NULL) : NULL;
}

static json_t *to_json(const struct instance *instance, const struct answers *answers)
{
	_cleanup_json_ json_t *root = json_object();
	int rc = json_object_set_new(root, "pid", json_integer(instance->pid));

	if (name_of(instance, answers))
		rc |= json_object_set_new(root, "name",
					  api_json_string(name_of(instance, answers)));
	if (answers->info_known) {
		rc |= json_object_set_new(root, "childPID", json_integer(answers->info.child_pid));
		rc |= json_object_set_new(root, "command", command_json(answers));
		rc |= json_object_set_new(root, "network", api_json_string(network_of(answers)));
		rc |= json_object_set_new(root, "ports", ports_json(answers));
	}
	rc |= json_object_set_new(root, "stateDir", api_json_string(instance->state_dir));
	return rc == 0 ? TAKE_PTR(root) : NULL;
}

static int print_json(const struct ctl *ctl, const json_t *list)
{
	_cleanup_free_ char *text = NULL;

	/* As rootlessctl, print one object in each line. */
	for (size_t i = 0; i < json_array_size(list) && ctl->compatible; i++) {
		_cleanup_free_ char *line = json_dumps(json_array_get(list, i), JSON_COMPACT);

		if (!line)
			return -ENOMEM;
		puts(line);
	}
	if (ctl->compatible)
		return 0;
	text = json_dumps(list, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	puts(text);
	return 0;
}

/* The list to print at the end: a table or JSON. */
struct listing {
	struct columns columns;
	json_t *list;
};

static void listing_clear(struct listing *listing)
{
	columns_clear(&listing->columns);
	json_decref(listing->list);
}

static int add_instance(const struct ctl *ctl, struct listing *listing,
			const struct instance *instance)
{
	_cleanup_(answers_clear) struct answers answers = {.info_known = false};
	struct error err = {.code = 0};

	if (query(instance, &answers, &err) < 0)
		log_warning("instance %d: %s", instance->pid, err.text);
	if (!ctl->json)
		return add_row(&listing->columns, instance, &answers);
	return json_array_append_new(listing->list, to_json(instance, &answers)) < 0 ? -ENOMEM : 0;
}

int ctl_ps(struct ctl *ctl, struct error *err)
{
	static const char *const heads[] = {"PID",     "NAME",	"COMMAND",
					    "NETWORK", "PORTS", "STATEDIR"};
	_cleanup_(listing_clear) struct listing listing = {.columns.n = ARRAY_SIZE(heads),
							   .list = json_array()};
	_cleanup_instances_ struct instances instances = {NULL, 0};
	int rc = instances_list(&instances, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(heads) && rc == 0; i++)
		rc = columns_add(&listing.columns, "%s", heads[i]);
	for (size_t i = 0; i < instances.n && rc == 0; i++)
		rc = add_instance(ctl, &listing, &instances.items[i]);
	if (rc == 0 && ctl->json)
		rc = print_json(ctl, listing.list);
	if (rc < 0)
		return err_set(err, -rc, "listing the instances");
	if (!ctl->json)
		columns_print(stdout, &listing.columns);
	return 0;
}
