/* SPDX-License-Identifier: Apache-2.0 */
/* How this distribution does it: by os-release(5). */
#pragma once

#include <stddef.h>

struct machine;

/* package_install() - how this distribution installs what @program is in: "sudo apt-get install
 * uidmap"; a sentence without command where the distribution is unknown */
void package_install(const struct machine *machine, const char *program, char *buf, size_t size);

/* package_boot() - how this distribution gives the kernel @argument from the next boot on; a
 * sentence without command where that is not known */
void package_boot(const struct machine *machine, const char *argument, char *buf, size_t size);
