/* SPDX-License-Identifier: MIT */
/*
 * A prepared jail on its way from the spawner to a template, which has the same sources in another program: see
 * include/jail.h. Both sides come from one build, so the layout is the compiler's; the head guards against a mix.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "layer.h"

enum { TRANSFER_MAGIC = 0x5345584a };

struct transfer {
	uint32_t magic;
	uint32_t size;
	struct jail jail; /* its pointers mean nothing on the other side */
	uint32_t instructions;
};

int jail_export(const struct jail *j, int fd)
{
	struct transfer head;

	memset(&head, 0, sizeof head);
	head.magic = TRANSFER_MAGIC;
	head.size = sizeof head;
	head.instructions = j->filter.count;
	memcpy(&head.jail, j, sizeof head.jail);
	if (io_write_all(fd, &head, sizeof head) < 0)
		return -1;
	return io_write_all(fd, j->filter.code, j->filter.count * sizeof *j->filter.code);
}

int jail_import(struct jail *j, int fd)
{
	struct transfer head;
	struct sock_filter *code;

	if (io_read_exact(fd, &head, sizeof head) < 0)
		return -1;
	if (head.magic != TRANSFER_MAGIC || head.size != sizeof head || head.instructions == 0 ||
	    head.instructions > BPF_MAXINSNS) {
		errno = EPROTO;
		return -1;
	}
	code = calloc(head.instructions, sizeof *code);
	if (!code || io_read_exact(fd, code, head.instructions * sizeof *code) < 0) {
		free(code);
		return -1;
	}
	*j = head.jail;
	j->chroots = false; /* a template has its children's root already */
	j->executable = NULL;
	j->environment = NULL;
	j->own_net_fd = j->places.work_fd = j->places.shm_fd = -1; /* numbers of the other side */
	j->filter = (struct policy_filter){ .code = code, .count = (unsigned short)head.instructions };
	return 0;
}
