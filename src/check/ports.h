/* SPDX-License-Identifier: Apache-2.0 */
/* Who listens on a port: the text of /proc/net/tcp and its kind (man 5 proc). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct listener {
	uint16_t port;
	uint32_t uid;
	uint64_t inode;
};

/* listener_find() - the first socket in @text that listens (with @udp: is bound) at @port */
bool listener_find(const char *text, uint16_t port, bool udp, struct listener *ret);
