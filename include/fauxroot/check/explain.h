/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a launch failed on this machine, and what mends it. One table of causes; the launcher prints
 * what matches its error, and --check will ask the same rows in advance.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct config;
struct error;

/*
 * struct machine - where the facts are read
 * @root: "" for this machine; another directory holds fabricated proc/, sys/ and etc/ for tests
 */
struct machine {
	const char *root;
};

struct explanation {
	char cause[512];   /* what was read, with its value */
	char remedy[1024]; /* lines ready to paste */
};

/*
 * explain() - the cause and the remedy of the failure @err
 *
 * Returns true where one is known.
 */
bool explain(const struct error *err, const struct config *config, const struct machine *machine,
	     struct explanation *ret);
