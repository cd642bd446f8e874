/* SPDX-License-Identifier: Apache-2.0 */
/* The name service in a launch. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct error;
struct launch;
struct names_events;
struct naming;
struct strv;

/* naming_wanted() - do the options request our name service? */
bool naming_wanted(const struct launch *l);

/* naming_start() - make the sockets of the name service in the child's network, and give it the
 * host's name servers; 0 or -errno */
int naming_start(struct launch *l, struct error *err);

/* naming_learn() - before naming_start(): the host's resolv.conf contains @text of @size bytes;
 * NULL: it cannot be read */
void naming_learn(struct launch *l, const char *text, size_t size);

/* naming_renew() - the host's resolv.conf contains @text of @size bytes now; NULL: it cannot be
 * read. Returns true if the servers have changed */
bool naming_renew(struct launch *l, const char *text, size_t size);

/* naming_servers() - append the addresses of the host's name servers to @ret, without ports; 0 or
 * -ENOMEM */
int naming_servers(const struct naming *naming, struct strv *ret);

/*
 * naming_supervise() - serve names in the event loop
 * @events: called with @l; must exist as long as the loop
 *
 * Returns 0 or -ENOMEM.
 */
int naming_supervise(struct launch *l, const struct names_events *events, struct error *err);

/* naming_stop() - stop the name service; also if it never started */
void naming_stop(struct launch *l);
