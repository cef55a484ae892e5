/* kpmem: make bytes survive a power cut, from inside a kernel.
 *
 * Persist, flush, drain and durable copies for persistent memory, on x86_64, aarch64 and riscv64,
 * with no operating system, no allocation and no vector register. libkpmem.a defines no symbol but
 * `kpmem_...` (and the `pmem2_...` of libpmem2.h), and needs none but its own; the one for the host,
 * on which tests run, needs the C library, and has device trees.
 *
 *	struct kpmem_map map;
 *
 *	int error = kpmem_map_init(&map, base, len, KPMEM_GRANULARITY_CACHE_LINE);
 *	if (error)
 *		return error;
 *	record->value = 42;
 *	error = kpmem_map_persist(&map, record, sizeof(*record));	durable, if 0
 *
 * Errors
 *	A function that can fail returns 0, or a negative number: one of KPMEM_E_..., or, where a
 *	hook, device or other function of the caller's failed with a number from -4095 to -1, that
 *	number as it is. kpmem_errormsg() has a sentence for each. After an error nothing was
 *	touched, unless it is said that something was.
 *
 * Handles
 *	`struct kpmem_map` and its kin are the caller's to place: on a stack, in a static, in
 *	another struct. Each has a stated size in bytes, an alignment of 8, and one function that makes it
 *	(`..._init`) and one that ends it (`..._fini`). It must stay where it was made: a copy is
 *	no handle. To use what is none is KPMEM_E_HANDLE, not a crash, where the memory can be
 *	read. To make or end one while another CPU uses it is the caller's to avoid; all other
 *	functions may be called on any CPU, also on several at once, and from interrupt and NMI
 *	context, unless it is said otherwise.
 *
 * Pointers
 *	Null is an error (KPMEM_E_ARGUMENT, KPMEM_E_HANDLE) wherever something must be there.
 *	Lengths and sizes are in bytes. A range of no bytes is never looked at. Ranges of a map
 *	may have any alignment; they may end at the top of the address space, but not wrap.
 *
 * The caller vouches, for as long as a map is used: that its range is mapped on each CPU that uses
 * it, write-back cacheable; that the platform makes durable what the granularity says; and that
 * each CPU has the instruction of the map's table. No function can see that.
 *
 * C99 or later, or C++.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef KPMEM_H
#define KPMEM_H

#ifdef __KERNEL__ /* Linux's own, which has no headers of C's */
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Warns who does not look at what a call returns. Define it empty to do without. */
#ifndef KPMEM_MUST_CHECK
#ifdef __GNUC__
#define KPMEM_MUST_CHECK __attribute__((__warn_unused_result__))
#else
#define KPMEM_MUST_CHECK
#endif
#endif

/* ---- Errors ---------------------------------------------------------------------------------- */

/* Numbers that never change. Those to -200199 are of the Rust library: Error::code(). */
#define KPMEM_E_NULL (-200001)		   /* the base of a map (or poison at address 0) is null */
#define KPMEM_E_EMPTY (-200002)		   /* a map of no bytes */
#define KPMEM_E_WRAPS (-200003)		   /* the range runs past the top of the address space */
#define KPMEM_E_OUTSIDE_MAP (-200004)	   /* the range is not inside the map */
#define KPMEM_E_UNSUPPORTED (-200005)	   /* the CPU lacks it, or cannot be asked */
#define KPMEM_E_NOT_INVALIDATED (-200006)  /* the map has no instruction that drops lines */
#define KPMEM_E_LINE_SIZE (-200007)	   /* there is no table for lines of this size */
#define KPMEM_E_WRONG_GRANULARITY (-200008) /* a table or map of another granularity */
#define KPMEM_E_FLAGS (-200009)		   /* unknown flags, or ones that contradict each other */
#define KPMEM_E_MISALIGNED (-200010)	   /* an address or length is not aligned as it must be */
#define KPMEM_E_ALREADY_SELECTED (-200011) /* another table is in use */
#define KPMEM_E_NO_HOOK (-200012)	   /* page granularity needs kpmem_map_init_hook() */
#define KPMEM_E_OVERLAP (-200013)	   /* the range overlaps another registered page map */
#define KPMEM_E_SLOT_IN_USE (-200014)	   /* the slot holds another page map */
#define KPMEM_E_NOT_COVERED (-200015)	   /* earlier: a plain function's range had no page map */
#define KPMEM_E_TOO_COARSE (-200016)	   /* the platform needs a coarser granularity */
#define KPMEM_E_NOT_MAPPED (-200017)	   /* the persistent memory is not mapped */
#define KPMEM_E_NOT_WRITE_BACK (-200018)   /* it cannot be mapped write-back, says the firmware */
#define KPMEM_E_NOT_ARMED (-200019)	   /* a device is not armed, says the firmware */
#define KPMEM_E_POISONED (-200020)	   /* a byte of the range is poisoned */
#define KPMEM_E_POISON_FULL (-200021)	   /* the list of poison has no room */
#define KPMEM_E_NO_DEEP_DOMAIN (-200022)   /* no domain deeper than that of persist */
#define KPMEM_E_SYNC (-200023)		   /* a hook failed with a number that is no -errno */
/* Of the firmware's tables. */
#define KPMEM_E_UNREADABLE (-200101)	   /* a table, or a part of it, cannot be read */
#define KPMEM_E_SIGNATURE (-200102)	   /* another table is there, or none */
#define KPMEM_E_CHECKSUM (-200103)	   /* its bytes do not add up to zero */
#define KPMEM_E_TRUNCATED (-200104)	   /* it ends inside a field or structure */
#define KPMEM_E_LENGTH (-200105)	   /* a length in it is too small */
#define KPMEM_E_VALUE (-200106)		   /* a field has an impossible value */
#define KPMEM_E_DANGLING (-200107)	   /* it refers to something that does not exist */
#define KPMEM_E_DUPLICATE (-200108)	   /* two structures have the same number */
#define KPMEM_E_OVERLAP_IN_TABLE (-200109) /* two ranges of persistent memory overlap */
#define KPMEM_E_TOO_MANY (-200110)	   /* more structures than any machine needs */
#define KPMEM_E_TREE (-200111)		   /* the device tree is malformed */
#define KPMEM_E_MISSING (-200112)	   /* there is no such table, node or range */
/* Of this interface. */
#define KPMEM_E_HANDLE (-200201)	   /* null, not initialised, ended, moved, of another kind */
#define KPMEM_E_ARGUMENT (-200202)	   /* null, or an unknown value, where something must be */
#define KPMEM_E_NO_MORE (-200203)	   /* there are no more */
#define KPMEM_E_NOT_REGISTERED (-200204)   /* the page map has no plain functions yet */
#define KPMEM_E_BUSY (-200205)		   /* a registered map or an open batch is there */

/* Writes a sentence about `code` to `buffer`: at most `size` bytes, the last of which is NUL.
 * Returns how long the whole sentence is, without its NUL, as snprintf() does. `buffer` may be null
 * and `size` 0. Allocates nothing, remembers nothing. */
size_t kpmem_errormsg(int code, char *buffer, size_t size);

/* ---- Granularity: what the platform makes durable -------------------------------------------- */

#define KPMEM_GRANULARITY_BYTE 0       /* every store that left the core (eADR, battery) */
#define KPMEM_GRANULARITY_CACHE_LINE 1 /* every line written back (ADR, Arm's PoP, Zicbom) */
#define KPMEM_GRANULARITY_PAGE 2       /* what a host or device was asked to sync: a hook */

/* ---- CPUs and tables ------------------------------------------------------------------------- */

/* The functions of one write-back instruction and line size: one of the library's, by address. Any
 * other address is KPMEM_E_ARGUMENT. */
struct kpmem_table;

/* Instructions of a CPU. */
#define KPMEM_CPU_CLFLUSH 1    /* x86_64: CPUID leaf 1, EDX bit 19 */
#define KPMEM_CPU_CLFLUSHOPT 2 /* x86_64: CPUID leaf 7.0, EBX bit 23 */
#define KPMEM_CPU_CLWB 4       /* x86_64: CPUID leaf 7.0, EBX bit 24 */
#define KPMEM_CPU_CLZERO 8     /* x86_64: CPUID leaf 0x80000008, EBX bit 0 */
#define KPMEM_CPU_MOVDIR64B 16 /* x86_64: CPUID leaf 7.0, ECX bit 28 */
#define KPMEM_CPU_DPB 1	       /* aarch64: ID_AA64ISAR1_EL1.DPB is 1 or more: dc cvap */
#define KPMEM_CPU_DPB2 2       /* aarch64: it is 2 or more: dc cvadp */
#define KPMEM_CPU_ZICBOM 1     /* riscv64: cbo.clean, enabled (menvcfg.CBCFE) */
#define KPMEM_CPU_ZICBOZ 2     /* riscv64: cbo.zero, enabled, in blocks of the same size */

/* What a CPU can do for persistent memory. */
struct kpmem_cpu {
	uint32_t features; /* KPMEM_CPU_... of its instruction set */
	uint32_t line;	   /* bytes of a cache line, or of a RISC-V cache block */
};

/* Asks the CPU that this runs on. KPMEM_E_UNSUPPORTED on riscv64, which cannot be asked: there,
 * fill the struct from the device tree's riscv,cbom-block-size or the RHCT
 * (kpmem_rhct_cache_blocks()). */
int kpmem_cpu_detect(struct kpmem_cpu *cpu);

/* Makes of `cpu` what it and `other` have in common: the instructions that both have, the smaller
 * line. For machines that mix CPUs: once for each. */
int kpmem_cpu_common(struct kpmem_cpu *cpu, const struct kpmem_cpu *other);

/* The table of the CPU's best instruction. KPMEM_E_UNSUPPORTED if it has none that will do,
 * KPMEM_E_LINE_SIZE if no table is for its lines, KPMEM_E_ARGUMENT for unknown features. */
int kpmem_cpu_table(const struct kpmem_cpu *cpu, const struct kpmem_table **table);

/* aarch64: the table of `dc cvadp`, for kpmem_domain_of_table(). KPMEM_E_NO_DEEP_DOMAIN where there
 * is none, as on all other CPUs. */
int kpmem_cpu_deep_table(const struct kpmem_cpu *cpu, const struct kpmem_table **table);

/* The first table of this name for lines of `line` bytes. By name: "clwb", "clflushopt", "clflush";
 * "cvap", "cvadp", "cvac"; "zicbom", "zicbom-flush"; "byte", whose line is 1. KPMEM_E_MISSING if
 * this instruction set has none of that name, KPMEM_E_LINE_SIZE if it has for other lines. */
int kpmem_table_find(const char *name, size_t line, const struct kpmem_table **table);

/* The table's name, for good; null if it is none. */
const char *kpmem_table_name(const struct kpmem_table *table);

/* Bytes that one write-back covers; 1 where there are no lines, 0 if it is no table. */
size_t kpmem_table_line(const struct kpmem_table *table);

/* KPMEM_GRANULARITY_..., or KPMEM_E_ARGUMENT. */
int kpmem_table_granularity(const struct kpmem_table *table);

/* Says which table cache-line maps use, before the first is made: on riscv64 always, elsewhere
 * where a kernel knows better than CPUID. To say the same again changes nothing.
 *
 * The caller vouches that every CPU that flushes has the instruction, enabled where it is used, and
 * lines of the table's size or larger; and that what it writes back is in the persistence domain
 * (for "cvac" and riscv64: that memory at the point of coherency is).
 *
 * KPMEM_E_WRONG_GRANULARITY for one that is not of cache lines, KPMEM_E_ALREADY_SELECTED if another
 * is in use. */
KPMEM_MUST_CHECK int kpmem_select(const struct kpmem_table *table);

/* The table that cache-line maps use: the one that was said, else the best that the CPU reports.
 * Errors are those of kpmem_cpu_table(). */
int kpmem_selected(const struct kpmem_table **table);

/* The table that maps of byte granularity use. */
const struct kpmem_table *kpmem_selected_byte(void);

/* ---- Maps ------------------------------------------------------------------------------------ */

#define KPMEM_MAP_SIZE 192

/* A range of persistent memory, with what makes it durable. */
struct kpmem_map {
	uint64_t opaque[24];
};

/* What makes bytes durable where the CPU alone cannot: of a page map, or of a deep domain. Both
 * functions return 0, or a negative number of their own. Either may be null, and does nothing then.
 * They are called from wherever the map's functions are, on any CPU, also at once.
 *
 * `flush` starts to sync `len` bytes at `ptr`, which lie in the map and are not rounded. `drain`
 * waits until all that was flushed is durable; of a page map it is called only if something was
 * flushed since it last succeeded. */
struct kpmem_hook {
	int (*flush)(void *context, const void *ptr, size_t len);
	int (*drain)(void *context);
	void *context;
};

/* A map of `len` bytes at `base`, of byte or cache-line granularity.
 *
 * KPMEM_E_NULL, KPMEM_E_EMPTY, KPMEM_E_WRAPS for the range; KPMEM_E_UNSUPPORTED and
 * KPMEM_E_LINE_SIZE if the CPU cannot honour the granularity; KPMEM_E_NO_HOOK for pages.
 * KPMEM_E_BUSY, as of all functions that make a map, if `map` is a map that is registered. */
KPMEM_MUST_CHECK int kpmem_map_init(struct kpmem_map *map, void *base, size_t len, int granularity);

/* The same over a table of the caller's choice, for which the caller vouches as in
 * kpmem_select(). */
KPMEM_MUST_CHECK int kpmem_map_init_table(struct kpmem_map *map, void *base, size_t len,
			 const struct kpmem_table *table);

/* A map of page granularity. The hook is copied; its context stays as long as the map. The caller
 * vouches that after `flush` of a range and `drain`, both with 0, the range is durable.
 * KPMEM_E_ARGUMENT for a hook that does nothing at all. */
KPMEM_MUST_CHECK int kpmem_map_init_hook(struct kpmem_map *map, void *base, size_t len,
			const struct kpmem_hook *hook);

/* Ends a map; a registered one is taken out first (see kpmem_map_unregister()). Drains nothing. */
int kpmem_map_fini(struct kpmem_map *map);

/* Its first byte; null if it is none. */
void *kpmem_map_address(const struct kpmem_map *map);

/* Its length; 0 if it is none. */
size_t kpmem_map_size(const struct kpmem_map *map);

/* KPMEM_GRANULARITY_..., or KPMEM_E_HANDLE. */
int kpmem_map_granularity(const struct kpmem_map *map);

/* Its table; null for a page map, and if it is none. */
const struct kpmem_table *kpmem_map_table(const struct kpmem_map *map);

/* Makes a range durable: flush, then drain. With no bytes, a drain.
 *
 * KPMEM_E_OUTSIDE_MAP, KPMEM_E_WRAPS, KPMEM_E_POISONED: nothing was touched. Of a page map also the
 * hook's number or KPMEM_E_SYNC, of this call or of one through a plain function before, and
 * KPMEM_E_NOT_COVERED: the bytes may not be durable. */
KPMEM_MUST_CHECK int kpmem_map_persist(const struct kpmem_map *map, const void *ptr, size_t len);

/* Starts to make a range durable: kpmem_map_drain() on the same CPU completes it, and all others
 * before it. Errors as for persist.
 *
 * A task that may move to another CPU between the two needs a context switch that waits for
 * flushes (any locked instruction or fence on x86_64, dsb on aarch64, fence rw, rw on riscv64), or
 * a batch with a guard. */
KPMEM_MUST_CHECK int kpmem_map_flush(const struct kpmem_map *map, const void *ptr, size_t len);

/* Waits until all earlier flushes of this CPU are durable. */
KPMEM_MUST_CHECK int kpmem_map_drain(const struct kpmem_map *map);

/* Writes each line of a range back, drops it from the caches, and waits for that; no store is ever
 * discarded. For a device or host that reads past the caches, and before this one reads what those
 * wrote. KPMEM_E_NOT_INVALIDATED in byte and page maps. */
KPMEM_MUST_CHECK int kpmem_map_writeback_invalidate(const struct kpmem_map *map, const void *ptr,
						    size_t len);

/* How a copy or fill is done. NONTEMPORAL contradicts TEMPORAL, WC contradicts WB, NOFLUSH
 * contradicts NONTEMPORAL and WC. The values are those of libpmem2's PMEM2_F_MEM_... */
#define KPMEM_F_NODRAIN 1     /* no drain: until one, neither durable nor seen by other CPUs */
#define KPMEM_F_NONTEMPORAL 2 /* past the cache */
#define KPMEM_F_TEMPORAL 4    /* through the cache, and write back */
#define KPMEM_F_WC 8	      /* a hint to combine writes */
#define KPMEM_F_WB 16	      /* a hint to write back */
#define KPMEM_F_NOFLUSH 32    /* only store: no flush, no drain */

/* Copies `len` bytes to `dest`, which is in the map; `src` may be anywhere, and overlap it. Durable
 * on return, unless `flags` say otherwise. Each aligned word of 8 bytes in the destination is
 * stored at once: no power cut and no other CPU sees a part of it.
 *
 * KPMEM_E_FLAGS, and the errors of persist. KPMEM_E_ARGUMENT if `src` is null. */
KPMEM_MUST_CHECK int kpmem_map_memmove(const struct kpmem_map *map, void *dest, const void *src,
				       size_t len, uint32_t flags);

/* The same; they may overlap here too. */
KPMEM_MUST_CHECK int kpmem_map_memcpy(const struct kpmem_map *map, void *dest, const void *src,
				      size_t len, uint32_t flags);

/* Stores the lowest eight bits of `c` to each of `len` bytes. Else as memmove. */
KPMEM_MUST_CHECK int kpmem_map_memset(const struct kpmem_map *map, void *dest, int c, size_t len,
				      uint32_t flags);

/* Stores a word at once, with release ordering, and persists it. KPMEM_E_MISALIGNED unless `dest`
 * is aligned to 8. Other CPUs may see the word before it is durable. */
KPMEM_MUST_CHECK int kpmem_map_store64(const struct kpmem_map *map, uint64_t *dest,
				       uint64_t value);

/* ---- Batches: many flushes and copies, one drain --------------------------------------------- */

#define KPMEM_BATCH_SIZE 64

/* Flushes and copies that share a drain. It stays on the CPU that it was made on. */
struct kpmem_batch {
	uint64_t opaque[8];
};

/* What keeps a task on its CPU from the first flush to the drain, such as preemption off and on
 * again: `enter` returns what `leave` is given. Sections may lie in each other. */
struct kpmem_guard {
	void *(*enter)(void *context);
	void (*leave)(void *context, void *state);
	void *context;
};

/* Begins a batch, inside a guard unless that is null. The map stays as long as the batch. */
KPMEM_MUST_CHECK int kpmem_batch_init(struct kpmem_batch *batch, const struct kpmem_map *map,
		     const struct kpmem_guard *guard);

/* kpmem_map_flush(). */
KPMEM_MUST_CHECK int kpmem_batch_flush(const struct kpmem_batch *batch, const void *ptr,
				       size_t len);

/* kpmem_map_memmove() with KPMEM_F_NODRAIN. */
KPMEM_MUST_CHECK int kpmem_batch_memmove(const struct kpmem_batch *batch, void *dest,
					 const void *src, size_t len, uint32_t flags);

/* kpmem_map_memset() with KPMEM_F_NODRAIN. */
KPMEM_MUST_CHECK int kpmem_batch_memset(const struct kpmem_batch *batch, void *dest, int c,
					size_t len, uint32_t flags);

/* Drains, leaves the guard, and ends the batch: if 0, all is durable that was flushed, copied and
 * filled without an error. */
KPMEM_MUST_CHECK int kpmem_batch_fini(struct kpmem_batch *batch);

/* ---- Plain functions, to cache or hand on ---------------------------------------------------- */

/* They check nothing: ranges must be in the map (of page maps, in any registered one), and not
 * wrap. Flags that are unknown or contradict each other count as none. They are the same for the
 * same map each time. */
typedef void (*kpmem_persist_fn)(const void *ptr, size_t len);
typedef void (*kpmem_flush_fn)(const void *ptr, size_t len);
typedef void (*kpmem_drain_fn)(void);
typedef void *(*kpmem_memmove_fn)(void *dest, const void *src, size_t len, uint32_t flags);
typedef void *(*kpmem_memset_fn)(void *dest, int c, size_t len, uint32_t flags);

struct kpmem_functions {
	kpmem_persist_fn persist_fn;
	kpmem_flush_fn flush_fn;
	kpmem_drain_fn drain_fn;
	kpmem_memmove_fn memmove_fn;
	kpmem_memmove_fn memcpy_fn; /* the same function: they may overlap */
	kpmem_memset_fn memset_fn;
	kpmem_persist_fn writeback_invalidate_fn; /* null where no instruction is known */
};

/* The functions of a table. */
int kpmem_table_functions(const struct kpmem_table *table, struct kpmem_functions *functions);

/* The functions of a map; of a page map, those that serve all registered ones.
 * KPMEM_E_NOT_REGISTERED for a page map that is not. */
int kpmem_map_functions(const struct kpmem_map *map, struct kpmem_functions *functions);

#define KPMEM_PAGE_SLOT_SIZE 96

/* A place for a page map whose plain functions are wanted: a static that is zero at first, stays
 * for good, and is nobody's to touch. It may be used again once its map was taken out. */
struct kpmem_page_slot {
	uint64_t opaque[12];
};

/* Lets plain functions find a page map by address. What its hook returns them is kept for the next
 * checked call of the map. KPMEM_E_OVERLAP with another registered map, KPMEM_E_SLOT_IN_USE,
 * KPMEM_E_WRONG_GRANULARITY for another map. Not in interrupt context. */
KPMEM_MUST_CHECK int kpmem_map_register(struct kpmem_map *map, struct kpmem_page_slot *slot);

/* Takes it out, and waits until no function is inside its hook. Neither in interrupt context nor
 * by the hook itself. KPMEM_E_NOT_REGISTERED if it is not in. */
int kpmem_map_unregister(struct kpmem_map *map);

/* ---- Functions whose instruction is settled -------------------------------------------------- */

/* For kernels that know their CPUs when they are compiled, and fear indirect calls: these call
 * nothing through a pointer. They check nothing, like the plain functions, and the caller vouches
 * that every CPU has the instruction, and lines of 64 bytes where one is in the name or on x86_64.
 *
 * `name`_persist, _flush, _drain, _memmove (copies may overlap), _memset. */
#define KPMEM_SETTLED(name)                                                                        \
	void kpmem_##name##_persist(const void *ptr, size_t len);                                  \
	void kpmem_##name##_flush(const void *ptr, size_t len);                                    \
	void kpmem_##name##_drain(void);                                                           \
	void *kpmem_##name##_memmove(void *dest, const void *src, size_t len, uint32_t flags);     \
	void *kpmem_##name##_memset(void *dest, int c, size_t len, uint32_t flags)

/* The same, and `name`_writeback_invalidate. */
#define KPMEM_SETTLED_LINES(name)                                                                  \
	void kpmem_##name##_writeback_invalidate(const void *ptr, size_t len);                     \
	KPMEM_SETTLED(name)

KPMEM_SETTLED(byte); /* byte granularity: kpmem_byte_persist() and so on */
#if defined(__x86_64__)
KPMEM_SETTLED_LINES(clwb); /* clwb, sfence; clflushopt, mfence to drop lines */
KPMEM_SETTLED_LINES(clflushopt);
KPMEM_SETTLED_LINES(clflush);
#elif defined(__aarch64__)
KPMEM_SETTLED_LINES(cvap64); /* dc cvap, dsb sy; lines of 64 bytes */
KPMEM_SETTLED_LINES(cvac64); /* dc cvac: if the point of coherency is in the persistence domain */
#elif defined(__riscv)
KPMEM_SETTLED_LINES(zicbom64); /* cbo.clean, fence iorw, iorw; blocks of 64 bytes */
#endif

/* ---- Deep flush: to a domain that survives even if the platform's promise fails --------------- */

/* Persists a range and moves it on to a deep domain. The errors of persist; the domain's number or
 * KPMEM_E_SYNC: then the range is durable, but may not be there; KPMEM_E_NO_DEEP_DOMAIN in a byte
 * map, whose persist leaves bytes in the CPU's caches. */
KPMEM_MUST_CHECK int kpmem_map_deep_flush(const struct kpmem_map *map,
					  const struct kpmem_hook *domain, const void *ptr,
					  size_t len);

/* Persists a range and starts to move it on. */
KPMEM_MUST_CHECK int kpmem_map_deep_flush_start(const struct kpmem_map *map,
						const struct kpmem_hook *domain, const void *ptr,
						size_t len);

/* Waits until all that this CPU has started is in the domain. */
KPMEM_MUST_CHECK int kpmem_map_deep_drain(const struct kpmem_map *map,
					  const struct kpmem_hook *domain);

/* The domain that the instruction of kpmem_cpu_deep_table() reaches. KPMEM_E_NO_DEEP_DOMAIN for any
 * other table: its instruction goes no deeper than persist. */
KPMEM_MUST_CHECK int kpmem_domain_of_table(struct kpmem_hook *domain, const struct kpmem_table *table);

/* Flush hints of all devices of a range (kpmem_platform_flush_hint()), where the kernel has mapped
 * them: uncached, aligned to 8. */
struct kpmem_hints {
	uint64_t *const *addresses;
	size_t count;
};

/* A domain of devices that flush when a word is stored to their hint. The struct and its list stay
 * as long as the domain is used. KPMEM_E_NO_DEEP_DOMAIN if there are none. */
KPMEM_MUST_CHECK int kpmem_domain_of_hints(struct kpmem_hook *domain, const struct kpmem_hints *hints);

/* ---- Poison: bytes that are known to be bad -------------------------------------------------- */

#define KPMEM_POISON_SIZE 32
#define KPMEM_POISON_UNIT 64 /* bytes of the unit that it is counted in */

/* A list of poisoned bytes. It takes no lock: a machine-check handler may add to it. */
struct kpmem_poison {
	uint64_t opaque[4];
};

/* A list of up to `count` runs of 64 units each, in words of the caller's that stay as long as the
 * list. They are set to 0. */
int kpmem_poison_init(struct kpmem_poison *poison, size_t *slots, size_t count);

/* Adds the units that a range touches. KPMEM_E_POISON_FULL: stop to use the memory. */
KPMEM_MUST_CHECK int kpmem_poison_add(const struct kpmem_poison *poison, const void *ptr, size_t len);

/* The address of the first byte of a range that is poisoned; KPMEM_E_NO_MORE if none is. */
int kpmem_poison_first(const struct kpmem_poison *poison, const void *ptr, size_t len,
		       size_t *first);

/* From now on, checked calls of the map refuse bytes of the list, with KPMEM_E_POISONED. The list
 * stays as long as the map. While nobody else uses the map; KPMEM_E_BUSY if it is registered. */
KPMEM_MUST_CHECK int kpmem_map_avoid(struct kpmem_map *map, const struct kpmem_poison *poison);

/* What the platform asks for before poison is cleared (ACPI's Clear Uncorrectable Error). */
typedef int (*kpmem_clear_fn)(void *context, void *ptr, size_t len);

/* Clears poison: calls `platform` unless it is null, writes zeroes over whole units, durably, and
 * takes them from the map's list. KPMEM_E_MISALIGNED unless both are multiples of
 * KPMEM_POISON_UNIT; what `platform` returned. KPMEM_E_POISON_FULL if a run of the list must be
 * split, and there is no room: the bytes are zero and good, and still refused. */
KPMEM_MUST_CHECK int kpmem_map_clear(const struct kpmem_map *map, void *ptr, size_t len,
				     kpmem_clear_fn platform, void *context);

/* A copy whose loads may fault: returns how many bytes at the end it has not copied. */
typedef size_t (*kpmem_copy_mc_fn)(void *context, void *dest, const void *src, size_t len);

/* Copies out of the map by loads that may fault. KPMEM_E_POISONED before a byte is copied, or with
 * the byte that `copy` stopped at, which goes to the list: those before it are copied. The same, but
 * KPMEM_E_POISON_FULL, if the list has no room for that byte, or the map has no list. */
KPMEM_MUST_CHECK int kpmem_map_read_mcsafe(const struct kpmem_map *map, void *dest,
					   const void *src, size_t len, kpmem_copy_mc_fn copy,
					   void *context);

/* ---- What the firmware says ------------------------------------------------------------------ */

/* Physical addresses. */
struct kpmem_region {
	uint64_t base;
	uint64_t len;
};

/* Where the kernel has mapped `len` bytes at a physical address; null if nowhere. */
typedef const void *(*kpmem_physical_fn)(void *context, uint64_t address, size_t len);

/* Finds the first ACPI table with a signature of four letters, such as "NFIT", from the physical
 * address of the RSDP on, and checks the sums on the way. What is read must not change any more.
 * KPMEM_E_MISSING if there is none, KPMEM_E_UNREADABLE if it may be one that cannot be read. */
int kpmem_find_table(kpmem_physical_fn physical, void *context, uint64_t rsdp,
		     const char *signature, const void **table, size_t *len);

#define KPMEM_PLATFORM_SIZE 384

/* What the firmware's tables say of persistent memory. */
struct kpmem_platform {
	uint64_t opaque[48];
};

/* A platform of which nothing is known yet. */
int kpmem_platform_init(struct kpmem_platform *platform);

/* Ends it. */
int kpmem_platform_fini(struct kpmem_platform *platform);

/* Adds a table, from its first byte on. It is checked whole, and must stay, unchanged, as long as
 * the platform. Errors are those of the firmware's tables; then it is as it was. */
int kpmem_platform_add_nfit(struct kpmem_platform *platform, const void *table, size_t len);
int kpmem_platform_add_cedt(struct kpmem_platform *platform, const void *table, size_t len);
int kpmem_platform_add_srat(struct kpmem_platform *platform, const void *table, size_t len);

#define KPMEM_SOURCE_NFIT 1
#define KPMEM_SOURCE_CXL_WINDOW 2
#define KPMEM_SOURCE_DEVICE_TREE 3

/* A range of persistent memory. `state` has the NFIT's state flags of its devices: bits 0 to 2 say
 * that data was lost when power failed last, bit 3 that a device is not armed, bit 6 that it is not
 * mapped. */
struct kpmem_range {
	struct kpmem_region region;
	int granularity; /* KPMEM_GRANULARITY_... */
	uint32_t source; /* KPMEM_SOURCE_... */
	uint32_t has_domain;
	uint32_t domain; /* proximity domain, if has_domain */
	uint32_t state;
	uint32_t devices; /* how many the NFIT names */
};

/* A device that is a part of a range. */
struct kpmem_device {
	uint32_t handle;
	uint32_t state;
	uint32_t has_identity;
	uint32_t vendor; /* as JEDEC numbers them; these three if has_identity */
	uint32_t device;
	uint32_t serial;
	uint64_t address; /* where its part begins in the device */
	uint64_t size;	  /* length of its part */
};

/* The ranges that the firmware has set up, from index 0 until KPMEM_E_NO_MORE. */
int kpmem_platform_range(const struct kpmem_platform *platform, size_t index,
			 struct kpmem_range *range);

/* What is known of these addresses: a part of one of the ranges, or of a window that persistent CXL
 * memory may be mapped to. KPMEM_E_MISSING if no table says that they are persistent. */
int kpmem_platform_range_of(const struct kpmem_platform *platform,
			    const struct kpmem_region *region, struct kpmem_range *range);

/* The devices of a range, from index 0 until KPMEM_E_NO_MORE. */
int kpmem_platform_device(const struct kpmem_platform *platform,
			  const struct kpmem_region *region, size_t index,
			  struct kpmem_device *device);

/* The physical addresses of the flush hints of all devices of a range, from index 0 until
 * KPMEM_E_NO_MORE. KPMEM_E_NO_DEEP_DOMAIN unless each device has some. */
int kpmem_platform_flush_hint(const struct kpmem_platform *platform,
			      const struct kpmem_region *region, size_t index, uint64_t *address);

/* A map of a range at its granularity, which may not be coarser than `coarsest`. `address` is where
 * the kernel has mapped these physical addresses, as a whole. KPMEM_E_TOO_COARSE,
 * KPMEM_E_NOT_ARMED, KPMEM_E_NOT_WRITE_BACK, KPMEM_E_NOT_MAPPED if the firmware says so, and the
 * errors of kpmem_map_init(). */
KPMEM_MUST_CHECK int kpmem_platform_map(const struct kpmem_platform *platform, const struct kpmem_region *region,
		       int coarsest, void *address, struct kpmem_map *map);

/* Bytes of the blocks of RISC-V's cache-block instructions, where every hart has them and all
 * agree; else 0. */
struct kpmem_cache_blocks {
	size_t clean; /* Zicbom: the `line` of a struct kpmem_cpu with KPMEM_CPU_ZICBOM */
	size_t zero;  /* Zicboz */
};

/* Block sizes by ACPI's RHCT. */
int kpmem_rhct_cache_blocks(const void *table, size_t len, struct kpmem_cache_blocks *blocks);

/* Device trees: in the library that `cargo xtask capi --device-tree` makes, and declared where
 * KPMEM_DEVICE_TREE is defined. Their parser has ways to a panic handler, which loops for ever;
 * no tree is known that takes one. */
#ifdef KPMEM_DEVICE_TREE

/* Adds the device tree to what a platform knows, as the tables above. */
int kpmem_platform_add_device_tree(struct kpmem_platform *platform, const void *tree, size_t len);

/* Length of the device tree whose first eight bytes are at `head`. */
int kpmem_device_tree_len(const void *head, size_t *len);

/* Block sizes by the device tree. */
int kpmem_device_tree_cache_blocks(const void *tree, size_t len,
				   struct kpmem_cache_blocks *blocks);

/* The ranges of the memory nodes, from index 0 until KPMEM_E_NO_MORE. */
int kpmem_device_tree_memory(const void *tree, size_t len, size_t index,
			     struct kpmem_region *region);

#endif

/* ---- virtio-pmem ------------------------------------------------------------------------------ */

#define KPMEM_VIRTIO_SIZE 512

/* A virtio-pmem device: persistent memory that is a file of the host's, durable once the host was
 * asked to sync it. What a device answers is not trusted. The numbers are -5 (EIO) if it could not
 * make stores durable, -19 (ENODEV) if it is none, not started or gone, -71 (EPROTO) if it does
 * what the specification forbids, -110 (ETIMEDOUT). After a failure nothing more is asked of it
 * until it is started anew; then store again what must be durable. */
struct kpmem_virtio {
	uint64_t opaque[64];
};

#define KPMEM_VIRTIO_QUEUE_SIZE 4096 /* of the memory that is shared, and its alignment */
#define KPMEM_VIRTIO_PHYSICAL 0	     /* a device whose addresses are translated is refused */
#define KPMEM_VIRTIO_DEVICE 1	     /* one whose addresses are not translated is refused */
#define KPMEM_VIRTIO_EITHER 2

/* The memory that driver and device share, and how long the driver waits. Nothing else uses the
 * page until kpmem_virtio_fini() returned 0: until then the device may write to it. */
struct kpmem_virtio_setup {
	void *queue;
	uint64_t queue_address;	     /* where the device finds it */
	uint32_t queue_address_kind; /* KPMEM_VIRTIO_... */
	/* Called after each look that found nothing new, with the number of looks in this wait;
	 * 0 gives up. A device may take seconds. */
	int (*again)(void *context, uint64_t looks);
	void *context;
};

/* A PCI function, and the kernel's ways to it. Offsets are multiples of four. `map` maps registers
 * at a bus address, uncached, or refuses with null, as it should where that is no part of what the
 * kernel gave to the BAR. */
struct kpmem_pci {
	uint32_t (*read)(void *context, uint8_t offset);
	void (*write)(void *context, uint8_t offset, uint32_t value);
	void *(*map)(void *context, unsigned int bar, uint64_t address, uint64_t len);
	void *context;
};

/* The device behind `size` bytes of MMIO registers, mapped uncached. */
KPMEM_MUST_CHECK int kpmem_virtio_init_mmio(struct kpmem_virtio *virtio, void *registers, size_t size,
			   const struct kpmem_virtio_setup *setup);

/* The device of a PCI function. */
KPMEM_MUST_CHECK int kpmem_virtio_init_pci(struct kpmem_virtio *virtio, const struct kpmem_pci *pci,
			  const struct kpmem_virtio_setup *setup);

/* Resets the device and ends the handle. If it fails, the device still has the queue, and the
 * handle stays. */
KPMEM_MUST_CHECK int kpmem_virtio_fini(struct kpmem_virtio *virtio);

/* Resets and starts the device; again, after a failure. Its memory, for the kernel to map. */
KPMEM_MUST_CHECK int kpmem_virtio_start(const struct kpmem_virtio *virtio, struct kpmem_region *region);

/* Makes all durable that was stored before. `virtio` is a struct kpmem_virtio: this is the `drain`
 * of a page map's hook, with the device as its context and a null `flush`. Not in interrupt
 * context. */
KPMEM_MUST_CHECK int kpmem_virtio_flush(void *virtio);

/* Why nothing is asked of the device; 0 if it works. */
int kpmem_virtio_failure(const struct kpmem_virtio *virtio);

/* Its memory, once it was started; KPMEM_E_NO_MORE before. */
int kpmem_virtio_region(const struct kpmem_virtio *virtio, struct kpmem_region *region);

#ifdef __cplusplus
}
#endif

#endif
