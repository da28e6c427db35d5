use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::schedule::later;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const ID: QueueId = QueueId(1);

fn desk() -> Desk {
    Desk::new(Concurrency { total: 4, each: 4 })
}

fn hop() -> Hop {
    Hop::Lmtp {
        host: "store.example.test".to_owned(),
        port: 7025,
    }
}

/// Plans the one recipient of the message, as far as it may be.
fn plan(desk: &mut Desk) {
    if let Some(plan) = desk.begin(ID) {
        desk.planned(ID, plan, vec![(hop(), vec![0])], Lane::Fresh);
    }
    desk.plan_ended(ID);
}

#[test]
fn a_hurry_is_not_forgotten_by_whoever_makes_plans_meanwhile() {
    let mut desk = desk();
    let hour = later(NOW, Duration::from_secs(3600));
    desk.hurry(ID);
    desk.schedule(ID, hour);
    assert_eq!(desk.next_due(NOW), Some(ID));
    assert!(desk.begin(ID).unwrap().hurried);
    desk.plan_ended(ID);
    desk.schedule(ID, hour);
    assert_eq!(desk.next_due(NOW), None);
    desk.hurry(ID);
    desk.postpone(ID, hour);
    assert_eq!(desk.next_due(NOW), None, "it cannot be looked at before");
}

#[test]
fn what_falls_due_while_it_is_planned_is_planned_afterwards() {
    let mut desk = desk();
    desk.schedule(ID, NOW);
    assert_eq!(desk.next_due(NOW), Some(ID));
    desk.hurry(ID);
    assert_eq!(desk.next_due(NOW), None, "nobody plans it twice at a time");
    plan(&mut desk);
    assert_eq!(desk.next_due(NOW), Some(ID));
    assert!(desk.begin(ID).unwrap().hurried);
}

#[test]
fn a_job_that_waits_is_not_taken_while_others_are_made() {
    let mut desk = desk();
    desk.schedule(ID, NOW);
    desk.next_due(NOW);
    plan(&mut desk);
    desk.hurry(ID);
    desk.next_due(NOW);
    let plan = desk.begin(ID).unwrap();
    assert_eq!(desk.take(&hop()), None);
    desk.planned(ID, plan, vec![(hop(), vec![0])], Lane::Fresh);
    assert!(desk.take(&hop()).is_some());
    assert_eq!(desk.take(&hop()), None);
}

#[test]
fn jobs_of_a_hurry_that_wait_are_made_again_in_a_hurry() {
    let mut desk = desk();
    desk.hurry(ID);
    desk.next_due(NOW);
    plan(&mut desk);
    desk.schedule(ID, NOW);
    desk.next_due(NOW);
    assert!(desk.begin(ID).unwrap().hurried);
}

#[test]
fn a_message_that_is_held_and_let_go_waits_for_its_running_job() {
    let mut desk = desk();
    desk.schedule(ID, NOW);
    desk.next_due(NOW);
    plan(&mut desk);
    let running = desk.take(&hop()).unwrap();
    desk.forget(ID);
    desk.schedule(ID, NOW);
    assert_eq!(desk.next_due(NOW), Some(ID));
    assert_eq!(desk.begin(ID), None);
    desk.plan_ended(ID);
    desk.done(&running);
    desk.schedule(ID, NOW);
    assert_eq!(desk.next_due(NOW), Some(ID));
    assert!(desk.begin(ID).is_some());
}

#[test]
fn nothing_is_remembered_of_what_has_left() {
    let mut desk = desk();
    desk.schedule(ID, NOW);
    desk.next_due(NOW);
    plan(&mut desk);
    let job = desk.take(&hop()).unwrap();
    desk.forget(ID);
    assert!(desk.done(&job));
    assert!(desk.works.is_empty() && desk.due.is_empty());
}

/// What may happen about a message, in any order.
#[derive(Debug, Clone, Copy)]
enum Step {
    Schedule,
    Hurry,
    Forget,
    NextDue,
    Begin,
    Planned,
    PlanEnded,
    Take,
    GiveBack,
    Done,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::{Begin, Done, Forget, GiveBack, Hurry, NextDue, PlanEnded, Planned, Schedule, Take};
    prop::sample::select(vec![
        Schedule, Hurry, Forget, NextDue, NextDue, Begin, Begin, Planned, Planned, PlanEnded,
        PlanEnded, Take, Take, GiveBack, Done,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_recipient_is_in_two_connections(steps in prop::collection::vec(step(), 0..60)) {
        let mut desk = desk();
        // Planners at work, each with what it has begun; and jobs in connections.
        let mut planners: Vec<Option<Plan>> = Vec::new();
        let mut running: Vec<Job> = Vec::new();
        for step in steps {
            match step {
                Step::Schedule => desk.schedule(ID, NOW),
                Step::Hurry => desk.hurry(ID),
                Step::Forget => desk.forget(ID),
                Step::NextDue => planners.extend(desk.next_due(NOW).map(|_| None)),
                Step::Begin => {
                    if let Some(planner) = planners.iter_mut().find(|begun| begun.is_none()) {
                        *planner = desk.begin(ID);
                    }
                }
                Step::Planned => {
                    if let Some(plan) = planners.iter_mut().find_map(Option::take) {
                        desk.planned(ID, plan, vec![(hop(), vec![0])], Lane::Fresh);
                    }
                }
                Step::PlanEnded => {
                    if planners.pop().is_some() {
                        desk.plan_ended(ID);
                    }
                }
                Step::Take => running.extend(desk.take(&hop())),
                Step::GiveBack => {
                    if let Some(job) = running.pop() {
                        desk.give_back(&hop(), job);
                    }
                }
                Step::Done => {
                    if let Some(job) = running.pop() {
                        desk.done(&job);
                    }
                }
            }
            prop_assert!(planners.len() <= 1, "planned twice at a time");
            prop_assert!(running.len() <= 1, "delivered twice at a time: {running:?}");
        }
    }
}
