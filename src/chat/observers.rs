//! Connections that listen to a room before they have said anything.
//!
//! A person at the line port may want to read first, so a silent connection is welcomed and follows the lobby. But a health
//! check is silent too, and comes every few seconds. So a silent connection is an observer at first: it has a name that
//! nobody finds, and stands on no list. When it says its first line, or has stayed for a while, it is announced; if it goes
//! before that, nobody has heard of it.
//!
//! ```text
//!     enter ─▶ observe ─▶ announce: a member like any other, and its room is told
//!                 │
//!                 └─▶ leave: never there
//! ```

use super::hub::{Hub, RoomsOfOne};
use super::membership::tell_joined;
use super::{Effects, MemberId};
use crate::time::Millis;
use crate::wire::{Event, Refusal, RoomName};

impl Hub {
    /// Welcomes somebody who has said nothing, and lets it read a room. If it may not, it is told so, and is a member in no
    /// room.
    pub fn observe(&mut self, now: Millis, id: MemberId, name: RoomName<'_>, effects: &mut dyn Effects) {
        let members_max = self.settings.members_max;
        let room = self.rooms.open_to_observe(now, name, &self.seed);
        let Some(room_id) = room.filter(|room| room.roster.len() < members_max).map(|room| room.id) else {
            self.greet(id, effects);
            return effects.tell(id, None, &Event::Refused(Refusal::Full));
        };
        self.members.get_mut_here(id).rooms = RoomsOfOne::Observed(room_id);
        self.greet(id, effects);
        effects.follow(id, room_id);
        if let Some(room) = self.rooms.get_by_id(room_id) {
            // Counted in, as it will be when it says something.
            tell_joined(room, id, None, None, 0, room.roster.len() + 1, effects);
        }
    }

    /// Makes a member of an observer. `name` is the room that it observes, which may have gone and come again since.
    pub fn announce(&mut self, now: Millis, id: MemberId, name: RoomName<'_>, effects: &mut dyn Effects) {
        let Some(room) = self.members.get(id).and_then(|member| member.rooms.observed()) else { return };
        // It follows anew behind the notice, so that it is not told of its own coming.
        effects.unfollow(id, room);
        self.members.get_mut_here(id).rooms = RoomsOfOne::None;
        self.names.insert(self.members.name(id), id.0);
        if let Err(refusal) = self.go_in(now, id, name, effects) {
            effects.tell(id, None, &Event::Refused(refusal));
        }
    }

    /// Whether somebody has not been announced.
    pub fn is_observing(&self, id: MemberId) -> bool {
        self.members.get(id).is_some_and(|member| member.rooms.observed().is_some())
    }
}

#[cfg(test)]
mod tests {
    use crate::chat::Settings;
    use crate::chat::stage::Stage;
    use crate::time::Millis;

    #[test]
    fn an_observer_reads_and_nobody_knows() {
        let mut stage = Stage::new(Settings::default());
        stage.play("here ann");
        stage.observe("eve");
        let welcome = "* welcome to chinwag, guest-2. /help lists the commands";
        assert_eq!(stage.take("eve"), [welcome, "* lobby: 2 here"]);
        stage.play(
            "ann> hi
             eve< [ann] hi
             ann> /who
             ann< * lobby: 1 here: ann
             ann> /rooms
             ann< * rooms: lobby (1)
             ann> /msg guest-2 psst
             ann< * no such name: guest-2
             + bob
             bob< ...
             ann< * guest-3 joined
             eve< * guest-3 joined",
        );
        stage.play("- eve\n@ 9000");
    }

    #[test]
    fn who_is_announced_is_a_member_and_is_not_told_so() {
        let mut stage = Stage::new(Settings::default());
        stage.play("here ann");
        stage.observe("eve");
        stage.take("eve");
        stage.announce("eve");
        stage.play(
            "ann< * guest-2 joined
             ann> hi
             eve< [ann] hi
             ann> /who
             ann< * lobby: 2 here: ann, guest-2
             ann> /msg guest-2 psst
             eve< [ann -> you] psst",
        );
        stage.announce("eve");
        stage.play("@ 5000\n- eve\nann< * guest-2 left");
    }

    #[test]
    fn an_observer_keeps_no_room_and_finds_the_one_that_has_taken_its_place() {
        let settings = Settings { room_keep: Millis(300), ..Settings::default() };
        let mut stage = Stage::new(settings);
        stage.observe("eve");
        stage.take("eve");
        stage.play("@ 400\n+ bob\nbob< ...\nbob> hi");
        stage.announce("eve");
        stage.play("bob< * guest-1 joined\nbob> again\neve< [guest-2] again");
    }

    #[test]
    fn where_there_is_no_room_one_is_told() {
        let mut stage = Stage::new(Settings { members_max: 1, ..Settings::default() });
        stage.observe("eve");
        stage.take("eve");
        stage.play("+ ann\nann< ...");
        stage.observe("dan");
        assert_eq!(stage.take("dan").len(), 2);
        stage.announce("eve");
        assert_eq!(stage.take("eve"), ["* full: there is no place left"]);
    }
}
