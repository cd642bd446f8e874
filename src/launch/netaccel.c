/* SPDX-License-Identifier: Apache-2.0 */
#include "netaccel.h"

#include <stddef.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/proc/handshake.h"
#include "launch.h"

int netaccel_install(struct launch *l, struct error *err)
{
	return accel_install_child(&l->in_child.accel, err);
}

int netaccel_send(struct launch *l, struct error *err)
{
	int sock = l->in_child.sock;
	int rc = handshake_send_fd(sock, HANDSHAKE_ACCEL, l->in_child.accel.notify);

	for (size_t i = 0; i < ACCEL_PROCESSES && rc == 0; i++)
		rc = handshake_send_fd(sock, HANDSHAKE_ACCEL, l->in_child.accel.routes[i]);
	accel_kit_close(&l->in_child.accel);
	return rc < 0 ? err_set(err, -rc, "sending the descriptors of --net-accel") : 0;
}

int netaccel_receive(struct launch *l, struct error *err)
{
	struct accel_kit *kit = &l->accel.kit;
	int rc = 0;

	for (size_t i = 0; i <= ACCEL_PROCESSES && rc == 0; i++)
		rc = handshake_follow(l->cloned.sock, HANDSHAKE_ACCEL, "installing a filter",
				      l->cloned.progress, l->signals->cancel,
				      i == 0 ? &kit->notify : &kit->routes[i - 1], err);
	return rc;
}

int netaccel_start(struct launch *l, struct error *err)
{
	if (l->accel.kit.notify < 0) {
		log_warning("--net-accel=switch: another program handles system calls by seccomp "
			    "already; connections are not switched");
		accel_kit_close(&l->accel.kit);
		return accel_off(&l->accel.running, err);
	}
	return accel_start(&l->accel.kit, l->net.plan.ifname, &l->config->net_accel_except,
			   l->cloned.child.pidfd, l->cloned.child.pid, &l->accel.running, err);
}

void netaccel_stop(struct launch *l)
{
	accel_kit_close(&l->accel.kit);
	accel_stop(l->accel.running);
	l->accel.running = NULL;
}
