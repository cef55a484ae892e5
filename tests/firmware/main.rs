//! What firmware says: tables of QEMU's machines, tables made up to have everything, and damaged
//! ones.

mod ask;
mod build;
mod cedt;
mod damage;
mod fdt;
mod find;
mod nfit;
mod platform;
mod rhct;
mod srat;
