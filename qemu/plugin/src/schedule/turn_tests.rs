use super::*;

const FLAG: u64 = 0x100;
const DATA: u64 = 0x200;

fn load(turn: &mut Turn, cpu: usize, addr: u64, value: u8) {
    access(turn, cpu, addr, value, false);
}

fn store(turn: &mut Turn, cpu: usize, addr: u64, value: u8) {
    access(turn, cpu, addr, value, true);
}

fn access(turn: &mut Turn, cpu: usize, addr: u64, value: u8, is_store: bool) {
    assert_eq!(turn.holder(), cpu, "it is not its turn");
    turn.access(
        cpu,
        &Access {
            pc: addr + cpu as u64,
            addr,
            bytes: &[value],
            is_store,
            atomic: false,
            persistent: false,
        },
    );
}

/// Two CPUs, of which the second waits for the flag; the workload begins on the first.
fn begun(schedule: &str) -> Turn {
    let mut turn = Turn::new();
    (0..2).for_each(|cpu| turn.awake(cpu));
    turn.take(0);
    turn.gather(0);
    while turn.holder() == 1 {
        load(&mut turn, 1, FLAG, 0);
    }
    turn.start(schedule.parse().unwrap());
    turn
}

/// The first sets data, then the flag, and waits; what the second sees of the data.
fn run(turn: &mut Turn) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut todo = vec![(DATA, 2), (FLAG, 1), (DATA, 1)];
    let mut memory = [0; 2];
    for _ in 0..40 {
        if turn.holder() == 0 {
            match todo.pop() {
                Some((addr, value)) => {
                    memory[usize::from(addr == DATA)] = value;
                    store(turn, 0, addr, value);
                }
                None => load(turn, 0, DATA + 8, 0),
            }
        } else if memory[0] == 0 || !seen.is_empty() {
            load(turn, 1, FLAG, memory[0]);
        } else {
            seen.push(memory[1]);
            load(turn, 1, DATA, memory[1]);
        }
    }
    seen
}

#[test]
fn a_cpu_runs_until_it_waits_or_is_preempted() {
    let mut turn = begun("straight");
    assert_eq!(run(&mut turn), [2]);
    let straight = turn.finish().unwrap();
    assert_eq!(straight.lost, None);
    // The other can go on as soon as the flag is set.
    assert_eq!(straight.moments[0].step, 2);
    let mut turn = begun("2to1");
    assert_eq!(run(&mut turn), [1]);
    assert_eq!(turn.finish().unwrap().lost, None);
}

#[test]
fn what_cannot_be_is_told() {
    // The other waits still.
    let mut turn = begun("1to1");
    assert_eq!(run(&mut turn), [2]);
    assert!(
        turn.finish()
            .unwrap()
            .lost
            .unwrap()
            .contains("it waits or is halted")
    );
    let mut turn = begun("1000to1");
    run(&mut turn);
    assert!(
        turn.finish()
            .unwrap()
            .lost
            .unwrap()
            .contains("its schedule a preemption")
    );
}

#[test]
fn who_halts_hands_on() {
    let mut turn = begun("straight");
    store(&mut turn, 0, FLAG, 1);
    turn.halts(0);
    assert_eq!(turn.holder(), 1);
    turn.halts(1);
    turn.awake(0);
    assert_eq!(turn.holder(), 0);
}

#[test]
fn a_cpu_that_never_waits_is_told() {
    let mut turn = begun("straight");
    store(&mut turn, 0, FLAG, 1);
    turn.gather(0);
    for i in 0..(SLICES + 2) * (SLICE + 1) {
        store(&mut turn, 1, DATA, i as u8);
    }
    assert!(turn.hopeless.unwrap().contains("neither waits nor halts"));
}
