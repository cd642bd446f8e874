/* SPDX-License-Identifier: Apache-2.0 */
#include "fauxroot/sys/memory.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/macro.h"

/* With text relocations the dynamic linker has modified the code, so its pages differ from the
 * file. */
static bool has_text_relocations(const struct dl_phdr_info *object, const ElfW(Phdr) * dynamic)
{
	const ElfW(Dyn) *at = (const ElfW(Dyn) *)(object->dlpi_addr + dynamic->p_vaddr);

	for (; at->d_tag != DT_NULL; at++)
		if (at->d_tag == DT_TEXTREL ||
		    (at->d_tag == DT_FLAGS && at->d_un.d_val & DF_TEXTREL))
			return true;
	return false;
}

/* Room for the read-only segments of the executable (three), libc, the dynamic linker and the
 * vdso. */
#define MAX_SEGMENTS 16

struct segments {
	uintptr_t page;
	size_t n;
	struct {
		uintptr_t begin, end;
	} at[MAX_SEGMENTS];
};

static int find_segments(struct dl_phdr_info *object, size_t size, void *arg)
{
	struct segments *found = arg;

	(void)size;
	for (unsigned i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_DYNAMIC &&
		    has_text_relocations(object, &object->dlpi_phdr[i]))
			return 0;
	for (unsigned i = 0; i < object->dlpi_phnum && found->n < MAX_SEGMENTS; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t begin = object->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		found->at[found->n].begin = begin & -found->page;
		found->at[found->n++].end =
			(begin + segment->p_filesz + found->page - 1) & -found->page;
	}
	return 0;
}

/* Find all segments first: code that runs between two calls of madvise(2) is mapped again. */
static void find_code(struct segments *ret)
{
	ret->page = (uintptr_t)sysconf(_SC_PAGESIZE);
	ret->n = 0;
	if (!log_enabled(LOG_LEVEL_DEBUG))
		dl_iterate_phdr(find_segments, ret);
}

void memory_release_code(void)
{
	struct segments found;

	find_code(&found);
	for (size_t i = 0; i < found.n; i++)
		/* If it is refused (for the vdso), the segment stays mapped. */
		(void)madvise((void *)found.at[i].begin, found.at[i].end - found.at[i].begin,
			      MADV_DONTNEED);
}

/* The calls are by pointer, because the linker's table of jumps is elsewhere in the code: a call
 * through it would map that part again. */
int memory_sleep(struct pollfd *fds, nfds_t n)
{
	int (*volatile const unmap)(void *, size_t, int) = madvise;
	int (*volatile const wait)(struct pollfd *, nfds_t, int) = poll;
	struct segments found;

	find_code(&found);
	for (size_t i = 0; i < found.n; i++)
		(void)unmap((void *)found.at[i].begin, found.at[i].end - found.at[i].begin,
			    MADV_DONTNEED);
	return wait(fds, n, -1);
}
