/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: what a client sends, against the whole of web but its process: libmicrohttpd, server.c, routes.c and
 * what lies behind, with a spawner that is played here.
 *
 * The first line says how the rest is sent: digits are the sizes of pieces (2 to that power, in turn), `h` shuts the
 * sending side down at the end, `r` leaves without reading, `t` lets time pass, `m` repeats what follows the first empty
 * line many times, `c` sends all of it on other connections before. A script is answered with a number that
 * is made of it, so that an answer can be traced to its request; some crash, hang or end early, by their first letter.
 *
 * A second reader (http.h) cuts the same bytes into requests as a strict proxy would. Where it is sure, there must not
 * be more answers than requests, each answer belongs to its request, and all are JSON of the contract; afterwards
 * the service serves another client, and nothing of this one is left.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../src/web/server.h"
#include "descriptors.h"
#include "frame.h"
#include "http.h"
#include "own.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SCRIPT_MOST = 4096,
	STDOUT_MOST = 64,
	RESULT_MOST = 1024,
	SLOTS = 2,
	PLACES = SLOTS * WIRE_PLACES_PER_SLOT,
	QUEUE = 2,
	ANSWERS_MOST = 1 << 21,
	PIECES_MOST = 400,
	QUIET_ROUNDS = 4,
	ROUNDS_MOST = 400,
	REPEATED = 130, /* 1500 bytes are more than twice the largest body then */
	SENT_MOST = 1 << 18,
	OTHERS = 5, /* more than slots and queue */
};

static struct config config = {
	.port = 8080,
	.host = "127.0.0.1",
	.max_script_bytes = SCRIPT_MOST,
	.max_stdout_bytes = STDOUT_MOST,
	.max_result_bytes = RESULT_MOST,
	.time_limit_ms = 1000,
	.cpu_limit_sec = 1,
	.mem_limit_mb = 512,
	.fsize_limit_mb = 10,
	.tmp_limit_mb = 64,
	.nofile_limit = 256,
	.nproc_limit = 64,
	.max_concurrency = SLOTS,
	.max_queue = QUEUE,
	.max_connections = 64,
	.python_bin = "/usr/bin/python3",
	.start = START_WARM,
};
static const struct runtime runtime = { .version = (char *)"3.11.2",
					.packages = { { (char *)"numpy", (char *)"1" } },
					.package_count = 1 };
static struct spawn_status spawn_status = { .tiers = { { .wanted = 1, .state = SPAWN_TIER_SERVING, .ready = 1 } } };
static struct web_setup setup = { .config = &config,
				  .runtime = &runtime,
				  .level = "strong",
				  .layers = { { "filter", "ok" } },
				  .layer_count = 1,
				  .memory_enforced_by = "accounting",
				  .spawn_status = &spawn_status,
				  .full_imports = "numpy" };

static struct loop loop;
static struct executor executor;
static struct metrics metrics;
static struct server *server;
static int spawner_fd;
static struct sockaddr_un address;
static socklen_t address_length;

static char answers[ANSWERS_MOST];
static size_t answers_used;

/* ---- the spawner, and its jobs ----------------------------------------------------------------------------------------- */

static struct task {
	bool used;
	uint64_t job_id;
	int fds[WIRE_FD_COUNT];
} tasks[PLACES];

const char *jail_layer_name(size_t index)
{
	return index == 0 ? "a layer" : NULL;
}

static uint32_t number_of(const char *script, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)script[i]) * 16777619u;
	return hash;
}

static void end_task(uint32_t slot, int wait_status, enum killed_by by)
{
	struct exit_report report = { .magic = WIRE_MAGIC,
				      .slot = slot,
				      .job_id = tasks[slot].job_id,
				      .wait_status = wait_status,
				      .killed_by = by,
				      .cpu_us = 7 };

	if (!tasks[slot].used)
		return;
	for (int i = 0; i < WIRE_FD_COUNT; i++)
		fd_close(&tasks[slot].fds[i]);
	tasks[slot].used = false;
	ALWAYS(wire_send_report(spawner_fd, &report) == 0);
}

static void write_result(struct task *t, const struct job_header *header, uint32_t number)
{
	char frame[FRAME_HEAD_BYTES + 16] = { 0 };
	int length = snprintf(frame + FRAME_HEAD_BYTES, 16, "%u", number);

	memcpy(frame + FRAME_MARK_BYTES, header->nonce, JOB_NONCE_BYTES);
	frame[FRAME_MARK_BYTES + JOB_NONCE_BYTES] = 'R';
	frame[FRAME_MARK_BYTES + JOB_NONCE_BYTES + 1] = (char)length;
	ALWAYS(write(t->fds[WIRE_FD_RESULT], frame + FRAME_MARK_BYTES,
		     FRAME_HEAD_BYTES - FRAME_MARK_BYTES + (size_t)length) > 0);
	fd_close(&t->fds[WIRE_FD_RESULT]);
}

static void run_task(const struct start_msg *msg, const int fds[WIRE_FD_COUNT])
{
	static char bytes[sizeof(struct job_header) + SCRIPT_MOST + 1];
	struct task *t = &tasks[msg->slot];
	struct job_header header;
	ssize_t got = read(fds[WIRE_FD_INPUT], bytes, sizeof bytes);
	const char *script = bytes + sizeof header;

	ALWAYS(!t->used && got > (ssize_t)sizeof header);
	*t = (struct task){ .used = true, .job_id = msg->job_id };
	memcpy(t->fds, fds, sizeof t->fds);
	memcpy(&header, bytes, sizeof header);
	ALWAYS(header.script_bytes == (size_t)got - sizeof header);
	ALWAYS(write(fds[WIRE_FD_STDOUT], script, header.script_bytes) == (ssize_t)header.script_bytes);
	if (script[0] != 'n') /* n: it is never started */
		ALWAYS(write(fds[WIRE_FD_RESULT], header.nonce, FRAME_MARK_BYTES) == FRAME_MARK_BYTES);
	switch (script[0]) {
	case 'n':
	case 'c':
		end_task(msg->slot, SIGSEGV, KILLED_BY_NOBODY);
		break;
	case 'e':
		end_task(msg->slot, 0, KILLED_BY_NOBODY);
		break;
	case 'w':
		end_task(msg->slot, SIGKILL, KILLED_BY_WALL);
		break;
	case 'h': /* until somebody cancels it */
		break;
	default:
		write_result(t, &header, number_of(script, header.script_bytes));
		if (script[0] != 'l') /* l: it lingers, as jobs do */
			end_task(msg->slot, 0, KILLED_BY_NOBODY);
	}
}

/* Returns how many messages there were. */
static unsigned play_spawner(void)
{
	struct job_limits most = config_job_limits(&config);
	struct start_msg msg;
	struct fault f;
	int fds[WIRE_FD_COUNT], status;
	unsigned count = 0;

	for (; (status = wire_receive_start(spawner_fd, &msg, fds, PLACES, &most, &f)) == 1; count++)
		if (msg.kind == WIRE_START)
			run_task(&msg, fds);
		else if (tasks[msg.slot].job_id == msg.job_id)
			end_task(msg.slot, SIGKILL, KILLED_BY_CANCEL);
	ALWAYS(status == 0);
	return count;
}

/* ---- the client ---------------------------------------------------------------------------------------------------------- */

static int connect_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ALWAYS(fd >= 0 && connect(fd, (struct sockaddr *)&address, address_length) == 0);
	return fd;
}

/* One round of web and of the spawner; what came back is kept. True: something happened. */
static bool run_round(int client, int most_ms)
{
	ssize_t got = 0;
	unsigned messages;

	server_round(server, most_ms);
	executor_advance(&executor);
	messages = play_spawner();
	if (client >= 0 && (got = read(client, answers + answers_used, sizeof answers - answers_used)) > 0)
		answers_used += (size_t)got;
	return got > 0 || messages > 0;
}

static void run_until_quiet(int client)
{
	for (int rounds = 0, quiet = 0; rounds < ROUNDS_MOST && quiet < QUIET_ROUNDS; rounds++)
		quiet = run_round(client, 0) ? 0 : quiet + 1;
}

/* False: the service takes no more. */
static bool send_piece(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t put = send(fd, bytes, length, MSG_NOSIGNAL);

		if (put < 0)
			return false;
		bytes += put;
		length -= (size_t)put;
		run_round(-1, 1);
	}
	return true;
}

static void send_all(int fd, const char *how, size_t how_length, const char *bytes, size_t length, bool reads)
{
	size_t at = 0;

	for (unsigned piece = 0; at < length && piece < PIECES_MOST; piece++) {
		const char *digit = how_length ? &how[piece % how_length] : "9";
		size_t most = *digit >= '0' && *digit <= '9' ? (size_t)1 << (*digit - '0') : 4096;

		if (piece == PIECES_MOST - 1 || most > length - at)
			most = length - at;
		if (!send_piece(fd, bytes + at, most))
			return;
		at += most;
		run_round(reads ? fd : -1, 0);
	}
}

/* ---- what comes back ------------------------------------------------------------------------------------------------------ */

static bool is_code(const char *name, unsigned status)
{
	for (int code = 0; code < OUTCOME_COUNT; code++)
		if (strcmp(outcome_name(code), name) == 0)
			return outcome_status(code) == status;
	return false;
}

static void check_execution(const json_t *answer, const struct http_request *r)
{
	json_t *body = json_loadb(r->body, r->body_length, JSON_ALLOW_NUL, NULL),
	       *script = json_object_get(body, "script");

	ALWAYS(strcmp(r->method, "POST") == 0 && strncmp(r->path, "/execute", 8) == 0 && script);
	ALWAYS(json_integer_value(json_object_get(answer, "result")) ==
	       (json_int_t)number_of(json_string_value(script), json_string_length(script)));
	ALWAYS(json_is_string(json_object_get(answer, "stdout")));
	json_decref(body);
}

static void check_json(const struct http_response *a, const struct http_request *r, bool whole)
{
	json_t *answer = json_loadb(a->body, a->length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const json_t *error = json_object_get(answer, "error");
	unsigned members;

	ALWAYS(json_is_object(answer) && json_is_valid(a->body, a->length, &members));
	if (error) {
		const char *code = json_string_value(json_object_get(error, "code"));

		ALWAYS(code && is_code(code, a->status) && a->status >= 400);
		ALWAYS(json_string_length(json_object_get(error, "message")) > 0);
		ALWAYS(members == 1u + (json_object_get(answer, "stdout") != NULL));
	} else {
		ALWAYS(a->status == 200 || a->status == 503);
		if (whole && json_object_get(answer, "result"))
			check_execution(answer, r);
	}
	json_decref(answer);
}

/* whole: the second reader knows where this request ended. */
static void check_answer(const struct http_response *a, const struct http_request *r, bool whole)
{
	ALWAYS((a->status >= 200 && a->status < 300) || (a->status >= 400 && a->status < 600));
	if (!a->id[0]) { /* the library's own */
		ALWAYS(a->status >= 400 && a->closes);
		return;
	}
	if (whole && r->ids == 1 && r->id[0] && strlen(r->id) <= 64)
		ALWAYS(strcmp(a->id, r->id) == 0);
	if (!r->is_head && strcmp(a->type, "application/json") == 0)
		check_json(a, r, whole);
	ALWAYS(a->status < 300 || strcmp(a->type, "application/json") == 0);
}

static void check_answers(const char *sent, size_t length)
{
	static struct http_stream stream;
	struct http_text t = { answers, answers + answers_used };
	struct http_response a;
	bool closed = false;

	if (log_shown)
		fprintf(stderr, "answers:\n%.*s\n", (int)answers_used, answers);
	http_cut(&stream, sent, length);
	for (size_t i = 0; t.at < t.end; i++) {
		const struct http_request *r = &stream.request[i];

		ALWAYS(!closed);
		if (i >= stream.count && (stream.end == HTTP_REFUSED || !r->has_line))
			break; /* nobody knows what to expect */
		ALWAYS(i < stream.count || (i == stream.count && stream.end != HTTP_WHOLE));
		if (!http_response(&t, &a, r->is_head))
			break;
		check_answer(&a, r, i < stream.count);
		/* libmicrohttpd 0.9.75 sends the head of its own answer twice where Content-Length is no number. */
		if (!a.id[0]) {
			ALWAYS(!memmem(a.body, (size_t)(t.end - a.body), "X-Request-Id", 12));
			break;
		}
		closed = a.closes;
		ALWAYS(closed || !r->is_chunked);
		if (i == stream.count)
			ALWAYS(stream.end != HTTP_AMBIGUOUS || t.at == t.end);
	}
	http_free(&stream);
}

/* ---- one input ---------------------------------------------------------------------------------------------------------------- */

static void check_health(void)
{
	static const char request[] =
		"GET /health HTTP/1.1\r\nHost: a\r\nX-Request-Id: after\r\nConnection: close\r\n\r\n";
	struct http_text t = { answers, answers };
	struct http_response a;
	int fd = connect_client();

	answers_used = 0;
	ALWAYS(send_piece(fd, request, sizeof request - 1));
	for (int rounds = 0; rounds < ROUNDS_MOST && answers_used == 0; rounds++)
		run_round(fd, 0);
	t.end += answers_used;
	ALWAYS(http_response(&t, &a, false) && a.status == 200 && strcmp(a.id, "after") == 0 && t.at == t.end);
	close(fd);
}

static void open_service(void)
{
	int pair[2];
	const struct executor_settings settings = { .max_stdout_bytes = STDOUT_MOST,
						    .max_result_bytes = RESULT_MOST,
						    .slots = SLOTS,
						    .queue_limit = QUEUE,
						    .full_imports = "numpy" };

	signal(SIGPIPE, SIG_IGN);
	setup.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address.sun_family = AF_UNIX;
	address_length = sizeof address;
	ALWAYS(bind(setup.listen_fd, (struct sockaddr *)&address, sizeof address.sun_family) == 0); /* any free name */
	ALWAYS(listen(setup.listen_fd, 16) == 0);
	ALWAYS(getsockname(setup.listen_fd, (struct sockaddr *)&address, &address_length) == 0);
	ALWAYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	spawner_fd = pair[1];
	ALWAYS(loop_open(&loop) == 0 && executor_open(&executor, &loop, pair[0], &settings, &metrics) == 0);
	server = server_open(&loop, &executor, &setup);
	ALWAYS(server);
	check_health();
	run_until_quiet(-1);
}

/* Nothing of this client is left, whatever it left open. */
static void settle(unsigned before)
{
	for (int rounds = 0; rounds < ROUNDS_MOST; rounds++) {
		run_round(-1, 0);
		if (server_is_idle(server) && executor.running_count + executor.clearing_count == 0 &&
		    descriptors_open() == before)
			break;
	}
	ALWAYS(server_is_idle(server) && executor.waiting_count == 0);
	ALWAYS(executor.running_count == 0 && executor.clearing_count == 0 && descriptors_open() == before);
}

static bool has(const char *how, size_t length, char letter)
{
	return memchr(how, letter, length) != NULL;
}

/* What is sent: the input behind its first line, of which a part may be repeated. */
static const char *expand(const char *bytes, size_t *length, bool repeats)
{
	static char sent[SENT_MOST];
	const char *blank = memmem(bytes, *length, "\r\n\r\n", 4);
	size_t used = blank ? (size_t)(blank + 4 - bytes) : 0, part = *length - used;

	if (!repeats || !blank || part == 0)
		return bytes;
	memcpy(sent, bytes, used);
	for (int i = 0; i < REPEATED && part <= sizeof sent - used; i++, used += part)
		memcpy(sent + used, blank + 4, part);
	*length = used;
	return sent;
}

static void send_to_others(int others[OTHERS], const char *bytes, size_t length)
{
	for (int i = 0; i < OTHERS; i++) {
		others[i] = connect_client();
		(void)send(others[i], bytes, length, MSG_NOSIGNAL);
		run_round(-1, 0);
	}
}

static void talk(int fd, const char *how, size_t how_length, const char *bytes, size_t length)
{
	bool reads = !has(how, how_length, 'r');

	send_all(fd, how, how_length, bytes, length, reads);
	if (has(how, how_length, 'h'))
		shutdown(fd, SHUT_WR);
	if (reads)
		run_until_quiet(fd);
	if (has(how, how_length, 't')) {
		clock_ahead_us += 70000000;
		server_close_overdue(server);
		executor_expire(&executor);
		run_until_quiet(fd);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *how = (const char *)data, *newline = memchr(data, '\n', size);
	size_t how_length = newline ? (size_t)(newline - how) : 0;
	const char *bytes = newline ? newline + 1 : how;
	size_t length = size - (size_t)(bytes - how);
	int fd, others[OTHERS] = { -1, -1, -1, -1, -1 };
	unsigned before;

	if (!server)
		open_service();
	before = descriptors_open();
	answers_used = 0;
	clock_ahead_us = 0;
	bytes = expand(bytes, &length, has(how, how_length, 'm'));
	if (has(how, how_length, 'c'))
		send_to_others(others, bytes, length);
	fd = connect_client();
	talk(fd, how, how_length, bytes, length);
	close(fd);
	for (int i = 0; i < OTHERS; i++)
		fd_close(&others[i]);
	check_answers(bytes, length);
	settle(before);
	check_health();
	settle(before);
	return 0;
}
