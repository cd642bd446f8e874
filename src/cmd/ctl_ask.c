/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl_ask.h"

#include "ctl_instance.h"
#include "fauxroot/api/client.h"
#include "fauxroot/base/macro.h"

int ctl_ask(const struct ctl *ctl, const char *method, const char *path, const char *body,
	    long status, struct api_reply *ret, struct error *err)
{
	_cleanup_free_ char *socket = NULL;
	int rc = ctl_socket(ctl, &socket, err);

	if (rc == 0)
		rc = api_call(socket, method, path, body, ret, err);
	if (rc == 0)
		rc = api_reply_expect(ret, status, err);
	return rc;
}
