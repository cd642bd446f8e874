/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe checks one thing and describes the result in a finding. Causes and remedies always come
 * from the table of causes, never from a probe.
 */
#pragma once

#include "../cause.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/check/preflight.h"

struct preflight {
	const struct config *config;
	const struct machine *machine;
	const struct outcomes *outcomes;
	struct findings *findings; /* findings of the previous probes */
	struct facts *facts;	   /* empty for each probe */
};

/* One row of the list of checks. A row with only a name becomes one finding for each --publish. The
 * texts may contain {note}, the trial's, and {helper}, the network's. */
struct probe {
	const char *name;			     /* must not change: scripts use it */
	bool (*option)(const struct config *config); /* do the options need it? NULL: always */
	enum trial trial;			     /* its error is the finding; or TRIAL_NONE */
	const char *seen;			     /* the text if the trial succeeded */
	/* The text if the trial has left a note; NULL: a note is no warning. */
	const char *degraded;
	/* The id of a cause: for that note, {warning}; without .degraded always, if its test
	 * succeeds. May be NULL. */
	const char *warning;
	bool (*wanted)(const struct preflight *p); /* does the machine? NULL: always */
	/* Look closer, unless the trial has failed. May be NULL. */
	void (*look)(const struct preflight *p, struct finding *f);
};

/* The parts of the list, one for each file. Each ends with a row without a name. */
extern const struct probe probes_of_the_kernel[]; /* and confinement */
extern const struct probe probes_of_ids[];
extern const struct probe probes_of_mounts[];
extern const struct probe probes_of_networks[]; /* and ports */
extern const struct probe probes_of_the_session[];
extern const struct probe probes_of_storage[];
extern const struct probe probes_of_the_command[];

/* is_known_daemon() - is the command dockerd, containerd or buildkitd? */
bool is_known_daemon(const struct config *config);

/* see() - set the text of a finding; replaces the previous text */
void see(struct finding *f, const char *fmt, ...) _printf_(2, 3);

/* see_unknown() - as see(), and set the status FINDING_UNKNOWN */
#define see_unknown(f, ...) (see((f), __VA_ARGS__), (void)((f)->status = FINDING_UNKNOWN))

/*
 * see_outcome() - set the finding by the outcome of a trial
 *
 * An error is an obstacle and is explained like the error of a launch. A trial that did not run is
 * unknown. Returns true if the trial succeeded; the caller then describes the finding.
 */
bool see_outcome(const struct preflight *p, struct finding *f, const struct outcome *outcome);

static inline bool outcome_works(const struct outcome *outcome)
{
	return outcome->tried && outcome->rc == 0;
}

/* warn(), obstacle() - set the status and the row @id of the table of causes, if its test succeeds;
 * its texts use the facts of @p */
void warn(const struct preflight *p, struct finding *f, const char *id);
void obstacle(const struct preflight *p, struct finding *f, const char *id);

/* preflight_add() - append a finding; there is room for one for each row and each --publish */
struct finding *preflight_add(const struct preflight *p, const char *name);

/* command_name(), command_is() - the file name of the command, "" without one; is it @name? */
const char *command_name(const struct config *config);
bool command_is(const struct config *config, const char *name);

/* docker_major() - 28 of "Docker version 28.5.2, build 1234567"; 0 for any other text */
uint32_t docker_major(const char *text);

/* docker_version() - the output of dockerd --version, if the command is dockerd; else @buf is
 * unchanged */
void docker_version(const struct config *config, int cancel_fd, char *buf, size_t size);

/* kernel_config_read() - the text of /proc/config.gz, to be freed; NULL if it does not exist */
char *kernel_config_read(int cancel_fd);

/* kernel_config_lacks() - does a kernel configuration contain "# OPTION is not set"? */
bool kernel_config_lacks(const char *text, const char *option);
