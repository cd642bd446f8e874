/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of forwarder and agent: see proc/confine.h. */
#pragma once

struct error;

/* confine_forwarder(), confine_agent() - load the filter, for all threads; 0 or -errno */
int confine_forwarder(struct error *err);
int confine_agent(struct error *err);
