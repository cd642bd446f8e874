/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp filters that were made when fauxroot was built (man 2 seccomp): src/sys/seccomp/filters.
 */
#pragma once

/*
 * Where the forwarder's memory with the addresses is that it may connect to (port/builtin's
 * destinations.c), which its filter knows: below all else, from an address on that is a multiple of
 * its size. One address in so many bytes.
 */
#define DESTINATIONS_BASE  0x100000U
#define DESTINATIONS_BYTES 0x100000U
#define DESTINATION_BYTES  32U

struct error;
struct sock_filter;

/*
 * filter_load() - put a filter on all threads of the process, none of which may have another
 * @made, @end: as src/sys/seccomp/filters has written it
 *
 * Sets no_new_privs. Returns 0 or -errno.
 */
int filter_load(const struct sock_filter *made, const struct sock_filter *end, struct error *err);

/*
 * filter_refuse_code() - from now on, no program is executed and no memory becomes executable
 *
 * execve(2), execveat(2), and mmap(2), mprotect(2), shmat(2) with executable memory are EPERM, so
 * that nothing is loaded that a path leads to, not by the C library either. For a process that sees
 * files which others have made and that has more privileges than they. Returns 0 or -errno.
 */
int filter_refuse_code(struct error *err);
