/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that depend on the distribution: os-release(5). */
#pragma once

#include <stddef.h>

struct machine;

/*
 * package_install() - the command that installs the package of @program: "sudo apt-get install
 * uidmap"
 *
 * For an unknown distribution, @buf becomes a sentence without a command.
 */
void package_install(const struct machine *machine, const char *program, char *buf, size_t size);

/*
 * package_boot() - the command that adds @argument to the kernel command line and reboots
 *
 * For an unknown distribution, @buf becomes a sentence without a command.
 */
void package_boot(const struct machine *machine, const char *argument, char *buf, size_t size);
