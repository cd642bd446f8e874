/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of causes, one file for each part. For one error, specific rows come before general
 * rows.
 *
 * A cause names the file that was read and its value. A remedy is a command to paste, or a setting
 * with its name; alternatives are on lines of their own. A command that needs root begins with
 * sudo.
 */
#include "../cause.h"

const struct cause_part *cause_parts(void)
{
	static const struct cause_part parts[] = {
		{"Creating the namespaces", causes_of_namespaces},
		{"Processes, descriptors, PATH", causes_of_limits},
		{"Mapping ids", causes_of_mappers},
		{"Subordinate ids", causes_of_ranges},
		{"Network acceleration", causes_of_acceleration},
		{"Confinement", causes_of_confinement},
		{"The state directory and --copy-up", causes_of_the_state_dir},
		{"Devices and network helpers", causes_of_networks},
		{"The cgroup", causes_of_cgroups},
		{"Published ports", causes_of_ports},
		{"The command", causes_of_the_target},
		{"Warnings, most of them by --check", causes_of_the_preflight},
		{NULL, NULL},
	};

	return parts;
}

const struct cause *cause_next(struct cause_walk *walk)
{
	if (!walk->part) {
		walk->part = cause_parts();
		walk->row = walk->part->rows;
	}
	while (walk->part->title && !walk->row->cause) {
		walk->part++;
		walk->row = walk->part->rows;
	}
	return walk->part->title ? walk->row++ : NULL;
}
