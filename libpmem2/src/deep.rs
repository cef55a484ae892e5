//! `pmem2_deep_flush`.

use std::{
    ffi::{c_int, c_void},
    fs::OpenOptions,
    io::Write,
    path::PathBuf,
};

use kpmem::{Granularity, Hook};
use rustix::io::Errno;

use crate::{
    codes,
    failure::{Failure, Result, answer},
    map::Map,
    page::Msync,
    source::Backing,
    sysfs::{self, Sysfs},
};

/// The deep domain of a region: a byte written to its `deep_flush` has the kernel use the flush
/// hints of its NVDIMMs.
#[derive(Debug)]
struct Region(PathBuf);

impl Region {
    /// None, as an error, if the region has no flush hints: then the kernel takes the byte and does
    /// nothing.
    fn of(sysfs: &Sysfs, backing: Backing) -> Result<Self> {
        let region = sysfs.region_of(backing);
        let region = region.ok_or(codes::DAX_REGION_NOT_FOUND)?;
        let file = sysfs.region(&region).join("deep_flush");
        match sysfs::read(&file)?.as_deref() {
            Some("1") => Ok(Self(file)),
            _ => {
                let text = format!("{region} has no deeper domain than that of persist");
                Err(Failure::new(codes::NOSUPP, text))
            }
        }
    }
}

impl Hook for Region {
    fn flush(&self, _ptr: *const u8, _len: usize) -> std::result::Result<(), i32> {
        Ok(())
    }

    fn drain(&self) -> std::result::Result<(), i32> {
        let written = OpenOptions::new()
            .write(true)
            .open(&self.0)
            .and_then(|mut file| file.write_all(b"1"));
        written.map_err(|error| {
            -Errno::from_io_error(&error)
                .unwrap_or(Errno::IO)
                .raw_os_error()
        })
    }
}

fn deep_flush(map: &Map, sysfs: &Sysfs, ptr: *const u8, len: usize) -> Result<()> {
    let outside = || {
        let text = format!(
            "{len:#x} bytes at {ptr:p} are not inside the map of {:#x} bytes at {:p}",
            map.len, map.base
        );
        Failure::new(codes::DEEP_FLUSH_RANGE, text)
    };
    let at = ptr
        .addr()
        .checked_sub(map.base.addr())
        .ok_or_else(outside)?;
    if map.len.checked_sub(at).is_none_or(|room| room < len) {
        return Err(outside());
    }
    match map.backing {
        Backing::Anonymous => Err(codes::NOSUPP.into()),
        _ if map.private => {
            let text = "what is stored to a private map goes to no file".to_owned();
            Err(Failure::new(codes::NOSUPP, text))
        }
        // The kernel writes the lines back and flushes the device.
        Backing::File(_) if len > 0 => Msync::sync(ptr, len),
        Backing::File(_) => Ok(()),
        Backing::Device(_) => {
            let domain = Region::of(sysfs, map.backing)?;
            // By line: a byte map's own persist would leave the bytes in the caches.
            // SAFETY: the map is live, so its range is mapped.
            let lines = unsafe { kpmem::Map::new(map.base, map.len, Granularity::CacheLine)? };
            Ok(lines.deep_flush(&domain, ptr, len)?)
        }
    }
}

/// Moves a range on to the most reliable domain of the platform, before it returns: a file by
/// `msync`, a DAX device by the flush hints of its region.
///
/// # Safety
/// `map` must be a map that is not deleted meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmem2_deep_flush(map: *const Map, ptr: *mut c_void, len: usize) -> c_int {
    // SAFETY: the caller's.
    answer(deep_flush(
        unsafe { &*map },
        &Sysfs::system(),
        ptr.cast(),
        len,
    ))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use kpmem::Hook;

    use super::{Backing, Region, Sysfs};
    use crate::sysfs::Number;

    #[test]
    fn a_region_without_hints_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let region = root.join("bus/nd/devices/region4");
        let device = region.join("dax4.0");
        fs::create_dir_all(&device).unwrap();
        fs::create_dir_all(root.join("dev/char")).unwrap();
        symlink(&device, root.join("dev/char/252:0")).unwrap();
        let (sysfs, number) = (Sysfs::at(root), |minor| Number { major: 252, minor });
        let of = |minor| Region::of(&sysfs, Backing::Device(number(minor)));
        assert_eq!(of(1).unwrap_err().value(), -100_026);
        assert_eq!(of(0).unwrap_err().value(), -100_001);
        fs::write(region.join("deep_flush"), "0\n").unwrap();
        assert_eq!(of(0).unwrap_err().value(), -100_001);
        fs::write(region.join("deep_flush"), "1\n").unwrap();
        assert_eq!(of(0).unwrap().drain(), Ok(()));
        let gone = of(0).unwrap();
        fs::remove_file(region.join("deep_flush")).unwrap();
        assert_eq!(gone.drain(), Err(-2));
    }
}
