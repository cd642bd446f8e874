/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages between launcher, forwarder and agent. The first input byte is the number of
 * descriptors, the second selects the check, and the rest is the message. A message that passes
 * must be valid in all fields.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"
#include "fauxroot/port/table.h"
#include "port/builtin/protocol.h"

static void check_order(const struct control_message *m, size_t n_fds)
{
	switch (m->type) {
	case CONTROL_ADD:
		assert(m->id != 0 && n_fds >= 1 && n_fds <= PORT_LISTENERS_MAX);
		if (m->add.child.sa.sa_family == AF_UNIX)
			assert(m->add.path_size >= 1 && m->add.path_size <= 107);
		else
			assert(endpoint_port(&m->add.child) != 0 && m->add.path_size == 0);
		assert(kind_of(m->add.child.sa.sa_family, m->add.udp, m->add.marked) < KIND_COUNT_);
		break;
	case CONTROL_REMOVE:
		assert(m->id != 0 && n_fds == 0);
		break;
	case CONTROL_SUPPLY:
		assert(n_fds >= 1 && n_fds <= MAX_WORKERS);
		break;
	default:
		assert(0);
	}
}

static void check_reply(const struct control_message *m)
{
	if (m->type == CONTROL_LOG)
		assert(strlen(m->log.text) < sizeof(m->log.text));
	else
		assert((m->type == CONTROL_DONE && m->result <= 0) ||
		       (m->type == CONTROL_FAILED && m->result < 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct supply_request request;
	struct supply_answer answer;
	struct control_message m;
	size_t n_fds, left;

	if (size < 2)
		return 0;
	n_fds = data[0] % 80;
	left = size - 2;
	memset(&m, 0, sizeof(m));
	memset(&request, 0, sizeof(request));
	memset(&answer, 0, sizeof(answer));
	switch (data[1] % 4) {
	case 0:
		memcpy(&m, data + 2, MIN(left, sizeof(m)));
		if (control_check_order(&m, left, n_fds) == 0)
			check_order(&m, n_fds);
		break;
	case 1:
		memcpy(&m, data + 2, MIN(left, sizeof(m)));
		if (control_check_reply(&m, left, n_fds) == 0)
			check_reply(&m);
		break;
	case 2:
		memcpy(&request, data + 2, MIN(left, sizeof(request)));
		if (supply_check_request(&request, left) == 0)
			assert(request.kind < KIND_COUNT_ && request.count >= 1 &&
			       request.count <= MAX_BATCH);
		break;
	default:
		memcpy(&answer, data + 2, MIN(left, sizeof(answer)));
		if (supply_check_answer(&answer, left, n_fds) == 0)
			assert(answer.kind < KIND_COUNT_ && answer.count == n_fds &&
			       answer.count <= MAX_BATCH);
		break;
	}
	return 0;
}
