/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, held to one thing: HTTP/1.1 over one UNIX socket. No proxy of the environment, no
 * redirection and no other protocol can lead it elsewhere; size and time are bounded.
 */
#include "fauxroot/api/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "fauxroot/api/believe.h"
#include "fauxroot/api/json.h"
#include "fauxroot/base/clock.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"
#include "limits.h"

#define MAX_BODY (1 << 20)

static void easy_cleanup(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

void api_reply_clear(struct api_reply *reply)
{
	free(reply->body);
	*reply = (struct api_reply){.status = 0};
}

/* As CURLOPT_WRITEFUNCTION: less than what was given ends the transfer with CURLE_WRITE_ERROR. */
static size_t take_body(char *data, size_t one, size_t n, void *arg)
{
	struct api_reply *reply = arg;
	char *larger;

	(void)one;
	if (n > MAX_BODY - reply->size)
		return 0;
	larger = realloc(reply->body, reply->size + n + 1);
	if (!larger)
		return 0;
	memcpy(larger + reply->size, data, n);
	reply->body = larger;
	reply->size += n;
	reply->body[reply->size] = '\0';
	return n;
}

/* One request, and what libcurl needs for its time. */
struct call {
	unsigned ms;
	const char *socket, *method, *path, *body;
	struct curl_slist *headers;
	char *url;
	char message[CURL_ERROR_SIZE]; /* libcurl's words for a failure */
	curl_socket_t sock;	       /* libcurl's */
	struct error disbelief;	       /* why the request was not sent; code 0: it was */
	struct api_reply reply;
};

static void call_clear(struct call *call)
{
	curl_slist_free_all(call->headers);
	free(call->url);
	api_reply_clear(&call->reply);
}

/* CURLOPT_OPENSOCKETFUNCTION: as libcurl does it by itself, with a note of which socket it is. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct call *call = arg;

	(void)purpose;
	call->sock = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return call->sock < 0 ? CURL_SOCKET_BAD : call->sock;
}

/* CURLOPT_PREREQFUNCTION: connected, and nothing has been sent. */
static int look_at_server(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct call *call = arg;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	return api_believe(call->sock, API_BELIEVE_TO_SHOW, &call->disbelief) < 0
		       ? CURL_PREREQFUNC_ABORT
		       : CURL_PREREQFUNC_OK;
}

static CURLcode set_options(CURL *curl, struct call *call)
{
	CURLcode rc = CURLE_OK;

#define SET(option, value)                                          \
	do {                                                        \
		if (rc == CURLE_OK)                                 \
			rc = curl_easy_setopt(curl, option, value); \
	} while (0)
	SET(CURLOPT_ERRORBUFFER, call->message);
	SET(CURLOPT_UNIX_SOCKET_PATH, call->socket);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, call);
	SET(CURLOPT_PREREQFUNCTION, look_at_server);
	SET(CURLOPT_PREREQDATA, call);
	SET(CURLOPT_URL, call->url);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)call->ms);
	if (call->body)
		SET(CURLOPT_POSTFIELDS, call->body);
	SET(CURLOPT_CUSTOMREQUEST, call->method);
	SET(CURLOPT_HTTPHEADER, call->headers);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, &call->reply);
#undef SET
	return rc;
}

/* Say what went wrong in the words of the system where it has some, else in libcurl's. */
static int failed(CURL *curl, CURLcode code, const struct call *call, struct error *err)
{
	long os_error = 0;

	if (call->disbelief.code != 0)
		return err_say(err, call->disbelief.code, "\"%s\": %s", call->socket,
			       call->disbelief.text);
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return err_set(err, ENOMEM, "asking \"%s\"", call->socket);
	case CURLE_OPERATION_TIMEDOUT:
		return err_say(err, ETIMEDOUT, "no answer from \"%s\" within %u seconds",
			       call->socket, (call->ms + 999) / 1000);
	case CURLE_WRITE_ERROR:
		return err_say(err, EFBIG, "the answer from \"%s\" is larger than %d bytes",
			       call->socket, MAX_BODY);
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
		if (os_error > 0)
			return err_set(err, (int)os_error, "connecting to \"%s\"", call->socket);
		break;
	default:
		break;
	}
	return err_say(err, EPROTO, "asking \"%s\": %s", call->socket,
		       *call->message ? call->message : curl_easy_strerror(code));
}

static int perform(CURL *curl, struct call *call, struct error *err)
{
	CURLcode code;

	call->url = str_format("http://localhost%s", call->path);
	if (call->body)
		call->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (!call->url || (call->body && !call->headers))
		return err_set(err, ENOMEM, "asking \"%s\"", call->socket);
	code = set_options(curl, call);
	if (code == CURLE_OK)
		code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return failed(curl, code, call, err);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &call->reply.status);
	if (!call->reply.body)
		call->reply.body = strdup("");
	return call->reply.body ? 0 : err_set(err, ENOMEM, "asking \"%s\"", call->socket);
}

int api_call_within(unsigned ms, const char *socket, const char *method, const char *path,
		    const char *body, struct api_reply *ret, struct error *err)
{
	_cleanup_(easy_cleanup) CURL *curl = NULL;
	_cleanup_(call_clear) struct call call = {.ms = ms,
						  .socket = socket,
						  .method = method,
						  .path = path,
						  .body = body,
						  .sock = -1};
	int64_t start_us = clock_us();
	int rc;

	/* Without its TLS library, which takes most of the time. */
	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK || !(curl = curl_easy_init()))
		return err_say(err, ENOMEM, "starting libcurl");
	rc = perform(curl, &call, err);
	if (rc < 0)
		return rc;
	log_debug("%s %s over \"%s\": %ld, %zu bytes in %lld us", method, path, socket,
		  call.reply.status, call.reply.size, (long long)(clock_us() - start_us));
	*ret = call.reply;
	call.reply = (struct api_reply){.status = 0};
	return 0;
}

int api_call(const char *socket, const char *method, const char *path, const char *body,
	     struct api_reply *ret, struct error *err)
{
	return api_call_within(API_CALL_MS, socket, method, path, body, ret, err);
}

int api_reply_expect(const struct api_reply *reply, long status, struct error *err)
{
	_cleanup_json_ json_t *root = NULL;
	const char *message;

	if (reply->status == status)
		return 0;
	root = json_loadb(reply->body, reply->size, 0, NULL);
	message = json_string_value(json_object_get(root, "message"));
	if (!message)
		return err_say(err, EPROTO, "the server answered HTTP status %ld", reply->status);
	return err_say(err, EPROTO, "%s (HTTP status %ld)", message, reply->status);
}
