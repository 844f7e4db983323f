# SPDX-License-Identifier: MIT
# safe-exec: build, run, test. `make help` lists the targets.

CC      ?= cc
CLANG   ?= clang
PREFIX  ?= /usr/local
BUILD   ?= build
PYTHON  ?= /usr/bin/python3
IMAGE   ?= safe-exec
FUZZ_SECONDS ?= 10

# Debian packages, and which command needs them.
BUILD_PACKAGES = gcc make libc6-dev pkg-config libmicrohttpd-dev libjansson-dev libseccomp-dev
RUN_PACKAGES   = python3 python3-numpy python3-pandas media-types tzdata
TEST_PACKAGES  = curl libcmocka-dev python3-pytest python3-hypothesis python3-jsonschema python3-requests \
                 clang libclang-rt-dev cppcheck
LIBRARIES      = libmicrohttpd jansson libseccomp

WARNINGS = -Wall -Wextra -Wshadow -Wformat=2 -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum \
           -Wimplicit-fallthrough -Wnull-dereference -Werror
HARDENED = -fstack-protector-strong -fstack-clash-protection -fPIE
LINKED   = -pie -Wl,-z,relro,-z,now,-z,noexecstack
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
BASIC    = -std=gnu11 -g $(WARNINGS) -Iinclude $(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)
LIBS     = $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null)

ifdef SAN
# The same program under AddressSanitizer and UndefinedBehaviorSanitizer: make SAN=1 all
OUT      = $(BUILD)/san
COMPILE  = $(CC) $(BASIC) -O1 $(HARDENED) $(SANITIZE) $(CFLAGS)
LINK     = $(CC) $(LINKED) $(SANITIZE) $(LDFLAGS)
else
OUT      = $(BUILD)
COMPILE  = $(CC) $(BASIC) -O2 -D_FORTIFY_SOURCE=2 $(HARDENED) $(CFLAGS)
LINK     = $(CC) $(LINKED) $(LDFLAGS)
endif

SOURCES    = $(wildcard src/*.c src/web/*.c src/spawn/*.c src/jail/*.c)
EMBEDDED   = $(wildcard runner/*.py policy/*) $(shell find src/web/assets -type f 2>/dev/null)
OBJECTS    = $(SOURCES:src/%.c=$(OUT)/%.o) $(OUT)/assets.o
DROPPED    = $(SOURCES:src/%.c=$(OUT)/drop/%.o) $(OUT)/assets.o
UNIT_TESTS = $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS    = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

all: $(OUT)/safe-exec ## build the program: build/safe-exec

help: ## list these targets
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@echo '  SAN=1 before a target builds with AddressSanitizer and UndefinedBehaviorSanitizer, in build/san'

# ---- what has to be installed -----------------------------------------------------------------------------------

# $(call ensure,packages): installs what is missing with apt-get, by sudo unless we are root; says what it does.
define ensure
@missing=''; for p in $(1); do \
    dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
 if [ -n "$$missing" ]; then \
    command -v apt-get >/dev/null || { echo "please install:$$missing"; exit 1; }; \
    if [ "$$(id -u)" = 0 ]; then as=''; elif command -v sudo >/dev/null; then as=sudo; \
    else echo "these Debian packages are missing; install them as root:$$missing"; exit 1; fi; \
    echo "installing Debian packages:$$missing"; \
    $$as apt-get update -q && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
 fi
endef

deps: ## install what building and running needs (Debian)
	$(call ensure,$(BUILD_PACKAGES) $(RUN_PACKAGES))

test-deps: deps
	$(call ensure,$(TEST_PACKAGES))

# ---- the program ----------------------------------------------------------------------------------------------------

$(OUT)/safe-exec: $(OBJECTS)
	$(LINK) -o $@ $^ $(LIBS)

$(OUT)/%.o: src/%.c
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

$(OUT)/assets.o: src/assets.S $(EMBEDDED)
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

run: deps ## install what is missing, build, serve on 127.0.0.1:8080
	@$(MAKE) --no-print-directory all
	LOG_FORMAT=$${LOG_FORMAT:-text} $(OUT)/safe-exec

install: all ## install to PREFIX (default /usr/local)
	install -D -m 755 $(OUT)/safe-exec $(DESTDIR)$(PREFIX)/bin/safe-exec

image: ## build the container image with docker
	docker build -t $(IMAGE) .

# ---- tests ----------------------------------------------------------------------------------------------------------

# Never installed: a program that can leave out one layer by name, with which the suite proves its own tests.
$(OUT)/safe-exec-drop: $(DROPPED)
	$(LINK) -o $@ $^ $(LIBS)

$(OUT)/drop/%.o: src/%.c
	@mkdir -p $(@D)
	$(COMPILE) -DSAFE_EXEC_TEST_DROP -MMD -MP -c -o $@ $<

$(OUT)/unit/%: tests/unit/%.c $(filter-out $(OUT)/main.o,$(OBJECTS))
	@mkdir -p $(@D)
	$(COMPILE) -Isrc/web -Isrc -o $@ $^ $(LIBS) -lcmocka

$(BUILD)/fuzz/%: tests/fuzz/%.c $(filter-out src/main.c,$(SOURCES)) $(BUILD)/assets.o
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -g -O1 -Iinclude -Isrc/web -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)

test: test-deps ## everything: lint, unit, the suite as root and as an ordinary user, sanitizers, short fuzzing
	tests/run

unit: $(UNIT_TESTS) ## the C unit tests
	@for t in $(UNIT_TESTS); do $$t || exit 1; done

lint: ## rules of the source tree, and cppcheck
	$(PYTHON) tests/lint/check.py
	cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -Iinclude src

format: ## lay out the C sources with clang-format
	clang-format --style=file:tests/lint/clang-format -i $(SOURCES) $(wildcard include/*.h src/*/*.h)

fuzz: $(FUZZERS) ## fuzz the parsers of hostile bytes for FUZZ_SECONDS each
	@for f in $(FUZZERS); do tests/fuzz/run $$f $(FUZZ_SECONDS) || exit 1; done

clean: ## remove build/
	rm -rf $(BUILD)

.PHONY: all help deps test-deps run install image test unit lint format fuzz clean
.DEFAULT_GOAL = all
-include $(OBJECTS:.o=.d) $(DROPPED:.o=.d)
