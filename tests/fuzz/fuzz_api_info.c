/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's answer to GET /v1/info: an accepted one has all its members, and encoding and decoding
 * it again changes nothing, in one line or indented.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "fauxroot/api/info.h"
#include "fauxroot/base/err.h"

static bool same(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

static bool same_list(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!streq(a->items[i], b->items[i]))
			return false;
	return true;
}

static void check_same(const struct api_info *a, const struct api_info *b)
{
	assert(same(a->api_version, b->api_version));
	assert(same(a->version, b->version));
	assert(same(a->state_dir, b->state_dir));
	assert(a->child_pid == b->child_pid);
	assert(same(a->net_driver, b->net_driver));
	assert(same_list(&a->net_dns, &b->net_dns));
	assert(same(a->net_child_ip, b->net_child_ip));
	assert(a->net_dynamic_child_ip == b->net_dynamic_child_ip);
	assert(same(a->port_driver, b->port_driver));
	assert(same_list(&a->port_protos, &b->port_protos));
	assert(a->port_disallow_loopback_child_ip == b->port_disallow_loopback_child_ip);
	assert(same(a->port_source_ip, b->port_source_ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_api_info_ struct api_info info = {0};
	struct error err = {0};

	if (api_info_decode((const char *)data, size, &info, &err) < 0) {
		assert(err.code > 0 && err.text[0] != '\0');
		assert(!info.version && info.child_pid == 0);
		return 0;
	}
	assert(info.api_version && info.version && info.state_dir && info.child_pid > 0);
	assert(info.net_driver || (!info.net_child_ip && info.net_dns.n == 0));
	assert(info.port_driver || (!info.port_source_ip && info.port_protos.n == 0));
	for (unsigned indent = 0; indent <= 4; indent += 4) {
		_cleanup_api_info_ struct api_info back = {0};
		_cleanup_free_ char *text = api_info_encode(&info, indent);

		assert(text);
		assert(api_info_decode(text, strlen(text), &back, &err) == 0);
		check_same(&info, &back);
	}
	return 0;
}
