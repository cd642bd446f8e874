/* SPDX-License-Identifier: Apache-2.0 */
/* fauxroot, the launcher's executable: parse the command line, launch, report, exit. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/libc.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/base/title.h"
#include "fauxroot/check/explain.h"
#include "fauxroot/check/preflight.h"
#include "fauxroot/check/report.h"
#include "fauxroot/config/options.h"
#include "fauxroot/config/status.h"
#include "fauxroot/launch/hooks.h"
#include "fauxroot/launch/launcher.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/machine/subid.h"
#include "fauxroot/supervise/activation.h"
#include "fauxroot/supervise/init.h"
#include "fauxroot/supervise/signals.h"

/*
 * If the caller has closed stdin, stdout or stderr, open /dev/null there, so that our own
 * descriptors do not get these numbers. They are close-on-exec, so for the target these numbers are
 * closed again.
 */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			_exit(STATUS_LAUNCH_FAILED);
}

static void warn_with_remedy(const struct explanation *why)
{
	struct cursor c = cursor_of(why->remedy), line;

	log_debug("known as %s", why->id);
	log_warning("%s", why->cause);
	while (cursor_line(&c, &line))
		log_warning("remedy: %.*s", (int)cursor_left(&line), line.at);
}

/* launch_hooks.ids_planned */
static void warn_few_ids(uint64_t uids, uint64_t gids)
{
	struct explanation why;

	/* Do not call explain_few_ids() needlessly: the pages that it touches stay in memory. */
	if (uids >= USUAL_IDS && gids >= USUAL_IDS)
		return;
	if (explain_few_ids(uids, gids, &this_machine, &why))
		warn_with_remedy(&why);
}

/* Warn about a unit without XDG_RUNTIME_DIR before the daemon fails. */
static void warn_unit(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	struct explanation why;

	/* Do not touch the pages of explain_warning() in other launches. */
	if (dir && *dir)
		return;
	if (explain_warning(WARNING_UNIT, NULL, &this_machine, &why))
		warn_with_remedy(&why);
}

/* Warn about a network whose addresses the host uses, too. */
static void warn_overlap(const struct config *config)
{
	struct explanation why;

	/* Do not touch its pages in other launches. */
	if (config_has_helper(config) &&
	    explain_warning(WARNING_OVERLAP, config, &this_machine, &why))
		warn_with_remedy(&why);
}

/* Log @err with its cause and remedy, if they are known; returns the exit status. */
static int report_failure(const struct config *config, const struct error *err)
{
	struct explanation why;
	struct cursor c, line;

	log_failure(err);
	/* The explanation reads files. */
	if (err->code == EMFILE) {
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
	}
	if (explain(err, config, &this_machine, &why)) {
		log_debug("known as %s", why.id);
		log_error("cause: %s", why.cause);
		c = cursor_of(why.remedy);
		while (cursor_line(&c, &line))
			log_error("remedy: %.*s", (int)cursor_left(&line), line.at);
	}
	return status_of_failure(config->persona, err);
}

static int report_target(const struct config *config, int wait_status)
{
	char words[64];

	if (WIFSIGNALED(wait_status))
		log_warning("%s was killed: signal: %s%s", config->command[0],
			    signal_words(WTERMSIG(wait_status), words, sizeof(words)),
			    WCOREDUMP(wait_status) ? " (core dumped)" : "");
	return status_of_target(config->persona, wait_status);
}

/* A terminating signal arrived before the target ran: exit as if the signal had killed us. */
static int report_interrupt(const struct config *config, int sig)
{
	char words[64];

	log_error("interrupted before the command was started: signal: %s",
		  signal_words(sig, words, sizeof(words)));
	return status_of_target(config->persona, W_EXITCODE(0, sig));
}

static int launch(const struct config *config, bool activated)
{
	static const struct launch_hooks hooks = {.ids_planned = warn_few_ids};
	struct signals signals;
	struct error err;
	int status, rc = signals_block(&signals, &err);

	if (rc < 0)
		return report_failure(config, &err);
	options_warn(config);
	warn_unit();
	warn_overlap(config);
	rc = launcher_run(config, &signals, activated, &hooks, &status, &err);
	if (rc == -ECANCELED && signals_pending_end() > 0)
		return report_interrupt(config, signals_pending_end());
	if (rc < 0)
		return report_failure(config, &err);
	return report_target(config, status);
}

/* Write to stdout what is buffered. Returns an exit status. */
static int flush(const struct config *config, const char *what)
{
	/* EPIPE is no failure: the reader may only want the first lines. */
	if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
		return 0;
	log_error("writing %s: %s", what, strerror(errno));
	return status_of_failure(config->persona, &(struct error){.code = EIO});
}

/* Print the report to stdout; the status shows whether there are obstacles. */
static int report_findings(const struct config *config, const struct findings *findings)
{
	const char *no_colour = getenv("NO_COLOR");
	bool terminal = isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
	int status;

	if (!config->json)
		report_print(stdout, findings, terminal);
	else if (report_print_json(stdout, findings) < 0)
		log_error("printing JSON: out of memory");
	status = flush(config, "the report");
	return status != 0 ? status : report_status(findings, config->check == CHECK_STRICT);
}

static int find_obstacles(const struct config *config, const struct signals *signals,
			  struct findings *ret)
{
	struct outcomes *outcomes = calloc(1, sizeof(*outcomes));
	int rc = outcomes ? preflight_try(config, signals, outcomes) : -ENOMEM;

	if (rc == 0)
		rc = preflight_judge(config, &this_machine, outcomes, ret);
	outcomes_free(outcomes);
	return rc;
}

static int check(const struct config *config)
{
	_cleanup_findings_ struct findings findings = {NULL, 0};
	struct signals signals;
	struct error err;
	int rc = signals_block(&signals, &err);

	if (rc < 0)
		return report_failure(config, &err);
	options_warn(config);
	rc = find_obstacles(config, &signals, &findings);
	if (rc == -ECANCELED && signals_pending_end() > 0)
		return report_interrupt(config, signals_pending_end());
	if (rc < 0) {
		(void)err_set(&err, -rc, "checking for obstacles");
		return report_failure(config, &err);
	}
	return report_findings(config, &findings);
}

/*
 * If called as fauxroot, read the options of the environment first. Remove the variable from the
 * command's environment: if the command runs fauxroot again, only its own options count.
 */
static int read_options(struct config *config, int argc, char **argv, struct error *err)
{
	const char *text = getenv("FAUXROOT_OPTIONS"), *shell = getenv("SHELL");
	int rc = 0;

	config_init(config);
	config->persona = persona_of(argc > 0 ? argv[0] : NULL);
	config->shell[0] = shell && *shell ? (char *)(uintptr_t)shell : (char *)"/bin/sh";
	if (text && config->persona == PERSONA_FAUXROOT) {
		rc = options_preset(config, text, err);
		(void)unsetenv("FAUXROOT_OPTIONS");
	}
	return rc == 0 ? options_parse(config, argc, argv, err) : rc;
}

static void log_preset(const struct config *config)
{
	_cleanup_free_ char *text = strv_join(&config->preset, " ");

	if (config->preset.n > 1 && text)
		log_debug("%s", text);
}

/* "fauxroot help", unless a program "help" exists. */
static bool is_help(const struct config *config)
{
	_cleanup_free_ char *path = NULL;

	return config->persona == PERSONA_FAUXROOT && config->action == ACTION_RUN &&
	       streq(config->command[0], "help") && path_find("help", &path) == -ENOENT;
}

int main(int argc, char **argv)
{
	_cleanup_config_ struct config config = {.persona = PERSONA_FAUXROOT};
	bool activated = activation_is_for(getpid());
	struct error err;
	int rc;

	fill_standard_fds();
	argv = title_init(argc, argv);
	if (init_is_wanted(argc, argv))
		return init_run(argv);
	rc = read_options(&config, argc, argv, &err);
	log_setup(persona_program(config.persona), "parent",
		  config.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, config.log_format);
	if (rc < 0)
		return report_failure(&config, &err);
	log_preset(&config);
	if (is_help(&config))
		config.action = ACTION_HELP;
	if (config.action == ACTION_CHECK)
		return check(&config);
	if (config.action != ACTION_RUN) {
		options_answer(stdout, &config);
		return flush(&config, "to standard output");
	}
	return launch(&config, activated);
}
