/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl, the client of the REST API. Called as rootlessctl it presents itself as that; the
 * docker proxy is the same executable under another name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fauxroot/api/client.h"
#include "fauxroot/api/info.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"

/* What the command line says. */
struct ctl {
	const char *program;
	const char *version;
	const char *socket; /* NULL: $ROOTLESSKIT_STATE_DIR/api.sock */
	bool debug, show_help, show_version;
	bool json;
};

struct command {
	const char *name;
	const char *arguments;
	const char *help;
	/* NULL: known, and not in this build. Returns 0 or -errno. */
	int (*run)(const struct ctl *ctl, struct error *err);
};

static int command_info(const struct ctl *ctl, struct error *err);

static const struct command commands[] = {
	{"info", "[--json]", "Show versions, state directory, child and drivers", command_info},
	{.name = "list-ports"},
	{.name = "add-ports"},
	{.name = "remove-ports"},
	{.name = "exec"},
	{.name = "ps"},
};

struct option {
	const char *name;
	char short_name;	 /* 0: none */
	size_t offset;		 /* in struct ctl */
	const char *argument;	 /* of a string option; NULL: a boolean, "--x" or "--x=false" */
	const char *for_command; /* NULL: for all, before or after the command */
	const char *help;
};

static const struct option options[] = {
	{"socket", 0, offsetof(struct ctl, socket), "PATH", NULL,
	 "The API's socket (default: $ROOTLESSKIT_STATE_DIR/api.sock)"},
	{"json", 0, offsetof(struct ctl, json), NULL, "info", "Print JSON"},
	{"debug", 0, offsetof(struct ctl, debug), NULL, NULL, "Log requests and their time"},
	{"help", 'h', offsetof(struct ctl, show_help), NULL, NULL, "Show this help"},
	{"version", 'v', offsetof(struct ctl, show_version), NULL, NULL, "Show the version"},
};

static void print_help(const struct ctl *ctl)
{
	char left[64];

	printf("Usage: %s [options] command [argument...]\n\n"
	       "Asks a running fauxroot over its REST API.\n\nCommands:\n",
	       ctl->program);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];

		if (!command->run)
			continue;
		(void)str_print(left, sizeof(left), "%s %s", command->name, command->arguments);
		printf("  %-20s  %s\n", left, command->help);
	}
	fputs("\nOptions:\n", stdout);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];

		if (option->for_command)
			continue;
		(void)str_print(left, sizeof(left), "--%s%s%s%s%c", option->name,
				option->argument ? " " : "",
				option->argument ? option->argument : "",
				option->short_name ? ", -" : "", option->short_name);
		printf("  %-20s  %s\n", left, option->help);
	}
	fputs("\nThe manual is fauxrootctl(1).\n", stdout);
}

static const struct option *find_option(const char *name, size_t n, const char *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];
		bool named = strlen(option->name) == n && memcmp(option->name, name, n) == 0;

		if (!named && !(n == 1 && option->short_name && *name == option->short_name))
			continue;
		if (!option->for_command || (command && streq(option->for_command, command)))
			return option;
	}
	return NULL;
}

/*
 * Take one option from **@words, as Go's flag package would: one dash or two, "--name=value" or
 * "--name value".
 */
static int take_option(struct ctl *ctl, char ***words, const char *command, struct error *err)
{
	const char *word = *(*words)++, *name = word + (word[1] == '-' ? 2 : 1);
	const char *equals = strchr(name, '='), *value = equals ? equals + 1 : NULL;
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const struct option *option = find_option(name, n, command);
	char *field;

	if (!option)
		return err_say(err, EINVAL, "unknown option %.*s; see %s --help",
			       (int)(name - word) + (int)n, word, ctl->program);
	field = (char *)ctl + option->offset;
	if (!option->argument) {
		*(bool *)field = true;
		if (value && parse_bool(value, (bool *)field) < 0)
			return err_say(err, EINVAL, "--%s takes true or false, not \"%s\"",
				       option->name, value);
		return 0;
	}
	if (!value && **words)
		value = *(*words)++;
	if (!value)
		return err_say(err, EINVAL, "--%s needs a value: %s", option->name,
			       option->argument);
	*(const char **)field = *value ? value : NULL;
	return 0;
}

/* Options up to the first word that is none; "--" ends them, too. */
static int take_options(struct ctl *ctl, char ***words, const char *command, struct error *err)
{
	int rc = 0;

	while (rc == 0 && **words && (**words)[0] == '-' && (**words)[1] != '\0') {
		if (streq(**words, "--")) {
			(*words)++;
			break;
		}
		rc = take_option(ctl, words, command, err);
	}
	return rc;
}

static const struct command *find_command(const struct ctl *ctl, const char *name,
					  struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!streq(commands[i].name, name))
			continue;
		if (commands[i].run)
			return &commands[i];
		err_say(err, ENOSYS, "%s is not available in this build", name);
		return NULL;
	}
	err_say(err, EINVAL, "unknown command \"%s\"; see %s --help", name, ctl->program);
	return NULL;
}

static int find_socket(const struct ctl *ctl, char **ret, struct error *err)
{
	const char *state_dir = getenv("ROOTLESSKIT_STATE_DIR");

	if (!ctl->socket && !(state_dir && *state_dir))
		return err_say(err, EINVAL,
			       "which instance? Give --socket or set ROOTLESSKIT_STATE_DIR");
	*ret = ctl->socket ? strdup(ctl->socket) : str_format("%s/api.sock", state_dir);
	return *ret ? 0 : err_set(err, ENOMEM, "finding the socket");
}

/* "[a b]", as Go prints a slice. */
static void print_list(const char *title, const struct strv *v)
{
	printf("  - %s: [", title);
	for (size_t i = 0; i < v->n; i++) {
		str_printable(v->items[i]);
		printf("%s%s", i > 0 ? " " : "", v->items[i]);
	}
	fputs("]\n", stdout);
}

/* A server's words must not steer the terminal. */
static void print_line(const char *title, char *value)
{
	str_printable(value);
	printf("- %s: %s\n", title, value);
}

static void print_info(struct api_info *info)
{
	print_line("REST API version", info->api_version);
	print_line("Implementation version", info->version);
	print_line("State Directory", info->state_dir);
	printf("- Child PID: %d\n", info->child_pid);
	if (info->net_driver) {
		print_line("Network Driver", info->net_driver);
		print_list("DNS", &info->net_dns);
		if (info->net_child_ip) {
			str_printable(info->net_child_ip);
			printf("  - IP: %s\n", info->net_child_ip);
		}
	}
	if (info->port_driver) {
		print_line("Port Driver", info->port_driver);
		print_list("Supported protocols", &info->port_protos);
	}
}

static int command_info(const struct ctl *ctl, struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	_cleanup_api_info_ struct api_info info = {.child_pid = 0};
	_cleanup_free_ char *socket = NULL, *text = NULL;
	int rc = find_socket(ctl, &socket, err);

	if (rc == 0)
		rc = api_call(socket, "GET", "/v1/info", NULL, &reply, err);
	if (rc == 0)
		rc = api_reply_expect(&reply, 200, err);
	if (rc == 0)
		rc = api_info_decode(reply.body, reply.size, &info, err);
	if (rc < 0)
		return rc;
	if (!ctl->json) {
		print_info(&info);
		return 0;
	}
	text = api_info_encode(&info, 4);
	if (!text)
		return err_set(err, ENOMEM, "printing the answer");
	puts(text);
	return 0;
}

/* Is it help or the version that is asked for? */
static bool answer(const struct ctl *ctl)
{
	if (ctl->show_help)
		print_help(ctl);
	else if (ctl->show_version)
		printf("%s version %s\n", ctl->program, ctl->version);
	return ctl->show_help || ctl->show_version;
}

static int run(struct ctl *ctl, char **words, struct error *err)
{
	const struct command *command;
	int rc = take_options(ctl, &words, NULL, err);

	if (rc < 0 || answer(ctl))
		return rc;
	if (!*words)
		return err_say(err, EINVAL, "no command; see %s --help", ctl->program);
	command = find_command(ctl, *words++, err);
	if (!command)
		return -EINVAL;
	rc = take_options(ctl, &words, command->name, err);
	if (rc < 0 || answer(ctl))
		return rc;
	if (*words)
		return err_say(err, EINVAL, "%s takes no argument \"%s\"", command->name, *words);
	log_setup(ctl->program, "client", ctl->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		  LOG_FORMAT_TEXT);
	return command->run(ctl, err);
}

static int fail(struct error *err)
{
	str_printable(err->text);
	fprintf(stderr, "error: %s\n", err->text);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *called = argc > 0 ? argv[0] : "", *slash = strrchr(called, '/');
	const char *name = slash ? slash + 1 : called;
	bool compatible = streq(name, "rootlessctl");
	struct ctl ctl = {
		.program = compatible ? "rootlessctl" : "fauxrootctl",
		.version = compatible ? COMPAT_VERSION : FAUXROOT_VERSION,
	};
	struct error err = {.code = 0};

	/* A caller who has closed stdout gets an error for it, and our socket never its number. */
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return EXIT_FAILURE;
	if (streq(name, "fauxroot-docker-proxy") || streq(name, "rootlesskit-docker-proxy")) {
		err_say(&err, ENOSYS, "%s is not available in this build", name);
		return fail(&err);
	}
	if (run(&ctl, argc > 0 ? argv + 1 : argv, &err) < 0)
		return fail(&err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		err_set(&err, errno, "writing to standard output");
		return fail(&err);
	}
	return EXIT_SUCCESS;
}
