/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the slirp4netns driver: driver.c says what is special about the program, preload.c keeps
 * it off the host's loopback, output.c reads what it prints.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/str.h"

struct slirp_version {
	uint32_t major, minor, patch;
	uint32_t libslirp_major, libslirp_minor, libslirp_patch; /* all 0: not told */
};

/*
 * slirp_version_parse() - the output of slirp4netns --version
 *
 * Returns 0, or -EINVAL where it is no such thing, with @ret untouched. What follows the numbers
 * ("-beta.1+dev") is passed over, and so are lines that we don't know.
 */
int slirp_version_parse(const char *text, struct slirp_version *ret);

/* slirp_version_sufficient() - has it all the options that we use? (0.4.0) */
bool slirp_version_sufficient(const struct slirp_version *version);

/* net_helper_ops.chatter */
extern const char *const slirp_chatter[];

extern const struct net_helper_ops slirp_ops;
extern const struct net_driver net_driver_slirp4netns;

/*
 * slirp_preload_open() - the object that keeps slirp4netns off the host's loopback
 * @ret: its descriptor, close-on-exec
 *
 * Returns 0 or -errno, with @ret untouched.
 */
int slirp_preload_open(int *ret);

/*
 * slirp_preload_env() - what makes a run load it
 * @preload: the object's descriptor; -1: there is none, nothing is added
 * @ready: the descriptor of --ready-fd: PRELOAD_WORD comes there when it works
 * @env: appended to, for helper_spec.env
 *
 * Returns 0 or -ENOMEM.
 */
int slirp_preload_env(int preload, int ready, struct strv *env);
