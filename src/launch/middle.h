/* SPDX-License-Identifier: Apache-2.0 */
/* The middle process's column of the launch: from the first clone to the second. */
#pragma once

#include "fauxroot/base/macro.h"

struct error;
struct launch;

/*
 * middle_main() - runs in the middle user namespace; the child that it clones goes on in
 * child_main()
 * @child_flags: CLONE_NEW… of the child
 */
_noreturn_ void middle_main(struct launch *l, unsigned long child_flags);

/* Its stages, each of the form of struct stage.run */
int middle_await_maps(struct launch *l, struct error *err);
int middle_clone_child(struct launch *l, struct error *err);
int middle_map_child(struct launch *l, struct error *err);
