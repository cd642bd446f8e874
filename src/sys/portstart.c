/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/portstart.h"

#include <fcntl.h>
#include <netinet/in.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"

unsigned unprivileged_port_start(void)
{
	_cleanup_free_ char *text = NULL;
	uint32_t value = IPPORT_RESERVED;
	struct cursor c;

	if (file_read_bounded(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", 64, &text,
			      NULL) == 0) {
		c = cursor_of(text);
		(void)cursor_u32(&c, UINT16_MAX, &value);
	}
	return value;
}
