/* SPDX-License-Identifier: Apache-2.0 */
/*
 * impostor: a target that puts its own server in the place of one of the instance's sockets.
 *
 *	impostor ns PATH KIND…   as ns.sock: passes its own namespaces of these kinds ("user",
 *				 "mnt"), like a launcher
 *	impostor api PATH TEXT   as api.sock: answers each request with 200 and the JSON TEXT
 *
 * Writes "ready" when it listens, then a line for each client, until it is killed: "sent nothing"
 * if the client of an api.sock has closed without a request.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/message.h"

#define MAX_KINDS 8

static int listen_instead(const char *path, int type)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (str_print(addr.sun_path, sizeof(addr.sun_path), "%s", path) < 0 || fd < 0)
		return -1;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 8) < 0)
		return -1;
	puts("ready");
	fflush(stdout);
	return fd;
}

static void hand_out(int client, const char *path, char **kinds)
{
	char dir[108], names[64] = "";
	int fds[MAX_KINDS];
	size_t n = 0;

	(void)str_print(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	for (; n < MAX_KINDS && kinds[n]; n++) {
		char file[32];

		(void)str_print(file, sizeof(file), "/proc/self/ns/%s", kinds[n]);
		fds[n] = open(file, O_RDONLY | O_CLOEXEC);
		(void)str_print(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
				n > 0 ? " " : "", kinds[n]);
	}
	(void)message_send(client, dir, strlen(dir), fds, n);
	(void)message_send(client, names, strlen(names), NULL, 0);
	while (n > 0)
		fd_close(fds[--n]);
	puts("handed out");
}

static void answer(int client, const char *text)
{
	char request[4096], head[128];
	ssize_t n = recv(client, request, sizeof(request), 0);

	if (n <= 0) {
		puts("sent nothing");
		return;
	}
	(void)str_print(head, sizeof(head),
			"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
			strlen(text));
	(void)fd_write_all(client, head, strlen(head));
	(void)fd_write_all(client, text, strlen(text));
	puts("answered");
}

int main(int argc, char **argv)
{
	bool ns = argc > 3 && streq(argv[1], "ns"), api = argc == 4 && streq(argv[1], "api");
	int listener = -1;

	if (ns || api)
		listener = listen_instead(argv[2], ns ? SOCK_SEQPACKET : SOCK_STREAM);
	if (listener < 0)
		return 2;
	for (;;) {
		_cleanup_close_ int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0)
			return 1;
		if (ns)
			hand_out(client, argv[2], argv + 3);
		else
			answer(client, argv[3]);
		fflush(stdout);
	}
}
