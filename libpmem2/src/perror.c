/* pmem2_perror takes arguments like printf, which a function in Rust cannot. */
#include <stdarg.h>
#include <stdio.h>

const char *pmem2_errormsg(void);
void pmem2_perror(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

void pmem2_perror(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, ": %s\n", pmem2_errormsg());
}
