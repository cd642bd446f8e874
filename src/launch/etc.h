/* SPDX-License-Identifier: Apache-2.0 */
/* The child's resolv.conf and hosts, which follow the host's. */
#pragma once

struct error;
struct etcfiles;
struct launch;

/*
 * etc_send() - in the child, before HANDSHAKE_MOUNTED: send the descriptors for the mounts in /etc
 * @files: from etcfiles_bind_child(); the caller keeps them
 *
 * Returns 0 or -errno.
 */
int etc_send(int sock, const struct etcfiles *files);

/* etc_receive() - in the launcher: receive these descriptors into @l->etc.files; 0 or an error of
 * handshake_follow() */
int etc_receive(struct launch *l, struct error *err);

/* etc_write() - write the child's resolv.conf and hosts to the state directory; 0 or -errno at
 * STEP_MOUNT */
int etc_write(struct launch *l, struct error *err);

/* etc_watch() - in the event loop: etcfollow_supervise(), also for the name service; 0 or -ENOMEM
 */
int etc_watch(struct launch *l, struct error *err);

/* etc_name_host() - in the event loop: the first service of the host exists: add names for its
 * address to hosts */
void etc_name_host(struct launch *l);
