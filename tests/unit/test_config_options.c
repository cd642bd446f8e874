/* SPDX-License-Identifier: Apache-2.0 */
/* The parser: every option, every form, every malformed value. Conflicts: test_config_conflicts.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "config/private.h"
#include "config_text.h"
#include "fauxroot/base/err.h"

/* Parse @args: compare the options that differ from their default, or the error's message. */
static void check(const char *args, int expected_rc, const char *expected)
{
	struct argv argv = argv_of("fauxroot", args);
	_cleanup_config_ struct config config;
	_cleanup_free_ char *text = NULL;
	struct error err = {0};
	int rc;

	config_init(&config);
	rc = options_read(&config, argv.n, argv.words.items, &err);
	text = rc < 0 ? strdup(err.text) : config_text(&config);
	if (rc != expected_rc || !streq(text, expected))
		fail_msg("\"%s\": %d, \"%s\"; expected %d, \"%s\"", args, rc, text, expected_rc,
			 expected);
	strv_clear(&argv.words);
}

/* Each option alone changes only its own field: no two rows share a field. */
static const char *const values[] = {
	"--net=none",
	"--net=slirp4netns",
	"--net=auto",
	"--net=pasta",
	"--net=lxc-user-nic",
	"--net=gvisor-tap-vsock",
	"--net=vpnkit",
	"--mtu=68",
	"--mtu=1500",
	"--mtu=65521",
	"--cidr=10.0.3.0/24",
	"--cidr=10.0.2.128/25",
	"--ifname=tap9",
	"--dns=192.0.2.1",
	"--dns=2001:db8::1",
	"--dns=none",
	"--ifname=123456789012345",
	"--disable-host-loopback=true",
	"--ipv6=true",
	"--detach-netns=true",
	"--slirp4netns-binary=/opt/slirp4netns",
	"--slirp4netns-sandbox=true",
	"--slirp4netns-sandbox=false",
	"--slirp4netns-seccomp=true",
	"--slirp4netns-seccomp=false",
	"--pasta-binary=/opt/pasta",
	"--lxc-user-nic-binary=/opt/lxc-user-nic",
	"--lxc-user-nic-bridge=br7",
	"--vpnkit-binary=/opt/vpnkit",
	"--net-accel=switch",
	"--net-accel-except=10.0.0.0/8",
	"--port-driver=builtin",
	"--port-driver=slirp4netns",
	"--port-driver=implicit",
	"--port-driver=pesto",
	"--port-driver=gvisor-tap-vsock",
	"--publish=127.0.0.1:8080:80/tcp",
	"--forward-host=5432:127.0.0.1:5432",
	"--source-ip-transparent=false",
	"--api-inside=unprivileged",
	"--api-inside=read-only",
	"--api-inside=none",
	"--copy-up=/etc",
	"--copy-up=/tmp/below",
	"--copy-up=/tmpfiles",
	"--copy-up=/var/tmp",
	"--copy-up-mode=copy",
	"--propagation=private",
	"--propagation=slave",
	"--propagation=rslave",
	"--propagation=shared",
	"--propagation=rshared",
	"--state-dir=relative/dir",
	"--name=build-1.x",
	"--workdir=relative/dir",
	"--idmap=subid",
	"--idmap=single",
	"--idmap=fit",
	"--subid-source=dynamic",
	"--subid-source=static",
	"--pidns=true",
	"--cgroupns=true",
	"--utsns=true",
	"--ipcns=true",
	"--reaper=true",
	"--reaper=false",
	"--kill-orphans=true",
	"--kill-timeout=0",
	"--kill-timeout=86400",
	"--evacuate-cgroup2=evac",
	"--check=true",
	"--check=strict",
	"--json=true",
	"--debug=true",
	"--log-format=json",
	"--print-semver=major",
	"--print-semver=minor",
	"--print-semver=patch",
	"--version=true",
	"--help=true",
};

static void every_option_sets_its_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		_cleanup_free_ char *args = str_format("%s CMD", values[i]);
		_cleanup_free_ char *expected = str_format("%s -- CMD", values[i]);

		check(args, 0, expected);
	}
	/* Options with their default values: no field differs. */
	check("--net=host --mtu=0 --port-driver=none --propagation=rprivate --idmap=auto "
	      "--subid-source=auto --reaper=auto --log-format=text --copy-up-mode=tmpfs+symlink "
	      "--source-ip-transparent=true --api-inside=full --slirp4netns-sandbox=auto "
	      "--slirp4netns-seccomp=auto "
	      "--slirp4netns-binary=slirp4netns --pidns=false --kill-timeout=10 CMD",
	      0, "-- CMD");
}

static void expect_tried(const char *name, const char *word)
{
	_cleanup_free_ char *option = str_format("--%s=%s", name, word);

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (*word ? streq(values[i], option) : str_after(values[i], option) != NULL)
			return;
	fail_msg("%s is not in the table above", option);
}

static void every_row_and_every_word_is_tested(void **state)
{
	struct config defaults;

	(void)state;
	config_init(&defaults);
	for (const struct option_row *row = options_next(NULL); row; row = options_next(row)) {
		if (row->kind != OPTION_CHOICE)
			expect_tried(row->name, "");
		else
			for (const struct option_word *word = row->words; word->name; word++)
				if (word != option_word(row, &defaults))
					expect_tried(row->name, word->name);
	}
}

static void the_syntax_is_that_of_go(void **state)
{
	static const struct {
		const char *args;
		const char *expected;
	} cases[] = {
		{"CMD", "-- CMD"},
		{"CMD --net=none", "-- CMD --net=none"},
		{"-- CMD", "-- CMD"},
		{"-- --net=none", "-- --net=none"},
		{"-- -- CMD", "-- -- CMD"},
		{"- CMD", "-- - CMD"},
		{"", "--"},
		{"--net none CMD", "--net=none -- CMD"},
		{"-net=none CMD", "--net=none -- CMD"},
		{"-net none CMD", "--net=none -- CMD"},
		{"--net=none -- --mtu=9 CMD", "--net=none -- --mtu=9 CMD"},
		{"--p 8080:80/tcp CMD", "--publish=8080:80/tcp -- CMD"},
		{"-p 8080:80/tcp CMD", "--publish=8080:80/tcp -- CMD"},
		{"-p=8080:80/tcp CMD", "--publish=8080:80/tcp -- CMD"},
		{"-p 1:1/tcp --publish 2:2/udp,3:3/udp CMD",
		 "--publish=1:1/tcp --publish=2:2/udp --publish=3:3/udp -- CMD"},
		{"-h", "--help=true --"},
		{"-v", "--version=true --"},
		/* A boolean never takes the next argument. */
		{"--pidns false", "--pidns=true -- false"},
		{"--pidns=1 CMD", "--pidns=true -- CMD"},
		{"--pidns=t CMD", "--pidns=true -- CMD"},
		{"--pidns=T CMD", "--pidns=true -- CMD"},
		{"--pidns=TRUE CMD", "--pidns=true -- CMD"},
		{"--pidns=true CMD", "--pidns=true -- CMD"},
		{"--pidns=True CMD", "--pidns=true -- CMD"},
		{"--pidns --pidns=0 CMD", "-- CMD"},
		{"--pidns --pidns=f CMD", "-- CMD"},
		{"--pidns --pidns=F CMD", "-- CMD"},
		{"--pidns --pidns=FALSE CMD", "-- CMD"},
		{"--pidns --pidns=false CMD", "-- CMD"},
		{"--pidns --pidns=False CMD", "-- CMD"},
		/* The last one wins; an empty value is the default. */
		{"--net=none --net=slirp4netns CMD", "--net=slirp4netns -- CMD"},
		{"--mtu=1500 --mtu=0 CMD", "-- CMD"},
		{"--mtu=1500 --mtu= CMD", "-- CMD"},
		{"--net=none --net= CMD", "-- CMD"},
		{"--cidr=10.0.3.0/24 --cidr= CMD", "-- CMD"},
		{"--ifname=x --ifname= CMD", "-- CMD"},
		{"--slirp4netns-binary=x --slirp4netns-binary= CMD", "-- CMD"},
		{"--pidns --pidns= CMD", "-- CMD"},
		{"--source-ip-transparent=false --source-ip-transparent= CMD", "-- CMD"},
		{"--print-semver=major --print-semver= CMD", "-- CMD"},
		/* Without "=" the option never takes the next argument. */
		{"--check CMD", "--check=true -- CMD"},
		{"--check strict", "--check=true -- strict"},
		{"-check=strict --net none CMD", "--net=none --check=strict -- CMD"},
		{"--check --check=false CMD", "-- CMD"},
		/* The next argument is the value, even if it looks like an option. */
		{"--state-dir --net=none CMD", "--state-dir=--net=none -- CMD"},
		{"--state-dir=a=b CMD", "--state-dir=a=b -- CMD"},
		/* Lists collect values; empty items are ignored. */
		{"--copy-up=/etc --copy-up=/run CMD", "--copy-up=/etc --copy-up=/run -- CMD"},
		{"--copy-up=/etc,/run CMD", "--copy-up=/etc --copy-up=/run -- CMD"},
		{"--copy-up /etc/,/run --copy-up=/var/lib CMD",
		 "--copy-up=/etc/ --copy-up=/run --copy-up=/var/lib -- CMD"},
		{"--copy-up=,/etc,, --copy-up= CMD", "--copy-up=/etc -- CMD"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i].args, 0, cases[i].expected);
}

static void wrong_values_are_refused_by_name(void **state)
{
#define MTU  "--mtu takes 0 or a number from 68 to 65521, not "
#define CIDR "--cidr takes the address of an IPv4 network, /25 or wider, such as 10.0.2.0/24, not "
#define NAME                                                                                  \
	"--name takes letters, digits, '_', '.' and '-', at most 63, at least one letter, a " \
	"letter or "                                                                          \
	"digit first, not "
#define DNS "--dns takes an IP address or \"none\", not "
#define IFNAME                                                                                    \
	"--ifname takes a name of at most 15 bytes without '/', ':', '%' and white space, other " \
	"than lo, all and default, not "
#define COPYUP "--copy-up takes an absolute path of a directory other than / and /tmp, not "
	static const struct {
		const char *args;
		const char *text;
	} cases[] = {
		{"--no-such-option CMD",
		 "unknown option --no-such-option; --help lists all options"},
		{"-x CMD", "unknown option -x; --help lists all options"},
		{"--no-such=1 CMD", "unknown option --no-such; --help lists all options"},
		{"--Net=none CMD", "unknown option --Net; did you mean --net?"},
		{"--ne=none CMD", "unknown option --ne; did you mean --net?"},
		{"---net=none CMD", "unknown option ---net; did you mean --net?"},
		{"--=none CMD", "unknown option --; --help lists all options"},
		{"-= CMD", "unknown option -; --help lists all options"},
		{"-p8080:80/tcp CMD", "unknown option -p8080:80/tcp; --help lists all options"},
		{"-hv CMD", "unknown option -hv; --help lists all options"},
		{"--net",
		 "--net needs a value: host, none, auto, slirp4netns, pasta or gvisor-tap-vsock"},
		{"-p", "--publish needs a value: [parentIP]:parentPort:[childIP:]childPort/proto"},
		{"--net=nosuch CMD",
		 "--net takes host, none, auto, slirp4netns, pasta or gvisor-tap-vsock, "
		 "not \"nosuch\""},
		{"--net=Host CMD",
		 "--net takes host, none, auto, slirp4netns, pasta or gvisor-tap-vsock, "
		 "not \"Host\""},
		{"--net=hos CMD",
		 "--net takes host, none, auto, slirp4netns, pasta or gvisor-tap-vsock, "
		 "not \"hos\""},
		{"--ipv6=yes CMD", "--ipv6 takes true or false, not \"yes\""},
		{"--ipv6=2 CMD", "--ipv6 takes true or false, not \"2\""},
		{"--ipv6=tRUE CMD", "--ipv6 takes true or false, not \"tRUE\""},
		{"--mtu=67 CMD", MTU "\"67\""},
		{"--mtu=65522 CMD", MTU "\"65522\""},
		{"--mtu=-1 CMD", MTU "\"-1\""},
		{"--mtu=+1500 CMD", MTU "\"+1500\""},
		{"--mtu=1500x CMD", MTU "\"1500x\""},
		{"--mtu=0x5dc CMD", MTU "\"0x5dc\""},
		{"--mtu=4294967296 CMD", MTU "\"4294967296\""},
		{"--mtu=18446744073709551616 CMD", MTU "\"18446744073709551616\""},
		{"--mtu= --mtu=x CMD", MTU "\"x\""},
		{"--cidr=10.0.2.100/24 CMD", CIDR "\"10.0.2.100/24\""},
		{"--cidr=10.0.2.0/26 CMD", CIDR "\"10.0.2.0/26\""},
		{"--cidr=fd00::/64 CMD", CIDR "\"fd00::/64\""},
		{"--ifname=1234567890123456 CMD", IFNAME "\"1234567890123456\""},
		{"--ifname=a/b CMD", IFNAME "\"a/b\""},
		{"--ifname=lo CMD", IFNAME "\"lo\""},
		{"--ifname=all CMD", IFNAME "\"all\""},
		{"--ifname=default CMD", IFNAME "\"default\""},
		{"--ifname=tap%d CMD", IFNAME "\"tap%d\""},
		{"--ifname=eth0:1 CMD", IFNAME "\"eth0:1\""},
		{"--ifname=tap\t0 CMD", IFNAME "\"tap\t0\""},
		{"--name=123 CMD", NAME "\"123\""},
		{"--name=-x CMD", NAME "\"-x\""},
		{"--name=.. CMD", NAME "\"..\""},
		{"--name=a/b CMD", NAME "\"a/b\""},
		{"--name=x\n CMD", NAME "\"x\n\""},
		{"--dns=example.org CMD", DNS "\"example.org\""},
		{"--dns=192.0.2.1:53 CMD", DNS "\"192.0.2.1:53\""},
		{"--dns=fe80::1%eth0 CMD", DNS "\"fe80::1%eth0\""},
		{"--ifname=. CMD", IFNAME "\".\""},
		{"--ifname=.. CMD", IFNAME "\"..\""},
		{"--copy-up=etc CMD", COPYUP "\"etc\""},
		{"--copy-up=./etc CMD", COPYUP "\"./etc\""},
		{"--copy-up=/etc,run CMD", COPYUP "\"run\""},
		{"--copy-up=/ CMD", COPYUP "\"/\""},
		{"--copy-up=// CMD", COPYUP "\"//\""},
		{"--copy-up=/etc/.. CMD", COPYUP "\"/etc/..\""},
		{"--copy-up=/../ CMD", COPYUP "\"/../\""},
		{"--copy-up=/tmp CMD", COPYUP "\"/tmp\""},
		{"--copy-up=/tmp/ CMD", COPYUP "\"/tmp/\""},
		{"--copy-up=//tmp CMD", COPYUP "\"//tmp\""},
		{"--copy-up=/./tmp/. CMD", COPYUP "\"/./tmp/.\""},
		{"--copy-up=/var/../tmp CMD", COPYUP "\"/var/../tmp\""},
		{"--copy-up=/tmp/a/.. CMD", COPYUP "\"/tmp/a/..\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i].args, -EINVAL, cases[i].text);
}

/* DIR:MODE. Any other colon is part of the path, and so is the mode if a slash follows. */
static void a_directory_can_have_a_mode(void **state)
{
	static const struct {
		const char *args, *dir;
		enum copy_up_mode mode;
	} cases[] = {
		{"fauxroot --copy-up=/etc CMD", "/etc", COPY_UP_TMPFS_SYMLINK},
		{"fauxroot --copy-up=/etc:copy CMD", "/etc", COPY_UP_COPY},
		{"fauxroot --copy-up=/etc/:copy CMD", "/etc/", COPY_UP_COPY},
		{"fauxroot --copy-up=/etc --copy-up-mode=copy CMD", "/etc", COPY_UP_COPY},
		{"fauxroot --copy-up-mode=copy --copy-up=/etc:tmpfs+symlink CMD", "/etc",
		 COPY_UP_TMPFS_SYMLINK},
		{"fauxroot --copy-up=/a:b CMD", "/a:b", COPY_UP_TMPFS_SYMLINK},
		{"fauxroot --copy-up=/a:b:copy CMD", "/a:b", COPY_UP_COPY},
		{"fauxroot --copy-up=/a:copy:tmpfs+symlink CMD", "/a:copy", COPY_UP_TMPFS_SYMLINK},
		{"fauxroot --copy-up=/a:copy/ CMD", "/a:copy/", COPY_UP_TMPFS_SYMLINK},
		{"fauxroot --copy-up=/a:copy/b CMD", "/a:copy/b", COPY_UP_TMPFS_SYMLINK},
		{"fauxroot --copy-up=/a: CMD", "/a:", COPY_UP_TMPFS_SYMLINK},
		{"fauxroot --copy-up=/a:Copy CMD", "/a:Copy", COPY_UP_TMPFS_SYMLINK},
		/* The directory is refused. */
		{"fauxroot --copy-up=/:copy CMD", NULL, 0},
		{"fauxroot --copy-up=/tmp:copy CMD", NULL, 0},
		{"fauxroot --copy-up=/../tmp/:tmpfs+symlink CMD", NULL, 0},
		/* RootlessKit has no modes of single directories. */
		{"rootlesskit --copy-up=/etc:copy CMD", "/etc:copy", COPY_UP_TMPFS_SYMLINK},
		{"rootlesskit --copy-up=/etc:tmpfs+symlink CMD", "/etc:tmpfs+symlink",
		 COPY_UP_TMPFS_SYMLINK},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *space = strchr(cases[i].args, ' ');
		_cleanup_free_ char *program =
			strndup(cases[i].args, (size_t)(space - cases[i].args));
		struct argv argv = argv_of(program, space + 1);
		_cleanup_config_ struct config config;
		struct error err = {0};

		config_init(&config);
		assert_int_equal(options_parse(&config, argv.n, argv.words.items, &err),
				 cases[i].dir ? 0 : -EINVAL);
		assert_int_equal(config.copy_up.n, 1);
		if (cases[i].dir) {
			assert_string_equal(config.copy_up.items[0], cases[i].dir);
			assert_int_equal(config_copy_up_mode(&config, 0), cases[i].mode);
		}
		strv_clear(&argv.words);
	}
}

static void words_outside_the_choices_are_refused(void **state)
{
	static const struct {
		const char *args;
		const char *text;
	} cases[] = {
		{"--slirp4netns-sandbox=maybe CMD",
		 "--slirp4netns-sandbox takes auto, true or false, not \"maybe\""},
		{"--slirp4netns-seccomp=1 CMD",
		 "--slirp4netns-seccomp takes auto, true or false, not \"1\""},
		{"--copy-up-mode=overlay CMD",
		 "--copy-up-mode takes tmpfs+symlink or copy, not \"overlay\""},
		{"--propagation=none CMD", "--propagation takes rprivate, private, slave, rslave, "
					   "shared or rshared, not \"none\""},
		{"--port-driver=nosuch CMD",
		 "--port-driver takes none, builtin, slirp4netns, implicit, pesto or "
		 "gvisor-tap-vsock, not \"nosuch\""},
		{"--idmap=double CMD", "--idmap takes auto, subid, single or fit, not \"double\""},
		{"--subid-source=files CMD",
		 "--subid-source takes auto, dynamic or static, not \"files\""},
		{"--reaper=yes CMD", "--reaper takes auto, true or false, not \"yes\""},
		{"--kill-timeout=86401 CMD",
		 "--kill-timeout takes a number of seconds up to 86400, not \"86401\""},
		{"--kill-timeout=10s CMD",
		 "--kill-timeout takes a number of seconds up to 86400, not \"10s\""},
		{"--evacuate-cgroup2=a/b CMD", "--evacuate-cgroup2 takes one name without '/', not "
					       "\"a/b\""},
		{"--evacuate-cgroup2=.. CMD", "--evacuate-cgroup2 takes one name without '/', not "
					      "\"..\""},
		{"--log-format=xml CMD", "--log-format takes text or json, not \"xml\""},
		{"--check=all CMD", "--check takes false, true or strict, not \"all\""},
		{"--print-semver=all", "--print-semver takes major, minor or patch, not \"all\""},
		{"--help=maybe", "--help takes true or false, not \"maybe\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i].args, -EINVAL, cases[i].text);
}

static void words_have_the_values_of_their_enum(void **state)
{
	static const struct {
		const char *args;
		size_t offset;
		unsigned value;
	} cases[] = {
		{"--net=host", offsetof(struct config, net), NET_HOST},
		{"--net=none", offsetof(struct config, net), NET_NONE},
		{"--net=slirp4netns", offsetof(struct config, net), NET_SLIRP4NETNS},
		{"--net=auto", offsetof(struct config, net), NET_AUTO},
		{"--net=pasta", offsetof(struct config, net), NET_PASTA},
		{"--net=vpnkit", offsetof(struct config, net), NET_VPNKIT},
		{"--port-driver=builtin", offsetof(struct config, port_driver), PORT_BUILTIN},
		{"--port-driver=implicit", offsetof(struct config, port_driver), PORT_IMPLICIT},
		{"--propagation=rslave", offsetof(struct config, propagation), PROPAGATION_RSLAVE},
		{"--propagation=shared", offsetof(struct config, propagation), PROPAGATION_SHARED},
		{"--slirp4netns-sandbox=true", offsetof(struct config, slirp4netns.sandbox),
		 TRI_TRUE},
		{"--slirp4netns-seccomp=false", offsetof(struct config, slirp4netns.seccomp),
		 TRI_FALSE},
		{"--reaper=true", offsetof(struct config, reaper), TRI_TRUE},
		{"--idmap=single", offsetof(struct config, idmap), IDMAP_SINGLE},
		{"--idmap=fit", offsetof(struct config, idmap), IDMAP_FIT},
		{"--subid-source=static", offsetof(struct config, subid_source), SUBID_STATIC},
		{"--log-format=json", offsetof(struct config, log_format), LOG_FORMAT_JSON},
		{"--print-semver=patch", offsetof(struct config, semver), SEMVER_PATCH},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct argv argv = argv_of("fauxroot", cases[i].args);
		_cleanup_config_ struct config config;
		struct error err = {0};

		config_init(&config);
		assert_int_equal(options_read(&config, argv.n, argv.words.items, &err), 0);
		assert_int_equal(*(unsigned *)((char *)&config + cases[i].offset), cases[i].value);
		strv_clear(&argv.words);
	}
}

static void the_command_is_the_callers_argv(void **state)
{
	struct argv argv = argv_of("fauxroot", "--net none --copy-up=/etc CMD -a --net=host");
	_cleanup_config_ struct config config;
	struct error err = {0};

	(void)state;
	config_init(&config);
	assert_int_equal(options_parse(&config, argv.n, argv.words.items, &err), 0);
	assert_ptr_equal(config.command, argv.words.items + 4);
	assert_int_equal(config.action, ACTION_RUN);
	strv_clear(&argv.words);
}

static void an_empty_argv_does_not_crash(void **state)
{
	char *argv[] = {NULL};
	_cleanup_config_ struct config config;
	struct error err = {0};

	(void)state;
	config_init(&config);
	assert_int_equal(options_parse(&config, 0, argv, &err), -EINVAL);
	assert_string_equal(err.text,
			    "no command to run: fauxroot [options] [--] command [argument…]");
	assert_int_equal(err.step, STEP_OPTIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_sets_its_field),
		cmocka_unit_test(every_row_and_every_word_is_tested),
		cmocka_unit_test(the_syntax_is_that_of_go),
		cmocka_unit_test(wrong_values_are_refused_by_name),
		cmocka_unit_test(a_directory_can_have_a_mode),
		cmocka_unit_test(words_outside_the_choices_are_refused),
		cmocka_unit_test(words_have_the_values_of_their_enum),
		cmocka_unit_test(the_command_is_the_callers_argv),
		cmocka_unit_test(an_empty_argv_does_not_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
