/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl_ask.h"

#include <errno.h>
#include <stdlib.h>

#include "ctl_table.h"
#include "fauxroot/api/client.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/str.h"

int ctl_socket(const struct ctl *ctl, char **ret, struct error *err)
{
	const char *state_dir = getenv("ROOTLESSKIT_STATE_DIR");

	if (!ctl->socket && !(state_dir && *state_dir))
		return err_say(err, EINVAL,
			       "which instance? Give --socket or set ROOTLESSKIT_STATE_DIR");
	*ret = ctl->socket ? strdup(ctl->socket) : str_format("%s/api.sock", state_dir);
	return *ret ? 0 : err_set(err, ENOMEM, "finding the socket");
}

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
