/* SPDX-License-Identifier: Apache-2.0 */
/* The instance that the command line means. */
#pragma once

struct ctl;
struct error;
struct peer;

/*
 * ctl_socket() - the path of the instance's api.sock
 * @ret: to be freed
 *
 * The instance of --socket or --instance, else that of ROOTLESSKIT_STATE_DIR, else under our own
 * name the only one that is running. Returns 0; -EINVAL where that is none or more than one, with a
 * sentence that lists them; -errno of instances_list(); -ENOMEM.
 */
int ctl_socket(const struct ctl *ctl, char **ret, struct error *err);

/* ctl_launcher() - the launcher of that instance, held by a pidfd; 0 or -errno of api_launcher() */
int ctl_launcher(const struct ctl *ctl, struct peer *ret, struct error *err);
