/* SPDX-License-Identifier: MIT */
/* Who the clients are, what each of them has here, and whose turn it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { FAIR_BUCKETS = 1024, FAIR_TEXT_BYTES = 64 };

/* Whom requests are counted for: an IPv4 address, or 64 bits of an IPv6 address, which is what one customer gets. */
struct fair_key {
	uint8_t bytes[16];
};

/* Something that waits for its turn; part of a larger structure. */
struct fair_entry {
	struct fair_entry *before, *next;
	struct fair_client *client;
	uint64_t since_us;
};

/* What one client has here. The counts are kept by those who use what is counted. */
struct fair_client {
	struct fair_client *next;            /* with the same hash */
	struct fair_client *before, *behind; /* in the ring of those for whom something waits */
	struct fair_entry *first, *last;     /* waiting, the oldest first */
	struct fair_key key;
	uint32_t holders;
	uint32_t waiting, running;
	uint64_t connections, body_bytes, answer_bytes;
};

struct fair {
	struct fair_client *buckets[FAIR_BUCKETS];
	struct fair_client *turn; /* in the ring: who is looked at first; NULL: nothing waits */
	struct fair_client nobody;
	uint64_t seed;
};

/* seed: a random number, so that nobody can choose addresses that meet in one bucket. */
void fair_open(struct fair *f, uint64_t seed);

/* Anything that is no IP address counts as one client, the same for all of them. */
struct fair_key fair_key_of_address(const struct sockaddr *address);

/* The same for an address in text; a port after it and brackets around it do no harm. */
struct fair_key fair_key_of_text(const char *given);

/* The client of a key, until fair_release. Never NULL: without memory for one more it is a client that many share. */
struct fair_client *fair_hold(struct fair *f, const struct fair_key *key);
struct fair_client *fair_hold_again(struct fair_client *client);
void fair_release(struct fair *f, struct fair_client *client);

/* Puts entry behind all others of its client. The client must be held at least as long. */
void fair_add(struct fair *f, struct fair_entry *entry, struct fair_client *client, uint64_t now_us);
void fair_remove(struct fair *f, struct fair_entry *entry);

/* Takes out what comes next: NULL when nothing waits. */
struct fair_entry *fair_take(struct fair *f);

/* What has to go when there is no room for a request of this client: NULL if that is the request itself. */
struct fair_entry *fair_displaced(const struct fair *f, const struct fair_client *client);

/* Something that has waited since before that time, or NULL. */
struct fair_entry *fair_older(const struct fair *f, uint64_t since_us);

/*
 * Whether a client that has own of something, of which all clients together have all and there is most, may have wanted
 * more of it.
 */
bool fair_fits(uint64_t own, uint64_t wanted, uint64_t all, uint64_t most);
