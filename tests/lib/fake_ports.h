/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_ops for ports without a network behind them: a list. Their @arg begins with a struct
 * fake_ports. Some child ports stand for failures, see fake_failure().
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "fauxroot/api/ports.h"
#include "fauxroot/api/server.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

struct fake_ports {
	struct api_ports ports;
	uint32_t last_id;
	bool slow; /* adding and removing is -EINPROGRESS */
};

/* What adding a port that leads to @child_port fails with; 0: nothing. */
static inline int fake_failure(uint16_t child_port)
{
	static const int errors[] = {EACCES, EOPNOTSUPP, EINVAL, EADDRNOTAVAIL, EIO, ENOMEM};

	return child_port >= 60001 && child_port <= 60000 + ARRAY_SIZE(errors)
		       ? errors[child_port - 60001]
		       : 0;
}

static inline int fake_list_ports(void *arg, struct api_ports *ret, struct error *err)
{
	const struct fake_ports *fake = arg;

	(void)err;
	for (size_t i = 0; i < fake->ports.n; i++)
		if (api_ports_add(ret, &fake->ports.items[i]) < 0)
			return -ENOMEM;
	return 0;
}

static inline int fake_add_port(void *arg, const struct port_spec *spec, struct api_port *ret,
				struct error *err)
{
	struct fake_ports *fake = arg;
	struct api_port port = {.id = fake->last_id + 1, .spec = *spec};
	int failure = fake_failure(spec->child_port);

	if (fake->slow)
		return err_set(err, EINPROGRESS, "publishing it");
	if (failure)
		return err_set(err, failure, "publishing it");
	for (size_t i = 0; i < fake->ports.n; i++)
		if (portspec_conflict(&fake->ports.items[i].spec, spec))
			return err_set(err, EADDRINUSE, "publishing port %u", spec->parent_port);
	if (port.spec.parent_port == 0)
		port.spec.parent_port = (uint16_t)(40000 + port.id);
	if (api_ports_add(&fake->ports, &port) < 0)
		return -ENOMEM;
	fake->last_id++;
	*ret = port;
	return 0;
}

static inline int fake_remove_port(void *arg, uint32_t id, struct error *err)
{
	struct api_ports *ports = &((struct fake_ports *)arg)->ports;

	if (((struct fake_ports *)arg)->slow)
		return err_set(err, EINPROGRESS, "removing it");
	for (size_t i = 0; i < ports->n; i++) {
		if (ports->items[i].id != id)
			continue;
		memmove(&ports->items[i], &ports->items[i + 1],
			(--ports->n - i) * sizeof(ports->items[0]));
		return 0;
	}
	return err_say(err, ENOENT, "there is no port with the id %u", id);
}

/* The members of struct api_ops that are about ports. */
#define FAKE_PORT_OPS \
	.list_ports = fake_list_ports, .add_port = fake_add_port, .remove_port = fake_remove_port
