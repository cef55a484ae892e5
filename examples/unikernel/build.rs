//! Links the kernel as its runtime says.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let args = std::env::var("DEP_KPMEM_RUNTIME_LINK_ARGS").unwrap_or_default();
    args.split_whitespace()
        .for_each(|arg| println!("cargo:rustc-link-arg={arg}"));
}
