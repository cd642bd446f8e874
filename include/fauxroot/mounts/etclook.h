/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at the host's /etc/resolv.conf and /etc/hosts, in a process of its own. Their links may
 * lead to a file system that does not answer (FUSE, NFS). Then the process waits, not the launcher.
 */
#pragma once

#include "fauxroot/base/spawn.h"
#include "fauxroot/mounts/etcfiles.h"
#include "fauxroot/mounts/etcwatch.h"

struct error;

/* A look that takes longer is late. */
#define ETCLOOK_MS 5000

struct etclook {
	struct process process;
	int result; /* memfd for its result; -1: there is no look */
};

#define ETCLOOK_NONE ((struct etclook){.process = PROCESS_NONE, .result = -1})

/*
 * etclook_start() - start a process that follows the links, watches them, and reads both files
 * @watch: its descriptor gets the watches; ETCWATCH_NONE: watch nothing
 *
 * The process exits with status 0 when it has finished, else with an errno value. It gets SIGKILL
 * when the caller dies. Returns 0, or -errno.
 */
int etclook_start(const struct etcwatch *watch, struct etclook *ret, struct error *err);

/*
 * etclook_take() - get the result of a look whose process has exited with status 0
 * @watch: as for etclook_start(); gets the list of watches that the process has added
 * @ret: the caller calls etchost_clear()
 *
 * Never blocks. Returns 0, or -errno (also if /etc could not be watched).
 */
int etclook_take(const struct etclook *look, struct etcwatch *watch, struct etchost *ret);

/*
 * etclook_first() - look at the files before the event loop runs, and wait for the result
 * @cancel_fd: as in fd_wait()
 * @ret: ETCHOST_NONE before the call; the caller calls etchost_clear()
 *
 * If the look fails or takes too long, @ret stays ETCHOST_NONE, and a warning is logged. Returns 0;
 * -ECANCELED; or -errno of a shortage (memory, descriptors, processes): the rest of the launch
 * would fail for the same reason.
 */
int etclook_first(int cancel_fd, struct etchost *ret, struct error *err);

/* etclook_close() - kill the process without a wait for it, and free the result. Accepts
 * ETCLOOK_NONE; @look is ETCLOOK_NONE afterwards */
void etclook_close(struct etclook *look);
