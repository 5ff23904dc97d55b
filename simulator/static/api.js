// The control API /_sim/…: calls, uploads, and long polls that follow what changes.

const POLL_S = 20;
const RETRY_MS = 1500;
const LAZY_MS = 2500;

/** The JSON answer to one call. Throws an Error with the simulator's own words when it refuses. */
export async function call(method, path, body, signal) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return answerOf(await fetch(`/_sim/${path}`, { method, headers, body: body && JSON.stringify(body), signal }));
}

/** Hand a file to the simulator; its answer has the id to send it by. */
export async function upload(file) {
  return answerOf(await fetch(`/_sim/uploads?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file }));
}

async function answerOf(response) {
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Error(`HTTP ${response.status}`);
  }
  if (!response.ok) throw new Error(answer.error ?? `HTTP ${response.status}`);
  return answer;
}

/**
 * Follow `path` until `signal` aborts. `start()` is called before the first answer of a run, `news(answer, first)` for
 * each answer, `lost(true)` when the simulator cannot be reached and `lost(false)` when it can again. While it is not
 * `held()`, it asks now and then instead of waiting for news: a browser holds six connections for all its windows.
 */
export async function follow(path, { start, news, lost, signal, held = () => true }) {
  let run = null;
  let after = 0;
  let atOnce = true; // do not wait for news: who comes back, or begins anew, is seen at once
  while (!signal.aborted) {
    try {
      if (!atOnce && !held()) await pause(LAZY_MS);
      const query = new URLSearchParams({ after, wait: atOnce || !held() ? 0 : POLL_S });
      const answer = await call("GET", `${path}?${query}`, undefined, signal);
      atOnce = false;
      lost(false);
      const first = run === null;
      if (!first && answer.run !== run) { // restarted or reset: its numbers began anew
        run = null;
        after = 0;
        atOnce = true;
        continue;
      }
      if (first) await start(answer.run);
      run = answer.run;
      after = answer.rev;
      await news(answer, first);
    } catch (error) {
      if (signal.aborted) return;
      console.error(error);
      atOnce = true;
      lost(true);
      await pause(RETRY_MS);
    }
  }
}

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));
