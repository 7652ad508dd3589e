// Runs in the page: notes its own measures, the distance of its frames and its long tasks, until it is asked for them.
const notes = { spans: [], gaps: [], tasks: [] };
window.pilothouseNotes = notes;

const watch = (type, note) => {
  if (PerformanceObserver.supportedEntryTypes.includes(type)) {
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ entryTypes: [type] });
  }
};
watch("measure", (entry) => {
  if (entry.name.startsWith("pilothouse.")) notes.spans.push([entry.name, entry.startTime, entry.duration]);
});
watch("longtask", (entry) => notes.tasks.push(entry.duration));

let before = null;
const frame = (at) => {
  if (before !== null) notes.gaps.push(at - before);
  before = at;
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
