/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner may do in the target's mount namespace: a filter is loaded after it has joined
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#define FLAGS                                                                          \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWCGROUP | \
	 CLONE_NEWUTS | CLONE_NEWIPC)

#include "netns_fixture.h"

/* The ways in which code was loaded in a runner. */
struct code {
	bool executed, executed_at, mapped, protected_so, attached, data;
};

/* Every way in which a file of the target could become our code. */
static int become_code(void *arg, struct error *err)
{
	struct code *code = arg;
	char *argv[] = {(char *)"true", NULL}, *envp[] = {NULL};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *data;
	int shm, self;

	(void)err;
	self = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	code->executed_at =
		syscall(SYS_execveat, self, "", argv, envp, AT_EMPTY_PATH | 0x10000) == 0 ||
		errno != EPERM;
	(void)execve("/nonexistent", argv, envp);
	code->executed = errno != EPERM;
	code->mapped = mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0) != MAP_FAILED ||
		       errno != EPERM;
	data = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	code->data = data != MAP_FAILED && mprotect(data, page, PROT_READ) == 0;
	code->protected_so = mprotect(data, page, PROT_READ | PROT_EXEC) == 0 || errno != EPERM;
	shm = shmget(IPC_PRIVATE, page, IPC_CREAT | 0700);
	code->attached = shmat(shm, NULL, SHM_EXEC) != (void *)-1 || errno != EPERM;
	shmctl(shm, IPC_RMID, NULL);
	return 0;
}

static void a_runner_cannot_load_the_targets_code(void **state)
{
	struct fixture *f = *state;
	struct code code = {0};
	struct ns_job job = {
		.name = "code",
		.run = become_code,
		.arg = &code,
		.out = &code,
		.out_size = sizeof(code),
	};
	struct deadline deadline = deadline_in(60000);
	struct error err = {0};

	for (int i = 0; i < 3; i++) {
		job.which = i == 0 ? NS_JOIN_NET : i == 1 ? NS_JOIN_MNT : NS_JOIN_ALL;
		if (ns_run(&f->ns, &job, &deadline, -1, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(code.data);
		assert_int_equal(code.executed, i == 0);
		assert_int_equal(code.executed_at, i == 0);
		assert_int_equal(code.mapped, i == 0);
		assert_int_equal(code.protected_so, i == 0);
		assert_int_equal(code.attached, i == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_runner_cannot_load_the_targets_code, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
