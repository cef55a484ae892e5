/* What a Linux program says to kpmem's crash simulator.
 *
 * Marks work in user mode as they do in a kernel (kpmem_marks.h). What a process needs besides is
 * here: it finds the simulator's mailbox, and it makes sure that what it claims is mapped.
 *
 *	struct kpmem_simulator sim;
 *	int error = kpmem_attach(&sim);	0, or an errno: ENODEV if no simulator is there
 *
 *	kpmem_begin(1);
 *	...				stores, flushes, fences
 *	kpmem_acknowledge(ptr, len, 1);	these bytes are durable: checked at once
 *	kpmem_end();
 *
 *	struct kpmem_crash crash;	recovery, for each crash image, in the same process
 *	while (kpmem_cut(&sim, &crash))
 *		kpmem_verdict(recover(crash.claims));
 *
 * The process must be root's: the mailbox is the last page of the NVDIMM, and is mapped through
 * /dev/mem. `cargo xtask crash --linux` boots a Linux that allows it and says where the page is
 * (kpmem_mailbox=ADDRESS among the kernel's parameters).
 *
 * C99 or later with POSIX.1-2008 (-std=gnu99), or C++, by GCC or Clang. Copy it with kpmem_marks.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef KPMEM_LINUX_H
#define KPMEM_LINUX_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kpmem_marks.h"

/* The simulator, as a process sees it. */
struct kpmem_simulator {
	const volatile void *mailbox;	/* KPMEM_MAILBOX bytes */
};

/* Reads the kernel's parameters and finds one of them in `line`; NULL if it is not there. */
static inline const char *kpmem_parameter(char *line, size_t size, const char *key)
{
	FILE *file = fopen("/proc/cmdline", "r");
	size_t got;
	char *word;

	if (!file)
		return NULL;
	got = fread(line, 1, size - 1, file);
	fclose(file);
	line[got] = '\0';
	word = strstr(line, key);
	return word ? word + strlen(key) : NULL;
}

/* Physical address of the mailbox; 0 if the kernel's parameters name none. */
static inline uint64_t kpmem_mailbox_address(void)
{
	char line[4096];
	const char *word = kpmem_parameter(line, sizeof(line), "kpmem_mailbox=");

	return word ? strtoull(word, NULL, 0) : 0;
}

/* Finds the simulator. 0, or an errno of Linux: ENODEV without a simulator, EPERM or EACCES where
 * the process may not map the page. */
static inline int kpmem_attach(struct kpmem_simulator *sim)
{
	uint64_t address = kpmem_mailbox_address();
	void *page;
	int file, error = 0;

	sim->mailbox = NULL;
	if (!address)
		return ENODEV;
	file = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (file < 0)
		return errno;
	page = mmap(NULL, KPMEM_MAILBOX, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)address);
	if (page == MAP_FAILED)
		error = errno;
	else
		sim->mailbox = page;
	close(file);
	return error;
}

/* Reads a byte of each page, so that all of them are mapped: the simulator finds only what is. */
static inline void kpmem_fault_in(const void *ptr, size_t len)
{
	const volatile char *bytes = (const volatile char *)ptr;
	size_t at;

	for (at = 0; at < len; at += 4096 - ((uintptr_t)bytes + at) % 4096)
		(void)bytes[at];
}

/* Says that `len` bytes at `ptr` are durable, wherever in the NVDIMM their pages lie. */
static inline void kpmem_acknowledge(const void *ptr, size_t len, uint64_t id)
{
	kpmem_fault_in(ptr, len);
	kpmem_claim(ptr, len, id);
}

/* Tells the simulator where the pages of a range lie in physical memory, from /proc/self/pagemap.
 * Needed only where several CPUs run: say it of each mapping of persistent memory, after the pages
 * were first used. 0, or an errno. */
static inline int kpmem_tell_pages(const void *ptr, size_t len)
{
	uintptr_t page = (uintptr_t)ptr / 4096, end = ((uintptr_t)ptr + len + 4095) / 4096;
	int file, error = 0;

	kpmem_fault_in(ptr, len);
	file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return errno;
	for (; page < end && !error; page++) {
		uint64_t entry = 0, frame;

		if (pread(file, &entry, sizeof(entry), (off_t)(page * sizeof(entry))) !=
		    (ssize_t)sizeof(entry))
			error = errno ? errno : EIO;
		/* Bits 0 to 54 are the frame's number, bit 63 says that there is one. */
		frame = entry & ((1ull << 55) - 1);
		if (!error && (!(entry >> 63) || !frame))
			error = EPERM;
		if (!error)
			kpmem_mapped((const void *)(page * 4096), frame * 4096, 4096);
	}
	close(file);
	return error;
}

/* Has the next crash image put in memory; 0 when there are no more. */
static inline int kpmem_cut(const struct kpmem_simulator *sim, struct kpmem_crash *crash)
{
	return sim->mailbox && kpmem_next_crash(sim->mailbox, crash);
}

/* Whether this is a new boot on a crash image that was kept, and of which workload: then recover
 * once, print "verdict " and the number on a line of its own, and end. Such boots show that the
 * verdicts of the loop do not depend on what an earlier recovery left in ordinary memory. */
static inline int kpmem_rebooted(const struct kpmem_simulator *sim, struct kpmem_crash *crash)
{
	const volatile uint64_t *said = (const volatile uint64_t *)sim->mailbox;
	char line[4096];

	if (!said || !kpmem_parameter(line, sizeof(line), "mode=reboot"))
		return 0;
	crash->begin = said[2];
	crash->claims = said[3];
	crash->last_claim = said[4];
	return 1;
}

#endif
