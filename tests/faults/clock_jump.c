/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into the service: the clock of the wall jumps by a day, forwards and backwards in turn, each time that it is
 * read. What is measured by CLOCK_MONOTONIC is not touched, since that clock never jumps (clock_gettime(2)).
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { DAY = 86400 };

static int jumped(clockid_t clock, struct timespec *now)
{
	static int direction = 1;
	int status = (int)syscall(SYS_clock_gettime, clock, now);

	if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		now->tv_sec += direction * DAY;
		direction = -direction;
	}
	return status;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	return jumped(clock, now);
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;

	(void)zone;
	if (jumped(CLOCK_REALTIME, &precise) < 0)
		return -1;
	*now = (struct timeval){ .tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *seconds)
{
	struct timespec now;

	if (jumped(CLOCK_REALTIME, &now) < 0)
		return -1;
	if (seconds)
		*seconds = now.tv_sec;
	return now.tv_sec;
}
