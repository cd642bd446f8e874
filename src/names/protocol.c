/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol.h"

#include <errno.h>
#include <string.h>

#include "fauxroot/base/log.h"

int names_check_order(const struct names_message *m, size_t size)
{
	if (size != sizeof(*m) || m->type != NAMES_SERVERS || m->servers.n > NAMES_SERVERS_MAX)
		return -EPROTO;
	return 0;
}

int names_check_report(const struct names_message *m, size_t size)
{
	if (size != sizeof(*m) || m->type != NAMES_LOG || m->log.level < LOG_LEVEL_ERROR ||
	    m->log.level > LOG_LEVEL_DEBUG || !memchr(m->log.text, '\0', sizeof(m->log.text)))
		return -EPROTO;
	return 0;
}
