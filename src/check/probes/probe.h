/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the preflight's judgement: a probe looks at one thing and says in a finding what it has
 * seen. Causes and remedies come out of the table of causes, never out of a probe.
 */
#pragma once

#include "../cause.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/check/preflight.h"

struct preflight {
	const struct config *config;
	const struct machine *machine;
	const struct outcomes *outcomes;
	struct findings *findings; /* of the probes before this one */
};

/* One row of the list of checks. */
struct probe {
	const char *name; /* for good: documents and scripts know it */
	bool (*wanted)(const struct preflight *p);
	void (*look)(const struct preflight *p, struct finding *f); /* NULL: one a port */
};

/* see() - what was seen, when all is well, and until something else is said */
void see(struct finding *f, const char *fmt, ...) _printf_(2, 3);

/* see_unknown() - it could not be looked at, and why */
void see_unknown(struct finding *f, const char *fmt, ...) _printf_(2, 3);

/*
 * see_outcome() - the outcome of a trial: an error is an obstacle, explained like that of a launch;
 * one that was not tried is unknown
 *
 * Returns true where it went well; then the finding is left to the caller.
 */
bool see_outcome(const struct preflight *p, struct finding *f, const struct outcome *outcome);

/* advise() - @status, with the row @id of the table of causes for why; @facts as its texts need */
void advise(struct finding *f, enum finding_status status, const char *id, struct facts *facts);

/* facts_of() - an empty struct facts for @p, about no error */
struct facts facts_of(const struct preflight *p);

/* preflight_add() - one more finding; NULL when out of memory */
struct finding *preflight_add(const struct preflight *p, const char *name);

/* probe_kernel.c */
void probe_kernel(const struct preflight *p, struct finding *f);
void probe_features(const struct preflight *p, struct finding *f);
void probe_container(const struct preflight *p, struct finding *f);
void probe_outer_userns(const struct preflight *p, struct finding *f);
void probe_no_new_privs(const struct preflight *p, struct finding *f);
void probe_seccomp(const struct preflight *p, struct finding *f);
void probe_apparmor(const struct preflight *p, struct finding *f);
void probe_selinux(const struct preflight *p, struct finding *f);

/* probe_namespaces.c */
void probe_namespaces(const struct preflight *p, struct finding *f);
void probe_mounts(const struct preflight *p, struct finding *f);
void probe_evacuation(const struct preflight *p, struct finding *f);
void probe_sysfs(const struct preflight *p, struct finding *f);
void probe_proc(const struct preflight *p, struct finding *f);
void probe_container_proc(const struct preflight *p, struct finding *f);
void probe_copy_up(const struct preflight *p, struct finding *f);

/* probe_ids.c */
void probe_newuidmap(const struct preflight *p, struct finding *f);
void probe_newgidmap(const struct preflight *p, struct finding *f);
void probe_ranges(const struct preflight *p, struct finding *f);
void probe_shared_ranges(const struct preflight *p, struct finding *f);
void probe_idmap(const struct preflight *p, struct finding *f);

/* probe_network.c */
void probe_tun(const struct preflight *p, struct finding *f);
void probe_network(const struct preflight *p, struct finding *f);
void probe_port_driver(const struct preflight *p, struct finding *f);
void probe_resolv_conf(const struct preflight *p, struct finding *f);
void probe_ping(const struct preflight *p, struct finding *f);

/* probe_session.c */
void probe_runtime_dir(const struct preflight *p, struct finding *f);
void probe_state_dir(const struct preflight *p, struct finding *f);
void probe_descriptors(const struct preflight *p, struct finding *f);
void probe_cgroup(const struct preflight *p, struct finding *f);
void probe_linger(const struct preflight *p, struct finding *f);
void probe_keyrings(const struct preflight *p, struct finding *f);
void probe_command(const struct preflight *p, struct finding *f);

/* probe_storage.c */
void probe_overlay(const struct preflight *p, struct finding *f);
void probe_data_dir(const struct preflight *p, struct finding *f);

/* docker.c */
void probe_run(const struct preflight *p, struct finding *f);
void probe_docker_proxy(const struct preflight *p, struct finding *f);

/* command_is() - is the command the program of this name, in whatever directory? */
bool command_is(const struct config *config, const char *name);

/* docker_major() - 28 of "Docker version 28.5.2, build 1234567"; 0 where it says something else */
uint32_t docker_major(const char *text);

/* docker_version() - what dockerd --version says, where the command is dockerd; else @buf stays */
void docker_version(const struct config *config, int cancel_fd, char *buf, size_t size);

/* kernelconfig.c */

/* kernel_config_read() - the text of /proc/config.gz, to be freed; NULL where there is none */
char *kernel_config_read(int cancel_fd);

/* kernel_config_lacks() - does the text of a kernel's configuration say "# OPTION is not set"? */
bool kernel_config_lacks(const char *text, const char *option);
