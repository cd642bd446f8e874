/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fauxroot/base/str.h"

/* A caller may pass 0 or a negative errno by mistake: the result must still be a failure. */
static int positive_errno(int errnum)
{
	return errnum > 0 ? errnum : EIO;
}

/* Drop the facts of an earlier failure: they are wrong for the new one. */
static int start_new(struct error *err, int errnum)
{
	err->code = errnum;
	err->step = STEP_NONE;
	err->reason = REASON_NONE;
	err->about[0] = '\0';
	return -errnum;
}

static int set(struct error *err, int errnum, const char *fmt, va_list ap)
{
	size_t used;
	int n;

	errnum = positive_errno(errnum);
	if (!err)
		return -errnum;
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	used = n < 0 ? 0 : MIN((size_t)n, sizeof(err->text) - 1);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(errnum));
	return start_new(err, errnum);
}

int err_set(struct error *err, int errnum, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = set(err, errnum, fmt, ap);
	va_end(ap);
	return rc;
}

int err_file(struct error *err, int errnum, const char *path, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = set(err, errnum, fmt, ap);
	va_end(ap);
	return err_about(err, rc, REASON_FILE, "%s", *path == '/' ? path : "");
}

int err_say(struct error *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	errnum = positive_errno(errnum);
	if (!err)
		return -errnum;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return start_new(err, errnum);
}

int err_wrap(struct error *err, int rc, const char *fmt, ...)
{
	char inner[sizeof(err->text)];
	va_list ap;
	size_t used;
	int n;

	if (!err)
		return rc;
	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = n < 0 ? 0 : MIN((size_t)n, sizeof(err->text) - 1);
	/* A longer text is truncated. */
	(void)str_print(err->text + used, sizeof(err->text) - used, ": %s", inner);
	return rc;
}

int err_step(struct error *err, int rc, enum error_step step)
{
	if (err && rc < 0 && err->step == STEP_NONE)
		err->step = step;
	return rc;
}

int err_about(struct error *err, int rc, enum error_reason reason, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!err || rc >= 0)
		return rc;
	if (err->reason != REASON_NONE && (err->reason != reason || *err->about))
		return rc;
	err->reason = reason;
	va_start(ap, fmt);
	n = vsnprintf(err->about, sizeof(err->about), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(err->about))
		err->about[0] = '\0';
	return rc;
}

int err_reason(struct error *err, int rc, enum error_reason reason)
{
	return err_about(err, rc, reason, "%s", "");
}

int err_check_received(struct error *err)
{
	/* MAX_ERRNO of the kernel's include/linux/err.h */
	if (err->code <= 0 || err->code > 4095)
		err->code = EIO;
	if ((unsigned)err->step >= STEP_COUNT_)
		err->step = STEP_NONE;
	if ((unsigned)err->reason >= REASON_COUNT_)
		err->reason = REASON_NONE;
	err->about[sizeof(err->about) - 1] = '\0';
	err->text[sizeof(err->text) - 1] = '\0';
	if (err->reason == REASON_NONE)
		err->about[0] = '\0';
	return -err->code;
}
