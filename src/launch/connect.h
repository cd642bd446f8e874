/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's stages from the start of the network to "go"; launch/stages.h describes each. Each
 * function has the form of struct stage.run, .undo or .wanted. */
#pragma once

#include <stdbool.h>

struct error;
struct launch;

/* Does the child mount resolv.conf and hosts? */
bool connect_has_etc(const struct launch *l);

int connect_prepare_net(struct launch *l, struct error *err);
int connect_start_net(struct launch *l, struct error *err);
int connect_await_mounts(struct launch *l, struct error *err);
int connect_await_net(struct launch *l, struct error *err);
int connect_start_ports(struct launch *l, struct error *err);
int connect_publish(struct launch *l, struct error *err);
/* Can services of the host be forwarded? The stage starts the services of --forward-host. */
bool connect_has_host_ports(const struct launch *l);
int connect_host_ports(struct launch *l, struct error *err);
void connect_stop_host_ports(struct launch *l);

int connect_write_child_pid(struct launch *l, struct error *err);
int connect_go(struct launch *l, struct error *err);

/* Only for `fauxrootctl ps`; runs while the target is executed. */
int connect_announce(struct launch *l, struct error *err);

/* For a rehearsal: net_verify(). */
int connect_verify_net(struct launch *l, struct error *err);

void connect_kill_net(struct launch *l);
void connect_stop_net(struct launch *l);
void connect_stop_ports(struct launch *l);
