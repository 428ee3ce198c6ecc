// Runs once the conversation is parsed, before the first paint: scrolls the
// unread line near the top, so that nothing visibly moves. Not a module:
// modules wait for the whole page.
(() => {
  const line = document.getElementById('unread');
  const box = line?.closest('.history');
  if (!box || /^#message-/u.test(location.hash)) return;
  const above = line.getBoundingClientRect().top - box.getBoundingClientRect().top;
  box.scrollTop = Math.min(0, box.scrollTop + above - 72);
})();
