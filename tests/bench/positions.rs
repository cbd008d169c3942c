//! Servers that acknowledge, number and resume, and do not keep their word.

use crate::server::{Behaviour, Fate, Manner, Server};
use crate::{outcome, plan};
use chinwag::bench::outcome::{Audit, ChinwagAudit};
use chinwag::bench::plan::{Dialect, Plan, Scenario};
use std::time::Duration;

fn json_plan(server: &Server) -> Plan {
    Plan { dialect: Dialect::Chinwag, ..plan(server) }
}

fn audit(behaviour: Behaviour, change: impl Fn(&mut Plan)) -> (Audit, ChinwagAudit, Server) {
    let server = Server::start(behaviour);
    let mut plan = json_plan(&server);
    change(&mut plan);
    let audit = outcome(&plan).audit;
    (audit, audit.chinwag.expect("it has positions"), server)
}

#[test]
fn a_server_that_keeps_its_word_is_believed() {
    let (audit, chinwag, _) = audit(Behaviour::sound(Manner::Json), |_| {});
    assert_eq!((audit.delivered, audit.unaccounted()), (300, 0), "{audit:?}");
    assert_eq!(chinwag, ChinwagAudit { acked: 100, ..ChinwagAudit::default() });
}

#[test]
fn acknowledged_and_not_delivered_is_found_and_so_is_the_hole_in_the_numbers() {
    let script = |_, number| if matches!(number, 10 | 20 | 21) { Fate::Lost } else { Fate::Sound };
    let (audit, chinwag, server) = audit(Behaviour::scripted(Manner::Json, script), |_| {});
    assert_eq!((audit.lost, server.did("Lost")), (9, 9), "{audit:?}");
    assert_eq!(chinwag.acked_not_delivered, 3);
    // Each of the three receivers sees two holes.
    assert_eq!(chinwag.position_breaks, 6);
}

#[test]
fn a_resume_that_was_not_true_is_found() {
    let storm = |plan: &mut Plan| {
        plan.scenario = Scenario::Storm;
        plan.duration = Duration::from_secs(2);
    };
    let (audit, chinwag, _) = audit(Behaviour { hides: 3, ..Behaviour::sound(Manner::Json) }, storm);
    assert_eq!((chinwag.resumes, chinwag.resumed), (4, 4), "{audit:?}");
    assert_eq!(chinwag.resumed_untrue, 4, "{audit:?}");
}
