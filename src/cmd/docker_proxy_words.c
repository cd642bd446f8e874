/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of docker-proxy from dockerd, in the syntax of Go's flag package: one dash or two,
 * "-name value" or "-name=value". Arguments that do not concern the host's side are passed to
 * docker-proxy unchanged.
 */
#include <errno.h>
#include <stdlib.h>

#include "docker_proxy.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

void proxy_words_clear(struct proxy_words *words)
{
	free(words->argv);
	free(words->own_word);
}

/* The value of the flag @name at **@word; *@word is moved to the element with the value. */
static const char *flag_value(char ***word, const char *name, bool *ret_joined)
{
	const char *at = **word + 1, *after;

	at += *at == '-';
	after = str_after(at, name);
	if (!after || (*after != '=' && *after != '\0'))
		return NULL;
	*ret_joined = *after == '=';
	if (*ret_joined)
		return after + 1;
	if (!(*word)[1])
		return NULL;
	return *++*word;
}

int proxy_words_read(struct proxy_words *words, char **argv, struct error *err)
{
	size_t n = 0;

	while (argv[n])
		n++;
	/* proxy_words_set_host_ip() may append one element. */
	words->argv = calloc(n + 2, sizeof(*words->argv));
	if (!words->argv)
		return err_set(err, ENOMEM, "reading the command line");
	for (size_t i = 0; i < n; i++)
		words->argv[i] = argv[i];
	for (char **word = words->argv + (n > 0); *word; word++) {
		const char *value;
		bool joined;

		if (**word != '-')
			continue;
		if ((value = flag_value(&word, "proto", &joined))) {
			words->proto = value;
		} else if ((value = flag_value(&word, "host-port", &joined))) {
			words->host_port = value;
		} else if ((value = flag_value(&word, "host-ip", &joined))) {
			words->host_ip = value;
			words->host_ip_word = word;
			words->host_ip_is_joined = joined;
		}
	}
	return 0;
}

int proxy_words_set_host_ip(struct proxy_words *words, const char *ip, struct error *err)
{
	/* Without a host-ip docker-proxy would listen on all addresses, and our own listener may
	 * already have one of them. */
	if (!words->host_ip_word) {
		size_t n = 0;

		while (words->argv[n])
			n++;
		words->host_ip_word = &words->argv[n];
		words->host_ip_is_joined = true;
	}
	words->own_word = str_format("%s%s", words->host_ip_is_joined ? "-host-ip=" : "", ip);
	if (!words->own_word)
		return err_set(err, ENOMEM, "reading the command line");
	*words->host_ip_word = words->own_word;
	return 0;
}
