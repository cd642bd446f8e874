/* SPDX-License-Identifier: Apache-2.0 */
/* The events of an instance, for clients of the API. */
#pragma once

#include <stdbool.h>

struct error;
struct launch;
struct port;
struct strv;

/*
 * events_observe() - report what happens to our processes to the clients of the API
 * events_published(), events_removed() - a port was published, or is removed
 * events_host_port() - a service of the host was added, or is removed
 * events_network() - the network has gone down, or is up again
 * events_names_changed() - the name servers or host names of the command's network have changed
 * @dns: addresses of the servers that answer from now on; NULL: not known
 * events_exit() - the instance ends with loop_run()'s result: @rc, and @err if it is -errno
 */
void events_observe(struct launch *l);
void events_published(struct launch *l, const struct port *port);
void events_removed(struct launch *l, const struct port *port);
void events_host_port(struct launch *l, const struct port *port, bool added);
void events_network(struct launch *l, bool up);
void events_names_changed(struct launch *l, const struct strv *dns);
void events_exit(struct launch *l, int rc, const struct error *err);
