/* SPDX-License-Identifier: Apache-2.0 */
/* fauxrootctl info */
#include <errno.h>

#include "ctl_ask.h"
#include "ctl_table.h"
#include "fauxroot/api/client.h"
#include "fauxroot/api/info.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

/* "[a b]", the format of Go for a slice. */
static void print_list(const char *title, const struct strv *v)
{
	printf("  - %s: [", title);
	for (size_t i = 0; i < v->n; i++) {
		str_printable(v->items[i]);
		printf("%s%s", i > 0 ? " " : "", v->items[i]);
	}
	fputs("]\n", stdout);
}

/* A server's text must not contain control sequences for the terminal. */
static void print_line(const char *title, char *value)
{
	str_printable(value);
	printf("- %s: %s\n", title, value);
}

static void print_accel(struct api_info *info)
{
	str_printable(info->accel_mode);
	printf("  - Acceleration: %s%s, %llu connections switched, %llu left alone (%llu failed), "
	       "%llu restarts\n",
	       info->accel_mode, info->accel_on ? "" : " (off)",
	       (unsigned long long)info->accel_switched, (unsigned long long)info->accel_left,
	       (unsigned long long)info->accel_failed, (unsigned long long)info->accel_restarts);
}

static void print_info(struct api_info *info)
{
	print_line("REST API version", info->api_version);
	print_line("Implementation version", info->version);
	print_line("State Directory", info->state_dir);
	if (info->name)
		print_line("Name", info->name);
	printf("- Child PID: %d\n", info->child_pid);
	if (info->net_driver) {
		print_line("Network Driver", info->net_driver);
		print_list("DNS", &info->net_dns);
		if (info->net_child_ip) {
			str_printable(info->net_child_ip);
			printf("  - IP: %s\n", info->net_child_ip);
		}
		if (info->accel_mode)
			print_accel(info);
	}
	if (info->port_driver) {
		print_line("Port Driver", info->port_driver);
		print_list("Supported protocols", &info->port_protos);
	}
}

int ctl_info(struct ctl *ctl, struct error *err)
{
	_cleanup_api_reply_ struct api_reply reply = {.status = 0};
	_cleanup_api_info_ struct api_info info = {.child_pid = 0};
	_cleanup_free_ char *text = NULL;
	int rc = ctl_ask(ctl, "GET", "/v1/info", NULL, 200, &reply, err);

	if (rc == 0)
		rc = api_info_decode(reply.body, reply.size, &info, err);
	if (rc < 0)
		return rc;
	if (!ctl->json) {
		print_info(&info);
		return 0;
	}
	text = api_info_encode(&info, 4);
	if (!text)
		return err_set(err, ENOMEM, "printing the answer");
	puts(text);
	return 0;
}
