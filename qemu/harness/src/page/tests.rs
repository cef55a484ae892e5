use super::*;
use kpmem_findings::{Entry, LineView, Range};

fn page(failure: &Failure, context: &Context) -> String {
    render(failure, context).expect("a page")
}

fn first() -> (Failure, Context) {
    samples::all().swap_remove(0)
}

/// How often the page has `text`.
fn count(page: &str, text: &str) -> usize {
    page.matches(text).count()
}

#[test]
fn every_sample_has_its_rows_lines_and_words() {
    for (failure, context) in samples::all() {
        let page = page(&failure, &context);
        assert_eq!(count(&page, "<tr class=\"row"), failure.timeline.len());
        assert_eq!(count(&page, "<table class=\"grid\">"), failure.lines.len());
        let words = failure.lines.len() * context.line / 8;
        assert_eq!(count(&page, "<tr class=\"word"), words);
        assert!(page.contains(&context.replay));
    }
}

#[test]
fn a_torn_log_reads_as_what_it_is() {
    let (failure, context) = first();
    let page = page(&failure, &context);
    assert!(page.contains("loses"), "the headline says what was lost");
    assert!(page.contains("but keeps the newer one of event 39"));
    assert!(page.contains("Recovery answered 2 after 2 claims"));
    assert!(page.contains("Intel x86 with ADR"));
    assert!(page.contains("A+0x38"));
    for style in ["fate lost", "fate kept", "verdict lost", "verdict survived"] {
        assert!(page.contains(style), "{style} is missing");
    }
}

#[test]
fn what_was_lost_may_be_older_than_what_is_shown() {
    let (mut failure, context) = first();
    failure.timeline.clear();
    assert!(page(&failure, &context).contains("loses nothing"));
    failure.left_out = 9;
    assert!(page(&failure, &context).contains("loses what was stored before the events"));
    for line in &mut failure.lines {
        line.image = line.live.clone();
    }
    assert!(page(&failure, &context).contains("loses nothing"));
}

#[test]
fn a_broken_claim_says_which_bytes() {
    let contracts = samples::all()
        .into_iter()
        .filter(|(f, _)| f.oracle == "contract");
    for (failure, context) in contracts {
        let page = page(&failure, &context);
        assert!(page.contains("this claim is wrong"));
        assert!(page.contains("class=\"risk about\""));
        assert!(!page.contains("left by the crash"));
        assert!(page.contains("row about"));
    }
}

#[test]
fn a_schedule_is_told_in_words() {
    let (mut failure, context) = first();
    assert!(!page(&failure, &context).contains("id=\"schedule\""));
    failure.schedule = Some("17to1+40to0".to_owned());
    let page = page(&failure, &context);
    assert!(page.contains("after step 17 CPU 1 went on instead, after step 40 CPU 0 went on"));
    assert!(page.contains("17to1+40to0"));
}

#[test]
fn hostile_strings_are_text() {
    let (mut failure, mut context) = first();
    let hostile = "<script>alert('x')</script>\"&";
    failure.id = hostile.to_owned();
    failure.what = hostile.to_owned();
    failure.verdict = None;
    context.workload = hostile.to_owned();
    context.mutant = Some(hostile.to_owned());
    context.replay = hostile.to_owned();
    context.profile = hostile.to_owned();
    for entry in failure.timeline.iter_mut().filter(|e| e.kind != "store") {
        entry.kind = hostile.to_owned();
        entry.text = hostile.to_owned();
        entry.order = Some(hostile.to_owned());
    }
    let page = page(&failure, &context);
    assert!(!page.contains("<script"));
    assert!(page.contains("&#60;script&#62;"));
}

#[test]
fn nothing_outside_is_loaded() {
    let (failure, context) = first();
    let page = page(&failure, &context);
    for word in ["http:", "https:", "src=", "<link", "@import", "url("] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn an_empty_timeline_and_no_lines_are_a_page() {
    let (mut failure, context) = first();
    failure.timeline.clear();
    let text = page(&failure, &context);
    assert!(text.contains("No event touched these lines."));
    failure.lines.clear();
    assert!(page(&failure, &context).contains("the power fails"));
}

#[test]
fn four_hundred_entries_on_many_cpus() {
    let (mut failure, context) = first();
    let store = failure
        .timeline
        .iter()
        .find(|e| e.kind == "store")
        .expect("a store")
        .clone();
    failure.timeline = (0..400)
        .map(|seq| Entry {
            seq,
            cpu: (seq % 5) as u8,
            state: Some(if seq < 300 { "durable" } else { "pending" }.to_owned()),
            ..store.clone()
        })
        .collect();
    failure.left_out = 7;
    let page = page(&failure, &context);
    assert_eq!(count(&page, "<tr class=\"row"), 400);
    assert!(page.contains("<th class=\"lane\">CPU 4</th>"));
    assert!(page.contains("297 earlier events"));
    assert!(page.contains("7 older events are left out"));
}

#[test]
fn every_line_size_and_every_fate() {
    for size in [16, 32, 64, 128, 256] {
        let (mut failure, mut context) = first();
        context.line = size;
        let line = |byte: &str| byte.repeat(size);
        failure.lines = vec![LineView {
            addr: 0x1000,
            durable: line("00"),
            // One word is there, one is half there, the rest is missing.
            image: "11".repeat(8) + &"22".repeat(4) + &"00".repeat(size - 12),
            live: "11".repeat(8) + &"22".repeat(size - 8),
        }];
        let store = |seq, addr, text: String| Entry {
            seq,
            cpu: 0,
            pc: 0,
            kind: "store".to_owned(),
            text,
            addr: Some(addr),
            state: Some("pending".to_owned()),
            order: Some("non-temporal".to_owned()),
        };
        failure.timeline = vec![
            store(1, 0x1000, "11".repeat(8)),
            store(2, 0x1008, "22".repeat(8)),
            store(3, 0x1000, "00".repeat(4)),
            store(4, 0x1000, "33".repeat(4)),
            store(5, 0x0ffe, "0044".repeat(2)),
            store(6, 0x9000, "55".repeat(3)),
        ];
        let page = page(&failure, &context);
        assert_eq!(count(&page, "<tr class=\"word"), size / 8);
        for fate in ["survived", "torn", "no change", "overwritten"] {
            assert!(page.contains(&format!("\">{fate}</span>")), "{fate}");
        }
        assert!(page.contains("1 word torn, 1 word survived"));
        assert!(page.contains("0x1111111111111111"));
        assert!(page.contains("non-temporal"));
    }
}

#[test]
fn recovery_that_never_answers_is_told_in_words() {
    let (mut failure, context) = first();
    failure.verdict = None;
    failure.what = "recovery hung for 10 s".to_owned();
    assert!(page(&failure, &context).contains("Recovery hung for 10 s."));
}

#[test]
fn damaged_reports_are_errors() {
    let broken: [fn(&mut Failure); 4] = [
        |f| f.lines[0].image.truncate(8),
        |f| f.lines[0].live = "zz".repeat(64),
        |f| f.lines[0].durable.push('0'),
        |f| {
            f.timeline
                .iter_mut()
                .filter(|e| e.kind == "store")
                .for_each(|e| e.text.push('é'))
        },
    ];
    for damage in broken {
        let (mut failure, context) = first();
        damage(&mut failure);
        assert!(render(&failure, &context).is_err());
    }
    let (failure, mut context) = first();
    context.kernel = Some("/nowhere/kernel".into());
    assert!(render(&failure, &context).is_err());
}

#[test]
fn the_ends_of_memory_do_not_overflow() {
    let (mut failure, context) = first();
    failure.about = Some(Range {
        addr: u64::MAX,
        len: u64::MAX,
    });
    for entry in &mut failure.timeline {
        entry.addr = entry.addr.map(|_| u64::MAX);
        entry.pc = u64::MAX;
    }
    page(&failure, &context);
    failure.lines[0].addr = u64::MAX;
    page(&failure, &context);
}
