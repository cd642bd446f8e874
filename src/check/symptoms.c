/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The index of error lines in docs/troubleshooting.md. A line is described by the step and the
 * reason of its error, like a row of the table of causes. So the rows that can explain a line are
 * found without a list. "…" stands for values. The tests that provoke the causes check that each
 * line that is really printed is in the index, with its cause: tests/lib/bash/lab.bash.
 */
#include "symptoms.h"

#include <errno.h>
#include <string.h>

#include "cause.h"
#include "fauxroot/base/str.h"

#define CLONE STEP_BIT(STEP_CLONE)
#define IDMAP STEP_BIT(STEP_IDMAP)
#define MOUNT STEP_BIT(STEP_MOUNT)
#define NET   STEP_BIT(STEP_NET)
#define STATE STEP_BIT(STEP_STATEDIR)
#define PORT  STEP_BIT(STEP_PORT)

/* The causes why a directory cannot be opened or read. */
#define COPY_UP                                                \
	"copy-up-missing copy-up-closed copy-up-mode-unknown " \
	"flatpak seccomp apparmor-userns apparmor-profile apparmor-confined selinux"

static const struct symptom {
	unsigned steps;
	enum error_reason reason; /* or ANY_REASON */
	const char *text; /* the description of an errno value follows, unless it ends with "." */
	const char *ids;  /* only these causes, separated by blanks; NULL: all that match */
} symptoms[] = {
	{CLONE, ANY_REASON, "creating the namespaces: clone", NULL},
	{CLONE, ANY_REASON, "creating the namespaces: clone: Resource temporarily unavailable.",
	 "process-limit cgroup-pids-max"},
	{CLONE, ANY_REASON, "below the middle user namespace: creating the namespaces: clone",
	 "max-user-namespaces max-namespaces namespaces-used-up"},
	{CLONE, ANY_REASON, "creating the network namespace: unshare", "max-namespaces"},
	{CLONE, REASON_FILE, "opening /proc/…/ns/user", "no-proc"},
	{NET, ANY_REASON, "joining the child's net namespace", "seccomp"},
	{IDMAP, REASON_EXEC, "executing \"newuidmap\"", "newuidmap-missing program-not-in-path"},
	{IDMAP, REASON_EXEC, "executing \"newgidmap\"", "newuidmap-missing program-not-in-path"},
	{IDMAP, REASON_EXEC, "executing \"getsubids\"", "getsubids-missing"},
	{IDMAP, REASON_MAP_WRITE, "newuidmap: write to uid_map failed", NULL},
	{IDMAP, REASON_MAP_WRITE, "newgidmap: write to gid_map failed", NULL},
	{IDMAP, REASON_MAP_OPEN, "newuidmap: open of uid_map failed: Permission denied.",
	 "no-cap-setuid-nor-filecaps setuid-needs-sys-admin"},
	{IDMAP, REASON_MAP_OPEN, "newuidmap: open of uid_map failed: Function not implemented.",
	 "seccomp-openat2"},
	{IDMAP, REASON_MAP_OPEN, "newuidmap: open of uid_map failed: Operation not permitted.",
	 "seccomp-openat2 no-new-privs nosuid setuid-lost"},
	{IDMAP, ANY_REASON, "writing /proc/…/uid_map", "no-cap-setfcap"},
	{IDMAP, REASON_NOT_GRANTED, "newuidmap: uid range […) -> […) not allowed.", NULL},
	{IDMAP, REASON_NO_ACCOUNT, "newuidmap: Cannot determine your user name.", NULL},
	{IDMAP, REASON_NOT_OWNER, "newuidmap: Target process … is owned by a different user.",
	 NULL},
	{IDMAP, REASON_NO_RANGES,
	 "user \"…\" (uid …) has no subordinate user ids: no line in /etc/subuid.",
	 "no-ranges no-ids-to-give no-ranges-but-power"},
	{IDMAP, REASON_NO_RANGES,
	 "user \"…\" (uid …) has no subordinate group ids: no line in /etc/subgid.",
	 "no-ranges no-ids-to-give no-ranges-but-power"},
	{IDMAP, REASON_NO_RANGES,
	 "user \"…\" (uid …) has no subordinate … ids: there is no /etc/….", "no-subid-file"},
	{IDMAP, REASON_NO_RANGES, "user \"…\" (uid …) has no subordinate user ids: getsubids: ….",
	 "subid-source-empty getsubids-failed"},
	{IDMAP, REASON_NO_RANGES,
	 "uid … (no login name) has no subordinate user ids: no line in /etc/subuid.",
	 "no-ranges-no-account"},
	{IDMAP, ANY_REASON, "/etc/subuid, line …, \"…\": not of the form USER:START:COUNT.",
	 "ranges-unusable"},
	{IDMAP, ANY_REASON, "/etc/subuid, line …, \"…\": ….", "ranges-unusable"},
	{IDMAP, ANY_REASON, "getsubids, line …, \"…\": ….", "getsubids-failed"},
	{MOUNT, ANY_REASON, "setting the mount propagation to …", "seccomp"},
	{STEP_BIT(STEP_PROC), ANY_REASON, "mounting proc, for the PID namespace, on /proc", NULL},
	{MOUNT, ANY_REASON, "mounting a tmpfs on …", "mount-max"},
	{MOUNT, ANY_REASON, "binding … on …", "mount-max"},
	{MOUNT, REASON_COPY_UP, "opening … to copy it up", COPY_UP},
	{MOUNT, REASON_COPY_UP, "reading … to copy it up", COPY_UP},
	{MOUNT, REASON_COPY_UP,
	 "cannot copy up …: it has … entries and … MiB, and a copy at most ….", "copy-up-large"},
	{MOUNT, REASON_COPY_UP, "copying up …", "copy-up-memory"},
	{STATE, REASON_FILE, "making the state directory \"…\"", NULL},
	{STATE, REASON_FILE, "making a directory in \"…\"", NULL},
	{STATE, REASON_FILE, "making the directory \"…\"", NULL},
	{STATE, REASON_FILE, "opening the state directory \"…\"", NULL},
	{STATE, REASON_FILE, "writing \"…\"", NULL},
	{STATE, REASON_LEFT_BEHIND, "emptying the state directory \"…\": removing \"…\"",
	 "statedir-left-behind"},
	{STATE, ANY_REASON, "state directory \"…\"", "statedir-no-cwd"},
	{STATE, ANY_REASON, "--name=…: XDG_RUNTIME_DIR is not set.",
	 "unit-without-runtime-dir runtime-dir-unset no-runtime-dir"},
	{STATE, REASON_IN_USE, "state directory \"…\": is in use by process … (…).",
	 "statedir-in-use"},
	{STATE, REASON_IN_USE, "state directory \"…\": is in use by another process.",
	 "statedir-in-use-by-somebody"},
	{STATE, REASON_FOREIGN, "state directory \"…\": belongs to uid …, and we are uid ….", NULL},
	{STATE, REASON_FOREIGN_PARENT,
	 "\"…\": belongs to uid …, who could replace the state directory \"…\".", NULL},
	{STATE, REASON_SYMLINK, "state directory \"…\": is a symbolic link.", NULL},
	{STATE, REASON_NOT_DIRECTORY, "state directory \"…\": is not a directory.", NULL},
	{STATE, REASON_PRECIOUS, "state directory \"…\": would be emptied, but is or contains ….",
	 NULL},
	{STATE, REASON_PRECIOUS, "state directory \"…\": is the root directory.", NULL},
	{STATE, ANY_REASON,
	 "state directory \"…\": the path of api.sock in it would be … bytes long.",
	 "statedir-path-long"},
	{NET, REASON_DEVICE, "opening /dev/net/tun", NULL},
	{NET, REASON_DEVICE, "making the TAP device …: TUNSETIFF", "tun-is-something-else"},
	{NET, REASON_EXEC, "--net=auto: no network helper is installed.",
	 "network-helpers-missing"},
	{NET, REASON_EXEC, "executing \"slirp4netns\"",
	 "program-not-in-path helper-missing helper-not-executable"},
	{NET, REASON_EXEC, "executing \"pasta\"",
	 "program-not-in-path pasta-missing helper-not-executable"},
	{NET, REASON_EXEC, "starting slirp4netns: executing \"…\"", "helper-not-executable"},
	{NET, REASON_TOO_OLD, "… is version …: … or newer is needed.", "helper-old"},
	{NET, REASON_OTHER_PROGRAM, "… --version printed no version: ….", NULL},
	{NET | IDMAP, REASON_LOADER, "… cannot be loaded: ….", NULL},
	{NET, REASON_DIED, "slirp4netns died before it was ready: ….", NULL},
	{NET, REASON_TOO_OLD, "… is too old for …: it has no option ….",
	 "pasta-old-loopback pasta-old-implicit"},
	{NET, REASON_TOO_OLD, "… cannot enforce --disable-host-loopback together with --ipv6: ….",
	 "pasta-ipv6-loopback"},
	{NET, REASON_ACCEL, "--net-accel=switch: …", NULL},
	{NET, REASON_NO_ROUTE, "pasta died before it was ready: ….", NULL},
	{NET, REASON_NO_ROUTE, "No external routable interface.", NULL},
	{NET, REASON_CONFINED, "pasta died before it was ready: … Couldn't … namespace….", NULL},
	{NET, REASON_DIED, "pasta died before it was ready: … Failed to get netlink socket….",
	 "process-limit cgroup-pids-max"},
	{NET, REASON_DIED,
	 "pasta died before it was ready: … Failed to open tun socket in namespace….",
	 "process-limit cgroup-pids-max"},
	{PORT, REASON_LISTEN, "listening on …", NULL},
	{PORT, REASON_LISTEN, "listening on …: Permission denied: ports below … are privileged ….",
	 "port-privileged"},
	{PORT, REASON_PORT_OF_PROCESS, "listening on …: Address already in use by process … (…).",
	 NULL},
	{PORT, REASON_PORT_OF_USER, "listening on …: Address already in use by a socket of uid ….",
	 NULL},
	{PORT, REASON_PORT_TWICE, "publishing …: it conflicts with port ….", NULL},
	{STEP_BIT(STEP_CGROUP), ANY_REASON, "the cgroup \"…\": cgroup.procs", "cgroup-not-ours"},
	{STEP_BIT(STEP_CGROUP), ANY_REASON,
	 "the cgroup \"…\" is the root of the hierarchy, which cannot be evacuated.",
	 "cgroup-is-root"},
	{STEP_BIT(STEP_CGROUP), ANY_REASON,
	 "finding our cgroup: /proc/self/mountinfo shows no cgroup2 mount.", "cgroup2-missing"},
	{STEP_BIT(STEP_EXEC), REASON_EXEC, "executing \"…\"", NULL},
	{STEP_BIT(STEP_EXEC), REASON_EXEC, "executing \"…\": No such file or directory.",
	 "program-not-in-path"},
	{ANY_STEP, ANY_REASON, "…",
	 "process-limit cgroup-pids-max descriptor-limit-soft "
	 "descriptor-limit-hard kernel-old"},
};

static bool is_complete(const struct symptom *s)
{
	return s->text[strlen(s->text) - 1] == '.';
}

static bool explains(const struct cause *cause, const struct symptom *s)
{
	if (s->ids)
		return list_has(s->ids, " ", cause->id, strlen(cause->id));
	/* Causes for any reason match only lines that end with an errno value. */
	return cause->steps != ANY_STEP && (cause->steps & s->steps) &&
	       (cause->reason == s->reason || s->reason == ANY_REASON ||
		(cause->reason == ANY_REASON && !is_complete(s)));
}

static bool has_code(const struct cause *cause, int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(cause->codes); i++)
		if (cause->codes[i] == code)
			return true;
	return false;
}

/* One row of the index: the line, and its causes with the errno value @code, or all if it is 0. */
static void print_line(FILE *out, const struct symptom *s, const char *text, int code)
{
	struct cause_walk walk = {0};
	const struct cause *cause;
	bool first = true;

	while ((cause = cause_next(&walk))) {
		if (!explains(cause, s) || (code && !has_code(cause, code)))
			continue;
		if (first)
			fprintf(out, "| `%s%s%s` |", text, code ? ": " : "",
				code ? strerror(code) : "");
		fprintf(out, "%s [%s](#%s)", first ? "" : ",", cause->id, cause->id);
		first = false;
	}
	if (!first)
		fputs(" |\n", out);
}

void symptoms_print(FILE *out)
{
	fputs("| error line | cause |\n|---|---|\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(symptoms); i++) {
		const struct symptom *s = &symptoms[i];
		char text[160];

		(void)str_print(text, sizeof(text), "%.*s", (int)strlen(s->text) - is_complete(s),
				s->text);
		if (is_complete(s))
			print_line(out, s, text, 0);
		else
			for (int code = 1; code <= EHWPOISON; code++)
				print_line(out, s, text, code);
	}
}
