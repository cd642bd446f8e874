/* SPDX-License-Identifier: Apache-2.0 */
/* The middle process's column of the launch: from the first clone to the second. */
#pragma once

#include "fauxroot/base/macro.h"

struct child_plan;
struct idmap;
struct ns_job;

/* All that the middle process needs to know; filled by the launcher before the clone. */
struct middle_plan {
	const struct idmap *map; /* what the launcher has written for us */
	unsigned long flags;	 /* CLONE_NEW… of the child */
	const struct child_plan *child;
	const struct ns_job *hold; /* what it does as the first holder; NULL: it ends instead */
	int sock, peer_sock;	   /* its end of the handshake, and the launcher's to close */
};

/* middle_main() - runs in the middle user namespace; the child that it clones goes on in
 * child_main()
 */
_noreturn_ void middle_main(const struct middle_plan *plan);
