//! Links the kernels of this package as their runtime says.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let args = std::env::var("DEP_KPMEM_RUNTIME_LINK_ARGS").unwrap_or_default();
    for arg in args.split_whitespace() {
        for kind in ["bins", "tests"] {
            println!("cargo:rustc-link-arg-{kind}={arg}");
        }
    }
}
