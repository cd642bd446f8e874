/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports from the init of a PID namespace to the launcher while the command runs: the command's
 * pidfd, its stops (init cannot stop itself), and its exit status (init's own exit status cannot
 * express a death by signal).
 *
 * They use a SOCK_SEQPACKET pair of their own, because end of file on the handshake means that the
 * command runs. The first report is sent before the command runs. Later reports may be forged: the
 * command is root over init. So a record must have the right size, a known type, and a status that
 * waitpid(2) can report. After an invalid record the launcher closes the socket and uses init's
 * exit status.
 */
#pragma once

#include <stdbool.h>

enum report_type {
	REPORT_STARTED = 1,
	REPORT_STOPPED,
	REPORT_ENDED,
};

struct report {
	enum report_type type;
	int status; /* in the form of waitpid(2) */
	int pidfd;  /* REPORT_STARTED: of the command; else -1 */
};

/* reports_open() - make the pair, non-blocking: [0] is the launcher's end, [1] init's; 0 or -errno
 */
int reports_open(int ret_socks[2]);

/* report_send() - send a report; 0 or -errno (EAGAIN: the socket is full, because the launcher is
 * stopped) */
int report_send(int sock, const struct report *report);

/*
 * report_recv() - receive the next report without waiting
 * @started: REPORT_STARTED was received. From then on the sender may be the command, so descriptors
 *	are not received: closing a descriptor of a FUSE file waits for its server
 * @ret: the caller owns .pidfd
 *
 * Returns 1; 0 if no report is waiting; -ECONNRESET at end of file; -EMFILE if we may not open the
 * pidfd; -EPROTO for an invalid report, for example a second REPORT_STARTED.
 */
int report_recv(int sock, bool started, struct report *ret);
