/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * This runs inside slirp4netns, in front of its C library (man 8 ld.so, LD_PRELOAD), and refuses
 * the sockets that it makes for the target the host's loopback.
 *
 * slirp4netns --disable-host-loopback refuses its gateway's address. But the target is root of its
 * network namespace: it can write frames of its own making to the TAP device, for 127.0.0.1 as
 * well, and libslirp connects to whatever address a frame has. To look at frames on their way is
 * not enough, since their pages may be shared with the target (PACKET_TX_RING, splice), who changes
 * them after they have passed a filter. Here the address is the one in slirp4netns's own memory
 * that the kernel is about to get, after all translation.
 *
 * What the address of the name server leads to may be on the loopback, 127.0.0.53 for one. That
 * address, port 53 of it alone, stays open as long as /etc/resolv.conf names it.
 *
 * It is linked with no library and takes from the one that slirp4netns has what every C library
 * calls the same, so that it serves glibc and musl.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fauxroot/base/parse.h"
#include "../loopback.h"
#include "preload.h"

#define EXPORT __attribute__((visibility("default")))

#define MAX_RESOLV_CONF 16384

/* A file that changes while it is read is read again with the next packet. */
static bool is_name_server(const struct sockaddr *address, socklen_t size)
{
	char text[MAX_RESOLV_CONF];
	size_t used = 0;
	ssize_t n = 0;
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	while (used < sizeof(text) && (n = read(fd, text + used, sizeof(text) - used)) > 0)
		used += (size_t)n;
	close(fd);
	return n >= 0 && loopback_names(address, size, text, used);
}

/* errno as a route that does not exist: libslirp tells the target so in ICMP. */
static bool refused(const struct sockaddr *address, socklen_t size)
{
	if (!loopback_reaches(address, size) || is_name_server(address, size))
		return false;
	errno = ENETUNREACH;
	return true;
}

EXPORT int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return refused(addr, len) ? -1 : (int)syscall(SYS_connect, fd, addr, len);
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
		      socklen_t addr_len)
{
	return refused(addr, addr_len) ? -1
				       : syscall(SYS_sendto, fd, buf, n, flags, addr, addr_len);
}

/*
 * Tell the launcher that slirp4netns calls us, and not a C library of its own that it is linked
 * with statically. While it starts, it passes on the descriptor of the TAP device by sendmsg(2).
 */
static void announce(void)
{
	const char *number = getenv(PRELOAD_READY_FD);
	const char word = PRELOAD_WORD;
	uint32_t fd;

	if (number && parse_u32(number, INT32_MAX, &fd) == 0)
		(void)!write((int)fd, &word, 1);
}

/* libslirp sends no packets by it, yet. */
EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (refused(message->msg_name, message->msg_namelen))
		return -1;
	if (message->msg_controllen > 0 && !message->msg_name)
		announce();
	return syscall(SYS_sendmsg, fd, message, flags);
}
