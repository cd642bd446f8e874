/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/caps.h"

#include <errno.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "fauxroot/base/err.h"

static void free_caps(cap_t *caps)
{
	if (*caps)
		cap_free(*caps);
}

bool caps_can_write_maps(void)
{
	static const cap_value_t needed[] = {CAP_SETUID, CAP_SETGID, CAP_SETFCAP};
	_cleanup_(free_caps) cap_t caps = cap_get_proc();

	if (!caps)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		cap_flag_value_t set;

		if (cap_get_flag(caps, needed[i], CAP_EFFECTIVE, &set) < 0 || set != CAP_SET)
			return false;
	}
	return true;
}

int caps_clear_passed_on(struct error *err)
{
	_cleanup_(free_caps) cap_t caps = cap_get_proc();

	if (!caps)
		return err_set(err, errno, "reading our capabilities");
	if (cap_clear_flag(caps, CAP_INHERITABLE) < 0 || cap_set_proc(caps) < 0)
		return err_set(err, errno, "clearing the inheritable capabilities");
	/* EINVAL: this kernel has no ambient set, so there is nothing to clear. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return err_set(err, errno, "clearing the ambient capabilities");
	return 0;
}

bool caps_use_bind(bool wanted)
{
	static const cap_value_t bind = CAP_NET_BIND_SERVICE;
	_cleanup_(free_caps) cap_t caps = cap_get_proc();
	cap_flag_value_t was = CAP_CLEAR;

	if (!caps || cap_get_flag(caps, bind, CAP_EFFECTIVE, &was) < 0)
		return false;
	if (cap_set_flag(caps, CAP_EFFECTIVE, 1, &bind, wanted ? CAP_SET : CAP_CLEAR) == 0)
		(void)cap_set_proc(caps); /* refused if it is not permitted: nothing changes */
	return was == CAP_SET;
}
