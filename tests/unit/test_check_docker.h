/* SPDX-License-Identifier: Apache-2.0 */
/* For test_check_preflight.c: the checks for dockerd and containerd. */
#pragma once

#include "test_check_look.h"

static void versions_of_docker(void **state)
{
	static const struct {
		const char *text;
		uint32_t major;
	} cases[] = {
		{"Docker version 20.10.24+dfsg1, build 297e128", 20},
		{"Docker version 28.5.2, build ecc6942\n", 28},
		{"Docker version 65536.0.0", 0},
		{"Docker version 28", 0},
		{"Docker version v28.1", 0},
		{"Docker version ", 0},
		{"Podman version 4.3.1", 0},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(docker_major(cases[i].text), cases[i].major);
}

#define COMPAT "/usr/local/libexec/fauxroot/compat"

/* One check of one command line. */
struct docker_look {
	const char *command, *version, *copy_up;
	enum persona persona;
	const char *state_dir;
	bool owner_failed;    /* a file in the data directory cannot be given away */
	struct file files[3]; /* beside /run, which is closed to us */
	const char *check, *seen, *id, *cause, *remedy;
};

static void check_docker(const struct docker_look *look)
{
	const struct file files[MAX_FILES] = {
		{"/proc/self/status", "Uid:\t4242\t4242\t4242\t4242\n", 0},
		{"/run/", "", 0},
		look->files[0],
		look->files[1],
	};
	char *command[] = {(char *)(uintptr_t)look->command, NULL};
	_cleanup_findings_ struct findings findings = {NULL, 0};
	_cleanup_free_ struct outcomes *outcomes = calloc(1, sizeof(*outcomes));
	const struct finding *f;
	struct config config;
	struct fake fake;

	assert_non_null(outcomes);
	make_fake(&fake, files);
	config_init(&config);
	config.command = command;
	config.persona = look->persona;
	config.state_dir = look->state_dir;
	if (look->owner_failed) {
		struct outcome *data = &outcomes->of[TRIAL_DATA];

		data->tried = true;
		data->rc = err_set(&data->err, EOVERFLOW, "giving a file in /home to uid 1");
		data->err.reason = REASON_FOREIGN;
	}
	assert_int_equal(strv_add(&config.copy_up, look->copy_up), 0);
	(void)str_print(outcomes->docker, sizeof(outcomes->docker), "%s", look->version);
	assert_int_equal(preflight_judge(&config, &fake.machine, outcomes, &findings), 0);
	clear_fake(&fake);
	remember(&findings);
	f = find(&findings, look->check);
	if ((f != NULL) != (look->seen != NULL))
		fail_msg("%s, %s: %s", look->command, look->check, f ? f->seen : "not there");
	if (f) {
		assert_non_null(strstr(f->seen, look->seen));
		assert_int_equal(f->why.id != NULL, look->id != NULL);
	}
	if (f && look->id) {
		assert_string_equal(f->why.id, look->id);
		assert_string_equal(f->why.cause, look->cause);
		assert_string_equal(f->why.remedy, look->remedy);
	}
	strv_clear(&config.copy_up);
}

static void docker_daemons(void **state)
{
	static const char missing[] = "dockerd before version 28 needs rootlesskit-docker-proxy, "
				      "which is not in PATH; this is version 20";
	static const char v20[] = "Docker version 20.10.24, build 1";
	static const struct docker_look looks[] = {
		{"dockerd", v20, "/etc", .check = "/run", .seen = "not writable",
		 .id = "run-not-writable",
		 .cause = "dockerd creates directories in /run, where only root may create them",
		 .remedy = "use --copy-up=/run"},
		{"/opt/containerd", "", "/etc", .check = "/run", .seen = "not writable",
		 .id = "run-not-writable",
		 .cause = "/opt/containerd creates directories in /run, where only root may create "
			  "them",
		 .remedy = "use --copy-up=/run"},
		{"dockerd", v20, "/run", .check = "/run", .seen = "writable: --copy-up=/run"},
		{"buildkitd", "", "/etc", .check = "/run"},
		{"containerd", "", "/etc", .check = "docker proxy"},
		{"dockerd", v20, "/run", .check = "docker proxy", .seen = "is not in PATH",
		 .id = "docker-proxy-missing", .cause = missing,
		 .remedy = "export PATH=" COMPAT ":$PATH"},
		{"/usr/sbin/dockerd", v20, "/run",
		 .files = {{"/usr/libexec/fauxroot/compat/", "", 0}}, .check = "docker proxy",
		 .seen = "is not in PATH", .id = "docker-proxy-missing", .cause = missing,
		 .remedy = "export PATH=/usr/libexec/fauxroot/compat:$PATH"},
		/* Beside the program that runs, wherever that is installed. */
		{"dockerd", v20, "/run",
		 .files = {{"/proc/self/exe", "->/opt/faux/bin/fauxroot", 0},
			   {"/opt/faux/libexec/fauxroot/compat/", "", 0}},
		 .check = "docker proxy", .seen = "is not in PATH", .id = "docker-proxy-missing",
		 .cause = missing, .remedy = "export PATH=/opt/faux/libexec/fauxroot/compat:$PATH"},
		{"dockerd", "Docker version 27.5.1, build 1", "/run",
		 .files = {{"/usr/bin/rootlesskit-docker-proxy", "ELF", 0755}},
		 .check = "docker proxy", .seen = "/usr/bin/rootlesskit-docker-proxy"},
		{"dockerd", "Docker version 28.0.0, build 1", "/run", .check = "docker proxy",
		 .seen = "Docker 28 needs none"},
		{"dockerd", "", "/run", .check = "docker proxy",
		 .seen = "does not print its version"},
		{"dockerd", v20, "/var/run/", .check = "/run", .seen = "writable: --copy-up=/run"},
		/* Left by a dockerd of root. */
		{"dockerd", v20, "/run",
		 .files = {{"/run/docker/", "", 0}, {"/run/xtables.lock", "", 0600}},
		 .check = "/run", .seen = "except for directories of the host's root",
		 .id = "run-has-files",
		 .cause = "dockerd writes to /run/docker /run/xtables.lock, which belongs to root "
			  "of "
			  "the host",
		 .remedy = "use --copy-up=/run:copy"},
		{"dockerd", v20, "/run", PERSONA_ROOTLESSKIT,
		 .files = {{"/run/containerd/", "", 0}}, .check = "/run",
		 .seen = "except for directories of the host's root", .id = "run-has-files-compat",
		 .cause = "dockerd writes to /run/containerd, which belongs to root of the host",
		 .remedy = "run sh -c 'rm -f /run/containerd; exec dockerd' # in the copy, not on "
			   "the host"},
		{"containerd", "", "/run", .files = {{"/run/docker/", "", 0}}, .check = "/run",
		 .seen = "writable: --copy-up=/run"},
		{"containerd", "", "/run", .state_dir = "/srv/state/x", .files = {{0}},
		 .check = "runtime directory", .seen = "is not set", .id = "daemon-runtime-dir",
		 .cause = "containerd keeps its socket and its state in XDG_RUNTIME_DIR, which is "
			  "not set",
		 .remedy = "sudo install -d -m 0700 -o 4242 /run/user/4242 && export "
			   "XDG_RUNTIME_DIR=/run/user/4242"},
		{"sh", "", "/run", .state_dir = "/srv/state/x", .check = "runtime directory",
		 .seen = "is not set"},
		{"sh", "", "/run", .check = "programs"},
		{"buildkitd", "", "/run", .check = "programs", .seen = "none is outside of PATH"},
		{"buildkitd", "", "/run", .files = {{"/usr/sbin/runc", "ELF", 0755}},
		 .check = "programs", .seen = "runc is not in PATH", .id = "daemon-path",
		 .cause = "buildkitd starts runc, which is in /usr/sbin, and /usr/sbin is not in "
			  "PATH",
		 .remedy = "export PATH=$PATH:/usr/sbin"},
		{"buildkitd", "", "/run",
		 .files = {{"/usr/sbin/runc", "ELF", 0755}, {"/usr/bin/runc", "ELF", 0755}},
		 .check = "programs", .seen = "none is outside of PATH"},
		{"buildkitd", "", "/run", .owner_failed = true,
		 .files = {{"/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 x rw\n", 0}},
		 .check = "data directory", .seen = "giving a file in /home to uid 1",
		 .id = "data-owner",
		 .cause =
			 "/home/alice/.local/share is on ext4 (/), where our subordinate ids "
			 "cannot "
			 "own files, as on the home directory of systemd-homed: unpacking an image "
			 "fails",
		 .remedy = "sudo install -d -o 4242 /var/lib/4242 && export "
			   "XDG_DATA_HOME=/var/lib/4242\ndockerd --data-root=DIR # a directory "
			   "on another file system\nbuildkitd --root=DIR # the same"},
	};

	(void)state;
	setenv("PATH", "/usr/local/bin:/usr/bin", 1);
	unsetenv("XDG_RUNTIME_DIR");
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		check_docker(&looks[i]);
}
