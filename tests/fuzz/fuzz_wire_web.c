/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: a spawner and jobs that do what they like, against web's side of an execution (execute.c, collect.c,
 * frame.c, reply.c, loop.c, wire.c).
 *
 * The input is a list of steps: scripts are submitted and their clients leave, time passes; the other side writes to the
 * pipes of its jobs, closes them, and says things on the channel, some of them true. Whatever comes, each submission is
 * answered once unless it was cancelled, by an answer of the contract that holds nothing but what its own job wrote;
 * and when all jobs have ended nothing is left: no count, no place, no descriptor.
 */
#include "../../src/web/execute.c" /* an execution that lost its spawner ends with the process, or by hand: release() */

#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../../src/web/utf8.h"
#include "descriptors.h"
#include "input.h"
#include "own.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	CLIENTS = 3,
	SLOTS = 2,
	QUEUE = 2,
	PLACES = SLOTS * WIRE_PLACES_PER_SLOT,
	STDOUT_MOST = 48,
	RESULT_MOST = 96,
	SUBMITTED_MOST = 24,
	WRITTEN_MOST = 16384,
	STEPS_MOST = 200,
	ROUNDS_MOST = 64,
	FLOOD_BYTES = 40000,
	FLOODS = 8,
};

static const struct job_limits limits = { .wall_ms = 1500,
					  .cpu_seconds = 2,
					  .memory_bytes = 1 << 29,
					  .file_bytes = 1 << 20,
					  .tmp_bytes = 1 << 24,
					  .descriptors = 64,
					  .processes = 32 };

struct written {
	char bytes[WRITTEN_MOST];
	size_t length;
	bool closed, flooded; /* flooded: with much more than is kept here */
};

/* A start message that arrived, and what its job did since. */
struct task {
	bool over; /* its end was reported */
	bool said; /* first holds how */
	struct exit_report first;
	struct start_msg msg;
	int fds[WIRE_FD_COUNT];
	struct job_header header;
	struct submission *of;
	struct written out, err, result;
};

enum { KIND_AT = FRAME_MARK_BYTES + JOB_NONCE_BYTES };

struct submission {
	struct execution *execution; /* NULL: cancelled, answered or refused */
	bool taken, cancelled, answered;
	struct task *task; /* the last one that was started for it */
	uint32_t slot;     /* for execute_let_go() */
	uint64_t job_id;
};

static struct loop loop;
static struct executor executor;
static struct metrics metrics;
static struct submission submitted[SUBMITTED_MOST];
static size_t submitted_count;
static struct task tasks[4 * SUBMITTED_MOST];
static size_t task_count;
static int spawner_fd; /* -1: closed */

/* ---- what an answer must be ------------------------------------------------------------------------------------------ */

static bool is_repaired_start(const struct written *w, size_t length, const json_t *text)
{
	char repaired[3 * STDOUT_MOST];

	return utf8_repair(w->bytes, length, repaired) == json_string_length(text) &&
	       memcmp(repaired, json_string_value(text), json_string_length(text)) == 0;
}

/* The text is the beginning of what this job wrote; a character that was cut in its middle may be missing or be U+FFFD. */
static void check_printed(const struct task *t, const json_t *text, bool cut)
{
	ALWAYS(json_is_string(text));
	if (!t) {
		ALWAYS(json_string_length(text) == 0);
		return;
	}
	if (cut)
		ALWAYS(t->out.length > STDOUT_MOST);
	for (size_t length = 0; length <= t->out.length && length <= STDOUT_MOST; length++)
		if (is_repaired_start(&t->out, length, text))
			return;
	ALWAYS(!"stdout is what the job wrote");
}

/* The frame that this job sent: complete, with its nonce, and nothing after it. */
static const char *sent_payload(const struct task *t, char kind, size_t *length)
{
	const struct written *w = &t->result;
	uint64_t said = 0;

	ALWAYS(t && (w->closed || t->over) && !w->flooded && w->length > FRAME_HEAD_BYTES && w->bytes[KIND_AT] == kind);
	ALWAYS(memcmp(w->bytes, t->header.nonce, FRAME_MARK_BYTES) == 0);
	ALWAYS(memcmp(w->bytes + FRAME_MARK_BYTES, t->header.nonce, JOB_NONCE_BYTES) == 0);
	for (int i = 7; i >= 0; i--)
		said = said << 8 | (uint8_t)w->bytes[KIND_AT + 1 + i];
	*length = w->length - FRAME_HEAD_BYTES;
	ALWAYS(said == *length);
	return w->bytes + FRAME_HEAD_BYTES;
}

static void check_spliced(const struct reply *reply, const char *head, const char *payload, size_t length)
{
	const size_t head_length = strlen(head);

	ALWAYS(reply->length > head_length + length && memcmp(reply->body, head, head_length) == 0);
	ALWAYS(memcmp(reply->body + head_length, payload, length) == 0);
	ALWAYS(memcmp(reply->body + head_length + length, ", \"stdout\": ", 12) == 0);
}

static void check_ok(const struct submission *s, const struct reply *reply, unsigned members)
{
	size_t length;
	const char *payload = sent_payload(s->task, 'R', &length), *tail = reply->body + reply->length;
	json_t *text;
	size_t head = strlen("{\"result\": ") + length + strlen(", \"stdout\": "), tail_length;
	const bool cut = members == 3;
	static const char truncated[] = ", \"stdout_truncated\": true}";

	tail_length = cut ? sizeof truncated - 1 : 1;
	ALWAYS(members == 2 || members == 3);
	ALWAYS(length <= RESULT_MOST && memcmp(tail - tail_length, cut ? truncated : "}", tail_length) == 0);
	check_spliced(reply, "{\"result\": ", payload, length);
	text = json_loadb(reply->body + head, reply->length - head - tail_length, JSON_DECODE_ANY | JSON_ALLOW_NUL,
			  NULL);
	check_printed(s->task, text, cut);
	json_decref(text);
}

/* Of the codes that a report decides; claimed ones come with the runner's own words. */
static bool is_claim(const char *code)
{
	return outcome_claimable(code) != OUTCOME_COUNT && strcmp(code, "MEMORY_LIMIT") != 0;
}

static void check_error(const struct submission *s, const struct reply *reply, unsigned members)
{
	json_t *answer = json_loadb(reply->body, reply->length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL),
	       *error = json_object_get(answer, "error"), *text = json_object_get(answer, "stdout");
	const char *code = json_string_value(json_object_get(error, "code"));

	ALWAYS(code && json_string_length(json_object_get(error, "message")) > 0);
	ALWAYS(strcmp(code, reply->code) == 0 && strcmp(code, "OK") != 0);
	ALWAYS(members == 1u + (text != NULL));
	if (text)
		check_printed(s->task, text, false);
	else
		ALWAYS(strcmp(code, "OVERLOADED") == 0 || strcmp(code, "INTERNAL") == 0);
	if (is_claim(code)) {
		size_t length;
		const char *payload = sent_payload(s->task, 'E', &length);

		check_spliced(reply, "{\"error\": ", payload, length);
	}
	json_decref(answer);
}

/* The kernel's facts come before the runner's claim, and of two reports the first counts. */
static void check_verdict(const struct task *t, const char *code, bool early)
{
	const struct exit_report *r = &t->first;

	if (early) {
		ALWAYS(strcmp(code, "OK") == 0 || outcome_claimable(code) != OUTCOME_COUNT ||
		       (strcmp(code, "INTERNAL") == 0 && clock_ahead_us > 0)); /* nothing was heard of it for long */
		return;
	}
	if (!t->said ||
	    (t->result.length == 0 && strcmp(code, "INTERNAL") == 0)) /* never started: nobody is to blame */
		return;
	if (r->killed_by == KILLED_BY_WALL)
		ALWAYS(strcmp(code, r->oom_killed ? "MEMORY_LIMIT" : "TIMEOUT") == 0);
	else if (r->killed_by == KILLED_BY_CPU)
		ALWAYS(strcmp(code, "TIMEOUT") == 0);
	else if (r->killed_by >= KILLED_BY_MEMORY && r->killed_by <= KILLED_BY_PROCESSES)
		ALWAYS(strcmp(code, "MEMORY_LIMIT") == 0);
	else if (strcmp(code, "OK") == 0)
		ALWAYS(r->killed_by == KILLED_BY_NOBODY && r->wait_status >= 0 && WIFEXITED(r->wait_status) &&
		       WEXITSTATUS(r->wait_status) == 0 && !r->oom_killed && !r->cpu_limited);
}

static void on_answer(void *context, struct execution_end *end)
{
	struct submission *s = context;
	const struct reply *reply = &end->reply;
	unsigned members, status = 0;

	ALWAYS(s->taken && !s->answered && !s->cancelled);
	ALWAYS(reply->body && json_is_valid(reply->body, reply->length, &members));
	for (int code = 0; code < OUTCOME_COUNT; code++)
		if (strcmp(reply->code, outcome_name(code)) == 0)
			status = outcome_status(code);
	ALWAYS(status == reply->status);
	if (reply->status == 200)
		check_ok(s, reply, members);
	else
		check_error(s, reply, members);
	if (s->task)
		check_verdict(s->task, reply->code, end->job_id != 0);
	ALWAYS(end->job_id == 0 || (s->task && end->job_id == s->task->msg.job_id && end->slot == s->task->msg.slot));
	s->answered = true;
	s->execution = NULL;
	s->slot = end->slot;
	s->job_id = end->job_id;
	reply_free(&end->reply);
}

/* As src/jail/jail.c says it of some number of layers: NULL beyond the last. */
const char *jail_layer_name(size_t index)
{
	return index < 12 ? "a layer" : NULL;
}

/* ---- clients ----------------------------------------------------------------------------------------------------------- */

static void submit(struct input *in)
{
	struct submission *s = &submitted[submitted_count];
	struct fair_client *client;
	struct fair_key key = { { 0 } };
	struct reply refusal = { .status = 0 };
	struct job job = { .script = malloc(64), .limits = limits };

	if (submitted_count == SUBMITTED_MOST || !job.script) {
		free(job.script);
		return;
	}
	memset(s, 0, sizeof *s);
	job.script_bytes = (size_t)snprintf(job.script, 64, "%c %zu", input_byte(in) & 1 ? 'n' : '-', submitted_count);
	if (job.script[0] == 'n')
		job.script_bytes += (size_t)snprintf(job.script + job.script_bytes, 32, " import numpy");
	submitted_count++;
	key.bytes[0] = input_byte(in) % CLIENTS;
	client = fair_hold(&executor.clients, &key);
	s->taken = true; /* another one may have to go for it, and is answered meanwhile */
	s->execution = execute_submit(&executor, &job, client, on_answer, s, &refusal);
	fair_release(&executor.clients, client);
	s->taken = s->execution != NULL;
	if (!s->taken) {
		ALWAYS(executor.running_count + executor.waiting_count >= SLOTS + QUEUE);
		ALWAYS(refusal.status == 503 && refusal.retry_after > 0);
		reply_free(&refusal);
	}
}

static struct submission *choose(struct input *in)
{
	return submitted_count ? &submitted[input_byte(in) % submitted_count] : NULL;
}

static void cancel(struct input *in)
{
	struct submission *s = choose(in);

	if (!s || !s->execution)
		return;
	execute_cancel(s->execution);
	s->execution = NULL;
	s->cancelled = true;
}

/* At most once, and only of an execution that was answered before its end. */
static void on_over(void *context, const struct exit_report *report)
{
	const struct submission *s = context;

	ALWAYS(s && s->answered && report->job_id == s->job_id);
}

static void let_go(struct input *in)
{
	struct submission *s = choose(in);
	uint8_t slot = input_byte(in);

	if (s && s->job_id)
		(void)execute_let_go(&executor, s->slot, s->job_id, on_over, s);
	else
		(void)execute_let_go(&executor, slot, slot, on_over, NULL);
}

/* ---- the other side ------------------------------------------------------------------------------------------------------ */

/* The header and the script come at once: they are small. */
static void read_job(struct task *t)
{
	char bytes[sizeof t->header + 64];
	ssize_t got = read(t->fds[WIRE_FD_INPUT], bytes, sizeof bytes - 1);
	unsigned number;

	ALWAYS(got > (ssize_t)sizeof t->header);
	bytes[got] = '\0';
	memcpy(&t->header, bytes, sizeof t->header);
	ALWAYS(memcmp(t->header.magic, JOB_MAGIC, sizeof t->header.magic) == 0);
	ALWAYS(t->header.script_bytes == (size_t)got - sizeof t->header && t->header.max_result_bytes == RESULT_MOST);
	ALWAYS(read(t->fds[WIRE_FD_INPUT], bytes, 1) == 0); /* its end */
	ALWAYS(sscanf(bytes + sizeof t->header + 2, "%u", &number) == 1 && number < submitted_count);
	ALWAYS(t->msg.tier == WIRE_COLD || (t->msg.tier == WIRE_FULL) == (bytes[sizeof t->header] == 'n'));
	t->of = &submitted[number];
	ALWAYS(t->of->taken && !t->of->answered);
	ALWAYS(!t->of->task || (t->msg.tier == WIRE_COLD && t->of->task->msg.job_id < t->msg.job_id));
	t->of->task = t;
}

static void take_start(const struct start_msg *msg, const int fds[WIRE_FD_COUNT])
{
	struct task *t = &tasks[task_count++];

	ALWAYS(task_count < sizeof tasks / sizeof tasks[0] && msg->slot < PLACES);
	t->over = t->said = false;
	t->msg = *msg;
	t->of = NULL;
	memcpy(t->fds, fds, sizeof t->fds);
	t->out.length = t->err.length = t->result.length = 0;
	t->out.closed = t->err.closed = t->result.closed = false;
	t->out.flooded = t->err.flooded = t->result.flooded = false;
	read_job(t);
}

/* Every message of web must be one that a spawner takes. */
static void hear_web(void)
{
	struct start_msg msg;
	struct fault f;
	int fds[WIRE_FD_COUNT], status = 0;

	while (spawner_fd >= 0 && (status = wire_receive_start(spawner_fd, &msg, fds, PLACES, &limits, &f)) == 1) {
		if (msg.kind == WIRE_START)
			take_start(&msg, fds);
		else
			ALWAYS(msg.job_id > 0 && msg.job_id <= executor.next_job_id);
	}
	ALWAYS(status == 0);
}

static struct task *choose_task(struct input *in)
{
	return task_count ? &tasks[input_byte(in) % task_count] : NULL;
}

static struct written *choose_pipe(struct task *t, unsigned which, int *fd)
{
	static const enum wire_fd ends[] = { WIRE_FD_STDOUT, WIRE_FD_STDERR, WIRE_FD_RESULT };
	struct written *pipes[] = { &t->out, &t->err, &t->result };

	*fd = t->fds[ends[which % 3]];
	return pipes[which % 3];
}

/* As far as there is room and a reader. */
static void put_bytes(struct written *w, int fd, const void *bytes, size_t length)
{
	if (w->closed || fd < 0 || length > WRITTEN_MOST - w->length || write(fd, bytes, length) != (ssize_t)length)
		return;
	memcpy(w->bytes + w->length, bytes, length);
	w->length += length;
}

/* More than any cap: of the result's it is 256 KiB, of a pipe 64. */
static void flood(struct input *in)
{
	static char bytes[FLOOD_BYTES];
	struct task *t = choose_task(in);
	struct written *w;
	int fd;

	if (!t)
		return;
	w = choose_pipe(t, input_byte(in), &fd);
	if (w->closed)
		return;
	memset(bytes, 'a' + (int)((size_t)(t - tasks) % 26), sizeof bytes);
	for (int i = 0; i < FLOODS; i++) {
		put_bytes(w, fd, bytes, WRITTEN_MOST - w->length);
		if (w->length == WRITTEN_MOST && write(fd, bytes, sizeof bytes) > 0)
			w->flooded = true;
		loop_round(&loop, 0);
	}
}

/* Bytes of this job's own: no two jobs write the same. */
static void write_some(struct input *in)
{
	struct task *t = choose_task(in);
	uint8_t how = input_byte(in);
	struct written *w;
	size_t got;
	const uint8_t *bytes = input_take(in, how >> 2, &got);
	char mark[16];
	int fd;

	if (!t)
		return;
	w = choose_pipe(t, how & 3, &fd);
	put_bytes(w, fd, mark, (size_t)snprintf(mark, sizeof mark, "<%zu>", (size_t)(t - tasks)));
	put_bytes(w, fd, bytes, got);
}

static void write_frame(struct input *in)
{
	static const char exception[] =
		"{\"code\": \"EXCEPTION\", \"message\": \"m\", \"details\": {\"type\": \"t%zu\", "
		"\"message\": \"m\", \"line\": 1, \"traceback\": \"t\"}}",
			  no_main[] = "{\"code\": \"NO_MAIN\", \"message\": \"%zu\"}", number[] = "%zu",
			  list[] = "[%zu, \"\\u0000\", 1e400]", large[] = "[%zu, \"%0*d\"]";
	struct task *t = choose_task(in);
	uint8_t how = input_byte(in);
	char frame[FRAME_HEAD_BYTES + 512], *payload = frame + FRAME_HEAD_BYTES;
	size_t length, got, said, start, n;
	const uint8_t *bytes;

	if (!t)
		return;
	if (how >= 0xf0) { /* the script is started */
		put_bytes(&t->result, t->fds[WIRE_FD_RESULT], t->header.nonce, FRAME_MARK_BYTES);
		return;
	}
	n = (size_t)(t - tasks);
	switch (how % 6) {
	case 0:
		length = (size_t)snprintf(payload, 512, exception, n);
		break;
	case 1:
		length = (size_t)snprintf(payload, 512, no_main, n);
		break;
	case 2:
		length = (size_t)snprintf(payload, 512, number, n);
		break;
	case 3:
		length = (size_t)snprintf(payload, 512, list, n);
		break;
	case 4:
		length = (size_t)snprintf(payload, 512, large, n, RESULT_MOST, 0);
		break;
	default:
		bytes = input_take(in, input_byte(in), &length);
		if (length > 0)
			memcpy(payload, bytes, length);
	}
	memcpy(frame, t->header.nonce, FRAME_MARK_BYTES);
	memcpy(frame + FRAME_MARK_BYTES, t->header.nonce, JOB_NONCE_BYTES);
	frame[KIND_AT] = how % 6 < 2 || (how % 6 == 5 && how & 0x80) ? 'E' : 'R';
	said = how & 0x40 ? length + input_byte(in) : length;
	for (int i = 0; i < 8; i++)
		frame[KIND_AT + 1 + i] = (char)((uint64_t)said >> (8 * i));
	start = t->result.length == FRAME_MARK_BYTES ? FRAME_MARK_BYTES : 0; /* it is there already */
	got = FRAME_HEAD_BYTES + length - start;
	if (how & 0x20) { /* in two pieces */
		put_bytes(&t->result, t->fds[WIRE_FD_RESULT], frame + start, got / 2);
		loop_round(&loop, 0);
		if (t->result.length >= got / 2)
			put_bytes(&t->result, t->fds[WIRE_FD_RESULT], frame + start + got / 2, got - got / 2);
		return;
	}
	put_bytes(&t->result, t->fds[WIRE_FD_RESULT], frame + start, got);
}

static void close_end(struct task *t, unsigned which)
{
	static const enum wire_fd ends[] = { WIRE_FD_STDOUT, WIRE_FD_STDERR, WIRE_FD_RESULT, WIRE_FD_INPUT };

	if (which % 4 < 3) {
		int fd;

		choose_pipe(t, which % 4, &fd)->closed = true;
	}
	fd_close(&t->fds[ends[which % 4]]);
}

static struct exit_report report_of(const struct task *t)
{
	return (struct exit_report){
		.magic = WIRE_MAGIC, .slot = t->msg.slot, .job_id = t->msg.job_id, .cpu_us = 5, .peak_bytes = 6
	};
}

#define FIELD(member)                                                                                                  \
	{                                                                                                              \
		offsetof(struct exit_report, member), sizeof((struct exit_report *)0)->member                          \
	}

static const struct {
	size_t offset, size;
} fields[] = {
	FIELD(wait_status), FIELD(killed_by), FIELD(fault_layer), FIELD(fault_error), FIELD(oom_killed),
	FIELD(cpu_limited), FIELD(start),     FIELD(slot),        FIELD(job_id),      FIELD(magic),
};

static bool is_good_report(const struct exit_report *r, size_t length, size_t descriptors)
{
	return length == sizeof *r && descriptors == 0 && r->magic == WIRE_MAGIC && r->slot < PLACES &&
	       r->killed_by <= KILLED_BY_CANCEL && r->start <= WIRE_STARTED_WAITING;
}

/* What web will take for the end of a job. */
static void remember(const struct exit_report *r)
{
	for (size_t i = 0; i < task_count; i++)
		if (tasks[i].msg.job_id == r->job_id && tasks[i].msg.slot == r->slot && !tasks[i].said) {
			tasks[i].said = true;
			tasks[i].first = *r;
		}
}

/* Says it at once, with nothing before it. About a job that is not there it must change nothing; one that is bad is the end. */
static void send_report(const struct exit_report *r, size_t length, const int *fd, size_t count)
{
	const bool good = is_good_report(r, length, count);
	struct execution *x;

	loop_round(&loop, 0);
	x = r->slot < PLACES ? executor.running[r->slot] : NULL;
	if (executor.spawner_gone || io_send(spawner_fd, r, length, fd, count) < 0)
		return;
	if (good)
		remember(r);
	if (good && (!x || x->job_id == r->job_id || x->reported))
		return;
	loop_round(&loop, 0);
	ALWAYS(executor.spawner_gone == !good);
	ALWAYS(!good || (executor.running[r->slot] == x && !x->reported));
}

/* A report of which fields are changed: more of them than a spawner would, and all of them if it is no spawner. */
static void report(struct input *in, bool hostile)
{
	struct task *t = choose_task(in);
	uint8_t count = input_byte(in);
	struct exit_report r;
	int one = count & 0x80 && hostile && t ? t->fds[WIRE_FD_STDOUT] : -1;

	if (!t || spawner_fd < 0)
		return;
	r = report_of(t);
	for (int i = 0; i < (count & 3); i++) {
		size_t field = input_byte(in) % (hostile ? sizeof fields / sizeof fields[0] : 7);
		uint64_t value = input_byte(in);

		if (value >= 0xf0)
			value = input_u64(in);
		memcpy((char *)&r + fields[field].offset, &value, fields[field].size);
	}
	if (r.killed_by == KILLED_BY_NOBODY && r.slot == t->msg.slot && r.job_id == t->msg.job_id)
		t->over = true;
	send_report(&r, count & 0x40 && hostile ? input_byte(in) % sizeof r : sizeof r, &one, one >= 0);
}

static void say_anything(struct input *in)
{
	size_t length;
	const uint8_t *bytes = input_take(in, input_byte(in), &length);

	if (spawner_fd >= 0)
		(void)io_send(spawner_fd, length ? bytes : (const uint8_t *)"", length, NULL, 0);
}

/* ---- the machine ---------------------------------------------------------------------------------------------------------- */

static void check_counts(void)
{
	uint32_t running = 0, clearing = 0, waiting = 0;

	for (uint32_t place = 0; place < PLACES; place++)
		if (executor.running[place])
			(*(executor.running[place]->answered ? &clearing : &running))++;
	for (unsigned i = 0; i < FAIR_BUCKETS; i++)
		for (const struct fair_client *c = executor.clients.buckets[i]; c; c = c->next)
			for (const struct fair_entry *entry = c->first; entry; entry = entry->next)
				waiting++;
	ALWAYS(running == executor.running_count && clearing == executor.clearing_count);
	ALWAYS(waiting == executor.waiting_count && running <= SLOTS && running + waiting <= SLOTS + QUEUE);
	ALWAYS((executor.clients.turn == NULL) == (waiting == 0));
}

static void advance(void)
{
	loop_round(&loop, 0);
	if (executor.spawner_gone)
		return; /* web ends here */
	executor_advance(&executor);
	hear_web();
	check_counts();
}

/* No descriptor is left to make pipes of. */
static void advance_poor(unsigned spare)
{
	struct rlimit limit, less;

	ALWAYS(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	less = limit;
	less.rlim_cur = descriptors_open() + spare;
	ALWAYS(setrlimit(RLIMIT_NOFILE, &less) == 0);
	executor_advance(&executor);
	ALWAYS(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	hear_web();
	check_counts();
}

static void step(struct input *in)
{
	struct task *t;
	uint8_t what = input_byte(in);

	switch (what % 16) {
	case 0:
	case 1:
		submit(in);
		break;
	case 2:
		cancel(in);
		break;
	case 3:
		let_go(in);
		break;
	case 4:
		hear_web(); /* or an early answer could be about a start that waits in the channel, which no task is made of */
		clock_ahead_us += (uint64_t)input_byte(in) * 1000000;
		executor_expire(&executor);
		break;
	case 5:
	case 6:
		write_some(in);
		break;
	case 7:
	case 8:
		write_frame(in);
		break;
	case 9:
	case 10:
		if ((t = choose_task(in)))
			close_end(t, input_byte(in));
		break;
	case 11:
	case 12:
		report(in, what & 0x80);
		break;
	case 13:
		if (what & 0x80)
			say_anything(in);
		else
			advance_poor(input_byte(in) % 10);
		break;
	case 14:
		if (what >> 4 == 15) {
			executor_abandon(&executor);
		} else if (what >> 4 == 14) {
			hear_web(); /* the same */
			fd_close(&spawner_fd);
		} else {
			flood(in);
		}
		break;
	default:
		advance();
	}
	if (!(what & 0x10))
		advance();
}

/* ---- the end ---------------------------------------------------------------------------------------------------------------- */

/* Every job ends, as each does sooner or later, and its spawner says so. */
static void end_all(void)
{
	for (int round = 0; round < ROUNDS_MOST; round++) {
		for (size_t i = 0; i < task_count; i++) {
			const struct exit_report r = report_of(&tasks[i]);

			for (unsigned which = 0; which < 4; which++)
				close_end(&tasks[i], which);
			if (!tasks[i].over) {
				remember(&r);
				(void)wire_send_report(spawner_fd, &r);
			}
			tasks[i].over = true;
		}
		advance();
		if (executor.running_count + executor.clearing_count + executor.waiting_count == 0)
			return;
	}
	ALWAYS(!"all jobs are over");
}

/* Web ends when its spawner is gone; here its memory has to be given back by hand. */
static void forget_all(void)
{
	for (size_t i = 0; i < task_count; i++)
		for (unsigned which = 0; which < 4; which++)
			close_end(&tasks[i], which);
	for (struct fair_entry *entry; (entry = fair_take(&executor.clients));) {
		executor.waiting_count--;
		release(execution_of(entry));
	}
	for (uint32_t place = 0; place < PLACES; place++)
		if (executor.running[place]) {
			struct execution *x = executor.running[place];

			leave_place(x);
			release(x);
		}
}

static void check_submissions(void)
{
	for (size_t i = 0; i < submitted_count; i++)
		ALWAYS(submitted[i].taken == (submitted[i].answered != submitted[i].cancelled));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct executor_settings settings = { .max_stdout_bytes = STDOUT_MOST,
							   .max_result_bytes = RESULT_MOST,
							   .slots = SLOTS,
							   .queue_limit = QUEUE,
							   .full_imports = "numpy,pandas" };
	struct input in = { data, data + size };
	unsigned before = descriptors_open();
	int pair[2], room = 1;

	signal(SIGPIPE, SIG_IGN);
	submitted_count = task_count = 0;
	clock_ahead_us = 0;
	ALWAYS(loop_open(&loop) == 0);
	ALWAYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	spawner_fd = pair[1];
	if (input_byte(&in) & 1) /* messages wait, and some find no room */
		ALWAYS(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
	ALWAYS(executor_open(&executor, &loop, pair[0], &settings, &metrics) == 0);
	for (int steps = 0; steps < STEPS_MOST && input_left(&in) > 0 && !executor.spawner_gone; steps++)
		step(&in);
	if (spawner_fd >= 0 && !executor.spawner_gone) {
		advance();
	}
	if (spawner_fd >= 0 && !executor.spawner_gone) {
		end_all();
		check_submissions();
	} else {
		forget_all();
	}
	ALWAYS(executor.running_count == 0 && executor.clearing_count == 0 && executor.waiting_count == 0);
	ALWAYS(!executor.clients.turn);
	fd_close(&spawner_fd);
	close(pair[0]);
	close(loop.epoll_fd);
	ALWAYS(descriptors_open() == before);
	return 0;
}
