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

function age() {
  for (const [cell, beat] of beats) {
    const minutes = Math.floor((Date.now() - beat) / 60000);
    cell.textContent = minutes < 1 ? "just now" : `${minutes} min ago`;
  }
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
