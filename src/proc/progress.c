/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/proc/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "fauxroot/base/str.h"

struct progress *progress_new(void)
{
	struct progress *progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	/* cppcheck-suppress memleak */
	return progress == MAP_FAILED ? NULL : progress;
}

void progress_free(struct progress *progress)
{
	if (progress)
		munmap(progress, sizeof(*progress));
}

void progress_at(struct progress *progress, const char *fmt, ...)
{
	va_list ap;

	if (!progress)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(progress->at, sizeof(progress->at), fmt, ap);
	va_end(ap);
	atomic_fetch_add(&progress->steps, 1);
}

const char *progress_text(const struct progress *progress, char buf[static PROGRESS_TEXT])
{
	/* The child may write at the same time. */
	memcpy(buf, progress->at, PROGRESS_TEXT);
	buf[PROGRESS_TEXT - 1] = '\0';
	str_printable(buf);
	return buf;
}
