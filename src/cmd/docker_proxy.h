/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;

/* Where dockerd waits for "0\n", or "1\n" and a reason. */
#define DOCKER_PROXY_FD 3

/*
 * docker_proxy() - the userland proxy that dockerd starts for a published port
 * @name: what this program is called by
 * @argv: NULL-terminated, the program's own
 *
 * Returns the exit status.
 */
int docker_proxy(const char *name, char **argv);

/* What dockerd has said. Strings stand in the program's argv. */
struct proxy_words {
	char **argv; /* for docker-proxy: a copy of the program's own */
	const char *proto, *host_ip;
	const char *host_port;	/* NULL: not given */
	char **host_ip_word;	/* where in argv the host-ip stands; NULL: nowhere */
	bool host_ip_is_joined; /* as "-host-ip=IP" */
	char *own_word;		/* what has been put there; owned */
};

#define PROXY_WORDS_NONE ((struct proxy_words){.proto = "tcp", .host_ip = ""})

/* proxy_words_read() - 0 or -ENOMEM */
int proxy_words_read(struct proxy_words *words, char **argv, struct error *err);

/* proxy_words_set_host_ip() - put another host-ip into @words->argv; 0 or -ENOMEM */
int proxy_words_set_host_ip(struct proxy_words *words, const char *ip, struct error *err);

void proxy_words_clear(struct proxy_words *words);
