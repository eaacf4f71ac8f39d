// Moves the numbers of running crawls. Without it the page is as true, as of when it was made.
"use strict";

const stream = new EventSource("/api/v1/crawls/progress");
const beats = new Map();

function show(row, run) {
  for (const name of ["requests", "items_total", "blocks"]) {
    const cell = row.querySelector(`[data-field="${name}"]`);
    if (cell) cell.textContent = run[name].toLocaleString("en");
  }
  const beat = row.querySelector('[data-field="heartbeat_at"]');
  if (beat) beats.set(beat, Date.parse(run.heartbeat_at));
}

function ago(minutes) {
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return "just now";
  if (hours < 1) return `${minutes} min ago`;
  return hours < 24 ? `${hours} h ${minutes % 60} min ago` : `${Math.floor(hours / 24)} d ${hours % 24} h ago`;
}

function age() {
  for (const [cell, beat] of beats) cell.textContent = ago(Math.floor((Date.now() - beat) / 60000));
}

stream.addEventListener("runs", (event) => {
  const live = new Map(JSON.parse(event.data).map((run) => [run.id, run]));
  let changed = false;
  for (const row of document.querySelectorAll("[data-run]")) {
    const run = live.get(row.dataset.run);
    if (run && run.state === row.dataset.state) show(row, run);
    else changed = true;
  }
  age();
  if (changed) {
    stream.close();
    location.reload();
  }
});

setInterval(age, 10000);
addEventListener("pagehide", () => stream.close());
