/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This test provokes a failure for every reason in base/err.h and checks that the error matches the
 * comment there. Other tests check the rows of check/ against fabricated errors; this test proves
 * that the other rooms create such errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/config.h"
#include "fauxroot/idmap/idmap.h"
#include "fauxroot/machine/machine.h"
#include "fauxroot/mounts/mounts.h"
#include "fauxroot/net/link.h"
#include "fauxroot/net/net.h"
#include "fauxroot/port/port.h"
#include "fauxroot/state/statedir.h"
#include "fauxroot/switch/accel.h"
#include "idmap/subid_load.h"
#include "net/pasta/pasta.h"

#define NOBODY 65534

static char dir[] = "/tmp/test_check_reasons.XXXXXX";
static bool was_root; /* then a directory of a third user exists */

/* The reasons of the failures here. */
static bool seen[REASON_COUNT_];

static const char *below(const char *name)
{
	static char path[128];

	(void)str_print(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	int fd;

	(void)unlink(below(name));
	fd = open(below(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(close(fd), 0);
}

/* @about: NULL: any, but not empty */
static void expect(const struct error *err, int rc, enum error_step step, enum error_reason reason,
		   const char *about)
{
	if (rc >= 0 || err->code != -rc || err->step != step || err->reason != reason ||
	    (about ? !streq(err->about, about) : !*err->about))
		fail_msg("%d: code %d, step %d, reason %d about \"%s\" (\"%s\"): %s", rc, err->code,
			 (int)err->step, (int)err->reason, err->about, about ? about : "?",
			 err->text);
	seen[reason] = true;
}

static int map_ids(struct error *err)
{
	static const struct idmap map = {.uid = {.extents = {{0, 1000, 1}, {1, 100000, 10}},
						 .n = 2},
					 .gid = {.extents = {{0, 1000, 1}}, .n = 1}};
	struct deadline deadline = deadline_in(60000);
	struct idmap_writers writers = {.helped = false};
	int rc = idmap_begin(&map, getpid(), &writers, err);

	return rc < 0 ? rc : idmap_finish(&writers, &deadline, -1, err);
}

/* The messages of shadow. */
static void mappers(void **state)
{
	static const struct {
		const char *message;
		enum error_reason reason;
	} cases[] = {
		{"newuidmap: open of uid_map failed: Operation not permitted", REASON_MAP_OPEN},
		{"newuidmap: open of uid_map failed: Function not implemented", REASON_MAP_OPEN},
		{"newuidmap: open of uid_map failed: Permission denied", REASON_MAP_WRITE},
		{"newuidmap: write to uid_map failed: Operation not permitted", REASON_MAP_WRITE},
		{"newuidmap: uid range [0-1) -> [1000-1001) not allowed", REASON_NOT_GRANTED},
		{"newuidmap: Cannot determine your user name.", REASON_NO_ACCOUNT},
		{"newuidmap: Target process 7 is owned by a different user: uid:1000 pw_uid:1000 "
		 "st_uid:1000, gid:100 pw_gid:1000 st_gid:100",
		 REASON_NOT_OWNER},
		{"newuidmap: Could not set caps", REASON_DIED},
		{"", REASON_DIED},
	};
	struct error err = {0};
	char script[512];

	(void)state;
	(void)unlink(below("newuidmap"));
	expect(&err, map_ids(&err), STEP_IDMAP, REASON_EXEC, "newuidmap");
	put("newgidmap", "#!/bin/sh\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* The programs must run with LC_ALL=C. */
		(void)str_print(script, sizeof(script),
				"#!/bin/sh\n[ \"$LC_ALL\" = C ] || exit 0\necho '%s' >&2\nexit 1\n",
				cases[i].message);
		put("newuidmap", script);
		expect(&err, map_ids(&err), STEP_IDMAP, cases[i].reason, "newuidmap");
	}
}

static void subordinate_ids(void **state)
{
	const struct machine machine = {.root = dir};
	const struct config config = {.subid_source = SUBID_DYNAMIC};
	struct subid_ranges ranges[SUBID_KINDS_];
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};
	struct idmap map;
	int rc;

	(void)state;
	rc = subid_load_from(&machine, SUBID_STATIC, 1234567, &deadline, -1, ranges, &err);
	expect(&err, rc, STEP_NONE, REASON_NO_RANGES, "/etc/subuid");
	assert_int_equal(mkdir(below("etc"), 0755), 0);
	put("etc/subuid", "somebody:1:1\n");
	rc = subid_load_from(&machine, SUBID_STATIC, 1234567, &deadline, -1, ranges, &err);
	expect(&err, rc, STEP_NONE, REASON_NO_RANGES, "/etc/subuid");
	put("getsubids", "#!/bin/sh\nexit 1\n");
	rc = idmap_prepare(&config, &deadline, -1, &map, &err);
	expect(&err, rc, STEP_IDMAP, REASON_NO_RANGES, "getsubids");
	assert_int_equal(unlink(below("getsubids")), 0);
	rc = idmap_prepare(&config, &deadline, -1, &map, &err);
	expect(&err, rc, STEP_IDMAP, REASON_EXEC, "getsubids");
}

static int open_statedir(const char *path, struct error *err)
{
	struct statedir opened;
	int rc = statedir_open(path, -1, &opened, err);

	if (rc == 0)
		statedir_close(&opened);
	return rc;
}

static void state_directories(void **state)
{
	struct error err = {0};
	struct statedir held;
	char *checked = NULL;

	(void)state;
	assert_int_equal(mkdir(below("closed"), 0500), 0);
	expect(&err, open_statedir(below("closed/x"), &err), STEP_STATEDIR, REASON_FILE,
	       below("closed/x"));
	assert_int_equal(symlink("closed", below("link")), 0);
	expect(&err, open_statedir(below("link"), &err), STEP_STATEDIR, REASON_SYMLINK,
	       below("link"));
	put("file", "");
	expect(&err, open_statedir(below("file"), &err), STEP_STATEDIR, REASON_NOT_DIRECTORY,
	       below("file"));
	expect(&err, open_statedir("/usr", &err), STEP_STATEDIR, REASON_FOREIGN, "/usr");
	assert_int_equal(mkdir(below("home"), 0700), 0);
	assert_int_equal(setenv("HOME", below("home"), 1), 0);
	expect(&err, open_statedir(below("home"), &err), STEP_STATEDIR, REASON_PRECIOUS,
	       below("home"));
	if (was_root) {
		int rc = open_statedir(below("third/x"), &err);

		expect(&err, rc, STEP_STATEDIR, REASON_FOREIGN_PARENT, below("third"));
		rc = open_statedir(below("left"), &err);
		expect(&err, rc, STEP_STATEDIR, REASON_LEFT_BEHIND, below("left/a"));
	}
	assert_int_equal(statedir_open(below("held"), -1, &held, &err), 0);
	/* In a nested PID namespace, /proc/locks does not show the process. */
	assert_int_equal(statedir_check(below("held"), 0, &checked, &err), -EBUSY);
	if (*err.about) {
		char pid[16];

		(void)str_print(pid, sizeof(pid), "%d", (int)getpid());
		assert_string_equal(err.about, pid);
	}
	expect(&err, -EBUSY, STEP_STATEDIR, REASON_IN_USE, err.about[0] ? NULL : "");
	statedir_remove(&held);
}

static void mounts(void **state)
{
	_cleanup_config_ struct config config = {0};
	const struct copyup request = {.config = &config, .state_dir = dir};
	struct error err = {0};
	bool etc;

	(void)state;
	assert_int_equal(strv_add(&config.copy_up, "/nonexistent/x"), 0);
	expect(&err, copyup_apply_child(&request, &etc, &err), STEP_MOUNT, REASON_COPY_UP,
	       "/nonexistent/x");
}

static void networks(void **state)
{
	static const struct {
		const char *script;
		enum error_reason reason;
	} versions[] = {
		{"#!/bin/sh\necho slirp4netns version 0.3.0\n", REASON_TOO_OLD},
		{"#!/bin/sh\necho something else\n", REASON_OTHER_PROGRAM},
		{"#!/bin/sh\necho $0: symbol lookup error: undefined symbol\nexit 127\n",
		 REASON_LOADER},
	};
	struct config config;
	struct error err = {0};
	struct net net;
	bool created;
	int tap;

	(void)state;
	/* The error has the same subject without permission or without the device. */
	expect(&err, tap_open("a-name-that-is-too-long", &tap, &created, &err), STEP_NET,
	       REASON_DEVICE, "/dev/net/tun");
	config_init(&config);
	config.net = NET_SLIRP4NETNS;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		put("slirp4netns", versions[i].script);
		assert_int_equal(net_open(&config, -1, &net, &err), 0);
		expect(&err, net_verify(&net, &err), STEP_NET, versions[i].reason, "slirp4netns");
		net_stop(&net);
	}
	assert_int_equal(pasta_interpret("External interface not usable\n").reason,
			 REASON_NO_ROUTE);
	assert_int_equal(pasta_interpret("Couldn't open user namespace /proc/9/ns/user\n").reason,
			 REASON_CONFINED);
	seen[REASON_NO_ROUTE] = seen[REASON_CONFINED] = true;
	assert_int_equal(unlink(below("slirp4netns")), 0);
	expect(&err, net_open(&config, -1, &net, &err), STEP_NET, REASON_EXEC, "slirp4netns");
}

/* There is no process with this ID to look into. */
static void acceleration(void **state)
{
	struct accel_kit kit = {dup(STDERR_FILENO), {dup(STDERR_FILENO), dup(STDERR_FILENO)}};
	struct strv except = {NULL, 0};
	struct accel *accel = NULL;
	struct error err = {0};

	(void)state;
	expect(&err, accel_start(&kit, "tap0", &except, -1, INT_MAX, &accel, &err), STEP_NET,
	       REASON_ACCEL, "process_vm_readv");
	assert_null(accel);
	assert_int_equal(kit.notify, -1);
	assert_int_equal(kit.routes[1], -1);
}

static int try_port(struct ports *ports, const char *ip, unsigned port, struct error *err)
{
	struct port_spec spec;
	char text[64];

	(void)str_print(text, sizeof(text), "%s:%u:80/tcp", ip, port);
	assert_int_equal(portspec_parse(text, &spec, err), 0);
	return ports_try(ports, &spec, err);
}

/* The search for the process has a short deadline: repeat it on a busy machine. */
static void expect_occupant(struct ports *ports, unsigned port, enum error_reason reason,
			    uint32_t id)
{
	struct error err = {0};
	char about[16];
	int rc = 0;

	for (int i = 0; i < 200 && err.reason != reason; i++)
		rc = try_port(ports, "127.0.0.1", port, &err);
	(void)str_print(about, sizeof(about), "%u", id);
	expect(&err, rc, STEP_PORT, reason, about);
}

static int listen_somewhere(uint16_t *ret_port)
{
	union endpoint e;
	socklen_t size = sizeof(e);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(endpoint_of("127.0.0.1", 0, &e), 0);
	if (fd < 0 || bind(fd, &e.sa, endpoint_size(&e)) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, &e.sa, &size) < 0)
		_exit(1);
	*ret_port = endpoint_port(&e);
	return fd;
}

/* A process whose descriptors its user may not see, with a listening socket. */
static pid_t start_hidden_listener(uint16_t *ret_port)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = listen_somewhere(ret_port);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, 0);
		if (fd < 0 || write(fds[1], ret_port, sizeof(*ret_port)) != sizeof(*ret_port))
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], ret_port, sizeof(*ret_port)), sizeof(*ret_port));
	close(fds[0]);
	return pid;
}

static void published_ports(void **state)
{
	struct config config;
	struct error err = {0};
	struct ports ports;
	uint16_t port, free_port;
	pid_t hidden;
	int fd;

	(void)state;
	config_init(&config);
	config.port_driver = PORT_BUILTIN;
	assert_int_equal(ports_open(&config, -1, &ports, &err), 0);
	/* RFC 5737: an address that no machine has. */
	expect(&err, try_port(&ports, "192.0.2.1", 8080, &err), STEP_PORT, REASON_LISTEN,
	       "192.0.2.1:8080/tcp");
	fd = listen_somewhere(&port);
	expect_occupant(&ports, port, REASON_PORT_OF_PROCESS, (uint32_t)getpid());
	hidden = start_hidden_listener(&port);
	expect_occupant(&ports, port, REASON_PORT_OF_USER, geteuid());
	assert_int_equal(kill(hidden, SIGKILL), 0);
	assert_int_equal(waitpid(hidden, NULL, 0), hidden);
	fd_close(fd);
	fd_close(listen_somewhere(&free_port));
	assert_int_equal(try_port(&ports, "127.0.0.1", free_port, &err), 0);
	expect(&err, try_port(&ports, "127.0.0.1", free_port, &err), STEP_PORT, REASON_PORT_TWICE,
	       "1");
	ports_stop(&ports);
}

/* Only root can create a directory of a third user. */
static void every_reason_was_seen(void **state)
{
	(void)state;
	for (enum error_reason reason = REASON_NONE + 1; reason < REASON_COUNT_; reason++)
		if (!seen[reason] &&
		    (was_root || (reason != REASON_FOREIGN_PARENT && reason != REASON_LEFT_BEHIND)))
			fail_msg("no failure with the reason %d", (int)reason);
}

/* Give up root, for good; dumpable again, so that our /proc entries are ours. */
static void become_nobody(void)
{
	if (mkdir(below("third"), 0755) < 0 || chown(below("third"), 7, 7) < 0 ||
	    mkdir(below("left"), 0700) < 0 || mkdir(below("left/a"), 0755) < 0 ||
	    mkdir(below("left/a/b"), 0755) < 0 || chown(below("left"), NOBODY, NOBODY) < 0 ||
	    chown(dir, NOBODY, NOBODY) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0) {
		perror("becoming nobody");
		_exit(1);
	}
}

static void tidy(void)
{
	static const char *const files[] = {"newuidmap", "newgidmap", "etc/subuid", "link", "file"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlink(below(files[i]));
	(void)rmdir(below("etc"));
	(void)rmdir(below("closed"));
	(void)rmdir(below("home"));
	(void)rmdir(below("third"));
	(void)rmdir(below("left/a/b"));
	(void)rmdir(below("left/a"));
	(void)rmdir(below("left"));
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mappers),	     cmocka_unit_test(subordinate_ids),
		cmocka_unit_test(state_directories), cmocka_unit_test(mounts),
		cmocka_unit_test(networks),	     cmocka_unit_test(acceleration),
		cmocka_unit_test(published_ports),   cmocka_unit_test(every_reason_was_seen),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	was_root = geteuid() == 0;
	if (was_root)
		become_nobody();
	if (chdir(dir) < 0 || setenv("PATH", dir, 1) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	tidy();
	return failed;
}
