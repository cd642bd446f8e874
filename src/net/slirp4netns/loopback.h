/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses are the host's loopback. These functions make no system calls. The object inside
 * slirp4netns (preload/) and the tests share them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * loopback_reaches() - does Linux deliver a packet for @address to the sender's own loopback?
 * @size: bytes at @address
 *
 * True for 127/8 and ::1; for "this host", 0/8 and ::, which connect(2) turns into loopback; for
 * IPv6 addresses that contain one of these IPv4 addresses (::ffff:0:0/96); and for the deprecated
 * form ::/96 (RFC 4291, section 2.5.5.1). False for a truncated address, and for an address of
 * another family than IPv4 and IPv6: the kernel reports the error.
 */
bool loopback_reaches(const struct sockaddr *address, socklen_t size);
