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
BUILD_PACKAGES = gcc make libc6-dev pkg-config libmicrohttpd-dev libjansson-dev libseccomp-dev libpython3-dev
RUN_PACKAGES   = python3 python3-numpy python3-pandas media-types tzdata
TEST_PACKAGES  = curl strace libcmocka-dev python3-pytest python3-hypothesis python3-jsonschema python3-requests python3-yaml \
                 clang libclang-rt-dev clang-format clang-tidy cppcheck
BENCH_PACKAGES = python3-flask gunicorn bubblewrap
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
else ifdef COVERAGE
# The same program with counters that clang puts into a file and maps, so that they outlive SIGKILL, chroot and _exit.
OUT      = $(BUILD)/coverage
WARNINGS += -Wno-format-nonliteral # gcc takes the word of the function around it
COUNTED  = -fprofile-instr-generate -fcoverage-mapping -mllvm -runtime-counter-relocation
COMPILE  = $(CLANG) $(BASIC) -O1 $(HARDENED) $(COUNTED) $(CFLAGS)
LINK     = $(CLANG) $(LINKED) -fprofile-instr-generate -Wl,--wrap=jail_close_range $(LDFLAGS)
else
OUT      = $(BUILD)
COMPILE  = $(CC) $(BASIC) -O2 -D_FORTIFY_SOURCE=2 $(HARDENED) $(CFLAGS)
LINK     = $(CC) $(LINKED) $(LDFLAGS)
endif

SOURCES    = $(wildcard src/*.c src/web/*.c src/spawn/*.c src/jail/*.c)
LINTED     = $(SOURCES) $(wildcard src/template/*.c src/preload/*.c)
# The extension module of a template: what joins a cell, without what builds the jail's root. It is loaded into PYTHON_BIN,
# which is not sanitized, so it never is.
TEMPLATE   = $(wildcard src/template/*.c) $(filter-out $(addprefix src/jail/,root.c prepare.c plain.c tree.c folders.c),$(wildcard src/jail/*.c)) src/spawn/init.c src/io.c src/fault.c
HEADERS    = $(wildcard include/*.h src/*/*.h)
EMBEDDED   = $(wildcard runner/*.py policy/*) $(shell find src/web/assets -type f 2>/dev/null)
OBJECTS    = $(SOURCES:src/%.c=$(OUT)/%.o) $(OUT)/assets.o
DROPPED    = $(SOURCES:src/%.c=$(OUT)/drop/%.o) $(OUT)/drop/assets.o
MODULE     = $(TEMPLATE:src/%.c=$(OUT)/module/%.o)
DROPMODULE = $(TEMPLATE:src/%.c=$(OUT)/drop/module/%.o)
ifdef COVERAGE
OBJECTS   += $(OUT)/counters/spawner.o
DROPPED   += $(OUT)/counters/spawner.o
MODULE    += $(OUT)/counters/module.o
DROPMODULE += $(OUT)/counters/module.o
endif
UNIT_TESTS = $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/test_*.c))

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
	@$(MAKE) --no-print-directory $(BUILD)/promtool

# The checker of Prometheus' text format. Its package starts a server when it is installed, so it is only unpacked. Where
# it is not to be had, tests/test_metrics.py skips what needs it.
$(BUILD)/promtool:
	@mkdir -p $(BUILD)/package
	@cd $(BUILD)/package && \
	 { apt-get download -q prometheus 2>/dev/null || { apt-get update -q && apt-get download -q prometheus; } } && \
	 dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool >promtool && chmod 755 promtool && \
	 mv promtool ../promtool || echo 'no promtool: what needs it is skipped'
	@rm -rf $(BUILD)/package

# ---- the program ----------------------------------------------------------------------------------------------------

# Each command is announced in short; `make V=1` shows it whole.
ifndef V
Q = @
endif
say = @echo '  $(1) $@'

$(OUT)/safe-exec: $(OBJECTS)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(OUT)/%.o: src/%.c
	$(call say,CC  )
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

# The embedded extension module is found by -I: a test build has one of its own.
$(OUT)/assets.o $(OUT)/drop/assets.o: %/assets.o: src/assets.S $(EMBEDDED) %/_template.abi3.so %/libjobshm.so
	$(call say,AS  )
	@mkdir -p $(@D)
	$(Q)$(CC) -c -Wa,-I$(@D) -o $@ $<

comma := ,
ifdef COVERAGE
CC_MODULE = $(CLANG) $(COUNTED) -Wno-unused-command-line-argument
else
CC_MODULE = $(CC)
endif
SHARED_FLAGS   = $(BASIC) $(PYTHON_INCLUDES) -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIC -fvisibility=hidden $(CFLAGS)
COMPILE_MODULE = $(CC_MODULE) $(SHARED_FLAGS)
LINK_MODULE_FLAGS = -shared -Wl,-z,relro,-z,now,-z,noexecstack -s $(LDFLAGS)
LINK_MODULE    = $(CC_MODULE) $(LINK_MODULE_FLAGS) $(if $(COVERAGE),-Wl$(comma)--wrap=pages_written$(comma)--wrap=snapshot_take)
PYTHON_INCLUDES = $(shell pkg-config --cflags python3 2>/dev/null)

$(OUT)/_template.abi3.so: $(MODULE)
	$(call say,LINK)
	$(Q)$(LINK_MODULE) -o $@ $^

$(OUT)/drop/_template.abi3.so: $(DROPMODULE)
	$(call say,LINK)
	$(Q)$(LINK_MODULE) -o $@ $^

# Loaded into a job's programs, which are not sanitized either.
$(OUT)/libjobshm.so $(OUT)/drop/libjobshm.so: src/preload/shm.c
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SHARED_FLAGS) $(LINK_MODULE_FLAGS) -o $@ $<

$(OUT)/counters/%.o: tests/coverage/%.c tests/coverage/counters.h
	$(call say,CC  )
	@mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu11 -O2 -fPIC $(WARNINGS) -Iinclude -c -o $@ $<

$(OUT)/module/%.o: src/%.c
	$(call say,CC  )
	@mkdir -p $(@D)
	$(Q)$(COMPILE_MODULE) -MMD -MP -c -o $@ $<

$(OUT)/drop/module/%.o: src/%.c
	$(call say,CC  )
	@mkdir -p $(@D)
	$(Q)$(COMPILE_MODULE) -DSAFE_EXEC_TEST_DROP -MMD -MP -c -o $@ $<

run: deps ## install what is missing, build, serve on 127.0.0.1:8080
	@$(MAKE) --no-print-directory all
	LOG_FORMAT=$${LOG_FORMAT:-text} $(OUT)/safe-exec

install: all ## install to PREFIX (default /usr/local)
	install -D -m 755 $(OUT)/safe-exec $(DESTDIR)$(PREFIX)/bin/safe-exec

image: ## build the container image with docker
	docker build -t $(IMAGE) .

# ---- tests ----------------------------------------------------------------------------------------------------------

# Never installed: a program that can leave out one layer by name, with which the suite proves its own tests.
$(BUILD)/no-namespaces: tests/platform/no_namespaces.c
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 $(WARNINGS) -o $@ $< -lseccomp

$(BUILD)/clock-jump.so: tests/faults/clock_jump.c
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 $(WARNINGS) -shared -fPIC -o $@ $<

$(OUT)/safe-exec-drop: $(DROPPED)
	$(call say,LINK)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(OUT)/drop/%.o: src/%.c
	$(call say,CC  )
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -DSAFE_EXEC_TEST_DROP -MMD -MP -c -o $@ $<

$(OUT)/unit/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(filter-out $(OUT)/main.o $(OUT)/counters/%,$(OBJECTS))
	$(call say,CC  )
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -Isrc/web -Isrc -o $@ $(filter %.c %.o,$^) $(LIBS) -lcmocka

# What the fuzzers drive, compiled once for all of them; each takes what it calls out of the archive. With COVERAGE=1 the
# same fuzzers count lines and find nothing: tests/fuzz/run --coverage.
FUZZED     = $(filter-out src/web/web.c,$(wildcard src/web/*.c)) $(addprefix src/,wire.c io.c log.c fault.c outcome.c policy.c config.c pulse.c spawn/front.c)
FUZZDIR    = $(BUILD)/fuzz$(if $(COVERAGE),-coverage)
FUZZCHECKS = $(if $(COVERAGE),-fprofile-instr-generate -fcoverage-mapping,-fsanitize=address,undefined -fno-sanitize-recover=undefined)
FUZZCC     = $(CLANG) -std=gnu11 -g -O1 -Iinclude $(FUZZCHECKS)
FUZZERS    = $(patsubst tests/fuzz/%.c,$(FUZZDIR)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZOBJ    = $(FUZZED:src/%.c=$(FUZZDIR)/obj/%.o)
# The clock and the log of the service, which a fuzzer has in its hands (tests/fuzz/world.h).
FUZZWORLD  = -Wl,--wrap=io_now_us,--wrap=log_event

$(FUZZDIR)/obj/%.o: src/%.c
	$(call say,CC  )
	@mkdir -p $(@D)
	$(Q)$(FUZZCC) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(FUZZDIR)/obj/fuzzed.a: $(FUZZOBJ) $(OUT)/assets.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(FUZZDIR)/fuzz_%: tests/fuzz/fuzz_%.c $(wildcard tests/fuzz/*.h) $(FUZZDIR)/obj/fuzzed.a
	$(call say,FUZZ)
	$(Q)$(FUZZCC) -fsanitize=fuzzer $(if $(shell grep world.h $<),$(FUZZWORLD)) -o $@ $< $(FUZZDIR)/obj/fuzzed.a $(LIBS)

test: test-deps ## lint, unit, the suite as root, as an ordinary user and under sanitizers, short fuzzing
	tests/run

unit: $(UNIT_TESTS) ## the C unit tests
	@failed=0; for t in $(UNIT_TESTS); do $$t || { echo "$$t: failed"; failed=1; }; done; exit $$failed

# gcc's own analyzer, of all the code there is. Without optimization: with it, it takes a structure that a function returns for
# uninitialized (gcc 12), and is slower. Other versions than 12 see other things, and are not asked.
ANALYZE = $(ANALYZER) -std=gnu11 -DSAFE_EXEC_TEST_DROP -Iinclude $(PYTHON_INCLUDES) $(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null) \
	-O0 -fanalyzer -Werror -c -o /dev/null
ANALYZER = $(shell command -v gcc-12 || echo true)

lint: ## rules of the source tree, layout, cppcheck, clang-tidy
	$(PYTHON) tests/lint/check.py
	$(PYTHON) tests/unit/utf8_vectors.py | cmp - tests/unit/utf8_vectors.h
	@if clang-format --version | grep -q 'version 14\.'; then echo 'clang-format --dry-run'; \
	    clang-format --style=file:tests/lint/clang-format --dry-run -Werror $(LINTED) $(HEADERS); \
	 else echo 'clang-format: skipped: other versions than 14 lay out differently'; fi
	cppcheck --quiet --std=c11 --enable=all --inconclusive --suppressions-list=tests/lint/cppcheck --error-exitcode=1 -Iinclude src
	@echo gcc -fanalyzer
	@printf '%s\n' $(LINTED) | xargs -P "$$(nproc)" -n 8 sh -c 'for f; do $(ANALYZE) "$$f" || exit 255; done' analyze
	@echo clang-tidy
	@printf '%s\n' $(LINTED) | xargs -P "$$(nproc)" -n 8 sh -c 'clang-tidy --quiet --config-file=tests/lint/clang-tidy "$$@" -- \
		-std=gnu11 -DSAFE_EXEC_TEST_DROP -Iinclude $(subst -I,-isystem ,$(PYTHON_INCLUDES)) \
		$(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null) 2>/dev/null' clang-tidy

format: ## lay out the C sources with clang-format
	@clang-format --style=file:tests/lint/clang-format -i $(LINTED) $(HEADERS)

coverage: test-deps ## which lines the tests reach: half an hour; tests/coverage/run has options
	$(call ensure,llvm)
	@$(MAKE) --no-print-directory COVERAGE=1 coverage-build
	@$(MAKE) --no-print-directory $(BUILD)/no-namespaces
	tests/coverage/run

coverage-build: $(OUT)/safe-exec $(OUT)/safe-exec-drop $(UNIT_TESTS)

# The drop build, without what valgrind cannot bear: tests/valgrind.
$(BUILD)/valgrind/safe-exec: $(DROPPED) tests/valgrind/no_filter.c
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(LINK) -std=gnu11 -O2 -fPIE $(WARNINGS) -Wl,--wrap=jail_install_filter -o $@ $^ $(LIBS)

valgrind: test-deps ## unit tests and the service under memcheck: some minutes
	$(call ensure,valgrind)
	@$(MAKE) --no-print-directory $(UNIT_TESTS) $(BUILD)/valgrind/safe-exec
	tests/valgrind/run

bench: deps ## compare with python3 and with Flask and bubblewrap; under ten minutes
	$(call ensure,$(BENCH_PACKAGES))
	@$(MAKE) --no-print-directory all
	$(PYTHON) tests/bench/bench.py --full-tier

fuzzers: $(FUZZERS)

fuzz: fuzzers ## fuzz the parsers of hostile bytes for FUZZ_SECONDS each
	@printf '%s\n' $(FUZZERS) | xargs -P "$$(nproc)" -I{} tests/fuzz/run {} $(FUZZ_SECONDS)

clean: ## remove build/
	rm -rf $(BUILD)

.PHONY: all help deps test-deps run install image test unit lint format coverage coverage-build valgrind bench fuzz fuzzers clean
.DEFAULT_GOAL = all
-include $(OBJECTS:.o=.d) $(DROPPED:.o=.d) $(MODULE:.o=.d) $(DROPMODULE:.o=.d) $(FUZZOBJ:.o=.d)
