/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher and the object that it has slirp4netns load agree upon. */
#pragma once

/* Environment: the descriptor of --ready-fd, to which slirp4netns itself writes '1'. */
#define PRELOAD_READY_FD "FAUXROOT_READY_FD"

/* What is written there when slirp4netns turns out to call the object. */
#define PRELOAD_WORD 'L'
