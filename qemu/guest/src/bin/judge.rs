//! The guest of `cargo xtask judge`. All of it is in the library, so that nothing is compiled again
//! when it is linked with other functions.
#![cfg_attr(target_os = "none", no_std, no_main)]

kpmem_runtime::entry!(kpmem_guest::judge::kernel);
