// Copies command lines; keeps, shows and exports ratings of the drill.
// Nothing leaves the browser. A reader without scripts reads everything all the same.
const say = (text) => globalThis.bookWords?.[text] ?? text;

for (const button of document.querySelectorAll("button.copies")) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      // Without the right to copy: marked, for the reader to copy.
      getSelection().selectAllChildren(button.querySelector("code"));
      return;
    }
    const label = button.querySelector("span");
    label.textContent = say("Copied");
    setTimeout(() => (label.textContent = say("Copy")), 1500);
  });
}

// What scrolls by itself can be scrolled from the keyboard.
function reachable() {
  for (const box of document.querySelectorAll("pre, div.math, .cell_output, .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
reachable();
addEventListener("resize", reachable);
for (const box of document.querySelectorAll("details")) box.addEventListener("toggle", reachable);

// The other language shows the same search and the same filters.
for (const link of document.querySelectorAll(".languages a")) link.search = location.search;

// Ratings: a list in the form that `digitdreams progress import` reads.
const PLACE = "digitdreams-ratings";
const RATINGS = ["again", "hard", "good", "easy"];
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

function reviews() {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

function keep(list) {
  localStorage.setItem(PLACE, JSON.stringify(list));
}

function latest() {
  const found = new Map();
  for (const one of reviews()) {
    const before = found.get(one.question);
    if (!before || before.rated_at < one.rated_at) found.set(one.question, one);
  }
  return found;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const opened = Date.now();
const SHOWN = "digitdreams-shown"; // the questions that the filters left, in order

// The question after this one, of those that the list showed last.
function following(question) {
  let shown = [];
  try {
    shown = JSON.parse(sessionStorage.getItem(SHOWN) ?? "[]");
  } catch {
    // The list that is kept is damaged: there is no next question.
  }
  const place = shown.indexOf(question);
  return place < 0 ? undefined : shown[place + 1];
}

function showRating(box) {
  const question = box.dataset.question;
  box.replaceChildren(element("span", say("How well did you know it?")));
  const now = latest().get(question)?.rating;
  RATINGS.forEach((name, index) => {
    const pressed = String(now === index + 1);
    const button = element("button", say(name), { type: "button", "aria-pressed": pressed });
    button.addEventListener("click", () => {
      keep([
        ...reviews(),
        {
          question,
          rated_at: new Date().toISOString().replace("Z", "+00:00"),
          rating: index + 1,
          seconds: Math.round((Date.now() - opened) / 100) / 10,
          language,
          answer: "",
        },
      ]);
      showRating(box);
      box.querySelectorAll("button")[index].focus();
    });
    box.append(button);
  });
  const next = following(question);
  if (next) {
    box.append(element("a", say("Next question"), { href: `${next}.html${location.search}` }));
  }
  box.append(element("a", say("All questions"), { href: "index.html" + location.search }));
}

document.querySelectorAll(".rating").forEach(showRating);

const drill = document.getElementById("drill");
if (drill) {
  const items = [...document.querySelectorAll("ul.questions li")];
  const chosen = new URLSearchParams(location.search);
  const filters = {
    topic: "Topic",
    level: "Level",
    kind: "Kind",
    role: "Role",
    rated: "Rated",
  };
  const status = element("p", "", { role: "status" });

  function several(values) {
    return values.split(",").filter(Boolean);
  }

  function ratingOf(item, last) {
    const found = last.get(item.dataset.id);
    return found ? RATINGS[found.rating - 1] : "not yet";
  }

  function show() {
    const last = latest();
    let shown = 0;
    for (const item of items) {
      const facts = { ...item.dataset, rated: ratingOf(item, last) };
      const apart = !chosen.has("traps") && several(facts.tags).includes("trap");
      item.hidden =
        apart ||
        Object.keys(filters).some(
          (name) => chosen.get(name) && !several(facts[name]).includes(chosen.get(name)),
        );
      shown += !item.hidden;
      item.querySelector(".mark")?.remove();
      if (facts.rated !== "not yet") {
        item.append(element("span", ` (${say(facts.rated)})`, { class: "mark" }));
      }
      item.querySelector("a").search = chosen.toString();
    }
    for (const list of document.querySelectorAll("ul.questions")) {
      const section = list.parentElement;
      section.hidden = !list.querySelector("li:not([hidden])");
      const entry = document.querySelector(`.toc-tree a[href="#${CSS.escape(section.id)}"]`);
      if (entry) entry.parentElement.hidden = section.hidden;
    }
    const ids = items.filter((one) => !one.hidden).map((one) => one.dataset.id);
    sessionStorage.setItem(SHOWN, JSON.stringify(ids));
    status.textContent = say("{shown} of {all} questions, {rated} rated")
      .replace("{shown}", shown)
      .replace("{all}", items.length)
      .replace("{rated}", last.size);
  }

  function choose(name, value) {
    value ? chosen.set(name, value) : chosen.delete(name);
    const query = chosen.toString();
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
    show();
  }

  for (const [name, label] of Object.entries(filters)) {
    const values =
      name === "rated"
        ? ["not yet", ...RATINGS]
        : [...new Set(items.flatMap((one) => several(one.dataset[name])))];
    const box = element("label", `${say(label)} `);
    const select = element("select", "");
    select.append(element("option", say("all"), { value: "" }));
    for (const value of values) select.append(element("option", say(value), { value }));
    select.value = chosen.get(name) ?? "";
    select.addEventListener("change", () => {
      choose(name, select.value);
    });
    box.append(select);
    drill.append(box);
  }

  const traps = element("label", "");
  const box = element("input", "", { type: "checkbox" });
  box.checked = chosen.has("traps");
  box.addEventListener("change", () => choose("traps", box.checked ? "1" : ""));
  traps.append(box, ` ${say("also those that rebut texts that few readers meet")}`);
  drill.append(traps);

  function button(label, action) {
    const made = element("button", say(label), { type: "button" });
    made.addEventListener("click", action);
    drill.append(made);
  }

  button("A random one of these", () => {
    const open = items.filter((one) => !one.hidden);
    if (open.length) open[Math.floor(Math.random() * open.length)].querySelector("a").click();
  });
  button("Export ratings", () => {
    const text = JSON.stringify({ format: 1, reviews: reviews() }, null, 1) + "\n";
    const link = element("a", "", {
      href: URL.createObjectURL(new Blob([text], { type: "application/json" })),
      download: "digitdreams-ratings.json",
    });
    link.click();
    URL.revokeObjectURL(link.href);
  });
  button("Forget all ratings", () => {
    if (!confirm(say("Forget the ratings that this browser keeps?"))) return;
    localStorage.removeItem(PLACE);
    show();
  });
  drill.append(status);
  show();
}
