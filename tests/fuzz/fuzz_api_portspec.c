/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of POST /v1/ports, and a server's answer about ports: an accepted one is a valid spec,
 * encoding and decoding it again changes nothing, and a refusal has a message.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fauxroot/api/ports.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

static void check_same(const struct port_spec *a, const struct port_spec *b)
{
	assert(a->proto == b->proto);
	assert(streq(a->parent_ip, b->parent_ip) && a->parent_port == b->parent_port);
	assert(streq(a->child_ip, b->child_ip) && a->child_port == b->child_port);
	assert(streq(a->host_path, b->host_path));
}

static void check_spec(const struct port_spec *spec, bool owned)
{
	_cleanup_free_ char *text = api_spec_encode(spec, owned);
	struct error err = {0};
	struct port_spec back;
	bool back_owned = !owned;

	assert(text);
	assert(portspec_check(spec, &err) == 0);
	assert(api_spec_decode(text, strlen(text), &back, &back_owned, &err) == 0);
	check_same(spec, &back);
	assert(back_owned == owned);
	/* The command line's form means the same. */
	if (spec->parent_port != 0 && !spec->host_path[0]) {
		char buf[PORTSPEC_MAX];

		assert(portspec_parse(portspec_format(spec, buf, sizeof(buf)), &back, &err) == 0);
		check_same(spec, &back);
	}
}

static void check_ports(const struct api_ports *ports)
{
	_cleanup_api_ports_ struct api_ports back = {0};
	_cleanup_free_ char *text = api_ports_encode(ports);
	struct error err = {0};

	assert(text);
	assert(api_ports_decode(text, strlen(text), &back, &err) == 0);
	assert(back.n == ports->n);
	for (size_t i = 0; i < ports->n; i++) {
		assert(ports->items[i].id > 0 && ports->items[i].id == back.items[i].id);
		assert(ports->items[i].owned == back.items[i].owned);
		check_same(&ports->items[i].spec, &back.items[i].spec);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_api_ports_ struct api_ports ports = {0};
	struct port_spec spec = {.child_port = 0};
	struct api_port port = {.id = 0};
	struct error err = {0};
	bool owned = false;

	if (api_spec_decode((const char *)data, size, &spec, &owned, &err) == 0)
		check_spec(&spec, owned);
	else
		assert(err.code == EINVAL && err.text[0] != '\0' && spec.child_port == 0 && !owned);
	if (api_port_decode((const char *)data, size, &port, &err) == 0)
		check_spec(&port.spec, port.owned);
	else
		assert(err.code > 0 && port.id == 0);
	if (api_ports_decode((const char *)data, size, &ports, &err) == 0)
		check_ports(&ports);
	else
		assert(!ports.items && ports.n == 0);
	return 0;
}
