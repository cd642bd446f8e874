/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol between the launcher and the object that slirp4netns loads. */
#pragma once

/* Environment variable: the descriptor of --ready-fd. slirp4netns itself writes '1' to it. */
#define PRELOAD_READY_FD "FAUXROOT_READY_FD"

/* The object writes this byte there when slirp4netns calls it. */
#define PRELOAD_BYTE 'L'
