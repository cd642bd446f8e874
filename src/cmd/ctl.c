/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxrootctl, the client of the REST API. The same executable is rootlessctl and the docker proxy,
 * if it is called by these names.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl_table.h"
#include "docker_proxy.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"

#define FUNCTION(verb, function, name, options, arguments, word, help) [CTL_##verb] = (function),
static int (*const functions[])(struct ctl *ctl, struct error *err) = {CTL_VERBS(FUNCTION)};
static_assert(ARRAY_SIZE(functions) == CTL_VERB_COUNT_, "every command has a function");

static int run(struct ctl *ctl, char **words, struct error *err)
{
	const struct ctl_command *command;
	int rc = ctl_parse(ctl, words, &command, err);

	if (rc < 0)
		return rc;
	if (ctl->show_help)
		ctl_help(stdout, ctl);
	else if (ctl->show_version)
		printf("%s version %s\n", ctl->program, ctl->version);
	if (!command)
		return 0;
	log_setup(ctl->program, "client", ctl->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		  LOG_FORMAT_TEXT);
	return functions[command->verb](ctl, err);
}

static int fail(const struct ctl *ctl, struct error *err)
{
	str_printable(err->text);
	fprintf(stderr, "error: %s\n", err->text);
	return ctl->failure;
}

/* Open the descriptors below @n that the caller has closed, so that ours do not get their numbers.
 */
static int fill_fds(int n)
{
	for (int fd = 0; fd < n; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	const char *called = argc > 0 ? argv[0] : "", *slash = strrchr(called, '/');
	const char *name = slash ? slash + 1 : called;
	bool compatible = streq(name, "rootlessctl");
	struct ctl ctl = {
		.program = compatible ? "rootlessctl" : "fauxrootctl",
		.compatible = compatible,
		.version = compatible ? COMPAT_VERSION : FAUXROOT_VERSION,
		.failure = EXIT_FAILURE,
	};
	struct error err = {.code = 0};

	if (streq(name, "fauxroot-docker-proxy") || streq(name, "rootlesskit-docker-proxy"))
		return fill_fds(DOCKER_PROXY_FD + 1) < 0 ? EXIT_FAILURE : docker_proxy(name, argv);
	if (fill_fds(STDERR_FILENO + 1) < 0)
		return EXIT_FAILURE;
	if (run(&ctl, argc > 0 ? argv + 1 : argv, &err) < 0)
		return fail(&ctl, &err);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		err_set(&err, errno, "writing to standard output");
		return fail(&ctl, &err);
	}
	return ctl.status;
}
