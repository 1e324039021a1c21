//! Whatever happens to an application, and in whichever order: it does not panic, ids are given once, results that are delivered
//! stay within the limit, what was told twice is told once, and in the end nothing is left.

#[path = "support/random_world.rs"]
mod random_world;

use firesteel_scheduler::Removal;
use proptest::prelude::*;
use random_world::{Move, World, a_move};

fn play(moves: &[Move], mut world: World) -> World {
    moves.iter().for_each(|a_move| world.play(a_move));
    world
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_hold_whatever_happens_and_in_the_end_nothing_is_left(
        has_processes: bool,
        limit in prop::sample::select(vec![0, 100]),
        is_dynamic: bool,
        removal in prop::sample::select(vec![None, Some(None), Some(Some(Removal::Kill)), Some(Some(Removal::Decommission))]),
        moves in prop::collection::vec(a_move(), 0..200),
    ) {
        let mut world = play(&moves, World::new(has_processes, limit, is_dynamic, removal));
        world.end();
    }

    #[test]
    fn messages_that_come_twice_change_nothing(
        has_processes: bool,
        moves in prop::collection::vec(a_move(), 0..150),
    ) {
        let mut world = World::new(has_processes, 100, false, Some(None));
        world.doubles_messages = true;
        play(&moves, world).end();
    }

    #[test]
    fn when_all_orders_were_carried_out_each_partition_has_its_copies(
        has_processes: bool,
        moves in prop::collection::vec(a_move(), 0..200),
    ) {
        // An application that was stopped copies nothing.
        let moves: Vec<Move> = moves.into_iter().filter(|it| !matches!(it, Move::Stop)).collect();
        let mut world = play(&moves, World::new(has_processes, 100, false, None));
        world.copy_all();
    }
}
