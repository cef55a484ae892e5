/* virtio-pmem: a device over MMIO, made of memory, that the driver's waits bring to life. */
#include "check.h"

#define PAGE KPMEM_VIRTIO_QUEUE_SIZE

static uint32_t registers[0x140 / 4];
static unsigned char pages[2 * PAGE];

struct device {
	int answers;	 /* whether it answers at all */
	uint32_t result; /* what it answers */
	unsigned int served;
};

/* Answers the request in the queue, if there is one (VIRTIO 1.2, 2.7): descriptors of 16 bytes, an
 * available ring, a used ring. Numbers are little-endian, as are the CPUs. */
static int again(void *context, uint64_t looks)
{
	struct device *device = (struct device *)context;
	unsigned char *descriptors, *available, *used;
	uint64_t address;
	uint16_t index;
	uint32_t element[2] = { 0, 4 };

	if (!device->answers)
		return looks < 10;
	memcpy(&address, &registers[0x080 / 4], 8);
	descriptors = (unsigned char *)(uintptr_t)address;
	memcpy(&address, &registers[0x090 / 4], 8);
	available = (unsigned char *)(uintptr_t)address;
	memcpy(&address, &registers[0x0a0 / 4], 8);
	used = (unsigned char *)(uintptr_t)address;

	memcpy(&index, available + 2, 2);
	if (index != (uint16_t)device->served) {
		memcpy(&address, descriptors + 16, 8); /* the second one is the answer's */
		memcpy((void *)(uintptr_t)address, &device->result, 4);
		memcpy(used + 4 + 8 * (device->served % 2), element, 8);
		device->served++;
		index = (uint16_t)device->served;
		memcpy(used + 2, &index, 2);
	}
	return looks < 10;
}

/* A device of version 2 with 64 KiB at 16 MiB, which it tells by shared memory region 0. */
static void power_on(void)
{
	memset(registers, 0, sizeof(registers));
	registers[0x000 / 4] = 0x74726976;
	registers[0x004 / 4] = 2;
	registers[0x008 / 4] = 27;
	registers[0x010 / 4] = 1; /* in both halves: bits 0 and 32 */
	registers[0x034 / 4] = 8;
	registers[0x0b0 / 4] = MEMORY_SIZE;
	registers[0x0b8 / 4] = 16 << 20;
	registers[0x100 / 4] = 16 << 20;
	registers[0x108 / 4] = MEMORY_SIZE;
}

static uint32_t read_nothing(void *context, uint8_t offset)
{
	(void)context;
	(void)offset;
	return 0xffffffff;
}

static void write_nothing(void *context, uint8_t offset, uint32_t value)
{
	(void)context;
	(void)offset;
	(void)value;
}

static void *map_nothing(void *context, unsigned int bar, uint64_t address, uint64_t len)
{
	(void)context;
	(void)bar;
	(void)address;
	(void)len;
	return NULL;
}

static void setups(struct kpmem_virtio_setup setup)
{
	struct kpmem_virtio virtio;
	struct kpmem_pci pci = { read_nothing, write_nothing, map_nothing, NULL };
	size_t size = sizeof(registers);

	RETURNS(KPMEM_E_ARGUMENT, kpmem_virtio_init_mmio(&virtio, NULL, size, &setup));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_virtio_init_mmio(&virtio, registers, size, NULL));
	RETURNS(KPMEM_E_HANDLE, kpmem_virtio_init_mmio(NULL, registers, size, &setup));
	RETURNS(-19, kpmem_virtio_init_mmio(&virtio, registers, 8, &setup));
	RETURNS(-19, kpmem_virtio_init_mmio(&virtio, memory, size, &setup));
	RETURNS(-19, kpmem_virtio_init_pci(&virtio, &pci, &setup));
	pci.map = NULL;
	RETURNS(KPMEM_E_ARGUMENT, kpmem_virtio_init_pci(&virtio, &pci, &setup));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_virtio_init_pci(&virtio, NULL, &setup));
	setup.queue = (unsigned char *)setup.queue + 8;
	RETURNS(KPMEM_E_MISALIGNED, kpmem_virtio_init_mmio(&virtio, registers, size, &setup));
	setup.queue = NULL;
	RETURNS(KPMEM_E_ARGUMENT, kpmem_virtio_init_mmio(&virtio, registers, size, &setup));
	setup.queue = memory;
	setup.queue_address_kind = 3;
	RETURNS(KPMEM_E_ARGUMENT, kpmem_virtio_init_mmio(&virtio, registers, size, &setup));
	setup.queue_address_kind = 0;
	setup.again = NULL;
	RETURNS(KPMEM_E_ARGUMENT, kpmem_virtio_init_mmio(&virtio, registers, size, &setup));
}

void test_virtio(void)
{
	struct device device = { 1, 0, 0 };
	struct kpmem_virtio virtio;
	struct kpmem_virtio_setup setup;
	struct kpmem_region region;
	struct kpmem_hook hook = { NULL, kpmem_virtio_flush, NULL };
	struct kpmem_map map;

	setup.queue = pages + (PAGE - (uintptr_t)pages % PAGE) % PAGE;
	setup.queue_address = (uintptr_t)setup.queue;
	setup.queue_address_kind = KPMEM_VIRTIO_PHYSICAL;
	setup.again = again;
	setup.context = &device;
	power_on();
	memset(memory, 0, 4096);
	setups(setup);

	RETURNS(0, kpmem_virtio_init_mmio(&virtio, registers, sizeof(registers), &setup));
	RETURNS(-19, kpmem_virtio_flush(&virtio));
	RETURNS(-19, kpmem_virtio_failure(&virtio));
	RETURNS(KPMEM_E_NO_MORE, kpmem_virtio_region(&virtio, &region));
	RETURNS(0, kpmem_virtio_start(&virtio, &region));
	CHECK("the device tells where its memory is",
	      region.base == 16 << 20 && region.len == MEMORY_SIZE);
	RETURNS(0, kpmem_virtio_region(&virtio, &region));
	RETURNS(0, kpmem_virtio_failure(&virtio));
	RETURNS(0, kpmem_virtio_flush(&virtio));
	CHECK("a flush is one request", device.served == 1);

	hook.context = &virtio;
	RETURNS(0, kpmem_map_init_hook(&map, memory, MEMORY_SIZE, &hook));
	RETURNS(0, kpmem_map_flush(&map, memory, 8));
	RETURNS(0, kpmem_map_persist(&map, memory + 99, 8));
	CHECK("flushes of a map share a request", device.served == 2);
	device.result = 1;
	RETURNS(-5, kpmem_map_persist(&map, memory, 8));
	RETURNS(-5, kpmem_virtio_failure(&virtio));
	CHECK("after a failure nothing is asked",
	      kpmem_map_drain(&map) == -5 && device.served == 3);

	device.result = device.served = 0;
	registers[0x044 / 4] = 0; /* as a reset does */
	RETURNS(0, kpmem_virtio_start(&virtio, &region));
	RETURNS(0, kpmem_map_persist(&map, memory, 8));
	device.answers = 0;
	RETURNS(-110, kpmem_map_persist(&map, memory, 8));
	RETURNS(KPMEM_E_HANDLE, kpmem_virtio_start(NULL, &region));
	RETURNS(KPMEM_E_HANDLE, kpmem_virtio_failure(NULL));
	RETURNS(0, kpmem_map_fini(&map));
	RETURNS(0, kpmem_virtio_fini(&virtio));
	RETURNS(KPMEM_E_HANDLE, kpmem_virtio_fini(&virtio));
}
