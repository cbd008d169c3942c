// What stands beside the conversation: the rooms that one is in, and who is in the one that is shown.

import { hue, make } from "./line.js";

const NAMES_MAX = 200; // so many are listed

let listed = ""; // who is listed now

const $ = (id) => document.getElementById(id);

/**
 * Shows the rooms. Rows stay the same elements, so that the focus stays where it is.
 * @param {{room: string, unread: number, row?: HTMLElement}[]} places
 * @param {string} active
 */
export function showRooms(places, active) {
  const rows = places.filter(({ room }) => room !== "").map((place) => (place.row ??= makeRow(place.room)));
  const list = $("rooms");
  if (rows.length !== list.children.length || rows.some((row, at) => list.children[at] !== row)) list.replaceChildren(...rows);
  for (const { room, row, unread } of places) {
    if (!row) continue;
    const [button, badge] = [row.querySelector(".room"), row.querySelector(".badge")];
    if (room === active) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    row.classList.toggle("fresh", unread > 0);
    badge.hidden = unread === 0;
    badge.querySelector(".count").textContent = short(unread);
  }
}

/** A count that has little room. */
export function short(count) {
  return count > 999 ? "999+" : String(count);
}

function makeRow(room) {
  const row = make("li", "");
  const button = make("button", "room");
  button.type = "button";
  button.dataset.room = room;
  const badge = make("span", "badge");
  badge.hidden = true;
  badge.append(make("span", "count"), make("span", "unseen", " unread"));
  button.append(make("span", "word", room), badge);
  const leave = make("button", "leave");
  leave.type = "button";
  leave.dataset.leave = room;
  leave.title = `Leave ${room}`;
  leave.setAttribute("aria-label", `Leave ${room}`);
  row.append(button, leave);
  return row;
}

/**
 * Shows who is in a room.
 * @param {{names: Set<string>, count: number}} place
 * @param {string} own - one's own name
 */
export function showMembers({ names: all, count }, own) {
  const sorted = [...all].sort((a, b) => a.localeCompare(b)).slice(0, NAMES_MAX);
  const others = count - sorted.length;
  $("others").hidden = others <= 0;
  $("others").textContent = `and ${others.toLocaleString("en")} more`;
  // Made anew only where it is another, since that takes the focus away.
  const names = JSON.stringify([own, ...sorted]);
  if (names === listed) return;
  listed = names;
  $("names").replaceChildren(
    ...sorted.map((name) => {
      const button = make("button", "person");
      button.type = "button";
      button.dataset.name = name;
      button.style.setProperty("--hue", hue(name));
      button.append(make("bdi", "word", name));
      if (name === own) button.append(make("span", "you", "you"));
      else button.title = `Say something to ${name} alone`;
      const item = make("li", "");
      item.append(button);
      return item;
    }),
  );
}
