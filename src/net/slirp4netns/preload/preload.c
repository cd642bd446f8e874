/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * This object runs inside slirp4netns, in front of its C library (man 8 ld.so, LD_PRELOAD). It
 * denies the host's loopback to the sockets that slirp4netns makes for the target.
 *
 * slirp4netns --disable-host-loopback refuses only the gateway's address. But the target is root of
 * its network namespace: it can write forged frames to the TAP device, also frames for 127.0.0.1,
 * and libslirp connects to any address. A filter for frames is not enough. The target can share a
 * frame's pages (PACKET_TX_RING, splice) and change them after the filter. Here the address is in
 * slirp4netns's own memory, after all translation, just before the kernel gets it.
 *
 * There is no exception for a name server on the loopback, for example at 127.0.0.53: names are
 * relayed by our own name service (names/), not by slirp4netns.
 *
 * The object is linked with no library. It uses only functions of slirp4netns's own C library that
 * have the same names in glibc and musl, so that one object works with both.
 */
#include <errno.h>
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

/* Sets errno as for a missing route: libslirp reports that to the target by ICMP. */
static bool refused(const struct sockaddr *address, socklen_t size)
{
	if (!loopback_reaches(address, size))
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
 * Report to the launcher that slirp4netns calls this object: a statically linked slirp4netns does
 * not. At its start slirp4netns sends the descriptor of the TAP device by sendmsg(2).
 */
static void announce(void)
{
	const char *number = getenv(PRELOAD_READY_FD);
	const char byte = PRELOAD_BYTE;
	uint32_t fd;

	if (number && parse_u32(number, INT32_MAX, &fd) == 0)
		(void)!write((int)fd, &byte, 1);
}

/* libslirp does not send packets by sendmsg(2) today. Check them anyway. */
EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (refused(message->msg_name, message->msg_namelen))
		return -1;
	if (message->msg_controllen > 0 && !message->msg_name)
		announce();
	return syscall(SYS_sendmsg, fd, message, flags);
}
