/* kpmem-mark: what the crash simulator is told from outside, for programs that cannot be changed.
 *
 *	kpmem-mark begin [NUMBER]	a workload begins: what memory holds is durable
 *	kpmem-mark point		crash images of this moment are wanted
 *	kpmem-mark claims NUMBER	the same, and so much has been acknowledged by now
 *	kpmem-mark end			the workload is over
 *	kpmem-mark next			puts the next crash image in memory and prints how many times
 *					something had been acknowledged, and the last number; fails
 *					when there are no more images
 *	kpmem-mark booted		the same of the image that this boot was made on
 *	kpmem-mark verdict CODE		what recovery found: 0 is good
 */
#include "kpmem_linux.h"

static int fail(const char *what)
{
	fprintf(stderr, "kpmem-mark: %s\n", what);
	return 2;
}

static int said(const struct kpmem_crash *crash)
{
	printf("%llu %llu\n", (unsigned long long)crash->claims,
	       (unsigned long long)crash->last_claim);
	return 0;
}

/* Whether so many numbers go with a word. */
static int fits(const char *word, int numbers)
{
	if (!strcmp(word, "begin"))
		return numbers <= 1;
	if (!strcmp(word, "claims") || !strcmp(word, "verdict"))
		return numbers == 1;
	return numbers == 0;
}

static int parse(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	uint64_t number = 1;
	struct kpmem_simulator sim;
	struct kpmem_crash crash;
	int error;

	if (argc > 1 && !fits(word, argc - 2))
		return fail("begin may have one number, claims and verdict must, the others none");
	if (argc > 2 && !parse(argv[2], &number))
		return fail("that is no number from 0 to 2^64 - 1");
	if (!strcmp(word, "begin"))
		kpmem_begin(number);
	else if (!strcmp(word, "point"))
		kpmem_crash_point();
	else if (!strcmp(word, "claims"))
		kpmem_claim(NULL, 0, number);
	else if (!strcmp(word, "end"))
		kpmem_end();
	else if (!strcmp(word, "verdict"))
		kpmem_verdict(number);
	else if (strcmp(word, "next") && strcmp(word, "booted"))
		return fail("say begin, point, claims NUMBER, end, next, booted or verdict CODE");
	else {
		error = kpmem_attach(&sim);
		if (error)
			return fail(strerror(error));
		if (!strcmp(word, "booted"))
			return kpmem_rebooted(&sim, &crash) ? said(&crash) : 1;
		return kpmem_cut(&sim, &crash) ? said(&crash) : 1;
	}
	return 0;
}
