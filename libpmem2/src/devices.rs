//! The NVDIMMs behind a source: their names, how often they lost data, and where they are.

use std::{
    ffi::{c_char, c_int},
    path::{Path, PathBuf},
    ptr::copy_nonoverlapping,
};

use crate::{
    codes,
    failure::{Failure, Result, answer},
    source::{Backing, Source},
    sysfs::{self, Sysfs},
};

/// The NVDIMMs of the source's region, which has none where firmware names none (`memmap=`); an
/// error if it is in no region.
fn dimms(sysfs: &Sysfs, backing: Backing) -> Result<Vec<PathBuf>> {
    match sysfs.region_of(backing) {
        Some(region) => Ok(sysfs.dimms(&region)),
        None => {
            let text = "the source is in no region of persistent memory".to_owned();
            Err(Failure::new(codes::NOSUPP, text))
        }
    }
}

fn attribute(dimm: &Path, name: &str) -> Result<String> {
    let file = dimm.join("nfit").join(name);
    sysfs::read(&file)?
        .ok_or_else(|| Failure::new(codes::NOSUPP, format!("there is no {}", file.display())))
}

/// The unique names of all of them, one after another.
fn names(sysfs: &Sysfs, backing: Backing) -> Result<String> {
    let dimms = dimms(sysfs, backing)?;
    dimms.iter().map(|dimm| attribute(dimm, "id")).collect()
}

/// The sum of their counts of unsafe shutdowns.
fn unsafe_shutdowns(sysfs: &Sysfs, backing: Backing) -> Result<u64> {
    let dimms = dimms(sysfs, backing)?;
    let counts = dimms.iter().map(|dimm| {
        let text = attribute(dimm, "dirty_shutdown")?;
        sysfs::parse(&text)
            .and_then(|count| u64::try_from(count).ok())
            .ok_or_else(|| {
                let text = format!("{}: dirty_shutdown is {text:?}", dimm.display());
                Failure::new(codes::NOSUPP, text)
            })
    });
    counts.sum()
}

/// The unique name of what is behind a source, as a string; if `id` is null, only its length with
/// the byte of 0 at its end.
///
/// # Safety
/// `source` must be a source, `len` valid, and `id` null or valid for writes of `*len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_device_id(
    source: *const Source,
    id: *mut c_char,
    len: *mut usize,
) -> c_int {
    // SAFETY: the caller's.
    let (source, room) = unsafe { (&*source, *len) };
    answer(names(&Sysfs::system(), source.backing).and_then(|names| {
        let needed = names.len() + 1;
        if id.is_null() {
            // SAFETY: the caller's.
            unsafe { *len = needed };
            return Ok(());
        }
        if room < needed {
            return Err(codes::BUFFER_TOO_SMALL.into());
        }
        // SAFETY: the caller's, and there is room.
        unsafe {
            copy_nonoverlapping(names.as_ptr().cast(), id, names.len());
            *id.add(names.len()) = 0;
        }
        Ok(())
    }))
}

/// How often the NVDIMMs lost power before they had written all.
///
/// # Safety
/// `source` must be a source, and `count` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_device_usc(source: *const Source, count: *mut u64) -> c_int {
    // SAFETY: the caller's.
    let source = unsafe { &*source };
    answer(
        unsafe_shutdowns(&Sysfs::system(), source.backing).map(|sum| {
            // SAFETY: the caller's.
            unsafe { *count = sum };
        }),
    )
}

fn numa_node(sysfs: &Sysfs, backing: Backing) -> Result<c_int> {
    if backing == Backing::Anonymous {
        return Err(codes::NOSUPP.into());
    }
    let region = sysfs.region_of(backing);
    let region = region.ok_or(codes::DAX_REGION_NOT_FOUND)?;
    let text = sysfs::read(&sysfs.region(&region).join("numa_node"))?;
    let node = text.and_then(|text| text.parse().ok());
    node.ok_or_else(|| codes::NOSUPP.into())
}

/// The NUMA node of what is behind a source; -1 if the kernel knows none.
///
/// # Safety
/// `source` must be a source, and `node` valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_source_numa_node(source: *const Source, node: *mut c_int) -> c_int {
    // SAFETY: the caller's.
    let source = unsafe { &*source };
    answer(numa_node(&Sysfs::system(), source.backing).map(|found| {
        // SAFETY: the caller's.
        unsafe { *node = found };
    }))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::{Backing, Sysfs, names, numa_node, unsafe_shutdowns};
    use crate::sysfs::Number;

    #[test]
    fn names_are_joined_and_counts_added() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let bus = root.join("bus/nd/devices");
        let device = bus.join("region2/namespace2.0/block/pmem2");
        fs::create_dir_all(&device).unwrap();
        fs::create_dir_all(root.join("dev/block")).unwrap();
        symlink(&device, root.join("dev/block/259:5")).unwrap();
        let of = |minor| Backing::File(Number { major: 259, minor });
        let sysfs = Sysfs::at(root);
        assert_eq!(names(&sysfs, of(4)).unwrap_err().value(), -100_001);
        assert_eq!(
            unsafe_shutdowns(&sysfs, of(4)).unwrap_err().value(),
            -100_001
        );
        assert_eq!(numa_node(&sysfs, of(4)).unwrap_err().value(), -100_026);
        // A region without NVDIMMs.
        assert_eq!(names(&sysfs, of(5)).unwrap(), "");
        assert_eq!(unsafe_shutdowns(&sysfs, of(5)).unwrap(), 0);
        for (number, count) in [(0, "3\n"), (1, "4\n")] {
            let nfit = bus.join(format!("nmem{number}/nfit"));
            fs::create_dir_all(&nfit).unwrap();
            fs::write(nfit.join("id"), format!("8089-a2-{number}\n")).unwrap();
            fs::write(nfit.join("dirty_shutdown"), count).unwrap();
            let mapping = bus.join(format!("region2/mapping{number}"));
            fs::write(mapping, format!("nmem{number},0,4096,{number}\n")).unwrap();
        }
        fs::write(bus.join("region2/numa_node"), "1\n").unwrap();
        assert_eq!(names(&sysfs, of(5)).unwrap(), "8089-a2-08089-a2-1");
        assert_eq!(unsafe_shutdowns(&sysfs, of(5)).unwrap(), 7);
        assert_eq!(numa_node(&sysfs, of(5)).unwrap(), 1);
        fs::write(bus.join("nmem1/nfit/dirty_shutdown"), "many\n").unwrap();
        assert_eq!(
            unsafe_shutdowns(&sysfs, of(5)).unwrap_err().value(),
            -100_001
        );
    }
}
