/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes that release a variable's resource when the variable leaves its scope, and macros that
 * pass a resource on. Every resource has one owner; TAKE_FD() and TAKE_PTR() move the ownership.
 */
#pragma once

#include <stdlib.h>

#define _printf_(fmt, args)  __attribute__((format(printf, fmt, args)))
#define _cleanup_(f)	     __attribute__((cleanup(f)))
#define _warn_unused_result_ __attribute__((warn_unused_result))
#define _noreturn_	     __attribute__((noreturn))

/* gcc and clang report AddressSanitizer in different ways. */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef WITH_ADDRESS_SANITIZER
#define WITH_ADDRESS_SANITIZER 0
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

/* The value of @p; @p becomes NULL. Ownership moves to the reader of the value. */
#define TAKE_PTR(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

#define _cleanup_free_ _cleanup_(free_ptr)

/* SANITIZED: 1 if built with a sanitizer whose runtime makes calls of its own. */
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
