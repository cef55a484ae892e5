// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A durable log in persistent memory, as a character device: what is written to /dev/kpmem_log is a
 * record that survives a power cut from the moment that write() returns; what is read from it are
 * the records, one a call, from the first on. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "cpu.h"
#include "crash.h"
#include "log.h"
#include "range.h"

static char *path;
module_param(path, charp, 0444);
MODULE_PARM_DESC(path, "block device whose memory is taken, such as /dev/pmem0");

static unsigned long long start;
module_param(start, ullong, 0444);
MODULE_PARM_DESC(start, "or: physical address of persistent memory that no driver has");

static unsigned long long size;
module_param(size, ullong, 0444);
MODULE_PARM_DESC(size, "and its bytes");

static bool format;
module_param(format, bool, 0444);
MODULE_PARM_DESC(format, "make a new log, whatever is in the memory");

static struct pmem_range range;
static struct log log;

static int kpmem_log_open(struct inode *inode, struct file *file)
{
	return nonseekable_open(inode, file);
}

static ssize_t kpmem_log_read(struct file *file, char __user *data, size_t len, loff_t *at)
{
	return log_read(&log, at, data, len);
}

static ssize_t kpmem_log_write(struct file *file, const char __user *data, size_t len, loff_t *at)
{
	int err = log_append(&log, data, len);

	return err ? err : len;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,	/* no unload while it is open */
	.open = kpmem_log_open,
	.read = kpmem_log_read,
	.write = kpmem_log_write,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kpmem_log",
	.fops = &operations,
	.mode = 0600,
};

static int take_range(void)
{
	if (!path == !size) {
		pr_err("say either path= or start= and size=\n");
		return -EINVAL;
	}
	return path ? range_of_device(&range, path) : range_of_addresses(&range, start, size);
}

static int __init kpmem_log_init(void)
{
	int err = cpu_select();

	if (!err)
		err = take_range();
	if (err)
		return err;
	crash_begin();
	err = log_open(&log, range.base, crash_size(range.size), range.caches_survive, format);
	if (err)
		goto put;
	err = misc_register(&device);
	if (err)
		goto close;
	pr_info("%llu records in %zu of %zu bytes, made durable by %s\n", log.records, log.end,
		log.size, kpmem_table_name(kpmem_map_table(&log.map)));
	return 0;
close:
	log_close(&log);
put:
	range_put(&range);
	return err;
}

static void __exit kpmem_log_exit(void)
{
	misc_deregister(&device);
	crash_end(&log, range.base + crash_size(range.size));
	log_close(&log);
	range_put(&range);
}

module_init(kpmem_log_init);
module_exit(kpmem_log_exit);

MODULE_DESCRIPTION("Durable log in persistent memory");
MODULE_LICENSE("Dual MIT/GPL");
