/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fauxroot-docker-proxy, also rootlesskit-docker-proxy
 *
 * Theory of operation
 *
 * A rootless dockerd runs this program instead of docker-proxy, once for each published port,
 * inside the child's namespaces. The program publishes the port of the host over the API. The port
 * leads to the same number on the child's loopback, or on the child's own address if the driver
 * cannot reach loopback. There the real docker-proxy listens and relays to the container. dockerd
 * reads the result from descriptor 3: docker-proxy writes it, or this program if docker-proxy was
 * not started.
 *
 * dockerd stops this program with SIGINT or SIGTERM, or by its own exit (PDEATHSIG). The program
 * then terminates docker-proxy and removes the port. Both signals are blocked from the start, so
 * they cannot kill the program before it has removed the port. The port is requested with this
 * process as owner, so the launcher removes it even after SIGKILL. A launcher that does not know
 * owners ignores that part of the request.
 */
#include "docker_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "fauxroot/api/client.h"
#include "fauxroot/api/info.h"
#include "fauxroot/api/ports.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/status.h"

#define REAL_PROXY "docker-proxy"

/* The time between SIGTERM and SIGKILL to docker-proxy. */
#define TERMINATE_MS 1000

struct proxy {
	struct proxy_words words;
	char *socket;
	struct api_info info;
	sigset_t caller_mask;
	int signals;	/* signalfd of SIGINT and SIGTERM */
	uint32_t id;	/* of the port; 0: none */
	bool delegated; /* docker-proxy has descriptor 3 now */
};

static void proxy_clear(struct proxy *proxy)
{
	proxy_words_clear(&proxy->words);
	free(proxy->socket);
	api_info_clear(&proxy->info);
	fd_close(proxy->signals);
}

static bool is_ipv6(const char *ip)
{
	struct in6_addr address;

	return inet_pton(AF_INET6, ip, &address) == 1;
}

static int call_api(struct proxy *proxy, const char *method, const char *path, const char *body,
		    long status, struct api_reply *ret, struct error *err)
{
	int rc = api_call(proxy->socket, method, path, body, ret, err);

	return rc < 0 ? rc : api_reply_expect(ret, status, err);
}

static int get_info(struct proxy *proxy, struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	const char *state_dir = getenv("ROOTLESSKIT_STATE_DIR");
	int rc;

	if (!state_dir || !*state_dir)
		return err_say(err, EINVAL, "ROOTLESSKIT_STATE_DIR is not set");
	proxy->socket = str_format("%s/api.sock", state_dir);
	if (!proxy->socket)
		return err_set(err, ENOMEM, "finding the socket");
	rc = call_api(proxy, "GET", "/v1/info", NULL, 200, &reply, err);
	return rc < 0 ? rc : api_info_decode(reply.body, reply.size, &proxy->info, err);
}

/* Can docker-proxy do without this program? */
static bool is_unneeded(const struct proxy *proxy)
{
	const char *driver = proxy->info.port_driver;

	return !driver || streq(driver, "none") || streq(driver, "implicit");
}

static int exec_unchanged(struct proxy *proxy, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int rc = path_find(REAL_PROXY, &path);

	sigprocmask(SIG_SETMASK, &proxy->caller_mask, NULL);
	if (rc == 0) {
		proxy->words.argv[0] = (char[]){REAL_PROXY};
		execv(path, proxy->words.argv);
		rc = -errno;
	}
	return err_set(err, -rc, "executing \"" REAL_PROXY "\"");
}

/* "tcp" becomes "tcp4" or "tcp6", by the family of the host's address. */
static int find_proto(const struct proxy *proxy, char *buf, size_t size, struct error *err)
{
	size_t n = strlen(proxy->words.proto);
	bool strict =
		n > 0 && (proxy->words.proto[n - 1] == '4' || proxy->words.proto[n - 1] == '6');

	if (str_print(buf, size, "%s%s", proxy->words.proto,
		      strict			      ? ""
		      : is_ipv6(proxy->words.host_ip) ? "6"
						      : "4") < 0)
		return err_say(err, EINVAL, "-proto does not take \"%s\"", proxy->words.proto);
	return 0;
}

/* The port to publish: on the host, leading to the same number at @spec->child_ip. */
static int find_spec(const struct proxy *proxy, const char *proto, struct port_spec *spec,
		     struct error *err)
{
	const struct api_info *info = &proxy->info;
	const char *child_ip = is_ipv6(proxy->words.host_ip) ? "::1" : "127.0.0.1";
	uint32_t port;

	*spec = (struct port_spec){.proto = PROTO_TCP};
	if (portspec_proto(proto, &spec->proto) < 0)
		return err_say(err, EINVAL, "-proto does not take \"%s\"", proxy->words.proto);
	if (!proxy->words.host_port || parse_u32(proxy->words.host_port, UINT16_MAX, &port) < 0 ||
	    port == 0)
		return err_say(err, EINVAL, "-host-port takes a port, 1-65535, not \"%s\"",
			       proxy->words.host_port ? proxy->words.host_port : "");
	if (info->port_disallow_loopback_child_ip)
		child_ip = info->net_child_ip;
	if (!child_ip)
		return err_say(err, EINVAL,
			       "the port driver %s does not reach loopback addresses, and the "
			       "network has no other",
			       info->port_driver);
	if (str_print(spec->parent_ip, sizeof(spec->parent_ip), "%s", proxy->words.host_ip) < 0 ||
	    str_print(spec->child_ip, sizeof(spec->child_ip), "%s", child_ip) < 0)
		return err_say(err, EINVAL, "\"%s\" or \"%s\" is not an IP address",
			       proxy->words.host_ip, child_ip);
	spec->parent_port = (uint16_t)port;
	spec->child_port = (uint16_t)port;
	return portspec_check(spec, err);
}

static int add_port(struct proxy *proxy, const struct port_spec *spec, struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	_cleanup_free_ char *body = api_spec_encode(spec, true);
	struct api_port port;
	int rc;

	if (!body)
		return err_set(err, ENOMEM, "requesting a port");
	rc = call_api(proxy, "POST", "/v1/ports", body, 201, &reply, err);
	if (rc == 0)
		rc = api_port_decode(reply.body, reply.size, &port, err);
	if (rc == 0)
		proxy->id = port.id;
	return rc;
}

/* If the launcher has exited, the port is gone, too. */
static int remove_port(struct proxy *proxy, struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	char path[64];
	int rc;

	if (proxy->id == 0)
		return 0;
	(void)str_print(path, sizeof(path), "/v1/ports/%" PRIu32, proxy->id);
	proxy->id = 0;
	rc = call_api(proxy, "DELETE", path, NULL, 200, &reply, err);
	return rc == -ENOENT || rc == -ECONNREFUSED ? 0 : rc;
}

static void write_result(const char *word, const char *reason)
{
	_cleanup_free_ char *text = str_format("%s\n%s", word, reason);

	if (text)
		(void)fd_write_all(DOCKER_PROXY_FD, text, strlen(text));
}

_noreturn_ static void become_real(const struct proxy *proxy, const char *path)
{
	struct error err;
	int errnum;

	sigprocmask(SIG_SETMASK, &proxy->caller_mask, NULL);
	proxy->words.argv[0] = (char[]){REAL_PROXY};
	execv(path, proxy->words.argv);
	errnum = errno;
	err_set(&err, errnum, "executing \"%s\"", path);
	write_result("1", err.text);
	fprintf(stderr, "error: %s\n", err.text);
	_exit(errnum == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
}

/* docker-proxy gets our stdin, stdout, stderr and descriptor 3, and is killed when we exit. */
static int start_real(struct proxy *proxy, const char *path, struct process *ret, struct error *err)
{
	int fd = DOCKER_PROXY_FD, rc = fork_clean(REAL_PROXY, &fd, 1, ret, err);

	if (rc == 0)
		become_real(proxy, path);
	if (rc < 0)
		return rc;
	/* dockerd reads a reason up to the end of file, so do not keep our descriptor open. */
	proxy->delegated = true;
	fd_close(DOCKER_PROXY_FD);
	return 0;
}

static int terminate_real(struct process *real, int *ret_status)
{
	struct deadline deadline = deadline_in(TERMINATE_MS);
	int rc;

	kill(real->pid, SIGTERM);
	rc = process_wait(real, &deadline, -1, ret_status);
	if (rc == 0)
		return 0;
	process_kill(real);
	return rc == -ETIMEDOUT ? 0 : rc;
}

/* Wait until docker-proxy exits, or until a signal tells us to terminate it: status 0 then. */
static int wait_for_real(struct proxy *proxy, struct process *real, int *ret_status,
			 struct error *err)
{
	int rc = process_wait(real, NULL, proxy->signals, ret_status);

	if (rc == -ECANCELED) {
		rc = terminate_real(real, ret_status);
		*ret_status = 0;
	}
	return rc < 0 ? err_set(err, -rc, "waiting for " REAL_PROXY) : 0;
}

/* Publish the port, run docker-proxy, and remove the port. */
static int serve(struct proxy *proxy, const char *proto, int *ret_status, struct error *err)
{
	_cleanup_(process_kill) struct process real = PROCESS_NONE;
	_cleanup_free_ char *path = NULL;
	struct error at_end = {.code = 0};
	struct port_spec spec;
	int wait_status = 0, rc = find_spec(proxy, proto, &spec, err), removed;

	if (rc == 0)
		rc = proxy_words_set_host_ip(&proxy->words, spec.child_ip, err);
	if (rc < 0)
		return rc;
	rc = path_find(REAL_PROXY, &path);
	if (rc < 0)
		return err_set(err, -rc, "executing \"" REAL_PROXY "\"");
	rc = add_port(proxy, &spec, err);
	if (rc < 0)
		return rc;
	rc = start_real(proxy, path, &real, err);
	if (rc == 0)
		rc = wait_for_real(proxy, &real, &wait_status, err);
	removed = remove_port(proxy, &at_end);
	if (rc == 0 && removed < 0)
		return err_say(err, at_end.code, "removing the port: %s", at_end.text);
	*ret_status = status_of_target(PERSONA_FAUXROOT, wait_status);
	return rc;
}

static int run(struct proxy *proxy, char **argv, int *ret_status, struct error *err)
{
	char proto[32];
	int rc = proxy_words_read(&proxy->words, argv, err);

	if (rc == 0)
		rc = get_info(proxy, err);
	if (rc < 0)
		return rc;
	if (is_unneeded(proxy))
		return exec_unchanged(proxy, err);
	rc = find_proto(proxy, proto, sizeof(proto), err);
	if (rc < 0)
		return rc;
	if (strv_contains(&proxy->info.port_protos, proto))
		return serve(proxy, proto, ret_status, err);
	log_warning("the port driver %s has no %s; port %s of %s is not published",
		    proxy->info.port_driver, proto,
		    proxy->words.host_port ? proxy->words.host_port : "",
		    *proxy->words.host_ip ? proxy->words.host_ip : "the host");
	write_result("0", "");
	return 0;
}

static int block_signals(struct proxy *proxy, struct error *err)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &ends, &proxy->caller_mask) < 0)
		return err_set(err, errno, "blocking signals");
	proxy->signals = signalfd(-1, &ends, SFD_CLOEXEC);
	return proxy->signals < 0 ? err_set(err, errno, "making a signalfd") : 0;
}

int docker_proxy(const char *name, char **argv)
{
	_cleanup_(proxy_clear) struct proxy proxy = {.words = PROXY_WORDS_NONE, .signals = -1};
	struct error err = {.code = 0};
	int status = EXIT_SUCCESS, rc;

	log_setup(name, "proxy", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	/* With an ignored SIGCHLD docker-proxy's status would be lost (man 2 sigaction). */
	(void)signal(SIGCHLD, SIG_DFL);
	rc = block_signals(&proxy, &err);
	if (rc == 0)
		rc = run(&proxy, argv, &status, &err);
	if (rc == 0)
		return status;
	str_printable(err.text);
	if (!proxy.delegated)
		write_result("1", err.text);
	fprintf(stderr, "error: %s\n", err.text);
	return EXIT_FAILURE;
}
