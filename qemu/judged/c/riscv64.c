#define LINE 64
/* cbo.clean, by its encoding: assemblers know it with the extension only. */
#define CLEAN(p) \
	do { \
		register uintptr_t at __asm__("a0") = (p); \
		__asm__ volatile(".word 0x0015200f" : : "r"(at) : "memory"); \
	} while (0)
#define FENCE() __asm__ volatile("fence iorw, iorw" : : : "memory")
#include "loops.h"

void wrong_fence_r_r(const void *ptr, size_t len)
{
	right_flush(ptr, len);
	__asm__ volatile("fence r, r" : : : "memory");
}

/* Orders the write-back before stores, not before a device. */
void wrong_fence_w_w(const void *ptr, size_t len)
{
	right_flush(ptr, len);
	__asm__ volatile("fence w, w" : : : "memory");
}
