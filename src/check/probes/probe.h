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
	struct findings *findings; /* of the previous probes */
};

/* One row of the list of checks. */
struct probe {
	const char *name; /* must not change: documents and scripts use it */
	bool (*wanted)(const struct preflight *p);
	void (*look)(const struct preflight *p, struct finding *f); /* NULL: one finding a port */
};

/* see() - set the text of a finding; replaces the previous text */
void see(struct finding *f, const char *fmt, ...) _printf_(2, 3);

/* see_unknown() - set the status FINDING_UNKNOWN and the reason */
void see_unknown(struct finding *f, const char *fmt, ...) _printf_(2, 3);

/*
 * see_outcome() - set the finding by the outcome of a trial
 *
 * An error is an obstacle and is explained like the error of a launch. A trial that did not run is
 * unknown. Returns true if the trial succeeded; the caller then describes the finding.
 */
bool see_outcome(const struct preflight *p, struct finding *f, const struct outcome *outcome);

/* advise() - set @status and the row @id of the table of causes, if its test succeeds; its texts
 * use
 * @facts */
void advise(struct finding *f, enum finding_status status, const char *id, struct facts *facts);

/* facts_of() - an empty struct facts for @p, about no error */
struct facts facts_of(const struct preflight *p);

/* preflight_add() - append a finding; NULL if out of memory */
struct finding *preflight_add(const struct preflight *p, const char *name);

/* kernel.c */
void probe_kernel(const struct preflight *p, struct finding *f);
void probe_features(const struct preflight *p, struct finding *f);
void probe_container(const struct preflight *p, struct finding *f);
void probe_outer_userns(const struct preflight *p, struct finding *f);
void probe_no_new_privs(const struct preflight *p, struct finding *f);
void probe_seccomp(const struct preflight *p, struct finding *f);
void probe_apparmor(const struct preflight *p, struct finding *f);
void probe_selinux(const struct preflight *p, struct finding *f);

/* namespaces.c */
void probe_namespaces(const struct preflight *p, struct finding *f);
void probe_mounts(const struct preflight *p, struct finding *f);
void probe_evacuation(const struct preflight *p, struct finding *f);
void probe_sysfs(const struct preflight *p, struct finding *f);
void probe_proc(const struct preflight *p, struct finding *f);
void probe_container_proc(const struct preflight *p, struct finding *f);
void probe_copy_up(const struct preflight *p, struct finding *f);

/* ids.c */
void probe_newuidmap(const struct preflight *p, struct finding *f);
void probe_newgidmap(const struct preflight *p, struct finding *f);
void probe_ranges(const struct preflight *p, struct finding *f);
void probe_shared_ranges(const struct preflight *p, struct finding *f);
void probe_idmap(const struct preflight *p, struct finding *f);

/* network.c */
void probe_tun(const struct preflight *p, struct finding *f);
void probe_network(const struct preflight *p, struct finding *f);
void probe_port_driver(const struct preflight *p, struct finding *f);
void probe_resolv_conf(const struct preflight *p, struct finding *f);
void probe_ping(const struct preflight *p, struct finding *f);

/* session.c */
void probe_runtime_dir(const struct preflight *p, struct finding *f);
void probe_state_dir(const struct preflight *p, struct finding *f);
void probe_descriptors(const struct preflight *p, struct finding *f);
void probe_cgroup(const struct preflight *p, struct finding *f);
void probe_linger(const struct preflight *p, struct finding *f);
void probe_keyrings(const struct preflight *p, struct finding *f);
void probe_command(const struct preflight *p, struct finding *f);

/* storage.c */
void probe_overlay(const struct preflight *p, struct finding *f);
void probe_data_dir(const struct preflight *p, struct finding *f);

/* docker.c */
void probe_run(const struct preflight *p, struct finding *f);
void probe_docker_proxy(const struct preflight *p, struct finding *f);

/* command_is() - is @name the file name of the command? */
bool command_is(const struct config *config, const char *name);

/* docker_major() - 28 of "Docker version 28.5.2, build 1234567"; 0 for any other text */
uint32_t docker_major(const char *text);

/* docker_version() - the output of dockerd --version, if the command is dockerd; else @buf is
 * unchanged */
void docker_version(const struct config *config, int cancel_fd, char *buf, size_t size);

/* kernelconfig.c */

/* kernel_config_read() - the text of /proc/config.gz, to be freed; NULL if it does not exist */
char *kernel_config_read(int cancel_fd);

/* kernel_config_lacks() - does a kernel configuration contain "# OPTION is not set"? */
bool kernel_config_lacks(const char *text, const char *option);
