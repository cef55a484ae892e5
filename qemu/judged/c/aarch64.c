#define LINE 64
#define CLEAN(p) __asm__ volatile(".arch armv8.2-a\n\tdc cvap, %0" : : "r"(p) : "memory")
#define FENCE() __asm__ volatile("dsb sy" : : : "memory")
#include "loops.h"

/* The order in which Linux does it for a device: a barrier, the cleans, and one that waits. */
void right_linux(const void *ptr, size_t len)
{
	__asm__ volatile("dmb osh" : : : "memory");
	right_flush(ptr, len);
	FENCE();
}

void wrong_dmb(const void *ptr, size_t len)
{
	right_flush(ptr, len);
	__asm__ volatile("dmb ishst" : : : "memory");
}

void wrong_dsb_ishst(const void *ptr, size_t len)
{
	right_flush(ptr, len);
	__asm__ volatile("dsb ishst" : : : "memory");
}

/* To the point of coherency only. */
void wrong_cvac(const void *ptr, size_t len)
{
	uintptr_t end = (uintptr_t)ptr + len;

	for (uintptr_t p = (uintptr_t)ptr & ~(uintptr_t)MASK; p < end; p += LINE)
		__asm__ volatile("dc cvac, %0" : : "r"(p) : "memory");
	FENCE();
}
