/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the instance of the command line. */
#pragma once

struct ctl;
struct error;
struct peer;

/*
 * ctl_socket() - the path of the instance's api.sock
 * @ret: to be freed
 *
 * The instance is given by --socket or --instance, otherwise by ROOTLESSKIT_STATE_DIR. If none of
 * these is set, fauxrootctl takes the only running instance. Returns 0; -EINVAL if there is no such
 * instance, or if several are running, with a list of them in the message; -errno of
 * instances_list(); -ENOMEM.
 */
int ctl_socket(const struct ctl *ctl, char **ret, struct error *err);

/*
 * ctl_launcher() - open a pidfd of that instance's launcher
 * @ret: to be closed with peer_close()
 * @ret_socket: the path of its api.sock, to be freed; NULL: not wanted
 *
 * Returns 0 or -errno of api_launcher().
 */
int ctl_launcher(const struct ctl *ctl, struct peer *ret, char **ret_socket, struct error *err);
