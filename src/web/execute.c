/* SPDX-License-Identifier: MIT */
/*
 * One request from job to outcome; start reading here. Runs in web.
 *
 *     submit -> queue -> advance, start: pipes, message to the spawner -> collect stdout, stderr, result
 *            -> the spawner's report -> what is left in the pipes -> outcome -> reply -> done()
 *
 * The report is a fact, the frame a claim: outcome_decide() puts them together. With the report nothing of the job is
 * left, so all that it wrote is in the pipes; nobody waits for an end of file, which a stray descriptor could hold back.
 * A valid frame that has come to its end is answered at once; what is left of the process is killed when the answer is
 * with the client, so that neither its end nor the fork of the next one takes the processor before. A job counts as
 * running until it is answered; its place is free again only when all of it is over, so two jobs never meet in one place.
 *
 * A job whose script was never started, which the runner's mark tells, is started again: no client hears of a process
 * that died meanwhile, or of a call that failed once.
 */
#define _GNU_SOURCE
#include "execute.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "collect.h"
#include "frame.h"
#include "io.h"
#include "log.h"
#include "outcome.h"

enum {
	STDERR_KEPT_BYTES = 4096,
	QUEUE_MOST_US = 30000000,
	TRIES_MOST = 3,
	GO_ON_US = 500000,   /* after the answer; the runner itself needs half of that at most */
	OVERDUE_US = 5000000 /* beyond a job's deadline: then the spawner does not keep it */
};

enum stopped { STOPPED_NOT, STOPPED_WITH_SERVICE, STOPPED_FOR_FLOOD };

struct execution {
	struct executor *executor;
	struct fair_entry waits; /* in the queue */
	struct fair_client *client;
	struct job job;
	uint8_t nonce[JOB_NONCE_BYTES];
	uint64_t job_id;
	uint32_t slot;
	bool running;
	bool reported;
	bool answered; /* before its end */
	bool cancelled;
	unsigned tries;
	unsigned overdue;     /* looks */
	enum stopped stopped; /* by us, before its end */
	struct exit_report report;
	struct feeder input;
	struct collector out, err, result;
	struct frame frame; /* what the result says, once it is parsed: a long one takes its time */
	bool parsed;
	uint64_t started_us;
	uint64_t tried_us; /* the last time that it was started */
	uint64_t answered_us;
	execution_done done; /* NULL after execute_cancel */
	void *context;
	execution_over over; /* NULL before execute_let_go */
	void *over_context;
};

/* ---- the end ------------------------------------------------------------------------------------------------------ */

static void release(struct execution *x)
{
	fair_release(&x->executor->clients, x->client);
	feed_stop(&x->input);
	collect_stop(&x->out);
	collect_stop(&x->err);
	collect_stop(&x->result);
	free(x->job.script);
	free(x);
}

static uint32_t places(const struct executor *e)
{
	return e->settings.slots * WIRE_PLACES_PER_SLOT;
}

static void count_running(struct execution *x, int change)
{
	x->executor->running_count += (uint32_t)change;
	x->client->running += (uint32_t)change;
}

static void leave_place(struct execution *x)
{
	x->executor->running[x->slot] = NULL;
	if (x->answered)
		x->executor->clearing_count--;
	else
		count_running(x, -1);
}

static void answer(struct execution *x, struct reply reply)
{
	uint64_t now = io_now_us();
	struct execution_end end = { .reply = reply,
				     .measured = x->reported,
				     .cpu_us = x->report.cpu_us,
				     .peak_bytes = x->report.peak_bytes,
				     .start = x->report.start };

	end.queue_us = (x->started_us ? x->started_us : now) - x->waits.since_us;
	end.run_us = x->started_us ? now - x->started_us : 0;
	if (x->running)
		metrics_execution(x->executor->metrics, reply.code, end.run_us);
	if (x->answered) {
		end.slot = x->slot;
		end.job_id = x->job_id;
	}
	if (x->done)
		x->done(x->context, &end);
	else
		reply_free(&end.reply);
}

static void kill_running(struct execution *x)
{
	const struct start_msg msg = { .magic = WIRE_MAGIC, .kind = WIRE_CANCEL, .job_id = x->job_id, .slot = x->slot };

	/* A full channel means that the spawner is behind; the deadline ends the job then. */
	x->cancelled = wire_send_start(x->executor->channel.fd, &msg, NULL) == 0;
	if (!x->cancelled)
		log_event(LOG_WARNING, NULL, "cannot cancel a job: %s", strerror(errno));
}

/* Faults of ours are for the log; the client learns only that it was not the script. */
static void log_internal(const struct execution *x)
{
	const char *layer = x->report.fault_layer ? jail_layer_name(x->report.fault_layer - 1) : NULL;

	log_event(LOG_ERROR,
		  (struct log_field[]){ { "layer", layer ? layer : "(none)", 0 },
					{ "errno", strerror(x->report.fault_error), 0 },
					{ "killed_by", NULL, x->report.killed_by },
					{ NULL, NULL, 0 } },
		  "a job could not be run");
}

/* Of a result that has come to its end. */
static struct frame frame_of(struct execution *x)
{
	if (!x->parsed)
		x->frame = frame_parse(x->result.bytes, x->result.used, x->nonce,
				       x->executor->settings.max_result_bytes);
	x->parsed = true;
	return x->frame;
}

/* With what the script has printed so far. frame: for an outcome that has a result, or an error of the runner's. */
static struct reply reply_as(struct execution *x, struct outcome outcome, const struct frame *frame)
{
	return reply_job(&(struct reply_job){ .outcome = outcome,
					      .frame = frame,
					      .stdout_bytes = x->out.bytes,
					      .stdout_length = x->out.used,
					      .stdout_cut = x->out.over,
					      .stderr_bytes = x->err.bytes,
					      .stderr_length = x->err.used,
					      .limits = &x->job.limits });
}

static struct outcome outcome_of(struct execution *x, struct frame *frame)
{
	if (x->result.over)
		frame->claim = CLAIM_INVALID;
	if (x->report.killed_by == KILLED_BY_CANCEL && x->stopped == STOPPED_WITH_SERVICE)
		return (struct outcome){ .code = OUTCOME_OVERLOADED };
	if (x->report.killed_by == KILLED_BY_CANCEL && x->stopped == STOPPED_FOR_FLOOD)
		return (struct outcome){ .code = OUTCOME_BAD_RUNNER_OUTPUT };
	return outcome_decide(&x->report, frame->claim, frame->code);
}

static struct reply build_reply(struct execution *x)
{
	struct frame frame = frame_of(x);
	struct outcome outcome = outcome_of(x, &frame);

	if (outcome.code == OUTCOME_OVERLOADED)
		x->executor->metrics->rejections[REJECTED_DRAINING]++;
	if (outcome.code == OUTCOME_INTERNAL)
		log_internal(x);
	return reply_as(x, outcome, &frame);
}

/* It keeps its place until the spawner has reported. */
static void answer_before_the_end(struct execution *x, struct reply reply)
{
	x->answered = true;
	x->answered_us = io_now_us();
	count_running(x, -1);
	x->executor->clearing_count++;
	answer(x, reply);
	x->done = NULL;
	collect_stop(&x->out);
	collect_stop(&x->err);
}

/*
 * The result has come to its end and is a valid frame: the runner has closed it and sleeps. What the script printed is
 * in the pipe by then. The end of the process would cost the client a millisecond and change nothing for it.
 */
static void answer_early(struct execution *x)
{
	if (!x->done || x->result.open || x->result.over || x->stopped != STOPPED_NOT)
		return;
	if (frame_of(x).claim != CLAIM_RESULT && frame_of(x).claim != CLAIM_ERROR)
		return;
	collect_drain(&x->out);
	x->report = (struct exit_report){ .killed_by = KILLED_BY_NOBODY }; /* as the runner is about to end */
	answer_before_the_end(x, build_reply(x));
}

static void finish(struct execution *x)
{
	if (x->done)
		answer(x, build_reply(x));
	leave_place(x);
	release(x);
}

static void on_pipe_end(void *context)
{
	struct execution *x = context;

	if (!x->answered)
		answer_early(x);
}

/* More than any result may have: whatever follows, it is none. */
static void on_result_flood(void *context)
{
	struct execution *x = context;

	if (x->stopped == STOPPED_NOT)
		x->stopped = STOPPED_FOR_FLOOD;
	kill_running(x);
}

/* ---- the start ---------------------------------------------------------------------------------------------------- */

static int make_pipe(int ours_index, int *ours, int *theirs)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	*ours = fds[ours_index];
	*theirs = fds[1 - ours_index];
	return io_set_nonblocking(*ours, true);
}

static int make_pipes(int ours[WIRE_FD_COUNT], int theirs[WIRE_FD_COUNT])
{
	for (int i = 0; i < WIRE_FD_COUNT; i++)
		if (make_pipe(i == WIRE_FD_INPUT ? 1 : 0, &ours[i], &theirs[i]) < 0)
			return -1;
	return 0;
}

/* Each call owns its descriptor from then on, whether it succeeds or not. */
static int watch_pipes(struct execution *x, int ours[WIRE_FD_COUNT])
{
	const struct executor_settings *s = &x->executor->settings;
	const size_t result_cap = s->max_result_bytes > FRAME_ERROR_MOST_BYTES ? s->max_result_bytes :
										 FRAME_ERROR_MOST_BYTES;
	struct job_header header = { .max_result_bytes = s->max_result_bytes,
				     .script_bytes = x->job.script_bytes,
				     .flags = JOB_LINGER };
	int status = 0;

	memcpy(header.magic, JOB_MAGIC, sizeof header.magic);
	memcpy(header.nonce, x->nonce, sizeof header.nonce);
	status |= collect_start(&x->out, x->executor->loop, ours[WIRE_FD_STDOUT], s->max_stdout_bytes, COLLECT_HEAD,
				on_pipe_end, x);
	status |= collect_start(&x->err, x->executor->loop, ours[WIRE_FD_STDERR], STDERR_KEPT_BYTES, COLLECT_TAIL,
				on_pipe_end, x);
	status |= collect_start(&x->result, x->executor->loop, ours[WIRE_FD_RESULT], result_cap + FRAME_HEAD_BYTES,
				COLLECT_HEAD, on_pipe_end, x);
	x->result.at_over = on_result_flood;
	status |= feed_start(&x->input, x->executor->loop, ours[WIRE_FD_INPUT], &header, x->job.script,
			     x->job.script_bytes);
	return status;
}

static void close_all(int fds[WIRE_FD_COUNT])
{
	for (int i = 0; i < WIRE_FD_COUNT; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* A script that names a module of the full template somewhere, if only in a comment, is taken to want it. */
static enum wire_tier tier_of(const struct execution *x)
{
	const char *name = x->executor->settings.full_imports;

	while (*name) {
		size_t whole = strcspn(name, ","), top = strcspn(name, ",.");

		if (memmem(x->job.script, x->job.script_bytes, name, top))
			return WIRE_FULL;
		name += whole + (name[whole] == ',');
	}
	return WIRE_BARE;
}

static int launch(struct execution *x)
{
	const struct start_msg msg = {
		.magic = WIRE_MAGIC,
		.kind = WIRE_START,
		.job_id = x->job_id,
		.slot = x->slot,
		.tier = x->tries > 1 ? WIRE_COLD : tier_of(x),
		.limits = x->job.limits,
	};
	int ours[WIRE_FD_COUNT] = { -1, -1, -1, -1 }, theirs[WIRE_FD_COUNT] = { -1, -1, -1, -1 };
	int status;

	if (getrandom(x->nonce, sizeof x->nonce, 0) != sizeof x->nonce || make_pipes(ours, theirs) < 0) {
		close_all(ours);
		close_all(theirs);
		return -1;
	}
	status = watch_pipes(x, ours);
	if (status == 0)
		status = wire_send_start(x->executor->channel.fd, &msg, theirs);
	close_all(theirs);
	return status;
}

/* In the slot that it has. When that fails it is answered and gone. */
static void try_to_start(struct execution *x)
{
	struct executor *e = x->executor;

	x->job_id = ++e->next_job_id;
	x->tried_us = io_now_us();
	x->tries++;
	if (launch(x) == 0)
		return;
	log_event(LOG_ERROR, NULL, "cannot hand a job to the spawner: %s", strerror(errno));
	if (x->done)
		answer(x, reply_error(OUTCOME_INTERNAL, NULL, NULL));
	leave_place(x);
	release(x);
}

static void start(struct execution *x, uint32_t slot)
{
	struct executor *e = x->executor;

	x->slot = slot;
	x->started_us = io_now_us();
	metrics_queue_wait(e->metrics, x->started_us - x->waits.since_us);
	x->running = true;
	e->running[slot] = x;
	count_running(x, 1);
	try_to_start(x);
}

/* Its script was not started, and did nothing to cause it. */
static bool may_start_again(const struct execution *x, const struct exit_report *report)
{
	return x->done && x->result.used == 0 && x->stopped == STOPPED_NOT && x->tries < TRIES_MOST &&
	       report->killed_by == KILLED_BY_NOBODY && !report->oom_killed && !report->cpu_limited;
}

static void start_again(struct execution *x)
{
	log_event(LOG_WARNING, NULL, "a script was not started; it is started again");
	x->executor->metrics->retries++;
	feed_stop(&x->input);
	collect_stop(&x->out);
	collect_stop(&x->err);
	collect_stop(&x->result);
	x->report = (struct exit_report){ 0 };
	x->reported = false;
	x->parsed = false;
	try_to_start(x);
}

static struct execution *execution_of(struct fair_entry *entry)
{
	return (struct execution *)(void *)((char *)entry - offsetof(struct execution, waits));
}

static void leave_queue(struct execution *x)
{
	fair_remove(&x->executor->clients, &x->waits);
	x->executor->waiting_count--;
}

static void turn_away(struct execution *x, enum metrics_rejection why, const char *message)
{
	x->executor->metrics->rejections[why]++;
	leave_queue(x);
	answer(x, reply_overloaded(message));
	release(x);
}

void executor_advance(struct executor *e)
{
	for (uint32_t place = 0; place < places(e) && e->waiting_count > 0 && e->running_count < e->settings.slots;
	     place++)
		if (!e->running[place] && !e->spawner_hangs) {
			struct execution *x = execution_of(fair_take(&e->clients));

			e->waiting_count--;
			start(x, place);
		}
}

static bool is_full(const struct executor *e)
{
	return e->running_count + e->waiting_count >= e->settings.slots + e->settings.queue_limit;
}

bool execute_has_room(struct executor *e, const struct fair_client *client, struct reply *refusal)
{
	const uint32_t limit = e->settings.client_limit;

	if (limit > 0 && client->running + client->waiting >= limit) {
		e->metrics->rejections[REJECTED_CLIENT_LIMIT]++;
		*refusal = reply_overloaded("Too many requests of this client run or wait: try again later.");
		return false;
	}
	if (is_full(e) && !fair_displaced(&e->clients, client)) {
		e->metrics->rejections[REJECTED_QUEUE_FULL]++;
		*refusal = reply_overloaded(NULL);
		return false;
	}
	return true;
}

struct execution *execute_submit(struct executor *e, struct job *job, struct fair_client *client, execution_done done,
				 void *context, struct reply *refusal)
{
	struct execution *x = NULL;

	if (execute_has_room(e, client, refusal)) {
		if (is_full(e))
			turn_away(execution_of(fair_displaced(&e->clients, client)), REJECTED_DISPLACED,
				  "The queue is full, and others have fewer requests in it: try again later.");
		x = calloc(1, sizeof *x);
		if (!x) {
			e->metrics->rejections[REJECTED_MEMORY]++;
			*refusal = reply_overloaded("The service is out of memory: try again later.");
		}
	}
	if (!x) {
		free(job->script);
		return NULL;
	}
	*x = (struct execution){
		.executor = e, .client = fair_hold_again(client), .job = *job, .done = done, .context = context
	};
	fair_add(&e->clients, &x->waits, client, io_now_us());
	e->waiting_count++;
	return x;
}

/* ---- the spawner -------------------------------------------------------------------------------------------------- */

static void take_report(struct executor *e, const struct exit_report *report)
{
	struct execution *x = e->running[report->slot];

	if (!x || x->job_id != report->job_id)
		return;
	x->reported = true;
	if (!x->answered) {
		x->report = *report;
		collect_finish(&x->out);
		collect_finish(&x->err);
		collect_finish(&x->result);
		if (may_start_again(x, report)) {
			start_again(x);
			return;
		}
	}
	metrics_report(e->metrics, report);
	if (x->over)
		x->over(x->over_context, report);
	finish(x);
}

static void on_channel(struct watch *w, uint32_t events)
{
	struct executor *e = (struct executor *)(void *)((char *)w - offsetof(struct executor, channel));
	struct exit_report report;
	struct fault f;
	int status;

	(void)events;
	while ((status = wire_receive_report(w->fd, &report, places(e), &f)) == 1)
		take_report(e, &report);
	if (status < 0) {
		log_event(LOG_ERROR, NULL, "the spawner is gone: %s", f.text);
		loop_remove(e->loop, w);
		e->spawner_gone = true;
	}
}

int executor_open(struct executor *e, struct loop *loop, int channel_fd, const struct executor_settings *settings,
		  struct metrics *metrics)
{
	uint64_t seed = 0;

	*e = (struct executor){ .loop = loop, .metrics = metrics, .settings = *settings };
	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return -1;
	fair_open(&e->clients, seed);
	if (io_set_nonblocking(channel_fd, true) < 0)
		return -1;
	return loop_add(loop, &e->channel, channel_fd, EPOLLIN, on_channel);
}

/* ---- ends that nobody waits for ------------------------------------------------------------------------------------- */

bool execute_let_go(struct executor *e, uint32_t slot, uint64_t job_id, execution_over over, void *context)
{
	struct execution *x = slot < places(e) ? e->running[slot] : NULL;

	if (!x || x->job_id != job_id)
		return false;
	x->over = over;
	x->over_context = context;
	kill_running(x);
	return true;
}

void execute_cancel(struct execution *x)
{
	x->done = NULL;
	x->executor->metrics->clients_gone++;
	if (x->running) {
		x->executor->metrics->clients_gone_running++;
		kill_running(x);
		return;
	}
	leave_queue(x);
	release(x);
}

/* web itself may have been stopped for that long, with a report waiting: so it is asked for twice. */
static bool is_overdue(struct execution *x, uint64_t now)
{
	if (!x->done || now < x->tried_us + (uint64_t)x->job.limits.wall_ms * 1000 + OVERDUE_US)
		return false;
	x->overdue++;
	return x->overdue > 1;
}

/* It no longer counts as running, and its client may take a minute to read the answer: what goes on then is nobody's. */
static void end_what_goes_on(struct execution *x, uint64_t now)
{
	if (x->answered && !x->cancelled && now >= x->answered_us + GO_ON_US)
		kill_running(x);
}

void executor_expire(struct executor *e)
{
	const uint64_t now = io_now_us(), since = now > QUEUE_MOST_US ? now - QUEUE_MOST_US : 0;
	struct fair_entry *entry;

	while ((entry = fair_older(&e->clients, since)))
		turn_away(execution_of(entry), REJECTED_QUEUE_TIMEOUT,
			  "The request waited 30 s for a free slot: try again later.");
	for (uint32_t place = 0; place < places(e); place++) {
		struct execution *x = e->running[place];

		if (!x)
			continue;
		if (is_overdue(x, now)) {
			log_event(LOG_ERROR, NULL,
				  "nothing is heard of a job: the spawner hangs, or its reports are lost");
			answer_before_the_end(x, reply_as(x, (struct outcome){ .code = OUTCOME_INTERNAL }, NULL));
		}
		end_what_goes_on(x, now);
	}
}

void executor_abandon(struct executor *e)
{
	struct fair_entry *entry;

	while ((entry = fair_older(&e->clients, UINT64_MAX)))
		turn_away(execution_of(entry), REJECTED_DRAINING, "The service is stopping: send the request again.");
	for (uint32_t slot = 0; slot < places(e); slot++)
		if (e->running[slot]) {
			e->running[slot]->stopped = STOPPED_WITH_SERVICE;
			kill_running(e->running[slot]);
		}
}
