// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The only place that writes to persistent memory.
 *
 * The drain waits for the flushes of its own CPU. Should the task move to another one in between,
 * Linux has executed locked instructions on the first, which order flushes as the drain does (SDM
 * Volume 2, "CLWB"). */

#include "crash.h"
#include "log.h"

int log_store(struct log *log, size_t at, const void *from, size_t len)
{
	int err = kpmem_map_memcpy(&log->map, log->base + at, from, len, 0);

	if (!err)
		crash_claim(log->base + at, len, log->records);
	return err;
}
