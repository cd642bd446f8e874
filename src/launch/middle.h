/* SPDX-License-Identifier: Apache-2.0 */
/* The middle process's part of the launch: from the first clone to the child's id maps. */
#pragma once

#include "fauxroot/base/macro.h"

struct error;
struct launch;

/*
 * middle_main() - run the middle process's stages; the child that it clones continues in
 * child_main()
 * @child_flags: CLONE_NEW… flags for the child
 */
_noreturn_ void middle_main(struct launch *l, unsigned long child_flags);

/* The middle process's stages: launch/stages.h describes each. Each function has the form of struct
 * stage.run. */
int middle_await_maps(struct launch *l, struct error *err);
int middle_clone_child(struct launch *l, struct error *err);
int middle_map_child(struct launch *l, struct error *err);
