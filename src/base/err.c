/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fauxroot/base/str.h"

/* An errno that a careless caller passed as 0 or negative must still read as a failure. */
static int sane(int errnum)
{
	return errnum > 0 ? errnum : EIO;
}

int err_set(struct error *err, int errnum, const char *fmt, ...)
{
	va_list ap;
	size_t used;
	int n;

	errnum = sane(errnum);
	if (!err)
		return -errnum;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	used = n < 0 ? 0 : MIN((size_t)n, sizeof(err->text) - 1);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(errnum));
	err->code = errnum;
	err->step = STEP_NONE;
	return -errnum;
}

int err_say(struct error *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	errnum = sane(errnum);
	if (!err)
		return -errnum;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	err->code = errnum;
	err->step = STEP_NONE;
	return -errnum;
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
	/* What does not fit is cut off. */
	(void)str_print(err->text + used, sizeof(err->text) - used, ": %s", inner);
	return rc;
}

int err_step(struct error *err, int rc, enum error_step step)
{
	if (err && rc < 0 && err->step == STEP_NONE)
		err->step = step;
	return rc;
}
