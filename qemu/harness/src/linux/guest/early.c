// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* log_store() as it must not be: a record is called stored when it was only noted, and is stored
 * when the next one comes. The power cuts must reveal it. */

#include "log.h"

static struct {
	size_t at, len;
	u8 bytes[4096 + LOG_LINE];
} noted;

int log_store(struct log *log, size_t at, const void *from, size_t len)
{
	int err = 0;

	if (!at) /* the head is read at once */
		return kpmem_map_memcpy(&log->map, log->base, from, len, 0);
	if (noted.len)
		err = kpmem_map_memcpy(&log->map, log->base + noted.at, noted.bytes, noted.len, 0);
	noted.at = at;
	noted.len = len;
	memcpy(noted.bytes, from, len);
	return err;
}
