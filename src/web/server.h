/* SPDX-License-Identifier: MIT */
/* HTTP: connections, requests and their answers, on the loop of web. */
#pragma once

#include <stdbool.h>

#include "execute.h"
#include "loop.h"
#include "web.h"

struct server;

/* Serves the listening socket of setup. NULL with errno. All three must outlive it. */
struct server *server_open(struct loop *loop, struct executor *executor, const struct web_setup *setup);

/* One round of the loop, which waits at most that long, and what the HTTP library has to do after it. */
void server_round(struct server *s, int most_ms);

/* Closes connections whose deadline is over. Called about twice a second. */
void server_close_overdue(struct server *s);

/* New connections are refused from here on, by every process that holds the socket; new scripts, too. */
void server_stop_accepting(struct server *s);

/* No request is under way. */
bool server_is_idle(const struct server *s);
