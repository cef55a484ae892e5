// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* log_store() as it must not be: nothing is flushed. Plain emulation has no cache, so only the
 * crash simulator can reveal it. */

#include "crash.h"
#include "log.h"

int log_store(struct log *log, size_t at, const void *from, size_t len)
{
	int err = kpmem_map_memcpy(&log->map, log->base + at, from, len, KPMEM_F_NOFLUSH);

	if (!err)
		crash_claim(log->base + at, len, log->records);
	return err;
}
