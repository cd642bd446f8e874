/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's configuration, from a text or from the compressed /proc/config.gz, which is read
 * only after a failure. It is read by gzip(1), which is installed everywhere: with a library, every
 * launch would have to load it.
 */
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "probe.h"

/* The configuration of a distribution has 300 KiB. */
#define KERNEL_CONFIG_MAX (4U << 20)

#define GZIP_MS 10000

bool kernel_config_lacks(const char *text, const char *option)
{
	struct cursor c = cursor_of(text), line;

	while (cursor_line(&c, &line))
		if (cursor_word(&line, "# ") && cursor_word(&line, option) &&
		    cursor_word(&line, " is not set"))
			return true;
	return false;
}

char *kernel_config_read(int cancel_fd)
{
	static const char path[] = "/proc/config.gz";
	const char *argv[] = {"gzip", "-dc", path, NULL};
	struct deadline deadline = deadline_in(GZIP_MS);
	struct helper gzip = HELPER_NONE;
	_cleanup_close_ int text = -1;
	char *config = NULL;
	int status;

	if (access(path, R_OK) < 0)
		return NULL;
	text = fd_memory("config");
	if (text >= 0 &&
	    helper_start(&gzip,
			 &(struct helper_spec){.argv = argv, .role = argv[0], .stdout_to = text},
			 NULL) == 0 &&
	    helper_finish(&gzip, 1, &deadline, cancel_fd, &status, NULL) == 0 && status == 0 &&
	    lseek(text, 0, SEEK_SET) == 0)
		(void)fd_read_bounded(text, KERNEL_CONFIG_MAX, &config, NULL);
	helper_stop(&gzip);
	return config;
}
