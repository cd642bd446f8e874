# SPDX-License-Identifier: Apache-2.0
# fauxroot: `make` builds it, `make demo` shows it, `make test` tests it, `make help` lists all targets.

CC      ?= cc
PKG_CONFIG ?= pkg-config
# For another machine: make CC=aarch64-linux-gnu-gcc AR=… PKG_CONFIG=…. The generators are built with these
# compilers and libraries instead, because they run here.
CC_FOR_BUILD         ?= cc
PKG_CONFIG_FOR_BUILD ?= pkg-config
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
DOCDIR  ?= $(PREFIX)/share/doc/fauxroot
LIBEXECDIR ?= $(PREFIX)/libexec
USERUNITDIR   ?= $(PREFIX)/lib/systemd/user
SYSTEMUNITDIR ?= $(PREFIX)/lib/systemd/system
BUILD   ?= build$(if $(STATIC),/static)
# Use the relative path everywhere, also in dependencies: build/asan.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))
VERSION := $(strip $(file <VERSION))

# SANITIZE=address,undefined builds into a tree of its own: make SANITIZE=… BUILD=build/asan
# COVERAGE=1 likewise: make COVERAGE=1 BUILD=build/coverage
SANITIZE ?=
COVERAGE ?=

# STATIC=1 builds launcher and client as static position-independent executables, with musl: they run on every
# Linux of the processor. Debian's packages supply the libraries (scripts/static-root), unless the compiler
# is musl's own already; then its libraries need archives.
STATIC ?=
STATIC_CC := $(CC)
ifneq ($(STATIC),)
MUSL := $(findstring musl,$(shell $(CC) -dumpmachine 2>/dev/null))
ifeq ($(MUSL),)
STATIC_ROOT ?= build/static-libraries/$(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
ifeq ($(filter clean uninstall lint,$(MAKECMDGOALS)),)
include $(STATIC_ROOT)/make.mk
$(STATIC_ROOT)/make.mk: scripts/static-root
	scripts/static-root '$(STATIC_CC)' $(@D)
endif
else
override PKG_CONFIG := $(PKG_CONFIG) --static
endif
endif

PKGS     := libevent_extra libevent_core jansson libcap
CTL_PKGS := jansson libcap
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) libseccomp 2>/dev/null)

ALL_CPPFLAGS = -Iinclude -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DFAUXROOT_VERSION='"$(VERSION)"' \
	$(PKG_CFLAGS) $(CPPFLAGS)

# The processor that the launcher is for, by its compiler, if it is not that of this machine. libseccomp names
# some processors differently; FILTER_ARCH=NAME names it where the compiler's name is not enough (gcc -m32).
processor = $(firstword $(subst -, ,$(shell $(1) -dumpmachine 2>/dev/null)))
BUILD_PROCESSOR := $(call processor,$(CC_FOR_BUILD))
FILTER_ARCH := $(if $(BUILD_PROCESSOR),$(patsubst arm%,arm,$(patsubst i%86,x86,$(subst powerpc,ppc,$(filter-out \
	$(BUILD_PROCESSOR),$(call processor,$(CC)))))))
CROSS := $(or $(FILTER_ARCH),$(if $(STATIC),musl))

# Developers and CI treat a warning as an error: make WERROR=-Werror. Warnings of another compiler or of
# another C library's macros must not stop a user's build: musl's convert types.
WERROR   ?=
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	$(if $(STATIC),,-Wconversion) $(WERROR)
CFLAGS   ?= -O2 -g
# More flags for the code of the tests alone: TEST_CFLAGS='-O0 -U_FORTIFY_SOURCE' compiles it in half of the time.
TEST_CFLAGS ?=
# One section a function, and --gc-sections below: an executable contains only the functions it calls.
ALL_CFLAGS = -std=gnu17 $(WARNINGS) -fPIE -ffunction-sections -fdata-sections \
	-fstack-protector-strong -fno-strict-aliasing $(HARDEN) $(PREFIX_MAP) $(CFLAGS) -MMD -MP
# The directory of the build is not in the result. gcov needs it.
PREFIX_MAP := $(if $(COVERAGE),,'-ffile-prefix-map=$(CURDIR)=.')
ALL_LDFLAGS = $(if $(STATIC),-static-pie,-pie) -pthread -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed,--gc-sections $(LDFLAGS)

ifeq ($(SANITIZE),)
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(shell \
	$(CC) -fcf-protection -E -x c /dev/null >/dev/null 2>&1 && echo -fcf-protection)
else
HARDEN := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
ALL_LDFLAGS += -fsanitize=$(SANITIZE)
endif
ifneq ($(COVERAGE),)
ALL_CFLAGS  += --coverage -Og
ALL_LDFLAGS += --coverage
HARDEN :=
endif

# Rooms from the highest layer to the lowest: this is also the link order.
ROOMS := check launch idmap mounts net port names switch api state supervise machine proc config sys base
room_objects = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(sort $(wildcard src/$(1)/*.c src/$(1)/*/*.c)))
archive = $(foreach room,$(1),$(if $(call room_objects,$(room)),$(BUILD)/lib/$(room).a))

# The explanations of failures, and --check, are at the end of the launcher: the kernel maps the pages around
# each page that is used, and mapped pages count as memory.
LAUNCHER_ROOMS := $(filter-out check,$(ROOMS))
CTL_ROOMS      := api state supervise machine proc config sys base
# Launcher, client and docker proxy start often, and loading shared libraries costs time. A library that has
# an archive is linked from that; `make SHARED=1` uses the shared ones.
SHARED ?=
archived = $(filter /%,$(shell $(CC) -print-file-name=$(1:-l%=lib%.a)))
lean = $(foreach flag,$(1),$(if $(call archived,$(flag)),$(flag:-l%=-l:lib%.a),$(flag)))
# glibc has had the timers of librt in libc since 2.34.
LAUNCHER_LIBS   = $(call $(if $(SHARED)$(STATIC),or,lean),$(shell $(PKG_CONFIG) --libs $(PKGS)) -lrt)
CTL_LIBS        = $(call $(if $(SHARED)$(STATIC),or,lean),$(shell $(PKG_CONFIG) --libs $(CTL_PKGS)))
TEST_LIBS       = $(shell $(PKG_CONFIG) --libs $(PKGS) cmocka libseccomp) -lutil -lrt

# `make V=1` shows whole commands.
ifeq ($(V),)
say = @printf '  %-4s %s\n' $(1) '$@';
endif

# NAME:PROGRAM. The names that existing scripts and dockerd use for RootlessKit.
COMPAT := rootlesskit:fauxroot docker-rootlesskit:fauxroot \
	rootlessctl:fauxrootctl rootlesskit-docker-proxy:fauxrootctl

PROGRAMS := $(BUILD)/fauxroot $(BUILD)/fauxrootctl $(BUILD)/fauxroot-docker-proxy
COMPLETIONS := $(foreach program,fauxroot fauxrootctl,$(addprefix $(BUILD)/completions/, \
	$(program).bash _$(program) $(program).fish))
all: $(PROGRAMS) $(BUILD)/compat $(COMPLETIONS)

$(BUILD)/fauxroot: $(BUILD)/obj/cmd/fauxroot.o $(call archive,$(LAUNCHER_ROOMS) check)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group \
		$(call archive,$(LAUNCHER_ROOMS)) $(LAUNCHER_LIBS) $(call archive,check) \
		-Wl,--end-group

$(BUILD)/fauxrootctl: $(filter-out %/fauxroot.o $(BUILD)/obj/cmd/completions/% \
		$(BUILD)/obj/cmd/manual/%,$(call room_objects,cmd)) \
		$(call archive,$(CTL_ROOMS))
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CTL_LIBS)

# One executable in two roles: it checks the name that it is called by.
$(BUILD)/fauxroot-docker-proxy: $(BUILD)/fauxrootctl
	$(call say,LN)ln -sf fauxrootctl $@

# A directory for PATH, like COMPATDIR after installation.
$(BUILD)/compat: Makefile
	$(call say,LN)mkdir -p $@ && $(call link_compat,$@,../) && touch $@

# Generators run on this machine. For another machine, or another C library, they are built in a tree of
# their own by a second make, which knows when to build them again; then a result is only replaced when it
# differs.
FILTERS := obj/sys/seccomp/filters
GENERATORS := $(BUILD)$(if $(CROSS),/generators)
generator = $(if $(CROSS),generators,$(BUILD)/$(1))
ifeq ($(CROSS),)
generate = mkdir -p $(@D) && $(1) >$@.new && mv $@.new $@
else
generate = mkdir -p $(@D) && $(1) >$@.new && if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
endif
# $(1): targets
make_here = env -u PKG_CONFIG_LIBDIR -u PKG_CONFIG_PATH -u PKG_CONFIG_SYSROOT_DIR $(MAKE) \
	BUILD=$(GENERATORS) CC='$(CC_FOR_BUILD)' CC_FOR_BUILD='$(CC_FOR_BUILD)' AR=ar \
	PKG_CONFIG='$(PKG_CONFIG_FOR_BUILD)' CPPFLAGS= CFLAGS=-O1 LDFLAGS= STATIC= SANITIZE= COVERAGE= \
	FILTER_ARCH= $(1)
generators:
	+@$(call make_here,--no-print-directory NEEDED=libseccomp $(addprefix $(GENERATORS)/, \
		completions/generate $(FILTERS)/filters))

# Completions are printed by a tool that is linked with the tables of options.
$(BUILD)/completions/generate: $(filter $(BUILD)/obj/cmd/completions/%,$(call room_objects,cmd)) \
		$(BUILD)/obj/cmd/ctl_table.o $(call archive,config base)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(BUILD)/completions/%.bash: $(call generator,completions/generate)
	$(call say,GEN)$(call generate,$(GENERATORS)/completions/generate bash $*)
$(BUILD)/completions/%.fish: $(call generator,completions/generate)
	$(call say,GEN)$(call generate,$(GENERATORS)/completions/generate fish $*)
$(BUILD)/completions/_%: $(call generator,completions/generate)
	$(call say,GEN)$(call generate,$(GENERATORS)/completions/generate zsh $*)

completions: $(COMPLETIONS)

# The documents describe causes and remedies from the launcher's own table. The generated text is checked in,
# for readers of the sources; a unit test compares it.
$(BUILD)/manual: $(BUILD)/obj/cmd/manual/main.o $(call archive,$(ROOMS))
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LAUNCHER_LIBS)

docs: $(if $(CROSS),manual-here,$(BUILD)/manual)
	scripts/splice docs/troubleshooting.md causes $(GENERATORS)/manual markdown
	scripts/splice man/fauxroot-causes.7 causes $(GENERATORS)/manual mdoc

manual-here:
	+@$(call make_here,--no-print-directory $(GENERATORS)/manual)

define room_rule
$(BUILD)/lib/$(1).a: $(call room_objects,$(1))
	@mkdir -p $$(@D)
	$$(call say,AR)rm -f $$@ && $(AR) qcs $$@ $$^
endef
$(foreach room,$(ROOMS),$(eval $(call room_rule,$(room))))

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/obj/tests/%.o: tests/%.c $(BUILD)/flags | test-needs
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) -Isrc -Itests/lib/fixtures $(ALL_CFLAGS) $(TEST_CFLAGS) -c -o $@ $<

# The library that slirp4netns loads with --disable-host-loopback is embedded in the launcher. It depends on
# no library, so it is built without sanitizers and gcov.
PRELOAD := $(BUILD)/obj/net/slirp4netns/preload.so
PRELOAD_CFLAGS = -std=gnu17 $(WARNINGS) -O2 -fPIC -fvisibility=hidden -fno-stack-protector \
	-U_FORTIFY_SOURCE -ffunction-sections
PRELOAD_LDFLAGS := -shared -nostdlib -s -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections
PRELOAD_SOURCES := src/net/slirp4netns/preload/preload.c src/net/slirp4netns/loopback.c \
	src/base/parse.c
$(PRELOAD): $(PRELOAD_SOURCES) $(wildcard src/net/slirp4netns/*/*.h) \
		src/net/slirp4netns/loopback.h include/fauxroot/base/parse.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_CPPFLAGS) $(PRELOAD_CFLAGS) $(PRELOAD_LDFLAGS) -o $@ $(PRELOAD_SOURCES)
$(BUILD)/obj/net/slirp4netns/preload.o: private ALL_CPPFLAGS += -Wa,-I$(dir $(PRELOAD))
$(BUILD)/obj/net/slirp4netns/preload.o: $(PRELOAD)

# The seccomp filters are embedded in the launcher, too. libseccomp compiles them at build time, so the
# launcher does not need it.
$(BUILD)/$(FILTERS)/filters: $(BUILD)/$(FILTERS)/filters.o
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell $(PKG_CONFIG) --libs libseccomp)
$(BUILD)/$(FILTERS)/%.bpf: $(call generator,$(FILTERS)/filters)
	$(call say,GEN)$(call generate,$(GENERATORS)/$(FILTERS)/filters $* $(FILTER_ARCH))
$(BUILD)/obj/port/builtin/confine.o: private ALL_CPPFLAGS += -Wa,-I$(BUILD)/$(FILTERS)
$(BUILD)/obj/names/confine.o: private ALL_CPPFLAGS += -Wa,-I$(BUILD)/$(FILTERS)
$(BUILD)/obj/names/confine.o: $(BUILD)/$(FILTERS)/names.bpf
$(BUILD)/obj/sys/seccomp/load.o: private ALL_CPPFLAGS += -Wa,-I$(BUILD)/$(FILTERS)
$(BUILD)/obj/sys/seccomp/load.o: $(BUILD)/$(FILTERS)/runner.bpf
$(BUILD)/obj/port/builtin/confine.o: $(addprefix $(BUILD)/$(FILTERS)/,forwarder.bpf agent.bpf)
$(BUILD)/obj/switch/filters.o: private ALL_CPPFLAGS += -Wa,-I$(BUILD)/$(FILTERS)
$(BUILD)/obj/switch/filters.o: $(addprefix $(BUILD)/$(FILTERS)/,command.bpf switch.bpf)

# Rebuild with another compiler or other flags: this file changes only when they change.
NEEDED = $(sort $(PKGS) $(CTL_PKGS) $(if $(CROSS),,libseccomp))
# The directory is not a part of the flags, so a moved tree is not built again.
FLAGS = $(CC) $(ALL_CPPFLAGS) $(subst $(PREFIX_MAP),,$(ALL_CFLAGS)) $(ALL_LDFLAGS) $(SHARED)$(if $(TEST_CFLAGS), $(TEST_CFLAGS))
$(BUILD)/flags: force
	@PKG_CONFIG='$(PKG_CONFIG)' scripts/needs build '$(if $(wildcard $@),,first)' '$(CC)' $(NEEDED)
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@

test-needs:
	@PKG_CONFIG='$(PKG_CONFIG)' scripts/needs unit '' '$(CC)' cmocka

# Tests. test_ROOM.c, test_ROOM_topic.c and fuzz_ROOM_topic.c are linked only with that room and the rooms
# that it may use: a wrong call does not link.
test_room = $(word 2,$(subst _, ,$(1)))
may_use = $(if $(filter launch check,$(1)),$(ROOMS),$(filter $(1) machine proc config sys base,$(ROOMS)))
test_archives = $(call archive,$(call may_use,$(call test_room,$(1))))
test_names = $(patsubst tests/$(1)/%.c,%,$(wildcard tests/$(1)/$(2)_*.c))

UNIT_TESTS   := $(addprefix $(BUILD)/unit/,$(call test_names,unit,test))
FUZZ_TARGETS := $(addprefix $(BUILD)/fuzz/,$(call test_names,fuzz,fuzz))
TEST_TOOLS   := $(patsubst tests/lib/tools/%.c,$(BUILD)/tests/lib/%,$(wildcard tests/lib/tools/*.c))

# Forked processes of the unit tests write their part of the coverage.
ifneq ($(COVERAGE),)
COVERAGE_OBJ   := $(BUILD)/obj/tests/lib/coverage.o
COVERAGE_FLAGS := -Wl,--wrap=_exit,--wrap=syscall
endif

define unit_rule
$(BUILD)/unit/$(1): $(BUILD)/obj/tests/unit/$(1).o $(COVERAGE_OBJ) $(call test_archives,$(1))
	@mkdir -p $$(@D)
	$$(call say,LD)$$(CC) $$(ALL_LDFLAGS) $$(COVERAGE_FLAGS) -o $$@ $$^ $$(TEST_LIBS)
endef
$(foreach test,$(notdir $(UNIT_TESTS)),$(eval $(call unit_rule,$(test))))

define fuzz_rule
$(BUILD)/fuzz/$(1): $(BUILD)/obj/tests/fuzz/$(1).o $(call test_archives,$(1))
	@mkdir -p $$(@D)
	$$(call say,LD)$$(CC) $$(ALL_LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(TEST_LIBS)
endef
$(foreach target,$(notdir $(FUZZ_TARGETS)),$(eval $(call fuzz_rule,$(target))))

# Programs that the integration tests run beside the launcher (tests/lib/tools), and programs that measure
# (tests/bench).
$(BUILD)/tests/lib/%: $(BUILD)/obj/tests/lib/tools/%.o $(call archive,sys base)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(BUILD)/tests/bench/%: $(BUILD)/obj/tests/bench/%.o $(call archive,sys base)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)

$(BUILD)/tests/lib/portbench: $(BUILD)/obj/tests/lib/tools/portbench.o $(call archive,port proc config sys base)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)

units: $(UNIT_TESTS)
tools: $(TEST_TOOLS)
fuzz-targets: $(FUZZ_TARGETS)

define HELP
Usage: make [TARGET] [VARIABLE=VALUE]

Build
  all               build the programs in build/; the default
  install           install into PREFIX (/usr/local); DESTDIR is put before it
  install-compat    the same, with the names rootlesskit, rootlessctl, … in BINDIR
  uninstall         remove all installed files
  clean             remove build/
  docs              generate the lists of causes in the documents
  compile_commands.json
                    write the compiler's options for each file, for clangd

Try and test; each target installs the packages that it needs
  demo              run a rootless daemon that builds an image and publishes its port
  test              run all tests, plain and with sanitizers
  unit              run the unit tests
  lint              run the static checks
  check-layers      check which rooms and files use each other
  fuzz              run each fuzz target; FUZZ_SECONDS=60
  coverage          measure the lines that the unit tests reach
  bench             compare with other programs; BENCH=ports measures one subject
  soak              run published ports under load; SOAK_SECONDS=3600
  fresh             run demo and test on fresh installations of Debian
  lab               run tests in virtual machines with other kernels; LAB=MACHINE
  full              run everything that takes too long for CI: about a day

Ship
  image             build the image of rootless BuildKit
  image-report      measure the image, and write the numbers of docs/image.md
  dist              create the source tarball of the last commit
  release           create all files of a release; RELEASE_KEY=FILE
  test-image, test-static, test-cross, test-deb
                    build what is shipped, and test it
  test-ship         run these four

Variables: CC=clang, WERROR=-Werror, STATIC=1, SHARED=1, V=1, and
SANITIZE=address,undefined BUILD=build/asan
endef
help:
	$(info $(HELP))@:

# Targets that a person waits for are built by all processors, unless -j is given.
jobs = $(if $(filter -j% --jobserver-%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 1))

# The two commands of README.md, and further targets of CI. Each installs the missing packages, and prints their names.
demo:
	scripts/setup demo
	$(MAKE) $(jobs) all
	scripts/demo

test:
	scripts/setup test
	scripts/run-tests

# The unit tests alone, of the plain build: this takes a minute and needs few packages.
unit:
	scripts/setup unit
	scripts/run-tests --units

# demo and test on fresh machines: Debian 12, 13 and sid. This takes about a day.
FRESH := $(foreach suite,bookworm trixie sid,$(suite):demo $(suite):demo:root $(suite):test)
fresh:
	scripts/setup fresh
	scripts/fresh $(FRESH)

# Everything that takes too long for CI: about a day.
full:
	scripts/full

# One subject of scripts/bench.d: make bench BENCH=ports
bench:
	scripts/setup bench
	$(MAKE) all $(BUILD)/tests/bench/pairs $(BUILD)/tests/bench/relay $(BUILD)/tests/lib/traffic $(BUILD)/tests/lib/dns
	scripts/bench $(BENCH)

# An hour by default: make soak SOAK_SECONDS=600
soak:
	scripts/setup test
	$(MAKE) all tools
	scripts/soak

# Virtual machines with other kernels and releases: make lab LAB=bullseye-5.10
LAB ?=
lab:
	scripts/setup lab cross unit
	$(MAKE) all units tools
	scripts/lab $(LAB)

# The image of rootless BuildKit, with podman, docker or buildctl: docs/image.md
image:
	scripts/image

test-image:
	scripts/setup build image static
	$(MAKE) $(jobs) all
	scripts/test-image

# The picture and the numbers of docs/image.md, by the real buildkitd
image-report:
	scripts/setup build image static bench
	$(MAKE) $(jobs) all
	scripts/test-image --report

# Other architectures: make test-cross ARCHITECTURES='arm64 s390x', as Debian names them
ARCHITECTURES ?=
test-cross:
	scripts/setup cross
	scripts/test-cross $(ARCHITECTURES)

test-static:
	scripts/setup test static
	$(MAKE) $(jobs) all tools
	scripts/test-static

# The four tests of what is shipped, two at a time
test-ship:
	scripts/test-ship

# The sources of the last commit as a tarball, and Debian's packages from it on fresh machines
dist:
	scripts/dist

# All files of a release, from the last commit: make release RELEASE_KEY=FILE
release: export RELEASE_KEY := $(RELEASE_KEY)
release:
	scripts/release

test-deb:
	scripts/setup fresh
	scripts/test-deb

# Seconds a target: make fuzz FUZZ_SECONDS=600
FUZZ_SECONDS ?= 60
fuzz:
	scripts/setup fuzz
	scripts/run-fuzz $(FUZZ_SECONDS)

lint:
	scripts/setup lint
	scripts/lint

check-layers:
	scripts/check-layers

# For clangd and other tools that read the sources: how each file is compiled, without the directories where
# the assembler finds generated files.
escaped = $(subst ",\",$(subst \,\\,$(1)))
compile_flags = $(if $(findstring /preload/,$(1)),$(PRELOAD_CFLAGS),$(if $(filter tests/%,$(1)), \
	-Isrc -Itests/lib/fixtures) $(filter-out -MMD -MP,$(ALL_CFLAGS)))
compile_command = {"directory": "$(call escaped,$(CURDIR))", "file": "$(1)", "command": \
	"$(call escaped,$(CC) $(ALL_CPPFLAGS) $(call compile_flags,$(1)) -c $(1))"}
ALL_SOURCES = $(sort $(shell find src tests -name '*.c'))
compile_commands.json: force
	$(file >$@,[$(call compile_command,$(firstword $(ALL_SOURCES))))
	$(foreach file,$(wordlist 2,$(words $(ALL_SOURCES)),$(ALL_SOURCES)),$(file \
		>>$@,,$(call compile_command,$(file))))
	$(file >>$@,])
	@echo '  GEN  $@'

coverage:
	scripts/coverage

# The compatible names are in a directory for the PATH of a daemon that needs them; other programs do not see
# them there. `make install-compat` puts them beside the programs, for all.
COMPATDIR := $(LIBEXECDIR)/fauxroot/compat
empty :=
space := $(empty) $(empty)
below_prefix = $(patsubst $(PREFIX)/%,%,$(filter $(PREFIX)/%,$(1)))
# ../../../bin/, where both directories are under PREFIX, so that a moved or a staged tree works.
COMPAT_TO_BIN := $(if $(and $(call below_prefix,$(COMPATDIR)),$(call below_prefix,$(BINDIR))),$(subst \
	$(space),,$(patsubst %,../,$(subst /, ,$(call below_prefix,$(COMPATDIR)))))$(call \
	below_prefix,$(BINDIR)),$(BINDIR))/
link_compat = for pair in $(COMPAT); do \
		ln -sf $(2)$${pair\#*:} $(1)/$${pair%%:*} || exit; \
	done

# Units in the tree find fauxroot in systemd's default path; installed units have its full name. Installed
# units, manual pages and documents name the one directory of the compatible names.
UNIT_COMPAT := /usr/local/libexec/fauxroot/compat:/usr/libexec/fauxroot/compat
units_of = $(wildcard contrib/systemd/$(1)/*.service contrib/systemd/$(1)/*.socket)
# All documents are installed in one directory, so the directory is removed from links between them.
to_place = s,^ExecStart=fauxroot ,ExecStart=$(BINDIR)/fauxroot ,; s,$(UNIT_COMPAT),$(COMPATDIR),; \
	s,$(firstword $(subst :, ,$(UNIT_COMPAT))),$(COMPATDIR),; s,](docs/,](,g; s,](\.\./\([A-Z]\),](\1,g
# $(1): files, $(2): the directory
install_texts = for file in $(1); do \
		new=$(DESTDIR)$(2)/.$${file\#\#*/}.new; \
		sed '$(to_place)' $$file >$$new && chmod 0644 $$new && \
		mv $$new $(DESTDIR)$(2)/$${file\#\#*/} || exit; \
	done

# Installing builds nothing and writes nothing under $(BUILD): with sudo, root would own these files, and the
# next make would fail.
MAN_SECTIONS := $(sort $(patsubst .%,%,$(suffix $(wildcard man/*.[1-9]))))
DOCUMENTS := README.md CHANGELOG.md SECURITY.md $(wildcard docs/*.md docs/*.svg) contrib/systemd/buildkitd.toml
# The files that the documents call contrib/…, for users without the sources
EXAMPLES := $(wildcard contrib/*.yaml contrib/apparmor/* contrib/ci/* contrib/kubernetes/*)
BUILT := $(BUILD)/fauxroot $(BUILD)/fauxrootctl $(COMPLETIONS)
install:
	@for file in $(BUILT); do \
		[ -e $$file ] || { echo "there is no $$file: run make first" >&2; exit 1; }; done
	install -d $(DESTDIR)$(BINDIR) $(addprefix $(DESTDIR)$(MANDIR)/man,$(MAN_SECTIONS))
	install -m 0755 $(BUILD)/fauxroot $(BUILD)/fauxrootctl $(DESTDIR)$(BINDIR)
	ln -sf fauxrootctl $(DESTDIR)$(BINDIR)/fauxroot-docker-proxy
	install -d $(DESTDIR)$(COMPATDIR)
	$(call link_compat,$(DESTDIR)$(COMPATDIR),$(COMPAT_TO_BIN))
	$(foreach section,$(MAN_SECTIONS),$(call install_texts,$(wildcard man/*.$(section)),$(MANDIR)/man$(section));)
	ln -sf fauxrootctl.1 $(DESTDIR)$(MANDIR)/man1/fauxroot-docker-proxy.1
	install -d $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	for program in fauxroot fauxrootctl; do \
		install -m 0644 $(BUILD)/completions/$$program.bash \
			$(DESTDIR)$(BASHDIR)/$$program && \
		install -m 0644 $(BUILD)/completions/_$$program $(DESTDIR)$(ZSHDIR) && \
		install -m 0644 $(BUILD)/completions/$$program.fish $(DESTDIR)$(FISHDIR) || \
		exit; \
	done
	install -d $(DESTDIR)$(USERUNITDIR) $(DESTDIR)$(SYSTEMUNITDIR) \
		$(DESTDIR)$(DOCDIR)/decisions
	$(call install_texts,$(call units_of,user),$(USERUNITDIR))
	$(call install_texts,$(call units_of,system),$(SYSTEMUNITDIR))
	$(call install_texts,$(DOCUMENTS),$(DOCDIR))
	$(call install_texts,$(wildcard docs/decisions/*.md),$(DOCDIR)/decisions)
	for file in $(EXAMPLES); do \
		new=$(DESTDIR)$(DOCDIR)/$$file mode=0644; [ ! -x $$file ] || mode=0755; \
		install -d $${new%/*} && sed '$(to_place)' $$file >$$new && chmod $$mode $$new || exit; \
	done

# Never overwrite another package's program.
install-compat: install
	@cd $(DESTDIR)$(BINDIR) && for pair in $(COMPAT); do \
		name=$${pair%%:*}; program=$${pair#*:}; \
		if [ "$$(readlink $$name)" = $$program ]; then continue; fi; \
		if [ -e $$name ] || [ -L $$name ]; then \
			echo "$(DESTDIR)$(BINDIR)/$$name exists and is not ours" >&2; exit 1; fi; \
		echo "ln -s $$program $(DESTDIR)$(BINDIR)/$$name"; ln -s $$program $$name || exit; \
	done
	@cd $(DESTDIR)$(MANDIR)/man1 && for pair in $(COMPAT); do \
		name=$${pair%%:*}; \
		[ -e $$name.1 ] || ln -sf $${pair#*:}.1 $$name.1 || exit; \
	done

uninstall:
	@cd $(DESTDIR)$(BINDIR) && for pair in $(COMPAT); do \
		name=$${pair%%:*}; \
		if [ "$$(readlink $$name)" = $${pair#*:} ]; then rm -v $$name; fi; \
		page=$(DESTDIR)$(MANDIR)/man1/$$name.1; \
		if [ "$$(readlink $$page)" = $${pair#*:}.1 ]; then rm -v $$page; fi; \
	done
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,fauxroot fauxrootctl fauxroot-docker-proxy) \
		$(foreach pair,$(COMPAT),$(DESTDIR)$(COMPATDIR)/$(firstword $(subst :, ,$(pair))))
	rm -f $(foreach section,$(MAN_SECTIONS),$(addprefix $(DESTDIR)$(MANDIR)/man$(section)/,$(notdir \
		$(wildcard man/*.$(section))))) $(DESTDIR)$(MANDIR)/man1/fauxroot-docker-proxy.1
	rm -f $(addprefix $(DESTDIR)$(BASHDIR)/,fauxroot fauxrootctl) \
		$(addprefix $(DESTDIR)$(ZSHDIR)/,_fauxroot _fauxrootctl) \
		$(addprefix $(DESTDIR)$(FISHDIR)/,fauxroot.fish fauxrootctl.fish)
	rm -f $(addprefix $(DESTDIR)$(USERUNITDIR)/,$(notdir $(call units_of,user))) \
		$(addprefix $(DESTDIR)$(SYSTEMUNITDIR)/,$(notdir $(call units_of,system))) \
		$(addprefix $(DESTDIR)$(DOCDIR)/,$(notdir $(DOCUMENTS))) \
		$(addprefix $(DESTDIR)$(DOCDIR)/decisions/,$(notdir $(wildcard docs/decisions/*.md))) \
		$(addprefix $(DESTDIR)$(DOCDIR)/,$(EXAMPLES))
	rmdir $(addprefix $(DESTDIR)$(DOCDIR)/,$(filter-out contrib/,$(sort $(dir $(EXAMPLES)))) contrib decisions) $(DESTDIR)$(DOCDIR) $(DESTDIR)$(COMPATDIR) $(dir $(DESTDIR)$(COMPATDIR)) \
		2>/dev/null || :

clean:
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: all help completions docs generators manual-here units tools fuzz-targets demo test unit fresh full \
	bench soak lab fuzz test-cross test-static test-deb test-ship dist release image image-report test-image lint check-layers coverage install \
	install-compat uninstall clean force test-needs
