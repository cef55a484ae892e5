/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef KPMEM_LOG_LOG_H
#define KPMEM_LOG_LOG_H

#include <linux/mutex.h>
#include <linux/types.h>

#include <kpmem.h>

/* What is in the memory, all of it little-endian:
 *
 *	0	the log's head, in a line of its own
 *	64	records, each of which begins with a line
 *
 * A record's checksum goes on from that of the record before it, and the first one's from that of
 * the head, which holds a random number. So a record counts only behind the very record that it was
 * written behind: what an earlier log left, or a user put into a record, passes for none. The log
 * ends before the first record that does not count. */

#define LOG_LINE 64

struct log_head {
	u8 magic[8];
	__le64 size;		/* bytes of the memory */
	__le64 random;
	u8 unused[36];
	__le32 checksum;	/* of what is before it */
};

struct log_record {
	__le32 checksum;	/* of what is behind it */
	__le32 len;		/* bytes of data */
	__le64 number;		/* from 0 on */
	u8 data[];
};

#define LOG_LONGEST (4096 - sizeof(struct log_record))

struct log {
	struct kpmem_map map;
	u8 *base;
	size_t size;

	/* One at a time appends; those who read see whole records only. */
	struct mutex lock;
	size_t end;		/* offset of the next record */
	u64 records;
	u32 checksum;		/* of the last record, or the head */
	u8 *buffer;		/* a record that is being made, or looked at */
};

/* Opens the log in `size` bytes at `base`, and finds its end. With `format` a new and empty one is
 * made, whatever was there. */
int log_open(struct log *log, void *base, size_t size, bool caches_survive, bool format);
void log_close(struct log *log);

/* Finds the end of the log that is in memory now. */
int log_recover(struct log *log);

/* Appends a record of `len` bytes, 1 to LOG_LONGEST. It is durable on return, unless that is an
 * error. */
int log_append(struct log *log, const void __user *data, size_t len);

/* Reads the record at offset `*at`, 0 for the first, and moves that to the next. Returns the bytes
 * that were read, 0 behind the last record, or an error. */
ssize_t log_read(struct log *log, loff_t *at, void __user *data, size_t len);

/* store.c: makes `len` bytes of the memory, from offset `at` on, those of `from`, durably. */
int log_store(struct log *log, size_t at, const void *from, size_t len);

#endif
