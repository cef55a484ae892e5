//! Where the hypervisors that have a virtio-pmem device would call this crate. Each module is the
//! place in one of them, over the types that it has; what is around it stays as it is.
//!
//! `cargo run -p kpmem-vmm --example hypervisors` sends three FLUSHes to each of them, or as many
//! as it is told.

mod guest;

use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of persistent memory.
const SIZE: usize = 2 << 20;

/// `virtio-devices/src/pmem.rs`: `PmemEpollHandler::process_queue`, which calls `File::sync_all`
/// for each request. It is built on vm-memory and virtio-queue, so the whole function is
/// `Device::process`.
mod cloud_hypervisor {
    use kpmem_vmm::{Device, Mapped};
    use virtio_queue::{Queue, QueueT};
    use vm_memory::{GuestAddressSpace, GuestMemoryAtomic, GuestMemoryMmap, bitmap::AtomicBitmap};

    pub struct PmemEpollHandler {
        pub mem: GuestMemoryAtomic<GuestMemoryMmap<AtomicBitmap>>,
        pub queue: Queue,
        /// In place of `disk: File`. Made where `Pmem::new` has the `MmapRegion`.
        pub device: Device<Mapped<AtomicBitmap>>,
    }

    impl PmemEpollHandler {
        /// Whether the guest is to be interrupted. `process` is called again by the epoll loop, or
        /// at once where notifications are switched off meanwhile.
        pub fn process_queue(&mut self) -> super::Result<bool> {
            let memory = self.mem.memory();
            let done = self.device.process(&mut self.queue, &*memory)?;
            if let Some(why) = self.device.failure() {
                eprintln!("failed flushing disk image: {why}");
            }
            Ok(done.used > 0 && self.queue.needs_notification(&*memory)?)
        }
    }
}

/// `src/vmm/src/devices/virtio/pmem/device.rs`: `Pmem::process_chain`, which calls `msync` of the
/// whole file. Firecracker has a queue of its own, so only the sync is ours, behind `Backing`; and
/// it can log what the guest stored, so that of a DAX file only those lines are written back.
mod firecracker {
    use kpmem_vmm::{Backing, Mapped, Mapping, Policy, Runs};
    use std::{io, sync::Arc};
    use vm_memory::{FileOffset, bitmap::AtomicBitmap};

    /// In place of `PmemMmap`'s pointer and length.
    pub struct Pmem {
        pub backing: Mapped<AtomicBitmap>,
    }

    impl Pmem {
        /// `dirty_log` is `VmFd::get_dirty_log` of the device's slot.
        pub fn new(
            file: FileOffset,
            len: usize,
            mut dirty_log: impl FnMut() -> io::Result<Vec<u64>> + Send + 'static,
        ) -> super::Result<Self> {
            let region = Arc::new(kpmem_vmm::map_file(file, len)?);
            let mapping = Arc::new(Mapping::new(region, Policy::Ranges(4))?);
            let log = move |mark: &mut dyn FnMut(usize, usize)| -> io::Result<()> {
                for run in Runs::from_bitmap(dirty_log()?, 4096, len).iter() {
                    mark(run.start, run.len());
                }
                Ok(())
            };
            let backing = Mapped::with_log(mapping, log);
            Ok(Self { backing })
        }

        /// The status of a FLUSH. One result for several chains is right for those that were popped
        /// before it was called, and for no other.
        pub fn flush(&mut self) -> u32 {
            u32::from(self.backing.sync().is_err())
        }
    }
}

/// `devices/src/virtio/pmem.rs`: `execute_request`, which sends `MsyncArena` over a tube, as the
/// device is a process of its own that has no mapping of the file. That is a `Host`.
mod crosvm {
    use kpmem_vmm::Host;
    use std::{
        io,
        sync::{
            Mutex,
            mpsc::{Receiver, Sender},
        },
    };

    /// `VmMemoryMappingRequest::MsyncArena`.
    pub struct MsyncArena {
        pub offset: usize,
        pub size: usize,
    }

    #[derive(Debug)]
    pub struct PmemDeviceTube {
        pub requests: Sender<MsyncArena>,
        pub responses: Mutex<Receiver<io::Result<()>>>,
        pub mapping_size: usize,
    }

    impl Host for PmemDeviceTube {
        fn sync_range(&self, offset: usize, size: usize) -> io::Result<()> {
            let request = MsyncArena { offset, size };
            self.requests.send(request).map_err(io::Error::other)?;
            let responses = self.responses.lock().map_err(|_| io::ErrorKind::Other)?;
            responses.recv().map_err(io::Error::other)?
        }

        fn sync_all(&self) -> io::Result<()> {
            self.sync_range(0, self.mapping_size)
        }
    }
}

/// `vm/devices/virtio/virtio_pmem/src/lib.rs`: `PmemWorker::process_work`, which calls
/// `File::sync_all`. Its memory is not vm-memory's; a closure is a backing as well.
mod openvmm {
    use kpmem_vmm::Backing;
    use std::{fs::File, sync::Arc};

    pub fn backing(file: Arc<File>, writable: bool) -> impl Backing {
        move || match writable {
            true => file.sync_data(),
            false => Ok(()),
        }
    }
}

fn main() -> Result<()> {
    let flushes = std::env::args().nth(1).map_or(Ok(3), |text| text.parse())?;
    println!(
        "cloud-hypervisor: {} FLUSHes",
        in_cloud_hypervisor(flushes)?
    );
    println!("Firecracker: {} FLUSHes", in_firecracker(flushes)?);
    println!("crosvm: {} FLUSHes", in_crosvm(flushes)?);
    println!("OpenVMM: {} FLUSHes", in_openvmm(flushes)?);
    Ok(())
}

fn in_cloud_hypervisor(flushes: u16) -> Result<u32> {
    use kpmem_vmm::{Device, Mapped, Mapping, Policy};
    use std::sync::Arc;
    use vm_memory::{GuestAddress, GuestAddressSpace, GuestMemoryAtomic};

    let region = Arc::new(kpmem_vmm::map_file(guest::file(SIZE)?, SIZE)?);
    let mapping = Arc::new(Mapping::new(region, Policy::Msync)?);
    let mem = GuestMemoryAtomic::new(guest::ram()?);
    let mut handler = cloud_hypervisor::PmemEpollHandler {
        queue: guest::queue(&mem.memory())?,
        device: Device::new(GuestAddress(1 << 32), SIZE as u64, Mapped::new(mapping))?,
        mem,
    };
    let mut answered = 0;
    for number in 0..flushes {
        guest::flushes(&handler.mem.memory(), number)?;
        assert!(handler.process_queue()?, "the guest wants to know");
        answered += guest::answer(&handler.mem.memory())?;
    }
    Ok(answered)
}

fn in_firecracker(flushes: u16) -> Result<u32> {
    // Page 7 has been stored to each time.
    let log = || Ok(vec![1 << 7]);
    let mut pmem = firecracker::Pmem::new(guest::file(SIZE)?, SIZE, log)?;
    Ok((0..flushes).map(|_| u32::from(pmem.flush() == 0)).sum())
}

fn in_crosvm(flushes: u16) -> Result<u32> {
    use kpmem_vmm::{Host, Mapping, Policy};
    use std::{
        io,
        sync::{Arc, Mutex, mpsc},
        thread,
    };

    let (requests, arriving) = mpsc::channel::<crosvm::MsyncArena>();
    let (answers, responses) = mpsc::channel();
    let region = Arc::new(kpmem_vmm::map_file::<()>(guest::file(SIZE)?, SIZE)?);
    // The main process, which has the mapping.
    let main = Mapping::new(region, Policy::Msync)?;
    thread::spawn(move || {
        for request in arriving {
            let synced = main.persist(request.offset, request.size);
            if answers.send(synced.map_err(io::Error::from)).is_err() {
                break;
            }
        }
    });
    let tube = crosvm::PmemDeviceTube {
        requests,
        responses: Mutex::new(responses),
        mapping_size: SIZE,
    };
    let synced = (0..flushes).map(|_| tube.sync_all());
    Ok(synced.map(|synced| u32::from(synced.is_ok())).sum())
}

fn in_openvmm(flushes: u16) -> Result<u32> {
    use kpmem_vmm::Backing;
    use std::sync::Arc;

    let file = guest::file(SIZE)?;
    let mut backing = openvmm::backing(Arc::clone(file.arc()), true);
    Ok((0..flushes)
        .map(|_| u32::from(backing.sync().is_ok()))
        .sum())
}
