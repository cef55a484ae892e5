/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the module says to kpmem's crash simulator, in a build with CRASH=1; nothing otherwise. */
#ifndef KPMEM_LOG_CRASH_H
#define KPMEM_LOG_CRASH_H

#include "log.h"

#ifdef KPMEM_LOG_CRASH
#include <kpmem_marks.h>

/* The last page is the simulator's. */
static inline size_t crash_size(size_t size)
{
	return size - KPMEM_MAILBOX;
}

/* What is in memory now is durable. */
static inline void crash_begin(void)
{
	kpmem_begin(1);
}

/* These bytes are durable. */
static inline void crash_claim(const void *at, size_t len, u64 number)
{
	kpmem_claim(at, len, number);
}

/* The work is over: recovers from each crash that the simulator makes of it. */
void crash_end(struct log *log, const void *mailbox);
#else
static inline size_t crash_size(size_t size)
{
	return size;
}

static inline void crash_begin(void)
{
}

static inline void crash_claim(const void *at, size_t len, u64 number)
{
}

static inline void crash_end(struct log *log, const void *mailbox)
{
}
#endif

#endif
