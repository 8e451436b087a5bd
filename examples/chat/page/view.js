// What one sees. Texts and names of others go into the page as text only.
//
// SPDX-License-Identifier: BSL-1.0

const $ = (id) => document.getElementById(id);

const most = 300; // messages that are kept; twice as many while one reads old ones
const tones = 8; // colours of names, see chat.css
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// <bdi>: a name that runs from right to left shall not turn what is around it.
function makeName(name) {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.codePointAt(0)) % 9973;
  return make("bdi", `name tone-${sum % tones}`, name);
}

function makeText(text) {
  const made = make("p", "text", text);
  made.dir = "auto";
  return made;
}

/** The messages, of which one sees the last unless one has scrolled. */
class Log {
  #log = $("log");
  #said = $("said");
  #button = $("to-end");
  #isAtEnd = true;
  #unseen = 0;
  #day = "";
  #willScroll = false;

  constructor() {
    this.#log.addEventListener("scroll", () => this.#noteScroll(), { passive: true });
    this.#button.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#follow()).observe(this.#log);
  }

  clear() {
    this.#said.replaceChildren();
    this.#day = "";
    this.toEnd();
  }

  /** What is old is shown, but not read out. */
  addOld(messages) {
    this.#log.ariaLive = "off";
    for (const said of messages) this.#add(said);
    requestAnimationFrame(() => (this.#log.ariaLive = "polite"));
    this.#follow();
  }

  add(said) {
    this.#add(said);
    if (!this.#isAtEnd) {
      this.#unseen += 1;
      this.#button.textContent =
        this.#unseen === 1 ? "1 new message" : `${this.#unseen} new messages`;
      this.#button.hidden = false;
    }
    this.#follow();
  }

  notice(...parts) {
    const made = make("li", "notice");
    made.append(...parts);
    this.#append(made);
    this.#follow();
  }

  toEnd() {
    this.#isAtEnd = true;
    this.#unseen = 0;
    this.#button.hidden = true;
    this.#follow();
  }

  /** What has been said and not heard. `retry` and `discard` take the mark. */
  showWaiting(items, retry, discard) {
    $("waiting").replaceChildren(
      ...items.map((item) => {
        const made = make("li", item.reason ? "message own refused" : "message own");
        const state = item.reason ? `Not sent: ${item.reason}` : "sending…";
        made.append(makeText(item.text), make("span", "note", state));
        if (item.reason) {
          made.append(
            this.#makeButton("Send again", () => retry(item.mark)),
            this.#makeButton("Discard", () => discard(item.mark)),
          );
        }
        return made;
      }),
    );
    this.#follow();
  }

  #makeButton(text, action) {
    const made = make("button", "small", text);
    made.type = "button";
    made.addEventListener("click", () => {
      action();
      $("text").focus();
    });
    return made;
  }

  #add({ id, name, text, isOwn }) {
    const date = new Date(Number(id.split("-")[0]));
    const day = date.toDateString();
    if (day !== this.#day && (this.#day || day !== new Date().toDateString())) {
      this.#append(make("li", "notice", calendar.format(date)));
    }
    this.#day = day;
    const made = make("li", isOwn ? "message own" : "message");
    const time = make("time", "note", clock.format(date));
    time.dateTime = date.toISOString();
    const head = make("p", "head");
    head.append(makeName(name), " ", time);
    made.append(head, makeText(text));
    this.#append(made);
  }

  #append(item) {
    this.#said.append(item);
    const limit = this.#isAtEnd ? most : 2 * most;
    while (this.#said.childElementCount > limit) this.#said.firstElementChild.remove();
  }

  #noteScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
    if (this.#isAtEnd) this.toEnd();
  }

  // Once for all that has come before the next frame.
  #follow() {
    if (!this.#isAtEnd || this.#willScroll) return;
    this.#willScroll = true;
    requestAnimationFrame(() => {
      this.#willScroll = false;
      if (this.#isAtEnd) this.#log.scrollTop = this.#log.scrollHeight;
    });
  }
}

/** Who is here. Of many people the names of some are known, and the number. */
class People {
  #names = new Set();
  #count = 0;
  #willShow = false;

  set(names, count) {
    this.#names = new Set(names);
    this.#show(count);
  }
  arrived(name, count) {
    if (this.#names.size < 200) this.#names.add(name);
    this.#show(count);
  }
  left(name, count) {
    this.#names.delete(name);
    this.#show(count);
  }
  /** Those who are known and not among `names`. */
  allBut(names) {
    const others = new Set(this.#names);
    for (const name of names) others.delete(name);
    return others;
  }
  counted(count) {
    this.#show(count);
  }

  #show(count) {
    this.#count = count;
    $("count").textContent = count;
    if (this.#willShow) return;
    this.#willShow = true;
    requestAnimationFrame(() => {
      this.#willShow = false;
      const sorted = [...this.#names].sort((a, b) => a.localeCompare(b));
      const items = sorted.map((name) => {
        const item = make("li");
        item.append(makeName(name));
        return item;
      });
      $("names").replaceChildren(...items);
      $("people-title").textContent = `People (${this.#count})`;
      const others = this.#count - sorted.length;
      $("more").hidden = others <= 0;
      $("more").textContent = `and ${others} more`;
    });
  }
}

/** How the connection is: seen at any time, and read out when it matters. */
class State {
  #timer;

  show(kind, text, spoken) {
    clearInterval(this.#timer);
    this.#write(kind, text);
    if (spoken) announce(spoken);
  }

  /** `text` with the seconds that are left. */
  countDown(text, until) {
    const tick = () => {
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      this.#write("waiting", `${text} in ${seconds} s…`);
    };
    clearInterval(this.#timer);
    this.#timer = setInterval(tick, 1000);
    tick();
    announce(`${text}…`);
  }

  #write(kind, text) {
    $("state").dataset.kind = kind;
    $("state").textContent = text;
  }
}

/** Has it read out to those who do not see it. */
export function announce(text) {
  if ($("news").textContent !== text) $("news").textContent = text;
}

/** Asks for a name and a room. */
class Entrance {
  #dialog = $("entrance");
  #mustEnter = false;

  constructor() {
    $("stay").addEventListener("click", () => this.#dialog.close());
    // Browsers let Escape close it, also if there is nothing to go back to.
    this.#dialog.addEventListener("close", () => {
      if (this.#mustEnter) {
        this.#dialog.showModal();
      } else {
        $("text").focus();
      }
    });
  }

  /** `enter` is called with a name and a room. */
  onEnter(enter) {
    $("enter").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = $("name").value.trim();
      const room = $("where").value.trim().replace(/^#/, "");
      if (!name || !room) return;
      this.#mustEnter = false;
      this.#dialog.close();
      enter(name, room);
    });
  }

  ask(name, room, { canStay = false, refusal = "" } = {}) {
    $("name").value = name;
    $("where").value = room;
    $("stay").hidden = !canStay;
    this.#mustEnter = !canStay;
    $("refusal").hidden = !refusal;
    $("refusal").textContent = refusal;
    if (!this.#dialog.open) this.#dialog.showModal();
    $("name").select();
  }
}

export const log = new Log();
export const people = new People();
export const state = new State();
export const entrance = new Entrance();
export { $, makeName };
