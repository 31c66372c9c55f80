// Replaces every part of the page that is marked with data-live by what the page says now. Without this script a page is read by
// loading it anew; nothing else depends on it.
"use strict";

(() => {
  const parts = [...document.querySelectorAll("[data-live]")];
  if (parts.length === 0) return;
  const pause = 1000 * Math.min(...parts.map((part) => Number(part.dataset.live)));
  // What was just done is told once.
  const address = new URL(location.href);
  address.searchParams.delete("done");
  address.searchParams.delete("count");

  // Somebody types, has opened something or marks text: what they do must not vanish.
  const isBusy = (part) =>
    (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) ||
    part.querySelector("details[open]") !== null ||
    (String(getSelection()) !== "" && part.contains(getSelection().anchorNode));

  const replace = (part, fresh) => {
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const order = focused ? [...part.querySelectorAll("a, button, summary")].indexOf(focused) : -1;
    part.replaceChildren(...fresh.childNodes);
    if (order >= 0) part.querySelectorAll("a, button, summary")[order]?.focus();
  };

  const refresh = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(address, { headers: { "x-refresh": "1" }, credentials: "same-origin" });
        if (answer.redirected) {
          location.reload();
          return;
        }
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of parts) {
          const fresh = page.getElementById(part.id);
          if (fresh && !isBusy(part) && fresh.innerHTML !== part.innerHTML) replace(part, fresh);
        }
        document.body.classList.toggle("stale", !answer.ok);
      } catch {
        document.body.classList.add("stale");
      }
    }
    setTimeout(refresh, pause);
  };
  setTimeout(refresh, pause);
})();
