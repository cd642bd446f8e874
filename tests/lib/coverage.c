/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Linked to the unit tests of a build for gcov (COVERAGE=1). gcov writes its counters in exit(3).
 * Forked processes end with _exit(2), so their counters would be lost. The linker leads _exit()
 * here (ld --wrap), and the counters are written first.
 *
 * A seccomp filter would kill a process that opens the files of gcov. So the counters are written
 * when the filter is loaded, and not again.
 */
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
_Noreturn void __wrap__exit(int status);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

static bool confined;

void __wrap__exit(int status)
{
	if (!confined)
		__gcov_dump();
	__real__exit(status);
}

/* syscall(2) is variadic, with arguments in registers: those that the caller has not passed are
 * undefined, and the kernel ignores them. */
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == SYS_seccomp && a == SECCOMP_SET_MODE_FILTER && !confined) {
		confined = true;
		__gcov_dump();
	}
	return __real_syscall(number, a, b, c, d, e, f);
}
