/* SPDX-License-Identifier: Apache-2.0 */
/* The exit status of an instance, from its stream of events. */
#pragma once

struct error;

/*
 * ctl_exit_status() - wait for the event "exit" of the instance that serves @socket
 *
 * Waits as long as the instance runs, also while it is stopped. Returns the exit status, from 0 to
 * 255, or -errno of api_follow(): -EPIPE if the launcher was killed, -EPROTO if the server has no
 * events, or too many clients that read them.
 */
int ctl_exit_status(const char *socket, struct error *err);
