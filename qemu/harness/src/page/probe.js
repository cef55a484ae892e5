let forbidden = 0;
document.addEventListener("securitypolicyviolation", () => forbidden++);
window.addEventListener("load", () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  all("details").forEach((details) => details.open = true);
  const seen = (element) => element.getClientRects().length > 0;
  const color = (element) => getComputedStyle(element).backgroundColor;
  const colored = (element) => !["transparent", "rgba(0, 0, 0, 0)"].includes(color(element));
  const text = (selector) => all(selector).map((e) => e.innerText.trim()).join("").length;
  const light = color(document.body).match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
  const root = document.documentElement;
  const drawn = {
    rows: all(".events .row").filter(seen).length,
    marked: all(".grid i.kept, .grid i.lost, .grid i.mixed, .grid i.risk").filter((e) => seen(e) && colored(e)).length,
    places: all(".events .where .at").filter(seen).length,
    texts: [text("h1"), text("#answer"), text("#replay")],
    overflow: Math.max(0, root.scrollWidth - root.clientWidth),
    forbidden,
    dark: light < 3 * 128,
  };
  const answer = document.createElement("kpmem-drawn");
  answer.textContent = JSON.stringify(drawn);
  document.body.append(answer);
});
