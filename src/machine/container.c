/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which runtime made our container? The files that runtimes leave show it. They are not reliable,
 * so the answer only chooses the proposed remedies.
 */
#include <stdlib.h>

#include "fauxroot/base/str.h"
#include "fauxroot/machine/machine.h"

/* The first match counts: Docker may run the containers of a Kubernetes pod. */
static const struct {
	const char *path, *name;
} marks[] = {
	{"/run/secrets/kubernetes.io", "Kubernetes"},
	{"/var/run/secrets/kubernetes.io", "Kubernetes"},
	{"/.dockerenv", "Docker"},
	{"/run/.containerenv", "Podman"},
	{"/.flatpak-info", "Flatpak"},
	{"/dev/incus/sock", "Incus"},
	{"/dev/lxd/sock", "LXD"},
	{"/dev/.lxc-boot-id", "LXC"},
};

bool machine_container(const struct machine *machine, struct container *ret)
{
	/* A pod without a service account has no secrets, but has this variable. */
	const char *pod = *machine->root ? NULL : getenv("KUBERNETES_SERVICE_HOST");

	if (pod && *pod) {
		(void)str_print(ret->name, sizeof(ret->name), "Kubernetes");
		(void)str_print(ret->mark, sizeof(ret->mark), "KUBERNETES_SERVICE_HOST");
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (machine_exists(machine, marks[i].path)) {
			(void)str_print(ret->name, sizeof(ret->name), "%s", marks[i].name);
			(void)str_print(ret->mark, sizeof(ret->mark), "%s", marks[i].path);
			return true;
		}
	/* systemd writes the runtime there: "lxc", "systemd-nspawn" (man 1 systemd-detect-virt). */
	(void)str_print(ret->mark, sizeof(ret->mark), "/run/systemd/container");
	return machine_first_line(machine, ret->mark, ret->name, sizeof(ret->name));
}
