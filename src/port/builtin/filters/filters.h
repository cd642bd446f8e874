/* SPDX-License-Identifier: Apache-2.0 */
/* What the maker of the seccomp filters (filters.c) and who loads them (confine.c) agree upon. */
#pragma once

/* What stands for the process's own PID, which who loads a filter puts in: no PID (they end at 1 <<
 * 22) and no system call. */
#define FILTER_OWN_PID 0x7fffff0f

/* SANITIZED: is this built with a sanitizer whose runtime has needs of its own? */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif
