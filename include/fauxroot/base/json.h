/* SPDX-License-Identifier: Apache-2.0 */
/* Clean-up of jansson values, for all rooms that use them. */
#pragma once

#include <jansson.h>

#include "fauxroot/base/macro.h"

static inline void json_cleanup(json_t **value)
{
	json_decref(*value);
}

#define _cleanup_json_ _cleanup_(json_cleanup)
