/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the slirp4netns driver: driver.c has the details of the program, preload.c blocks the
 * host's loopback, output.c parses the program's output.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/str.h"

struct slirp_version {
	uint32_t major, minor, patch;
	uint32_t libslirp_major, libslirp_minor, libslirp_patch; /* all 0: not printed */
};

/*
 * slirp_version_parse() - parse the output of slirp4netns --version
 *
 * Text after the numbers ("-beta.1+dev") and unknown lines are ignored. Returns 0, or -EINVAL with
 * @ret unchanged if the text is not from slirp4netns.
 */
int slirp_version_parse(const char *text, struct slirp_version *ret);

/* slirp_version_sufficient() - does this version have all options that we use (0.4.0)? */
bool slirp_version_sufficient(const struct slirp_version *version);

/* net_helper_ops.chatter */
extern const char *const slirp_chatter[];

extern const struct net_helper_ops slirp_ops;
extern const struct net_driver net_driver_slirp4netns;

/*
 * slirp_preload_open() - open the object that blocks the host's loopback
 * @ret: its descriptor, close-on-exec
 *
 * Returns 0, or -errno with @ret unchanged.
 */
int slirp_preload_open(int *ret);

/*
 * slirp_preload_env() - append the environment that makes slirp4netns load the object
 * @preload: the object's descriptor; -1: no object, append nothing
 * @ready: the descriptor of --ready-fd: the loaded object writes PRELOAD_BYTE there
 * @env: for helper_spec.env
 *
 * Returns 0 or -ENOMEM.
 */
int slirp_preload_env(int preload, int ready, struct strv *env);
