/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: man 7 capabilities, over libcap. */
#pragma once

#include <stdbool.h>

struct error;

/* caps_can_write_maps() - are CAP_SETUID, CAP_SETGID and CAP_SETFCAP effective here? */
bool caps_can_write_maps(void);

/* caps_clear_passed_on() - empty the inheritable and ambient sets; 0 or -errno */
int caps_clear_passed_on(struct error *err);

/*
 * caps_use_bind() - have CAP_NET_BIND_SERVICE effective, or not, where the permitted set has it
 *
 * Returns whether it was effective before.
 */
bool caps_use_bind(bool wanted);
