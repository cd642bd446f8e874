/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel of before Linux 6.5, for those who ask for SO_PEERPIDFD. For inclusion after cmocka.h.
 */
#pragma once

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "fauxroot/base/fd.h"

/* SO_PEERPIDFD, which older headers lack. */
#if defined(__hppa__)
#define PEERPIDFD 0x404B
#elif defined(__sparc__)
#define PEERPIDFD 0x0056
#else
#define PEERPIDFD 77
#endif

/* lose_so_peerpidfd() - from here on, in this process and all that it starts */
static inline void lose_so_peerpidfd(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int pair[2], pidfd;
	socklen_t size = sizeof(pidfd);

	assert_non_null(filter);
	assert_int_equal(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOPROTOOPT), SCMP_SYS(getsockopt),
					  1, SCMP_A2(SCMP_CMP_EQ, PEERPIDFD, 0)),
			 0);
	assert_int_equal(seccomp_load(filter), 0);
	seccomp_release(filter);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(getsockopt(pair[0], SOL_SOCKET, PEERPIDFD, &pidfd, &size), -1);
	assert_int_equal(errno, ENOPROTOOPT);
	fd_close(pair[0]);
	fd_close(pair[1]);
}
