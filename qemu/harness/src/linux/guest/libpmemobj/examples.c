/* An example of libpmemobj-dev, and what a power cut leaves of its pool.
 *
 *	libpmemobj DEVICE EXAMPLE OPERATIONS [careless]
 *
 * The example is a program of the package's, compiled into this one (-DPROGRAM='"FILE"'), whose
 * main is called in a child for each operation, as its command would be: it opens the pool, does
 * one thing, and closes it. After each it is claimed that this was done. Recovery is another call,
 * which opens the pool and prints what is in it. That must be what it printed in a rehearsal after
 * as many operations, or after one more.
 *
 * `careless` has libpmem flush nothing (PMEM_NO_FLUSH): a control that must be found out.
 */
#define main example_main
#include PROGRAM
#undef main

#include <signal.h>
#include <sys/wait.h>

#include "kpmem_linux.h"
#include "table.h"

#define MOST 64
#define LONGEST 4096
/* Seconds that a call may take. */
#define PATIENCE 30

enum { LOST = 1, DIED = 2, HANGS = 3, REFUSES = 4, VERDICTS };

static const struct example *example;
static const char *device;
static char expected[MOST + 1][LONGEST];

static int cannot(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	return 2;
}

/* How a call ended. */
static const char *const ends[VERDICTS] = {
	"is right", "shows something else", "dies", "hangs", "refuses",
};

static int ended(int how, const char *printed)
{
	fprintf(stderr, "%s %s: %s\n", example->name, ends[how], printed);
	return 2;
}

/* Fills in what a call leaves open. */
static void fill(char *text, size_t size, const char *from, int number)
{
	size_t at = 0;

	for (; *from && at + 64 < size; from++) {
		if (from[0] != '%') {
			text[at++] = *from;
			continue;
		}
		from++;
		if (*from == 's')
			at += (size_t)snprintf(text + at, size - at, "%s", device);
		else
			at += (size_t)snprintf(text + at, size - at, "%d", number);
	}
	text[at] = '\0';
}

/* What a child does: the example's main. */
static void child(const struct words *it, int number, int output)
{
	char text[256], input[256], *argv[16], *word;
	int argc = 1, in[2];

	fill(text, sizeof(text), it->arguments, number);
	fill(input, sizeof(input), it->input, number);
	argv[0] = (char *)example->name;
	for (word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	if (pipe(in) || write(in[1], input, strlen(input)) != (ssize_t)strlen(input))
		_exit(120);
	close(in[1]);
	if (dup2(in[0], 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
		_exit(120);
	alarm(PATIENCE);
	exit(example_main(argc, (void *)argv));
}

static int by_content(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Puts the words of a text in order. */
static void sort(char *text)
{
	char copy[LONGEST], *all[LONGEST / 2], *word;
	size_t count = 0, each;

	strcpy(copy, text);
	for (word = strtok(copy, " \n"); word; word = strtok(NULL, " \n"))
		all[count++] = word;
	qsort(all, count, sizeof(all[0]), by_content);
	*text = '\0';
	for (each = 0; each < count; each++)
		strcat(strcat(text, all[each]), " ");
}

/* Calls the example: 0, or how it ended. What it printed is in `printed`, LONGEST bytes. */
static int call(const struct words *it, int number, char *printed)
{
	int out[2], status;
	size_t at = 0;
	ssize_t got;
	pid_t pid;

	fflush(stdout);
	if (pipe(out))
		return REFUSES;
	pid = fork();
	if (pid == 0) {
		close(out[0]);
		child(it, number, out[1]);
	}
	close(out[1]);
	while (at + 1 < LONGEST && (got = read(out[0], printed + at, LONGEST - 1 - at)) > 0)
		at += (size_t)got;
	printed[at] = '\0';
	close(out[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return REFUSES;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? HANGS : DIED;
	if (WEXITSTATUS(status))
		return REFUSES;
	return 0;
}

static int change(int number, char *printed)
{
	if (number % 4 == 0 && example->remove.arguments)
		return call(&example->remove, number - 2, printed);
	return call(&example->insert, number, printed);
}

static int show(char *printed)
{
	int error = call(&example->show, 0, printed);

	if (example->unordered)
		sort(printed);
	return error;
}

/* An empty pool. */
static int fresh(void)
{
	char printed[LONGEST];
	int file = open(device, O_RDWR), error;
	size_t size = 8 << 20;
	PMEMobjpool *pool;
	void *memory;

	if (file < 0)
		return cannot(device, strerror(errno));
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED)
		return cannot(device, strerror(errno));
	memset(memory, 0, size);
	munmap(memory, size);
	close(file);
	pool = pmemobj_create(device, example->layout, 0, 0600);
	if (!pool)
		return cannot("a pool", pmemobj_errormsg());
	pmemobj_close(pool);
	error = example->prepare.arguments ? call(&example->prepare, 0, printed) : 0;
	return error ? ended(error, printed) : 0;
}

/* What it prints after so many operations. */
static int rehearse(int operations)
{
	char printed[LONGEST];
	int number, error;

	if (fresh())
		return 2;
	for (number = 0; number <= operations; number++) {
		error = number ? change(number, printed) : 0;
		if (error)
			return ended(error, printed);
		error = show(expected[number]);
		if (error)
			return ended(error, expected[number]);
		if (number && !strcmp(expected[number], expected[number - 1]))
			return cannot(example->name, "an operation changes nothing");
	}
	return fresh();
}

/* Recovery: 0 if everything that was claimed is there, and nothing is half there. */
static int judge(const char *printed, int error, uint64_t claims, int operations)
{
	if (error)
		return error;
	if (!strcmp(printed, expected[claims]))
		return 0;
	if (claims < (uint64_t)operations && !strcmp(printed, expected[claims + 1]))
		return 0;
	return LOST;
}

/* A new boot on a crash image. What is there is read before the rehearsal changes it. */
static int reboot(const struct kpmem_crash *crash, int operations)
{
	char printed[LONGEST];
	int error = show(printed);

	if (rehearse(operations))
		return 2;
	printf("verdict %d\n", judge(printed, error, crash->claims, operations));
	return 0;
}

int main(int argc, char **argv)
{
	int operations, number, error, code, seen[VERDICTS] = { 0 };
	char printed[LONGEST];
	struct kpmem_simulator sim;
	struct kpmem_crash crash;
	size_t each;

	if (argc < 4)
		return cannot(argv[0], "DEVICE EXAMPLE OPERATIONS [careless]");
	device = argv[1];
	for (each = 0; each < sizeof(examples) / sizeof(examples[0]); each++)
		if (!strcmp(argv[2], examples[each].name))
			example = &examples[each];
	operations = atoi(argv[3]);
	if (!example || operations < 1 || operations > MOST)
		return cannot(argv[0], "no such example, or not 1 to 64 operations");
	/* The libraries read these when they are loaded. Shutdown states are a count of the
	 * device's that an emulated one does not have; to look for it takes as long as the rest. */
	if (!getenv("PMEMOBJ_CONF")) {
		setenv("PMEMOBJ_CONF", "sds.at_create=0", 1);
		if (argc > 4 && !strcmp(argv[4], "careless"))
			setenv("PMEM_NO_FLUSH", "1", 1);
		execv("/proc/self/exe", argv);
		return cannot(argv[0], strerror(errno));
	}
	error = kpmem_attach(&sim);
	/* Without a simulator only the rehearsal is done. */
	if (error && error != ENODEV)
		return cannot("the simulator", strerror(error));
	if (kpmem_rebooted(&sim, &crash))
		return reboot(&crash, operations);
	if (rehearse(operations))
		return 2;
	if (!sim.mailbox) {
		for (number = 0; number <= operations; number++)
			printf("after %d: %s\n", number, expected[number]);
		return 0;
	}

	kpmem_begin(1);
	for (number = 1, error = 0; !error && number <= operations; number++) {
		error = change(number, printed);
		if (!error)
			kpmem_claim(NULL, 0, (uint64_t)number);
	}
	kpmem_end();
	if (error)
		return ended(error, printed);

	while (kpmem_cut(&sim, &crash)) {
		code = judge(printed, show(printed), crash.claims, operations);
		if (code && !seen[code])
			printf("after %llu operations it %s: %s\n",
			       (unsigned long long)crash.claims, ends[code], printed);
		seen[code]++;
		kpmem_verdict((uint64_t)code);
	}
	printf("%s", example->name);
	for (code = 0; code < VERDICTS; code++)
		printf("%c %s on %d", code ? ',' : ':', ends[code], seen[code]);
	printf(" crash images\n");
	return 0;
}
