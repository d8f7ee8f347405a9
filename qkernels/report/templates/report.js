"use strict";

// A click on a heading sorts, the next turns the order round, the third brings the order of the network back.
// Cells without a figure stay last.
(() => {
  const key = (row, index) => row.cells[index].dataset.sort;
  const compare = (a, b) => {
    const x = Number(a), y = Number(b);
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, undefined, {numeric: true}) : x - y;
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const headings = Array.from(table.tHead.rows[table.tHead.rows.length - 1].cells);
    const body = table.tBodies[0];
    const network = Array.from(body.rows);
    headings.forEach((heading, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort");
        const down = before === "ascending";
        headings.forEach((other) => other.removeAttribute("aria-sort"));
        if (before === "descending") {
          body.append(...network);
          return;
        }
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = Array.from(network);
        rows.sort((a, b) => {
          const x = key(a, index), y = key(b, index);
          if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
          return down ? compare(y, x) : compare(x, y);
        });
        body.append(...rows);
      });
    });
  }
})();

// Charts are drawn on canvases, which no style sheet reaches: their text and lines take the page's colours here,
// again when the colour scheme changes, and before and after printing.
(() => {
  if (typeof Bokeh === "undefined") return;
  const paint = () => {
    const style = getComputedStyle(document.documentElement);
    const [ink, soft, grid] = ["--ink", "--soft", "--grid"].map((name) => style.getPropertyValue(name).trim());
    for (const doc of Bokeh.documents) {
      for (const model of doc._all_models.values()) {
        if ("major_label_text_color" in model) {
          Object.assign(model, {major_label_text_color: ink, axis_label_text_color: soft});
          if (model.major_tick_line_color !== null) model.major_tick_line_color = soft;
        } else if ("grid_line_color" in model) {
          model.grid_line_color = grid;
        } else if (model.tags.includes("ink")) {
          if (model.glyph) model.glyph.line_color = {value: ink};
          else model.line_color = ink;
        }
      }
    }
  };
  const whenReady = (left) => {
    if (Bokeh.documents.length > 0) paint();
    else if (left > 0) setTimeout(() => whenReady(left - 1), 50);
  };
  whenReady(200);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  matchMedia("print").addEventListener("change", paint);
})();
