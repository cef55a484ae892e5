/* An object with one of everything that a static library for kernels must not have: another name, a
 * name that it wants, a float register, the panic machinery. It is compiled with tables for
 * unwinding. */

int missing(int number);
int another_name(int number);
double kpmem_float(double one, double other);
void panics(void) __asm__("_ZN4core9panicking5panic17h0123456789abcdefE");

int another_name(int number)
{
	number = missing(number);
	panics();
	return number;
}

double kpmem_float(double one, double other)
{
	return one * other;
}

void panics(void)
{
	for (;;)
		__asm__ volatile("" : : : "memory");
}
