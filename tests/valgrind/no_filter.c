/* SPDX-License-Identifier: MIT */
/*
 * Linked into the build for valgrind, and into nothing else: web without its filter, which allows no executable memory,
 * and a translator of machine code makes some all the time. The linker wraps the call.
 */
struct policy_filter;

int __wrap_jail_install_filter(const struct policy_filter *filter);

int __wrap_jail_install_filter(const struct policy_filter *filter)
{
	(void)filter;
	return 0;
}
