/* Keeps a page in step with the server, and sends its small forms without leaving it.

   Events of /api/v1/events only say that something changed. What is shown comes from the page itself, asked once more:
   so it is the server that decides what its reader may see, and there is one way to draw a post. Without this file the
   same forms and links work by loading pages. */

"use strict";

const TOGETHER = 150; // milliseconds: what comes within them is fetched once
const APART = 500; // between two fetches, however many write at the same time
const AGAIN = 15_000;

const events = document.querySelector("[data-events]")?.dataset.events ?? "/api/v1/events";
const topics = [...document.querySelectorAll("[data-topics]")].flatMap((place) => place.dataset.topics.split(" "));
let source = null;
let waiting = null;
let fetching = null;
let fetched = 0;

/* Brings the children of a list to what `wanted` has, by their ids. Those of the same version stay as they are, with
   what somebody types into them. */
function merge(list, wanted) {
  const before = new Map([...list.children].map((child) => [child.id, child]));
  let place = list.firstElementChild;
  let news = 0;
  for (const next of [...wanted.children]) {
    let child = before.get(next.id);
    before.delete(next.id);
    if (child === undefined) {
      child = document.importNode(next, true);
      child.classList.add("is-new");
      news += 1;
      list.insertBefore(child, place);
      continue;
    }
    if (child !== place) list.insertBefore(child, place);
    place = child.nextElementSibling;
    if (child.dataset.version === next.dataset.version) update(child, next);
    else child.replaceWith(carry(child, document.importNode(next, true)));
  }
  for (const gone of before.values()) if (!isAnswered(gone)) gone.remove();
  return news;
}

/* Whether somebody writes in a post. It stays then, also where it is not among the newest any more. */
function isAnswered(child) {
  return [...child.querySelectorAll("details.draft[open] textarea")].some((field) => field.value !== field.defaultValue);
}

/* How long ago something was goes on without a change. */
function update(child, next) {
  const times = next.querySelectorAll("time");
  child.querySelectorAll("time").forEach((time, at) => { time.textContent = times[at]?.textContent ?? ""; });
}

/* Drafts that are open move on into what takes their place, also where nobody may answer any more. */
function carry(child, next) {
  const drafts = next.querySelectorAll("details.draft");
  child.querySelectorAll("details.draft").forEach((draft, at) => {
    if (!draft.open) return;
    if (drafts[at]) drafts[at].replaceWith(draft);
    else if (isAnswered(child)) next.querySelector(".doing").append(draft);
  });
  const active = document.activeElement;
  if (child.contains(active)) {
    const same = () => (active.isConnected ? active : next.querySelector(`button[value="${CSS.escape(active.value)}"]`));
    queueMicrotask(() => same()?.focus({ preventScroll: true }));
  }
  return next;
}

function show(page) {
  const active = document.activeElement;
  let news = 0;
  for (const list of document.querySelectorAll("[data-live]")) {
    const wanted = page.getElementById(list.id);
    if (wanted) news += merge(list, wanted);
  }
  if (active?.isConnected) active.focus({ preventScroll: true }); // what is moved loses it
  return news;
}

async function refresh() {
  if (fetching) return fetching.then(refresh);
  fetching = (async () => {
    fetched = Date.now();
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.status === 429 || answer.status >= 500) throw new Error(answer.statusText);
    if (!answer.ok) return;
    const news = show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    const place = document.getElementById("news");
    const word = document.querySelector("[data-news]")?.dataset.news;
    if (news && place && word) place.textContent = `${news} ${word}${news === 1 ? "" : "s"}`;
  })().catch(() => setTimeout(later, AGAIN)).finally(() => { fetching = null; });
  return fetching;
}

function later() {
  const wait = Math.max(TOGETHER, fetched + APART - Date.now());
  waiting ??= setTimeout(() => { waiting = null; refresh(); }, wait);
}

function listen() {
  if (source || document.hidden || !topics.length) return;
  source = new EventSource(`${events}?${topics.map((topic) => `topic=${topic}`).join("&")}`);
  source.onopen = later; // something may have come before it was open
  source.onmessage = (event) => { if (JSON.parse(event.data).seq !== null) later(); };
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) return; // it connects again by itself
    source = null;
    setTimeout(() => { later(); listen(); }, AGAIN);
  };
}

function hush() {
  source?.close();
  source = null;
}

async function send(form, button) {
  const notice = document.getElementById("notice");
  const fields = new URLSearchParams(new FormData(form, button));
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body: fields });
  } catch {
    notice.innerHTML = '<p class="notice error" role="alert">The server cannot be reached. Nothing is lost: send it once more.</p>';
    notice.scrollIntoView({ block: "nearest" });
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (answer.ok && new URL(answer.url).pathname !== location.pathname) {
    location.assign(answer.url);
    return;
  }
  notice.replaceChildren(...(page.getElementById("notice")?.childNodes ?? []));
  if (notice.childElementCount) notice.scrollIntoView({ block: "nearest" });
  if (!answer.ok) {
    const wrong = [...page.querySelectorAll(".wrong")].map((found) => found.textContent).join(" ");
    if (wrong) notice.firstElementChild?.append(wrong);
    return;
  }
  form.reset();
  for (const field of form.querySelectorAll("[data-fresh]")) field.value = page.getElementById(field.id)?.value ?? "";
  const draft = form.closest("details.draft");
  if (draft) draft.open = false;
  show(page);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-live-form]")) return;
  event.preventDefault();
  const button = event.submitter;
  if (form.ariaBusy === "true") return; // one press, one post
  form.ariaBusy = "true";
  send(form, button).finally(() => { form.ariaBusy = "false"; });
});

document.addEventListener("visibilitychange", () => (document.hidden ? hush() : listen()));
addEventListener("online", later);
addEventListener("pagehide", hush);
addEventListener("pageshow", listen);
