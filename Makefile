# SPDX-License-Identifier: Apache-2.0
# fauxroot: `make` builds, `make demo` shows, `make test` proves. See README.md.

CC      ?= cc
PREFIX  ?= /usr/local
BUILD   ?= build
VERSION := 0.1.0

# SANITIZE=address,undefined builds into a tree of its own: make SANITIZE=… BUILD=build/asan
SANITIZE ?=

PKGS     := libevent_core libevent_extra jansson libmnl libcap libseccomp
CTL_PKGS := libcurl jansson
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) libcurl 2>/dev/null)

CPPFLAGS += -Iinclude -D_GNU_SOURCE -DFAUXROOT_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Werror
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=gnu17 $(WARNINGS) -fPIE -fstack-protector-strong -fno-strict-aliasing $(HARDEN) \
	$(CFLAGS) -MMD -MP
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed,--gc-sections $(LDFLAGS)

ifeq ($(SANITIZE),)
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(shell \
	$(CC) -fcf-protection -E -x c /dev/null >/dev/null 2>&1 && echo -fcf-protection)
else
HARDEN := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
ALL_LDFLAGS += -fsanitize=$(SANITIZE)
endif

# Rooms from the highest layer to the lowest: also the order in which they are linked.
ROOMS := launch check idmap mounts net port api state supervise config sys base
room_objects = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/$(1)/*.c src/$(1)/*/*.c))
archive = $(foreach room,$(1),$(if $(call room_objects,$(room)),$(BUILD)/lib/$(room).a))

LAUNCHER_ROOMS := $(ROOMS)
CTL_ROOMS      := api config sys base

all: $(BUILD)/fauxroot $(BUILD)/fauxrootctl $(BUILD)/fauxroot-docker-proxy

$(BUILD)/fauxroot: $(BUILD)/obj/cmd/fauxroot.o $(call archive,$(LAUNCHER_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell pkg-config --libs $(PKGS))

$(BUILD)/fauxrootctl: $(BUILD)/obj/cmd/ctl.o $(call archive,$(CTL_ROOMS))
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell pkg-config --libs $(CTL_PKGS))

$(BUILD)/fauxroot-docker-proxy: $(BUILD)/fauxrootctl
	ln -sf fauxrootctl $@

define room_rule
$(BUILD)/lib/$(1).a: $(call room_objects,$(1))
	@mkdir -p $$(@D)
	rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach room,$(ROOMS),$(eval $(call room_rule,$(room))))

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# Unit tests: tests/unit/test_ROOM.c or test_ROOM_topic.c is linked with that room and those below.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
test_room = $(word 2,$(subst _, ,$(1)))

define unit_rule
$(BUILD)/unit/$(1): tests/unit/$(1).c $(call archive,$(call test_room,$(1)) config sys base)
	@mkdir -p $$(@D)
	$(CC) $(CPPFLAGS) -Isrc -Itests/lib $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $$@ $$(filter %.c %.a,$$^) \
		$(shell pkg-config --libs $(PKGS) cmocka 2>/dev/null) $(if $(filter api,$(call test_room,$(1))),-lcurl)
endef
$(foreach test,$(notdir $(UNIT_TESTS)),$(eval $(call unit_rule,$(test))))

units: $(UNIT_TESTS)

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all units clean
