/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#ifndef KPMEM_LOG_RANGE_H
#define KPMEM_LOG_RANGE_H

#include <linux/types.h>

/* Persistent memory that is ours alone, mapped write-back. */
struct pmem_range {
	void *base;
	size_t size;
	/* The CPU's caches are part of what survives (eADR): nothing need be flushed. */
	bool caches_survive;

	/* How we came by it: a block device's, or plain addresses. */
	void *device;
	resource_size_t start;
};

/* All of a DAX block device, such as /dev/pmem0. It is ours until range_put(). */
int range_of_device(struct pmem_range *range, const char *path);

/* Physical addresses that the firmware, or memmap=SIZE!START, says are persistent memory, and that
 * no driver has taken. */
int range_of_addresses(struct pmem_range *range, u64 start, u64 size);

void range_put(struct pmem_range *range);

#endif
