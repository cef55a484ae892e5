//! What a guest makes of its NVDIMM.

use super::mkfs;
use crate::{arch::Arch, image::Image};
use anyhow::{Result, ensure};
use clap::ValueEnum;

/// Memory is described to Linux in pieces of this many bytes.
const PIECE: u64 = 2 << 20;

/// The most that a machine takes.
const LARGEST: u64 = 2 << 30;

/// What it is used as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Nvdimm {
    /// The block device /dev/pmem0, as it is.
    #[default]
    Plain,
    /// ext4 on /pmem, whose files are mapped as they are (DAX).
    Ext4,
    /// XFS, in the same way.
    Xfs,
    /// The character device /dev/dax0.0, which is mapped as a whole.
    Devdax,
}

impl Nvdimm {
    /// As it is called on the command line and by the script of the guest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Devdax => "devdax",
        }
    }

    /// The size that does if none is asked for, in bytes.
    pub fn default_size(self) -> u64 {
        match self {
            Self::Plain | Self::Ext4 | Self::Devdax => 64 << 20,
            Self::Xfs => 320 << 20,
        }
    }

    /// The fewest bytes: mkfs.xfs wants 300 MiB, and a journal of ext4 is some megabytes.
    fn smallest(self) -> u64 {
        match self {
            Self::Plain => PIECE,
            Self::Ext4 | Self::Devdax => 8 << 20,
            Self::Xfs => 304 << 20,
        }
    }

    /// Whether it can be of this size, or a sentence.
    pub fn check(self, size: u64) -> Result<()> {
        let smallest = self.smallest();
        ensure!(
            size.is_multiple_of(PIECE) && (smallest..=LARGEST).contains(&size),
            "an NVDIMM for {} takes whole 2 MiB, from {} MiB to {} MiB; {size} bytes are not that",
            self.name(),
            smallest >> 20,
            LARGEST >> 20
        );
        Ok(())
    }

    /// The drivers that it needs, of which some may be built in; with a question mark those that
    /// are used where they are there.
    pub(super) fn drivers(self, arch: Arch) -> Vec<&'static str> {
        let mut drivers = match arch {
            Arch::X86_64 => vec!["nfit", "nd_btt", "nd_pmem"],
            Arch::Aarch64 | Arch::Riscv64 => vec!["of_pmem", "nd_btt", "nd_pmem"],
        };
        drivers.extend(match self {
            Self::Plain => &[][..],
            // Checksums, of which the file systems ask by another name.
            Self::Ext4 => &["?crc32c_generic", "ext4"],
            Self::Xfs => &["?crc32c_generic", "xfs"],
            Self::Devdax => &["dax_pmem", "device_dax"],
        });
        drivers
    }

    /// The option of the kernel without which the drivers do not do what is asked of them.
    pub(super) fn option(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Ext4 | Self::Xfs => Some("FS_DAX"),
            Self::Devdax => Some("ZONE_DEVICE"),
        }
    }

    /// Bytes before what it is used as. A device tree says that each page is to be described;
    /// firmware does not, and so Linux puts a description of its own in front.
    pub(super) fn offset(self, arch: Arch) -> u64 {
        match (self, arch) {
            (Self::Plain, _) | (Self::Ext4 | Self::Xfs, Arch::Aarch64 | Arch::Riscv64) => 0,
            (Self::Devdax, _) | (_, Arch::X86_64) => PIECE,
        }
    }

    /// A file system of so many bytes, if it has one.
    pub(super) fn file_system(self, size: u64) -> Result<Option<Image>> {
        Ok(match self {
            Self::Plain | Self::Devdax => None,
            Self::Ext4 => Some(mkfs::ext4(size)?),
            Self::Xfs => Some(mkfs::xfs(size)?),
        })
    }
}
