//! What a FLUSH makes durable.

use std::{fmt, io, sync::Arc};

use vm_memory::bitmap::Bitmap;

use crate::{DirtyPages, Mapping};

/// What is behind a device.
pub trait Backing {
    /// Makes durable all that was stored before the call, by the guest and by the hypervisor.
    ///
    /// # Errors
    /// It is not, or that is not known. The device tells the guest, and asks no more until it is
    /// reset. A panic counts as an error, for who catches it.
    fn sync(&mut self) -> io::Result<()>;
}

impl<F: FnMut() -> io::Result<()>> Backing for F {
    fn sync(&mut self) -> io::Result<()> {
        self()
    }
}

/// What the guest's own CPUs stored: the hypervisor's dirty log, which vm-memory does not see.
pub trait GuestLog: Send {
    /// Calls `mark` with offset and length, in bytes of the mapping, for each range that was stored
    /// to since the last call. [`Runs::from_bitmap`](crate::Runs::from_bitmap) reads KVM's.
    ///
    /// # Errors
    /// The log could not be read; then nothing is known to be durable, and the FLUSH fails.
    fn collect(&mut self, mark: &mut dyn FnMut(usize, usize)) -> io::Result<()>;
}

impl<F> GuestLog for F
where
    F: FnMut(&mut dyn FnMut(usize, usize)) -> io::Result<()> + Send,
{
    fn collect(&mut self, mark: &mut dyn FnMut(usize, usize)) -> io::Result<()> {
        self(mark)
    }
}

/// A device's memory that is one mapping.
pub struct Mapped<B = ()> {
    mapping: Arc<Mapping<B>>,
    log: Option<Box<dyn GuestLog>>,
}

impl<B> Mapped<B> {
    /// A FLUSH makes all of the mapping durable, as nobody knows what the guest stored.
    #[must_use]
    pub fn new(mapping: Arc<Mapping<B>>) -> Self {
        Self { mapping, log: None }
    }

    /// A FLUSH makes durable what the log tells and what is marked in the region's bitmap, which is
    /// where what the log tells is marked as well. (A bitmap that holds no marks, or only those of
    /// a part of the region, is as good as no log.) Worth it where the mapping is DAX, as only
    /// there nobody else knows what is dirty.
    #[must_use]
    pub fn with_log(mapping: Arc<Mapping<B>>, log: impl GuestLog + 'static) -> Self {
        let log: Box<dyn GuestLog> = Box::new(log);
        Self {
            mapping,
            log: Some(log),
        }
    }

    /// The mapping.
    #[must_use]
    pub fn mapping(&self) -> &Arc<Mapping<B>> {
        &self.mapping
    }
}

impl<B: DirtyPages> Backing for Mapped<B> {
    fn sync(&mut self) -> io::Result<()> {
        let Some(log) = &mut self.log else {
            return Ok(self.mapping.persist_all()?);
        };
        let bitmap = self.mapping.region().bitmap();
        log.collect(&mut |offset, len| bitmap.mark_dirty(offset, len))?;
        self.mapping.persist_dirty()?;
        Ok(())
    }
}

impl<B: Bitmap + fmt::Debug> fmt::Debug for Mapped<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped")
            .field("mapping", &self.mapping)
            .field("log", &self.log.is_some())
            .finish()
    }
}
