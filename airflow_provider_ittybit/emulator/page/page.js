"use strict";
// Asks for the part of the page that changes, and puts in what has changed. The server has escaped it, and the page's
// policy allows no script but this one.
const live = document.getElementById("live");
const PAUSE = 1000;

// Keeps the elements that have an id and are there before and after, so that focus and scrolling stay where they are.
function merge(place, wanted) {
  const known = new Map();
  for (const child of place.children) if (child.id) known.set(child.id, child);
  const order = Array.from(wanted.childNodes, (node) => {
    const same = node.id ? known.get(node.id) : undefined;
    if (!same) return node;
    if (same.isEqualNode(node)) return same;
    if (same.tagName !== node.tagName) return node;
    merge(same, node);
    return same;
  });
  if (order.length !== place.childNodes.length || order.some((node, number) => node !== place.childNodes[number])) {
    place.replaceChildren(...order);
  }
}

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch(live.dataset.source, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const wanted = new DOMParser().parseFromString(`<main>${await answer.text()}</main>`, "text/html").querySelector("main");
      merge(live, document.importNode(wanted, true));
      document.body.classList.remove("stale");
    } catch {
      document.body.classList.add("stale");
    }
  }
  setTimeout(refresh, PAUSE);
}

setTimeout(refresh, PAUSE);
