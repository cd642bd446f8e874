/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the instance of the command line. */
#pragma once

struct api_reply;
struct ctl;
struct error;

/*
 * ctl_ask() - send a request to the instance of @ctl
 * @body: JSON, or NULL
 * @status: the expected HTTP status
 *
 * Returns 0, or -errno of ctl_socket(), api_call() or api_reply_expect().
 */
int ctl_ask(const struct ctl *ctl, const char *method, const char *path, const char *body,
	    long status, struct api_reply *ret, struct error *err);
