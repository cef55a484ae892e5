//! What Debian's kernel prints on a machine with two NVDIMMs.

use super::*;

const LINES: &str = "\
/sys/bus/nd/devices/region0/size:65011712
/sys/bus/nd/devices/region1/size:33554432
/sys/bus/nd/devices/region0/resource:0x103e00000
/sys/bus/nd/devices/region1/resource:0x100000000
/sys/bus/nd/devices/region1/persistence_domain:cpu_cache
/sys/bus/nd/devices/region0/read_only:1
/sys/bus/nd/devices/region1/read_only:0
/sys/bus/nd/devices/region0/deep_flush:0
/sys/bus/nd/devices/region1/deep_flush:1
/sys/bus/nd/devices/region1/target_node:0
/sys/bus/nd/devices/region0/mapping0:nmem1,0,65011712,0
/sys/bus/nd/devices/region1/mapping0:nmem0,4096,33554432,0
/sys/bus/nd/devices/nmem0/nfit/device:0x0100
/sys/bus/nd/devices/nmem0/nfit/flags:
/sys/bus/nd/devices/nmem0/nfit/format:0x0301
/sys/bus/nd/devices/nmem0/nfit/handle:0x1
/sys/bus/nd/devices/nmem0/nfit/rev_id:0x0100
/sys/bus/nd/devices/nmem0/nfit/serial:0x56341200
/sys/bus/nd/devices/nmem0/nfit/vendor:0x8680
/sys/bus/nd/devices/nmem1/nfit/device:0x0100
/sys/bus/nd/devices/nmem1/nfit/flags:not_armed smart_event 
/sys/bus/nd/devices/nmem1/nfit/format:0x0301
/sys/bus/nd/devices/nmem1/nfit/handle:0x2
/sys/bus/nd/devices/nmem1/nfit/rev_id:0x0100
/sys/bus/nd/devices/nmem1/nfit/serial:0x57341200
/sys/bus/nd/devices/nmem1/nfit/vendor:0x8680
/proc/iomem:100000000-101ffffff : Persistent Memory
/proc/iomem:  103e00000-107bfffff : Persistent Memory
/proc/iomem:280000000-28fffffff : CXL Window 0
[    0.000000] ACPI: SRAT: Node 0 PXM 0 [mem 0x00100000-0x0fffffff]
[    0.000000] ACPI: SRAT: Node 1 PXM 1 [mem 0x103e00000-0x105dfffff] hotplug non-volatile
table NFIT 4e46
";

fn said() -> Testimony {
    Testimony::new(LINES.lines().map(str::to_owned).collect())
}

#[test]
fn ranges_with_their_devices_by_address() {
    let found = said().nfit().unwrap();
    assert_eq!(
        found["iomem"],
        json!([
            [0x1_0000_0000_u64, 0x1_01ff_ffff_u64],
            [0x1_03e0_0000_u64, 0x1_07bf_ffff_u64]
        ])
    );
    assert_eq!(
        found["ranges"][0],
        json!({
            "base": 0x1_0000_0000_u64, "len": 32 << 20, "granularity": "byte", "domain": 0,
            "read_only": false, "flush_hints": true,
            "devices": [{
                "device": 1, "address": 4096, "size": 32 << 20, "state": [], "vendor": 0x8680,
                "product": 0x100, "revision": 0x100, "serial": 0x5634_1200, "format": 0x301,
            }],
        })
    );
    let second = &found["ranges"][1];
    assert_eq!(second["granularity"], "cache-line");
    assert_eq!(second["domain"], json!(null));
    assert_eq!(second["read_only"], true);
    assert_eq!(second["flush_hints"], false);
    let states = json!(["not armed", "health events observed"]);
    assert_eq!(second["devices"][0]["state"], states);
}

#[test]
fn windows_and_memory() {
    let windows = json!({"iomem": [[0x2_8000_0000_u64, 0x2_8fff_ffff_u64]]});
    assert_eq!(said().cedt().unwrap(), windows);
    let memory = json!([
        {"domain": 0, "base": 1 << 20, "len": 255 << 20, "hot_pluggable": false,
         "non_volatile": false},
        {"domain": 1, "base": 0x1_03e0_0000_u64, "len": 32 << 20, "hot_pluggable": true,
         "non_volatile": true},
    ]);
    assert_eq!(said().srat().unwrap(), json!({ "memory": memory }));
}

#[test]
fn tables() {
    assert_eq!(said().table("NFIT"), Some(b"NF".to_vec()));
    assert_eq!(said().table("CEDT"), None);
}

#[test]
fn what_is_not_understood_is_an_error() {
    for (is, was) in [
        ("persistence_domain:else", "persistence_domain:cpu_cache"),
        ("flags:else", "flags:not_armed smart_event "),
        ("serial:0xs", "serial:0x56341200"),
        ("mapping0:nmem7,0,1,0", "mapping0:nmem1,0,65011712,0"),
    ] {
        let lines = LINES.replace(was, is);
        let said = Testimony::new(lines.lines().map(str::to_owned).collect());
        assert!(said.nfit().is_err(), "{is}");
    }
}
