// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The only place that writes to persistent memory.
 *
 * The drain waits for the flushes of its own CPU. Should the task move to another one in between,
 * Linux has executed on the first what orders flushes as the drain does: locked instructions on
 * x86_64 (SDM Volume 2, "CLWB"), dsb on aarch64 (__switch_to()), fence iorw, iorw on riscv64
 * (smp_mb__after_spinlock(), in __schedule()). */

#include "crash.h"
#include "log.h"

int log_store(struct log *log, size_t at, const void *from, size_t len)
{
	int err = kpmem_map_memcpy(&log->map, log->base + at, from, len, 0);

	if (!err)
		crash_claim(log->base + at, len, log->records);
	return err;
}
