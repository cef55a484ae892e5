/* kpmem_marks.h at work: every mark once, in the order of their numbers, and claims by C code. */
#if defined(__x86_64__)
#include "x86_64.c"
#elif defined(__aarch64__)
#include "aarch64.c"
#else
#include "riscv64.c"
#endif
#include "kpmem_marks.h"

int all_marks(char *base, size_t size)
{
	struct kpmem_crash crash;

	kpmem_begin(1);
	kpmem_end();
	kpmem_claim(base, 8, 1);
	kpmem_crash_point();
	if (kpmem_next_crash(base + size - KPMEM_MAILBOX, &crash))
		kpmem_verdict(crash.claims);
	kpmem_mapped(base, 0x100000000, 4096);
	return kpmem_again(base + size - KPMEM_MAILBOX);
}

void right_claim(const void *ptr, size_t len)
{
	right_persist(ptr, len);
	if (len)
		kpmem_claim(ptr, len, 77);
}

void wrong_claim(const void *ptr, size_t len)
{
	kpmem_claim(ptr, len, 77);
	right_persist(ptr, len);
}
