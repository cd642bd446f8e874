/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol between launcher and name service, over a SOCK_SEQPACKET pair. The launcher sends
 * NAMES_SERVERS, the service sends NAMES_LOG. No message has an answer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fauxroot/names/at.h"

enum names_type {
	NAMES_SERVERS = 1, /* launcher: ask these servers from now on */
	NAMES_LOG,	   /* service: a line for the log */
};

struct names_message {
	uint32_t type;
	union {
		struct {
			uint32_t n;
			uint32_t slots[NAMES_SERVERS_MAX]; /* see proc/destinations.h */
		} servers;
		struct {
			uint32_t level; /* enum log_level */
			char text[256]; /* NUL-terminated */
		} log;
	};
};

/*
 * names_check_order() - check a record that the launcher sent
 * names_check_report() - check a record that the service sent: it handles untrusted bytes
 * @size: bytes received
 *
 * Return 0 or -EPROTO.
 */
int names_check_order(const struct names_message *m, size_t size);
int names_check_report(const struct names_message *m, size_t size);
