//! What the kernel says of devices of persistent memory, in /sys.
//!
//! Sources: Documentation/ABI/testing/sysfs-bus-nvdimm, sysfs-bus-nfit and sysfs-bus-dax of Linux.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use rustix::io::Errno;

use crate::{
    codes::{self, Code},
    failure::{Failure, Result},
    source::Backing,
};

/// A device's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

/// Where /sys is.
#[derive(Clone, Debug)]
pub(crate) struct Sysfs(PathBuf);

impl Sysfs {
    pub(crate) fn system() -> Self {
        Self::at(Path::new("/sys"))
    }

    pub(crate) fn at(root: &Path) -> Self {
        Self(root.to_owned())
    }

    fn character(&self, number: Number) -> PathBuf {
        let Number { major, minor } = number;
        self.0.join(format!("dev/char/{major}:{minor}"))
    }

    pub(crate) fn block(&self, number: Number) -> PathBuf {
        let Number { major, minor } = number;
        self.0.join(format!("dev/block/{major}:{minor}"))
    }

    /// The folder of a region.
    pub(crate) fn region(&self, name: &str) -> PathBuf {
        self.0.join("bus/nd/devices").join(name)
    }

    /// Whether a character device is a DAX device.
    pub(crate) fn is_dax(&self, number: Number) -> bool {
        let subsystem = fs::canonicalize(self.character(number).join("subsystem"));
        subsystem.is_ok_and(|path| path.ends_with("dax"))
    }

    /// The size of a DAX device in bytes.
    pub(crate) fn dax_size(&self, number: Number) -> Result<usize> {
        self.of_dax(number, "size", codes::INVALID_SIZE_FORMAT)
    }

    /// What offsets and lengths in a DAX device must be multiples of.
    pub(crate) fn dax_alignment(&self, number: Number) -> Result<usize> {
        self.of_dax(number, "align", codes::INVALID_ALIGNMENT_FORMAT)
    }

    /// Where a DAX device begins, as a physical address.
    pub(crate) fn dax_start(&self, number: Number) -> Result<usize> {
        self.of_dax(number, "resource", codes::CANNOT_READ_BOUNDS)
    }

    /// An attribute of a DAX device: the kernel has had it in three places.
    fn of_dax(&self, number: Number, attribute: &str, wrong: Code) -> Result<usize> {
        let device = self.character(number);
        let places = ["", "device", "device/dax_region"].map(|at| device.join(at).join(attribute));
        let text = places.iter().find_map(|place| read(place).ok().flatten());
        let text = text.ok_or_else(|| {
            let text = format!("{} has no {attribute}", device.display());
            Failure::new(codes::DAX_REGION_NOT_FOUND, text)
        })?;
        parse(&text).ok_or_else(|| {
            Failure::new(
                wrong,
                format!("{}: {attribute} is {text:?}", device.display()),
            )
        })
    }

    /// The region that a source lies in; none if it is not on persistent memory.
    pub(crate) fn region_of(&self, backing: Backing) -> Option<String> {
        let link = match backing {
            Backing::Anonymous => return None,
            Backing::File(number) => self.block(number),
            Backing::Device(number) => self.character(number),
        };
        let path = fs::canonicalize(link).ok()?;
        let parts = path.iter().filter_map(|part| part.to_str());
        // The innermost: a device is inside its region.
        let mut regions = parts.filter(|part| number_of(part, "region").is_some());
        regions.next_back().map(str::to_owned)
    }

    /// Whether the CPU's caches are flushed when power fails: for this region, or if it is not
    /// known, for all that there are.
    pub(crate) fn caches_are_flushed(&self, region: Option<&str>) -> bool {
        let flushed = |folder: PathBuf| {
            let domain = read(&folder.join("persistence_domain"));
            domain.is_ok_and(|text| text.as_deref() == Some("cpu_cache"))
        };
        if let Some(region) = region {
            return flushed(self.region(region));
        }
        let folders = fs::read_dir(self.0.join("bus/nd/devices"));
        let names = folders.into_iter().flatten().flatten();
        let regions = names.filter(|entry| {
            let name = entry.file_name();
            name.to_str()
                .is_some_and(|name| number_of(name, "region").is_some())
        });
        let all: Vec<bool> = regions.map(|region| flushed(region.path())).collect();
        !all.is_empty() && all.into_iter().all(|flushed| flushed)
    }

    /// The folders of the NVDIMMs that a region lies on.
    pub(crate) fn dimms(&self, region: &str) -> Vec<PathBuf> {
        let mut dimms = Vec::new();
        while let Ok(Some(mapping)) =
            read(&self.region(region).join(format!("mapping{}", dimms.len())))
        {
            // nmem0,0,268435456,0
            let Some(name) = mapping.split(',').next() else {
                break;
            };
            dimms.push(self.region(name));
        }
        dimms
    }
}

/// The number at the end of a name.
fn number_of(name: &str, kind: &str) -> Option<u32> {
    name.strip_prefix(kind)?.parse().ok()
}

/// A number as sysfs has them, decimal or hexadecimal.
pub(crate) fn parse(text: &str) -> Option<usize> {
    match text.strip_prefix("0x") {
        Some(digits) => usize::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// An attribute without the space around it; none if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

pub(crate) fn failed(path: &Path, error: &io::Error) -> Failure {
    let errno = Errno::from_io_error(error).unwrap_or(Errno::IO);
    Failure::of_call(&path.display().to_string(), errno)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::{Backing, Number, Sysfs};

    const BLOCK: Number = Number {
        major: 259,
        minor: 1,
    };
    const DAX: Number = Number {
        major: 252,
        minor: 3,
    };

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A machine with two regions: a block device in one, a DAX device in the other.
    fn machine() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let bus = "devices/LNXSYSTM:00/ndbus0";
        for (region, domain) in [(0, "memory_controller"), (1, "cpu_cache")] {
            let at = format!("{bus}/region{region}");
            write(
                root,
                &format!("{at}/persistence_domain"),
                &format!("{domain}\n"),
            );
            write(
                root,
                &format!("{at}/mapping0"),
                &format!("nmem{region},0,1048576,0\n"),
            );
            fs::create_dir_all(root.join("bus/nd/devices")).unwrap();
            let link = root.join(format!("bus/nd/devices/region{region}"));
            symlink(root.join(&at), link).unwrap();
        }
        let block = format!("{bus}/region0/namespace0.0/block/pmem0");
        let dax = format!("{bus}/region1/dax1.0/dax/dax1.0");
        write(root, &format!("{block}/size"), "2048\n");
        write(root, &format!("{dax}/size"), "4194304\n");
        write(root, &format!("{dax}/align"), "2097152\n");
        write(root, "bus/dax/uevent", "");
        symlink(root.join("bus/dax"), root.join(format!("{dax}/subsystem"))).unwrap();
        for (kind, number, path) in [("block", BLOCK, block), ("char", DAX, dax)] {
            let folder = root.join("dev").join(kind);
            fs::create_dir_all(&folder).unwrap();
            let link = folder.join(format!("{}:{}", number.major, number.minor));
            symlink(root.join(path), link).unwrap();
        }
        dir
    }

    #[test]
    fn regions_are_found_by_device() {
        let machine = machine();
        let sysfs = Sysfs::at(machine.path());
        let region = |backing| sysfs.region_of(backing);
        assert_eq!(region(Backing::File(BLOCK)).as_deref(), Some("region0"));
        assert_eq!(region(Backing::Device(DAX)).as_deref(), Some("region1"));
        assert_eq!(region(Backing::File(DAX)), None);
        assert_eq!(region(Backing::Anonymous), None);
    }

    #[test]
    fn the_domain_is_that_of_the_region_or_of_all() {
        let machine = machine();
        let sysfs = Sysfs::at(machine.path());
        assert!(!sysfs.caches_are_flushed(Some("region0")));
        assert!(sysfs.caches_are_flushed(Some("region1")));
        assert!(!sysfs.caches_are_flushed(Some("region2")));
        assert!(!sysfs.caches_are_flushed(None));
        write(
            machine.path(),
            "bus/nd/devices/region0/persistence_domain",
            "cpu_cache\n",
        );
        assert!(sysfs.caches_are_flushed(None));
        assert!(!Sysfs::at(&machine.path().join("bus/dax")).caches_are_flushed(None));
    }

    #[test]
    fn a_dax_device_has_size_and_alignment() {
        let machine = machine();
        let sysfs = Sysfs::at(machine.path());
        assert!(sysfs.is_dax(DAX) && !sysfs.is_dax(BLOCK));
        assert_eq!(sysfs.dax_size(DAX).unwrap(), 4 << 20);
        assert_eq!(sysfs.dax_alignment(DAX).unwrap(), 2 << 20);
        assert_eq!(sysfs.dax_start(DAX).unwrap_err().value(), -100_026);
        write(machine.path(), "dev/char/252:3/size", "many\n");
        assert_eq!(sysfs.dax_size(DAX).unwrap_err().value(), -100_014);
    }
}
