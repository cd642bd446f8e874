/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the init of a PID namespace tells the launcher while the command runs: which process it is,
 * that it has stopped, which init cannot do itself, and how it has ended, which no exit status of
 * init's can tell.
 *
 * One SOCK_SEQPACKET pair beside the handshake, whose end of file still means that the command
 * runs. The first report is made before the command runs. From then on the command, which is root
 * over init, may write what it likes into it: a record is of one size, of a known type, and of a
 * status that waitpid(2) could have reported. What does not hold closes the socket, and init's own
 * end tells the rest.
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

/* reports_open() - the pair, non-blocking: [0] is the launcher's end, [1] init's; 0 or -errno */
int reports_open(int ret_socks[2]);

/* report_send() - 0 or -errno; -EAGAIN where the launcher, stopped, has let too many pile up */
int report_send(int sock, const struct report *report);

/*
 * report_recv() - the next report, if there is one; its descriptor is the caller's
 * @started: REPORT_STARTED has come. From then on the sender may be the command, so a descriptor is
 *	not even received: closing one of a FUSE file waits for its server
 *
 * Returns 1; 0 where none is waiting; -ECONNRESET at the end; -EPROTO for what is none, such as a
 * second REPORT_STARTED.
 */
int report_recv(int sock, bool started, struct report *ret);
