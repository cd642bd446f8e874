/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * newuidmap(1) uses the source that "subid:" in nsswitch.conf names: the files, or a libsubid
 * plugin of sssd or FreeIPA. getsubids(1) prints the ranges of the same source. But the two
 * processes for it would make a launch 50% longer. So getsubids only runs if nsswitch.conf names a
 * plugin, or if the user requests it.
 *
 * The login name is read from /etc/passwd if the uid is there. This does not load the name service,
 * and saves a tenth of a millisecond of a launch of two. The name service is used only for other
 * uids (LDAP). For a uid without a name, as some container platforms assign, the lines with its
 * number are used.
 */
#include "subid_load.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fauxroot/base/err.h"
#include "fauxroot/base/fd.h"
#include "fauxroot/base/log.h"
#include "fauxroot/base/spawn.h"
#include "fauxroot/base/str.h"
#include "fauxroot/machine/accounts.h"
#include "fauxroot/machine/machine.h"

#define MAX_OUTPUT (1U << 20)

static const char *const files[SUBID_KINDS_] = {
	[SUBID_UID] = "/etc/subuid",
	[SUBID_GID] = "/etc/subgid",
};

static const char *const kind_words[SUBID_KINDS_] = {
	[SUBID_UID] = "user",
	[SUBID_GID] = "group",
};

/* The user whose ranges are searched, in the forms that the sources use. */
struct owner {
	char *name; /* NULL: none */
	uid_t uid;
	char words[300]; /* for errors: 'user "alice" (uid 1000)' */
};

static void owner_clear(struct owner *owner)
{
	free(owner->name);
}

static void find_owner(const struct machine *machine, uid_t uid, struct owner *ret)
{
	ret->uid = uid;
	ret->name = machine_name(machine, uid);
	if (ret->name)
		(void)str_print(ret->words, sizeof(ret->words), "user \"%s\" (uid %u)", ret->name,
				(unsigned)uid);
	else
		(void)str_print(ret->words, sizeof(ret->words), "uid %u (no login name)",
				(unsigned)uid);
}

static int load_file(const struct machine *machine, enum subid_kind kind, const struct owner *owner,
		     struct subid_ranges *ret, struct error *err)
{
	const char *path = files[kind];
	_cleanup_subid_ranges_ struct subid_ranges ranges = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;
	int rc = machine_load(machine, path, &text, &size);

	if (rc == -ENOENT)
		return err_about(err,
				 err_say(err, ENOENT,
					 "%s has no subordinate %s ids: there is no %s",
					 owner->words, kind_words[kind], path),
				 REASON_NO_RANGES, "%s", path);
	if (rc < 0)
		return err_file(err, -rc, path, "reading %s", path);
	rc = subid_parse_file(text, size, path, owner->name, owner->uid, &ranges, err);
	if (rc < 0)
		return rc;
	if (ranges.n == 0)
		return err_about(err,
				 err_say(err, ENOENT, "%s has no subordinate %s ids: no line in %s",
					 owner->words, kind_words[kind], path),
				 REASON_NO_RANGES, "%s", path);
	*ret = ranges;
	ranges = (struct subid_ranges){0};
	return 0;
}

/* One of the two getsubids(1) that run in parallel. */
struct query {
	struct helper helper;
	int out; /* read end of its stdout */
	char *text;
	size_t size;
};

static const char *getsubids_program(void)
{
	const char *named = getenv("GETSUBIDS");

	return named && *named ? named : "getsubids";
}

static int query_start(struct query *q, enum subid_kind kind, const char *program, const char *name,
		       struct error *err)
{
	const char *argv[] = {program, kind == SUBID_GID ? "-g" : name,
			      kind == SUBID_GID ? name : NULL, NULL};
	struct helper_spec spec = {.argv = argv, .role = "getsubids"};
	_cleanup_close_ int in = -1;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, errno, "creating a pipe for getsubids");
	q->out = fds[0];
	spec.stdout_to = in = fds[1];
	return helper_start(&q->helper, &spec, err);
}

/* Read its stdout up to end of file, with limits of time and size. */
static int query_read(struct query *q, const struct deadline *deadline, int cancel_fd,
		      struct error *err)
{
	size_t room = 4096;

	q->text = malloc(room);
	while (q->text) {
		char *larger;
		ssize_t n;
		int rc = fd_wait(q->out, POLLIN, deadline, cancel_fd);

		if (rc == -ETIMEDOUT)
			return err_say(err, ETIMEDOUT, "getsubids did not answer in time");
		if (rc < 0)
			return err_set(err, -rc, "waiting for getsubids");
		n = read(q->out, q->text + q->size, room - q->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, errno, "reading from getsubids");
		if (n == 0)
			return 0;
		q->size += (size_t)n;
		if (q->size < room)
			continue;
		if (room >= MAX_OUTPUT)
			return err_say(err, EFBIG, "getsubids printed more than %u bytes",
				       MAX_OUTPUT);
		room *= 2;
		larger = realloc(q->text, room);
		if (!larger)
			break;
		q->text = larger;
	}
	return err_set(err, ENOMEM, "reading from getsubids");
}

static int query_result(const struct query *q, int status, enum subid_kind kind,
			const struct owner *owner, struct subid_ranges *ret, struct error *err)
{
	_cleanup_subid_ranges_ struct subid_ranges ranges = {0};
	const char *text = q->helper.text;
	char how[64];
	int rc;

	if (status != 0 && helper_not_loaded(text)) {
		rc = err_say(err, ELIBACC, "%s cannot be loaded: %s", getsubids_program(), text);
		return err_about(err, rc, REASON_LOADER, "%s", getsubids_program());
	}
	/* getsubids prints "Error fetching ranges" if there is no range, and for every other error.
	 */
	if (status != 0)
		return err_say(err, WIFEXITED(status) ? ENOENT : EIO,
			       "%s has no subordinate %s ids: getsubids: %s%s%s", owner->words,
			       kind_words[kind], text, *text ? ", " : "",
			       process_status_text(status, how, sizeof(how)));
	rc = subid_parse_getsubids(q->text ? q->text : "", q->size, &ranges, err);
	if (rc < 0)
		return rc;
	if (ranges.n == 0)
		return err_say(err, ENOENT, "%s has no subordinate %s ids: getsubids printed none",
			       owner->words, kind_words[kind]);
	*ret = ranges;
	ranges = (struct subid_ranges){0};
	return 0;
}

static void query_clear(struct query *q)
{
	helper_stop(&q->helper);
	q->out = fd_close(q->out);
	free(q->text);
	q->text = NULL;
}

static int ask_getsubids(struct query *queries, const struct owner *owner,
			 const struct deadline *deadline, int cancel_fd, struct subid_ranges *ret,
			 struct error *err)
{
	struct helper helpers[SUBID_KINDS_];
	int statuses[SUBID_KINDS_], rc = 0;
	char number[sizeof("4294967295")];

	snprintf(number, sizeof(number), "%u", (unsigned)owner->uid);
	for (enum subid_kind k = 0; k < SUBID_KINDS_ && rc == 0; k++)
		rc = query_start(&queries[k], k, getsubids_program(),
				 owner->name ? owner->name : number, err);
	for (enum subid_kind k = 0; k < SUBID_KINDS_ && rc == 0; k++)
		rc = query_read(&queries[k], deadline, cancel_fd, err);
	if (rc < 0)
		return rc;
	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++) {
		helpers[k] = queries[k].helper;
		queries[k].helper = HELPER_NONE;
	}
	rc = helper_finish(helpers, SUBID_KINDS_, deadline, cancel_fd, statuses, err);
	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++)
		queries[k].helper = helpers[k];
	for (enum subid_kind k = 0; k < SUBID_KINDS_ && rc == 0; k++)
		rc = query_result(&queries[k], statuses[k], k, owner, &ret[k], err);
	return rc;
}

static int load_dynamic(const struct owner *owner, const struct deadline *deadline, int cancel_fd,
			struct subid_ranges *ret, struct error *err)
{
	struct query queries[SUBID_KINDS_];
	int rc;

	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++)
		queries[k] = (struct query){.helper = HELPER_NONE, .out = -1};
	rc = ask_getsubids(queries, owner, deadline, cancel_fd, ret, err);
	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++)
		query_clear(&queries[k]);
	return err_about(err, rc, REASON_NO_RANGES, "%s", getsubids_program());
}

static bool nsswitch_is_dynamic(const struct machine *machine)
{
	static const char path[] = "/etc/nsswitch.conf";
	_cleanup_free_ char *text = NULL, *program = NULL;
	size_t size;

	if (machine_load(machine, path, &text, &size) < 0 || !subid_nsswitch_is_dynamic(text, size))
		return false;
	/* A version of shadow without getsubids (before 4.9) has a newuidmap that only uses the
	 * files. */
	if (path_find(getsubids_program(), &program) == 0)
		return true;
	log_warning("%s names a source of subordinate ids beside files, but %s is not found; "
		    "reading the files",
		    path, getsubids_program());
	return false;
}

int subid_load_from(const struct machine *machine, enum subid_source source, uid_t uid,
		    const struct deadline *deadline, int cancel_fd, struct subid_ranges *ret,
		    struct error *err)
{
	_cleanup_(owner_clear) struct owner owner = {0};
	struct subid_ranges loaded[SUBID_KINDS_] = {{0}};
	int rc = 0;

	find_owner(machine, uid, &owner);
	if (source == SUBID_DYNAMIC || (source == SUBID_AUTO && nsswitch_is_dynamic(machine)))
		rc = load_dynamic(&owner, deadline, cancel_fd, loaded, err);
	else
		for (enum subid_kind k = 0; k < SUBID_KINDS_ && rc == 0; k++)
			rc = load_file(machine, k, &owner, &loaded[k], err);
	for (enum subid_kind k = 0; k < SUBID_KINDS_; k++) {
		if (rc == 0)
			ret[k] = loaded[k];
		else
			subid_ranges_clear(&loaded[k]);
	}
	return rc;
}

int subid_load(enum subid_source source, uid_t uid, const struct deadline *deadline, int cancel_fd,
	       struct subid_ranges *ret, struct error *err)
{
	return subid_load_from(&this_machine, source, uid, deadline, cancel_fd, ret, err);
}
