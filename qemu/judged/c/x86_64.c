#define LINE 64
#define CLEAN(p) __asm__ volatile("clwb (%0)" : : "r"(p) : "memory")
#define FENCE() __asm__ volatile("sfence" : : : "memory")
#include "loops.h"

/* Needs no fence before what the CPU stores next, but nothing waits for it. */
void wrong_lfence(const void *ptr, size_t len)
{
	right_flush(ptr, len);
	__asm__ volatile("lfence" : : : "memory");
}

/* Past the cache, and nothing drains the buffers. */
void *wrong_memcpy_movnti(void *to, const void *from, size_t len)
{
	size_t i = 0;

	if (((uintptr_t)to & 7) != 0 || len % 8 != 0)
		return right_memmove(to, from, len);
	for (; i < len; i += 8) {
		uint64_t word;
		__builtin_memcpy(&word, (const char *)from + i, 8);
		__asm__ volatile("movnti %1, (%0)" : : "r"((char *)to + i), "r"(word) : "memory");
	}
	return to;
}
