/* What a kernel in C says to kpmem's crash simulator.
 *
 * A mark is one instruction that does nothing on real hardware, and in QEMU without the simulator:
 * a long NOP with a displacement on x86_64, an unallocated HINT on aarch64, `slti x0, x0, imm` on
 * riscv64. Up to three numbers go with it in the first argument registers of the C ABI. The crate
 * kpmem-marks says the same in Rust; docs/CRASH-TEST.md shows both at work.
 *
 *	kpmem_begin(1);			what memory holds now is durable
 *	...				stores, flushes, fences
 *	kpmem_claim(ptr, len, 1);	these bytes are durable: checked at once
 *	kpmem_end();
 *
 *	struct kpmem_crash crash;	recovery, for each crash image
 *	while (kpmem_next_crash(mailbox, &crash))
 *		kpmem_verdict(recover(crash.claims));
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef KPMEM_MARKS_H
#define KPMEM_MARKS_H

#ifdef __KERNEL__ /* Linux's own, which has no headers of C's */
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

/* Bytes of the mailbox: the last page of the persistent memory, which is the simulator's. */
#define KPMEM_MAILBOX 4096

/* A power cut, as recovery meets it. */
struct kpmem_crash {
	uint64_t begin;		/* number of the workload that had begun last */
	uint64_t claims;	/* how many claims it had made: these must hold */
	uint64_t last_claim;	/* the number of the last one, if there were any */
};

/* clang-format off */
#if defined(__x86_64__)
#define KPMEM_MARK(op, a, b, c)                                                \
	do {                                                                   \
		register uint64_t kpmem_a __asm__("rdi") = (uint64_t)(a);      \
		register uint64_t kpmem_b __asm__("rsi") = (uint64_t)(b);      \
		register uint64_t kpmem_c __asm__("rdx") = (uint64_t)(c);      \
		__asm__ volatile(".byte 0x0f, 0x1f, 0x80\n\t.long 0x6b706d00 + %c0" \
				 : : "i"(op), "r"(kpmem_a), "r"(kpmem_b),      \
				     "r"(kpmem_c) : "memory");                 \
	} while (0)
#elif defined(__aarch64__)
#define KPMEM_MARK(op, a, b, c)                                                \
	do {                                                                   \
		register uint64_t kpmem_a __asm__("x0") = (uint64_t)(a);       \
		register uint64_t kpmem_b __asm__("x1") = (uint64_t)(b);       \
		register uint64_t kpmem_c __asm__("x2") = (uint64_t)(c);       \
		__asm__ volatile("hint #(0x60 + %c0)"                          \
				 : : "i"(op), "r"(kpmem_a), "r"(kpmem_b),      \
				     "r"(kpmem_c) : "memory");                 \
	} while (0)
#elif defined(__riscv) && __riscv_xlen == 64
#define KPMEM_MARK(op, a, b, c)                                                \
	do {                                                                   \
		register uint64_t kpmem_a __asm__("a0") = (uint64_t)(a);       \
		register uint64_t kpmem_b __asm__("a1") = (uint64_t)(b);       \
		register uint64_t kpmem_c __asm__("a2") = (uint64_t)(c);       \
		__asm__ volatile("slti x0, x0, %0"                             \
				 : : "i"(0x4b0 + (op)), "r"(kpmem_a),          \
				     "r"(kpmem_b), "r"(kpmem_c) : "memory");   \
	} while (0)
#else
#error "kpmem_marks.h: no mark is known for this instruction set (x86_64, aarch64, riscv64)"
#endif
/* clang-format on */

/* Starts the workload of this number. What the memory holds now is durable. */
static inline void kpmem_begin(uint64_t id)
{
	KPMEM_MARK(0, id, 0, 0);
}

/* Ends the workload. */
static inline void kpmem_end(void)
{
	KPMEM_MARK(1, 0, 0, 0);
}

/* Says that `len` bytes at `ptr` are durable. */
static inline void kpmem_claim(const void *ptr, size_t len, uint64_t id)
{
	KPMEM_MARK(2, (uintptr_t)ptr, len, id);
}

/* Asks for crash images of this moment, besides those before each barrier and at each claim. */
static inline void kpmem_crash_point(void)
{
	KPMEM_MARK(3, 0, 0, 0);
}

/* Has the next crash image put in memory; 0 when there are no more, or no simulator is there.
 * `mailbox` must be the last KPMEM_MAILBOX bytes of the persistent memory. */
static inline int kpmem_next_crash(const volatile void *mailbox, struct kpmem_crash *crash)
{
	const volatile uint64_t *answer = (const volatile uint64_t *)mailbox;

	KPMEM_MARK(4, 0, 0, 0);
	/* "kpmemcut", little-endian, and whether there is one. */
	if (answer[0] != 0x7475636d656d706bull || answer[1] != 1)
		return 0;
	crash->begin = answer[2];
	crash->claims = answer[3];
	crash->last_claim = answer[4];
	return 1;
}

/* Whether the workload is to be run once more, from its begin on: then the persistent memory is
 * again what it was at the first one (cargo xtask crash --schedules). What the workload uses in
 * ordinary memory must be the same each time too. 0 where no simulator is there. `mailbox` as
 * above. */
static inline int kpmem_again(const volatile void *mailbox)
{
	const volatile uint64_t *answer = (const volatile uint64_t *)mailbox;

	KPMEM_MARK(7, 0, 0, 0);
	return answer[0] == 0x7475636d656d706bull && answer[1] == 1;
}

/* Says what recovery found: 0 if all is well, else a number that means something to you. */
static inline void kpmem_verdict(uint64_t code)
{
	KPMEM_MARK(5, code, 0, 0);
}

/* Says where virtual pages lie in physical memory. The simulator finds out by itself where one CPU
 * runs; where several do, it may need to be told of pages that nothing was stored to yet. */
static inline void kpmem_mapped(const void *ptr, uint64_t physical, size_t len)
{
	KPMEM_MARK(6, (uintptr_t)ptr, physical, len);
}

#endif
