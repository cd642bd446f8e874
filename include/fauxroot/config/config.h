/* SPDX-License-Identifier: Apache-2.0 */
/* The parsed command line: filled once by options_parse(), never changed afterwards. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "fauxroot/base/log.h"
#include "fauxroot/base/str.h"

struct error;

/* The name by which the launcher is called selects its messages, version and exit statuses. */
enum persona {
	PERSONA_FAUXROOT = 0,
	PERSONA_ROOTLESSKIT, /* called as rootlesskit or docker-rootlesskit */
};

enum net_mode {
	NET_HOST = 0,
	NET_NONE,
	NET_AUTO, /* the first helper that is installed and works */
	NET_SLIRP4NETNS,
	NET_PASTA,
	NET_LXC_USER_NIC,
	NET_GVISOR_TAP_VSOCK, /* as NET_AUTO: scripts use this name if they find no helper */
	NET_VPNKIT,
	NET_MODE_COUNT_
};

enum port_mode {
	PORT_NONE = 0,
	PORT_BUILTIN,
	PORT_SLIRP4NETNS,
	PORT_IMPLICIT, /* pasta forwards all ports that listen */
	PORT_PESTO,    /* these two are served by PORT_BUILTIN */
	PORT_GVISOR_TAP_VSOCK,
	PORT_MODE_COUNT_
};

/* What clients inside the instance may request from api.sock. */
enum api_inside {
	API_INSIDE_FULL = 0,	 /* the same as clients outside */
	API_INSIDE_UNPRIVILEGED, /* all but adding and removing ports that need a privilege */
	API_INSIDE_READ_ONLY,	 /* only to read */
	API_INSIDE_NONE,	 /* nothing */
	API_INSIDE_COUNT_
};

/* --net-accel: how connections avoid the user-mode network. */
enum net_accel {
	NET_ACCEL_NONE = 0,
	NET_ACCEL_SWITCH, /* they get sockets of the host */
	NET_ACCEL_COUNT_
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
	IDMAP_FIT,    /* subid, without the ids that our own user namespace does not have */
};

enum subid_source {
	SUBID_AUTO = 0,
	SUBID_DYNAMIC, /* run getsubids(1) */
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
	COPY_UP_TMPFS_SYMLINK = 0, /* links into the original */
	COPY_UP_COPY,
	COPY_UP_COUNT_
};

/* An IPv4 network: the address in network byte order, with all host bits 0. */
struct cidr {
	struct in_addr address;
	unsigned prefix; /* 1…25; 0: not given */
};

/* The options of --net=slirp4netns. */
struct slirp4netns_options {
	const char *binary; /* "slirp4netns" unless given */
	enum tristate sandbox, seccomp;
};

/* The options of --net=pasta. */
struct pasta_options {
	const char *binary; /* "pasta" unless given */
};

#define UNSERVED_OPTIONS 3

/* What to do: a launch, or something else instead. */
enum action {
	ACTION_RUN = 0,
	ACTION_HELP,
	ACTION_VERSION,
	ACTION_PRINT_SEMVER,
	ACTION_CHECK,
};

/* --check: report obstacles instead of launching. */
enum check_mode {
	CHECK_NONE = 0,
	CHECK_PLAIN,
	CHECK_STRICT, /* warnings change the exit status, too */
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
 * config_name_is_valid() - is @name valid for an instance?
 *
 * A name consists of letters, digits, '_', '.' and '-'. It begins with a letter or a digit and has
 * at least one letter, so that a name is never mistaken for an option or a PID.
 */
bool config_name_is_valid(const char *name);

/* Strings are constants or parts of the caller's argv, which exists as long as the process. */
struct config {
	enum persona persona;
	enum action action; /* set by options_parse() from the four fields below */
	bool help, version;
	enum semver_part semver;
	enum check_mode check;
	bool json; /* format of the report of --check */

	bool debug;
	enum log_format log_format;
	const char *state_dir; /* as given; NULL: create one */
	const char *name;      /* of the instance; NULL: none */

	enum net_mode net;
	unsigned mtu;	    /* bytes; 0: the driver's default */
	struct cidr cidr;   /* prefix 0: not given */
	const char *ifname; /* NULL: the driver's default */
	bool disable_host_loopback;
	bool ipv6;
	bool detach_netns;
	enum net_accel net_accel;
	struct strv net_accel_except; /* networks that are not accelerated */
	struct strv dns;	      /* of --dns, see config_dns() */
	struct slirp4netns_options slirp4netns;
	struct pasta_options pasta;
	const char *unserved[UNSERVED_OPTIONS]; /* options of networks that this build does not
						   support; config/unserved.c has their rows */

	struct strv copy_up;		  /* directories, without the mode */
	enum copy_up_mode *copy_up_modes; /* of each directory; NULL: @copy_up_mode for all */
	enum copy_up_mode copy_up_mode;
	enum propagation propagation;

	enum port_mode port_driver;
	struct strv publish;
	struct strv forward_host; /* services of the host, as given */
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
	char *shell[2]; /* runs if no command is given; NULL: a missing command is an error */

	struct strv preset; /* the words of FAUXROOT_OPTIONS; strings above may point into them */
};

/* config_init() - set the defaults: the values of options that are not given, or have an empty
 * value */
void config_init(struct config *config);

/* config_clear() - free the lists */
void config_clear(struct config *config);

#define _cleanup_config_ _cleanup_(config_clear)

/* The name servers of the command, if a helper provides its network. */
enum dns_mode {
	DNS_RELAY = 0, /* the name service, which asks the host's name servers */
	DNS_GIVEN,     /* the addresses in config.dns */
	DNS_NONE,      /* the host's: /etc/resolv.conf is not changed */
};

/* config_dns() - the name servers that --dns requests */
enum dns_mode config_dns(const struct config *config);

/* config_has_helper() - does the network use a helper program? */
bool config_has_helper(const struct config *config);

/*
 * The options that enable stages of a launch and rows of --check:
 *
 * config_has_netns() - does the command's network have a namespace of its own?
 * config_owns_net() - the same, and is the command in that namespace?
 * config_detaches_net() - the same, and is the command in the host's network?
 * config_has_command() - is there a command? A rehearsal may have none
 *
 * Each other function returns whether its option is given.
 */
bool config_has_pidns(const struct config *config);
bool config_has_netns(const struct config *config);
bool config_owns_net(const struct config *config);
bool config_detaches_net(const struct config *config);
bool config_has_accel(const struct config *config);
bool config_evacuates(const struct config *config);
bool config_copies_up(const struct config *config);
bool config_has_name(const struct config *config);
bool config_has_workdir(const struct config *config);
bool config_has_command(const struct config *config);

/* config_copy_up_mode() - the mode of directory number @i of --copy-up */
enum copy_up_mode config_copy_up_mode(const struct config *config, size_t i);

/* config_chooses_helper() - does the launcher choose a helper program among the installed ones? */
bool config_chooses_helper(const struct config *config);

/* config_has_forwarder() - does our own forwarder forward the published ports? */
bool config_has_forwarder(const struct config *config);

/* The version of RootlessKit that fauxroot reports when it is called by RootlessKit's names. */
#define COMPAT_VERSION "3.0.1"

/* persona_of() - the persona that the base name of @argv0 selects; @argv0 may be NULL */
enum persona persona_of(const char *argv0);

/* persona_program() - the program's name in the log and in --version: "fauxroot", "rootlesskit" */
const char *persona_program(enum persona persona);

/* persona_version() - the version in --version, --print-semver and /v1/info */
const char *persona_version(enum persona persona);
