/* SPDX-License-Identifier: MIT */
/*
 * One client must not starve the others: see fair.h. Runs in web; pure.
 *
 * Slots: fair queueing. Each client has a queue of its own, first in first out. A slot goes to the client that has the
 * fewest jobs running, and among equals the turn goes round; so a newcomer waits for one job of each other client at
 * most, however many they have sent. When the queue is full, the one that has most
 * in it loses the youngest of them to a client that has less (longest queue drop): a full queue is then full of what
 * is wanted by all, in equal parts. A bound for each client instead would either leave the queue empty when there is
 * only one, or do nothing against several.
 *
 * Connections and bytes: dynamic thresholds (Choudhury and Hahne, 1998). A client may have three times what is free at
 * that moment: one alone gets three quarters of everything, two get three sevenths each, and something is always left
 * for one who has nothing. Nothing has to be taken away from anybody for that.
 *
 * What is not here: jobs are counted, not their seconds. A client of long jobs gets as many slots as one of short ones.
 */
#include "fair.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { SHARE = 3, PREFIX_BYTES = 8 };

/* ---- who it is ---------------------------------------------------------------------------------------------------- */

static const struct fair_key nobodys_key = { { [15] = 1 } };

static struct fair_key key_of_4(const struct in_addr *address)
{
	struct fair_key key = { { [10] = 0xff, [11] = 0xff } };

	memcpy(key.bytes + 12, address, sizeof *address);
	return key;
}

/* A socket that listens on :: gets IPv4 clients as ::ffff:a.b.c.d, which are not all one network of 64 bits. */
static struct fair_key key_of_6(const struct in6_addr *address)
{
	struct fair_key key = { { 0 } };

	memcpy(key.bytes, address, IN6_IS_ADDR_V4MAPPED(address) ? sizeof key.bytes : PREFIX_BYTES);
	return key;
}

struct fair_key fair_key_of_address(const struct sockaddr *address)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (address && address->sa_family == AF_INET) {
		memcpy(&in4, address, sizeof in4);
		return key_of_4(&in4.sin_addr);
	}
	if (address && address->sa_family == AF_INET6) {
		memcpy(&in6, address, sizeof in6);
		return key_of_6(&in6.sin6_addr);
	}
	return nobodys_key;
}

/* "192.0.2.1:80", "[2001:db8::1]:80", "[2001:db8::1]" */
static void strip(char text[FAIR_TEXT_BYTES])
{
	char *colon = strchr(text, ':');

	if (text[0] == '[') {
		memmove(text, text + 1, strlen(text));
		text[strcspn(text, "]")] = '\0';
	} else if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
	}
}

struct fair_key fair_key_of_text(const char *given)
{
	char text[FAIR_TEXT_BYTES];
	struct in_addr in4;
	struct in6_addr in6;

	if (strlen(given) >= sizeof text)
		return nobodys_key;
	memcpy(text, given, strlen(given) + 1);
	strip(text);
	if (inet_pton(AF_INET, text, &in4) == 1)
		return key_of_4(&in4);
	if (inet_pton(AF_INET6, text, &in6) == 1)
		return key_of_6(&in6);
	return nobodys_key;
}

/* ---- clients ------------------------------------------------------------------------------------------------------ */

void fair_open(struct fair *f, uint64_t seed)
{
	memset(f, 0, sizeof *f);
	f->seed = seed | 1;
	f->nobody.key = nobodys_key;
}

static struct fair_client **bucket_of(struct fair *f, const struct fair_key *key)
{
	uint64_t halves[2], mixed;

	memcpy(halves, key->bytes, sizeof halves);
	mixed = (halves[0] ^ f->seed) * 0x9e3779b97f4a7c15u;
	mixed = (mixed ^ (mixed >> 32) ^ halves[1]) * f->seed;
	return &f->buckets[(mixed ^ (mixed >> 29) ^ (mixed >> 51)) % FAIR_BUCKETS];
}

struct fair_client *fair_hold(struct fair *f, const struct fair_key *key)
{
	struct fair_client **bucket = bucket_of(f, key), *client;

	for (client = *bucket; client; client = client->next)
		if (memcmp(&client->key, key, sizeof *key) == 0)
			return fair_hold_again(client);
	client = calloc(1, sizeof *client);
	if (!client)
		return fair_hold_again(&f->nobody);
	client->key = *key;
	client->next = *bucket;
	*bucket = client;
	return fair_hold_again(client);
}

struct fair_client *fair_hold_again(struct fair_client *client)
{
	client->holders++;
	return client;
}

void fair_release(struct fair *f, struct fair_client *client)
{
	struct fair_client **link;

	if (--client->holders > 0 || client == &f->nobody)
		return;
	for (link = bucket_of(f, &client->key); *link != client; link = &(*link)->next)
		;
	*link = client->next;
	free(client);
}

bool fair_fits(uint64_t own, uint64_t wanted, uint64_t all, uint64_t most)
{
	if (wanted > most || all > most - wanted)
		return false;
	return own == 0 || own + wanted <= SHARE * (most - all - wanted);
}

/* ---- turns -------------------------------------------------------------------------------------------------------- */

static void enter_ring(struct fair *f, struct fair_client *client)
{
	if (!f->turn) {
		f->turn = client->before = client->behind = client;
		return;
	}
	client->behind = f->turn; /* the end of the round */
	client->before = f->turn->before;
	client->before->behind = client;
	client->behind->before = client;
}

static void leave_ring(struct fair *f, struct fair_client *client)
{
	client->before->behind = client->behind;
	client->behind->before = client->before;
	if (f->turn == client)
		f->turn = client->behind != client ? client->behind : NULL;
}

void fair_add(struct fair *f, struct fair_entry *entry, struct fair_client *client, uint64_t now_us)
{
	*entry = (struct fair_entry){ .before = client->last, .client = client, .since_us = now_us };
	if (client->last)
		client->last->next = entry;
	else
		client->first = entry;
	client->last = entry;
	if (client->waiting++ == 0)
		enter_ring(f, client);
}

void fair_remove(struct fair *f, struct fair_entry *entry)
{
	struct fair_client *client = entry->client;

	*(entry->before ? &entry->before->next : &client->first) = entry->next;
	*(entry->next ? &entry->next->before : &client->last) = entry->before;
	if (--client->waiting == 0)
		leave_ring(f, client);
}

struct fair_entry *fair_take(struct fair *f)
{
	struct fair_client *best = f->turn;
	struct fair_entry *entry;

	if (!best)
		return NULL;
	for (struct fair_client *c = best->behind; c != f->turn; c = c->behind)
		if (c->running < best->running)
			best = c;
	entry = best->first;
	fair_remove(f, entry);
	if (best->waiting > 0) { /* behind all others */
		leave_ring(f, best);
		enter_ring(f, best);
	}
	return entry;
}

struct fair_entry *fair_displaced(const struct fair *f, const struct fair_client *client)
{
	const struct fair_client *most = f->turn;

	if (!most)
		return NULL;
	for (const struct fair_client *c = most->behind; c != f->turn; c = c->behind)
		if (c->waiting > most->waiting)
			most = c;
	/* With a difference of one the two would only change places, again and again. */
	return most->waiting >= client->waiting + 2 ? most->last : NULL;
}

struct fair_entry *fair_older(const struct fair *f, uint64_t since_us)
{
	const struct fair_client *c = f->turn;

	if (!c)
		return NULL;
	do {
		if (c->first->since_us < since_us)
			return c->first;
		c = c->behind;
	} while (c != f->turn);
	return NULL;
}
