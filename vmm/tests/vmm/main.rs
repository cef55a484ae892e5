//! The device against kpmem's own driver and against guests that lie; guest memory that persists.

mod both;
mod choices;
mod disk;
mod guest;
mod hostile;
mod liar;
mod log;
mod mapping;
mod model;
mod persist;
mod queues;
mod random;
mod system;
mod trial;
