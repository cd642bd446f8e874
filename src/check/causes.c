/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of causes, one part a file. For one error the rows stand from the particular to the
 * general.
 *
 * A cause names the file that was read and its value; a remedy is a command to paste, or the
 * setting with its name. Where root is needed the command says sudo.
 */
#include "cause.h"

const struct cause *cause_at(size_t i)
{
	static const struct cause *const parts[] = {
		causes_of_namespaces,	 causes_of_ids,	  causes_of_confinement,
		causes_of_the_host,	 causes_of_ports, causes_of_the_target,
		causes_of_the_preflight,
	};

	for (size_t part = 0; part < ARRAY_SIZE(parts); part++)
		for (const struct cause *cause = parts[part]; cause->cause; cause++)
			if (i-- == 0)
				return cause;
	return NULL;
}
