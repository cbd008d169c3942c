// The dialogs: joining a room, choosing a name, keys and commands.

import { sentence } from "./banner.js";
import { COMMANDS } from "./commands.js";
import { make } from "./line.js";

const ROOMS_MAX = 500; // asked for

const $ = (id) => document.getElementById(id);

export class Dialogs {
  #chat;
  #on;

  /**
   * @param {Chat} chat
   * @param {{isIn: (room: string) => boolean, enter: (room: string) => void, done: () => void}} on - what the page does: knows
   *   whether one is in a room, goes into one, and goes on after a dialog
   */
  constructor(chat, on) {
    this.#chat = chat;
    this.#on = on;
    $("going-room").addEventListener("input", ({ target }) => {
      for (const item of $("going-list").children) {
        item.hidden = !item.firstChild.dataset.room.toLowerCase().includes(target.value.toLowerCase());
      }
    });
    $("going").addEventListener("submit", () => this.#goTo($("going-room").value));
    $("going-list").addEventListener("click", ({ target }) => {
      const choice = target.closest(".choice");
      if (choice) this.#goTo(choice.dataset.room);
    });
    $("naming").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#rename($("naming-name").value.trim());
    });
    for (const dialog of document.querySelectorAll("dialog")) {
      dialog.addEventListener("click", ({ target }) => {
        // A click beside the dialog is one on the dialog itself, since its form fills it.
        if (target === dialog || target.value === "cancel") dialog.close();
      });
    }
    $("commands").append(
      ...COMMANDS.flatMap(([usage, purpose]) => {
        const term = make("dt", "");
        term.append(make("code", "", usage));
        return [term, make("dd", "", purpose)];
      }),
    );
  }

  /** @param {"going" | "naming" | "helping"} id */
  open(id) {
    if (document.querySelector("dialog[open]")) return;
    $("side").hidePopover();
    $(id).showModal();
    if (id === "going") this.#listRooms();
    if (id === "naming") {
      $("naming-error").hidden = true;
      $("naming-name").value = /^guest-\d+$/.test(this.#chat.name) ? "" : this.#chat.name;
      $("naming-name").select();
    }
  }

  async #listRooms() {
    $("going-room").value = "";
    $("going-list").replaceChildren();
    const { rooms } = await this.#chat.list({ limit: ROOMS_MAX }).catch(() => ({ rooms: [] }));
    const others = rooms.filter(({ room }) => !this.#on.isIn(room)).sort((a, b) => b.members - a.members);
    $("going-list").replaceChildren(
      ...others.map(({ room, members }) => {
        const button = make("button", "choice");
        button.type = "button";
        button.dataset.room = room;
        button.append(make("span", "word", room), make("span", "count", `${members.toLocaleString("en")} here`));
        const item = make("li", "");
        item.append(button);
        return item;
      }),
    );
  }

  #goTo(room) {
    $("going").close();
    this.#on.enter(room);
    this.#on.done();
  }

  async #rename(name) {
    try {
      await this.#chat.rename(name);
      $("naming").close();
      this.#on.done();
    } catch (error) {
      $("naming-error").textContent = sentence(error.message);
      $("naming-error").hidden = false;
      $("naming-name").select();
    }
  }
}
