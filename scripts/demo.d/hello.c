/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello: the only program of the demo's image. As the RUN step (--build) it creates a file in a
 * layer. In a container it prints its ids and addresses, on stdout or (--serve) at port 80.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static const char made[] = "/made-by-RUN";

static int build(void)
{
	FILE *file = fopen(made, "we");

	if (!file) {
		perror(made);
		return 1;
	}
	fprintf(file, "a RUN step of this image's build, as uid %u", (unsigned)getuid());
	if (fclose(file) != 0) {
		perror(made);
		return 1;
	}
	/* A file of another user: the data root now has files of a subordinate id and of the caller's id. */
	if (chown(made, 1000, 1000) < 0) {
		perror(made);
		return 1;
	}
	printf("RUN step: uid %u, made %s\n", (unsigned)getuid(), made);
	return 0;
}

static void show_file(FILE *out, const char *title, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		fprintf(out, "  %-11s %s\n", title, line);
	}
	if (file)
		fclose(file);
}

static void show_addresses(FILE *out)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (struct ifaddrs *one = all; one; one = one->ifa_next) {
		char text[INET_ADDRSTRLEN];
		struct sockaddr_in address;

		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET ||
		    one->ifa_flags & IFF_LOOPBACK)
			continue;
		memcpy(&address, one->ifa_addr, sizeof(address));
		if (inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)))
			fprintf(out, "  %-11s %s\n", one->ifa_name, text);
	}
	freeifaddrs(all);
}

static void tell(FILE *out)
{
	fprintf(out, "Hello from a container of an unprivileged daemon!\n");
	fprintf(out, "  %-11s %u, gid %u\n", "uid", (unsigned)getuid(), (unsigned)getgid());
	show_file(out, "made by", made);
	show_addresses(out);
}

/* Answer one HTTP/1.0 request. The client has two seconds to send it. */
static void answer(int client)
{
	static const struct timeval limit = {.tv_sec = 2};
	FILE *out = fdopen(client, "w");
	char request[4096];

	if (!out) {
		close(client);
		return;
	}
	(void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)recv(client, request, sizeof(request), 0);
	fprintf(out, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n");
	tell(out);
	fclose(out);
}

/* Answer every request at port 80, until SIGTERM. */
static int serve(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(80)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    listen(listener, 16) < 0) {
		perror("port 80");
		return 1;
	}
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (client >= 0)
			answer(client);
		else if (errno != EINTR && errno != ECONNABORTED)
			return 1;
	}
}

/* The kernel drops unhandled signals to PID 1 of a container, so SIGTERM needs a handler. */
static void end(int sig)
{
	(void)sig;
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--build") == 0)
		return build();
	if (argc > 1 && strcmp(argv[1], "--serve") == 0) {
		/* A client that closes early must not kill the server. */
		signal(SIGPIPE, SIG_IGN);
		signal(SIGTERM, end);
		return serve();
	}
	tell(stdout);
	return 0;
}
