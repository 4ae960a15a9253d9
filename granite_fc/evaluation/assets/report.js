// Values under the pointer, and lines that can be switched off in the legend.
for (const figure of document.querySelectorAll("figure.chart")) {
  const svg = figure.querySelector("svg");
  if (!svg) continue;
  const cursor = svg.querySelector(".cursor");
  const readout = figure.querySelector(".readout");
  const lines = [...svg.querySelectorAll(".line")].map((node) => ({
    node, name: node.dataset.name, colour: node.getAttribute("stroke"), points: JSON.parse(node.dataset.points),
  }));
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    let best = null;
    for (const line of lines) {
      if (line.node.classList.contains("off")) continue;
      for (const point of line.points) {
        const distance = Math.hypot(point[0] - x, point[1] - y);
        if (!best || distance < best.distance) best = { distance, point, line };
      }
    }
    if (!best) return;
    cursor.setAttribute("visibility", "visible");
    cursor.setAttribute("cx", best.point[0]);
    cursor.setAttribute("cy", best.point[1]);
    cursor.setAttribute("fill", best.line.colour);
    readout.textContent = `${best.line.name}: ${best.point[3]} at ${best.point[2]}`;
  });
  svg.addEventListener("pointerleave", () => { cursor.setAttribute("visibility", "hidden"); readout.textContent = ""; });
  for (const button of figure.querySelectorAll(".legend button")) {
    button.addEventListener("click", () => {
      button.classList.toggle("off");
      lines.find((line) => line.name === button.dataset.name).node.classList.toggle("off");
    });
  }
}
