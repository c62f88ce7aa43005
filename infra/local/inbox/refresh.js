// Brings in what is new without a flicker: the messages are replaced only when they differ.
const EVERY_MILLISECONDS = 2000;
const messages = document.getElementById("messages");
const state = document.getElementById("state");
let tag = "";

async function refresh() {
  try {
    const response = await fetch("/", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (response.status === 200) {
      tag = response.headers.get("ETag") ?? "";
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("messages");
      if (fresh.innerHTML !== messages.innerHTML) messages.replaceChildren(...fresh.childNodes);
    }
    state.textContent = "";
  } catch {
    state.textContent = "The inbox does not answer; trying again.";
  }
  setTimeout(refresh, EVERY_MILLISECONDS);
}

setTimeout(refresh, EVERY_MILLISECONDS);
