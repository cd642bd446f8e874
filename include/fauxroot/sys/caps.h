/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: man 7 capabilities, over libcap. */
#pragma once

#include <stdbool.h>

struct error;

/* caps_can_write_maps() - does this process have CAP_SETUID, CAP_SETGID and CAP_SETFCAP
 * effective? */
bool caps_can_write_maps(void);

/* caps_clear_passed_on() - empty the inheritable and ambient sets, so that no program that we
 * execute gets their capabilities; 0 or -errno */
int caps_clear_passed_on(struct error *err);

/*
 * caps_use_bind() - make CAP_NET_BIND_SERVICE effective or not, if it is in the permitted set
 *
 * Returns whether it was effective before.
 */
bool caps_use_bind(bool wanted);
