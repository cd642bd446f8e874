/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#pragma once

#include "fauxroot/mounts/etcfiles.h"

/* Their names, in /etc and in the state directory. */
extern const char *const etcfile_names[ETCFILE_COUNT_];

/* etcfile_bind() - bind the place @file on the very entry @name of @etc; 0 or -errno */
int etcfile_bind(int file, int etc, const char *name);
