// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* From a device, or from physical addresses, to memory that kpmem can work on. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/version.h>

#include "range.h"

/* A block device is opened in another way in each of these kernels. `holder` makes it exclusive:
 * nobody mounts it while we have it. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
static void *open_device(const char *path, void *holder)
{
	return bdev_file_open_by_path(path, BLK_OPEN_READ | BLK_OPEN_WRITE, holder, NULL);
}

static struct block_device *device_of(void *opened)
{
	return file_bdev(opened);
}

static void close_device(void *opened)
{
	bdev_fput(opened);
}
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define MODE (FMODE_READ | FMODE_WRITE | FMODE_EXCL)

static void *open_device(const char *path, void *holder)
{
	return blkdev_get_by_path(path, MODE, holder);
}

static struct block_device *device_of(void *opened)
{
	return opened;
}

static void close_device(void *opened)
{
	blkdev_put(opened, MODE);
}
#else
#error "Linux 6.5 to 6.8 open block devices in ways of their own, which nobody has tried here"
#endif

/* Where the kernel has mapped all of it. As dm-writecache does, this asks once and keeps the
 * address: it stays as long as the driver is bound. */
static int map_device(struct pmem_range *range, struct block_device *bdev, struct dax_device *dax,
		      u64 offset, const char *path)
{
	long pages = bdev_nr_bytes(bdev) >> PAGE_SHIFT;
	long mapped;

	if (!dax_synchronous(dax)) {
		pr_err("%s: its memory is durable only after a FLUSH that goes to a host or a disk, "
		       "which this module does not ask for\n", path);
		return -EOPNOTSUPP;
	}
	mapped = dax_direct_access(dax, offset >> PAGE_SHIFT, pages, DAX_ACCESS, &range->base, NULL);
	if (mapped < 0) {
		pr_err("%s: not reachable as memory (%ld)\n", path, mapped);
		return mapped;
	}
	if (mapped < pages) {
		pr_err("%s: only %ld of its %ld pages are reachable at once: does it have bad blocks?\n",
		       path, mapped, pages);
		return -EIO;
	}
	range->size = pages << PAGE_SHIFT;
	range->caches_survive = !dax_write_cache_enabled(dax);
	return 0;
}

int range_of_device(struct pmem_range *range, const char *path)
{
	struct block_device *bdev;
	struct dax_device *dax;
	u64 offset;
	int lock, err;

	*range = (struct pmem_range){ .device = open_device(path, range) };
	if (IS_ERR(range->device)) {
		err = PTR_ERR(range->device);
		pr_err("%s: cannot be opened for us alone (%d)\n", path, err);
		return err;
	}
	bdev = device_of(range->device);
	dax = fs_dax_get_by_bdev(bdev, &offset, NULL, NULL);
	if (!dax) {
		pr_err("%s: no DAX: it takes an fsdax namespace (ndctl create-namespace -m fsdax)\n",
		       path);
		err = -EOPNOTSUPP;
		goto close;
	}
	lock = dax_read_lock();
	err = map_device(range, bdev, dax, offset, path);
	dax_read_unlock(lock);
	put_dax(dax);
	if (!err)
		return 0;
close:
	close_device(range->device);
	return err;
}

static bool touches_only(u64 start, u64 size, unsigned long kind)
{
	return region_intersects(start, size, IORESOURCE_MEM, kind) == REGION_INTERSECTS;
}

/* Addresses that nothing is known of count as nothing above, so both ends are looked at. A gap
 * between two ranges is refused later: it is in no range that can be requested. */
static bool is_persistent(u64 start, u64 size)
{
	static const unsigned long kinds[] = {
		IORES_DESC_PERSISTENT_MEMORY,
		IORES_DESC_PERSISTENT_MEMORY_LEGACY, /* memmap= */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (touches_only(start, size, kinds[i]) &&
		    touches_only(start, PAGE_SIZE, kinds[i]) &&
		    touches_only(start + size - PAGE_SIZE, PAGE_SIZE, kinds[i]))
			return true;
	return false;
}

int range_of_addresses(struct pmem_range *range, u64 start, u64 size)
{
	*range = (struct pmem_range){ .start = start, .size = size };
	if (!size || !PAGE_ALIGNED(start) || !PAGE_ALIGNED(size) || start + size < start) {
		pr_err("start=%#llx size=%#llx: not a range of whole pages\n", start, size);
		return -EINVAL;
	}
	/* Anything else in the way of a typing error would be overwritten. */
	if (!is_persistent(start, size)) {
		pr_err("start=%#llx size=%#llx: not all of it is persistent memory by /proc/iomem\n",
		       start, size);
		return -ENXIO;
	}
	if (!request_mem_region(start, size, KBUILD_MODNAME)) {
		pr_err("start=%#llx size=%#llx: a driver has it already: see /proc/iomem, and path=\n",
		       start, size);
		return -EBUSY;
	}
	range->base = memremap(start, size, MEMREMAP_WB);
	if (!range->base) {
		release_mem_region(start, size);
		pr_err("start=%#llx size=%#llx: cannot be mapped\n", start, size);
		return -ENOMEM;
	}
	return 0;
}

void range_put(struct pmem_range *range)
{
	if (range->device) {
		close_device(range->device);
		return;
	}
	memunmap(range->base);
	release_mem_region(range->start, range->size);
}
