/* SPDX-License-Identifier: Apache-2.0 */
/* The command, and the requirements of dockerd and containerd. */
#include "probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"

#define VERSION_MS 5000

/* From this version on, dockerd uses our API directly. */
#define WITHOUT_PROXY 28

const char *command_name(const struct config *config)
{
	const char *command = config_has_command(config) ? config->command[0] : "";
	const char *slash = strrchr(command, '/');

	return slash ? slash + 1 : command;
}

bool command_is(const struct config *config, const char *name)
{
	return streq(command_name(config), name);
}

uint32_t docker_major(const char *text)
{
	struct cursor c = cursor_of(text);
	uint32_t major;

	if (!cursor_word(&c, "Docker version ") || cursor_u32(&c, UINT16_MAX, &major) < 0 ||
	    !cursor_char(&c, '.'))
		return 0;
	return major;
}

void docker_version(const struct config *config, int cancel_fd, char *buf, size_t size)
{
	struct deadline deadline = deadline_in(VERSION_MS);
	struct helper helper = HELPER_NONE;
	int status;

	if (!command_is(config, "dockerd"))
		return;
	if (helper_start(&helper,
			 &(struct helper_spec){.argv = (const char *[]){config->command[0],
									"--version", NULL},
					       .role = "dockerd --version"},
			 NULL) == 0 &&
	    helper_finish(&helper, 1, &deadline, cancel_fd, &status, NULL) == 0 && status == 0)
		(void)str_print(buf, size, "%.*s", (int)strcspn(helper.text, "\n"), helper.text);
	helper_stop(&helper);
}

bool is_known_daemon(const struct config *config)
{
	return command_is(config, "dockerd") || command_is(config, "containerd") ||
	       command_is(config, "buildkitd");
}

/* Programs that a daemon starts by their names. Distributions have some of them in /usr/sbin. */
static void probe_programs(const struct preflight *p, struct finding *f)
{
	static const struct {
		const char *command, *program;
	} starts[] = {
		{"dockerd", "containerd"}, {"dockerd", "runc"},	  {"dockerd", "iptables"},
		{"containerd", "runc"},	   {"buildkitd", "runc"},
	};

	char dir[PATH_MAX];

	see(f, "none is outside of PATH");
	(void)fact(p->facts, "command", "%s", p->config->command[0]);
	for (size_t i = 0; i < ARRAY_SIZE(starts) && f->status == FINDING_OK; i++) {
		if (!command_is(p->config, starts[i].command) ||
		    machine_find(p->machine, starts[i].program, dir, sizeof(dir)) ||
		    !machine_find_elsewhere(p->machine, starts[i].program, 0111, dir, sizeof(dir)))
			continue;
		see(f, "%s is not in PATH", starts[i].program);
		(void)fact(p->facts, "name", "%s", starts[i].program);
		(void)fact(p->facts, "dir", "%s", dir);
		warn(p, f, "daemon-path");
	}
}

/* The index of --copy-up for /run; negative if there is none. */
static int copy_of_run(const struct config *config)
{
	static const char *const names[] = {"/run", "/run/", "/var/run", "/var/run/"};

	for (size_t i = 0; i < config->copy_up.n; i++)
		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			if (streq(config->copy_up.items[i], names[j]))
				return (int)i;
	return -1;
}

/* Files of root's daemons in /run cannot be written through the links that copy-up makes. */
static bool run_has_files(const struct preflight *p)
{
	static const char *const paths[] = {"/run/containerd", "/run/docker", "/run/xtables.lock"};
	size_t n = command_is(p->config, "dockerd") ? ARRAY_SIZE(paths) : 1;
	struct stat st;

	for (size_t i = 0; i < n; i++)
		if (!strv_contains(&p->config->copy_up, paths[i]) &&
		    machine_stat(p->machine, paths[i], &st) && is_closed_to_us(p->facts, &st, 0222))
			(void)fact_add(p->facts, "paths", " ", "%s", paths[i]);
	return *fact_text(p->facts, "paths") != '\0';
}

/* Both daemons keep sockets and the state of containers in /run, also as fake root. */
static void probe_run(const struct preflight *p, struct finding *f)
{
	bool ours = p->config->persona == PERSONA_FAUXROOT;
	int copy = copy_of_run(p->config);
	struct stat st;

	(void)fact(p->facts, "program", "%s", p->config->command[0]);
	if (copy < 0 && machine_stat(p->machine, "/run", &st) &&
	    is_closed_to_us(p->facts, &st, 0222)) {
		see(f, "not writable");
		warn(p, f, "run-not-writable");
		return;
	}
	see(f, "writable%s", copy < 0 ? "" : ": --copy-up=/run");
	if (copy >= 0 && config_copy_up_mode(p->config, (size_t)copy) != COPY_UP_COPY &&
	    run_has_files(p)) {
		see(f, "writable, except for directories of the host's root");
		warn(p, f, ours ? "run-has-files" : "run-has-files-compat");
	}
}

/* The directory with the compatible names: in the installation or build of this program, or else a
 * usual directory; if none exists, the last one. */
static void compat_dir(const struct machine *machine, char *buf, size_t size)
{
	char self[PATH_MAX], dirs[4][PATH_MAX] = {"", "", "/usr/libexec/fauxroot/compat",
						  "/usr/local/libexec/fauxroot/compat"};

	(void)machine_self(machine, self, sizeof(self));
	for (int up = 0; up < 2 && strrchr(self, '/'); up++) {
		*strrchr(self, '/') = '\0';
		(void)str_print(dirs[up], sizeof(dirs[up]), "%s%s", self,
				up == 0 ? "/compat" : "/libexec/fauxroot/compat");
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		(void)str_print(buf, size, "%s", dirs[i]);
		if (*buf && machine_exists(machine, buf))
			return;
	}
}

static void probe_docker_proxy(const struct preflight *p, struct finding *f)
{
	uint32_t major = docker_major(p->outcomes->docker);
	char path[PATH_MAX];

	if (major == 0) {
		see_unknown(f, "dockerd does not print its version");
		return;
	}
	if (major >= WITHOUT_PROXY) {
		see(f, "Docker %u needs none", major);
		return;
	}
	if (machine_find(p->machine, "rootlesskit-docker-proxy", path, sizeof(path))) {
		see(f, "%s", path);
		return;
	}
	see(f, "rootlesskit-docker-proxy is not in PATH");
	(void)fact(p->facts, "version", "%u", major);
	compat_dir(p->machine, path, sizeof(path));
	(void)fact(p->facts, "dir", "%s", path);
	warn(p, f, "docker-proxy-missing");
}

static void probe_command(const struct preflight *p, struct finding *f)
{
	char path[PATH_MAX];
	const char *command = p->config->command[0];

	see(f, "%s", machine_find(p->machine, command, path, sizeof(path)) ? path : command);
}

static bool for_docker(const struct config *config)
{
	return command_is(config, "dockerd");
}

static bool for_user_of_run(const struct config *config)
{
	return for_docker(config) || command_is(config, "containerd");
}

const struct probe probes_of_the_command[] = {
	{"programs", is_known_daemon, .look = probe_programs},
	{"/run", for_user_of_run, .look = probe_run},
	{"docker proxy", for_docker, .look = probe_docker_proxy},
	{"command", config_has_command, TRIAL_TARGET, .look = probe_command},
	{.name = NULL},
};
