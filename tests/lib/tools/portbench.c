/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portbench [--prepare SCRIPT] [--no-transparent] [--slirp SOCKET] [-p SPEC]... -- COMMAND [ARG]...
 *
 * The room port without the rest of fauxroot: runs COMMAND in a new user, mount and network
 * namespace (this user mapped to root, lo up, then SCRIPT run by sh), with the builtin driver
 * publishing SPECs, and supervises the driver's processes like the launcher. It reads orders from
 * stdin, one a line: "add SPEC", "remove ID", "list", "source", "restarted"; it writes answers to
 * stdout. It exits with COMMAND. With --slirp the driver is slirp4netns's, at that API socket.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/port/port.h"
#include "fauxroot/proc/children.h"
#include "fauxroot/sys/ns.h"

struct bench {
	struct config config;
	struct ports ports;
	struct children children;
	struct ns_set ns;
	struct process child;
	struct event_base *base;
	const char *prepare, *slirp;
	int status;
};

static void die(const char *what)
{
	fprintf(stderr, "portbench: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void fail(const struct error *err)
{
	fprintf(stderr, "portbench: %s\n", err->text);
	exit(125);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("bringing lo up");
	close(fd);
}

_noreturn_ static void child_main(const struct bench *b, uid_t uid, gid_t gid, const int *ready,
				  const int *go, char **command)
{
	char text[64], word;
	sigset_t none;

	snprintf(text, sizeof(text), "0 %u 1", uid);
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	write_file("/proc/self/gid_map", text);
	loopback_up();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (b->prepare) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			execlp("sh", "sh", "-ec", b->prepare, NULL);
			_exit(127);
		}
		if (waitpid(pid, &status, 0) < 0 || status != 0)
			die("the preparing script");
	}
	close(ready[1]);
	close(go[1]);
	if (read(go[0], &word, 1) != 1)
		_exit(125);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(command[0], command);
	die(command[0]);
	_exit(127);
}

static void list(struct bench *b)
{
	char text[PORTSPEC_MAX];

	for (size_t i = 0; i < b->ports.n; i++)
		printf("%u %s\n", b->ports.items[i].id,
		       portspec_format(&b->ports.items[i].spec, text, sizeof(text)));
}

static void answer(struct bench *b, char *line)
{
	const struct port *port;
	struct port_spec spec;
	struct error err;
	uint32_t id;
	int rc;

	if (str_after(line, "add ")) {
		rc = portspec_parse(str_after(line, "add "), &spec, &err);
		if (rc == 0)
			rc = ports_add(&b->ports, &spec, &port, &err);
		if (rc == 0)
			printf("%u\n", port->id);
		else
			printf("error %d %s\n", -rc, err.text);
	} else if (str_after(line, "remove ")) {
		rc = parse_u32(str_after(line, "remove "), UINT32_MAX, &id);
		if (rc == 0)
			rc = ports_remove(&b->ports, id, &err);
		if (rc == 0)
			printf("removed\n");
		else
			printf("error %d %s\n", -rc, err.text);
	} else if (streq(line, "list")) {
		list(b);
	} else if (streq(line, "restarted")) {
		rc = ports_network_restarted(&b->ports, &err);
		printf("%s\n", rc < 0 ? err.text : "published again");
	} else if (streq(line, "source")) {
		printf("%s\n", ports_source(&b->ports));
	} else {
		printf("error: what is \"%s\"?\n", line);
	}
	fflush(stdout);
}

static void on_stdin(evutil_socket_t fd, short events, void *arg)
{
	struct bench *b = arg;
	static char buffer[4096];
	static size_t used;
	ssize_t n = read(fd, buffer + used, sizeof(buffer) - 1 - used);
	char *end;

	(void)events;
	if (n <= 0) {
		event_base_loopbreak(b->base);
		return;
	}
	used += (size_t)n;
	buffer[used] = '\0';
	while ((end = memchr(buffer, '\n', used))) {
		*end = '\0';
		answer(b, buffer);
		used -= (size_t)(end + 1 - buffer);
		memmove(buffer, end + 1, used);
	}
}

static void on_sigchld(evutil_socket_t sig, short events, void *arg)
{
	struct bench *b = arg;

	(void)sig;
	(void)events;
	children_reap(&b->children);
}

/* children_watch() */
static void on_child(void *arg, int status)
{
	struct bench *b = arg;

	if (WIFSTOPPED(status))
		return;
	b->status = status;
	process_forget(&b->child);
	event_base_loopbreak(b->base);
}

static char **parse(struct bench *b, int argc, char **argv)
{
	int i;

	b->config.port_driver = PORT_BUILTIN;
	b->config.source_ip_transparent = true;
	for (i = 1; i < argc && !streq(argv[i], "--"); i++) {
		if (streq(argv[i], "-p") && i + 1 < argc)
			strv_add(&b->config.publish, argv[++i]);
		else if (streq(argv[i], "--prepare") && i + 1 < argc)
			b->prepare = argv[++i];
		else if (streq(argv[i], "--slirp") && i + 1 < argc)
			b->slirp = argv[++i];
		else if (streq(argv[i], "--no-transparent"))
			b->config.source_ip_transparent = false;
		else
			break;
	}
	if (i + 1 >= argc || !streq(argv[i], "--")) {
		fprintf(stderr, "usage: portbench [--prepare SCRIPT] [--no-transparent] "
				"[-p SPEC]... -- COMMAND [ARG]...\n");
		exit(125);
	}
	return argv + i + 1;
}

/* ports_events.lost */
static void lost(void *arg, const struct error *err)
{
	(void)arg;
	fail(err);
}

static void supervise(struct bench *b)
{
	static const struct ports_events events = {.lost = lost};
	struct event *child, *orders;
	struct error err;

	b->base = event_base_new();
	child = evsignal_new(b->base, SIGCHLD, on_sigchld, b);
	orders = event_new(b->base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, b);
	event_add(child, NULL);
	event_add(orders, NULL);
	if (children_watch(&b->children, b->child.pid, on_child, b) < 0)
		exit(125);
	if (ports_supervise(&b->ports, b->base, &b->children, &events, b, &err) < 0)
		fail(&err);
	event_active(child, EV_SIGNAL, 1);
	event_base_dispatch(b->base);
	event_free(child);
	event_free(orders);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	struct bench *b = &bench;
	unsigned long flags = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS;
	char **command = parse(b, argc, argv);
	struct port_net net = {0};
	int ready[2], go[2], rc;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct error err;
	char word;

	children_open(&b->children);
	b->ns = NS_SET_NONE;
	log_setup("fauxroot", "parent", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	prctl(PR_SET_DUMPABLE, 1);
	if (b->slirp) {
		b->config.port_driver = PORT_SLIRP4NETNS;
		net.endpoint = b->slirp;
		(void)endpoint_of("10.0.2.100", 0, &net.address);
	}
	if (ports_open(&b->config, -1, &b->ports, &err) < 0)
		fail(&err);
	rc = ns_clone(flags, &b->child, &err);
	if (rc == 0)
		child_main(b, uid, gid, ready, go, command);
	if (rc < 0 || ns_pin(b->child.pid, flags, &b->ns, &err) < 0)
		fail(&err);
	close(ready[1]);
	close(go[0]);
	/* End of file: the network exists, or the child has exited. */
	(void)!read(ready[0], &word, 1);
	if (ports_start(&b->ports, &b->ns, &net, &err) < 0 || ports_publish(&b->ports, &err) < 0)
		fail(&err);
	(void)!write(go[1], "g", 1);
	supervise(b);
	ports_stop(&b->ports);
	process_kill(&b->child);
	event_base_free(b->base);
	ns_set_close(&b->ns);
	strv_clear(&b->config.publish);
	children_close(&b->children);
	return WIFEXITED(b->status) ? WEXITSTATUS(b->status) : 128 + WTERMSIG(b->status);
}
