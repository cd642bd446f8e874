# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For tests of networks with helper programs.

# pasta_of PID - print the PID of its child that is pasta. The name of the process differs: pasta executes a
# variant of itself for the processor.
pasta_of() {
	local pid _
	for _ in 1 2 3; do
		while read -r pid; do
			if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- ' --ns-ifname ' && alive "$pid"; then
				echo "$pid"
				return 0
			fi
		done < <(cat "/proc/$1/task/"*/children | tr ' ' '\n') 2>/dev/null
	done 2>/dev/null
	return 1
}
