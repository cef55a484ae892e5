//! Links the kernel as ArceOS's platform crate wants it.

fn main() {
    println!("cargo:rerun-if-changed=link.ld");
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where we are");
    // The trap handlers are found by the names of their sections (`__start_`).
    for arg in [
        &format!("-T{folder}/link.ld"),
        "--no-pie",
        "-znostart-stop-gc",
    ] {
        println!("cargo:rustc-link-arg={arg}");
    }
}
