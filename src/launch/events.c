/* SPDX-License-Identifier: Apache-2.0 */
/* The events of an instance, for clients of the API. */
#include "events.h"

#include "fauxroot/api/events.h"
#include "fauxroot/api/ports.h"
#include "fauxroot/base/str.h"
#include "fauxroot/config/status.h"
#include "launch.h"
#include "serve.h"

static void emit(struct launch *l, const struct api_event *event)
{
	api_server_emit(l->serve.api, event);
}

void events_published(struct launch *l, const struct port *port)
{
	const struct api_port shown = serve_port(&l->ports, port);

	emit(l, &(struct api_event){.type = API_EVENT_PUBLISHED, .port = &shown});
}

void events_removed(struct launch *l, const struct port *port)
{
	const struct api_port shown = serve_port(&l->ports, port);

	emit(l, &(struct api_event){.type = API_EVENT_REMOVED, .port = &shown});
}

void events_host_port(struct launch *l, const struct port *port, bool added)
{
	const struct api_port shown = serve_port(&l->host_ports, port);

	emit(l, &(struct api_event){.type = added ? API_EVENT_HOST_PORT_ADDED
						  : API_EVENT_HOST_PORT_REMOVED,
				    .port = &shown});
}

void events_network(struct launch *l, bool up)
{
	l->events.network_down = !up;
	emit(l, &(struct api_event){.type = up ? API_EVENT_NETWORK_UP : API_EVENT_NETWORK_DOWN});
}

void events_names_changed(struct launch *l, const struct strv *dns)
{
	emit(l, &(struct api_event){.type = API_EVENT_NAMES_CHANGED, .dns = dns});
}

static void emit_exit(struct launch *l, int status, const char *reason)
{
	emit(l, &(struct api_event){.type = API_EVENT_EXIT, .status = status, .reason = reason});
}

void events_exit(struct launch *l, int rc, const struct error *err)
{
	enum persona persona = l->config->persona;

	if (rc < 0)
		emit_exit(l, status_of_failure(persona, err), err->text);
	else
		emit_exit(l, status_of_target(persona, l->loop.status), NULL);
}

/* "port forwarder" for "the port forwarder" */
static const char *bare(const char *name)
{
	const char *rest = str_after(name, "the ");

	return rest ? rest : name;
}

/* kept_observer.died */
static void on_died(void *arg, const char *name, const char *why)
{
	emit(arg, &(struct api_event){
			  .type = API_EVENT_HELPER_DIED, .helper = bare(name), .reason = why});
}

/* kept_observer.restarted */
static void on_restarted(void *arg, const char *name)
{
	emit(arg, &(struct api_event){.type = API_EVENT_HELPER_RESTARTED, .helper = bare(name)});
}

void events_observe(struct launch *l)
{
	l->events.observer = (struct kept_observer){on_died, on_restarted, l};
	kept_observe(&l->children, &l->events.observer);
}
