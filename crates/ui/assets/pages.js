// Keeps a page up to date while its application runs, and makes a few things handier. Every page works without it.
"use strict";

(() => {
  // Times are in UTC without this script, and in the reader's zone with it.
  const localise = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const date = new Date(time.dateTime);
      if (!Number.isNaN(date.getTime())) {
        const two = (number) => String(number).padStart(2, "0");
        time.textContent = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
          `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
        time.title = time.dateTime;
      }
    }
  };

  // Shows the rows that hold the text, of the tables that the field is for.
  const filter = (field) => {
    const wanted = field.value.trim().toLowerCase();
    for (const row of document.querySelectorAll(`${field.dataset.filter} tbody tr`)) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
    }
  };
  document.addEventListener("input", (event) => {
    if (event.target.matches("input[data-filter]")) filter(event.target);
  });
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.ask;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  // The newest part of a log is seen from its end, and again when there is more, unless its reader has scrolled up.
  const isAtEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 8;
  const toEnd = (root) => root.querySelectorAll("pre[data-tail]").forEach((log) => { log.scrollTop = log.scrollHeight; });
  toEnd(document);

  // Parts of the page that stay as they are where the new page has them unchanged.
  const parts = (root) => [...root.querySelectorAll("[data-part]")];
  const main = document.querySelector("main");
  let served = new Map(parts(document).map((part) => [part.dataset.part, part.outerHTML]));
  localise(document);
  if (!main || !main.dataset.revision) return;
  const sign = document.querySelector(".live");
  const say = (state, text) => {
    if (!sign) return;
    sign.className = `live ${state}`;
    sign.textContent = text;
  };

  const isInUse = (part) => {
    const selection = document.getSelection();
    const isSelected = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
    const active = document.activeElement;
    const isTyped = active && active.matches("input, select, textarea") && part.contains(active);
    return isSelected || isTyped;
  };

  // An element is found again by its name: its id, its link, its label, what it opens; else by its place.
  const focusableIn = (part) => [...part.querySelectorAll("a, button, input, summary, [tabindex]")];
  const nameOf = (one) => one.id || one.getAttribute("href") || one.getAttribute("aria-label") ||
    (one.matches("summary") && one.parentElement.dataset.key) || "";
  const remembered = (part) => {
    const active = part.contains(document.activeElement) ? document.activeElement : null;
    return {
      opened: [...part.querySelectorAll("details")].map((details) => [details.dataset.key, details.open]),
      scrolled: [...part.querySelectorAll(".scroll, pre")].map((one) => [one.scrollLeft, one.scrollTop]),
      focus: active && { name: nameOf(active), at: focusableIn(part).indexOf(active) },
    };
  };

  const restore = (part, state) => {
    const open = new Map(state.opened);
    for (const details of part.querySelectorAll("details")) {
      if (open.has(details.dataset.key)) details.open = open.get(details.dataset.key);
    }
    part.querySelectorAll(".scroll, pre").forEach((one, at) => {
      if (state.scrolled[at]) [one.scrollLeft, one.scrollTop] = state.scrolled[at];
    });
    if (state.focus) {
      const focusable = focusableIn(part);
      const again = focusable.find((one) => state.focus.name && nameOf(one) === state.focus.name) ||
        focusable[state.focus.at];
      if (again) again.focus({ preventScroll: true });
    }
  };

  const show = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const freshMain = fresh.querySelector("main");
    if (!freshMain) return;
    document.title = fresh.title;
    const now = parts(document);
    const next = new Map(parts(fresh).map((part) => [part.dataset.part, part]));
    const isSamePage = now.length === next.size && now.every((part) => next.has(part.dataset.part));
    if (!isSamePage && !isInUse(main)) {
      const state = remembered(main);
      for (const part of now) {
        const other = next.get(part.dataset.part);
        if (other && !main.contains(part)) part.replaceWith(other.cloneNode(true));
      }
      main.replaceChildren(...document.adoptNode(freshMain).childNodes);
      localise(main);
      restore(main, state);
      served = new Map(parts(document).map((part) => [part.dataset.part, next.get(part.dataset.part)?.outerHTML]));
    } else if (isSamePage) {
      for (const part of now) {
        const other = next.get(part.dataset.part);
        const html = other.outerHTML;
        if (served.get(part.dataset.part) === html || isInUse(part)) continue;
        const state = remembered(part);
        const wasAtEnd = [...part.querySelectorAll("pre[data-tail]")].every(isAtEnd);
        served.set(part.dataset.part, html);
        const adopted = document.adoptNode(other);
        part.replaceWith(adopted);
        localise(adopted);
        restore(adopted, state);
        if (wasAtEnd) toEnd(adopted);
      }
    }
    document.querySelectorAll("input[data-filter]").forEach(filter);
    main.dataset.revision = freshMain.dataset.revision || "";
  };

  // Asks for the page until it is another than the one shown; the server answers when something happened.
  let asking = null;
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const follow = async () => {
    if (asking) return;
    asking = new AbortController();
    const { signal } = asking;
    say("on", "live");
    let wait = 1000;
    while (!signal.aborted && main.dataset.revision) {
      try {
        const answer = await fetch(location.href, { headers: { "Firesteel-Since": main.dataset.revision }, signal });
        if (answer.status === 200) show(await answer.text());
        else if (answer.status !== 204) throw new Error(String(answer.status));
        say("on", "live");
        wait = 1000;
      } catch (error) {
        if (signal.aborted) break;
        say("lost", "connection lost: it may have ended");
        wait = Math.min(wait * 2, 30000);
      }
      await pause(wait);
    }
    if (!main.dataset.revision) say("", "ended");
  };
  const rest = () => {
    if (asking) asking.abort();
    asking = null;
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { rest(); say("", "paused"); } else follow();
  });
  if (!document.hidden) follow();
})();
