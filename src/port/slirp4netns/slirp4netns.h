/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The port driver that lets slirp4netns forward ports (--port-driver=slirp4netns). */
extern const struct port_driver port_slirp4netns;
