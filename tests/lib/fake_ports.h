/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_ops for ports without a network behind them: a list. Some child ports stand for failures, see
 * fake_failure().
 */
#pragma once

#include <errno.h>
#include <string.h>

#include "fauxroot/api/ports.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

struct fake_ports {
	struct api_ports ports;
	uint32_t last_id;
};

/* What adding a port that leads to @child_port fails with; 0: nothing. */
static inline int fake_failure(uint16_t child_port)
{
	static const int errors[] = {EACCES, EOPNOTSUPP, EINVAL, EADDRNOTAVAIL, EIO, ENOMEM};

	return child_port >= 60001 && child_port <= 60000 + ARRAY_SIZE(errors)
		       ? errors[child_port - 60001]
		       : 0;
}

static inline int fake_list_ports(struct fake_ports *fake, struct api_ports *ret)
{
	for (size_t i = 0; i < fake->ports.n; i++)
		if (api_ports_add(ret, &fake->ports.items[i]) < 0)
			return -ENOMEM;
	return 0;
}

static inline int fake_add_port(struct fake_ports *fake, const struct port_spec *spec,
				struct api_port *ret, struct error *err)
{
	struct api_port port = {.id = fake->last_id + 1, .spec = *spec};
	int failure = fake_failure(spec->child_port);

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

static inline int fake_remove_port(struct fake_ports *fake, uint32_t id, struct error *err)
{
	struct api_ports *ports = &fake->ports;

	for (size_t i = 0; i < ports->n; i++) {
		if (ports->items[i].id != id)
			continue;
		memmove(&ports->items[i], &ports->items[i + 1],
			(--ports->n - i) * sizeof(ports->items[0]));
		return 0;
	}
	return err_say(err, ENOENT, "there is no port with the id %u", id);
}
