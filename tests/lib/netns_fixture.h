/* SPDX-License-Identifier: Apache-2.0 */
/* A process in user, mount and network namespaces of its own, for tests of what is done to those.
 */
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/sys/ns.h"

#ifndef FLAGS
#define FLAGS (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET)
#endif

struct fixture {
	struct process child;
	struct ns_set ns;
};

static int set_up(void **state)
{
	static struct fixture f;
	struct error err = {0};
	int rc;

	f = (struct fixture){PROCESS_NONE, NS_SET_NONE};
	prctl(PR_SET_DUMPABLE, 1);
	rc = ns_clone(FLAGS, &f.child, &err);
	if (rc == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (rc > 0)
		rc = ns_pin(f.child.pid, FLAGS, &f.ns, &err);
	if (rc < 0)
		print_error("%s\n", err.text);
	*state = &f;
	return rc;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	process_kill(&f->child);
	ns_set_close(&f->ns);
	return 0;
}
