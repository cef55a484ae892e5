// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Recovery, as the crash simulator asks for it. */

#include <linux/sched.h>

#include "crash.h"

/* The claims are those of the head and of each record: so many must be there, and at most one more
 * than was claimed. 0 if all is well. */
static u64 verdict(struct log *log, u64 claims)
{
	int err = log_recover(log);

	if (!claims)
		return 0; /* the log may or may not have been made */
	if (err)
		return 1;
	if (log->records + 1 < claims)
		return 2;
	return log->records > claims ? 3 : 0;
}

void crash_end(struct log *log, const void *mailbox)
{
	struct kpmem_crash crash;

	kpmem_end();
	while (kpmem_next_crash(mailbox, &crash)) {
		kpmem_verdict(verdict(log, crash.claims));
		cond_resched();
	}
}
