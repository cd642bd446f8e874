/* SPDX-License-Identifier: Apache-2.0 */
/* --net-accel in a launch. Each function has the form of struct stage.run or .undo. */
#pragma once

struct error;
struct launch;

/* In the child: install the filter, then send its descriptors. */
int netaccel_install(struct launch *l, struct error *err);
int netaccel_send(struct launch *l, struct error *err);

/* In the launcher: receive them, then start the processes. */
int netaccel_receive(struct launch *l, struct error *err);
int netaccel_start(struct launch *l, struct error *err);
void netaccel_stop(struct launch *l);
