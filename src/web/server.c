/* SPDX-License-Identifier: MIT */
/*
 * HTTP for strangers: the only file that includes microhttpd.h. Runs in web.
 *
 *     connection -> headers (strict.c) -> body under a cap -> request.c -> execute.c -> reply -> connection
 *
 * One thread, one loop: libmicrohttpd's epoll descriptor is one watch among the pipes of the jobs. While its job runs
 * a connection is suspended: the library looks away, costs nothing, and would not notice that the client left, so the
 * socket is watched here.
 *
 * Time: the library's own time-out restarts with every byte, so a byte a second would hold a connection forever.
 * Each connection has a deadline here instead, which moves when a request makes real progress.
 *
 * Turns: parsing a large body takes the loop some 10 ms, and many may be complete at once. One is parsed in a round, the
 * others are suspended meanwhile, so that small requests and the pipes of jobs come between them.
 *
 * Memory: connections, bodies that are being received and answers that are being sent are bounded here, so that no one
 * can take all of them (fair.c), and queue and jobs in execute.c; README.md adds it up. A job that has run cannot be
 * turned away any more: when unread answers are too many, the client that holds most of them loses its oldest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access.h"
#include "execute.h"
#include "io.h"
#include "listener.h"
#include "log.h"
#include "loop.h"
#include "request.h"
#include "routes.h"
#include "strict.h"
#include "server.h"
#include "web.h"

enum {
	CONNECTION_MEMORY_BYTES = 32768, /* request line and headers; the least that libmicrohttpd is at ease with */
	HEADERS_US = 10000000,
	BODY_US = 15000000,
	STALL_US = 5000000, /* between two pieces of a body */
	ANSWER_US = 60000000,
	IDLE_US = 60000000,
	SPARE_DESCRIPTORS = 64,
	BODY_FIRST_ROOM = 4096,
	SMALL_BODY_BYTES = 32768, /* is always taken: who holds large ones back must not keep the small ones out */
	BODIES_MOST_BYTES =
		64 << 20, /* of all requests that are being received; or two of the largest, if that is more */
	SMALL_ANSWER_BYTES = 32768,
	ANSWERS_MOST_BYTES = 64 << 20, /* larger ones together that are being sent; or two of the largest */
	UUID_BYTES = 37,
	ESCAPED_BYTES = 6, /* \u00XX: one byte of stdout */
	EMPTY_ROUNDS_MOST = 16,
	EMPTY_ROUND_MS = 5,
};

/* A connection, from accept to close. */
struct client {
	struct client *next, **link;
	int fd;
	bool nul_in_path; /* of the request that is being read; the library cuts the path there */
	uint64_t deadline_us;
	bool bad_line; /* the request line at hand has a space in its target */
	struct fair_client *address;
	struct exchange *exchange; /* under way */
};

/* A request and its answer. */
struct exchange {
	struct server *server;
	struct MHD_Connection *connection;
	struct client *client;
	struct fair_client *sender; /* whom it is counted for: not always the other end of the connection */
	uint64_t body_deadline_us;
	const struct route *route;
	struct strict_head head;
	char id[STRICT_ID_BYTES + 1];
	const char *method, *protocol, *path; /* texts of fixed sets; path NULL: unknown */
	uint64_t started_us, ended_us;
	size_t received, sent; /* bytes of the bodies */
	size_t discarded;      /* of a body that nobody wants */
	char *body;
	size_t body_used, body_room;
	bool body_over;
	bool crowded;  /* there was no room for the body */
	bool has_turn; /* a large body, to be parsed now */
	struct exchange *next_in_turn;
	struct watch gone; /* the client's socket, while suspended */
	struct execution *execution;
	struct execution_end end;
	bool answered; /* end.reply holds the answer */
	bool queued;
	bool client_gone;
	struct exchange *older, *younger; /* of those with a large answer under way */
	size_t answer_bytes;              /* of it; 0: it is not one of them */
};

struct server {
	const struct web_setup *setup;
	struct loop *loop;
	struct executor *executor;
	struct service service;
	struct access_log access;
	struct MHD_Daemon *daemon;
	struct watch daemon_watch;
	struct listener listener;
	struct client *clients;
	struct fair *fair;
	unsigned connections, connections_most;
	unsigned connections_refused; /* since this was last logged */
	unsigned exchanges;           /* under way */
	size_t body_limit;
	size_t bodies_bytes, bodies_most;   /* held for all requests together, without the small ones */
	size_t answers_bytes, answers_most; /* likewise, of answers that are being sent */
	struct exchange *oldest_answer, *youngest_answer;
	struct exchange *first_in_turn, **last_in_turn; /* suspended, with a large body to be parsed */
	bool turn_taken;                                /* in this round */
	bool resumed;          /* a connection that MHD_run has not seen since; nothing but this flag tells the loop */
	unsigned empty_rounds; /* in a row: the library wanted to go on at once, and there was nothing */
};

/* ---- connections --------------------------------------------------------------------------------------------------- */

static void set_deadline(struct client *c, uint64_t from_now_us)
{
	if (c)
		c->deadline_us = io_now_us() + from_now_us;
}

static struct client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static struct fair_client *hold_address(struct server *s, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct fair_key key = fair_key_of_address(info ? info->client_addr : NULL);

	return fair_hold(s->fair, &key);
}

/* All connections that come from a proxy are the proxy's, which has to see to it itself. */
static bool is_welcome(struct server *s, const struct sockaddr *address, socklen_t length)
{
	const struct fair_key key = fair_key_of_address(length ? address : NULL);
	struct fair_client *client;
	bool fits;

	if (s->setup->config->client_address_header)
		return true;
	client = fair_hold(s->fair, &key);
	fits = fair_fits(client->connections, 1, s->connections, s->connections_most);
	fair_release(s->fair, client);
	return fits;
}

static void take_connection(void *context, int fd, const struct sockaddr *address, socklen_t length)
{
	struct server *s = context;

	if (!is_welcome(s, address, length)) {
		s->connections_refused++;
		close(fd);
		return;
	}
	(void)MHD_add_connection(s->daemon, fd, address, length); /* on failure it has closed fd, and said why */
	if (s->connections >= s->connections_most)
		listener_pause(&s->listener);
}

static void open_client(struct server *s, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct client *c = calloc(1, sizeof *c);

	*context = c;
	if (!c)
		return;
	c->fd = info ? info->connect_fd : -1;
	c->next = s->clients;
	c->link = &s->clients;
	if (c->next)
		c->next->link = &c->next;
	s->clients = c;
	s->executor->metrics->connections++;
	set_deadline(c, HEADERS_US);
	c->address = hold_address(s, connection);
	c->address->connections++;
	s->connections++;
}

/* The request line is complete: from here the headers have their time. The URI is as it was sent. */
static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct client *c = client_of(connection);
	const char *nul = strstr(uri, "%00");

	(void)cls;
	set_deadline(c, HEADERS_US);
	if (!c)
		return NULL;
	c->nul_in_path = nul && nul < uri + strcspn(uri, "?");
	c->bad_line = strchr(uri, ' ') != NULL;
	return NULL;
}

void server_close_overdue(struct server *s)
{
	uint64_t now = io_now_us();

	for (struct client *c = s->clients; c; c = c->next)
		if (now >= c->deadline_us && c->fd >= 0) {
			shutdown(c->fd, SHUT_RDWR); /* the library sees the end of file and closes it */
			c->deadline_us = UINT64_MAX;
		}
	if (s->connections_refused > 0)
		log_event(LOG_WARNING,
			  (struct log_field[]){ { "connections", NULL, s->connections_refused }, { NULL, NULL, 0 } },
			  "connections were refused: their clients have too many");
	s->connections_refused = 0;
	if (s->connections < s->connections_most)
		listener_resume(&s->listener);
}

/* ---- answers ------------------------------------------------------------------------------------------------------- */

static void make_id(char id[UUID_BYTES])
{
	unsigned char b[16];

	if (getrandom(b, sizeof b, 0) != sizeof b)
		memset(b, 0, sizeof b);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* RFC 9562, version 4 */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(id, UUID_BYTES, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void add_headers(struct MHD_Response *response, const struct exchange *x)
{
	static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
				     "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
				     "frame-ancestors 'none'";
	const struct reply *reply = &x->end.reply;
	char text[128];

	MHD_add_response_header(response, "Content-Type",
				reply->content_type ? reply->content_type : "application/json");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "X-Request-Id", x->id);
	MHD_add_response_header(response, "Cache-Control", reply->page ? "no-cache" : "no-store");
	if (reply->page)
		MHD_add_response_header(response, "Content-Security-Policy", policy);
	if (reply->gzip)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (reply->varies)
		MHD_add_response_header(response, "Vary", "Accept");
	if (reply->allow)
		MHD_add_response_header(response, "Allow", reply->allow);
	/* The library takes a LF alone for the end of a chunk's size (0.9.75), where others would read on: nothing follows. */
	if (reply->close || x->head.transfer_encoding)
		MHD_add_response_header(response, "Connection", "close");
	if (reply->retry_after) {
		snprintf(text, sizeof text, "%u", reply->retry_after);
		MHD_add_response_header(response, "Retry-After", text);
	}
	if (x->end.run_us) {
		int used = snprintf(text, sizeof text, "queue;dur=%.3f, run;dur=%.3f", (double)x->end.queue_us / 1000,
				    (double)x->end.run_us / 1000);

		if (x->end.measured)
			snprintf(text + used, sizeof text - (size_t)used, ", cpu;dur=%.3f",
				 (double)x->end.cpu_us / 1000);
		MHD_add_response_header(response, "Server-Timing", text);
	}
}

static void forget_answer(struct exchange *x)
{
	struct server *s = x->server;

	if (!x->answer_bytes)
		return;
	*(x->older ? &x->older->younger : &s->oldest_answer) = x->younger;
	*(x->younger ? &x->younger->older : &s->youngest_answer) = x->older;
	s->answers_bytes -= x->answer_bytes;
	x->sender->answer_bytes -= x->answer_bytes;
	x->answer_bytes = 0;
}

/* The library sees the end of the connection at once, and releases the answer. */
static void give_up_an_answer(struct server *s)
{
	struct exchange *most = s->oldest_answer;

	for (struct exchange *x = most->younger; x; x = x->younger)
		if (x->sender->answer_bytes > most->sender->answer_bytes)
			most = x;
	forget_answer(most);
	if (most->client)
		shutdown(most->client->fd, SHUT_RDWR);
}

static void remember_answer(struct exchange *x, size_t length)
{
	struct server *s = x->server;

	if (length <= SMALL_ANSWER_BYTES)
		return;
	x->answer_bytes = length;
	x->older = s->youngest_answer;
	x->younger = NULL;
	*(x->older ? &x->older->younger : &s->oldest_answer) = x;
	s->youngest_answer = x;
	s->answers_bytes += length;
	x->sender->answer_bytes += length;
	while (s->oldest_answer && s->answers_bytes > s->answers_most)
		give_up_an_answer(s);
}

/* Hands the answer to the library, which owns the body from then on. */
static enum MHD_Result queue_answer(struct exchange *x)
{
	struct reply *reply = &x->end.reply;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(reply->length,
						reply->body ? reply->body : (void *)(uintptr_t)reply->static_body,
						reply->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	enum MHD_Result status;

	if (!response) {
		reply_free(reply);
		return MHD_NO;
	}
	if (reply->body)
		remember_answer(x, reply->length);
	reply->body = NULL;
	x->sent = strcmp(x->method, "HEAD") == 0 ? 0 : reply->length;
	add_headers(response, x);
	status = MHD_queue_response(x->connection, reply->status, response);
	MHD_destroy_response(response);
	x->queued = true;
	set_deadline(x->client, ANSWER_US);
	return status;
}

static enum MHD_Result answer_now(struct exchange *x, struct reply reply)
{
	x->end.reply = reply;
	x->answered = true;
	return queue_answer(x);
}

/* ---- running a script ------------------------------------------------------------------------------------------------ */

/* MHD_get_timeout does not count it (0.9.75). */
static void resume(struct exchange *x)
{
	x->server->resumed = true;
	MHD_resume_connection(x->connection);
}

static void on_done(void *context, struct execution_end *end)
{
	struct exchange *x = context;

	loop_remove(x->server->loop, &x->gone);
	x->execution = NULL;
	x->end = *end;
	x->answered = true;
	resume(x);
}

static void on_client_gone(struct watch *w, uint32_t events)
{
	struct exchange *x = (struct exchange *)(void *)((char *)w - offsetof(struct exchange, gone));

	(void)events;
	loop_remove(x->server->loop, w);
	execute_cancel(x->execution);
	x->execution = NULL;
	x->client_gone = true;
	resume(x);
}

/* What a body of this size takes of what all have together. */
static size_t body_price(size_t room)
{
	return room > SMALL_BODY_BYTES ? room : 0;
}

static void charge_body(struct exchange *x, size_t room)
{
	x->server->bodies_bytes += body_price(room) - body_price(x->body_room);
	x->sender->body_bytes += body_price(room) - body_price(x->body_room);
}

static void drop_body(struct exchange *x)
{
	charge_body(x, 0);
	free(x->body);
	x->body = NULL;
	x->body_used = 0;
	x->body_room = 0;
}

/* False: a large body has to wait, and this is called again when it is parsed. */
static bool take_turn(struct exchange *x)
{
	struct server *s = x->server;

	if (x->body_used <= SMALL_BODY_BYTES || x->has_turn)
		return true;
	if (!s->turn_taken) {
		s->turn_taken = true;
		return true;
	}
	x->next_in_turn = NULL;
	*s->last_in_turn = x;
	s->last_in_turn = &x->next_in_turn;
	if (x->client)
		x->client->deadline_us = UINT64_MAX; /* it has sent all of it */
	MHD_suspend_connection(x->connection);
	return false;
}

static void give_turn(struct server *s)
{
	struct exchange *x = s->first_in_turn;

	s->turn_taken = x != NULL;
	if (!x)
		return;
	s->first_in_turn = x->next_in_turn;
	if (!s->first_in_turn)
		s->last_in_turn = &s->first_in_turn;
	x->has_turn = true;
	resume(x);
}

static enum MHD_Result execute(struct exchange *x)
{
	struct server *s = x->server;
	struct job_limits limits = config_job_limits(s->setup->config);
	struct reply error;
	struct job job;

	if (x->crowded) {
		s->executor->metrics->rejections[REJECTED_BODIES]++;
		return answer_now(x, reply_overloaded("Too many bodies are being sent at once: try again later."));
	}
	if (x->body_over) {
		struct strict_head over = { .host = 1, .length = s->body_limit + 1 };

		(void)strict_allows(&over, true, s->body_limit, &error);
		return answer_now(x, error);
	}
	if (s->service.draining) {
		s->executor->metrics->rejections[REJECTED_DRAINING]++;
		error = reply_overloaded("The service is stopping: send the request again.");
		error.close = true;
		return answer_now(x, error);
	}
	if (s->executor->spawner_hangs) {
		s->executor->metrics->rejections[REJECTED_HANGING]++;
		return answer_now(x, reply_overloaded("The service cannot start jobs for now: try again later."));
	}
	if (!execute_has_room(s->executor, x->sender, &error))
		return answer_now(x, error);
	if (!take_turn(x))
		return MHD_YES;
	if (request_parse(x->body, x->body_used, s->setup->config->max_script_bytes, &limits, &job, &error) < 0)
		return answer_now(x, error);
	drop_body(x);
	x->execution = execute_submit(s->executor, &job, x->sender, on_done, x, &error);
	if (!x->execution)
		return answer_now(x, error);
	if (loop_add(s->loop, &x->gone, x->client ? x->client->fd : -1, EPOLLRDHUP, on_client_gone) < 0)
		log_event(LOG_WARNING, NULL, "cannot watch a client: %s",
			  strerror(errno)); /* its job runs to the end */
	if (x->client)
		x->client->deadline_us = UINT64_MAX;
	MHD_suspend_connection(x->connection);
	return MHD_YES;
}

/* ---- one request ------------------------------------------------------------------------------------------------------- */

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_length,
				 const char *value, size_t value_length)
{
	(void)kind;
	(void)name_length;
	strict_take(cls, name, value ? value : "", value_length);
	return MHD_YES;
}

static bool refuse_line(const struct exchange *x, const char *version, struct reply *error)
{
	bool is_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
	const char *message = NULL;

	if (!is_1_0 && strcmp(version, MHD_HTTP_VERSION_1_1) != 0)
		message = "Only HTTP/1.1 and HTTP/1.0 are spoken here.";
	else if (x->client && x->client->bad_line)
		message = "The request line is malformed.";
	else if (is_1_0 && x->head.transfer_encoding > 0) /* RFC 9112, 6.1: where the body ends is uncertain */
		message = "HTTP/1.0 has no Transfer-Encoding.";
	if (!message)
		return false;
	*error = reply_error(OUTCOME_BAD_BODY, message, NULL);
	error->close = true;
	return true;
}

/* The header section is complete. *error is set when the request ends here. */
static void open_exchange(struct exchange *x, const char *url, const char *method, const char *version,
			  struct reply *error, bool *refused)
{
	struct server *s = x->server;
	struct reply head_error, line_error;

	x->head.client_field = s->setup->config->client_address_header;
	MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, on_header, &x->head);
	if (x->head.id[0])
		memcpy(x->id, x->head.id, sizeof x->id);
	else
		make_id(x->id);
	x->method = strict_method(method);
	x->protocol = strcmp(version, MHD_HTTP_VERSION_1_1) == 0 ? MHD_HTTP_VERSION_1_1 :
		      strcmp(version, MHD_HTTP_VERSION_1_0) == 0 ? MHD_HTTP_VERSION_1_0 :
								   "other";
	if (x->client && x->client->nul_in_path)
		url = ""; /* no route holds a NUL, and "/execute%00/x" is not "/execute" */
	x->path = route_path(&s->service, url);
	x->route = route_find(&s->service, method, url, error);
	*refused = !x->route;
	/* Also where there is nothing: the next request must not begin inside of this one. */
	if (!strict_allows(&x->head, x->route && !x->route->answer, s->body_limit, &head_error)) {
		if (*refused)
			reply_free(error);
		*error = head_error;
		*refused = true;
	}
	if (!x->route && (x->head.transfer_encoding || x->head.length))
		error->close = true; /* its body is not read */
	if (refuse_line(x, version, &line_error)) {
		if (*refused)
			reply_free(error);
		*error = line_error;
		*refused = true;
	}
}

/* The body has its time in all, and less between two pieces of it. */
static void set_body_deadline(struct exchange *x)
{
	if (!x->client)
		return;
	set_deadline(x->client, STALL_US);
	if (x->client->deadline_us > x->body_deadline_us)
		x->client->deadline_us = x->body_deadline_us;
}

static struct fair_client *hold_sender(struct server *s, const struct exchange *x)
{
	struct fair_key key;

	if (!x->head.client_field)
		return x->client ? fair_hold_again(x->client->address) : hold_address(s, x->connection);
	key = fair_key_of_text(x->head.client);
	return fair_hold(s->fair, &key);
}

static enum MHD_Result begin(struct server *s, struct MHD_Connection *connection, const char *url, const char *method,
			     const char *version, void **context)
{
	struct exchange *x = calloc(1, sizeof *x);
	struct reply error = { .status = 0 };
	bool refused = false;

	if (!x)
		return MHD_NO;
	*context = x;
	x->server = s;
	x->connection = connection;
	x->client = client_of(connection);
	if (x->client)
		x->client->exchange = x;
	x->started_us = io_now_us();
	x->gone.fd = -1;
	s->exchanges++;
	x->body_deadline_us = x->started_us + BODY_US;
	set_body_deadline(x);
	open_exchange(x, url, method, version, &error, &refused);
	x->sender = hold_sender(s, x);
	if (!refused)
		return MHD_YES;
	if (error.close) /* before the body: the library closes the connection after this answer */
		return answer_now(x, error);
	x->end.reply = error;
	x->answered = true;
	return MHD_YES;
}

static bool keep_body(struct exchange *x, const char *bytes, size_t length)
{
	if (x->body_over || x->body_used + length > x->server->body_limit) {
		x->body_over = true;
		return true;
	}
	if (x->body_used + length > x->body_room) {
		size_t room = x->body_room ? x->body_room : BODY_FIRST_ROOM;
		char *grown;

		while (room < x->body_used + length)
			room *= 2;
		if (!fair_fits(x->sender->body_bytes, body_price(room) - body_price(x->body_room),
			       x->server->bodies_bytes, x->server->bodies_most)) {
			x->crowded = true;
			drop_body(x);
			return true;
		}
		grown = realloc(x->body, room);
		if (!grown)
			return false;
		charge_body(x, room);
		x->body = grown;
		x->body_room = room;
	}
	memcpy(x->body + x->body_used, bytes, length);
	x->body_used += length;
	return true;
}

/* A body is read up to its cap, then thrown away up to the same amount again: then the client has had its chance. */
static enum MHD_Result take_body(struct exchange *x, const char *bytes, size_t *length)
{
	bool wanted = x->route && !x->route->answer && !x->answered;

	set_body_deadline(x);
	x->received += *length;
	x->server->empty_rounds = 0; /* it came earlier, and more of it may be there */
	if (!wanted || x->body_over || x->crowded) {
		x->discarded += *length;
		if (x->discarded > x->server->body_limit)
			return MHD_NO;
	} else if (!keep_body(x, bytes, *length)) {
		return MHD_NO;
	}
	*length = 0;
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_length, void **context)
{
	struct exchange *x = *context;
	struct route_request r;

	if (!x)
		return begin(cls, connection, url, method, version, context);
	if (*upload_length > 0)
		return take_body(x, upload, upload_length);
	if (x->client_gone)
		return MHD_NO;
	if (x->answered)
		return x->queued ? MHD_YES : queue_answer(x);
	if (!x->route->answer)
		return execute(x);
	r = (struct route_request){ .wants_html = x->head.wants_html, .accepts_gzip = x->head.accepts_gzip };
	return answer_now(x, x->route->answer(&x->server->service, &r));
}

static void close_exchange(struct exchange *x)
{
	const struct execution_end *end = &x->end;

	access_write(&x->server->access, &(struct access){ .id = x->id,
							   .method = x->method,
							   .path = x->path,
							   .protocol = x->protocol,
							   .code = end->reply.code,
							   .trace = strict_trace(&x->head),
							   .status = x->queued ? end->reply.status : 0,
							   .request_bytes = x->received,
							   .response_bytes = x->sent,
							   .duration_us = x->ended_us - x->started_us,
							   .client_gone = x->client_gone,
							   .ran = end->run_us != 0,
							   .queue_us = end->queue_us,
							   .run_us = end->run_us,
							   .measured = end->measured,
							   .cpu_us = end->cpu_us,
							   .peak_bytes = end->peak_bytes,
							   .start = end->start });
	free(x);
}

/* What it used is known only now; the line of its request waited for that. The connection may serve another by now. */
static void on_over(void *context, const struct exit_report *report)
{
	struct exchange *x = context;

	x->end.measured = true;
	x->end.cpu_us = report->cpu_us;
	x->end.peak_bytes = report->peak_bytes;
	x->end.start = report->start;
	close_exchange(x);
}

/* Its request is over, however it ended. */
static void complete(struct exchange *x)
{
	struct server *s = x->server;

	loop_remove(s->loop, &x->gone);
	if (x->execution)
		execute_cancel(x->execution);
	if (x->client)
		x->client->exchange = NULL;
	set_deadline(x->client, IDLE_US);
	reply_free(&x->end.reply);
	drop_body(x);
	forget_answer(x);
	fair_release(s->fair, x->sender);
	s->exchanges--;
	x->ended_us = io_now_us();
	metrics_request(s->executor->metrics, x->path, x->method, x->queued ? x->end.reply.status : 0,
			x->ended_us - x->started_us);
	if (!x->end.job_id || !execute_let_go(s->executor, x->end.slot, x->end.job_id, on_over, x))
		close_exchange(x);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode how)
{
	(void)cls;
	(void)connection;
	(void)how;
	if (*context)
		complete(*context);
	*context = NULL;
}

/* ---- the end of a connection --------------------------------------------------------------------------------------------- */

static void close_client(struct server *s, struct client *c)
{
	if (!c)
		return;
	if (c->exchange) /* where its epoll_ctl fails the library says no more than this (0.9.75) */
		complete(c->exchange);
	s->executor->metrics->connections--;
	s->connections--;
	c->address->connections--;
	fair_release(s->fair, c->address);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	free(c);
	listener_resume(&s->listener);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		open_client(cls, connection, context);
	else
		close_client(cls, *context);
}

/* ---- the library ------------------------------------------------------------------------------------------------------- */

static void on_library_message(void *cls, const char *format, va_list args)
{
	char text[512];

	(void)cls;
	if (strstr(format,
		   "request for")) /* a client that went before its answer; the text has the path, which is not logged */
		return;
	vsnprintf(text, sizeof text, format, args);
	text[strcspn(text, "\n")] = '\0';
	log_event(LOG_WARNING, NULL, "http: %s", text);
}

static void on_daemon_ready(struct watch *w, uint32_t events)
{
	(void)w; /* MHD_run is called after every round */
	(void)events;
}

/* As many as are wanted, or as descriptors are left for. */
static unsigned connection_limit(const struct config *c)
{
	struct rlimit limit;
	rlim_t fit;
	rlim_t reserved = c->max_concurrency * WIRE_PLACES_PER_SLOT * (2 * WIRE_FD_COUNT) + SPARE_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	fit = limit.rlim_cur > 2 * reserved ? limit.rlim_cur - reserved : limit.rlim_cur / 2;
	return (unsigned)(fit < c->max_connections ? fit : c->max_connections);
}

static size_t answers_limit(const struct config *c)
{
	const size_t largest = c->max_result_bytes + ESCAPED_BYTES * c->max_stdout_bytes + FRAME_ERROR_MOST_BYTES;

	return 2 * largest > ANSWERS_MOST_BYTES ? 2 * largest : ANSWERS_MOST_BYTES;
}

/*
 * Version 0.9 is not asked to be strict: it would close the connection without a word (a space in the target), or answer
 * a request without Host with the head of its answer sent twice. Both are refused here, in JSON. Version 1 is: then it
 * takes no LF alone for the end of a line.
 */
enum { LIBRARY_IS_STRICT = MHD_VERSION >= 0x01000000 };

static struct MHD_Daemon *start_daemon(struct server *s)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET,
				0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_library_message, NULL,
				MHD_OPTION_CONNECTION_LIMIT, s->connections_most, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				(size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, (int)LIBRARY_IS_STRICT,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
				on_connection, s, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, NULL, MHD_OPTION_END);
}

struct server *server_open(struct loop *loop, struct executor *executor, const struct web_setup *setup)
{
	struct server *s = calloc(1, sizeof *s);
	const union MHD_DaemonInfo *info;

	if (!s)
		return NULL;
	s->setup = setup;
	s->loop = loop;
	s->executor = executor;
	s->body_limit = request_body_limit(setup->config->max_script_bytes);
	s->bodies_most = 4 * s->body_limit > BODIES_MOST_BYTES ? 4 * s->body_limit :
								 BODIES_MOST_BYTES; /* room doubles */
	access_open(&s->access, getenv("GOOGLE_CLOUD_PROJECT"));
	s->answers_most = answers_limit(setup->config);
	s->connections_most = connection_limit(setup->config);
	s->fair = &executor->clients;
	s->last_in_turn = &s->first_in_turn;
	if (service_open(&s->service, setup, executor) < 0)
		return NULL;
	s->daemon = start_daemon(s);
	info = s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info || loop_add(loop, &s->daemon_watch, info->epoll_fd, EPOLLIN, on_daemon_ready) < 0 ||
	    listener_open(&s->listener, loop, setup->listen_fd, take_connection, s) < 0)
		return NULL;
	return s;
}

void server_stop_accepting(struct server *s)
{
	s->service.draining = true;
	listener_close(&s->listener);
}

bool server_is_idle(const struct server *s)
{
	return s->exchanges == 0;
}

/*
 * The library asks to be called again at once while it cannot go on with a full buffer (an endless chunk extension, in
 * 0.9.75): after a few rounds in which nothing came, it has to wait a little, and its client runs into the deadline.
 */
void server_round(struct server *s, int most_ms)
{
	MHD_UNSIGNED_LONG_LONG library_ms;
	bool at_once = false;
	int timeout_ms = most_ms;

	if (s->resumed)
		timeout_ms = 0;
	else if (MHD_get_timeout(s->daemon, &library_ms) == MHD_YES && library_ms < (MHD_UNSIGNED_LONG_LONG)most_ms) {
		at_once = library_ms == 0;
		timeout_ms = at_once && s->empty_rounds > EMPTY_ROUNDS_MOST ? EMPTY_ROUND_MS : (int)library_ms;
	}
	if (loop_round(s->loop, timeout_ms) == 0 && at_once)
		s->empty_rounds++;
	else
		s->empty_rounds = 0;
	s->resumed = false;
	MHD_run(s->daemon);
	give_turn(s);
}
