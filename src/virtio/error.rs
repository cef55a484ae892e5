//! What can be wrong with a device.

use core::fmt;

use super::Region;

/// Why a device was not found, not started, or did not make stores durable.
///
/// ```
/// use kpmem::virtio::Error;
///
/// // What a page map over the device returns as `Error::Sync`.
/// assert_eq!(Error::Refused { ret: 1 }.code(), -5);
/// assert_eq!(Error::TimedOut.code(), -110);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The registers of an MMIO device end too soon.
    WindowTooSmall {
        /// How many bytes there are.
        size: usize,
        /// How many are needed.
        needed: usize,
    },
    /// No MMIO device: another magic number.
    NotMmio {
        /// What was read instead.
        magic: u32,
    },
    /// An MMIO device of another version: 1 is a legacy device.
    MmioVersion {
        /// Its version.
        version: u32,
    },
    /// Another kind of virtio device. 0 is a place without one.
    WrongDevice {
        /// Its number.
        id: u32,
    },
    /// The PCI function is something else. Both numbers are `0xffff` where there is none.
    WrongPciDevice {
        /// Its vendor's number.
        vendor: u16,
        /// Its number.
        device: u16,
    },
    /// The PCI function's list of capabilities is malformed.
    Capability {
        /// Where in the configuration space.
        offset: u8,
        /// What is wrong there.
        problem: &'static str,
    },
    /// The PCI function does not tell of registers that are needed (by a memory BAR, and not by
    /// I/O ports).
    MissingCapability {
        /// Which.
        name: &'static str,
    },
    /// A base address register that is needed is not as it should be.
    Bar {
        /// Its number.
        bar: u8,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The kernel did not map registers, or not all of them.
    NotMapped {
        /// In this base address register.
        bar: u8,
        /// At this bus address.
        address: u64,
        /// So many bytes.
        len: u64,
    },
    /// The queue's notification register is not inside the others, or not aligned.
    Notification {
        /// Where it would be.
        offset: u64,
        /// How many bytes of registers there are.
        len: u64,
    },
    /// The queue's memory is not at the address of a page.
    QueueAddress {
        /// Where it is.
        address: u64,
    },
    /// The device did not finish a reset in time: it still has the queue's memory.
    ResetTimedOut {
        /// Its status.
        status: u8,
    },
    /// All bits of the status read as 1: the device is not there any more.
    Gone,
    /// The device says that it cannot go on without a reset.
    NeedsReset,
    /// The status is neither what the driver wrote, nor a call for a reset.
    Status {
        /// What the driver wrote.
        expected: u8,
        /// What it reads.
        found: u8,
    },
    /// The device does not offer version 1 of the specification.
    Legacy {
        /// What it offers.
        features: u64,
    },
    /// The device's addresses are translated by the platform, and a physical one was given.
    AddressesTranslated,
    /// The device's addresses are physical ones, and one was given that the platform translates.
    AddressesNotTranslated,
    /// The device does not agree to features that it offered.
    FeaturesRefused {
        /// What the driver took.
        features: u64,
    },
    /// The device allows fewer descriptors than a request has. 0: it has no queue.
    QueueSize {
        /// How many.
        size: u32,
    },
    /// The queue is in use right after a reset.
    QueueInUse,
    /// The queue was put in use, and is not.
    QueueNotEnabled,
    /// The configuration changed each time that it was read.
    ConfigUnstable,
    /// The device has no persistent memory, or none with an address.
    NoRegion {
        /// What it tells.
        region: Region,
    },
    /// The persistent memory runs past the top of the address space.
    RegionWraps {
        /// What the device tells.
        region: Region,
    },
    /// The persistent memory does not begin and end with a page.
    RegionUnaligned {
        /// What the device tells.
        region: Region,
    },
    /// The persistent memory is not where it was when the device was started before.
    RegionMoved {
        /// Where it was.
        before: Region,
        /// What the device tells now.
        region: Region,
    },
    /// The device was not started, or was stopped.
    NotStarted,
    /// The device did not answer a FLUSH in time. It still has the queue's memory.
    TimedOut,
    /// The device counts another number of answers than there were requests: it answered one that
    /// was not made, or took an answer back.
    UsedIndex {
        /// The number that it should have come to.
        expected: u16,
        /// Its number.
        found: u16,
    },
    /// The device answered another request than the one that was made.
    UsedDescriptor {
        /// The descriptor that it names; the request's was 0.
        id: u32,
    },
    /// The device says that its answer has another length than 4 bytes.
    UsedLength {
        /// That length, in bytes.
        len: u32,
    },
    /// The device says that it answered, and wrote no answer.
    Unanswered,
    /// The device could not make stores durable.
    Refused {
        /// What it answered; 0 would be success.
        ret: u32,
    },
}

impl Error {
    /// The code that a [`Hook`](crate::Hook) returns for it, by the numbers of Linux:
    ///
    /// | code | | what |
    /// |---|---|---|
    /// | -5 | `EIO` | the device could not make stores durable |
    /// | -19 | `ENODEV` | not started, not there any more, needs a reset, or not a device for us |
    /// | -71 | `EPROTO` | the device does what the specification forbids |
    /// | -110 | `ETIMEDOUT` | it took longer than the caller would wait |
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Refused { .. } => -5,
            Self::TimedOut | Self::ResetTimedOut { .. } => -110,
            Self::UsedIndex { .. }
            | Self::UsedDescriptor { .. }
            | Self::UsedLength { .. }
            | Self::Unanswered
            | Self::Status { .. }
            | Self::QueueInUse
            | Self::QueueNotEnabled
            | Self::ConfigUnstable
            | Self::FeaturesRefused { .. } => -71,
            _ => -19,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::WindowTooSmall { size, needed } => write!(
                f,
                "an MMIO device has {needed:#x} bytes of registers, and {size:#x} are mapped"
            ),
            Self::NotMmio { magic } => write!(
                f,
                "there is no virtio device: the magic number reads {magic:#x}"
            ),
            Self::MmioVersion { version } => {
                write!(f, "the MMIO device is of version {version}, not 2")
            }
            Self::WrongDevice { id } => {
                write!(f, "the virtio device is number {id}, and virtio-pmem is 27")
            }
            Self::WrongPciDevice { vendor, device } => write!(
                f,
                "the PCI function is {vendor:04x}:{device:04x}, and virtio-pmem is 1af4:105b"
            ),
            Self::Capability { offset, problem } => {
                write!(f, "the PCI capability at {offset:#x}: {problem}")
            }
            Self::MissingCapability { name } => {
                write!(f, "the PCI function has no capability for its {name}")
            }
            Self::Bar { bar, problem } => write!(f, "the base address register {bar}: {problem}"),
            Self::NotMapped { bar, address, len } => write!(
                f,
                "the {len:#x} bytes of registers at {address:#x}, in the base address register \
                 {bar}, are not mapped"
            ),
            Self::Notification { offset, len } => write!(
                f,
                "the queue's notification register would be at {offset:#x} in {len:#x} bytes"
            ),
            Self::QueueAddress { address } => {
                write!(f, "{address:#x} is no address of a page for the queue")
            }
            Self::ResetTimedOut { status } => write!(
                f,
                "the device did not finish its reset in time, and still has the queue's memory: \
                 its status is {status:#x}"
            ),
            Self::Gone => f.write_str("the device is not there any more"),
            Self::NeedsReset => f.write_str("the device needs a reset"),
            Self::Status { expected, found } => write!(
                f,
                "the device's status is {found:#x}, and the driver wrote {expected:#x}"
            ),
            Self::Legacy { features } => write!(
                f,
                "the device does not offer version 1, but only the features {features:#x}"
            ),
            Self::AddressesTranslated => f.write_str(
                "the device's addresses are translated by the platform (VIRTIO_F_ACCESS_PLATFORM), \
                 and the queue's is a physical one",
            ),
            Self::AddressesNotTranslated => f.write_str(
                "the device's addresses are physical ones (no VIRTIO_F_ACCESS_PLATFORM), and the \
                 queue's is translated by the platform",
            ),
            Self::FeaturesRefused { features } => write!(
                f,
                "the device does not agree to the features {features:#x}, which it offered"
            ),
            Self::QueueSize { size } => write!(
                f,
                "the device's queue has room for {size} descriptors, and a request has 2"
            ),
            Self::QueueInUse => f.write_str("the queue is in use right after a reset"),
            Self::QueueNotEnabled => f.write_str("the device did not put the queue in use"),
            Self::ConfigUnstable => {
                f.write_str("the device's configuration changed each time that it was read")
            }
            Self::NoRegion { region } => {
                write!(f, "{region} is no persistent memory")
            }
            Self::RegionWraps { region } => write!(
                f,
                "the persistent memory, {region}, runs past the top of the address space"
            ),
            Self::RegionUnaligned { region } => write!(
                f,
                "the persistent memory, {region}, does not begin and end with a page"
            ),
            Self::RegionMoved { before, region } => {
                write!(f, "the persistent memory was {before}, and is {region} now")
            }
            Self::NotStarted => f.write_str("the device is not started"),
            Self::TimedOut => f.write_str(
                "the device did not answer a FLUSH in time, and still has the queue's memory",
            ),
            Self::UsedIndex { expected, found } => write!(
                f,
                "the device has answered {expected} requests and counts {found} (both modulo \
                 65536)"
            ),
            Self::UsedDescriptor { id } => write!(
                f,
                "the device answered a request at descriptor {id}, and the one made was at 0"
            ),
            Self::UsedLength { len } => {
                write!(f, "the device wrote an answer of {len} bytes, not 4")
            }
            Self::Unanswered => {
                f.write_str("the device says that it answered, and wrote no answer")
            }
            Self::Refused { ret } => write!(
                f,
                "the device could not make stores durable: it answered {ret:#x}"
            ),
        }
    }
}

impl core::error::Error for Error {}
