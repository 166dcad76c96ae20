// Mosaic's table shows text only. Turn the addresses of JPL's pages in it into links.
const JPL = "https://ssd.jpl.nasa.gov";
const BODY = ".mosaic-widget tbody";

function link(row) {
  const cell = row.lastElementChild;
  if (!URL.canParse(cell?.innerText) || new URL(cell.innerText).origin !== JPL) return;
  const anchor = Object.assign(document.createElement("a"), {
    href: cell.innerText,
    target: "_blank",
    rel: "noopener noreferrer",
    textContent: "JPL",
  });
  cell.replaceChildren(anchor);
}

export default {
  render() {
    document.querySelectorAll(`${BODY} tr`).forEach(link);
    const observer = new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes)
        if (target.matches(BODY)) addedNodes.forEach(link);
    });
    observer.observe(document.body, { childList: true, subtree: true });
    return () => observer.disconnect();
  },
};
