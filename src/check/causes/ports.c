/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports. The room port has said in its error what it tried, and who has it. */
#include "../cause.h"

#include <errno.h>

#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/portspec.h"

#define PORT STEP_BIT(STEP_PORT)

/* The number behind @words in the error's sentence. */
static bool number_after(const struct facts *facts, const char *words, uint32_t *ret)
{
	const char *at = strstr(facts->err->text, words);
	struct cursor c = cursor_of(at ? at + strlen(words) : "");

	return cursor_u32(&c, UINT32_MAX, ret) == 0;
}

/* "listening on [::1]:80/tcp: …" */
static bool tried_port(const struct facts *facts, uint32_t *ret)
{
	const char *at = strstr(facts->err->text, "listening on ");
	const char *end = at ? strchr(at, '/') : NULL, *start = end;
	struct cursor c;

	while (start && start > at && start[-1] >= '0' && start[-1] <= '9')
		start--;
	if (!start || start == end)
		return false;
	c = cursor_of_n(start, (size_t)(end - start));
	return cursor_u32(&c, UINT16_MAX, ret) == 0;
}

/* Of several ports the lowest: what lets that one pass lets all pass. */
static uint32_t lowest_port(const struct facts *facts, uint32_t tried)
{
	const struct strv *publish = &facts->config->publish;
	struct port_spec spec;

	for (size_t i = 0; i < publish->n; i++)
		if (portspec_parse(publish->items[i], &spec, NULL) == 0)
			tried = MIN(tried, (uint32_t)spec.parent_port);
	return tried;
}

static bool port_is_privileged(struct facts *facts, const char *arg)
{
	uint32_t port, start;

	return sysctl_is_there(facts, arg) && parse_u32(facts->value, UINT16_MAX, &start) == 0 &&
	       tried_port(facts, &port) && port < start &&
	       str_print(facts->point, sizeof(facts->point), "%u", lowest_port(facts, port)) == 0;
}

static bool port_of_slirp_is_privileged(struct facts *facts, const char *arg)
{
	return facts->config->port_driver == PORT_SLIRP4NETNS && port_is_privileged(facts, arg);
}

static bool listener_is_known(struct facts *facts, const char *arg)
{
	uint32_t number;

	return number_after(facts, arg, &number) &&
	       str_print(facts->value, sizeof(facts->value), "%u", number) == 0;
}

static bool error_names_address(struct facts *facts, const char *arg)
{
	static const char words[] = "listening on ";
	const char *at = strstr(facts->err->text, words), *end = NULL;

	(void)arg;
	if (!at)
		return false;
	/* The last colon in front of the protocol: IPv6 addresses have others. */
	at += strlen(words);
	for (const char *ch = at; *ch && *ch != '/'; ch++)
		if (*ch == ':')
			end = ch;
	return end &&
	       str_print(facts->value, sizeof(facts->value), "%.*s", (int)(end - at), at) == 0;
}

const struct cause causes_of_ports[] = {
	{
		/* slirp4netns binds it, and a capability of ours does not help it. */
		.id = "port-privileged-slirp4netns",
		.steps = PORT,
		.codes = {EACCES},
		.test = port_of_slirp_is_privileged,
		.arg = "net/ipv4/ip_unprivileged_port_start",
		.cause = "{path} is {value}: lower ports take CAP_NET_BIND_SERVICE, and "
			 "slirp4netns has none",
		.remedy = "sudo sysctl -w net.ipv4.ip_unprivileged_port_start={point}; or "
			  "--port-driver=builtin and sudo setcap cap_net_bind_service=ep {self}; "
			  "or a parent port from {value} up",
	},
	{
		.id = "port-privileged",
		.steps = PORT,
		.codes = {EACCES},
		.test = port_is_privileged,
		.arg = "net/ipv4/ip_unprivileged_port_start",
		.cause = "{path} is {value}: lower ports take CAP_NET_BIND_SERVICE",
		.remedy = "sudo sysctl -w net.ipv4.ip_unprivileged_port_start={point}; or sudo "
			  "setcap cap_net_bind_service=ep {self}; or a parent port from {value} up",
	},
	{
		.id = "port-in-use",
		.steps = PORT,
		.codes = {EADDRINUSE},
		.test = listener_is_known,
		.arg = "already in use by process ",
		.cause = "an address and port belong to one socket at a time, and process {value} "
			 "has this one",
		.remedy = "another parent port, or end that process: kill {value}",
	},
	{
		.id = "port-in-use-by-somebody",
		.steps = PORT,
		.codes = {EADDRINUSE},
		.test = listener_is_known,
		.arg = "already in use by a socket of uid ",
		.cause = "an address and port belong to one socket at a time, and uid {value} has "
			 "this one",
		.remedy = "another parent port; sudo ss -Hnlptu shows whose it is",
	},
	{
		.id = "port-doubled",
		.steps = PORT,
		.codes = {EADDRINUSE},
		.says = "it conflicts with port",
		.cause = "another --publish has this address, port and protocol",
		.remedy = "one of the two, or another parent port",
	},
	{
		.id = "port-address",
		.steps = PORT,
		.codes = {EADDRNOTAVAIL},
		.test = error_names_address,
		.cause = "no interface of this network has the address {value}",
		.remedy =
			"one of those that ip -brief address shows, or none, which is all of them",
	},
	{.cause = NULL},
};
