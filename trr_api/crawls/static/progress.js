// Moves the numbers of running crawls. Without it the page is as true, as of when it was made.
"use strict";

const stream = new EventSource("/api/v1/crawls/progress");

function show(row, run) {
  for (const name of ["requests", "items_total", "blocks"]) {
    const cell = row.querySelector(`[data-field="${name}"]`);
    if (cell) cell.textContent = run[name].toLocaleString("en");
  }
  const beat = row.querySelector('[data-field="heartbeat_at"]');
  const seconds = Math.round((Date.now() - Date.parse(run.heartbeat_at)) / 1000);
  if (beat && seconds < 60) beat.textContent = "just now";
}

stream.addEventListener("runs", (event) => {
  const running = new Map(JSON.parse(event.data).map((run) => [run.id, run]));
  let ended = false;
  for (const row of document.querySelectorAll("[data-run]")) {
    const run = running.get(row.dataset.run);
    if (run) show(row, run);
    else ended = true;
  }
  if (ended) {
    stream.close();
    location.reload();
  }
});

addEventListener("pagehide", () => stream.close());
