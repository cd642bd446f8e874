/* SPDX-License-Identifier: Apache-2.0 */
/* Private to idmap/: the reason behind an error message of newuidmap(1) or newgidmap(1). */
#pragma once

#include "fauxroot/base/err.h"

/*
 * complaint_reason() - why newuidmap(1) or newgidmap(1) failed, determined from its output
 * @text: its output, in English
 *
 * Returns one of the reasons about id maps, or REASON_DIED for every other failure.
 */
enum error_reason complaint_reason(const char *text);
