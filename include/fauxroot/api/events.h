/* SPDX-License-Identifier: Apache-2.0 */
/* The events that GET /v1/events reports, and their JSON. */
#pragma once

struct api_port;
struct error;
struct strv;

enum api_event_type {
	API_EVENT_PUBLISHED = 0,   /* .port */
	API_EVENT_REMOVED,	   /* .port */
	API_EVENT_HOST_PORT_ADDED, /* .port: a service of the host */
	API_EVENT_HOST_PORT_REMOVED,
	API_EVENT_HELPER_DIED,	    /* .helper, .reason */
	API_EVENT_HELPER_RESTARTED, /* .helper */
	API_EVENT_NETWORK_DOWN,	    /* until NETWORK_UP */
	API_EVENT_NETWORK_UP,
	API_EVENT_NAMES_CHANGED, /* .dns; may be NULL */
	API_EVENT_EXIT,		 /* .status; .reason, or NULL if the command has exited by itself */
	API_EVENT_COUNT_
};

/* An event that happens now. Only the members that its type names are used. */
struct api_event {
	enum api_event_type type;
	const struct api_port *port;
	const char *helper;	/* "port forwarder" */
	const char *reason;	/* for people: "signal 9 (Killed)" */
	const struct strv *dns; /* addresses of the name servers from now on */
	int status;		/* the launcher's exit status */
};

/* api_event_encode() - {"time":…,"event":"published",…} in one line that ends in a newline. Returns
 * a new string, or NULL when out of memory. */
char *api_event_encode(const struct api_event *event);
