/* Says a mark to the crash simulator, for a program that cannot say it itself.
 *
 *	kpmem-mark begin	what memory holds now is durable
 *	kpmem-mark point	a crash may come at this moment
 *	kpmem-mark end
 *
 * It needs no library: its own system call is to end. */
#include "kpmem_marks.h"

__attribute__((noreturn)) static void leave(long status)
{
	for (;;) {
#if defined(__x86_64__)
		__asm__ volatile("syscall" : : "a"(231L), "D"(status) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
		register long number __asm__("x8") = 94, first __asm__("x0") = status;
		__asm__ volatile("svc #0" : : "r"(number), "r"(first) : "memory");
#else
		register long number __asm__("a7") = 94, first __asm__("a0") = status;
		__asm__ volatile("ecall" : : "r"(number), "r"(first) : "memory");
#endif
	}
}

/* What the kernel leaves on the stack: the number of words, then the words. */
__attribute__((used, noreturn)) static void start(const long *stack)
{
	const char *const *words = (const char *const *)(stack + 1);

	switch (stack[0] == 2 ? words[1][0] : 0) {
	case 'b':
		kpmem_begin(1);
		break;
	case 'p':
		kpmem_crash_point();
		break;
	case 'e':
		kpmem_end();
		break;
	default:
		leave(2);
	}
	leave(0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tb start\n");
#else
__asm__(".globl _start\n_start:\n\tmv a0, sp\n\tj start\n");
#endif
