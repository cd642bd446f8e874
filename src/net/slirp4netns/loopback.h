/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses are the host's loopback. Plain data in, a verdict out: what runs inside
 * slirp4netns (preload/) and its tests share it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * loopback_reaches() - would Linux take a packet for @address to the loopback of its sender?
 * @size: bytes at @address
 *
 * 127/8 and ::1; "this host", 0/8 and ::, which connect(2) turns into them; IPv6 addresses that
 * carry an IPv4 one of these (::ffff:0:0/96), or did once (::/96, RFC 4291, section 2.5.5.1). What
 * is no Internet address, or cut off, is false: the kernel will say what it thinks of it.
 */
bool loopback_reaches(const struct sockaddr *address, socklen_t size);

/*
 * loopback_names() - is it port 53 of a name server of a resolv.conf?
 * @address: as above
 * @text: of the file; @n: its bytes
 *
 * Its lines as libslirp reads them: "nameserver" at the start of a line, blanks, the address.
 */
bool loopback_names(const struct sockaddr *address, socklen_t size, const char *text, size_t n);
