/* Text on the console of the runtime. */
#ifndef PRINT_H
#define PRINT_H

#include "kpmem_runtime.h"

static inline void print(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	kpmem_runtime_write(text, len);
}

/* A line of words and a number. */
static inline void print_number(const char *words, uint64_t number)
{
	char digits[21];
	size_t at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	print(words);
	print(digits + at);
	print("\n");
}

#endif
