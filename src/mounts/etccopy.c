/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A bind mount shows an inode: the child would not see a file that is renamed over ours in the
 * state directory. So the files are written again in place. They are small; a reader in between
 * sees the new text, at worst with the end of the old one.
 *
 * The command may write to these files. Then their contents differ from the text that we have
 * written, and we never write to them again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/mounts/etcfiles.h"

/* FNV-1a, 64 bits. The command can forge it, but that only affects its own files. */
static uint64_t sum_of(const char *data, size_t size)
{
	uint64_t sum = 0xcbf29ce484222325U;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ (unsigned char)data[i]) * 0x100000001b3U;
	return sum;
}

int etccopy_open(int dir, const char *name, const char *text, size_t size, struct etccopy *ret)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	*ret = (struct etccopy){.fd = fd, .size = size, .sum = sum_of(text, size)};
	return 0;
}

/* Does the file still have the text that we have written? Returns 1, 0 or -errno. */
static int is_ours(const struct etccopy *copy)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int rc = 0;

	if (copy->unfinished)
		return 1;
	if (lseek(copy->fd, 0, SEEK_SET) < 0)
		return -errno;
	rc = fd_read_bounded(copy->fd, copy->size, &text, &size);
	if (rc < 0)
		return rc == -EFBIG ? 0 : rc;
	return size == copy->size && sum_of(text, size) == copy->sum;
}

int etccopy_renew(struct etccopy *copy, const char *text, size_t size)
{
	uint64_t sum = sum_of(text, size);
	int ours;
	ssize_t n;

	if (!copy->unfinished && copy->size == size && copy->sum == sum)
		return 0;
	ours = is_ours(copy);
	if (ours <= 0)
		return ours < 0 ? ours : -ESTALE;
	n = pwrite(copy->fd, text, size, 0);
	copy->unfinished = n < 0 || (size_t)n < size || ftruncate(copy->fd, (off_t)size) < 0;
	if (copy->unfinished)
		return n < 0 ? -errno : -ENOSPC;
	copy->size = size;
	copy->sum = sum;
	return 1;
}

void etccopy_close(struct etccopy *copy)
{
	copy->fd = fd_close(copy->fd);
}
