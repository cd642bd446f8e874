/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The original is bound recursively on .roXXXXXX in the tmpfs. The place still is the original, but
 * a recursive bind of it would include the tmpfs that now covers it. So the tmpfs is unbindable
 * during the bind (man 7 mount_namespaces), which excludes it.
 *
 * The original keeps its own flags: /run/user/UID, the state directory and other mounts below stay
 * writable, and shared with the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copyup.h"
#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/parse.h"
#include "fauxroot/base/str.h"
#include "fauxroot/sys/mount.h"

int copy_cannot_read(const char *doing, const char *path, int errnum, struct error *err)
{
	return err_about(err, err_set(err, errnum, "%s %s to copy it up", doing, path),
			 REASON_COPY_UP, "%s", path);
}

/*
 * The id that the kernel shows for an unmapped one. An original that really belongs to the user
 * with this number also gets owner 0, which is harmless.
 */
static uint32_t overflow_id(const char *file)
{
	_cleanup_free_ char *text = NULL;
	uint32_t id = 65534;

	if (file_read_bounded(AT_FDCWD, file, 32, &text, NULL) == 0) {
		text[strcspn(text, "\n")] = '\0';
		(void)parse_u32(text, UINT32_MAX, &id);
	}
	return id;
}

struct overflow_ids overflow_ids_read(void)
{
	return (struct overflow_ids){
		.uid = overflow_id("/proc/sys/kernel/overflowuid"),
		.gid = overflow_id("/proc/sys/kernel/overflowgid"),
	};
}

/* Choose a name that no entry of the original has. */
static int choose_name(int original, char name[static ORIGINAL_NAME_SIZE])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char random[6];
	struct stat st;

	do {
		if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return -errno;
		str_print(name, ORIGINAL_NAME_SIZE, ".ro");
		for (size_t i = 0; i < sizeof(random); i++)
			name[3 + i] = letters[random[i] % (sizeof(letters) - 1)];
		name[3 + sizeof(random)] = '\0';
	} while (fstatat(original, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
	return 0;
}

int copy_bind_original(struct copy *copy, struct error *err)
{
	_cleanup_close_ int place = -1;
	char name[ORIGINAL_NAME_SIZE];
	int rc;

	if (*copy->original_name)
		return 0;
	rc = choose_name(copy->original, name);
	if (rc == 0 && mkdirat(copy->cover, name, 0700) < 0)
		rc = -errno;
	if (rc < 0)
		return err_set(err, -rc, "creating %s/.roXXXXXX", copy->path);
	place = place_open_at(copy->cover, name);
	rc = place < 0 ? place : mount_propagation(copy->cover, MS_UNBINDABLE);
	if (rc == 0)
		rc = mount_bind(copy->original, place);
	/* Private again: the bind of a parent directory must include it. */
	if (rc == 0)
		rc = mount_propagation(copy->cover, MS_PRIVATE);
	if (rc < 0)
		return err_set(err, -rc, "binding %s on %s/%s", copy->path, copy->path, name);
	memcpy(copy->original_name, name, sizeof(name));
	return 0;
}
