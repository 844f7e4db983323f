/* SPDX-License-Identifier: MIT */
/* A process that stands aside and lets a child of it be the service. */
#pragma once

#include <sys/types.h>

/*
 * As process 1: goes on in a child, while this process stays where it is, hands signals on, reaps orphans, and ends as
 * the child ends. So the container's process 1 keeps the container's files, which `docker exec` and health checks
 * enter by it, and the service never is process 1 of anything. Does nothing otherwise. Called before anything is open.
 */
void supervise_as_first_process(void);

/* The same for a child that is there already. Never returns. */
void supervise_child(pid_t pid) __attribute__((noreturn));
