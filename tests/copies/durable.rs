//! What each copy leaves after a power cut, and what it costs: each line written back at most once,
//! one drain at the end.

use kpmem::{
    Byte, Flags, Lines, Table,
    arch::{Ahead, Clzero, Cpu, Features, LineCopies, Mov, Movdir64b, Movnti},
    tuning::{Copies, Stores},
};

use super::{
    cases::{Case, Op, random, small},
    content::call,
    memory::Arena,
    model::{self, Model, Modelled, Seen},
    movdir64b,
    strategies::{FLAGS, Forced, InLine, Rep, WholeLines, fixed},
};

/// Checks one call. `past`: whether it stores past the cache, all but parts of words.
pub fn check(
    table: &Table,
    arena: Arena,
    case: Case,
    flags: Flags,
    past: bool,
) -> Result<(), String> {
    let expected = case.expected(&arena.read());
    model::start(arena);
    call(table, arena, case, flags.bits());
    verdict(table.line(), case, flags, past, &expected, model::finish())
        .map_err(|why| format!("{case:?} {flags:?} line {}: {why}", table.line()))
}

fn verdict(
    line_size: usize,
    case: Case,
    flags: Flags,
    past: bool,
    expected: &[u8],
    mut model: Model,
) -> Result<(), String> {
    let no_flush = flags.contains(Flags::NOFLUSH);
    let drains = usize::from(!flags.intersects(Flags::NODRAIN | Flags::NOFLUSH));
    if model.drains != drains {
        return Err(format!("{} drains", model.drains));
    }
    if drains == 1 && !model.drained {
        return Err("the drain is not last".into());
    }
    if no_flush && !model.written_back.is_empty() {
        return Err("flushed".into());
    }
    model.settle();
    let range = case.dest..case.dest + case.len;
    if !no_flush && model.durable[range.clone()] != expected[range.clone()] {
        return Err("not all is durable".into());
    }
    let (start, end) = (case.dest, case.dest + case.len);
    for line in &model.written_back {
        if line + line_size <= start || end <= *line {
            return Err(format!("line {line} is not the destination's"));
        }
    }
    let count = model.written_back.len();
    model.written_back.sort_unstable();
    model.written_back.dedup();
    if model.written_back.len() != count {
        return Err("a line was flushed twice".into());
    }
    let edges = usize::from(start % 8 != 0) + usize::from(end % 8 != 0);
    if past && count > edges {
        return Err(format!("{count} flushes beside stores past the cache"));
    }
    // Whole words by one store each; the bytes around them by others.
    for at in range {
        let word = at & !7;
        let whole = start <= word && word + 8 <= end;
        if model.stored[at] != u8::from(whole) {
            return Err(format!(
                "byte {at} was stored {} times by words",
                model.stored[at]
            ));
        }
    }
    Ok(())
}

pub type Both<T, N> = Forced<Seen<T>, Seen<N>>;

fn suite<T: Stores, N: Stores, const LINE: usize>() {
    let cases = || small().filter(|case| case.len % 3 != 1 || case.len < 24);
    let (little, large) = (Arena::new(1), Arena::new(6));
    little.scribble(4);
    large.scribble(5);
    for (i, case) in cases().enumerate() {
        one::<T, N, LINE>(little, case, FLAGS[i % FLAGS.len()]);
    }
    for (i, case) in random(large, 1500, 11).enumerate() {
        one::<T, N, LINE>(large, case, FLAGS[i % FLAGS.len()]);
    }
}

fn one<T: Stores, N: Stores, const LINE: usize>(arena: Arena, case: Case, flags: Flags) {
    let through = Flags::TEMPORAL | Flags::WB | Flags::NOFLUSH;
    let past = !N::CACHED && !flags.intersects(through);
    for table in const {
        &[
            Table::of::<Lines<Modelled<LINE>, LINE, Both<T, N>>>(),
            Table::of::<Lines<Modelled<LINE>, LINE, InLine<Both<T, N>>>>(),
            fixed::<Lines<Modelled<LINE>, LINE, Both<T, N>>>(),
            fixed::<Lines<Modelled<LINE>, LINE, InLine<Both<T, N>>>>(),
        ]
    } {
        check(table, arena, case, flags, past).unwrap();
    }
    // Parts of lines go through the cache there, whatever the flags.
    let table = const { &fixed::<Lines<Modelled<LINE>, LINE, WholeLines<Both<T, N>>>>() };
    check(table, arena, case, flags, false).unwrap();
}

#[test]
fn lines_of_every_size() {
    suite::<Mov, Movnti, 16>();
    suite::<Mov, Movnti, 32>();
    suite::<Mov, Movnti, 64>();
    suite::<Mov, Movnti, 128>();
    suite::<Mov, Movnti, 256>();
    suite::<Mov, Mov, 16>();
    suite::<Mov, Mov, 256>();
}

#[test]
fn every_instruction() {
    movdir64b::emulate();
    suite::<Rep, Rep, 64>();
    suite::<Rep, Movdir64b, 64>();
    suite::<Ahead<64, 512>, Movnti, 64>();
    if Cpu::detect().features.contains(Features::CLZERO) {
        suite::<Mov, Clzero<0>, 64>();
    }
    #[cfg(feature = "vector")]
    {
        use kpmem::{NoGuard, arch::vector};
        type Wide<V, S> = vector::Vectors<V, NoGuard, S, 64>;
        let width = vector::Width::detect();
        suite::<Wide<vector::Sse2, Mov>, Wide<vector::Sse2, Movnti>, 64>();
        if width >= vector::Width::Avx {
            suite::<Wide<vector::Avx, Mov>, Wide<vector::Avx, Movnti>, 64>();
        }
        if width >= vector::Width::Avx512 {
            suite::<Wide<vector::Avx512, Mov>, Wide<vector::Avx512, Movnti>, 64>();
        }
    }
}

/// PMDK's generic copy flushes each inner line twice where the destination is not aligned to a
/// line: 128 flushes.
#[test]
fn four_kib_beside_a_line_boundary_are_65_flushes() {
    let arena = Arena::new(6);
    let case = Case {
        dest: 8,
        len: 4096,
        op: Op::Move { src: 8192 },
    };
    model::start(arena);
    call(
        &const { Table::of::<Lines<Modelled<64>, 64, LineCopies>>() },
        arena,
        case,
        Flags::TEMPORAL.bits(),
    );
    assert_eq!(model::finish().written_back.len(), 65);
}

/// Past the cache but without a fence, nothing is durable.
#[test]
fn the_model_knows_that_stores_past_the_cache_need_a_fence() {
    type P = Lines<Modelled<64>, 64, Both<Mov, Movnti>>;
    let arena = Arena::new(1);
    let case = Case {
        dest: 0,
        len: 64,
        op: Op::Set { byte: 9 },
    };
    model::start(arena);
    call(
        &const { Table::of::<P>() },
        arena,
        case,
        Flags::NODRAIN.bits(),
    );
    let mut model = model::finish();
    assert_eq!(model.durable[..64], [0; 64]);
    model.settle();
    assert_eq!(model.durable[..64], [9; 64]);
}

/// A default that goes past the cache from 256 bytes on does so.
#[test]
fn thresholds_are_per_table() {
    struct From256;
    impl Copies for From256 {
        type Temporal = Seen<Mov>;
        type NonTemporal = Seen<Movnti>;
        const NON_TEMPORAL_FROM: usize = 256;
    }
    let arena = Arena::new(1);
    for (len, flushes) in [(8, 1), (248, 4), (256, 0), (512, 0)] {
        let case = Case {
            dest: 64,
            len,
            op: Op::Move { src: 1024 },
        };
        model::start(arena);
        call(
            &const { Table::of::<Lines<Modelled<64>, 64, From256>>() },
            arena,
            case,
            0,
        );
        assert_eq!(model::finish().written_back.len(), flushes, "{len} bytes");
    }
}

/// Where nothing is flushed, a copy goes past the cache only if it is worth the wait.
#[test]
fn small_copies_stay_in_a_durable_cache() {
    let arena = Arena::new(6);
    for (flags, len, past) in [
        (Flags::NONTEMPORAL, 8, false),
        (Flags::NONTEMPORAL, 64, false),
        (Flags::NONTEMPORAL, 72, true),
        (Flags::WC, 2040, false),
        (Flags::WC, 2048, true),
        (Flags::WB, 8192, false),
    ] {
        arena.scribble(len);
        let case = Case {
            dest: 64,
            len,
            op: Op::Set { byte: 7 },
        };
        model::start(arena);
        let table = const { &Table::of::<Byte<Both<Mov, Movnti>>>() };
        call(table, arena, case, flags.bits());
        let mut model = model::finish();
        // In the model, only what went past the cache is durable without a flush.
        model.settle();
        let durable = model.durable[64..64 + len].iter().all(|&byte| byte == 7);
        assert_eq!(durable, past, "{flags:?} {len}");
    }
}

/// Knobs that are no multiples of a line, none or all: each line is still flushed once.
#[test]
fn odd_knobs_flush_each_line_once() {
    struct Odd<const CHUNK: usize, const BY_LINE: usize, const IN_LINE: bool>;
    impl<const CHUNK: usize, const BY_LINE: usize, const IN_LINE: bool> Copies
        for Odd<CHUNK, BY_LINE, IN_LINE>
    {
        type Temporal = Seen<Mov>;
        type NonTemporal = Seen<Movnti>;
        const NON_TEMPORAL_FROM: usize = usize::MAX;
        const CHUNK: usize = CHUNK;
        const BY_LINE_UP_TO: usize = BY_LINE;
        const IN_LINE: bool = IN_LINE;
    }
    const fn table<const CHUNK: usize, const BY_LINE: usize, const IN_LINE: bool>() -> Table {
        Table::of::<Lines<Modelled<64>, 64, Odd<CHUNK, BY_LINE, IN_LINE>>>()
    }
    static TABLES: [Table; 8] = [
        table::<0, 0, false>(),
        table::<1, 1, true>(),
        table::<100, 0, false>(),
        table::<100, 0, true>(),
        table::<200, 300, true>(),
        table::<{ usize::MAX }, 0, false>(),
        table::<{ usize::MAX }, 0, true>(),
        table::<{ usize::MAX - 64 }, { usize::MAX }, true>(),
    ];
    let arena = Arena::new(6);
    for table in &TABLES {
        for case in small().chain(random(arena, 500, 11)) {
            check(table, arena, case, Flags::empty(), false).unwrap();
        }
    }
}
