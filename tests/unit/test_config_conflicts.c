/* SPDX-License-Identifier: Apache-2.0 */
/* Several options together: conflicts, unavailable options, options without effect, command lines
 * of real clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/private.h"
#include "config_text.h"
#include "fauxroot/base/err.h"

/* Parse as main() does; @text is the message of the error, or "". */
static int parse(const char *argv0, const char *args, char *text, size_t size)
{
	struct argv argv = argv_of(argv0, args);
	_cleanup_config_ struct config config;
	struct error err = {0};
	int rc;

	config_init(&config);
	rc = options_parse(&config, argv.n, argv.words.items, &err);
	if (rc < 0)
		assert_int_equal(err.step, STEP_OPTIONS);
	snprintf(text, size, "%s", err.text);
	strv_clear(&argv.words);
	return rc;
}

static void command_lines_of_real_clients_are_accepted(void **state)
{
	static const char *const cases[] = {
		("--net=host --mtu=1500 --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto "
		 "--disable-host-loopback --port-driver=none --copy-up=/etc --copy-up=/run "
		 "--copy-up=/var/lib --propagation=rslave --detach-netns --mtu=0 CMD"),
		("--state-dir=D --net=slirp4netns --mtu=65520 --slirp4netns-sandbox=auto "
		 "--slirp4netns-seccomp=auto --disable-host-loopback --port-driver=builtin "
		 "--copy-up=/etc --copy-up=/run --propagation=rslave CMD"),
		"--net=slirp4netns --copy-up=/etc --disable-host-loopback CMD",
		"CMD",
		"--net=none --port-driver=builtin -p 8080:80/tcp --publish=127.0.0.1:53:53/udp CMD",
		"--net=slirp4netns --port-driver=slirp4netns -p 8080:80/tcp CMD",
		"--net=slirp4netns --port-driver=builtin --source-ip-transparent=false CMD",
		/* Unavailable options with their defaults have no effect. */
		("--pidns=false --cgroupns=0 --utsns=F --ipcns= --reaper=auto --port-driver=none "
		 "--source-ip-transparent --evacuate-cgroup2= --detach-netns=false CMD"),
		"--reaper=false CMD",
		"--cgroupns --utsns --ipcns CMD",
		"--pidns CMD",
		"--pidns --reaper=auto CMD",
		"--pidns --reaper=true CMD",
		"--pidns --reaper=false CMD",
		/* Options without effect on the chosen network are accepted. */
		("--net=host --ipv6 --slirp4netns-sandbox=true --slirp4netns-seccomp=true "
		 "--detach-netns --pasta-binary=/x --vpnkit-binary=/x --lxc-user-nic-bridge=x CMD"),
		"--net=none --ipv6 --mtu=100 --disable-host-loopback CMD",
		"--net=slirp4netns --ipv6 --mtu=1280 CMD",
		"--net=slirp4netns --ipv6 --mtu=0 CMD",
		"--net=slirp4netns --cidr=192.168.0.0/16 --ifname=eth0 CMD",
		"--copy-up=/etc --propagation=slave CMD",
		"--propagation=rshared CMD",
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (parse("docker-rootlesskit", cases[i], text, sizeof(text)) < 0)
			fail_msg("\"%s\": %s", cases[i], text);
}

static void unavailable_options_are_refused_by_name(void **state)
{
	static const struct {
		const char *args;
		const char *what;
	} cases[] = {
		{"--net=lxc-user-nic CMD", "--net=lxc-user-nic is not available in this build; use "
					   "--net=auto, which needs no bridge"},
		{"--net=vpnkit CMD", "--net=vpnkit is not available in this build; use --net=auto "
				     "with slirp4netns or pasta (package passt)"},
		/* Reported before a conflict of the same option. */
		{"--net=vpnkit --port-driver=slirp4netns CMD",
		 "--net=vpnkit is not available in this build; use --net=auto with slirp4netns or "
		 "pasta (package passt)"},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse("fauxroot", cases[i].args, text, sizeof(text)), -EOPNOTSUPP);
		assert_string_equal(text, cases[i].what);
	}
}

struct conflict {
	const char *args;
	const char *text; /* NULL: no conflict */
};

static void assert_conflicts(const struct conflict *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct argv argv = argv_of("fauxroot", cases[i].args);
		_cleanup_config_ struct config config;
		struct error err = {0};
		int rc;

		config_init(&config);
		assert_int_equal(options_read(&config, argv.n, argv.words.items, &err), 0);
		rc = options_refuse_conflicts(&config, &err);
		if (rc != (cases[i].text ? -EINVAL : 0) ||
		    !streq(err.text, cases[i].text ? cases[i].text : ""))
			fail_msg("\"%s\": %d, \"%s\"", cases[i].args, rc, err.text);
		strv_clear(&argv.words);
	}
}

#define NOT_UNICAST \
	"--cidr cannot be a network of 127.0.0.0/8 (loopback) or 224.0.0.0/4 (multicast)"

static void conflicts_of_networks_and_mounts_are_refused(void **state)
{
	static const struct conflict cases[] = {
		{"--cidr=10.0.3.0/24", "--cidr cannot be used with --net=host"},
		{"--net=none --cidr=10.0.3.0/24", "--cidr cannot be used with --net=none"},
		{"--net=lxc-user-nic --cidr=10.0.3.0/24",
		 "--cidr cannot be used with --net=lxc-user-nic"},
		{"--net=vpnkit --cidr=10.0.3.0/24", "--cidr cannot be used with --net=vpnkit"},
		{"--net=pasta --cidr=10.0.3.0/24", NULL},
		{"--net=pasta --cidr=127.0.0.0/8", NOT_UNICAST},
		{"--net=slirp4netns --cidr=224.0.0.0/24", NOT_UNICAST},
		{"--net=slirp4netns --cidr=239.1.0.0/16", NOT_UNICAST},
		{"--net=slirp4netns --cidr=240.0.0.0/24", NULL},
		{"--net=gvisor-tap-vsock --cidr=10.0.3.0/24", NULL},
		{"--dns=192.0.2.1", "--dns cannot be used with --net=host"},
		{"--net=slirp4netns --dns=192.0.2.1 --dns=2001:db8::1", NULL},
		{"--net=slirp4netns --dns=none --dns=192.0.2.1",
		 "--dns=none cannot be used with other --dns"},
		{"--net=slirp4netns --dns=192.0.2.1 --dns=none",
		 "--dns=none cannot be used with other --dns"},
		{"--ifname=tap1", "--ifname cannot be used with --net=host"},
		{"--net=none --ifname=tap1", "--ifname cannot be used with --net=none"},
		{"--net=lxc-user-nic --ifname=eth1", NULL},
		{"--net=vpnkit --ifname=eth1", NULL},
		{"--net=slirp4netns --ipv6 --mtu=1279",
		 "--ipv6 needs an --mtu of at least 1280, not 1279"},
		{"--net=pasta --ipv6 --mtu=68", "--ipv6 needs an --mtu of at least 1280, not 68"},
		{"--net=vpnkit --ipv6 --mtu=68", NULL},
		{"--net=slirp4netns --detach-netns --slirp4netns-sandbox=true",
		 "--slirp4netns-sandbox=true does not work with --detach-netns"},
		{"--net=slirp4netns --detach-netns --slirp4netns-seccomp=true",
		 "--slirp4netns-seccomp=true does not work with --detach-netns"},
		{"--net=slirp4netns --detach-netns --slirp4netns-sandbox=auto", NULL},
		{"--net=pasta --detach-netns --slirp4netns-sandbox=true", NULL},
		{"--net-accel=switch", "--net-accel cannot be used with --net=host"},
		{"--net=none --net-accel=switch", "--net-accel cannot be used with --net=none"},
		{"--net=slirp4netns --net-accel=switch", NULL},
		{"--net=pasta --net-accel=switch", NULL},
		{"--net=slirp4netns --net-accel=none --detach-netns", NULL},
		{"--net=slirp4netns --net-accel=switch --detach-netns",
		 "--net-accel cannot be used with --detach-netns: the command runs in the host's "
		 "network"},
		{"--net=slirp4netns --net-accel=switch --net-accel-except=10.0.0.0/8,::1", NULL},
		{"--net=slirp4netns --net-accel-except=10.0.0.0/8",
		 "--net-accel-except needs --net-accel=switch"},
		{"--copy-up=/etc --propagation=rshared",
		 "--propagation=rshared would spread --copy-up=/etc to the host; use a private "
		 "or slave mode"},
		{"--copy-up=/run,/etc --propagation=shared",
		 "--propagation=shared would spread --copy-up=/run to the host; use a private "
		 "or slave mode"},
		{"--copy-up=/etc --propagation=private", NULL},
	};

	(void)state;
	assert_conflicts(cases, ARRAY_SIZE(cases));
}

static void conflicts_of_ports_and_processes_are_refused(void **state)
{
	static const struct conflict cases[] = {
		{"--port-driver=builtin",
		 "--port-driver=builtin needs a private network: --net other than host"},
		{"--net=none --port-driver=builtin", NULL},
		{"--net=pasta --port-driver=builtin", NULL},
		{"--net=pasta --port-driver=slirp4netns",
		 "--port-driver=slirp4netns needs --net=slirp4netns"},
		{"--net=slirp4netns --port-driver=slirp4netns", NULL},
		{"--net=slirp4netns --port-driver=implicit",
		 "--port-driver=implicit needs --net=pasta"},
		{"--net=pasta --port-driver=implicit", NULL},
		{"--net=auto --port-driver=implicit", "--port-driver=implicit needs --net=pasta"},
		{"--net=auto --port-driver=builtin", NULL},
		{"--net=auto --port-driver=slirp4netns",
		 "--port-driver=slirp4netns needs --net=slirp4netns"},
		{"--net=auto --detach-netns --slirp4netns-sandbox=true",
		 "--slirp4netns-sandbox=true does not work with --detach-netns"},
		{"--net=auto --cidr=10.0.3.0/24 --ifname=eth0 --ipv6", NULL},
		{"--net=gvisor-tap-vsock --port-driver=builtin --ipv6", NULL},
		{"--net=gvisor-tap-vsock --port-driver=gvisor-tap-vsock", NULL},
		{"--net=slirp4netns --port-driver=pesto", "--port-driver=pesto needs --net=pasta"},
		{"--net=pasta --port-driver=pesto -p 80:80/tcp", NULL},
		{"--port-driver=gvisor-tap-vsock",
		 "--port-driver=gvisor-tap-vsock needs --net=gvisor-tap-vsock"},
		{"-p 8080:80/tcp", "--publish=8080:80/tcp needs a port driver that forwards single "
				   "ports, not --port-driver=none; add --net=auto "
				   "--port-driver=builtin"},
		{"--net=none -p 8080:80/tcp", "--publish=8080:80/tcp needs a port driver that "
					      "forwards single ports, not --port-driver=none; add "
					      "--port-driver=builtin"},
		{"--net=pasta --port-driver=implicit -p 8080:80/tcp",
		 "--publish=8080:80/tcp needs a port driver that forwards single ports, not "
		 "--port-driver=implicit; add --port-driver=builtin"},
		{"--net=slirp4netns --port-driver=builtin -p 8080:80/tcp", NULL},
		{"--reaper=true", "--reaper=true needs --pidns"},
		{"--reaper=true --pidns", NULL},
		{"--evacuate-cgroup2=e", "--evacuate-cgroup2 needs --pidns and --cgroupns"},
		{"--evacuate-cgroup2=e --pidns", "--evacuate-cgroup2 needs --pidns and --cgroupns"},
		{"--evacuate-cgroup2=e --cgroupns",
		 "--evacuate-cgroup2 needs --pidns and --cgroupns"},
		{"--evacuate-cgroup2=e --pidns --cgroupns", NULL},
	};

	(void)state;
	assert_conflicts(cases, ARRAY_SIZE(cases));
}

static void a_command_is_needed_only_to_run(void **state)
{
	static const struct {
		const char *args;
		enum action action;
	} cases[] = {
		{"--help", ACTION_HELP},
		{"-h", ACTION_HELP},
		{"--version", ACTION_VERSION},
		{"--print-semver=major", ACTION_PRINT_SEMVER},
		{"--version --help", ACTION_HELP},
		{"--print-semver=major -v", ACTION_VERSION},
		{"--check", ACTION_CHECK},
		{"--check=strict --json --net=none CMD", ACTION_CHECK},
		{"--check --help", ACTION_HELP},
		/* No launch, so nothing to refuse. */
		{"--net=pasta --reaper=true --help", ACTION_HELP},
		{"--help=false --version CMD", ACTION_VERSION},
		{"--help=false CMD", ACTION_RUN},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct argv argv = argv_of("fauxroot", cases[i].args);
		_cleanup_config_ struct config config;
		struct error err = {0};

		config_init(&config);
		assert_int_equal(options_parse(&config, argv.n, argv.words.items, &err), 0);
		assert_int_equal(config.action, cases[i].action);
		strv_clear(&argv.words);
	}
	assert_int_equal(parse("/usr/bin/rootlesskit", "--net=none", text, sizeof(text)), -EINVAL);
	assert_string_equal(text,
			    "no command to run: rootlesskit [options] [--] command [argument…]");
	assert_int_equal(parse("rootlesskit", "--copy-up=/etc --copy-up-mode=copy CMD", text,
			       sizeof(text)),
			 -EINVAL);
	assert_string_equal(text, "--copy-up-mode takes tmpfs+symlink, not \"copy\"");
	assert_int_equal(parse("fauxroot", "--net=none --", text, sizeof(text)), -EINVAL);
	assert_string_equal(text, "no command to run: fauxroot [options] [--] command [argument…]");
}

/* The caller of options_parse() sets a shell; as rootlesskit a missing command is an error. */
static void a_shell_is_the_default_command(void **state)
{
	static const char *const programs[] = {"fauxroot", "rootlesskit"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		struct argv argv = argv_of(programs[i], "--net=none");
		_cleanup_config_ struct config config;
		struct error err = {0};

		config_init(&config);
		config.shell[0] = (char[]){"/bin/x"};
		assert_int_equal(options_parse(&config, argv.n, argv.words.items, &err),
				 i == 0 ? 0 : -EINVAL);
		if (i == 0) {
			assert_string_equal(config.command[0], "/bin/x");
			assert_null(config.command[1]);
		}
		strv_clear(&argv.words);
	}
}

static void gather(void *arg, enum log_level level, const char *message)
{
	char *all = arg;
	size_t used = strlen(all);

	snprintf(all + used, 1024 - used, "%d %s\n", level, message);
}

static void assert_warned(const char *program, const char *args, const char *wanted)
{
	struct argv argv = argv_of(program, args);
	_cleanup_config_ struct config config;
	struct error err = {0};
	char log[1024] = "";

	config_init(&config);
	assert_int_equal(options_parse(&config, argv.n, argv.words.items, &err), 0);
	log_redirect(gather, log);
	options_warn(&config);
	log_redirect(NULL, NULL);
	assert_string_equal(log, wanted);
	strv_clear(&argv.words);
}

static void options_without_effect_are_logged(void **state)
{
	static const struct {
		const char *args;
		const char *log;
	} cases[] = {
		{"CMD", ""},
		{"--net=slirp4netns --mtu=1500 --ipv6 --disable-host-loopback CMD", ""},
		{"--net=host --mtu=0 --ipv6=false CMD", ""},
		{"--kill-orphans --kill-timeout=3 CMD", ""},
		{"--kill-timeout=3 CMD", "4 --kill-timeout has no effect without --kill-orphans\n"},
		{"--net=host --ipv6 CMD", "4 --ipv6 has no effect with --net=host\n"},
		{"--net=none --slirp4netns-binary=/x CMD",
		 "4 --slirp4netns-binary has no effect with --net=none\n"},
		{"--net=host --mtu=1500 --disable-host-loopback --detach-netns "
		 "--slirp4netns-sandbox=true CMD",
		 "7 --mtu has no effect with --net=host\n"
		 "4 --disable-host-loopback has no effect with --net=host\n"
		 "7 --detach-netns has no effect with --net=host\n"
		 "7 --slirp4netns-sandbox has no effect with --net=host\n"},
		{"--net=none --disable-host-loopback CMD",
		 "7 --disable-host-loopback has no effect with --net=none\n"},
	};

	(void)state;
	log_setup("fauxroot", "parent", LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_warned("fauxroot", cases[i].args, cases[i].log);
	/* containerd-rootless.sh always gives this option. */
	assert_warned("rootlesskit", "--net=host --disable-host-loopback CMD",
		      "7 --disable-host-loopback has no effect with --net=host\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines_of_real_clients_are_accepted),
		cmocka_unit_test(unavailable_options_are_refused_by_name),
		cmocka_unit_test(conflicts_of_networks_and_mounts_are_refused),
		cmocka_unit_test(conflicts_of_ports_and_processes_are_refused),
		cmocka_unit_test(a_command_is_needed_only_to_run),
		cmocka_unit_test(a_shell_is_the_default_command),
		cmocka_unit_test(options_without_effect_are_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
