/* SPDX-License-Identifier: Apache-2.0 */
/* What the user asked for: filled once by options_parse(), never changed afterwards. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"

struct error;

/* Names under which the launcher is called decide how it presents itself. */
enum persona {
	PERSONA_FAUXROOT = 0,
	PERSONA_ROOTLESSKIT, /* called as rootlesskit or docker-rootlesskit */
};

enum net_mode {
	NET_HOST = 0,
	NET_NONE,
	NET_SLIRP4NETNS,
	NET_PASTA,
	NET_LXC_USER_NIC,
	NET_GVISOR_TAP_VSOCK,
	NET_VPNKIT,
	NET_MODE_COUNT_
};

enum port_mode {
	PORT_NONE = 0,
	PORT_BUILTIN,
	PORT_SLIRP4NETNS,
	PORT_IMPLICIT,
	PORT_GVISOR_TAP_VSOCK,
	PORT_MODE_COUNT_
};

/* What clients of api.sock that are inside the instance may do there. */
enum api_inside {
	API_INSIDE_FULL = 0,	 /* what those outside may */
	API_INSIDE_UNPRIVILEGED, /* ports that need a privilege are neither added nor removed */
	API_INSIDE_READ_ONLY,	 /* look */
	API_INSIDE_NONE,	 /* nothing */
	API_INSIDE_COUNT_
};

enum tristate {
	TRI_AUTO = 0,
	TRI_TRUE,
	TRI_FALSE,
};

enum idmap_mode {
	IDMAP_AUTO = 0, /* subid; never falls back silently */
	IDMAP_SUBID,
	IDMAP_SINGLE, /* only the caller, setgroups denied */
};

enum subid_source {
	SUBID_AUTO = 0,
	SUBID_DYNAMIC, /* ask getsubids(1) */
	SUBID_STATIC,  /* read /etc/subuid and /etc/subgid */
};

enum propagation {
	PROPAGATION_RPRIVATE = 0,
	PROPAGATION_PRIVATE,
	PROPAGATION_SLAVE,
	PROPAGATION_RSLAVE,
	PROPAGATION_SHARED,
	PROPAGATION_RSHARED,
	PROPAGATION_COUNT_
};

enum copy_up_mode {
	COPY_UP_TMPFS_SYMLINK = 0,
};

/* An IPv4 network: the address in network byte order, with all host bits 0. */
struct cidr {
	struct in_addr address;
	unsigned prefix; /* 1…25; 0: none given */
};

/* The options of --net=slirp4netns alone. */
struct slirp4netns_options {
	const char *binary; /* "slirp4netns" unless given */
	enum tristate sandbox, seccomp;
};

#define UNSERVED_OPTIONS 4

/* What is to be done instead of a launch. */
enum action {
	ACTION_RUN = 0,
	ACTION_HELP,
	ACTION_VERSION,
	ACTION_PRINT_SEMVER,
	ACTION_CHECK,
};

/* --check: look instead of launching. */
enum check_mode {
	CHECK_NONE = 0,
	CHECK_PLAIN,
	CHECK_STRICT, /* a warning shows in the exit status */
};

enum semver_part {
	SEMVER_NONE = 0,
	SEMVER_MAJOR,
	SEMVER_MINOR,
	SEMVER_PATCH,
};

/* The longest name of an instance, in bytes. */
#define CONFIG_NAME_MAX 63

/*
 * config_name_is_valid() - can @name be that of an instance?
 *
 * Letters, digits, '_', '.' and '-'; the first is a letter or a digit, and one at least is a
 * letter, so that no option and no PID looks like a name.
 */
bool config_name_is_valid(const char *name);

/* Strings are constants or stand in the caller's argv, which lives as long as the process. */
struct config {
	enum persona persona;
	enum action action; /* what help, version, semver and check come to */
	bool help, version;
	enum semver_part semver;
	enum check_mode check;
	bool json; /* what --check prints */

	bool debug;
	enum log_format log_format;
	const char *state_dir; /* as given; NULL: make one */
	const char *name;      /* of the instance; NULL: none */

	enum net_mode net;
	unsigned mtu;	    /* bytes; 0: the driver's default */
	struct cidr cidr;   /* prefix 0: not given */
	const char *ifname; /* NULL: the driver's default */
	bool disable_host_loopback;
	bool ipv6;
	bool detach_netns;
	struct slirp4netns_options slirp4netns;
	const char *unserved[UNSERVED_OPTIONS]; /* options of networks that this build does not
						   serve; config/unserved.c has their rows */

	struct strv copy_up;
	enum copy_up_mode copy_up_mode;
	enum propagation propagation;

	enum port_mode port_driver;
	struct strv publish;
	bool source_ip_transparent;
	enum api_inside api_inside;

	bool pidns, cgroupns, utsns, ipcns;
	enum tristate reaper;
	bool kill_orphans;
	unsigned kill_timeout;	      /* seconds between SIGTERM and SIGKILL */
	const char *evacuate_cgroup2; /* NULL: leave the processes where they are */

	const char *workdir; /* NULL: the caller's */

	enum idmap_mode idmap;
	enum subid_source subid_source;

	char **command; /* NULL-terminated, the caller's argv, or @shell */
	char *shell[2]; /* what runs where no command is given; NULL: that is an error */

	struct strv preset; /* the words of FAUXROOT_OPTIONS, which strings above may stand in */
};

/* config_init() - the defaults: what an option that is not given, or given empty, comes to */
void config_init(struct config *config);

/* config_clear() - free the lists */
void config_clear(struct config *config);

#define _cleanup_config_ _cleanup_(config_clear)

/* config_has_helper() - is the network one by a helper program? */
bool config_has_helper(const struct config *config);

/* The RootlessKit whose clothes we wear under its names. */
#define COMPAT_VERSION "3.0.1"

/* persona_of() - by the base name of @argv0, which may be NULL */
enum persona persona_of(const char *argv0);

/* persona_program() - what the log and --version call this program: "fauxroot", "rootlesskit" */
const char *persona_program(enum persona persona);

/* persona_version() - for --version, --print-semver and /v1/info */
const char *persona_version(enum persona persona);
