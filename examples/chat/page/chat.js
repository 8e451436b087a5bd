// The chat in the page: brings together the connection and what one sees.
//
// SPDX-License-Identifier: BSL-1.0

import { Connection, makeUnique, whatIsWrong } from "./connection.js";
import { $, announce, entrance, log, makeName, people, state } from "./view.js";

// ----- what is kept: in the browser the name, in the tab what a reload would lose -----

const kept = 100; // messages

// Where there is no storage (private windows, quotas), nothing is kept.
function load(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(`chat.${key}`)) ?? undefined;
  } catch {
    return undefined;
  }
}
function save(storage, key, value) {
  try {
    window[storage].setItem(`chat.${key}`, JSON.stringify(value));
  } catch {}
}

function guestName() {
  const one = (words) => words[Math.floor(Math.random() * words.length)];
  const kinds = ["quiet", "merry", "clever", "gentle", "bold", "sunny", "early", "wise"];
  const animals = ["otter", "heron", "badger", "finch", "hare", "lynx", "robin", "seal"];
  return `${one(kinds)} ${one(animals)}`;
}

// /#tea and /?room=tea are the same.
function roomOfAddress() {
  const hash = new URLSearchParams(location.hash.replace(/^#/, "room=")).get("room");
  const asked = hash || new URLSearchParams(location.search).get("room") || "";
  return asked.trim() || "lobby";
}
function addressOf(room) {
  return new URL(`/?${new URLSearchParams({ room })}`, location.href).href;
}

// ----- the conversation -----

let name = load("localStorage", "name") ?? guestName();
let shown = []; // the last messages, for a reload
let missed = 0; // while nobody looked
let absent = new Set(); // who was here before the connection broke, and is not yet again

const url = new URL("/ws", location.href);
url.protocol = url.protocol.replace("http", "ws");
const key = load("sessionStorage", "key") ?? makeUnique();
save("sessionStorage", "key", key);
const connection = new Connection(url.href, key, (said) => heard[said.type]?.(said));

const heard = {
  welcome({ name: given, room, people: names, count, history, gap }) {
    if (gap) log.notice("Some messages are missing here.");
    if (given !== name) announce(`You are ${given} here.`);
    absent = people.allBut(names);
    setTimeout(() => absent.clear(), 30_000);
    people.set(names, count);
    $("room").textContent = room;
    $("text").placeholder = `Say something as ${given}`;
    shown = [...shown, ...history].slice(-kept);
    log.addOld(history);
    showTitle();
  },

  message(said) {
    shown = [...shown, said].slice(-kept);
    log.add(said);
    if (document.hidden) missed += 1;
    showTitle();
  },

  arrived({ name: who, count }) {
    // Who comes back after a restart has not been away for us.
    if (!absent.delete(who)) log.notice(makeName(who), " has joined");
    people.arrived(who, count);
  },
  left({ name: who, count }) {
    log.notice(makeName(who), " has left");
    people.left(who, count);
  },
  count({ count }) {
    people.counted(count);
  },

  refused({ reason }) {
    announce(`Not sent: ${reason}`);
  },
  error({ reason }) {
    log.notice(`The server says: ${reason}`);
  },
  waiting() {
    save("sessionStorage", "waiting", connection.waiting);
    const here = connection.waiting.filter(({ room }) => room === connection.room);
    log.showWaiting(
      here,
      (mark) => connection.sayAgain(mark),
      (mark) => connection.discard(mark),
    );
  },

  state({ state: now, until, code, reason }) {
    if (now === "connected") {
      state.show("good", "Connected", "Connected");
    } else if (now === "connecting") {
      state.show("waiting", "Connecting…");
    } else if (now === "turned away") {
      state.show("bad", "Not connected", "Not connected");
      entrance.ask(name, connection.room, { refusal: reason });
    } else if (code === 1012 || code === 1001) {
      state.show("waiting", "Restarting…", "The server restarts.");
    } else {
      const why = code === 1013 ? "The server is full. " : reason ? `${reason}. ` : "";
      state.countDown(`${why}Reconnecting`, until);
    }
  },
};

function showTitle() {
  const number = missed > 0 ? `(${missed}) ` : "";
  document.title = `${number}${connection.room} – Chat`;
}

// ----- what one does -----

function enter(as, room) {
  name = as;
  save("localStorage", "name", name);
  save("sessionStorage", "name", name);
  if (room !== roomOfAddress()) history.pushState(null, "", addressOf(room));
  goTo(room);
}

function goTo(room, messages = []) {
  shown = messages;
  log.clear();
  people.set([], 0);
  log.addOld(messages);
  connection.join(room, name, messages.at(-1)?.id);
  heard.waiting();
}

entrance.onEnter(enter);
$("change").addEventListener("click", () => {
  entrance.ask(name, connection.room, { canStay: true });
});

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value;
  const trouble = whatIsWrong(text);
  $("trouble").textContent = trouble;
  $("trouble").hidden = !trouble;
  if (trouble) announce(trouble);
  if (trouble || !text.trim()) return;
  $("text").value = "";
  log.toEnd();
  connection.say(text);
});

function showPeople(isShown) {
  $("people").classList.toggle("open", isShown);
  $("show-people").ariaExpanded = isShown;
}
$("show-people").addEventListener("click", () => {
  showPeople($("show-people").ariaExpanded !== "true");
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || $("entrance").open) return;
  showPeople(false);
  $("text").focus();
});

// Browsers let a page write to the clipboard only over TLS, or on this machine.
$("share").hidden = !navigator.clipboard;
$("share").addEventListener("click", async () => {
  await navigator.clipboard.writeText(addressOf(connection.room));
  log.notice("The link to this room is in your clipboard.");
});

window.addEventListener("popstate", () => goTo(roomOfAddress()));
window.addEventListener("online", () => connection.renew());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  missed = 0;
  showTitle();
  connection.hurry();
});
window.addEventListener("pagehide", () => {
  save("sessionStorage", "shown", { room: connection.room, messages: shown });
});

// ----- the beginning -----

connection.waiting = load("sessionStorage", "waiting") ?? [];
const before = load("sessionStorage", "shown");
const room = roomOfAddress();
const tabName = load("sessionStorage", "name");
if (tabName === undefined) {
  entrance.ask(name, room);
} else {
  name = tabName;
  goTo(room, before?.room === room ? before.messages : []);
}
