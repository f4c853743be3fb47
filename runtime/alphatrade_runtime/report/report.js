// Shows the values under the pointer. The page says everything without it.
for (const canvas of document.querySelectorAll(".canvas[data-curves]")) {
  const data = JSON.parse(canvas.dataset.curves);
  const cursor = canvas.querySelector(".cursor");
  const text = cursor.appendChild(document.createElement("span"));
  const nearest = (xs, x) => {
    let low = 0, high = xs.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (xs[middle] < x) low = middle + 1; else high = middle;
    }
    return low > 0 && x - xs[low - 1] < xs[low] - x ? low - 1 : low;
  };
  const show = (event) => {
    const box = canvas.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    const lines = [new Date(data.t0 + share * (data.t1 - data.t0)).toISOString().slice(0, 19).replace("T", " ")];
    for (const curve of data.curves) {
      const value = curve.v[nearest(curve.x, share * 1000)];
      lines.push(curve.name + "  " + value.toLocaleString("en", { maximumFractionDigits: 2 }));
    }
    text.textContent = lines.join("\n");
    cursor.style.display = "block";
    cursor.style.left = share * 100 + "%";
    cursor.classList.toggle("left", share > 0.6);
  };
  canvas.addEventListener("pointermove", show);
  canvas.addEventListener("pointerdown", show);
  canvas.addEventListener("pointerleave", () => { cursor.style.display = "none"; });
}
