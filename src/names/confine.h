/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of the name service: see proc/confine.h. */
#pragma once

struct error;

/* confine_names() - load the filter; 0 or -errno */
int confine_names(struct error *err);
