//! What the server says, and what follows from it for a session and its rooms.

use super::super::news::{News, Refusal, Told};
use super::super::room::{Order, PublishId, Room, Stage};
use super::super::said::{Joined, Message, Rename, Said, Welcome};
use super::{PING_INTERVAL, Phase, Request, Session};
use crate::time::Millis;
use std::borrow::Cow;
use std::collections::BTreeSet;

impl Session {
    pub(super) fn strange(&mut self, why: &str) {
        self.events.push_back(News::Strange { why: why.to_owned() });
    }

    /// Returns what is to be answered at once.
    pub(super) fn handle_text(&mut self, now: Millis, text: &str) -> Option<String> {
        let said = match Said::parse(text) {
            Ok(said) => said,
            Err(error) => {
                self.strange(&format!("no message of the protocol: {error}"));
                return None;
            }
        };
        let is_told_below = matches!(said, Said::Message(_) | Said::Welcome(_));
        if self.settings.keeps_objects && !is_told_below {
            self.events.push_back(News::Object(text.to_owned()));
        }
        match said {
            Said::Welcome(welcome) => self.handle_welcome(now, text, &welcome),
            Said::Message(message) => self.handle_message(text, &message),
            Said::Joined(joined) => self.handle_joined(&joined),
            Said::Ok { id, seq, at, .. } => self.handle_ok(id, seq.zip(at)),
            Said::Error { id, code, reason, retry_ms } => {
                let why = Refusal { code: code.into_owned(), reason: reason.into_owned() };
                return self.handle_error(now, id, why, retry_ms);
            }
            Said::Gap { room, from, to } => {
                if let Some(found) = self.find(&room) {
                    found.skip(to);
                    self.events.push_back(News::Gap { room: room.clone().into_owned(), from, to });
                    self.note_caught_up(&room);
                }
            }
            Said::Presence { room, joined, left, renamed, members } => {
                self.events.push_back(presence(room.into_owned(), &joined, &left, renamed, members));
            }
            Said::History { id, messages, has_more, .. } => {
                if let Some(Request::History(room)) = self.answered(id) {
                    let messages = messages.iter().map(|message| told(message, None)).collect();
                    self.events.push_back(News::History { room, messages, has_more });
                }
            }
            Said::Members { id, count, names, .. } => {
                if let Some(Request::Members(room)) = self.answered(id) {
                    let names = names.into_iter().map(std::borrow::Cow::into_owned).collect();
                    self.events.push_back(News::Members { room, count, names });
                }
            }
            Said::Rooms { id, rooms, next } => {
                self.answered(id);
                let rooms = rooms.into_iter().map(|(room, members)| (room.into_owned(), members)).collect();
                self.events.push_back(News::Rooms { rooms, has_more: next.is_some() });
            }
            Said::Direct { name, at, data } => {
                self.events.push_back(News::Direct { name: name.into_owned(), at, data: data.to_owned() });
            }
            Said::Pong { id } => {
                if let Some(Request::Ping { at, is_ours: false }) = self.answered(id) {
                    self.events.push_back(News::Pong { took: now - at });
                }
            }
            Said::Bye { reason, reconnect, retry_ms } => {
                self.bye = Some((reason.into_owned(), reconnect, retry_ms));
            }
            Said::Unknown(kind) => self.strange(&format!("a message of an unknown type, {kind}")),
        }
        None
    }

    fn answered(&mut self, id: Option<u64>) -> Option<Request> {
        self.requests.remove(&id?)
    }

    fn handle_welcome(&mut self, now: Millis, text: &str, welcome: &Welcome<'_>) {
        self.requests.retain(|_, request| !matches!(request, Request::Hello { .. }));
        let wanted = self.name.as_deref().or(self.settings.name.as_deref());
        let is_new = wanted != Some(&*welcome.name);
        self.name = Some(welcome.name.clone().into_owned());
        self.secret = welcome.secret.clone().map(std::borrow::Cow::into_owned);
        self.ping_interval = welcome.ping_ms.map_or(PING_INTERVAL, Millis);
        self.limits = welcome.limits;
        self.has_been_in = true;
        self.phase = Phase::In { since: now };
        if self.settings.keeps_objects {
            self.events.push_back(News::Object(without_secret(text)));
        }
        let name = welcome.name.clone().into_owned();
        self.events.push_back(News::Welcome { name, is_new, limits: welcome.limits });
    }

    fn handle_joined(&mut self, joined: &Joined<'_>) {
        self.answered(joined.id);
        let Some(room) = self.find(&joined.room) else { return };
        let resumption = room.handle_joined(joined);
        self.events.push_back(News::Joined {
            room: joined.room.clone().into_owned(),
            resumption,
            replay: (joined.from, joined.count),
            members: joined.members,
        });
        self.note_caught_up(&joined.room);
    }

    fn handle_message(&mut self, text: &str, message: &Message<'_>) {
        let Some(room) = self.find(&message.room) else { return };
        let order = room.reach(message.seq);
        if order == Order::Seen {
            return;
        }
        let own = room.settle(message);
        self.note_order(&message.room, order);
        if self.settings.keeps_objects {
            self.events.push_back(News::Object(text.to_owned()));
        }
        self.events.push_back(News::Message(told(message, own)));
        self.note_caught_up(&message.room);
    }

    /// A hole that nobody has told of is told by us.
    fn note_order(&mut self, room: &str, order: Order) {
        if let Order::Hole { from, to } = order {
            self.events.push_back(News::Gap { room: room.to_owned(), from, to });
        }
    }

    fn note_caught_up(&mut self, room: &str) {
        if self.find(room).is_some_and(Room::has_caught_up) {
            self.events.push_back(News::CaughtUp { room: room.to_owned() });
        }
    }

    fn handle_ok(&mut self, id: Option<u64>, place: Option<(u64, u64)>) {
        match (self.answered(id), place) {
            (Some(Request::Publish(room, id)), Some((seq, at))) => {
                let Some(found) = self.find(&room) else { return };
                let is_ours = found.take(id).is_some();
                // A repeat's place is somewhere behind us.
                let order = found.reach(seq);
                self.note_order(&room, order);
                if is_ours {
                    self.events.push_back(News::Published { id, room, seq, at });
                }
            }
            (Some(Request::Leave(room)), _) => self.remove(&room),
            (Some(Request::Rename(name)), _) => {
                self.name = Some(name.clone());
                self.events.push_back(News::Renamed { name });
            }
            (Some(Request::Direct(id)), _) => self.events.push_back(News::DirectSent { id }),
            _ => {}
        }
    }

    /// Returns what is to be tried instead.
    fn handle_error(
        &mut self,
        now: Millis,
        id: Option<u64>,
        why: Refusal,
        retry_ms: Option<u64>,
    ) -> Option<String> {
        let wait = retry_ms.map(Millis);
        let what = match self.answered(id) {
            // Without a name, if that is what is wrong: everybody may be a guest.
            Some(Request::Hello { has_name: true })
                if why.code != "auth_required" && why.code != "denied" =>
            {
                self.events.push_back(News::Refused { what: "name", why });
                return Some(self.hello(false));
            }
            Some(Request::Hello { .. }) => {
                self.end(Some(why.to_string()));
                return None;
            }
            Some(Request::Join(room)) => {
                // A room without a place may stay so for long: whether to wait is for a person to say.
                match (self.find(&room), wait.filter(|_| why.code != "denied")) {
                    (Some(found), Some(wait)) => {
                        found.stage = Stage::Out;
                        self.rests_until = self.rests_until.max(now + wait);
                    }
                    _ => {
                        self.events.push_back(News::NotJoined { room: room.clone(), why });
                        self.remove(&room);
                    }
                }
                return None;
            }
            Some(Request::Publish(room, id)) => {
                let found = self.find(&room)?;
                match wait {
                    Some(wait) => {
                        found.put_back(id);
                        self.rests_until = self.rests_until.max(now + wait);
                        self.events.push_back(News::Slowed { wait });
                    }
                    None if found.take(id).is_some() => {
                        self.events.push_back(News::NotPublished { id, room, why });
                    }
                    None => {}
                }
                return None;
            }
            Some(Request::Leave(room)) => {
                self.remove(&room);
                return None;
            }
            Some(Request::Direct(id)) => {
                self.events.push_back(News::DirectNotSent { id, why });
                return None;
            }
            Some(Request::Ping { is_ours: true, .. }) => return None,
            Some(Request::Rename(_)) => "name",
            Some(Request::History(_)) => "history",
            Some(Request::Members(_)) => "who",
            Some(Request::Rooms) => "rooms",
            Some(Request::Ping { .. }) => "ping",
            None => "request",
        };
        self.events.push_back(News::Refused { what, why });
        None
    }
}

fn told(message: &Message<'_>, own: Option<PublishId>) -> Told {
    Told {
        room: message.room.clone().into_owned(),
        seq: message.seq,
        name: message.name.clone().into_owned(),
        at: message.at,
        data: message.data.get().to_owned(),
        own,
    }
}

/// A welcome for others to see.
/// Who came and went, and who is called otherwise. `joined` and `left` tell of names; here they tell of members. Bob's name
/// is in `left` when he is renamed, unless somebody else has taken it since, who then has joined.
fn presence(
    room: String,
    joined: &[Cow<'_, str>],
    left: &[Cow<'_, str>],
    renamed: Vec<Rename<'_>>,
    members: u64,
) -> News {
    let set = |names: &[Cow<'_, str>]| names.iter().map(|it| it.as_ref().to_owned()).collect::<BTreeSet<_>>();
    let (added, removed) = (set(joined), set(left));
    let from: BTreeSet<String> = renamed.iter().map(|it| it.from.as_ref().to_owned()).collect();
    let to: BTreeSet<String> = renamed.iter().map(|it| it.to.as_ref().to_owned()).collect();
    // In the order in which they were told, and then the names that only changed hands.
    let without = |names: &[Cow<'_, str>], known: &BTreeSet<String>| -> Vec<String> {
        names.iter().filter(|it| !known.contains(it.as_ref())).map(|it| it.as_ref().to_owned()).collect()
    };
    let mut joined = without(joined, &to);
    joined.extend(from.iter().filter(|it| !removed.contains(*it) && !to.contains(*it)).cloned());
    let mut left = without(left, &from);
    left.extend(to.iter().filter(|it| !added.contains(*it) && !from.contains(*it)).cloned());
    let renamed = renamed.into_iter().map(|it| (it.from.into_owned(), it.to.into_owned())).collect();
    News::Presence { room, joined, left, renamed, members }
}

fn without_secret(text: &str) -> String {
    let mut fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).unwrap_or_default();
    fields.remove("secret");
    serde_json::Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{self, Changes, Event, json};

    #[test]
    fn who_came_and_who_is_called_otherwise_is_what_the_server_means() {
        type Names = &'static [&'static str];
        type Renamed = &'static [(&'static str, &'static str)];
        let cases: [(Names, Names, Renamed); 7] = [
            (&["cyn"], &["eve"], &[]),
            (&[], &[], &[("bob", "robert")]),
            (&["cyn"], &["eve"], &[("bob", "robert")]),
            (&["bob"], &[], &[("bob", "robert")]),
            (&[], &["bob"], &[("guest-4", "bob")]),
            (&[], &[], &[("ann", "bob"), ("bob", "ann")]),
            (&["ann"], &["cyn"], &[("ann", "bob"), ("bob", "cyn")]),
        ];
        for (joined, left, renamed) in cases {
            let renames: Vec<_> = renamed.iter().map(|&(from, to)| wire::Rename { from, to }).collect();
            let changes = Changes::Named { joined, left, renamed: &renames };
            let mut text = Vec::new();
            json::render(None, &Event::Presence { room: "dev", changes, members: 3 }, &mut text);
            let text = String::from_utf8(text).unwrap();
            let Ok(Said::Presence { room, joined: added, left: removed, renamed: told, members }) =
                Said::parse(&text)
            else {
                panic!("{text}");
            };
            let owned = |name: &str| name.to_owned();
            let expected = News::Presence {
                room: owned("dev"),
                joined: joined.iter().copied().map(owned).collect(),
                left: left.iter().copied().map(owned).collect(),
                renamed: renamed.iter().map(|&(from, to)| (owned(from), owned(to))).collect(),
                members: 3,
            };
            assert_eq!(presence(room.into_owned(), &added, &removed, told, members), expected, "{text}");
        }
    }
}
