//! What others say of the same firmware tables: Linux, booted on the machine that has them, and
//! ACPICA's disassembler. What the library says must agree.
//!
//! A statement is a JSON value: maps and lists of numbers, words and flags, in the shape of `cargo
//! xtask nfit --json` for an NFIT, and in a like one for the other tables.

pub mod decoded;
pub mod iasl;
pub mod linux;
pub mod made;
pub mod ours;
pub mod sysfs;
pub mod vary;

use serde_json::Value;

/// Where two statements contradict each other: each difference with its place.
///
/// What the witness does not mention is no contradiction, but a list is all that there is.
pub fn contradictions(ours: &Value, witness: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", ours, witness, &mut found);
    found
}

fn compare(place: &str, ours: &Value, witness: &Value, found: &mut Vec<String>) {
    match (ours, witness) {
        (Value::Object(ours), Value::Object(witness)) => {
            for (key, witness) in witness {
                let ours = ours.get(key).unwrap_or(&Value::Null);
                let dot = if place.is_empty() { "" } else { "." };
                compare(&format!("{place}{dot}{key}"), ours, witness, found);
            }
        }
        (Value::Array(ours), Value::Array(witness)) if ours.len() == witness.len() => {
            for (index, (ours, witness)) in ours.iter().zip(witness).enumerate() {
                compare(&format!("{place}[{index}]"), ours, witness, found);
            }
        }
        _ if ours == witness => {}
        _ => found.push(format!("{place} is {witness}, and the library says {ours}")),
    }
}

#[cfg(test)]
mod tests {
    use super::contradictions;
    use serde_json::json;

    #[test]
    fn what_is_not_mentioned_is_no_contradiction() {
        let ours = json!({"a": [{"b": 1, "c": 2}, {"b": 3}], "d": null});
        for witness in [
            json!({}),
            json!({"a": [{"b": 1}, {}]}),
            json!({"d": null, "e": null}),
        ] {
            assert!(contradictions(&ours, &witness).is_empty(), "{witness}");
        }
    }

    #[test]
    fn each_difference_has_its_place() {
        let ours = json!({"a": [{"b": 1, "c": 2}], "d": "x"});
        for (witness, told) in [
            (
                json!({"a": [{"c": 3}]}),
                "a[0].c is 3, and the library says 2",
            ),
            (json!({"a": []}), "a is [], and the library says"),
            (json!({"d": null}), "d is null, and the library says \"x\""),
            (json!({"e": 1}), "e is 1, and the library says null"),
            (json!([]), " is [], and the library says"),
        ] {
            let found = contradictions(&ours, &witness);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(told), "{found:?}");
        }
    }
}
