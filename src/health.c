/* SPDX-License-Identifier: MIT */
/* A client of a few lines: see include/health.h. Runs alone, beside the service that it asks. */
#define _GNU_SOURCE
#include "health.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "io.h"
#include "own.h"

enum { ANSWER_BYTES = 16384, PATIENCE_SEC = 5 };

/* A service that listens on all addresses is asked on loopback. */
static const char *where(const char *host)
{
	if (strcmp(host, "0.0.0.0") == 0)
		return "127.0.0.1";
	return strcmp(host, "::") == 0 ? "::1" : host;
}

static int connect_to(const struct config *c)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	const struct timeval patience = { .tv_sec = PATIENCE_SEC };
	struct addrinfo *address;
	OWNED_FD fd = -1;
	char port[16];
	int status;

	snprintf(port, sizeof port, "%u", (unsigned)c->port);
	if (getaddrinfo(where(c->host), port, &hints, &address) != 0)
		return -1;
	fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	status = fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
		 setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
		 connect(fd, address->ai_addr, address->ai_addrlen) < 0;
	freeaddrinfo(address);
	return status ? -1 : fd_release(&fd);
}

int health_ask(const struct config *c)
{
	static const char request[] = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	char answer[ANSWER_BYTES], *body;
	OWNED_FD fd = connect_to(c);
	size_t used = 0;
	ssize_t got;

	if (fd < 0 || io_write_all(fd, request, sizeof request - 1) < 0) {
		fprintf(stderr, "safe-exec: nobody answers at HOST=%s PORT=%u\n", where(c->host), (unsigned)c->port);
		return EXIT_FAILURE;
	}
	while (used < sizeof answer - 1 && (got = io_read(fd, answer + used, sizeof answer - 1 - used)) > 0)
		used += (size_t)got;
	answer[used] = '\0';
	body = strstr(answer, "\r\n\r\n");
	puts(body ? body + 4 : "(no answer)");
	return strncmp(answer, "HTTP/1.1 200 ", 13) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
