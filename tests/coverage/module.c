/* SPDX-License-Identifier: MIT */
/*
 * Linked into the extension module of the coverage build: puts its counters into the file that spawner.c left open.
 *
 * A template refuses to serve while it has writable shared memory (runner/template.py), and such are mapped counters. So
 * they are mapped when that has been looked at: at the two calls below, which the linker wraps. What was counted until
 * then is added (by the first of them twice: how often is not the question).
 *
 * The functions are of clang's runtime (InstrProfiling.h of compiler-rt), which has no header to include.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counters.h"

struct page_range;

/* Defined here, it keeps out the runtime's own start, which would open a file by a path. */
int __llvm_profile_runtime;

void __llvm_profile_enable_continuous_mode(void);
void __llvm_profile_set_page_size(unsigned bytes);
void __llvm_profile_set_file_object(FILE *file, int merge);
uint64_t *__llvm_profile_begin_counters(void);
uint64_t *__llvm_profile_end_counters(void);
extern intptr_t __llvm_profile_counter_bias;

static void map_counters(void)
{
	static bool done;
	struct stat info;
	FILE *file = done || fstat(COUNTERS_FD, &info) < 0 ? NULL : fdopen(COUNTERS_FD, "r+");

	if (!file)
		return;
	done = true;
	__llvm_profile_enable_continuous_mode();
	__llvm_profile_set_page_size((unsigned)sysconf(_SC_PAGESIZE));
	__llvm_profile_set_file_object(file, 1);
	for (uint64_t *c = __llvm_profile_begin_counters(); c < __llvm_profile_end_counters(); c++)
		*(uint64_t *)((uintptr_t)c + (uintptr_t)__llvm_profile_counter_bias) += *c;
	fclose(file);
}

int __real_pages_written(int proc_fd, struct page_range *ranges, size_t capacity);
int __wrap_pages_written(int proc_fd, struct page_range *ranges, size_t capacity);
int __real_snapshot_take(int proc_fd, uint64_t *bytes);
int __wrap_snapshot_take(int proc_fd, uint64_t *bytes);

/* In the child of a trial. */
int __wrap_pages_written(int proc_fd, struct page_range *ranges, size_t capacity)
{
	map_counters();
	return __real_pages_written(proc_fd, ranges, capacity);
}

int __wrap_snapshot_take(int proc_fd, uint64_t *bytes)
{
	map_counters();
	return __real_snapshot_take(proc_fd, bytes);
}
