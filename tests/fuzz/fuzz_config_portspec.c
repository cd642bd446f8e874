/* SPDX-License-Identifier: Apache-2.0 */
/* An accepted spec is valid, and parses to the same when it is written out. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/base/err.h"
#include "fauxroot/config/portspec.h"

static void check(const struct port_spec *spec)
{
	char text[PORTSPEC_MAX], again[PORTSPEC_MAX];
	union endpoint parents[2], child;
	struct port_spec read;
	size_t n;

	assert(portspec_check(spec, NULL) == 0);
	assert(spec->parent_port != 0 && spec->child_port != 0);
	portspec_format(spec, text, sizeof(text));
	assert(strlen(text) < sizeof(text) - 1);
	assert(portspec_parse(text, &read, NULL) == 0);
	assert(strcmp(portspec_format(&read, again, sizeof(again)), text) == 0);
	assert(portspec_conflict(spec, &read));
	n = portspec_parent(spec, parents);
	assert(n == 1 || n == 2);
	for (size_t i = 0; i < n; i++) {
		assert(parents[i].sa.sa_family == AF_INET || parents[i].sa.sa_family == AF_INET6);
		assert(endpoint_port(&parents[i]) == spec->parent_port);
	}
	child = portspec_child(spec);
	assert(endpoint_port(&child) == spec->child_port);
	assert(!endpoint_is_wildcard(&child));
}

/* A service of the host is a spec with parent and child exchanged. */
static void check_host(const struct port_spec *spec)
{
	struct port_spec shown = portspec_reversed(spec), read;
	union endpoint host = portspec_host(spec);
	char text[PORTSPEC_MAX];

	assert(portspec_check(spec, NULL) == 0 && portspec_check_host(spec, NULL) == 0);
	assert(spec->proto == PROTO_TCP || spec->proto == PROTO_UDP);
	if (spec->host_path[0]) {
		assert(spec->host_path[0] == '/' && spec->proto == PROTO_TCP);
		assert(spec->parent_port == 0 && !spec->parent_ip[0]);
	} else {
		assert(endpoint_port(&host) == spec->parent_port && endpoint_port(&host) != 0);
		assert(!endpoint_is_wildcard(&host));
	}
	portspec_format(&shown, text, sizeof(text));
	assert(portspec_parse_host(text[0] == ':' ? text + 1 : text, &read, NULL) == 0);
	assert(portspec_equal(spec, &read));
	assert(portspec_conflict_inside(spec, &read));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct port_spec spec;
	struct error err;
	unsigned count;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (portspec_parse(text, &spec, &err) == 0)
		check(&spec);
	else
		assert(err.code != 0 && err.text[0]);
	if (portspec_parse_range(text, &spec, &count, &err) == 0) {
		assert(count >= 1 && (uint32_t)spec.parent_port + count - 1 <= UINT16_MAX);
		assert((uint32_t)spec.child_port + count - 1 <= UINT16_MAX);
		check(&spec);
	}
	if (portspec_parse_host(text, &spec, &err) == 0)
		check_host(&spec);
	else
		assert(err.code != 0 && err.text[0]);
	free(text);
	return 0;
}
