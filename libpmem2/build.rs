//! Compiles the one function that Rust cannot define: it takes a variable number of arguments.

fn main() {
    println!("cargo:rerun-if-changed=src/perror.c");
    cc::Build::new()
        .file("src/perror.c")
        .compile("pmem2_perror");
}
