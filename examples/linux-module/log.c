// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* An append-only log in persistent memory. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/crc32.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "log.h"

static const u8 magic[8] = "kpmemlg1";

static_assert(sizeof(struct log_head) == LOG_LINE);

/* Bytes that a record takes: whole lines, so that no store and no bad line concerns two. */
static size_t size_of(size_t len)
{
	return ALIGN(sizeof(struct log_record) + len, LOG_LINE);
}

static u32 checksum_of_head(const struct log_head *head)
{
	return crc32_le(~0, (const u8 *)head, offsetof(struct log_head, checksum));
}

static u32 checksum_of_record(u32 before, const struct log_record *record, size_t len)
{
	const u8 *from = (const u8 *)&record->len;

	return crc32_le(before, from, sizeof(*record) - sizeof(record->checksum) + len);
}

/* Persistent memory may have bad lines, and to load from one is a machine check: these loads
 * survive it. */
static int load(struct log *log, void *to, size_t at, size_t len)
{
	return copy_mc_to_kernel(to, log->base + at, len) ? -EIO : 0;
}

static int make_head(struct log *log)
{
	struct log_head head = { .size = cpu_to_le64(log->size) };

	memcpy(head.magic, magic, sizeof(magic));
	get_random_bytes(&head.random, sizeof(head.random));
	head.checksum = cpu_to_le32(checksum_of_head(&head));
	return log_store(log, 0, &head, sizeof(head));
}

static int read_head(struct log *log)
{
	struct log_head head;
	int err = load(log, &head, 0, sizeof(head));

	if (err)
		return err;
	if (memcmp(head.magic, magic, sizeof(magic)) ||
	    le32_to_cpu(head.checksum) != checksum_of_head(&head))
		return -ENODATA;
	if (le64_to_cpu(head.size) != log->size)
		return -ESTALE;
	log->checksum = le32_to_cpu(head.checksum);
	return 0;
}

/* Reads the record at the end into the buffer. 1 if it counts, 0 if the log ends here. */
static int read_record(struct log *log)
{
	struct log_record *record = (void *)log->buffer;
	size_t room = log->size - log->end;
	size_t len;
	int err;

	if (room < sizeof(*record))
		return 0;
	err = load(log, record, log->end, sizeof(*record));
	if (err)
		return err;
	len = le32_to_cpu(record->len);
	if (!len || len > LOG_LONGEST || size_of(len) > room ||
	    le64_to_cpu(record->number) != log->records)
		return 0;
	err = load(log, record->data, log->end + sizeof(*record), len);
	if (err)
		return err;
	return le32_to_cpu(record->checksum) == checksum_of_record(log->checksum, record, len);
}

/* The record that is in the buffer is in the log. */
static void count(struct log *log)
{
	const struct log_record *record = (void *)log->buffer;

	log->checksum = le32_to_cpu(record->checksum);
	log->end += size_of(le32_to_cpu(record->len));
	log->records++;
}

int log_recover(struct log *log)
{
	int err;

	log->end = LOG_LINE;
	log->records = 0;
	err = read_head(log);
	if (err)
		return err;
	while ((err = read_record(log)) == 1) {
		count(log);
		cond_resched();
	}
	return err;
}

/* What log_recover() has against it, for a person. */
static void complain(const struct log *log, int err)
{
	switch (err) {
	case -ENODATA:
		pr_err("there is no log in this memory; with format=1 one is made, and what is there is lost\n");
		break;
	case -ESTALE:
		pr_err("the log in this memory was made for another size than %zu bytes\n", log->size);
		break;
	default:
		pr_err("the memory cannot be read behind record %llu (%d): is it bad?\n",
		       log->records, err);
	}
}

int log_open(struct log *log, void *base, size_t size, bool caches_survive, bool format)
{
	char why[128];
	int granularity, err;

	*log = (struct log){ .base = base, .size = size };
	mutex_init(&log->lock);
	if (size < LOG_LINE + size_of(LOG_LONGEST)) {
		pr_err("%zu bytes are too few for a log\n", size);
		return -ENOSPC;
	}
	granularity = caches_survive ? KPMEM_GRANULARITY_BYTE : KPMEM_GRANULARITY_CACHE_LINE;
	err = kpmem_map_init(&log->map, base, size, granularity);
	if (err) {
		kpmem_errormsg(err, why, sizeof(why));
		pr_err("kpmem refuses the memory: %s\n", why);
		return -EOPNOTSUPP;
	}
	log->buffer = kmalloc(size_of(LOG_LONGEST), GFP_KERNEL);
	if (!log->buffer) {
		err = -ENOMEM;
		goto fini;
	}
	err = format ? make_head(log) : 0;
	if (!err)
		err = log_recover(log);
	if (!err)
		return 0;
	complain(log, err);
	kfree(log->buffer);
fini:
	kpmem_map_fini(&log->map);
	return err;
}

void log_close(struct log *log)
{
	kfree(log->buffer);
	kpmem_map_fini(&log->map);
}

/* Makes the record in the buffer. The rest of its last line is written too. */
static int make_record(struct log *log, const void __user *data, size_t len)
{
	struct log_record *record = (void *)log->buffer;

	if (copy_from_user(record->data, data, len))
		return -EFAULT;
	memset(record->data + len, 0, size_of(len) - sizeof(*record) - len);
	record->len = cpu_to_le32(len);
	record->number = cpu_to_le64(log->records);
	record->checksum = cpu_to_le32(checksum_of_record(log->checksum, record, len));
	return 0;
}

int log_append(struct log *log, const void __user *data, size_t len)
{
	int err;

	if (!len)
		return -EINVAL;
	if (len > LOG_LONGEST)
		return -EMSGSIZE;
	mutex_lock(&log->lock);
	err = log->size - log->end < size_of(len) ? -ENOSPC : make_record(log, data, len);
	if (!err)
		err = log_store(log, log->end, log->buffer, size_of(len));
	if (!err)
		count(log);
	mutex_unlock(&log->lock);
	return err;
}

static ssize_t copy_record(struct log *log, size_t at, void __user *data, size_t len)
{
	struct log_record *record = (void *)log->buffer;
	size_t has;

	if (load(log, record, at, sizeof(*record)))
		return -EIO;
	has = le32_to_cpu(record->len);
	/* It was right when the log was opened; memory may go bad since. */
	if (!has || has > LOG_LONGEST || size_of(has) > log->end - at)
		return -EIO;
	if (has > len)
		return -EINVAL;
	if (load(log, record->data, at + sizeof(*record), has))
		return -EIO;
	return copy_to_user(data, record->data, has) ? -EFAULT : has;
}

ssize_t log_read(struct log *log, loff_t *at, void __user *data, size_t len)
{
	size_t offset = max_t(size_t, *at, LOG_LINE);
	ssize_t has = 0;

	mutex_lock(&log->lock);
	if (offset < log->end)
		has = copy_record(log, offset, data, len);
	if (has > 0)
		*at = offset + size_of(has);
	mutex_unlock(&log->lock);
	return has;
}
