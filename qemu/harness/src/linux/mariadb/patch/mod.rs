//! The server with its flush loops mended: the control that must lose nothing. Each loop is found
//! by what it does, wherever a compiler has put it.

mod aarch64;
mod x86_64;

use super::Server;
use crate::arch::Arch;
use anyhow::{Result, bail, ensure};

/// The program as `server` is to be, for a CPU with lines of so many bytes, and how many flush
/// loops were changed.
pub fn changed(
    program: &[u8],
    arch: Arch,
    server: Server,
    line: usize,
) -> Result<(Vec<u8>, usize)> {
    ensure!(
        Server::of(arch)?.contains(&server),
        "there is no server {} for {arch}",
        server.name()
    );
    let mut changed = program.to_vec();
    let loops = match (server, arch) {
        (Server::Stock, _) => return Ok((changed, 0)),
        (_, Arch::X86_64) => x86_64::mend(&mut changed),
        (_, Arch::Aarch64) => aarch64::mend(&mut changed, server, line),
        (_, Arch::Riscv64) => bail!("nothing is known of the server for {arch}"),
    };
    ensure!(
        loops > 0,
        "this server has no flush loop that clears one bit of an address: it may have been mended, \
         and then there is nothing to show"
    );
    Ok((changed, loops))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_nothing_to_mend_is_refused() {
        for (arch, server) in [
            (Arch::X86_64, Server::Mended),
            (Arch::Aarch64, Server::Mended),
            // Its barrier is right.
            (Arch::X86_64, Server::Lines),
            (Arch::Riscv64, Server::Stock),
        ] {
            assert!(changed(&[0; 64], arch, server, 64).is_err(), "{arch}");
        }
        let stock = changed(&[1; 64], Arch::X86_64, Server::Stock, 64).unwrap();
        assert_eq!(stock, (vec![1; 64], 0));
    }
}
