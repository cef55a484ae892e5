//! Other tables of the same shape: fields with other contents, and the checksum to match.

use super::iasl::{Disassembly, Field, Structure};
use crate::fixtures::tables::seal;
use fastrand::Rng;

/// Fields of one type of structure, as ACPICA calls them.
struct Fields {
    table: &'static str,
    /// The type; none for the head of the table.
    kind: Option<u64>,
    /// Those that may hold anything.
    free: &'static [&'static str],
    /// Those that must make sense together, of which only one bit is changed.
    bound: &'static [&'static str],
}

const fn fields(
    table: &'static str,
    kind: Option<u64>,
    free: &'static [&'static str],
    bound: &'static [&'static str],
) -> Fields {
    Fields {
        table,
        kind,
        free,
        bound,
    }
}

/// All that a statement is made of.
const FIELDS: [Fields; 14] = [
    fields(
        "NFIT",
        Some(0),
        &["Proximity Domain", "Memory Map Attribute"],
        &["Range Index", "Address Range Base", "Address Range Length"],
    ),
    fields(
        "NFIT",
        Some(1),
        &[
            "Device Handle",
            "Physical Id",
            "Region Id",
            "Region Size",
            "Region Offset",
            "Address Region Base",
            "Interleave Ways",
            "Flags",
        ],
        &["Range Index", "Control Region Index", "Interleave Index"],
    ),
    fields(
        "NFIT",
        Some(2),
        &["Line Size", "Line Offset"],
        &["Interleave Index"],
    ),
    fields(
        "NFIT",
        Some(4),
        &[
            "Vendor Id",
            "Device Id",
            "Revision Id",
            "Serial Number",
            "Code",
        ],
        &["Region Index"],
    ),
    fields(
        "NFIT",
        Some(5),
        &[
            "Window Count",
            "Offset",
            "Size",
            "Capacity",
            "Start Address",
        ],
        &["Region Index"],
    ),
    fields(
        "NFIT",
        Some(6),
        &["Device Handle"],
        &["Hint Count", "Hint Address"],
    ),
    fields("NFIT", Some(7), &["Capabilities"], &[]),
    fields(
        "CEDT",
        Some(0),
        &[
            "Associated host bridge",
            "Specification version",
            "Register base",
            "Register length",
        ],
        &[],
    ),
    fields(
        "CEDT",
        Some(1),
        &[
            "Interleave Arithmetic",
            "Restrictions",
            "QtgId",
            "First Target",
            "Next Target",
        ],
        &[
            "Window base address",
            "Window size",
            "Interleave Members",
            "Granularity",
        ],
    ),
    fields(
        "SRAT",
        Some(1),
        &[
            "Proximity Domain",
            "Base Address",
            "Address Length",
            "Flags",
        ],
        &[],
    ),
    fields("RHCT", None, &["Timer Base Frequency"], &[]),
    fields("RHCT", Some(0), &[], &["ISA string"]),
    fields(
        "RHCT",
        Some(1),
        &[],
        &["CBOM Block Size", "CBOP Block Size", "CBOZ Block Size"],
    ),
    fields("RHCT", Some(0xffff), &["Processor UID"], &["Nodes"]),
];

/// The table with random contents in every field that may hold anything.
pub fn random(table: &[u8], text: &Disassembly, rng: &mut Rng) -> Vec<u8> {
    let mut varied = table.to_vec();
    for (_, fields, field) in places(text) {
        let free = fields.free.contains(&field.name.as_str());
        let content = field.place.filter(|_| free);
        if let Some(content) = content.and_then(|(at, len)| varied.get_mut(at..at + len)) {
            rng.fill(content);
        }
    }
    seal(&mut varied);
    varied
}

/// The table with one bit changed, for each field that says something, and the field's name.
pub fn each_changed<'a>(
    table: &'a [u8],
    text: &'a Disassembly,
) -> impl Iterator<Item = (&'a str, Vec<u8>)> {
    let places = places(text).filter(|(structure, _, field)| says(structure, field));
    places.filter_map(|(_, _, field)| {
        let mut changed = table.to_vec();
        *changed.get_mut(field.place?.0)? ^= 1;
        seal(&mut changed);
        Some((field.name.as_str(), changed))
    })
}

/// Whether nothing else in the structure makes this field worth nothing.
fn says(structure: &Structure, field: &Field) -> bool {
    let off = |flag| structure.flag(flag).is_ok_and(|flag| !flag);
    let domain = field.name == "Proximity Domain";
    !(off("Enabled") || domain && off("Proximity Domain Valid"))
}

fn places(text: &Disassembly) -> impl Iterator<Item = (&Structure, &'static Fields, &Field)> {
    let signature = text.head.field("Signature");
    let signature = signature.map_or("", |field| field.value.as_str());
    let structures = [&text.head].into_iter().chain(&text.structures);
    let known = structures.filter_map(move |structure| {
        let kind = structure.kind().ok();
        let mut all = FIELDS.iter();
        let fields = all.find(|fields| fields.table == signature && fields.kind == kind)?;
        Some((structure, fields))
    });
    known.flat_map(|(structure, fields)| {
        let named = structure.0.iter().filter(|field| {
            let names = [fields.free, fields.bound];
            names
                .iter()
                .any(|names| names.contains(&field.name.as_str()))
        });
        named.map(move |field| (structure, fields, field))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
[000h 0000 004h]                   Signature : \"SRAT\"
[00Ch 0012 001h]               Subtable Type : 01 [Memory Affinity]
[00Dh 0013 001h]                      Length : 06
[00Eh 0014 002h]            Proximity Domain : 0000
[010h 0016 002h]                   Reserved1 : 0000
";

    #[test]
    fn only_contents_change_and_the_sum_stays_right() {
        let text = Disassembly::parse(TEXT).unwrap();
        let mut table = vec![0; 18];
        seal(&mut table);
        let sum = |table: &[u8]| {
            table
                .iter()
                .fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
        };
        let varied = random(&table, &text, &mut Rng::with_seed(1));
        assert_ne!(varied[14..16], table[14..16]);
        assert_eq!((varied[16..].to_vec(), sum(&varied)), (vec![0, 0], 0));
        let changed: Vec<_> = each_changed(&table, &text).collect();
        let [("Proximity Domain", changed)] = &changed[..] else {
            panic!("{changed:?}")
        };
        assert_eq!((changed[14], sum(changed)), (1, 0));
    }
}
