//! What is wrong with a function, in the words of a call.

use super::Question;
use crate::crash::simulate::Outcome;
use kpmem_findings::Failure;

/// A call, as the guest numbers it in its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Call {
    /// Where in the memory.
    at: u64,
    len: u64,
    from: u64,
}

impl Call {
    fn of(number: u64) -> Self {
        Self {
            at: number >> 40,
            len: number >> 16 & 0xff_ffff,
            from: number & 0xffff,
        }
    }

    /// Where the first of the call's lines is: a call of one length has eight lines of its own.
    fn base(&self, line: u64) -> u64 {
        self.at / (8 * line) * (8 * line)
    }

    fn text(&self, what: &str, symbol: &str, line: u64) -> String {
        let Self { at, len, from } = *self;
        let to = at - self.base(line);
        match what {
            "memcpy" => format!("{symbol}(base+{to:#x}, source+{from:#x}, {len})"),
            "memmove" => {
                let from = to as i64 + i64::from(from as u16 as i16);
                format!("{symbol}(base+{to:#x}, base{}, {len})", plus(from))
            }
            "memset" => format!("{symbol}(base+{to:#x}, byte, {len})"),
            _ => format!("{symbol}(base+{to:#x}, {len})"),
        }
    }
}

/// What is wrong, the smallest call first; nothing if all is well.
pub(super) fn of(
    question: &Question,
    what: &str,
    symbol: &str,
    outcome: &Outcome,
    missing: &[String],
) -> Vec<String> {
    let line = question.cpu.line as u64;
    let mut faults = Vec::new();
    let mut kinds = Vec::new();
    for failure in by_size(outcome) {
        let kind = (failure.oracle.clone(), failure.fault.clone());
        if !kinds.contains(&kind) {
            kinds.push(kind);
            faults.push(sentence(question, what, symbol, failure));
        }
    }
    for said in &outcome.said {
        if let Some(wrong) = content(said) {
            let call = Call::of(wrong.0);
            faults.push(format!(
                "{} leaves another byte than it should at +{:#x}",
                call.text(what, symbol, line),
                wrong.1 as i64 - call.base(line) as i64
            ));
        }
    }
    faults.extend(outcome.said.iter().filter_map(|said| {
        let call = hex(said.strip_prefix("judge returned ")?)?;
        let text = Call::of(call).text(what, symbol, line);
        Some(format!("{text} does not return its destination"))
    }));
    faults.extend(outcome.said.iter().filter_map(|said| {
        let at = hex(said.strip_prefix("judge source ")?)?;
        Some(format!("{symbol} changes its source, at +{at:#x}"))
    }));
    faults.extend(
        outcome
            .flaws()
            .map(|flaw| format!("{symbol}: {}", flaw.what)),
    );
    if let Some(how) = &outcome.broken {
        faults.push(format!(
            "{symbol} did not come to its end: {}",
            named(how, missing)
        ));
    }
    faults
}

/// The failures, those of the smallest calls first.
pub(super) fn by_size(outcome: &Outcome) -> Vec<&Failure> {
    let mut failures: Vec<_> = outcome.failures().collect();
    failures.sort_by_key(|failure| {
        let call = Call::of(failure.claims);
        (call.len, call.at)
    });
    failures
}

fn sentence(question: &Question, what: &str, symbol: &str, failure: &Failure) -> String {
    let line = question.cpu.line as u64;
    let call = Call::of(failure.claims);
    let text = call.text(what, symbol, line);
    let address = failure.about.as_ref().map_or(0, |about| about.addr);
    let at = address.wrapping_sub(question.cpu.base());
    let of_base = |at: u64| at as i64 - call.base(line) as i64;
    let word = of_base(at);
    let line_at = of_base(at / line * line);
    match (failure.oracle.as_str(), failure.fault.as_deref()) {
        ("contract", Some("not-flushed")) => {
            format!("{text} leaves line {} unflushed", plus(line_at))
        }
        ("contract", Some("not-fenced")) => format!(
            "{text} flushes line {}, and returns without having waited for that",
            plus(line_at)
        ),
        ("contract", Some("not-acknowledged")) => format!(
            "{text} flushes line {}, and its fence does not come before what follows (a device \
             write: say --ack memory if a store to memory tells others)",
            plus(line_at)
        ),
        ("contract", Some("dropped")) => {
            format!(
                "{text} drops line {} from the cache unwritten",
                plus(line_at)
            )
        }
        ("torn", _) => format!(
            "{text} stores the aligned word at {} in parts: a crash can leave half of it",
            plus(word)
        ),
        _ => format!("{text}: {}", failure.what),
    }
}

/// A distance with its sign.
fn plus(n: i64) -> String {
    if n < 0 {
        format!("-{:#x}", -n)
    } else {
        format!("+{n:#x}")
    }
}

/// `judge content CALL AT`: a byte that is not what it should be.
fn content(said: &str) -> Option<(u64, u64)> {
    let mut words = said.strip_prefix("judge content ")?.split(' ');
    let mut number = || hex(words.next()?);
    Some((number()?, number()?))
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The same with the name of the missing function that was called.
fn named(how: &str, missing: &[String]) -> String {
    let number = how
        .split_once("missing function ")
        .and_then(|(_, rest)| rest.split_once(' '))
        .and_then(|(number, _)| number.parse::<usize>().ok());
    // The guest's `source` ends there.
    if how.contains("addr=0x2000040") {
        return format!("it reads behind the end of its source ({how})");
    }
    let unknown = [
        "invalid opcode",
        "undefined instruction",
        "illegal instruction",
    ];
    if unknown.iter().any(|trap| how.contains(trap)) {
        return format!("it executes an instruction that QEMU's CPU does not have ({how})");
    }
    match number.and_then(|number| missing.get(number)) {
        Some(name) => format!("it calls {name}, which the file does not have ({how})"),
        None => how.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_again() {
        let call = Call::of(0x1_2c3 << 40 | 62 << 16 | 5);
        assert_eq!((call.at, call.len, call.from), (0x12c3, 62, 5));
        assert_eq!(call.text("persist", "p", 64), "p(base+0xc3, 62)");
        assert_eq!(call.text("memcpy", "c", 64), "c(base+0xc3, source+0x5, 62)");
    }

    #[test]
    fn a_stub_that_was_called_has_a_name() {
        let missing = ["close".to_owned(), "open".to_owned()];
        let how = "exit 2: PANIC: missing function 1 was called (x.rs:3)";
        assert!(named(how, &missing).contains("it calls open, which"));
        assert_eq!(named("a trap", &missing), "a trap");
    }
}
