/* SPDX-License-Identifier: Apache-2.0 */
/* How this distribution does it: by os-release(5). */
#pragma once

#include <stddef.h>

struct machine;

/* machine_package() - how this distribution installs what @program is in: "sudo apt-get install
 * uidmap"; a sentence without command where the distribution is unknown */
const char *machine_package(const struct machine *machine, const char *program, char *buf,
			    size_t size);

/* machine_boot() - how this distribution gives the kernel @argument from the next boot on; a
 * sentence without command where that is not known */
const char *machine_boot(const struct machine *machine, const char *argument, char *buf,
			 size_t size);
