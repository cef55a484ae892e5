//! iasl's text, of a table with all that is peculiar to it.

use super::*;

const TEXT: &str = r#"/*
 * Disassembly of table.bin
 * Format: [HexOffset DecimalOffset ByteLength]  FieldName : FieldValue (in hex)
 */

[000h 0000 004h]                   Signature : "NFIT"    [NVDIMM Firmware Interface Table]
[004h 0004 004h]                Table Length : 000001A8
[00Ah 0010 006h]                      Oem ID : "BOCHS "

[028h 0040 002h]               Subtable Type : 0000 [System Physical Address Range]
[02Ah 0042 002h]                      Length : 0038

[02Eh 0046 002h]       Flags (decoded below) : 0003
                   Add/Online Operation Only : 1
                       Location Cookie Valid : 0
[038h 0056 010h]            Region Type GUID : 66F0D379-B4F3-4074-AC43-0D3318B78CDB
[058h 0088 008h]        Memory Map Attribute : 0000000000008008
[060h 0096 008h]             Location Cookie : 0000000100300001

[060h 0096 002h]               Subtable Type : 0006 [Flush Hint Address]
[062h 0098 002h]                      Length : 0020
[070h 0112 008h]                Hint Address : 0000000418000000
[078h 0120 008h]                Hint Address : 0000000618000000
[038h 0056 100h]            Optional Padding : 61 5F /* a_ */\
/* 04Eh 0078  16 */                            5F 7A /* _z */

Raw Table Data: Length 424 (0x1A8)

    0000: 4E 46 49 54 A8 01 00 00  // NFIT : x
"#;

#[test]
fn fields_bits_and_structures() {
    let found = Disassembly::parse(TEXT).unwrap();
    assert_eq!(found.head.0.len(), 3);
    assert_eq!(found.head.field("Signature").unwrap().value, "NFIT");
    assert_eq!(found.head.field("Oem ID").unwrap().value, "BOCHS ");
    let [range, hint] = &found.structures[..] else {
        panic!("{found:?}")
    };
    assert_eq!((range.kind().unwrap(), hint.kind().unwrap()), (0, 6));
    assert_eq!(range.offset(), Some(40));
    assert_eq!(range.number("Flags").unwrap(), 3);
    assert!(range.flag("Add/Online Operation Only").unwrap());
    assert!(!range.flag("Location Cookie Valid").unwrap());
    assert_eq!(range.number("Memory Map Attribute").unwrap(), 0x8008);
    let guid = &range.field("Region Type GUID").unwrap().value;
    assert_eq!(guid, "66F0D379-B4F3-4074-AC43-0D3318B78CDB");
    assert_eq!(hint.numbers("Hint Address"), [0x4_1800_0000, 0x6_1800_0000]);
}

#[test]
fn what_lies_beyond_its_structure_is_no_field() {
    let found = Disassembly::parse(TEXT).unwrap();
    assert!(found.structures[0].field("Location Cookie").is_err());
}

#[test]
fn what_iasl_could_not_read_is_an_error() {
    for wrong in [
        "",
        "[028h 0040 002h] x",
        "**** Unknown ACPI table signature",
    ] {
        assert!(Disassembly::parse(wrong).is_err(), "{wrong}");
    }
}
