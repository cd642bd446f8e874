/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct error;

/* dockerd reads "0\n", or "1\n" and a reason, from this descriptor. */
#define DOCKER_PROXY_FD 3

/*
 * docker_proxy() - run the userland proxy that dockerd starts for a published port
 * @name: the name by which this program is called
 * @argv: the program's arguments, NULL-terminated
 *
 * Returns the exit status.
 */
int docker_proxy(const char *name, char **argv);

/* The arguments from dockerd. Strings are parts of the program's argv. */
struct proxy_words {
	char **argv; /* for docker-proxy: a copy of the program's argv */
	const char *proto, *host_ip;
	const char *host_port;	/* NULL: not given */
	char **host_ip_word;	/* the element of argv with the host-ip; NULL: not given */
	bool host_ip_is_joined; /* as "-host-ip=IP" */
	char *own_word;		/* the replaced element; owned */
};

#define PROXY_WORDS_NONE ((struct proxy_words){.proto = "tcp", .host_ip = ""})

/* proxy_words_read() - parse @argv; 0 or -ENOMEM */
int proxy_words_read(struct proxy_words *words, char **argv, struct error *err);

/* proxy_words_set_host_ip() - set another host-ip in @words->argv; 0 or -ENOMEM */
int proxy_words_set_host_ip(struct proxy_words *words, const char *ip, struct error *err);

/* proxy_words_clear() - free the copies; accepts PROXY_WORDS_NONE */
void proxy_words_clear(struct proxy_words *words);
