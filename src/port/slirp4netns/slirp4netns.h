/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The port driver that has slirp4netns forward ports. */
extern const struct port_driver port_slirp4netns;
