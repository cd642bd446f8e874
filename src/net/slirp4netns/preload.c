/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The object that slirp4netns loads with --disable-host-loopback (preload/preload.c) is part of our
 * executable: no file must be installed or found, and its version always matches. slirp4netns
 * inherits it as a file in memory, under the same descriptor number, and loads it by the path
 * /proc/self/fd/N.
 *
 * The loaders of musl and glibc take a path in LD_PRELOAD. They ignore it for AT_SECURE programs
 * (man 3 getauxval), but slirp4netns gains no privileges when it is executed. The object confirms
 * on ready-fd that it is loaded.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "preload/preload.h"
#include "slirp4netns.h"

/* The Makefile passes the file's directory to the assembler. */
__asm__(".pushsection .rodata.preload_object,\"a\"\n"
	".global preload_object, preload_object_size\n"
	".hidden preload_object, preload_object_size\n"
	".balign 16\n"
	"preload_object:\n"
	".incbin \"preload.so\"\n"
	"1:\n"
	".balign 4\n"
	"preload_object_size:\n"
	".long 1b - preload_object\n"
	".popsection\n");

extern const unsigned char preload_object[] __attribute__((visibility("hidden")));
extern const uint32_t preload_object_size __attribute__((visibility("hidden")));

int slirp_preload_open(int *ret)
{
	/* A library is mapped, not executed: it needs no x bit. */
	_cleanup_close_ int fd = fd_memory("fauxroot-preload");
	int rc;

	if (fd < 0)
		return fd;
	rc = fd_write_all(fd, preload_object, preload_object_size);
	if (rc < 0)
		return rc;
	*ret = TAKE_FD(fd);
	return 0;
}

int slirp_preload_env(int preload, int ready, struct strv *env)
{
	const char *theirs = getenv("LD_PRELOAD");
	int rc;

	if (preload < 0)
		return 0;
	rc = strv_addf(env, "LD_PRELOAD=/proc/self/fd/%d%s%s", preload, theirs ? ":" : "",
		       theirs ? theirs : "");
	if (rc == 0)
		rc = strv_addf(env, PRELOAD_READY_FD "=%d", ready);
	return rc;
}
