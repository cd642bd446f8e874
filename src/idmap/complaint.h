/* SPDX-License-Identifier: Apache-2.0 */
/* Private to idmap/: what newuidmap(1) and newgidmap(1) print when they fail, as a reason. */
#pragma once

#include "fauxroot/base/err.h"

/*
 * complaint_reason() - why newuidmap(1) or newgidmap(1) failed, by what it printed
 * @text: its output, in English
 *
 * Returns one of the reasons about id maps, or REASON_DIED for every other failure.
 */
enum error_reason complaint_reason(const char *text);
