// Runs as soon as the conversation is there, before anything is drawn: the
// line before what is new stands near the top, so that nothing is seen to
// move. Not a module: those wait for the whole page.
(() => {
  const line = document.getElementById('unread');
  const box = line?.closest('.history');
  if (!box || /^#message-/u.test(location.hash)) return;
  const above = line.getBoundingClientRect().top - box.getBoundingClientRect().top;
  box.scrollTop = Math.min(0, box.scrollTop + above - 72);
})();
