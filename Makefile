# SPDX-License-Identifier: MIT
# safe-exec: build, run, test. `make help` lists the targets.

CC      ?= cc
PREFIX  ?= /usr/local
BUILD   ?= build
PACKAGES = libmicrohttpd jansson libseccomp

WARNINGS = -Wall -Wextra -Wshadow -Wformat=2 -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum \
           -Wimplicit-fallthrough -Wnull-dereference -Werror
HARDENED = -fstack-protector-strong -fstack-clash-protection -fPIE
LINKED   = -pie -Wl,-z,relro,-z,now,-z,noexecstack
CFLAGS_  = -std=gnu11 -O2 -g $(WARNINGS) $(HARDENED) -Iinclude $(shell pkg-config --cflags $(PACKAGES)) $(CFLAGS)
LIBS     = $(shell pkg-config --libs $(PACKAGES))

ifdef SAN
# The same program under AddressSanitizer and UndefinedBehaviorSanitizer: make SAN=1 test
BUILD   := $(BUILD)/san
CFLAGS_ += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LINKED  += -fsanitize=address,undefined
else
CFLAGS_ += -D_FORTIFY_SOURCE=2
endif

SOURCES  = $(wildcard src/*.c src/web/*.c src/spawn/*.c src/jail/*.c)
ASSETS   = $(wildcard runner/*.py policy/* src/web/assets/* src/web/assets/vendor/swagger-ui/*)
OBJECTS  = $(SOURCES:src/%.c=$(BUILD)/%.o) $(BUILD)/assets.o
DROPPED  = $(SOURCES:src/%.c=$(BUILD)/drop/%.o) $(BUILD)/assets.o

all: $(BUILD)/safe-exec ## build the program

$(BUILD)/safe-exec: $(OBJECTS)
	$(CC) $(LINKED) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: src/%.c | packages
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) -MMD -MP -c -o $@ $<

$(BUILD)/assets.o: src/assets.S $(ASSETS)
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

# Never installed: a program that can leave out one layer by name, with which the suite proves its own tests.
$(BUILD)/safe-exec-drop: $(DROPPED)
	$(CC) $(LINKED) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/drop/%.o: src/%.c | packages
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_) -DSAFE_EXEC_TEST_DROP -MMD -MP -c -o $@ $<

packages:
	@true

clean:
	rm -rf $(BUILD)

.PHONY: all packages clean
-include $(OBJECTS:.o=.d) $(DROPPED:.o=.d)
